"""What callers get, as OpenAPI describes it.

Answers are written from the resources themselves; these models are their description, and a test holds the one
against the other.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from ods_core.basics.quotes import AdjustmentKind, Change

Amount = Annotated[Decimal, WithJsonSchema({"type": "number"})]
T = TypeVar("T")


class Shape(BaseModel):
    """A part of an answer; a later version may add fields."""

    model_config = ConfigDict(extra="forbid")


class Data(Shape, Generic[T]):
    """One thing."""

    data: T


class Meta(Shape):
    """Where a list goes on; `cursor` is null at its end."""

    cursor: str | None
    has_more: bool


class Listed(Shape, Generic[T]):
    """Some of many things."""

    data: list[T]
    meta: Meta


class ProblemError(BaseModel):
    """One bad place in a body."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """A refusal (RFC 9457); further members depend on its `code`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemError] | None = None
    current_state: str | None = None


class ScopeSummary(Shape):
    deliverables: int
    cycles: int
    timeline_weeks: int
    fixed_price: Amount
    currency: str


class Negotiation(Shape):
    reason: str
    fixed_price: Amount | None
    timeline_weeks: int | None


class RequestShape(Shape):
    id: str
    status: str
    title: str
    created_at: datetime
    scope_id: str | None
    scope_summary: ScopeSummary | None
    organization_id: str
    workspace_id: str
    subscription_id: str | None
    project_tags: list[str]
    description: str
    desired_outcome: str
    acceptance_criteria: list[str]
    timeline_weeks: int | None
    budget_max: Amount | None
    currency: str
    created_by: str
    updated_at: datetime
    scoped_at: datetime | None
    negotiation: Negotiation | None
    cancelled_at: datetime | None
    cancellation_reason: str | None
    scope_ids: list[str]


class ScopedDeliverable(Shape):
    id: str
    title: str
    description: str
    acceptance_criteria: str | list[str]
    status: str
    cycle_id: str
    key: str


class ScopedCycle(Shape):
    id: str
    name: str
    planned_start: date
    planned_end: date
    deliverable_ids: list[str]
    kind: str
    status: str
    parent_cycle_id: str | None


class TriggerShape(Shape):
    kind: str
    number: int = Field(1, description="Only for cycle_acceptance and deliverable_acceptance")


class PlannedPayment(Shape):
    position: int
    kind: str
    trigger: TriggerShape
    amount: Amount
    currency: str
    net_days: int
    description: str


class CardShape(Shape):
    name: str
    effective_on: date


class PricedDeliverableShape(Shape):
    position: int
    title: str
    days: Amount
    work: Amount


class WorkLineShape(Shape):
    deliverable: int = Field(description="Its position, from 1")
    role: str
    role_title: str
    days: Amount
    rate: Amount
    amount: Amount


class AdjustmentShape(Shape):
    kind: AdjustmentKind
    factor: Amount | None = Field(description="null for rounding")
    base: Amount
    amount: Amount
    result: Amount
    description: str


class AskedShape(Shape):
    contingency: Amount | None
    complexity: str | None
    discount: Amount
    budget_max: Amount | None
    timeline_weeks: int | None
    team_days_per_week: Amount | None


class DroppedShape(Shape):
    position: int
    title: str


class OptionShape(Shape):
    change: Change
    price: Amount
    timeline_weeks: int
    drop: list[DroppedShape]


class QuoteShape(Shape):
    """A price and how it came about: the amounts of `lines` and `adjustments` sum to `price`."""

    currency: str
    price: Amount
    timeline_weeks: int = Field(description="The weeks that this price is for")
    estimated_weeks: int
    shortest_weeks: int
    team_days_per_week: Amount
    rate_card: CardShape
    deliverables: list[PricedDeliverableShape]
    lines: list[WorkLineShape]
    work: Amount = Field(description="The sum of the lines")
    adjustments: list[AdjustmentShape]
    subtotal: Amount = Field(description="The price before it is rounded up")
    asked: AskedShape
    fits: bool
    price_gap: Amount
    weeks_gap: int
    would_fit: list[OptionShape] = Field(description="Empty when it fits")


class KeptQuoteShape(QuoteShape):
    """The quote that a scope's price came from."""

    adjusted_by: Amount = Field(description="fixed_price minus price: what a person rounded or agreed")


