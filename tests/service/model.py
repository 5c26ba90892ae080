"""The lifecycle once more, written from the contract and not from the code: what the state machine compares with.

It knows states and sums of money and nothing else: no texts, no identifiers. Deliverables, cycles and payments are
places from 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.errors import (
    AmountExceedsOpen,
    DoesNotFit,
    DuplicateReceipt,
    Invalid,
    NotAllowed,
    OdsError,
    ScopeExpired,
)

Refusal = type[OdsError] | None


@dataclass
class Work:
    """A deliverable: its state, its attempt, how often it was rejected and by which criteria; since when it waits."""

    status: str = "pending"
    attempt: int = 1
    rejections: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    ready_at: datetime | None = None
    reminded: bool = False

    def look(self, now: datetime) -> None:
        """Let its review clock run from when it is ready, and begin anew with the next attempt."""
        if self.status != "ready_for_acceptance":
            self.ready_at, self.reminded = None, False
        elif self.ready_at is None:
            self.ready_at = now

    @property
    def escalated(self) -> bool:
        return self.rejections >= 3 or any(times >= 2 for times in self.failed.values())


@dataclass
class Box:
    """A cycle: its state and the places of its deliverables; `parent` is the place of the cycle it remediates."""

    members: list[int]
    status: str = "planned"
    parent: int | None = None


@dataclass
class Entry:
    """Money that came in for a payment, until it is taken back."""

    payment: int
    amount: Decimal
    reference: str
    stands: bool = True


@dataclass
class Offer:
    """A scope. `triggers` are what its payments wait for; the rest of them is known once it is confirmed.

    `payments` are their states, `amounts` their amounts, `released` the days on which they became due, `books` what
    came in for them, `invoices` which payment each asks for, and its state.
    """

    valid_until: date
    start: date
    works: list[Work]
    boxes: list[Box]
    triggers: list[tuple[str, int]]
    window: int | None = None
    silence: str = "none"
    status: str = "pending_confirmation"
    reminded: bool = False
    shifted: int = 0
    remedies: list[Box] = field(default_factory=list)
    net_days: int = 7
    payments: list[str] = field(default_factory=list)
    amounts: list[Decimal] = field(default_factory=list)
    released: dict[int, date] = field(default_factory=dict)
    books: list[Entry] = field(default_factory=list)
    invoices: list[list[Any]] = field(default_factory=list)

    def received(self, payment: int | None = None) -> Decimal:
        """What came in and was not taken back, for one payment or for all."""
        found = (e.amount for e in self.books if e.stands and payment in (None, e.payment))
        return sum(found, Decimal(0))

    def left(self, *states: str) -> Decimal:
        """What payments in these states still lack."""
        numbers = [n for n, state in enumerate(self.payments) if state in states]
        return sum((self.amounts[n] - self.received(n) for n in numbers), Decimal(0))

    def settle(self, payment: int) -> None:
        """Paid is what is due and lacks nothing."""
        if self.payments[payment] in ("due", "paid"):
            self.payments[payment] = "paid" if self.received(payment) == self.amounts[payment] else "due"
        for invoice in self.invoices:
            if invoice[0] == payment and invoice[1] != "void":
                is_paid = self.payments[payment] == "paid"
                invoice[1] = "paid" if is_paid else "open" if invoice[1] == "paid" else invoice[1]

    def ages(self, now: datetime) -> dict[str, Decimal]:
        """What is due and lacks something, by whole days past the due date."""
        found: dict[str, Decimal] = {}
        for n, state in enumerate(self.payments):
            left = self.amounts[n] - self.received(n)
            if state == "due" and left:
                late = now - datetime.combine(self.released[n] + timedelta(self.net_days), time.min, UTC)
                found[age(late)] = found.get(age(late), Decimal(0)) + left
        return found

    def box_of(self, place: int) -> int:
        return next(n for n, box in enumerate(self.boxes) if place in box.members)

    def working_box(self, place: int) -> Box:
        """Where the next work on a deliverable happens: its latest remediation, else its own cycle."""
        return next((r for r in reversed(self.remedies) if place in r.members), self.boxes[self.box_of(place)])

    def release(self, kind: str, number: int = 0) -> None:
        for n, trigger in enumerate(self.triggers):
            if trigger == (kind, number) and self.payments[n] == "scheduled":
                self.payments[n] = "due"

    def drop(self) -> None:
        """Cancel whatever is not accepted."""
        for thing in (*self.boxes, *self.remedies, *self.works):
            if thing.status != "accepted":
                thing.status = "cancelled"


def age(late: timedelta) -> str:
    """The bucket of something that is so late."""
    if late <= timedelta(0):
        return "not_yet_due"
    bounds = {"1_30": 30, "31_60": 60, "61_90": 90}
    return next((name for name, most in bounds.items() if late.days <= most), "over_90")


class Model:
    """One engagement. Each command has a `judge_` (which refusal, or None) and a `do_` (what follows)."""

    def __init__(self) -> None:
        self.request = "scoping"
        self.offers: list[Offer] = []

    @property
    def confirmed(self) -> bool:
        return any(offer.payments for offer in self.offers)

    def _waits(self, today: date) -> bool:
        """Whether a proposal that can still be confirmed stands in the way of another."""
        last = self.offers[-1]
        return last.status != "pending_confirmation" or today <= last.valid_until

    def judge_propose(self, today: date, *, right: bool, fits: bool) -> Refusal:
        if self.request != "scoping" and not (self.request == "scoped" and not self._waits(today)):
            return NotAllowed
        return Invalid if not right else None if fits else DoesNotFit

    def do_propose(self, offer: Offer) -> None:
        self._withdraw()
        self.offers.append(offer)
        self.request = "scoped"

    def _withdraw(self) -> None:
        for offer in self.offers:
            if offer.status == "pending_confirmation":
                offer.status = "cancelled"
                offer.drop()

    def judge_request(self, verb: str, *, right: bool) -> Refusal:
        """negotiate, revise and cancel."""
        states = {"negotiate": {"scoping"}, "revise": {"requires_negotiation"}}
        if verb == "cancel":
            allowed = self.request != "cancelled" and not self.confirmed
        else:
            allowed = self.request in states[verb]
        return NotAllowed if not allowed else None if right else Invalid

    def do_negotiate(self) -> None:
        self.request = "requires_negotiation"

    def do_revise(self) -> None:
        self.request = "scoping"

    def do_cancel(self) -> None:
        self.request = "cancelled"
        self._withdraw()

    def judge_scope(self, verb: str, place: int, today: date, *, right: bool) -> Refusal:
        """confirm, decline, reissue and terminate."""
        offer = self.offers[place]
        if offer.status != ("active" if verb == "terminate" else "pending_confirmation"):
            return NotAllowed
        if verb == "confirm" and today > offer.valid_until:
            return ScopeExpired
        if verb == "reissue" and today <= offer.valid_until:
            return NotAllowed
        return None if right else Invalid

    def do_confirm(self, place: int, today: date) -> None:
        offer = self.offers[place]
        offer.status = "active"
        offer.shifted = max((today - offer.start).days, 0)
        offer.payments = ["scheduled"] * len(offer.triggers)
        offer.boxes[0].status = "in_progress"
        offer.release("confirmation")

    def do_decline(self, place: int) -> None:
        self.offers[place].status = "cancelled"
        self.offers[place].drop()
        self.request = "scoping"

    def do_terminate(self, place: int) -> None:
        offer = self.offers[place]
        offer.status = "cancelled"
        offer.drop()
        offer.payments = ["void" if state == "scheduled" else state for state in offer.payments]

    def judge_work(self, verb: str, place: int, n: int, *, right: bool = True) -> Refusal:
        """start, submit, accept and reject."""
        offer = self.offers[place]
        states = {"start": {"pending", "rejected"}, "submit": {"pending", "in_progress", "rejected"}}
        if offer.works[n].status not in states.get(verb, {"ready_for_acceptance"}):
            return NotAllowed
        if verb in states and offer.working_box(n).status != "in_progress":
            return NotAllowed
        return None if right else Invalid

    def judge_lapse(self, place: int, n: int, now: datetime) -> Refusal:
        """Silence decides where the scope says so, from the end of the window on."""
        offer, work = self.offers[place], self.offers[place].works[n]
        if work.ready_at is None or offer.window is None or offer.silence == "none":
            return NotAllowed
        return None if now >= work.ready_at + timedelta(days=offer.window) else NotAllowed

    def do_lapse(self, place: int, n: int) -> None:
        if self.offers[place].silence == "deemed_accepted":
            self.do_accept(place, n)
        else:
            self.do_reject(place, n, ())

    def judge_reminder(self, place: int, n: int, now: datetime) -> Refusal:
        """Two days before the window ends, half-way through a shorter one; after five days without one."""
        offer, work = self.offers[place], self.offers[place].works[n]
        if work.ready_at is None or work.reminded:
            return NotAllowed
        hours = 24 * 5 if offer.window is None else 24 * offer.window - min(48, 12 * offer.window)
        return None if now >= work.ready_at + timedelta(hours=hours) else NotAllowed

    def judge_expiry_reminder(self, place: int, today: date) -> Refusal:
        """On the last two days before the last one, and on that."""
        offer = self.offers[place]
        timely = offer.valid_until - timedelta(days=2) <= today <= offer.valid_until
        return None if offer.status == "pending_confirmation" and timely and not offer.reminded else NotAllowed

    def do_start(self, place: int, n: int) -> None:
        work = self.offers[place].works[n]
        work.attempt += work.status == "rejected"
        work.status = "in_progress"

    def do_submit(self, place: int, n: int) -> None:
        offer = self.offers[place]
        offer.works[n].attempt += offer.works[n].status == "rejected"
        offer.works[n].status = "completed"
        box = offer.working_box(n)
        members = [offer.works[m] for m in box.members]
        if all(work.status in ("completed", "ready_for_acceptance", "accepted") for work in members):
            box.status = "completed"
            for work in members:
                work.status = "ready_for_acceptance" if work.status == "completed" else work.status

    def do_accept(self, place: int, n: int) -> None:
        offer = self.offers[place]
        offer.works[n].status = "accepted"
        offer.release("deliverable", n)
        for box in (*offer.remedies, offer.boxes[offer.box_of(n)]):
            if n in box.members and all(offer.works[m].status == "accepted" for m in box.members):
                box.status = "accepted"
        own = offer.box_of(n)
        if offer.boxes[own].status != "accepted":
            return
        offer.release("cycle", own)
        if own + 1 < len(offer.boxes):
            offer.boxes[own + 1].status = "in_progress"
        else:
            offer.status = "completed"
            offer.release("final")

    def do_reject(self, place: int, n: int, criteria: tuple[int, ...]) -> None:
        offer = self.offers[place]
        work, own = offer.works[n], offer.box_of(n)
        work.status = "rejected"
        work.rejections += 1
        work.failed.update(criteria)
        running = next((r for r in offer.remedies if r.parent == own and r.status == "in_progress"), None)
        if running:
            running.members.append(n)
        else:
            offer.remedies.append(Box([n], "in_progress", own))

    def judge_receipt(self, place: int, n: int, amount: Decimal, reference: str, *, right: bool) -> Refusal:
        offer = self.offers[place]
        if offer.payments[n] not in ("due", "paid"):
            return NotAllowed
        if not right:
            return Invalid
        if any(e.stands and e.payment == n and e.reference == reference for e in offer.books):
            return DuplicateReceipt
        return AmountExceedsOpen if amount > offer.amounts[n] - offer.received(n) else None

    def do_receive(self, place: int, n: int, amount: Decimal, reference: str) -> None:
        self.offers[place].books.append(Entry(n, amount, reference))
        self.offers[place].settle(n)

    def judge_reversal(self, place: int, entry: int, *, right: bool) -> Refusal:
        return NotAllowed if not self.offers[place].books[entry].stands else None if right else Invalid

    def do_reverse(self, place: int, entry: int) -> None:
        taken_back = self.offers[place].books[entry]
        taken_back.stands = False
        self.offers[place].settle(taken_back.payment)

    def judge_invoice(self, place: int, n: int) -> Refusal:
        offer = self.offers[place]
        stands = any(invoice[0] == n and invoice[1] != "void" for invoice in offer.invoices)
        return NotAllowed if offer.payments[n] != "due" or stands else None

    def do_invoice(self, place: int, n: int) -> None:
        self.offers[place].invoices.append([n, "open"])

    def judge_ending(self, verb: str, place: int, invoice: int, *, right: bool) -> Refusal:
        """void and write_off."""
        allowed = {"void": ("open", "uncollectible"), "write_off": ("open",)}[verb]
        state = self.offers[place].invoices[invoice][1]
        return NotAllowed if state not in allowed else None if right else Invalid

    def do_end(self, verb: str, place: int, invoice: int) -> None:
        self.offers[place].invoices[invoice][1] = {"void": "void", "write_off": "uncollectible"}[verb]
