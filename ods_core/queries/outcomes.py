"""Are we getting what we pay for? Every figure of the metrics table, from staged SQL.

Stage one picks the requests that the filters name. Stage two makes observations of them: one row each time something
that is measured ended. Stage three sums the observations up, for the whole period and for each part of it. Money is
added up exactly; durations and shares are real numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Date,
    Double,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    extract,
    func,
    literal_column,
    null,
    select,
    tuple_,
    type_coerce,
    union_all,
)

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, Decision, PaymentStatus, ScopeStatus
from ods_core.queries.metrics import METRICS, Metric, Summary, Unit
from ods_core.queries.receipts import last_receipts
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

MAX_MONTHS = 240
SECONDS_A_DAY = 86_400
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


@dataclass(frozen=True, slots=True)
class Figure:
    """One value and the number of observations it rests on; None where there are none."""

    value: float | Decimal | None
    n: int


NOTHING = Figure(None, 0)


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
        found = [step.first_of(self.first)]
        while (following := step.after(found[-1])) < self.end.date():
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
    figures = _figures(connection, caller, wanted, period, now, step.value)
    # A figure of money stands there once even where there is no money at all.
    named = sorted({currency for _, currency, _ in figures if currency})
    currencies: Sequence[str | None] = named or [wanted.currency]
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
            _entry(metric, currency, figures, period, step)
            for metric in METRICS.values()
            for currency in (currencies if metric.per_currency else [None])
        ],
    }


def by_organization(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime
) -> dict[str, dict[tuple[str, str | None], Figure]]:
    """The figures of each organisation: by its id, then by (key, currency or None).

    Raises:
        Invalid: as `outcomes` does.
    """
    return _by_owner(connection, caller, wanted, now, "organization_id")


def by_workspace(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime
) -> dict[str, dict[tuple[str, str | None], Figure]]:
    """The figures of each workspace, as `by_organization` has those of organisations."""
    return _by_owner(connection, caller, wanted, now, "workspace_id")


def by_tag(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, tags: Sequence[str]
) -> dict[str, dict[tuple[str, str | None], Figure]]:
    """The figures of each of some tags; a request with two of them counts for both.

    Raises:
        Invalid: as `outcomes` does.
    """
    period = period_of(connection, caller, wanted, now)
    found: dict[str, dict[tuple[str, str | None], Figure]] = {}
    for tag in tags:
        figures = _figures(connection, caller, replace(wanted, project_tag=tag), period, now, Step.MONTH.value)
        whole = {(key, currency): figure for (key, currency, part), figure in figures.items() if part is None}
        if whole:
            found[tag] = whole
    return found


def _by_owner(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, part: str
) -> dict[str, dict[tuple[str, str | None], Figure]]:
    period = period_of(connection, caller, wanted, now)
    figures = _figures(connection, caller, wanted, period, now, part)
    found: dict[str, dict[tuple[str, str | None], Figure]] = {}
    for (key, currency, id), figure in figures.items():
        if isinstance(id, str):
            found.setdefault(id, {})[key, currency] = figure
    return dict(sorted(found.items()))


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
    chosen = _chosen(caller, wanted)
    first: datetime | None = connection.execute(select(func.min(chosen.c.created_at))).scalar()
    return first.date().replace(day=1) if first else None


# Stage one: the requests that the filters name.


def _chosen(caller: Caller, wanted: OutcomeFilter) -> CTE:
    r = t.requests
    named = (r.c.id, r.c.organization_id, r.c.workspace_id, r.c.created_at, r.c.scoped_at, r.c.budget_max)
    statement = narrowed(select(*named), r, caller)
    for column in (r.c.organization_id, r.c.workspace_id, r.c.currency):
        value = getattr(wanted, column.name)
        if value is not None:
            statement = statement.where(column == value)
    if wanted.project_tag is not None:
        statement = statement.where(is_tagged(wanted.project_tag))
    return statement.cte("chosen")


def is_tagged(project_tag: str) -> ColumnElement[bool]:
    """Whether a request carries a tag; tags are plain identifiers, so that a quoted one can only be a whole one."""
    return func.strpos(type_coerce(t.requests.c.project_tags, Text), f'"{project_tag}"') > 0


# Stage two: observations.


def _days(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    return extract("epoch", end - start) / cast(literal_column(str(SECONDS_A_DAY)), Double)


def _hit(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, literal_column("1")), else_=literal_column("0"))


@dataclass(frozen=True, slots=True)
class _Observed:
    """One kind of observation: which rows, when each ended, and what it came to."""

    rows: FromClause
    ended_at: ColumnElement[Any]
    value: ColumnElement[Any]
    where: ColumnElement[bool] | None = None


def _observed(chosen: CTE) -> Mapping[str, _Observed]:
    """What is observed, by the name that the metrics table gives it."""
    return {**_of_requests(chosen), **_of_work(chosen), **_of_completed_scopes(chosen)}


def _of_requests(chosen: CTE) -> dict[str, _Observed]:
    s = t.scopes
    bought = select(s.c.request_id).where(s.c.confirmed_at.is_not(None)).distinct().subquery("bought")
    scopes = chosen.join(s, and_(s.c.request_id == chosen.c.id, s.c.confirmed_at.is_not(None)))
    with_outcome = chosen.outerjoin(bought, bought.c.request_id == chosen.c.id)
    ratio = cast(s.c.fixed_price, Double) / cast(chosen.c.budget_max, Double)
    return {
        "scoping": _Observed(chosen, chosen.c.scoped_at, _days(chosen.c.created_at, chosen.c.scoped_at)),
        "won": _Observed(with_outcome, chosen.c.scoped_at, _hit(bought.c.request_id.is_not(None))),
        "confirmation": _Observed(scopes, s.c.confirmed_at, _days(s.c.proposed_at, s.c.confirmed_at)),
        "lead": _Observed(scopes, s.c.completed_at, _days(chosen.c.created_at, s.c.completed_at)),
        "price_to_budget": _Observed(scopes, s.c.confirmed_at, ratio, chosen.c.budget_max.is_not(None)),
    }


def _of_work(chosen: CTE) -> dict[str, _Observed]:
    c, a = t.cycles, t.attempts
    cycles, attempts = chosen.join(c, c.c.request_id == chosen.c.id), chosen.join(a, a.c.request_id == chosen.c.id)
    delivery, remediation = c.c.kind == CycleKind.DELIVERY, c.c.kind == CycleKind.REMEDIATION
    late = cast(c.c.completed_at, Date) - c.c.planned_end
    taken = _days(c.c.started_at, c.c.accepted_at)
    accepted = a.c.decision == Decision.ACCEPTED
    return {
        "cycle": _Observed(cycles, c.c.accepted_at, taken, delivery),
        "variance": _Observed(cycles, c.c.completed_at, late, delivery),
        "on_time": _Observed(cycles, c.c.completed_at, _hit(late <= literal_column("0", Integer)), delivery),
        "remediation_days": _Observed(cycles, c.c.accepted_at, taken, remediation),
        "review": _Observed(attempts, a.c.decided_at, _days(a.c.ready_at, a.c.decided_at)),
        "rejection": _Observed(attempts, a.c.decided_at, _hit(a.c.decision == Decision.REJECTED)),
        "first_time": _Observed(attempts, a.c.decided_at, _hit(a.c.attempt == 1), accepted),
    }


def _of_completed_scopes(chosen: CTE) -> dict[str, _Observed]:
    s, c, d = t.scopes, t.cycles, t.deliverables
    mended = select(c.c.scope_id, func.count().label("n")).where(c.c.kind == CycleKind.REMEDIATION)
    remediations = mended.group_by(c.c.scope_id).subquery("remediations")
    made = select(d.c.scope_id, func.count().label("n")).group_by(d.c.scope_id).subquery("made")
    scopes = chosen.join(s, s.c.request_id == chosen.c.id)
    with_remediations = scopes.outerjoin(remediations, remediations.c.scope_id == s.c.id)
    count = func.coalesce(remediations.c.n, literal_column("0"))
    return {
        "remediations": _Observed(with_remediations, s.c.completed_at, count),
        "remediation_free": _Observed(with_remediations, s.c.completed_at, _hit(remediations.c.n.is_(None))),
        # All deliverables of a completed scope are accepted: what "per accepted deliverable" divides by.
        _DELIVERABLES: _Observed(scopes.join(made, made.c.scope_id == s.c.id), s.c.completed_at, made.c.n),
    }


def _observations(chosen: CTE, period: Period) -> CTE:
    """Every observation that ended in the period, with the parts of it that it is in."""
    made = [
        select(
            literal_column(f"'{name}'").label("observation"),
            chosen.c.organization_id,
            chosen.c.workspace_id,
            o.ended_at.label("ended_at"),
            cast(o.value, Double).label("value"),
        )
        .select_from(o.rows)
        .where(*_within(o.ended_at, period), *([] if o.where is None else [o.where]))
        for name, o in _observed(chosen).items()
    ]
    return _dated(union_all(*made).cte("observations"))


def _within(ended_at: ColumnElement[Any], period: Period) -> list[ColumnElement[bool]]:
    return [ended_at >= period.start, ended_at < period.end]


def _dated(observations: CTE) -> CTE:
    ended_at = observations.c.ended_at
    firsts = [cast(func.date_trunc(literal_column(f"'{s}'"), ended_at), Date).label(s.value) for s in Step]
    return select(observations, *firsts).cte("dated")


# Stage three: what they come to.

Key = tuple[str, str | None, date | str | None]
"""A metric's key, its currency (None: not money), and the part of the period (None: all of it)."""


