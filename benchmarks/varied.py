"""A store of engagements that differ: several hundred told through the real commands, the rest copies of them.

Originals differ in organisation, workspace, tags, currency, price, number of deliverables and cycles, in how long
everything takes, what is rejected, declined, terminated, still under way, and when the money comes. A copy is another
engagement: identifiers are moved on, the organisation is drawn anew, the dates are moved by whole days, so that the
copies together span years. Texts and durations are the original's. The copies have no events: those who measure read
events only to see that something changed.
"""

from __future__ import annotations

import heapq
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.population import ID_COLUMNS, copied_ids, moved
from ods_core.basics.clock import MovingClock
from ods_core.basics.money import Money
from ods_core.basics.records import CriterionNotMet, Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import PaymentStatus
from ods_core.lifecycle import (
    Accept,
    Confirm,
    Decline,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    RecordReceipt,
    Reject,
    Submit,
    Terminate,
)
from ods_core.service import Service
from ods_core.store import Store
from tests.seed import seed_request

ORIGINALS = 300
ORGANIZATIONS = 500
WORKSPACES = 3
YEARS = 5
BEGUN = datetime(2021, 1, 4, 8, 0, tzinfo=UTC)
TABLES = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts")
STRIDE = 4_000
"""Further than any original's number reaches."""

_PRICES = {"USD": Decimal("15500.00"), "EUR": Decimal("9840.50"), "JPY": Decimal(1_200_001), "KWD": Decimal("4321.125")}
_THINGS = ("Export", "Payment webhook", "Search", "Onboarding", "Import", "Report", "Ledger", "Mobile view")
_REASONS = (
    "Coverage is 84 %, the criterion says 90 %.",
    "The load test report ends at 1x peak.",
    "No monitoring report is attached.",
    "Two of the named accounts cannot sign in.",
    "The export leaves out the archived rows.",
)