class ScopeShape(Shape):
    id: str
    request_id: str
    status: str
    title: str
    deliverables: list[ScopedDeliverable]
    cycles: list[ScopedCycle]
    fixed_price: Amount
    currency: str
    timeline_weeks: int
    payment_terms: str
    payment_schedule: list[PlannedPayment]
    revision: int
    valid_until: date
    last_safe_confirmation: date
    review_window_days: int | None
    silence_policy: str
    proposed_at: datetime
    proposed_by: str
    remind_on: date
    reminded_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    shifted_days: int
    criteria_score: int | None = Field(description="How good its criteria were found at confirmation, 0 to 100")
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancellation_reason: str | None
    service_line_id: str | None
    remediation_cycles: list[ScopedCycle]
    organization_id: str
    workspace_id: str
    request_status: str
    quote: KeptQuoteShape | None = Field(None, description="Only shown to the provider and to administrators")


class PaymentDue(Shape):
    amount: Amount
    currency: str
    due_at: datetime
    description: str
    id: str


class Confirmed(Shape):
    """What confirming, or declining, a scope came to."""

    scope_id: str
    status: str
    service_line_id: str | None = None
    cycle_id: str | None = None
    payment_due: PaymentDue | None = None
    request_id: str
    request_status: str
    reason: str | None = None


class CycleDeliverable(Shape):
    id: str
    title: str
    status: str
    submitted_at: datetime | None = None
    attempt: int


class CycleShape(Shape):
    id: str
    scope_id: str
    service_line_id: str | None
    status: str
    planned_start: date
    planned_end: date
    deliverables: list[CycleDeliverable]
    name: str
    kind: str
    parent_cycle_id: str | None
    number: int
    price: Amount | None = Field(None, description="0 for a remediation cycle; absent for a delivery cycle")
    baseline_start: date
    baseline_end: date
    started_at: datetime | None
    completed_at: datetime | None
    accepted_at: datetime | None
    cancelled_at: datetime | None
    request_id: str
    organization_id: str


class EvidenceShape(Shape):
    title: str
    url: str


class CriterionNotMetShape(Shape):
    criterion: int
    evidence: str


class VerdictShape(Shape):
    criterion: int
    verdict: str = Field(description="met, not_met or not_tested")
    evidence: str


class AttemptShape(Shape):
    attempt: int
    cycle_id: str
    started_at: datetime
    submitted_at: datetime | None
    submitted_by: str | None
    notes: str | None
    evidence: list[EvidenceShape]
    ready_at: datetime | None
    decide_by: datetime | None
    reminded_at: datetime | None
    decision: str | None
    decided_at: datetime | None
    reviewer_id: str | None
    review_notes: str | None
    rejection_reason: str | None
    criteria_not_met: list[CriterionNotMetShape]
    verdicts: list[VerdictShape] = Field(description="One a criterion once decided, none before")
    deemed: bool
    remediation_cycle_id: str | None


class DeliverableShape(Shape):
    id: str
    scope_id: str
    title: str
    description: str
    acceptance_criteria: str | list[str]
    status: str
    attempt: int
    cycle_id: str
    cycle_ids: list[str]
    request_id: str
    organization_id: str
    position: int
    key: str
    started_at: datetime | None
    submitted_at: datetime | None
    ready_at: datetime | None
    decide_by: datetime | None = Field(description="The end of the present attempt's review window, if there is one")
    reminded_at: datetime | None
    silence_policy: str
    decided_at: datetime | None
    deemed: bool = Field(description="Whether the present attempt was decided by silence")
    escalated_at: datetime | None
    cancelled_at: datetime | None
    attempts: list[AttemptShape]


class PaymentShape(Shape):
    id: str
    scope_id: str
    position: int
    kind: str
    trigger: TriggerShape
    status: str
    amount: Amount
    paid: Amount
    open: Amount
    currency: str
    description: str
    due_at: datetime | None
    expected_on: date | None
    overdue_days: int
    net_days: int
    request_id: str
    organization_id: str
    triggered_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None


class ReceiptShape(Shape):
    """Money received; a reversal has the negated amount and names what it `reverses`."""

    id: str
    payment_id: str
    amount: Amount
    currency: str
    received_on: date
    reference: str
    status: str
    reverses: str | None
    reason: str | None
    recorded_at: datetime
    recorded_by: str
    scope_id: str
    request_id: str
    organization_id: str


class PartyShape(Shape):
    name: str
    address: list[str]
    tax_id: str


