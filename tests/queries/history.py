"""Histories to ask about: a teller that moves the clock to a moment and gives a command there."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.clock import MovingClock
from ods_core.basics.ids import Prefix
from ods_core.basics.money import Money
from ods_core.basics.records import CriterionNotMet, Engagement, Milestone
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import ScopeStatus
from ods_core.lifecycle import (
    Accept,
    Confirm,
    Decline,
    ProposedCycle,
    ProposedDeliverable,
    RecordReceipt,
    Reject,
    ReverseReceipt,
    Start,
    Submit,
    Terminate,
    Verb,
    can,
)
from ods_core.service import Service
from tests.seed import seed_proposal, seed_request


def at(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    """A moment of 2026."""
    return datetime(year, month, day, hour, tzinfo=UTC)


@dataclass
class Teller:
    """Gives commands at moments; each verb takes the moment first and answers with the id of what it was about."""

    service: Service
    clock: MovingClock

    def request(self, when: datetime, **changes: Any) -> str:
        """Submit the example's request."""
        self.clock.move_to(when)
        return self.service.submit_request(LOCAL, seed_request(**changes)).subject_id

    def propose(self, when: datetime, request_id: str, **changes: Any) -> str:
        """Present the example's proposal."""
        self.clock.move_to(when)
        return self.service.propose(LOCAL, request_id, seed_proposal(**changes)).subject_id

    def confirm(self, when: datetime, scope_id: str) -> Engagement:
        """Confirm a proposal."""
        self.clock.move_to(when)
        return self.service.confirm(LOCAL, scope_id, Confirm()).engagement

    def submit(self, when: datetime, *deliverable_ids: str) -> None:
        """Hand in deliverables."""
        self.clock.move_to(when)
        for id in deliverable_ids:
            self.service.submit(LOCAL, id, Submit())

    def accept(self, when: datetime, *deliverable_ids: str) -> None:
        """Accept deliverables."""
        self.clock.move_to(when)
        for id in deliverable_ids:
            self.service.accept(LOCAL, id, Accept())

    def reject(self, when: datetime, deliverable_id: str, reason: str = "Coverage is 84 %.", *criteria: int) -> None:
        """Reject a deliverable."""
        self.clock.move_to(when)
        named = tuple(CriterionNotMet(n, "See the report.") for n in criteria)
        self.service.reject(LOCAL, deliverable_id, Reject(reason, criteria_not_met=named))

    def running(self, when: datetime, **changes: Any) -> Engagement:
        """Request, proposal and confirmation at one moment, of a one-cycle engagement that starts then."""
        request = {name: changes.pop(name) for name in ("organization_id", "workspace_id") if name in changes}
        currency = changes.get("currency", "USD")
        request_id = self.request(when, currency=currency, budget_max=None, timeline_weeks=None, **request)
        start = when.date()
        cycle = ProposedCycle("Cycle 1", start, start + timedelta(days=10), ("fix", "suite", "deploy"))
        return self.confirm(when, self.propose(when, request_id, **{"cycles": (cycle,)} | changes))


def ids(engagement: Engagement) -> list[str]:
    """The deliverables of an engagement's scope, in their order."""
    return [d.id for d in engagement.deliverables]