def _figures(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, period: Period, now: datetime, part: str
) -> dict[Key, Figure]:
    """Every figure there is, for the whole and for each `part` (a `Step`, or whom it belongs to)."""
    chosen = _chosen(caller, wanted)
    found: dict[Key, Figure] = {}
    for row in _rows(connection, _summed_up(_observations(chosen, period), part)):
        _read_observed(row, found)
    for amounts in (_money_in_period(chosen, period), _money_now(chosen, now)):
        for row in _rows(connection, _added_up(amounts, part)):
            _read_money(row, found)
    return found


def _rows(connection: Connection, statement: Select[Any]) -> Sequence[Any]:
    return connection.execute(statement).mappings().all()


def _summed_up(dated: CTE, part: str) -> Select[Any]:
    value = dated.c.value
    groups = func.grouping_sets(tuple_(dated.c.observation), tuple_(dated.c.observation, dated.c[part]))
    return select(
        dated.c.observation,
        dated.c[part].label("part"),
        func.count().label("n"),
        func.percentile_cont(literal_column("0.5")).within_group(value).label(Summary.MEDIAN),
        func.percentile_cont(literal_column("0.85")).within_group(value).label(Summary.P85),
        func.avg(value).label(Summary.MEAN),
        func.sum(value).label(Summary.TOTAL),
    ).group_by(groups)


