"""Are we getting what we pay for? Every figure of the metrics table, from staged SQL.

Stage one picks the requests that the filters name. Stage two makes observations of them: one row each time something
that is measured ended. Stage three sums the observations up, for the whole period and for each part of it. Money is
added up exactly; durations and shares are real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, SupportsInt

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    extract,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.queries.facts import Money, Work, facts
from ods_core.queries.metrics import METRICS, Metric, Summary, Unit
from ods_core.store import tables as t

MAX_MONTHS = 240
_DELIVERABLES = "deliverables"


@dataclass(frozen=True, slots=True)
class OutcomeFilter:
    """What is measured; None: everything. Months are texts such as `2026-04`, both included."""

    from_month: str | None = None
    to_month: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    project_tag: str | None = None
    currency: str | None = None


class Figure(NamedTuple):
    """One value and the number of observations it rests on; None where there are none."""

    value: float | Decimal | None
    n: int


NOTHING = Figure(None, 0)


_YEAR = 100
"""So far apart are the numbers of the first parts of two years."""


class Step(StrEnum):
    """How long a part of a series is. A week belongs to the year that ISO 8601 gives it, and begins on Monday."""

    MONTH = "month"
    QUARTER = "quarter"
    WEEK = "week"

    def first_of(self, day: date) -> date:
        """The first day of the part that a day is in."""
        if self == Step.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(month=day.month - (day.month - 1) % 3 if self == Step.QUARTER else day.month, day=1)

    def after(self, first: date) -> date:
        """The first day of the next part."""
        return self.first_of(first + timedelta(days={Step.MONTH: 31, Step.QUARTER: 92, Step.WEEK: 7}[self]))

    def of(self, day: ColumnElement[Any]) -> ColumnElement[Any]:
        """The part that a column's days are in, as one number: the year, and which of its months, quarters, weeks."""
        year = "isoyear" if self == Step.WEEK else "year"
        return extract(year, day) * literal_column(str(_YEAR)) + extract(self.value, day)

    def read(self, part: SupportsInt) -> date:
        """The first day of the part that such a number is of."""
        year, place = divmod(int(part), _YEAR)
        if self == Step.WEEK:
            return date.fromisocalendar(year, place, 1)
        return date(year, place if self == Step.MONTH else place * 3 - 2, 1)

    def text(self, first: date) -> str:
        """A part's name: `2026-04`, `2026-Q2`, `2026-W17`."""
        if self == Step.QUARTER:
            return f"{first.year}-Q{(first.month + 2) // 3}"
        return f"{first:%G-W%V}" if self == Step.WEEK else month_text(first)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months; `first` and `last` are the first days of the first and the last of them."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The moment it begins."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The moment it is over; itself outside."""
        return midnight(_month_after(self.last))

    def months(self) -> list[date]:
        """The first day of each month."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(_month_after(found[-1]))
        return found

    def parts(self, step: Step) -> list[date]:
        """The first day of each part; the first and the last may reach beyond the period, and are counted within it."""
        found, end = [step.first_of(self.first)], self.end.date()
        while (following := step.after(found[-1])) < end:
            found.append(following)
        return found

    def before(self) -> Period:
        """The period of the same length that ends where this one begins."""
        first = self.first
        for _ in self.months():
            first = (first - timedelta(days=1)).replace(day=1)
        return Period(first, (self.first - timedelta(days=1)).replace(day=1))


def month_text(day: date) -> str:
    """`2026-04`."""
    return f"{day:%Y-%m}"


