"""The records an engagement is made of.

A request, its scope proposals, and the confirmed scope's cycles, deliverables, service line and payment milestones
form one `Engagement`: the unit that a command changes, a transaction writes and a row lock protects. Records are
frozen; a change makes new ones. Money is `Decimal` with the currency beside it, times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from ods_core.basics.errors import NotFound
from ods_core.basics.ids import number_of
from ods_core.basics.parties import Party
from ods_core.basics.quotes import Quote
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    InvoiceStatus,
    PaymentKind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
    SilencePolicy,
    Verdict,
)
from ods_core.basics.triggers import Trigger


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that shows a criterion is met: what it is, and where (an http or https address)."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class CriterionNotMet:
    """A criterion (its place in the deliverable, from 1) that a reviewer found not met, and what shows it."""

    criterion: int
    evidence: str


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """What a reviewer found of a criterion (its place in the deliverable, from 1), and what shows it."""

    criterion: int
    verdict: Verdict
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PlannedMilestone:
    """One payment of a schedule: `position` counts from 1, `net_days` from the day that `trigger` happens.

    The amount may be zero where the price has too few minor units to give every clause one.
    """

    position: int
    kind: PaymentKind
    trigger: Trigger
    amount: Decimal
    currency: str
    net_days: int
    description: str


@dataclass(frozen=True, slots=True)
class Request:
    """A description of the outcome somebody needs, and the bounds around it."""

    id: str
    status: RequestStatus
    organization_id: str
    workspace_id: str
    subscription_id: str | None
    project_tags: tuple[str, ...]
    title: str
    description: str
    desired_outcome: str
    acceptance_criteria: tuple[str, ...]
    timeline_weeks: int | None
    budget_max: Decimal | None
    currency: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    scoped_at: datetime | None = None
    negotiation_reason: str | None = None
    negotiation_price: Decimal | None = None
    negotiation_weeks: int | None = None
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A proposal and, once confirmed, the engagement's fixed specification.

    `schedule` is what the payment terms come to; the milestones made at confirmation are copies of it.
    `shifted_days` is by how much a late confirmation moved the cycles; `remind_on` is the day from which its client is
    to be reminded that it is about to expire, and `reminded_at` when that happened. `quote` is the provider's
    calculation of the price, where there is one; a person may have rounded it.
    `criteria_score` is how good its criteria were found when it was confirmed, 0 to 100.
    """

    id: str
    request_id: str
    revision: int
    status: ScopeStatus
    title: str
    fixed_price: Decimal
    currency: str
    timeline_weeks: int
    payment_terms: str
    schedule: tuple[PlannedMilestone, ...]
    valid_until: date
    lead_time_days: int
    review_window_days: int | None
    silence_policy: SilencePolicy
    proposed_at: datetime
    proposed_by: str
    remind_on: date
    reminded_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    shifted_days: int = 0
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    cancellation_reason: str | None = None
    quote: Quote | None = None
    criteria_score: int | None = None

    def is_expired(self, today: date) -> bool:
        """Whether the proposal can no longer be confirmed; `valid_until` itself is still a day to do it."""
        return self.status == ScopeStatus.PENDING_CONFIRMATION and today > self.valid_until


