"""An engagement played by the pure rules: no database, a clock moved by hand, identifiers counted from one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.events import Actor, ActorKind, EventType
from ods_core.basics.ids import Prefix, format_id
from ods_core.basics.records import CriterionNotMet, Cycle, Deliverable, Engagement, Milestone, Scope
from ods_core.basics.states import (
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    SilencePolicy,
)
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    IssueInvoice,
    Lapse,
    Moment,
    Negotiate,
    Policy,
    Propose,
    RecordReceipt,
    Reissue,
    Reject,
    RemindApprover,
    RemindReviewer,
    ReverseReceipt,
    Revise,
    Start,
    Submit,
    Terminate,
    Verb,
    VoidInvoice,
    WriteOffInvoice,
    decide,
    open_engagement,
)
from ods_core.service import with_schedule
from tests.seed import PERSON, SUBMITTED, seed_proposal, seed_request, two_cycle_proposal

ACTOR = Actor(ActorKind.USER, PERSON)


def at(month: int, day: int, hour: int = 12) -> datetime:
    """A moment of the example's year."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


class Play:
    """One engagement and the moment it is in; `events` are those of the last command, `history` all of them."""

    def __init__(self, policy: Policy | None = None, **request: Any) -> None:
        self.now = SUBMITTED
        self.policy = policy or Policy()
        self._numbers: Counter[Prefix] = Counter()
        self._serials: Counter[str] = Counter()
        opened = open_engagement(seed_request(**request), self.moment)
        self.engagement: Engagement = opened.engagement
        self.events = self.history = opened.events

    @property
    def moment(self) -> Moment:
        return Moment(self.now, ACTOR, self._next_id, self._next_serial, self.policy)

    def _next_id(self, prefix: Prefix) -> str:
        self._numbers[prefix] += 1
        return format_id(prefix, self._numbers[prefix], self.now)

    def _next_serial(self, organization_id: str) -> int:
        self._serials[organization_id] += 1
        return self._serials[organization_id]

    def do(self, command: Command, subject_id: str = "") -> Play:
        """Carry out a command, on the request unless another subject is named."""
        given = with_schedule(command) if isinstance(command, Propose) else command
        outcome = decide(self.engagement, given, subject_id or self.engagement.request.id, self.moment)
        self.engagement, self.events = outcome.engagement, outcome.events
        self.history += outcome.events
        return self

    def wait(self, **delta: float) -> Play:
        """Let time pass."""
        self.now += timedelta(**delta)
        return self

    def until(self, when: datetime) -> Play:
        """Let time pass until then."""
        assert when >= self.now, "a play goes forward"
        self.now = when
        return self

    def propose(self, proposal: Propose | None = None) -> Play:
        return self.do(proposal or seed_proposal())

    def confirm(self) -> Play:
        return self.do(Confirm(), self.scope.id)

    def start(self, position: int) -> Play:
        return self.do(Start(), self.deliverable(position).id)

    def submit(self, *positions: int) -> Play:
        for position in positions:
            self.do(Submit(), self.deliverable(position).id)
        return self

    def accept(self, *positions: int) -> Play:
        for position in positions:
            self.do(Accept(), self.deliverable(position).id)
        return self

    def reject(self, position: int, *criteria: int) -> Play:
        not_met = tuple(CriterionNotMet(n, "See the report.") for n in criteria)
        return self.do(Reject("Not met.", criteria_not_met=not_met), self.deliverable(position).id)

    @property
    def scope(self) -> Scope:
        """The latest scope."""
        return self.engagement.scopes[-1]

    def deliverable(self, position: int) -> Deliverable:
        """A deliverable of the latest scope, by its place from 1."""
        return self.engagement.scope_deliverables(self.scope.id)[position - 1]

    def cycle(self, number: int) -> Cycle:
        """A delivery cycle of the latest scope, by its number from 1."""
        return self.engagement.delivery_cycles(self.scope.id)[number - 1]

    @property
    def remediations(self) -> list[Cycle]:
        """The remediation cycles of all cycles, oldest first."""
        return [c for c in self.engagement.cycles if c.parent_cycle_id]

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        return self.engagement.milestones

    @property
    def told(self) -> list[EventType]:
        """The types of the last command's events, in order."""
        return [event.type for event in self.events]


def proposed() -> Play:
    """The example, its proposal pending."""
    return Play().propose()


def active() -> Play:
    """The example in two cycles, confirmed."""
    return Play().propose(two_cycle_proposal()).confirm()


def in_review() -> Play:
    """Its first cycle completed, fix and suite ready for acceptance."""
    return active().submit(1, 2)


def completed() -> Play:
    """Accepted to the last."""
    return in_review().accept(1, 2).submit(3).accept(3)


def terminated() -> Play:
    """Ended early, with one deliverable being worked on."""
    play = active().start(1)
    return play.do(Terminate("Over."), play.scope.id)


def declined() -> Play:
    """Its one proposal declined."""
    play = proposed()
    return play.do(Decline("Which load?"), play.scope.id)


def expired() -> Play:
    """The example's proposal, a day past the last one on which it could be confirmed."""
    return proposed().wait(days=15)


def negotiating() -> Play:
    """The provider says what would fit."""
    return Play().do(Negotiate("More weeks.", timeline_weeks=5))


def cancelled() -> Play:
    """Cancelled before any proposal."""
    return Play().do(Cancel("No budget."))


def late_paying() -> Play:
    """The example, with nothing due before the end."""
    return Play().propose(seed_proposal(payment_terms="100% on final acceptance"))