def _added_up(amounts: CTE, part: str) -> Select[Any]:
    by = (amounts.c.observation, amounts.c.currency)
    return select(
        *by,
        amounts.c[part].label("part"),
        func.count().label("n"),
        func.sum(amounts.c.amount).label("amount"),
        func.sum(amounts.c.weighted).label("weighted"),
    ).group_by(func.grouping_sets(tuple_(*by), tuple_(*by, amounts.c[part])))


def _money_in_period(chosen: CTE, period: Period) -> CTE:
    """What was delivered, received and paid, with the moment; `weighted` is the amount times the days it took."""
    s, r, p, last = t.scopes, t.receipts, t.payments, last_receipts()
    received_at, paid_at = cast(r.c.received_on, t.UtcTime), cast(last.c.paid_on, t.UtcTime)
    days = last.c.paid_on - cast(p.c.triggered_at, Date)
    delivered = _amounts("delivered", chosen, s, s.c.fixed_price, s.c.completed_at)
    # A reversal is an entry of a negative amount, and counts on its own day.
    received = _amounts("received", chosen, r, r.c.amount, received_at)
    # A milestone of nothing is paid as it falls due and has no receipt; the join leaves it out.
    paid = _amounts("paid", chosen, p, p.c.amount, paid_at, p.c.amount * days).join(last, last.c.payment_id == p.c.id)
    return _dated(
        union_all(
            delivered.where(*_within(s.c.completed_at, period)),
            received.where(*_within(received_at, period)),
            paid.where(*_within(paid_at, period), p.c.status == PaymentStatus.PAID),
        ).cte("amounts")
    )