@dataclass(frozen=True, slots=True)
class Cycle:
    """A time-boxed delivery period; `planned_*` is the plan as confirmed, `baseline_*` the plan as proposed."""

    id: str
    request_id: str
    scope_id: str
    kind: CycleKind
    parent_cycle_id: str | None
    number: int
    name: str
    status: CycleStatus
    planned_start: date
    planned_end: date
    baseline_start: date
    baseline_end: date
    deliverable_ids: tuple[str, ...]
    started_at: datetime | None = None
    completed_at: datetime | None = None
    accepted_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One thing to be delivered; it belongs to one delivery cycle and may pass through remediation cycles.

    `criteria_as_text` remembers that the criteria were given as one text, so that they are shown as they were given.
    """

    id: str
    request_id: str
    scope_id: str
    cycle_id: str
    position: int
    key: str
    title: str
    description: str
    acceptance_criteria: tuple[str, ...]
    criteria_as_text: bool
    status: DeliverableStatus
    attempt: int = 1
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    ready_at: datetime | None = None
    decided_at: datetime | None = None
    escalated_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of a deliverable and the decision on it; at most one decision, and it is final.

    `decide_by` is the end of the review window, where the scope has one; `remind_at` is when the reviewer is to be
    reminded, and `reminded_at` when that happened. `verdicts` are those that the reviewer gave.
    """

    deliverable_id: str
    request_id: str
    number: int
    cycle_id: str
    started_at: datetime
    submitted_at: datetime | None = None
    submitted_by: str | None = None
    notes: str | None = None
    evidence: tuple[Evidence, ...] = ()
    ready_at: datetime | None = None
    decide_by: datetime | None = None
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    decision: Decision | None = None
    decided_at: datetime | None = None
    reviewer_id: str | None = None
    review_notes: str | None = None
    rejection_reason: str | None = None
    criteria_not_met: tuple[CriterionNotMet, ...] = ()
    verdicts: tuple[CriterionVerdict, ...] = ()
    deemed: bool = False
    remediation_cycle_id: str | None = None

    def verdict_on(self, criterion: int) -> CriterionVerdict:
        """What the decision says of one criterion; what it does not name was not tested."""
        for given in self.verdicts:
            if given.criterion == criterion:
                return given
        for failed in self.criteria_not_met:
            if failed.criterion == criterion:
                return CriterionVerdict(criterion, Verdict.NOT_MET, failed.evidence)
        return CriterionVerdict(criterion, Verdict.NOT_TESTED)


def attempt_place(attempt: Attempt) -> tuple[int, int]:
    """Where an attempt stands among its engagement's: by its deliverable, then by its number."""
    return number_of(attempt.deliverable_id), attempt.number


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """What a confirmed scope opens and the last acceptance, or a termination, closes."""

    id: str
    request_id: str
    scope_id: str
    status: ServiceLineStatus
    opened_at: datetime
    closed_at: datetime | None = None

    EXECUTION_MODEL = "timeboxed_outcome"
    BILLING_MODEL = "fixed_scope"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One payment of a confirmed scope. `paid` is what its receipts come to."""

    id: str
    request_id: str
    scope_id: str
    position: int
    kind: PaymentKind
    trigger: Trigger
    status: PaymentStatus
    amount: Decimal
    currency: str
    paid: Decimal
    net_days: int
    description: str
    triggered_at: datetime | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None

    @property
    def open(self) -> Decimal:
        """What is owed now: nothing before the milestone is due, nothing once it is paid."""
        return self.amount - self.paid if self.status == PaymentStatus.DUE else Decimal(0)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in for a payment. A wrong one is reversed by an entry of its own, with the amount negated.

    `reverses` is the receipt that a reversal takes back, and `reason` why.
    """

    id: str
    request_id: str
    scope_id: str
    payment_id: str
    status: ReceiptStatus
    amount: Decimal
    currency: str
    received_on: date
    reference: str
    recorded_at: datetime
    recorded_by: str
    reverses: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A demand for one payment. Once issued nothing of it changes but its state.

    `serial` counts from 1 within the organisation, without a gap; `paid` is what had been paid of `amount` by then.
    `seller`, `buyer` and `note` are as they were that day; what else is printed is fixed since the confirmation.
    `ended_at` and `reason` belong to one that was voided or given up.
    """

    id: str
    request_id: str
    scope_id: str
    payment_id: str
    serial: int
    status: InvoiceStatus
    amount: Decimal
    paid: Decimal
    currency: str
    due_on: date
    seller: Party
    buyer: Party
    note: str
    issued_at: datetime
    issued_by: str
    ended_at: datetime | None = None
    reason: str | None = None

    @property
    def claimed(self) -> Decimal:
        """What it asks for: the amount, less what had been paid when it was issued."""
        return self.amount - self.paid


def invoice_number(organization_id: str, serial: int) -> str:
    """An invoice's number as it is printed: `ORG-26-090500-0001`."""
    return f"{organization_id}-{serial:04d}"