class InvoiceShape(Shape):
    """An invoice as it was issued; nothing of it changes but `status`, `ended_at` and `reason`."""

    id: str
    number: str = Field(description="Counts within the organisation, without a gap")
    status: str
    payment_id: str
    scope_id: str
    amount: Amount
    paid: Amount = Field(description="What had been paid of the amount when it was issued")
    claimed: Amount = Field(description="What it asks for: amount less paid")
    currency: str
    issued_on: date
    due_on: date
    title: str
    description: str
    payment_terms: str
    seller: PartyShape
    buyer: PartyShape
    note: str
    issued_at: datetime
    issued_by: str
    ended_at: datetime | None
    reason: str | None
    request_id: str
    organization_id: str


class WarningShape(Shape):
    """What a reason would be better without; it stands in the way of nothing."""

    code: str
    severity: str = Field(description="`info`, `warning` or `blocker`")
    message: str
    suggestion: str


class FindingShape(WarningShape):
    """What a criterion would be better without, and the words that it is about."""

    start: int = Field(description="In code points of the text")
    end: int = Field(description="The first place after the words")


class CheckedCriterionShape(Shape):
    text: str = Field(description="As it was sent")
    score: int = Field(description="0 to 100")
    findings: list[FindingShape]


class CheckedCriteriaShape(Shape):
    score: int = Field(description="The mean of the criteria, rounded down; 0 for none")
    criteria: list[CheckedCriterionShape]


class CheckedReasonShape(Shape):
    findings: list[WarningShape]


class Decided(DeliverableShape):
    """A deliverable after the decision on it, and what followed."""

    remediation_cycle_id: str | None
    next_cycle_id: str | None
    payments_due: list[PaymentShape]
    scope_status: str
    service_line_status: str | None
    warnings: list[WarningShape] = Field(description="What a rejection would have been better without")


class ServiceLineShape(Shape):
    id: str
    scope_id: str
    request_id: str
    status: str
    execution_model: str
    billing_model: str
    title: str
    organization_id: str
    workspace_id: str
    opened_at: datetime
    closed_at: datetime | None


class CertifiedCriterion(Shape):
    criterion: int
    text: str
    verdict: str = Field(description="met, or not_tested where nobody said so")
    evidence: str


class ReleasedPayment(Shape):
    payment_id: str
    amount: Amount
    currency: str
    description: str
    due_at: datetime | None


class CertifiedScope(Shape):
    id: str
    title: str
    revision: int
    desired_outcome: str
    fixed_price: Amount
    currency: str
    confirmed_at: datetime
    confirmed_by: str


class CertifiedDeliverable(Shape):
    deliverable_id: str
    title: str
    description: str
    cycle_id: str
    attempt: int
    submitted_at: datetime
    submitted_by: str
    submission_notes: str | None
    evidence: list[EvidenceShape]
    accepted_at: datetime
    accepted_by: str = Field(description="`system` where silence decided")
    deemed: bool
    review_notes: str | None
    criteria: list[CertifiedCriterion]
    released: list[ReleasedPayment] = Field(description="What became due with this acceptance")


class Agreed(Shape):
    service_line_id: str
    request_id: str
    organization_id: str
    workspace_id: str
    scope: CertifiedScope


class CertificateShape(CertifiedDeliverable, Agreed):
    """The acceptance of one deliverable."""


class ServiceLineCertificateShape(Agreed):
    """The acceptance of everything that a scope promised."""

    status: str
    opened_at: datetime
    closed_at: datetime
    planned_start: date
    planned_end: date
    completed_at: datetime
    remediation_cycles: int
    released: list[ReleasedPayment] = Field(description="Every payment of the scope")
    deliverables: list[CertifiedDeliverable]


class StatementShape(Shape):
    fixed_price: Amount
    received: Amount
    open: Amount
    scheduled: Amount
    void: Amount
    currency: str
    payments: list[PaymentShape]


class Reference(Shape):
    kind: str
    id: str


class EventShape(Shape):
    id: str
    type: str
    occurred_at: datetime
    sequence: int
    actor: Reference
    subject: Reference
    request_id: str | None = Field(description="null for what belongs to no engagement")
    scope_id: str | None
    organization_id: str | None
    workspace_id: str | None
    data: dict[str, Any]


class EndpointShape(Shape):
    id: str
    url: str
    event_types: list[str]
    status: str = Field(description="enabled or disabled")
    organization_id: str | None = Field(description="null: the events of all organisations")
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str | None
    previous_secret_until: datetime | None = Field(
        description="Until then the secret before the present one signs, too"
    )
    last_attempt_at: datetime | None
    last_response_status: int | None = Field(description="null also where the last attempt got no answer")
    failing_engagements: int = Field(description="How many wait behind an event that is tried again")