class RandomHistory:
    """Engagements of several owners and currencies, driven by a fixed seed through every kind of turn."""

    ORGANIZATIONS = ("ORG-26-000001", "ORG-26-000002", "ORG-26-000003")
    PRICES = {"USD": Decimal("15500.00"), "JPY": Decimal(1_200_001), "KWD": Decimal("4321.125")}

    def __init__(self, service: Service, clock: MovingClock, seed: int) -> None:
        self.service, self.clock, self.random = service, clock, random.Random(seed)
        # What is said is drawn apart from what happens.
        self.words = random.Random(seed)
        self.requests: list[str] = []

    def run(self, engagements: int, steps: int) -> None:
        """Ask for that many outcomes, with so many steps between and after them."""
        with self.service.store.write():
            for number in range(engagements + steps):
                self.clock.advance(hours=self.random.randint(1, 30))
                if len(self.requests) < engagements and number % 4 == 0:
                    self._ask()
                else:
                    self._go_on(self.random.choice(self.requests))

    def _ask(self) -> None:
        currency = self.random.choice([*self.PRICES])
        budget = self.random.choice([None, self.PRICES[currency] * 2])
        command = seed_request(
            organization_id=self.random.choice(self.ORGANIZATIONS),
            workspace_id=self.random.choice(["WS-26-000001", "WS-26-000002"]),
            project_tags=self.random.choice([(), ("PROJ-26-000001",), ("PROJ-26-000001", "PROJ-26-000012")]),
            currency=currency,
            budget_max=budget,
            timeline_weeks=None,
        )
        self.requests.append(self.service.submit_request(LOCAL, command).subject_id)

    def _go_on(self, request_id: str) -> None:
        engagement = self._engagement(request_id)
        turns = [*self._turns(engagement)]
        if turns:
            self.random.choice(turns)()

    def _engagement(self, request_id: str) -> Engagement:
        with self.service.store.write() as unit:
            return unit.engagement(request_id)

    def _turns(self, e: Engagement) -> list[Callable[[], object]]:
        today, s = self.clock().date(), self.service
        turns: list[Callable[[], object]] = []
        if can(e, Verb.PROPOSE, e.request.id, today):
            turns.append(lambda: s.propose(LOCAL, e.request.id, self._proposal(e, today)))
        scope = e.current_scope
        if scope and can(e, Verb.CONFIRM, scope.id, today):
            turns += [lambda: s.confirm(LOCAL, scope.id, Confirm())] * 3
            turns.append(lambda: s.decline(LOCAL, scope.id, Decline("Say under which load.")))
        if scope and scope.status == ScopeStatus.ACTIVE:
            turns += [turn for id in ids(e) for turn in self._work(e, id, today)]
            if self.random.random() < 0.03:
                turns = [lambda: s.terminate(LOCAL, scope.id, Terminate("The need is gone."))]
        return turns + [turn for m in e.milestones for turn in self._money(e, m, today)]

    def _money(self, e: Engagement, m: Milestone, today: date) -> list[Callable[[], object]]:
        """Money comes in whole or in parts, now and then entered days later, and at times is taken back."""
        s, turns = self.service, []
        if can(e, Verb.RECORD_RECEIPT, m.id, today) and m.open:
            minor = Money(m.open, m.currency).minor_units()
            amount = Money.from_minor(self.random.choice([minor, -(-minor // 3)]), m.currency).amount
            on = today - timedelta(days=self.random.choice([0, 0, 3, 40]))
            given = RecordReceipt(amount, on, f"SEPA {len(e.receipts)}")
            turns.append(lambda: s.record_receipt(LOCAL, m.id, given))
        held = [r.id for r in e.receipts_of(m.id) if can(e, Verb.REVERSE_RECEIPT, r.id, today)]
        if held and self.random.random() < 0.2:
            turns.append(lambda: s.reverse_receipt(LOCAL, held[-1], ReverseReceipt("Another payment's.")))
        return turns

    def _work(self, e: Engagement, id: str, today: date) -> list[Callable[[], object]]:
        s, turns = self.service, []
        if can(e, Verb.START, id, today):
            turns.append(lambda: s.start(LOCAL, id, Start()))
        if can(e, Verb.SUBMIT, id, today):
            turns += [lambda: s.submit(LOCAL, id, Submit())] * 2
        if can(e, Verb.ACCEPT, id, today):
            turns += [lambda: s.accept(LOCAL, id, Accept())] * 3
            turns.append(lambda: s.reject(LOCAL, id, self._rejection()))
        return turns

    def _rejection(self) -> Reject:
        named = self.words.choice([(), (CriterionNotMet(1, "-"),)])
        return Reject(self.words.choice(["Not shown.", "Shown in part."]), criteria_not_met=named)

    def _deliverables(self) -> tuple[ProposedDeliverable, ...]:
        """The example's, whose criteria are as good as can be, or with criteria that nobody can check."""
        vague = self.words.choice([(), ("suite",), ("fix", "suite", "deploy")])
        known = seed_proposal().deliverables
        return tuple(replace(d, acceptance_criteria="It works well.") if d.key in vague else d for d in known)

    def _proposal(self, e: Engagement, today: date) -> Any:
        currency = e.request.currency
        start = today + timedelta(days=self.random.randint(0, 12))
        first = ProposedCycle("Cycle 1", start, start + timedelta(days=6), ("fix", "suite"))
        second = ProposedCycle("Cycle 2", start + timedelta(days=7), start + timedelta(days=13), ("deploy",))
        return seed_proposal(
            deliverables=self._deliverables(),
            currency=currency,
            fixed_price=self.PRICES[currency],
            cycles=(first, second),
            payment_terms="20% on confirmation, 30% on cycle 1 acceptance, 10% on acceptance of deliverable 3, "
            "40% on final acceptance",
        )


def pay(service: Service, payment_id: str, paid_at: datetime, paid: Decimal | None = None) -> str:
    """Record money received, all that is open (or `paid` of it), on a day that may have passed; the receipt's id."""
    assert isinstance(service.clock, MovingClock)
    if paid_at > service.clock():
        service.clock.move_to(paid_at)
    with service.store.write() as unit:
        engagement = unit.engagement_of(Prefix.PAYMENT, payment_id)
    given = RecordReceipt(paid or engagement.milestone(payment_id).open, paid_at.date(), f"SEPA {payment_id} {paid_at}")
    return service.record_receipt(LOCAL, payment_id, given).subject_id


__all__ = ["RandomHistory", "Teller", "at", "ids", "pay"]