@dataclass(frozen=True, slots=True)
class Engagement:
    """One request and all that came of it; tuples stand in the order of creation, attempts by their deliverables."""

    request: Request
    scopes: tuple[Scope, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    deliverables: tuple[Deliverable, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    service_lines: tuple[ServiceLine, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    invoices: tuple[Invoice, ...] = ()

    @property
    def current_scope(self) -> Scope | None:
        """The latest proposal that was not cancelled, else the latest that was confirmed and terminated."""
        live = [s for s in self.scopes if s.status != ScopeStatus.CANCELLED or s.confirmed_at]
        return live[-1] if live else None

    @property
    def service_line(self) -> ServiceLine | None:
        """The service line, once a scope was confirmed."""
        return self.service_lines[-1] if self.service_lines else None

    def scope(self, id: str) -> Scope:
        """The scope with this id, else NotFound."""
        return _one(self.scopes, id, "scope")

    def cycle(self, id: str) -> Cycle:
        """The cycle with this id, else NotFound."""
        return _one(self.cycles, id, "cycle")

    def deliverable(self, id: str) -> Deliverable:
        """The deliverable with this id, else NotFound."""
        return _one(self.deliverables, id, "deliverable")

    def milestone(self, id: str) -> Milestone:
        """The payment milestone with this id, else NotFound."""
        return _one(self.milestones, id, "payment")

    def receipt(self, id: str) -> Receipt:
        """The receipt with this id, else NotFound."""
        return _one(self.receipts, id, "receipt")

    def receipts_of(self, payment_id: str) -> list[Receipt]:
        """A payment's receipts and reversals, oldest first."""
        return [r for r in self.receipts if r.payment_id == payment_id]

    def invoice(self, id: str) -> Invoice:
        """The invoice with this id, else NotFound."""
        return _one(self.invoices, id, "invoice")

    def invoices_of(self, payment_id: str) -> list[Invoice]:
        """A payment's invoices, oldest first."""
        return [i for i in self.invoices if i.payment_id == payment_id]

    def standing_invoice(self, payment_id: str) -> Invoice | None:
        """The one invoice of a payment that was not voided."""
        return next((i for i in self.invoices_of(payment_id) if i.status != InvoiceStatus.VOID), None)

    def delivery_cycles(self, scope_id: str) -> list[Cycle]:
        """A scope's delivery cycles in their order."""
        return [c for c in self.cycles if c.scope_id == scope_id and c.kind == CycleKind.DELIVERY]

    def remediations(self, parent_cycle_id: str) -> list[Cycle]:
        """The remediation cycles of one delivery cycle, oldest first."""
        return [c for c in self.cycles if c.parent_cycle_id == parent_cycle_id]

    def scope_deliverables(self, scope_id: str) -> list[Deliverable]:
        """A scope's deliverables in their order."""
        return [d for d in self.deliverables if d.scope_id == scope_id]

    def attempts_of(self, deliverable_id: str) -> list[Attempt]:
        """A deliverable's attempts, first one first."""
        return [a for a in self.attempts if a.deliverable_id == deliverable_id]

    def attempt_on(self, deliverable: Deliverable) -> Attempt | None:
        """A deliverable's present attempt, None before its first work."""
        return next((a for a in self.attempts_of(deliverable.id) if a.number == deliverable.attempt), None)

    def cycles_of(self, deliverable_id: str) -> list[Cycle]:
        """Every cycle whose list a deliverable stands on, its delivery cycle first."""
        return [c for c in self.cycles if deliverable_id in c.deliverable_ids]

    def ids(self) -> Iterator[str]:
        """The identifier of everything in the engagement that has one."""
        yield self.request.id
        groups = (self.scopes, self.cycles, self.deliverables, self.service_lines, self.milestones)
        for group in (*groups, self.receipts, self.invoices):
            yield from (record.id for record in group)


Record = Request | Scope | Cycle | Deliverable | Attempt | ServiceLine | Milestone | Receipt | Invoice

_T = TypeVar("_T", Scope, Cycle, Deliverable, Milestone, Receipt, Invoice)


def _one(records: tuple[_T, ...], id: str, kind: str) -> _T:
    for record in records:
        if record.id == id:
            return record
    raise NotFound(kind, id)