def _month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def outcomes(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, step: Step = Step.MONTH
) -> dict[str, Any]:
    """Every figure, for the period and part by part of it.

    Returns:
        `{"from", "to", "filters", "metrics": [{"key", "unit", "value", "n", "currency"?, "series": [{"period",
        "value", "n"}]}]}`. Money is `Decimal` with the currency's decimals, everything else a float; `value` is None
        where `n` is 0. Figures that are as of now have an empty series.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    period = period_of(connection, caller, wanted, now)
    figures = _over_time(connection, _Asked(caller, wanted, period, now), step)
    named_parts = [(first, step.text(first)) for first in period.parts(step)]
    # A figure of money stands there once even where there is no money at all.
    known = sorted({currency for _, currency, _ in figures if currency})
    currencies: Sequence[str | None] = known or [wanted.currency]
    return {
        "from": month_text(period.first),
        "to": month_text(period.last),
        "filters": {
            "organization_id": wanted.organization_id,
            "workspace_id": wanted.workspace_id,
            "project_tag": wanted.project_tag,
            "currency": wanted.currency,
        },
        "metrics": [
            _entry(metric, currency, figures, named_parts)
            for metric in METRICS.values()
            for currency in (currencies if metric.per_currency else [None])
        ],
    }


Figures = Mapping[tuple[str, str | None], Figure]
"""Figures by (key, currency or None)."""


def by_organization(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, *, money: bool = True
) -> dict[str, Figures]:
    """The figures of each organisation, by its id.

    Args:
        money: also those of money; otherwise these are left out.

    Raises:
        Invalid: as `outcomes` does.
    """
    asked = _Asked(caller, wanted, period_of(connection, caller, wanted, now), now)
    return _broken_down(connection, asked, lambda rows: _Split(rows, rows, rows.c.organization_id), money)


def by_workspace(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, *, money: bool = True
) -> dict[str, Figures]:
    """The figures of each workspace, as `by_organization` has those of organisations."""
    asked = _Asked(caller, wanted, period_of(connection, caller, wanted, now), now)
    return _broken_down(connection, asked, lambda rows: _Split(rows, rows, rows.c.workspace_id), money)


def by_tag(
    connection: Connection,
    caller: Caller,
    wanted: OutcomeFilter,
    now: datetime,
    tags: Sequence[str],
    *,
    money: bool = True,
) -> dict[str, Figures]:
    """The figures of each of some tags, likewise; a request with two of them counts for both.

    Raises:
        Invalid: as `outcomes` does.
    """
    if not tags:
        return {}
    asked = _Asked(caller, wanted, period_of(connection, caller, wanted, now), now)
    tagged = _tagged(tags)

    def split(rows: FromClause) -> _Split:
        return _Split(rows, rows.join(tagged, tagged.c.request == rows.c.request), tagged.c.tag)

    return _broken_down(connection, asked, split, money)


def _tagged(tags: Sequence[str]) -> CTE:
    """(request, tag) of the requests that carry one of some tags."""
    r = t.requests.c
    of = [select(r.number.label("request"), literal(tag).label("tag")).where(is_tagged(tag)) for tag in tags]
    return union_all(*of).cte("tagged")


def period_of(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> Period:
    """The months that a filter means: without bounds, from the first request to now.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    last = _read_month("/to", wanted.to_month) or now.date().replace(day=1)
    first = _read_month("/from", wanted.from_month)
    if first is None:
        first = min(_first_month(connection, caller, wanted) or last, last)
    if first > last:
        raise Invalid.at("/from", f"expected {month_text(last)} or earlier, the month the period ends with")
    if (last.year - first.year) * 12 + last.month - first.month >= MAX_MONTHS:
        raise Invalid.at("/from", f"expected a period of at most {MAX_MONTHS} months")
    return Period(first, last)