def _tenths(amount: Decimal, tenths: int, currency: str) -> Decimal:
    return Money.from_minor(Money(amount, currency).minor_units() * tenths // 10, currency).amount


@dataclass
class _Teller:
    """Tells one engagement, a turn at a time; each turn says when the next one is."""

    service: Service
    clock: MovingClock
    random: random.Random

    def later(self, days: float, spread: float = 0.8) -> datetime:
        """A moment about `days` from now; sometimes much later."""
        return self.clock() + timedelta(seconds=int(days * 86_400 * self.random.lognormvariate(0, spread)))

    def turns(self) -> Iterator[datetime]:
        """From the request on, as far as this engagement comes."""
        r, s = self.random, self.service
        currency = r.choice(["USD", "USD", "USD", "EUR", "EUR", "JPY", "KWD"])
        price = _tenths(_PRICES[currency], r.randint(2, 40), currency)
        request = s.submit_request(LOCAL, self._request(currency, price)).subject_id
        yield self.later(4)
        if r.random() < 0.06:
            return
        proposal = s.propose(LOCAL, request, self._proposal(currency, price))
        yield self.later(3)
        while r.random() < 0.15:
            s.decline(LOCAL, proposal.subject_id, Decline("Say under which load."))
            yield self.later(2)
            proposal = s.propose(LOCAL, request, self._proposal(currency, price))
            yield self.later(2)
        if r.random() < 0.08:
            return
        engagement = s.confirm(LOCAL, proposal.subject_id, Confirm()).engagement
        scope = engagement.scopes[-1].id
        for place, cycle in enumerate(c for c in engagement.cycles if c.scope_id == scope):
            if r.random() < 0.02 * place:
                s.terminate(LOCAL, scope, Terminate("The need is gone."))
                break
            yield from self._delivery(cycle.deliverable_ids)
            if r.random() < 0.02:
                # Some of the work stays where it is.
                return
        yield from self._money(request)

    def _request(self, currency: str, price: Decimal) -> Any:
        r = self.random
        tags = tuple(sorted({f"PROJ-26-{r.randint(1, 40):06d}" for _ in range(r.choice([0, 1, 1, 2]))}))
        budget = r.choice([None, _tenths(price, r.randint(10, 20), currency)])
        return seed_request(
            organization_id="ORG-26-000001",
            workspace_id=f"WS-26-{r.randint(1, WORKSPACES):06d}",
            project_tags=tags,
            currency=currency,
            budget_max=budget,
            timeline_weeks=None,
            title=f"{r.choice(_THINGS)} reliability {r.randint(1, 999)}",
        )

    def _proposal(self, currency: str, price: Decimal) -> Propose:
        r = self.random
        things = tuple(
            ProposedDeliverable(f"d{n}", f"{r.choice(_THINGS)} part {n}", "Made and shown.", self._criteria())
            for n in range(1, r.choice([1, 2, 2, 3, 3, 4, 5, 6]) + 1)
        )
        day = self.clock().date() + timedelta(days=r.randint(10, 25))
        return Propose(
            deliverables=things,
            cycles=tuple(self._cycles(things, day)),
            fixed_price=price,
            currency=currency,
            timeline_weeks=4,
            payment_terms="40% on confirmation, 30% on acceptance of deliverable 1, 30% on final acceptance net 30",
            valid_until=self.clock().date() + timedelta(days=400),
        )

    def _criteria(self) -> tuple[str, ...]:
        named = ("Load test report shows <0.1% failure rate at 2x peak throughput.", "It should work well.")
        return tuple(f"{self.random.choice(named)} ({n})" for n in range(1, self.random.randint(1, 3) + 1))

    def _cycles(self, things: tuple[ProposedDeliverable, ...], day: date) -> Iterator[ProposedCycle]:
        count = min(self.random.choice([1, 1, 2]), len(things))
        for n in range(count):
            keys = tuple(thing.key for thing in things[n::count])
            end = day + timedelta(days=self.random.randint(6, 25))
            yield ProposedCycle(f"Cycle {n + 1}", day, end, keys)
            day = end + timedelta(days=1)

    def _delivery(self, ids: Sequence[str]) -> Iterator[datetime]:
        """One cycle: handed in one by one, then decided one by one."""
        for id in ids:
            yield self.later(5)
            self.service.submit(LOCAL, id, Submit("Done, see the report."))
        for id in ids:
            yield self.later(2)
            yield from self._mending(id)
            self.service.accept(LOCAL, id, Accept())

    def _mending(self, id: str) -> Iterator[datetime]:
        while self.random.random() < 0.2:
            named = (CriterionNotMet(1, "See the report, page 2."),)
            self.service.reject(LOCAL, id, Reject(self.random.choice(_REASONS), criteria_not_met=named))
            yield self.later(4)
            self.service.submit(LOCAL, id, Submit("Mended."))
            yield self.later(2)

    def _money(self, request: str) -> Iterator[datetime]:
        for milestone in self._engagement(request).milestones:
            yield self.later(12)
            if milestone.status != PaymentStatus.DUE or self.random.random() < 0.06:
                continue
            minor = Money(milestone.open, milestone.currency).minor_units()
            for part in [minor] if self.random.random() < 0.8 else [minor // 3, minor - minor // 3]:
                given = Money.from_minor(part, milestone.currency).amount
                on = self.clock().date()
                reference = f"SEPA {milestone.id} {part}"
                self.service.record_receipt(LOCAL, milestone.id, RecordReceipt(given, on, reference))
                yield self.later(3)

    def _engagement(self, request: str) -> Engagement:
        with self.service.store.write() as unit:
            return unit.engagement(request)


def tell(path: Path, originals: int = ORIGINALS, seed: int = 20) -> None:
    """A database file with the originals, told side by side over a year."""
    store = Store(f"duckdb:///{path}")
    clock = MovingClock(BEGUN)
    service, chance = Service(store, clock), random.Random(seed)
    waiting: list[tuple[datetime, int, Iterator[datetime]]] = []
    for n in range(originals):
        begins = BEGUN + timedelta(hours=n * 365 * 24 // originals)
        waiting.append((begins, n, _Teller(service, clock, random.Random(chance.random())).turns()))
    heapq.heapify(waiting)
    with service.store.write():
        while waiting:
            when, n, turns = heapq.heappop(waiting)
            clock.move_to(when)
            following = next(turns, None)
            if following is not None:
                heapq.heappush(waiting, (following, n, turns))
    store.close()


def varied_store(folder: Path, deliverables: int) -> Path:
    """A database file with about that many deliverables, made at the first call and kept in `folder`."""
    path, originals = folder / f"outcomes-{deliverables}.duckdb", folder / "outcomes-originals.duckdb"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    if not originals.exists():
        tell(folder / "telling.duckdb")
        os.replace(folder / "telling.duckdb", originals)
    unfinished = path.with_suffix(".unfinished")
    shutil.copyfile(originals, unfinished)
    with duckdb.connect(str(unfinished)) as connection:
        connection.execute("SET preserve_insertion_order = true")
        told = connection.execute("SELECT count(*) FROM deliverables").fetchall()[0][0]
        copies = max(round(deliverables / told) - 1, 0)
        for table in TABLES:
            _copy(connection, table, copies)
        connection.execute("CHECKPOINT")
    os.replace(unfinished, path)
    return path


def _copy(connection: duckdb.DuckDBPyConnection, table: str, copies: int) -> None:
    columns = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    chosen = ", ".join(_copied(name, kind, copies) for name, kind in columns)
    request = "id" if table == "requests" else "request_id"
    told = f"(SELECT *, split_part({request}, '-', 3)::BIGINT AS original FROM {table}) AS t"
    source = f"{told}, range(1, {copies + 1}) AS r(n) ORDER BY n, original"
    connection.execute(f"INSERT INTO {table} SELECT {chosen} FROM {source}")


def _copied(name: str, kind: str, copies: int) -> str:
    """A column of the copy."""
    if name == "organization_id":
        # Some organisations ask for much more than others.
        drawn = f"pow((hash(original * 100003 + n) % 1000000) / 1000000.0, 2) * {ORGANIZATIONS}"
        return f"format('ORG-26-{{:06d}}', 1 + floor({drawn})::BIGINT)"
    if name in ID_COLUMNS or name in ("reverses", "payment_id"):
        return moved(name, STRIDE)
    if name == "number":
        return f"{name} + n * {STRIDE}"
    if name == "deliverable_ids":
        return copied_ids(name, STRIDE)
    if kind in ("TIMESTAMP", "DATE"):
        shifted = f"{name} + to_days((n * {YEARS * 365 - 365} // {copies})::INTEGER)"
        return f"({shifted})::{kind}"
    return name


def now_of(connection: Any) -> datetime:
    """A moment at which everything in the store has happened."""
    last: datetime = connection.exec_driver_sql("SELECT max(decided_at) FROM attempts").scalar_one()
    return last.replace(tzinfo=UTC) + timedelta(hours=1)
