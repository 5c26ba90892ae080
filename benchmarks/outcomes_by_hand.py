"""The Outcomes page's data by hand: tables built for it alone, and the best SQL over them that we could write.

One table for each kind of fact, with no column that is not asked for; organisations, workspaces, currencies and tags as
enumerations, the month as a number. They are laid out twice, by day and by organisation, and for each view the faster
layout counts. Executed on a plain DuckDB cursor, without SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.outcomes_told import BANDS, NEWEST, TAGS, Asked, Figures, Told
from ods_core.queries.facts import Money, Work

WORK: Mapping[Work, tuple[str, str]] = {
    Work.SCOPED: ("scoped", "days, hit"),
    Work.CONFIRMED: ("confirmed", "days, ratio"),
    Work.COMPLETED: ("completed", "days, remediations, hit"),
    Work.CYCLE_COMPLETED: ("cycle_completed", "days, hit"),
    Work.CYCLE_ACCEPTED: ("cycle_accepted", "days"),
    Work.REMEDIATED: ("remediated", "days"),
    Work.DECIDED: ("decided", 'days, hit, "first"'),
}
MONEY: Mapping[Money, tuple[str, str]] = {
    Money.DELIVERED: ("delivered", "amount"),
    Money.RECEIVED: ("received", "amount"),
    Money.PAID: ("paid", "amount, days"),
    Money.COMMITTED: ("committed", "amount"),
    Money.OPEN: ("open", "amount, due_at"),
}
LAYOUTS = {"day": "day", "organisation": "organisation, day"}
_NARROW = {
    "days": "days",
    "hit": "hit::TINYINT AS hit",
    '"first"': '"first"::TINYINT AS "first"',
    "ratio": "ratio",
    "remediations": "remediations::SMALLINT AS remediations",
    "amount": "amount::DECIMAL(18, 4) AS amount",
    "due_at": "due_at",
}
_OWNER = """organization_id::hand.organisations AS organisation, workspace_id::hand.workspaces AS workspace,
  currency::hand.currencies AS currency, request::INTEGER AS request, ended_on AS day,
  (year(ended_on) * 12 + month(ended_on) - 1)::SMALLINT AS month"""
_CODES = {"organisations": "organization_id", "workspaces": "workspace_id", "currencies": "currency"}


def build(cursor: Any, path: Path) -> None:
    """Make the tables from the store's facts, in a file of their own; `cursor` is one of the store's."""
    path.unlink(missing_ok=True)
    cursor.execute(f"ATTACH '{path}' AS hand")
    for name, column in _CODES.items():
        cursor.execute(f"CREATE TYPE hand.{name} AS ENUM (SELECT DISTINCT {column} FROM requests ORDER BY 1)")
    for layout, order in LAYOUTS.items():
        for kind, (name, columns) in WORK.items():
            _make(cursor, f"{name}_by_{layout}", "fact_work", kind, columns, order)
        for money, (name, columns) in MONEY.items():
            _make(cursor, f"{name}_by_{layout}", "fact_money", money, columns, order)
        _make_judged(cursor, layout, order)
        _make_rejected(cursor, layout, order)
    tags = "(SELECT number, unnest(from_json(project_tags, '[\"VARCHAR\"]')) AS tag FROM requests)"
    cursor.execute(f"CREATE TYPE hand.tags AS ENUM (SELECT DISTINCT tag FROM {tags} ORDER BY 1)")
    cursor.execute(
        f"CREATE TABLE hand.tagged AS SELECT DISTINCT number::INTEGER AS request, tag::hand.tags AS tag FROM {tags}"
    )
    cursor.execute("CREATE TABLE hand.begun AS SELECT organization_id, min(created_at) AS day FROM requests GROUP BY 1")
    values = [f"SELECT '{n}' AS name, unnest(enum_range(NULL::hand.{n}))::VARCHAR AS value" for n in _CODES]
    cursor.execute(f"CREATE TABLE hand.choices AS {' UNION ALL '.join(values)}")
    cursor.execute("CHECKPOINT hand")
    cursor.execute("DETACH hand")


def _make(cursor: Any, name: str, source: str, kind: int, columns: str, order: str) -> None:
    narrow = ", ".join(_NARROW.get(column, column) for column in columns.split(", "))
    if source == "fact_money" and "days" in columns:
        narrow = narrow.replace("days", "days::INTEGER AS days")
    cursor.execute(
        f"CREATE TABLE hand.{name} AS SELECT {_OWNER}, {narrow} FROM {source} WHERE kind = {int(kind)} ORDER BY {order}"
    )


def _make_judged(cursor: Any, layout: str, order: str) -> None:
    cursor.execute(
        f"CREATE TABLE hand.judged_by_{layout} AS SELECT {_OWNER}, scope::INTEGER AS scope, score::TINYINT AS score, "
        f"hit::TINYINT AS hit FROM fact_work WHERE kind = {int(Work.DECIDED)} AND score IS NOT NULL ORDER BY {order}"
    )


def _make_rejected(cursor: Any, layout: str, order: str) -> None:
    owner = _OWNER.replace("request::INTEGER", "r.number::INTEGER").replace("ended_on", "a.decided_at::DATE")
    owner = owner.replace("organization_id::", "a.organization_id::").replace("workspace_id::", "a.workspace_id::")
    cursor.execute(
        f"CREATE TABLE hand.rejected_by_{layout} AS SELECT {owner}, a.deliverable_id, d.title, d.acceptance_criteria, "
        f"a.organization_id, a.attempt, a.decided_at, a.reviewer_id, a.rejection_reason, a.criteria_not_met, a.deemed "
        f"FROM attempts a JOIN deliverables d ON d.id = a.deliverable_id JOIN requests r ON r.id = a.request_id "
        f"WHERE a.decision = 'rejected' ORDER BY {order}, a.decided_at, a.deliverable_id"
    )


# What a row of sums says: (metric, value, n).

Said = Iterable[tuple[str, Any, int]]


def _scoped(n: int, q: list[float], won: int) -> Said:
    return [("scoping_time_median", q[0], n), ("scoping_time_p85", q[1], n), ("win_rate", won / n, n)]


def _confirmed(n: int, q: list[float], budgets: int, ratio: float) -> Said:
    waits = [("confirmation_time_median", q[0], n), ("confirmation_time_p85", q[1], n)]
    return [*waits, ("price_to_budget_median", ratio, budgets)]


def _completed(n: int, lead: float, remediations: int, free: int) -> Said:
    mean, share = remediations / n, free / n
    lead_time = ("outcome_lead_time_median", lead, n)
    return [lead_time, ("remediation_cycles_per_scope", mean, n), ("remediation_free_scope_rate", share, n)]


def _handed_in(n: int, late: float, on_time: int) -> Said:
    return [("schedule_variance_median", late, n), ("on_time_rate", on_time / n, n)]


def _decided(n: int, q: list[float], rejected: int, accepted: int, first: int) -> Said:
    review = [("review_turnaround_median", q[0], n), ("review_turnaround_p85", q[1], n)]
    right = ("first_time_acceptance_rate", first / accepted if accepted else None, accepted)
    return [*review, ("rejection_rate", rejected / n, n), right]


_BOTH = "quantile_cont(days, [0.5, 0.85])"
_SUMS: Mapping[str, tuple[str, Callable[..., Said]]] = {
    "scoped": (f"count(*), {_BOTH}, sum(hit)", _scoped),
    "confirmed": (f"count(*), {_BOTH}, count(ratio), median(ratio)", _confirmed),
    "completed": ("count(*), median(days), sum(remediations), sum(hit)", _completed),
    "cycle_completed": ("count(*), median(days), sum(hit)", _handed_in),
    "cycle_accepted": ("count(*), median(days)", lambda n, time: [("cycle_time_median", time, n)]),
    "remediated": ("count(*), sum(days)", lambda n, days: [("remediation_days", days, n)]),
    "decided": (f'count(*), {_BOTH}, sum(hit), count("first"), sum("first")', _decided),
}
_AMOUNTS: Mapping[str, str] = {
    "delivered": "count(*), sum(amount)",
    "received": "count(*), sum(amount)",
    "paid": "count(*), sum(amount), sum(amount * days)",
    "committed": "count(*), sum(amount)",
    "open": "count(*), sum(amount), count(*) FILTER (due_at < $now), sum(amount) FILTER (due_at < $now)",
}
_MONEY_KEYS = {"delivered": "value_delivered", "received": "received", "committed": "committed_value"}


Key = tuple[str, str | None, Any]
Found = dict[Key, tuple[Any, int]]
_SHOWN = """deliverable_id, title, acceptance_criteria, organization_id, attempt, decided_at, reviewer_id,
  rejection_reason, criteria_not_met, deemed"""


@dataclass
class ByHand:
    """The page's data from the tables of one layout."""

    cursor: duckdb.DuckDBPyConnection
    layout: str

    @classmethod
    def opened(cls, path: Path, layout: str) -> ByHand:
        """The tables that `build` made."""
        return cls(duckdb.connect(str(path), read_only=True), layout)

    def page(self, asked: Asked) -> Told:
        """All that the page shows of a period, and what there is to choose from."""
        span = self.span(asked)
        counted = "SELECT tag, count(*) AS n, max(request) AS last FROM tagged GROUP BY tag"
        chosen = [row[0] for row in self.ask(f"{counted} ORDER BY n DESC, last DESC LIMIT {TAGS}")]
        rejected, rejections = self.rejections(asked, span)
        return Told(
            choices=[self.values(name) for name in ("organisations", "workspaces")],
            tags=chosen,
            figures=self.figures(asked, span, over_time=True),
            before=self.figures(asked, _before(*span), over_time=False),
            organisations=self.broken_down(asked, span, "organisation"),
            workspaces=self.broken_down(asked, span, "workspace"),
            tagged=self.by_tag(asked, span, chosen),
            rejected=rejected,
            rejections=rejections,
            bands=self.bands(asked, span),
        )

    def ask(self, sql: str, **given: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        for name in _TABLES:
            sql = sql.replace(f"{{{name}}}", f"{name}_by_{self.layout}")
        used = {name: value for name, value in given.items() if f"${name}" in sql}
        return self.cursor.execute(sql, used or None).fetchall()

    def span(self, asked: Asked) -> tuple[int, int]:
        """The months that are asked about, as numbers."""
        last = _number(asked.last or asked.now.date())
        if asked.first:
            return _number(asked.first), last
        where = f"WHERE organization_id = '{asked.organization_id}'" if asked.organization_id else ""
        (first,) = self.ask(f"SELECT min(day) FROM begun {where}")[0]
        return _number(first.date()), last

    def values(self, name: str) -> list[str]:
        """What there is to choose from: all values of an enumeration."""
        return [row[0] for row in self.ask(f"SELECT value FROM choices WHERE name = '{name}' ORDER BY value LIMIT 500")]

    def where(self, asked: Asked, span: tuple[int, int]) -> str:
        """Conditions for a period and an organisation."""
        return f"day >= DATE '{_day(span[0])}' AND day < DATE '{_day(span[1] + 1)}' AND {_owner(asked)}"

    def figures(self, asked: Asked, span: tuple[int, int], *, over_time: bool) -> Figures:
        """The figures of the period, and month by month."""
        where, found = self.where(asked, span), dict[Key, tuple[Any, int]]()
        for table, (sums, read) in _SUMS.items():
            for row in self.ask(f"SELECT {sums} FROM {{{table}}} WHERE {where}"):
                _put(found, None, read(*row) if row[0] else [])
            by_month = f"SELECT month, {sums} FROM {{{table}}} WHERE {where} GROUP BY month"
            for part, *row in self.ask(by_month) if over_time else ():
                _put(found, _day(part), read(*row))
        self.amounts(asked, where, found, over_time=over_time)
        return found

    def amounts(self, asked: Asked, where: str, found: Found, *, over_time: bool) -> None:
        """Those of money: month by month, and added up."""
        now = asked.now.replace(tzinfo=None)
        for table, sums in _AMOUNTS.items():
            # How things stand does not hang on the period.
            conditions = _owner(asked) if table in ("committed", "open") else where
            whole: dict[str, list[Any]] = {}
            sql = f"SELECT currency, month, {sums} FROM {{{table}}} WHERE {conditions} GROUP BY ALL"
            for currency, part, *row in self.ask(sql, now=now):
                added = whole.setdefault(currency, [0] * len(row))
                whole[currency] = [one + (more or 0) for one, more in zip(added, row, strict=True)]
                if over_time and part is not None:
                    _put_money(found, table, currency, _day(part), row)
            for currency, sums_of in whole.items():
                _put_money(found, table, currency, None, sums_of)

    def broken_down(self, asked: Asked, span: tuple[int, int], by: str) -> Figures:
        """The figures of each organisation or workspace."""
        where, found = self.where(asked, span), dict[Key, tuple[Any, int]]()
        for table, (sums, read) in _SUMS.items():
            for part, *row in self.ask(f"SELECT {by}, {sums} FROM {{{table}}} WHERE {where} GROUP BY {by}"):
                _put(found, part, read(*row))
        return found

    def by_tag(self, asked: Asked, span: tuple[int, int], tags: list[str]) -> Figures:
        """The figures of each of some tags."""
        where, found = self.where(asked, span), dict[Key, tuple[Any, int]]()
        chosen = ", ".join(f"'{tag}'" for tag in tags)
        tagged = f"(SELECT request, tag FROM tagged WHERE tag IN ({chosen}))"
        for table, (sums, read) in _SUMS.items():
            sql = f"SELECT tag, {sums} FROM {{{table}}} JOIN {tagged} USING (request) WHERE {where} GROUP BY tag"
            for part, *row in self.ask(sql):
                _put(found, part, read(*row))
        return found

    def rejections(self, asked: Asked, span: tuple[int, int]) -> tuple[int, list[tuple[Any, ...]]]:
        """How many there were, and the newest of them."""
        where = self.where(asked, span)
        (count,) = self.ask(f"SELECT count(*) FROM {{rejected}} WHERE {where}")[0]
        newest = f"SELECT {_SHOWN} FROM {{rejected}} WHERE {where} ORDER BY decided_at DESC, deliverable_id DESC"
        return count, self.ask(f"{newest} LIMIT {NEWEST}")

    def bands(self, asked: Asked, span: tuple[int, int]) -> list[tuple[int, int, int]]:
        """Scopes, decided and rejected first attempts by the score of their criteria."""
        band = " ".join(f"WHEN score <= {high} THEN {low}" for low, high in BANDS)
        by_scope = f"SELECT score, count(*) AS n, sum(hit) AS hits FROM {{judged}} WHERE {self.where(asked, span)}"
        by_scope = f"({by_scope} GROUP BY scope, score)"
        rows = self.ask(f"SELECT CASE {band} END AS band, count(*), sum(n), sum(hits) FROM {by_scope} GROUP BY band")
        known = {band: (scopes, int(n), int(hits)) for band, scopes, n, hits in rows}
        return [known.get(low, (0, 0, 0)) for low, _ in BANDS]


_TABLES = (*_SUMS, *_AMOUNTS, "judged", "rejected")


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _owner(asked: Asked) -> str:
    return f"organisation = '{asked.organization_id}'" if asked.organization_id else "true"


def _before(first: int, last: int) -> tuple[int, int]:
    return first - (last - first + 1), first - 1


def _put(found: Found, part: Any, said: Said) -> None:
    for key, value, n in said:
        if n:
            found[key, None, part] = (value, n)


def _put_money(found: Found, table: str, currency: str, part: Any, row: Any) -> None:
    n, amount, *more = row
    if table == "paid":
        found["days_sales_outstanding", currency, part] = (float(more[0] / amount), n)
    elif table == "open":
        found["open", currency, part] = (amount, n)
        if more[0]:
            found["overdue", currency, part] = (more[1], more[0])
    else:
        found[_MONEY_KEYS[table], currency, part] = (amount, n)