def _read_month(pointer: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  # a month has no zone
    except ValueError:
        raise Invalid.at(pointer, "expected a month such as 2026-04") from None


def _first_month(connection: Connection, caller: Caller, wanted: OutcomeFilter) -> date | None:
    r = t.requests
    earliest = select(func.min(r.c.created_at)).where(*named(r, r.c.number, caller, wanted))
    first: datetime | None = connection.execute(earliest).scalar()
    return first.date().replace(day=1) if first else None


# Which rows the filters name.


def named(
    rows: FromClause, request: ColumnElement[Any], caller: Caller, wanted: OutcomeFilter
) -> list[ColumnElement[bool]]:
    """A filter and what the caller sees, as conditions on rows that have owner, currency and request number."""
    asked = [
        (rows.c.organization_id, caller.organization_id),
        (rows.c.workspace_id, caller.workspace_id),
        (rows.c.organization_id, wanted.organization_id),
        (rows.c.workspace_id, wanted.workspace_id),
        (rows.c.currency, wanted.currency),
    ]
    made: list[ColumnElement[bool]] = [column == value for column, value in asked if value is not None]
    if wanted.project_tag is not None:
        tagged = select(t.requests.c.number).where(is_tagged(wanted.project_tag))
        made.append(request.in_(tagged))
    return made


def is_tagged(project_tag: str) -> ColumnElement[bool]:
    """Whether a request carries a tag; tags are plain identifiers, so that a quoted one can only be a whole one."""
    return func.strpos(type_coerce(t.requests.c.project_tags, Text), f'"{project_tag}"') > 0


# What they come to.

Key = tuple[str, str | None, date | str | None]
"""A metric's key, its currency (None: not money), and the part of the period (None: all of it)."""

_SEEN: Mapping[str, tuple[Work, str]] = {
    "scoping": (Work.SCOPED, "days"),
    "won": (Work.SCOPED, "hit"),
    "confirmation": (Work.CONFIRMED, "days"),
    "price_to_budget": (Work.CONFIRMED, "ratio"),
    "lead": (Work.COMPLETED, "days"),
    "remediations": (Work.COMPLETED, "remediations"),
    "remediation_free": (Work.COMPLETED, "hit"),
    "cycle": (Work.CYCLE_ACCEPTED, "days"),
    "variance": (Work.CYCLE_COMPLETED, "days"),
    "on_time": (Work.CYCLE_COMPLETED, "hit"),
    "remediation_days": (Work.REMEDIATED, "days"),
    "review": (Work.DECIDED, "days"),
    "rejection": (Work.DECIDED, "hit"),
    "first_time": (Work.DECIDED, "first"),
}
"""Where the facts have what the metrics table observes: in which rows, and in which of their columns."""

_MEASURED = sorted({column for _, column in _SEEN.values()})
_WITH_PERCENTILES = sorted(
    {_SEEN[m.observation][1] for m in METRICS.values() if m.summary in (Summary.MEDIAN, Summary.P85)}
)
_OF_WORK: Mapping[int, Sequence[tuple[Metric, str]]] = {
    kind: [
        (metric, _SEEN[metric.observation][1])
        for metric in METRICS.values()
        if not metric.per_currency and _SEEN[metric.observation][0] == kind
    ]
    for kind in Work
}

_PAID: Mapping[str, tuple[Money, str]] = {
    "delivered": (Money.DELIVERED, "amount"),
    "received": (Money.RECEIVED, "amount"),
    "paid": (Money.PAID, "amount"),
    "committed": (Money.COMMITTED, "amount"),
    "open": (Money.OPEN, "amount"),
    "overdue": (Money.OPEN, "late"),
}
"""The same of money: in which rows, and whether all of them count or those whose day has passed."""

_OF_MONEY: Mapping[int, Sequence[tuple[Metric, str]]] = {
    kind: [
        (metric, _PAID[metric.observation][1])
        for metric in METRICS.values()
        if metric.per_currency and _PAID[metric.observation][0] == kind
    ]
    for kind in Money
}


_PERCENTILES: ColumnElement[Any] = literal_column("ARRAY[0.5, 0.85]")
_PLACES = {Summary.MEDIAN: 0, Summary.P85: 1}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose figures are wanted, and when."""

    caller: Caller
    wanted: OutcomeFilter
    period: Period
    now: datetime


@dataclass(frozen=True, slots=True)
class _Split:
    """Facts, where they are read from, and what they are grouped by beside their kind; None: nothing."""

    rows: FromClause
    source: FromClause
    by: ColumnElement[Any] | None


def _over_time(connection: Connection, asked: _Asked, step: Step) -> dict[Key, Figure]:
    """Every figure, of the whole and of each part of it.

    Medians of the whole do not follow from those of its parts: what took time is read twice, which takes DuckDB less
    than to group it twice at once. Amounts are read once, and added up.
    """
    read, found = facts(connection), dict[Key, Figure]()
    for split in (None, step.of(read.work.c.ended_on)):
        for part, figures in _work_figures(connection, _work_summed(asked, _Split(read.work, read.work, split))):
            first = None if split is None else step.read(part)
            found.update({(key, None, first): figure for key, figure in figures})
    by_step = _Split(read.money, read.money, step.of(read.money.c.ended_on))
    amounts = [*_rows(connection, _money_summed(asked, by_step))]
    for row in amounts:
        # What has no day is the whole's alone.
        if row["part"] is not None:
            first = step.read(row["part"])
            found.update({(key, row["currency"], first): figure for key, figure in _money_figures(row)})
    for row in _added(amounts):
        found.update({(key, row["currency"], None): figure for key, figure in _money_figures(row)})
    return found


def _broken_down(
    connection: Connection, asked: _Asked, split: Callable[[FromClause], _Split], money: bool
) -> dict[str, Figures]:
    """The figures of each of those whom they belong to."""
    read, found = facts(connection), dict[str, dict[tuple[str, str | None], Figure]]()
    for part, figures in _work_figures(connection, _work_summed(asked, split(read.work))):
        found.setdefault(part, {}).update({(key, None): figure for key, figure in figures})
    for row in _rows(connection, _money_summed(asked, split(read.money))) if money else ():
        told = {(key, row["currency"]): figure for key, figure in _money_figures(row)}
        found.setdefault(row["part"], {}).update(told)
    return dict(sorted(found.items()))


def _rows(connection: Connection, statement: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """Rows as plain dictionaries, one at a time: SQLAlchemy's take longer to look a name up."""
    found = connection.execute(statement)
    names = [*found.keys()]
    for row in found.all():
        yield dict(zip(names, row, strict=True))


def within(rows: FromClause, period: Period) -> ColumnElement[bool]:
    """Whether facts ended in a period."""
    return and_(rows.c.ended_on >= period.first, rows.c.ended_on < period.end.date())


def _summed(asked: _Asked, split: _Split, within: ColumnElement[bool], *columns: ColumnElement[Any]) -> Select[Any]:
    """Some sums over the facts that are asked for, by kind and part."""
    by: ColumnElement[Any] = null() if split.by is None else split.by
    conditions = named(split.rows, split.rows.c.request, asked.caller, asked.wanted)
    summed = select(split.rows.c.kind, by.label("part"), *columns).select_from(split.source).where(within, *conditions)
    return summed.group_by(split.rows.c.kind, *([] if split.by is None else [by]))


def _work_summed(asked: _Asked, split: _Split) -> Select[Any]:
    c = split.rows.c
    return _summed(
        asked,
        split,
        within(split.rows, asked.period),
        *[func.count(c[name]).label(f"n_{name}") for name in _MEASURED],
        *[func.sum(c[name]).label(f"total_{name}") for name in (*_MEASURED, "deliverables")],
        *[_percentiles(c[name]).label(f"percentiles_{name}") for name in _WITH_PERCENTILES],
    )


def _percentiles(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Both at once, as a list; the rows are then put in order once."""
    return type_coerce(func.percentile_cont(_PERCENTILES).within_group(column), NullType())


_SUMS = ("n_amount", "amount", "weighted", "n_late", "late")


def _money_summed(asked: _Asked, split: _Split) -> Select[Any]:
    c = split.rows.c
    is_late = c.due_at < asked.now
    # What has no day tells how things stand, and belongs to every period.
    belongs = or_(within(split.rows, asked.period), c.ended_on.is_(None))
    return _summed(
        asked,
        split,
        belongs,
        c.currency,
        func.count().label("n_amount"),
        func.sum(c.amount).label("amount"),
        func.sum(c.amount * c.days).label("weighted"),
        func.count().filter(is_late).label("n_late"),
        func.sum(c.amount).filter(is_late).label("late"),
    ).group_by(c.currency)


def _added(rows: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The sums of all parts, a row for each kind and currency."""
    added: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        named = {"kind": row["kind"], "currency": row["currency"]}
        whole = added.setdefault((row["kind"], row["currency"]), named | dict.fromkeys(_SUMS, 0))
        for name in _SUMS:
            if row[name] is not None:
                # An amount of nothing, where a receipt was taken back, stays an amount.
                whole[name] += row[name]
    return added.values()


def _work_figures(connection: Connection, statement: Select[Any]) -> Iterator[tuple[Any, list[tuple[str, Figure]]]]:
    """What durations, shares and counts come to: of each row its part, and its figures by their keys.

    By place, not by name: of five hundred organisations there are thousands of rows, which DuckDB sums up in less time
    than it takes to look so many names up.
    """
    found = connection.execute(statement)
    at = {name: place for place, name in enumerate(found.keys())}
    readers = {kind: [_reader(metric, column, at) for metric, column in told] for kind, told in _OF_WORK.items()}
    kind, part, deliverables, completed = (at[n] for n in ("kind", "part", "total_deliverables", "n_days"))
    for row in found.all():
        told = [(key, Figure(value(row), n)) for key, count, value in readers[row[kind]] if (n := row[count])]
        if row[kind] == Work.COMPLETED:
            told.append((_DELIVERABLES, Figure(float(row[deliverables]), row[completed])))
        yield row[part], told


def _reader(metric: Metric, column: str, at: Mapping[str, int]) -> tuple[str, int, Callable[[Any], float]]:
    """A metric's key, where a row has how much it rests on, and how its value is read out of the row."""
    count, total = at[f"n_{column}"], at[f"total_{column}"]
    if metric.summary in _PLACES:
        both, place = at[f"percentiles_{column}"], _PLACES[metric.summary]
        return metric.key, count, lambda row: float(row[both][place])
    if metric.summary == Summary.MEAN:
        return metric.key, count, lambda row: float(row[total]) / row[count]
    return metric.key, count, lambda row: float(row[total])


def _money_figures(row: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """What one row of amounts says, by its key."""
    for metric, column in _OF_MONEY[row["kind"]]:
        if n := row[f"n_{column}"]:
            yield metric.key, Figure(_money_value(metric, column, row), n)


def _money_value(metric: Metric, column: str, row: Mapping[str, Any]) -> Decimal | float:
    if metric.summary == Summary.WEIGHTED:
        return float(row["weighted"] / row["amount"])
    return amount_json(row[column], row["currency"])


# The answer.


def _entry(
    metric: Metric, currency: str | None, figures: Mapping[Key, Figure], named_parts: Sequence[tuple[date, str]]
) -> dict[str, Any]:
    whole = figures.get((metric.key, currency, None), NOTHING)
    told = () if metric.as_of_now else named_parts
    parts = [(name, figures.get((metric.key, currency, first), NOTHING)) for first, name in told]
    return {
        "key": metric.key,
        "unit": metric.unit.value,
        "value": whole.value,
        "n": whole.n,
        **({"currency": currency} if currency else {}),
        **(_per_deliverable(figures) if metric.unit == Unit.CYCLES else {}),
        "series": [{"period": name, "value": f.value, "n": f.n} for name, f in parts],
    }


def _per_deliverable(figures: Mapping[Key, Figure]) -> dict[str, float | None]:
    """Remediation cycles per accepted deliverable, over the same scopes as those per scope."""
    scopes = figures.get(("remediation_cycles_per_scope", None, None), NOTHING)
    deliverables = figures.get((_DELIVERABLES, None, None), NOTHING)
    if scopes.value is None or not deliverables.value:
        return {"per_accepted_deliverable": None}
    return {"per_accepted_deliverable": float(scopes.value) * scopes.n / float(deliverables.value)}
