"""What the schedule page's first rows and totals cost, against the best SQL we could write by hand, in one run.

    python -m benchmarks.schedule [--milestones 10000 1000000] [--rounds 15] [--keep FOLDER]

For each number of payment milestones: the page's rows and its totals per currency, by `schedule_page` and `totals`, in
turn with SQL written by hand for the same store and executed without SQLAlchemy, which must find the very same rows
and sums. Four candidates stand for the hand-written rows and two for the totals; of each the fastest in that view
counts (`--candidates` prints what they cost). Then pages deep in the schedule, likewise.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from benchmarks.milestones import NOW, milestones_store
from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import PaymentStatus
from ods_core.queries.payments import PaymentFilter, PaymentPage, Totals, schedule_page, totals
from ods_core.store import Store

ROWS = 25
REVIEW_DAYS = 3
_DAY = "coalesce(p.due_at::DATE, p.awaited_on + (p.net_days + $review))"
_WIDE = f"""p.id, p.number, p.scope_id, s.title, p.request_id, p.organization_id, p.position, p.trigger_kind,
  p.trigger_number, p.description, p.status, p.amount, p.paid, p.currency, p.net_days, p.due_at, {_DAY} AS day"""

KEYS = f"SELECT p.id, {_DAY} AS day FROM payments p WHERE {{where}} ORDER BY day, p.number LIMIT {ROWS + 1}"
BY_KEYS = "first the keys, then the rows and their titles by key"
ROWS_BY_HAND = {
    BY_KEYS: f"SELECT {_WIDE.replace('s.title', 'NULL')} FROM payments p WHERE p.id IN",
    "narrow first, then the rows of its keys": f"""WITH first AS MATERIALIZED (
        SELECT p.rowid AS place FROM payments p WHERE {{where}} ORDER BY {_DAY}, p.number LIMIT {ROWS + 1})
      SELECT {_WIDE} FROM payments p JOIN scopes s ON s.id = p.scope_id
      WHERE p.rowid IN (SELECT place FROM first) ORDER BY day, p.number""",
    "the first of all, then their titles": f"""WITH first AS MATERIALIZED (
        SELECT p.*, {_DAY} AS day FROM payments p WHERE {{where}} ORDER BY day, p.number LIMIT {ROWS + 1})
      SELECT {_WIDE} FROM first p JOIN scopes s ON s.id = p.scope_id ORDER BY day, p.number""",
    "one join": f"""SELECT {_WIDE} FROM payments p JOIN scopes s ON s.id = p.scope_id
      WHERE {{where}} ORDER BY day, p.number LIMIT {ROWS + 1}""",
}
TOTALS_BY_HAND = {
    "sums by currency, status and lateness": """SELECT currency, sum(n), sum(a), sum(d),
        sum(CASE WHEN status = 'due' THEN a - d ELSE 0 END),
        sum(CASE WHEN status = 'due' AND late THEN a - d ELSE 0 END),
        sum(CASE WHEN status = 'scheduled' THEN a - d ELSE 0 END),
        sum(CASE WHEN status = 'void' THEN a - d ELSE 0 END)
      FROM (SELECT currency, status, due_at < $now AS late, count(*) AS n, sum(amount) AS a, sum(paid) AS d
            FROM payments p WHERE {where} GROUP BY ALL) GROUP BY currency ORDER BY currency""",
    "sums by currency": """SELECT currency, count(*), sum(amount), sum(paid),
        coalesce(sum(amount - paid) FILTER (status = 'due'), 0),
        coalesce(sum(amount - paid) FILTER (status = 'due' AND due_at < $now), 0),
        coalesce(sum(amount - paid) FILTER (status = 'scheduled'), 0),
        coalesce(sum(amount - paid) FILTER (status = 'void'), 0)
      FROM payments p WHERE {where} GROUP BY currency ORDER BY currency""",
}


@dataclass(frozen=True, slots=True)
class View:
    """One view of the page: its filter for our queries, and as SQL."""

    name: str
    wanted: PaymentFilter
    where: str = "true"


def views(first: date, last: date, organization_id: str) -> Sequence[View]:
    """The whole schedule, and what people narrow it to."""
    days = f"{_DAY} BETWEEN DATE '{first}' AND DATE '{last}'"
    late = f"p.status = 'due' AND p.due_at < '{NOW:%Y-%m-%d %H:%M:%S}' AND p.amount > p.paid"
    return (
        View("all", PaymentFilter()),
        View(
            "one organisation",
            PaymentFilter(organization_id=organization_id),
            f"p.organization_id = '{organization_id}'",
        ),
        View("one currency", PaymentFilter(currency="KWD"), "p.currency = 'KWD'"),
        View("overdue", PaymentFilter(overdue=True), late),
        View("scheduled", PaymentFilter(statuses=(PaymentStatus.SCHEDULED,)), "p.status = 'scheduled'"),
        View("one month", PaymentFilter(first=first, last=last), days),
    )


class Ours:
    """The page's own queries."""

    def __init__(self, connection: Connection, view: View, cursor: str | None = None) -> None:
        self.connection, self.view, self.cursor = connection, view, cursor

    def page(self) -> PaymentPage:
        """The rows."""
        return schedule_page(self.connection, LOCAL, self.view.wanted, NOW, REVIEW_DAYS, limit=ROWS, cursor=self.cursor)

    def totals(self) -> list[Totals]:
        """The totals."""
        return totals(self.connection, LOCAL, self.view.wanted, NOW, REVIEW_DAYS)