def _money_now(chosen: CTE, now: datetime) -> CTE:
    """What is committed, open and overdue at this moment; it belongs to no month."""
    s, p = t.scopes, t.payments
    committed = _amounts("committed", chosen, s, s.c.fixed_price).where(s.c.status == ScopeStatus.ACTIVE)
    unpaid = (p.c.status == PaymentStatus.DUE, p.c.amount > p.c.paid)
    due = _amounts("open", chosen, p, p.c.amount - p.c.paid).where(*unpaid)
    late = _amounts("overdue", chosen, p, p.c.amount - p.c.paid).where(*unpaid, p.c.due_at < now)
    return _dated(union_all(committed, due, late).cte("amounts"))


def _amounts(
    name: str,
    chosen: CTE,
    table: Table,
    amount: ColumnElement[Any],
    ended_at: ColumnElement[Any] | None = None,
    weighted: ColumnElement[Any] | None = None,
) -> Select[Any]:
    return select(
        literal_column(f"'{name}'").label("observation"),
        chosen.c.organization_id,
        chosen.c.workspace_id,
        table.c.currency,
        cast(amount, t.Money).label("amount"),
        cast(literal_column("0") if weighted is None else weighted, Numeric(38, 4)).label("weighted"),
        (cast(null(), t.UtcTime) if ended_at is None else ended_at).label("ended_at"),
    ).select_from(chosen.join(table, table.c.request_id == chosen.c.id))


_BY_OBSERVATION: Mapping[tuple[str, bool], list[Metric]] = {
    (m.observation, m.per_currency): [
        n for n in METRICS.values() if (n.observation, n.per_currency) == (m.observation, m.per_currency)
    ]
    for m in METRICS.values()
}


def _read_observed(row: Mapping[str, Any], found: dict[Key, Figure]) -> None:
    """Add what one row of durations, shares and counts says."""
    if row["observation"] == _DELIVERABLES:
        found[_DELIVERABLES, None, row["part"]] = Figure(row[Summary.TOTAL], row["n"])
        return
    for metric in _BY_OBSERVATION[row["observation"], False]:
        found[metric.key, None, row["part"]] = Figure(float(row[metric.summary]), row["n"])


def _read_money(row: Mapping[str, Any], found: dict[Key, Figure]) -> None:
    """Add what one row of amounts says."""
    for metric in _BY_OBSERVATION[row["observation"], True]:
        found[metric.key, row["currency"], row["part"]] = Figure(_money_value(metric, row), row["n"])


def _money_value(metric: Metric, row: Mapping[str, Any]) -> Decimal | float:
    if metric.summary == Summary.WEIGHTED:
        return float(row["weighted"] / row["amount"])
    return amount_json(row["amount"], row["currency"])


# The answer.


def _entry(
    metric: Metric, currency: str | None, figures: Mapping[Key, Figure], period: Period, step: Step
) -> dict[str, Any]:
    whole = figures.get((metric.key, currency, None), NOTHING)
    firsts: Sequence[date] = [] if metric.as_of_now else period.parts(step)
    parts = [(first, figures.get((metric.key, currency, first), NOTHING)) for first in firsts]
    return {
        "key": metric.key,
        "unit": metric.unit.value,
        "value": whole.value,
        "n": whole.n,
        **({"currency": currency} if currency else {}),
        **(_per_deliverable(figures) if metric.unit == Unit.CYCLES else {}),
        "series": [{"period": step.text(first), "value": f.value, "n": f.n} for first, f in parts],
    }


def _per_deliverable(figures: Mapping[Key, Figure]) -> dict[str, float | None]:
    """Remediation cycles per accepted deliverable, over the same scopes as those per scope."""
    scopes = figures.get(("remediation_cycles_per_scope", None, None), NOTHING)
    deliverables = figures.get((_DELIVERABLES, None, None), NOTHING)
    if scopes.value is None or not deliverables.value:
        return {"per_accepted_deliverable": None}
    return {"per_accepted_deliverable": float(scopes.value) * scopes.n / float(deliverables.value)}