def silent(policy: SilencePolicy, days: int = 10) -> Play:
    """The example in two cycles, its first one in review, in a scope in which silence means something."""
    play = Play().propose(two_cycle_proposal(review_window_days=days, silence_policy=policy)).confirm()
    return play.submit(1, 2)


def ended(play: Play) -> Play:
    """Terminated."""
    return play.do(Terminate("Over."), play.scope.id)


def paying(play: Play) -> Play:
    """Its first payment received in full."""
    first = play.milestones[0]
    return play.do(RecordReceipt(first.amount, play.now.date(), "R1"), first.id)


def taken_back(play: Play, *, then: int) -> Play:
    """Its receipt reversed; the entry at place `then` is left as the only one, to be asked about."""
    play.do(ReverseReceipt("Wrong payment."), play.engagement.receipts[0].id)
    play.engagement = replace(play.engagement, receipts=play.engagement.receipts[then : then + 1])
    return play


def invoiced(play: Play) -> Play:
    """Its first payment invoiced."""
    return play.do(IssueInvoice(), play.milestones[0].id)


def with_first_invoice(play: Play, command: Command) -> Play:
    """Its first payment invoiced, and the invoice ended by a command."""
    invoiced(play)
    return play.do(command, play.engagement.invoices[0].id)


REQUESTS: dict[RequestStatus, Callable[[], Play]] = {
    RequestStatus.SCOPING: Play,
    RequestStatus.SCOPED: proposed,
    RequestStatus.REQUIRES_NEGOTIATION: negotiating,
    RequestStatus.CANCELLED: cancelled,
}
SCOPES: dict[ScopeStatus, Callable[[], Play]] = {
    ScopeStatus.PENDING_CONFIRMATION: proposed,
    ScopeStatus.ACTIVE: active,
    ScopeStatus.COMPLETED: completed,
    ScopeStatus.CANCELLED: declined,
}
PAYMENTS: dict[PaymentStatus, Callable[[], Play]] = {
    PaymentStatus.SCHEDULED: lambda: late_paying().confirm(),
    PaymentStatus.DUE: active,
    PaymentStatus.PAID: lambda: paying(active()),
    PaymentStatus.VOID: lambda: ended(late_paying().confirm()),
}
RECEIPTS: dict[ReceiptStatus, Callable[[], Play]] = {
    ReceiptStatus.RECORDED: lambda: paying(active()),
    ReceiptStatus.REVERSED: lambda: taken_back(paying(active()), then=0),
    ReceiptStatus.REVERSAL: lambda: taken_back(paying(active()), then=1),
}
INVOICES: dict[InvoiceStatus, Callable[[], Play]] = {
    InvoiceStatus.OPEN: lambda: invoiced(active()),
    InvoiceStatus.PAID: lambda: paying(invoiced(active())),
    InvoiceStatus.VOID: lambda: with_first_invoice(active(), VoidInvoice("Wrong address.")),
    InvoiceStatus.UNCOLLECTIBLE: lambda: with_first_invoice(active(), WriteOffInvoice("Insolvent.")),
}
DELIVERABLES: dict[DeliverableStatus, Callable[[], Play]] = {
    DeliverableStatus.PENDING: active,
    DeliverableStatus.IN_PROGRESS: lambda: active().start(1),
    DeliverableStatus.COMPLETED: lambda: active().submit(1),
    DeliverableStatus.READY_FOR_ACCEPTANCE: in_review,
    DeliverableStatus.ACCEPTED: lambda: in_review().accept(1),
    DeliverableStatus.REJECTED: lambda: in_review().reject(1),
    DeliverableStatus.CANCELLED: terminated,
}
"""A play that has brought the first deliverable into each state; likewise the request, and the latest scope, above."""


def subject_id(play: Play, kind: Kind) -> str:
    """The thing of this kind that the plays above are about."""
    return {
        Kind.REQUEST: lambda: play.engagement.request.id,
        Kind.SCOPE: lambda: play.scope.id,
        Kind.DELIVERABLE: lambda: play.deliverable(1).id,
        Kind.PAYMENT: lambda: play.milestones[0].id,
        Kind.RECEIPT: lambda: play.engagement.receipts[0].id,
        Kind.INVOICE: lambda: play.engagement.invoices[0].id,
    }[kind]()


COMMANDS: dict[Verb, Command] = {
    Verb.PROPOSE: seed_proposal(),
    Verb.NEGOTIATE: Negotiate("More weeks.", timeline_weeks=5),
    Verb.REVISE: Revise(timeline_weeks=5),
    Verb.CANCEL: Cancel("No budget."),
    Verb.CONFIRM: Confirm(),
    Verb.DECLINE: Decline("Which load?"),
    Verb.REISSUE: Reissue(),
    Verb.TERMINATE: Terminate("Over."),
    Verb.START: Start(),
    Verb.SUBMIT: Submit(),
    Verb.ACCEPT: Accept(),
    Verb.REJECT: Reject("Not met."),
    Verb.LAPSE: Lapse(),
    Verb.REMIND_REVIEWER: RemindReviewer(),
    Verb.REMIND_APPROVER: RemindApprover(),
    Verb.RECORD_RECEIPT: RecordReceipt(Decimal("1.00"), SUBMITTED.date(), "R9"),
    Verb.REVERSE_RECEIPT: ReverseReceipt("Wrong payment."),
    Verb.ISSUE_INVOICE: IssueInvoice(),
    Verb.VOID_INVOICE: VoidInvoice("Wrong address."),
    Verb.WRITE_OFF_INVOICE: WriteOffInvoice("Insolvent."),
}
"""Each command with values that are right, so that only the state can be against it."""