class ByHand:
    """Statements on a plain DuckDB cursor."""

    def __init__(self, connection: Connection, where: str) -> None:
        self.cursor: Any = connection.connection.cursor()
        self.where = where

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a statement; those of `BY_KEYS` take three."""
        if sql == ROWS_BY_HAND[BY_KEYS]:
            return self._by_keys(sql)
        statement = sql.replace("{where}", self.where)
        given = {"review": REVIEW_DAYS, "now": NOW.replace(tzinfo=None)}
        return self._fetched(statement, {name: value for name, value in given.items() if f"${name}" in statement})

    def _by_keys(self, sql: str) -> list[tuple[Any, ...]]:
        days = dict(self.ask(KEYS))
        found = {row[0]: row for row in self._of(sql.replace("$review", str(REVIEW_DAYS)), [*days])}
        titles = dict(self._of("SELECT id, title FROM scopes WHERE id IN", list({row[2] for row in found.values()})))
        return [(*found[id][:3], titles[found[id][2]], *found[id][4:]) for id in days]

    def _of(self, statement: str, ids: list[str]) -> list[tuple[Any, ...]]:
        return self._fetched(f"{statement} ({', '.join('?' * len(ids))})", ids) if ids else []

    def _fetched(self, statement: str, given: object) -> list[tuple[Any, ...]]:
        self.cursor.execute(statement, given)
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found


def in_turn(rounds: int, *calls: Callable[[], object]) -> list[float]:
    """Median milliseconds of each call, one after the other in every round, after one round to warm up."""
    took: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, times in zip(calls, took, strict=True):
            start = time.perf_counter()
            call()
            if number:
                times.append((time.perf_counter() - start) * 1000)
    return [statistics.median(times) for times in took]


def check_rows(page: PaymentPage, by_hand: Sequence[tuple[Any, ...]]) -> None:
    """The same rows in the same order, and the same answer to whether there are more."""
    ours = [
        (
            *(r.id, r.number, r.scope_id, r.scope_title, r.request_id, r.organization_id, r.position),
            *(r.trigger.kind, r.trigger.number, r.description, r.status, r.amount, r.paid, r.currency, r.net_days),
            *(r.due_at.replace(tzinfo=None) if r.due_at else None, r.payable_on),
        )
        for r in page.rows
    ]
    assert ours == list(by_hand[:ROWS]), "the page and the statement by hand show different rows"
    assert (page.cursor is not None) == (len(by_hand) > ROWS)


def check_totals(sums: Sequence[Totals], by_hand: Sequence[tuple[Any, ...]]) -> None:
    """The same sums, to the minor unit."""
    ours = [(t.currency, t.count, t.amount, t.paid, t.open, t.overdue, t.scheduled, t.void) for t in sums]
    assert ours == [tuple(row) for row in by_hand], "the page and the statement by hand come to different sums"


def fastest(hand: ByHand, candidates: dict[str, str], rounds: int, tell: bool) -> str:
    """The candidate with the smallest median."""
    took = in_turn(rounds, *(lambda sql=sql: hand.ask(sql) for sql in candidates.values()))  # type: ignore[misc]
    if tell:
        for name, milliseconds in zip(candidates, took, strict=True):
            print(f"{'':>12}  by hand, {name}: {milliseconds:.2f} ms")
    return min(zip(took, candidates.values(), strict=True))[1]


def compare(label: str, ours: Ours, hand: ByHand, rounds: int, tell: bool) -> float:
    """Measure one view in turn with the best by hand, check that both say the same, and print; our milliseconds."""
    rows, sums = (fastest(hand, c, max(rounds // 3, 3), tell) for c in (ROWS_BY_HAND, TOTALS_BY_HAND))
    check_rows(ours.page(), hand.ask(rows))
    check_totals(ours.totals(), hand.ask(sums))
    page, total, hand_page, hand_total = in_turn(
        rounds, ours.page, ours.totals, lambda: hand.ask(rows), lambda: hand.ask(sums)
    )
    both, by_hand = page + total, hand_page + hand_total
    print(
        f"{label:<34} {page:>8.2f} + {total:>8.2f} = {both:>8.2f} ms "
        f"{hand_page:>8.2f} + {hand_total:>8.2f} = {by_hand:>8.2f} ms {both / by_hand:>6.2f}x",
        flush=True,
    )
    return both


def deep_cursor(connection: Connection, share: float) -> tuple[str, str]:
    """A cursor so far into the schedule, and the same place as a condition of SQL."""
    hand = ByHand(connection, "true")
    (count,) = hand.ask("SELECT count(*) FROM payments")[0]
    place = int(count * share)
    day, number = hand.ask(
        f"SELECT {_DAY} AS day, p.number FROM payments p ORDER BY day, p.number LIMIT 1 OFFSET {place}"
    )[0]
    # The page that ends at that place is asked for, so that its cursor is one that was handed out.
    wanted = PaymentFilter(first=day, last=day)
    cursor = None
    while True:
        page = schedule_page(connection, LOCAL, wanted, NOW, REVIEW_DAYS, limit=1_000, cursor=cursor)
        if page.rows[-1].number >= number or page.cursor is None:
            break
        cursor = page.cursor
    upto = sum(row.number <= number for row in page.rows)
    page = schedule_page(connection, LOCAL, wanted, NOW, REVIEW_DAYS, limit=upto, cursor=cursor)
    assert page.cursor is not None, "the place is the last of its day; choose another share"
    return page.cursor, f"({_DAY} > DATE '{day}' OR {_DAY} = DATE '{day}' AND p.number > {number})"


def measure(path: Path, rounds: int, tell: bool) -> float:
    """All views of one store; our milliseconds for the first page of all."""
    store = Store(f"duckdb:///{path}", MovingClock(NOW))
    with store.read() as connection:
        month = NOW.date().replace(day=1)
        organization_id = ByHand(connection, "true").ask("SELECT max(organization_id) FROM payments")[0][0]
        first = 0.0
        for view in views(month, month + timedelta(days=29), organization_id):
            took = compare(view.name, Ours(connection, view), ByHand(connection, view.where), rounds, tell)
            first = first or took
        for share in (0.5, 0.9):
            cursor, where = deep_cursor(connection, share)
            rows = fastest(ByHand(connection, where), ROWS_BY_HAND, max(rounds // 3, 3), tell)
            ours, hand = Ours(connection, View("", PaymentFilter()), cursor), ByHand(connection, where)
            check_rows(ours.page(), hand.ask(rows))
            page, by_hand = in_turn(rounds, ours.page, lambda h=hand, r=rows: h.ask(r))  # type: ignore[misc]
            print(
                f"{f'rows alone, {share:.0%} into it':<34} {page:>30.2f} ms {by_hand:>30.2f} ms "
                f"{page / by_hand:>6.2f}x",
                flush=True,
            )
    store.close()
    return first


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--milestones", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, default=None, help="where the stores are kept; the system's temporary")
    parser.add_argument("--candidates", action="store_true", help="tell what each statement by hand costs")
    given = parser.parse_args()
    took = []
    for count in given.milestones:
        path = milestones_store(count, given.keep)
        print(f"\n{count:,} milestones: rows + totals, ours and by hand")
        took.append(measure(path, given.rounds, given.candidates))
    if len(took) > 1:
        few, many = given.milestones[0], given.milestones[-1]
        print(f"\ngrowth of the first page, {few:,} to {many:,}: {took[-1] / took[0]:.2f}x")


if __name__ == "__main__":
    main()