class NewEndpointShape(Shape):
    id: str
    url: str
    event_types: list[str]
    status: str
    organization_id: str | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str | None
    previous_secret_until: datetime | None
    secret: str | None = Field(description="Shown this once; null when the same is sent again", examples=["whsec_…"])


class DeliveryAttemptShape(Shape):
    event_id: str
    event_type: str
    attempt: int = Field(description="From 1")
    replay: bool
    status: str = Field(description="delivered, failed (and tried again), or given_up")
    response_status: int | None = Field(description="null where there was no answer; `error` says why")
    error: str | None
    duration_ms: int
    attempted_at: datetime
    next_attempt_at: datetime | None


class DeletedShape(Shape):
    id: str
    deleted: bool


class ReplayShape(Shape):
    endpoint_id: str
    events: int = Field(description="How many events lie in what is sent again; those of other types are left out")


class TestShape(Shape):
    endpoint_id: str
    event_id: str


class Schedule(Shape):
    milestones: list[PlannedPayment]


class CashBarShape(Shape):
    start: date | None = Field(description="The first day; null for what is overdue or comes later")
    end: date | None = Field(description="The last day")
    due: Amount
    scheduled: Amount
    p50: Amount | None
    p85: Amount | None
    cumulative_p50: Amount | None
    cumulative_p85: Amount | None
    payment_ids: list[str]


class CashForecastShape(Shape):
    currency: str
    by: str
    as_of: datetime
    seed: int
    runs: int = Field(description="0 where too little is known to simulate")
    finished_cycles: int
    finished_cycles_needed: int
    paid_payments: int
    overdue: CashBarShape
    periods: list[CashBarShape]
    later: CashBarShape


class ForecastBasis(Shape):
    as_of: datetime
    seed: int
    runs: int = Field(description="Those that dates are told from; 0 where too little is known to simulate")
    finished_cycles: int
    finished_cycles_needed: int


class ScopeForecastShape(ForecastBasis):
    scope_id: str
    p50: date | None = Field(description="Finished by then in half of the runs")
    p85: date | None
    planned_end: date | None
    on_time: float | None = Field(description="The share of runs whose last cycle is completed by its planned end")


class DeliveryForecastShape(ForecastBasis):
    active_scopes: int
    p50: date | None = Field(description="All of them are finished by then in half of the runs")
    p85: date | None
    on_time: float | None = Field(description="The share of scopes that are delivered on time")


class MetricPoint(Shape):
    period: str
    value: float | Amount | None
    n: int


class MetricShape(Shape):
    key: str
    unit: str
    value: float | Amount | None
    n: int
    currency: str | None = None
    per_accepted_deliverable: float | None = Field(None, description="Only for remediation_cycles_per_scope")
    series: list[MetricPoint]


class Outcomes(Shape):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: str = Field(alias="from")
    to: str
    filters: dict[str, str | None]
    metrics: list[MetricShape]


class ActorShape(Shape):
    kind: str
    id: str


class KeyShape(Shape):
    id: str
    name: str
    starts_with: str = Field(description="How the key begins; the rest of it is not kept")
    status: str = Field(description="`active`, `expired` or `revoked`")
    roles: list[str]
    organization_id: str | None = Field(description="Null: the provider's, which sees every organisation")
    workspace_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute")
    revoked_at: datetime | None
    revoked_by: str | None


class NewKeyShape(KeyShape):
    key: str | None = Field(description="The key itself, shown this once; null when the same is sent again")


class SecurityEventShape(Shape):
    number: int
    kind: str
    occurred_at: datetime
    actor: ActorShape
    organization_id: str | None
    subject: str = Field(description="What it was about: a key, a call, a file")
    address: str
    data: dict[str, Any]


class HealthShape(Shape):
    live: bool
    ready: bool = Field(description="Calls and pages would be served")
    database: str
    version: str


class CalendarLinkShape(Shape):
    id: str
    name: str
    status: str = Field(description="`active` or `revoked`")
    organization_id: str | None = Field(description="Null: the provider's, which shows every organisation")
    workspace_id: str | None
    created_at: datetime
    created_by: str
    last_read_at: datetime | None = Field(description="To the hour")
    revoked_at: datetime | None
    revoked_by: str | None


class NewCalendarLinkShape(CalendarLinkShape):
    path: str | None = Field(
        description="Where the calendar is on this server, shown this once; null when the same is sent again"
    )
