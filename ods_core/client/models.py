"""What comes back, typed.

Money is `Decimal`, exact, with its currency beside it; times are aware, dates plain; states are the contract's words,
as text, so that one which a later contract adds breaks nothing. What the published contract of the seven first calls
promises is always there. What this project tells beyond it is None, or empty, on a server that does not tell it:
`model_fields_set` says what was told. Fields that are not listed here are kept, in `model_extra`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

T = TypeVar("T")


class Answer(BaseModel):
    """Anything that comes back."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)
    _etag: str | None = PrivateAttr(None)

    @property
    def etag(self) -> str | None:
        """What `if_match` takes, to decide on this and on nothing that came after; None where a call tells none.

        `get_scope` and `get_deliverable` tell it; what is in a list, or is the answer to a command, has none.
        """
        return self._etag

    def set_etag(self, etag: str | None) -> None:
        """Keep what came beside the answer's body; for the client."""
        self._etag = etag


class PageMeta(Answer):
    """Where a list goes on; `cursor` is None at its end, except for the feed, which goes on."""

    cursor: str | None = None
    has_more: bool = False


class Page(Answer, Generic[T]):
    """Some of many things."""

    data: list[T]
    meta: PageMeta = PageMeta()


# Requests and scopes ------------------------------------------------------------------------------------------------


class ScopeSummary(Answer):
    """The few figures of a scope that a request shows."""

    deliverables: int
    cycles: int
    timeline_weeks: int
    fixed_price: Decimal
    currency: str


class Negotiation(Answer):
    """Why a request does not fit its bounds, and what would."""

    reason: str
    fixed_price: Decimal | None = None
    timeline_weeks: int | None = None


class Request(Answer):
    """An outcome that is asked for."""

    id: str
    status: str
    title: str
    created_at: datetime | None = None
    scope_id: str | None = None
    scope_summary: ScopeSummary | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    subscription_id: str | None = None
    project_tags: list[str] = []
    description: str | None = None
    desired_outcome: str | None = None
    acceptance_criteria: list[str] = []
    timeline_weeks: int | None = None
    budget_max: Decimal | None = None
    currency: str | None = None
    created_by: str | None = None
    updated_at: datetime | None = None
    scoped_at: datetime | None = None
    negotiation: Negotiation | None = None
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None
    scope_ids: list[str] = []


class ScopedDeliverable(Answer):
    """A deliverable as its scope lists it."""

    id: str
    title: str
    description: str
    acceptance_criteria: str | list[str]
    status: str | None = None
    cycle_id: str | None = None
    key: str | None = None


class ScopedCycle(Answer):
    """A cycle as its scope lists it."""

    id: str
    name: str
    planned_start: date
    planned_end: date
    deliverable_ids: list[str]
    kind: str | None = None
    status: str | None = None
    parent_cycle_id: str | None = None


class Trigger(Answer):
    """What makes a payment due; `number` counts cycles or deliverables from 1."""

    kind: str
    number: int | None = None


class PlannedPayment(Answer):
    """One payment of a schedule that is not fixed yet."""

    position: int
    kind: str
    trigger: Trigger
    amount: Decimal
    currency: str
    net_days: int
    description: str


class Schedule(Answer):
    """What payment terms come to."""

    milestones: list[PlannedPayment]


class RateCard(Answer):
    """The rates that a quote was made from."""

    name: str
    effective_on: date


class PricedDeliverable(Answer):
    """What the work on one deliverable costs."""

    position: int
    title: str
    days: Decimal
    work: Decimal


class WorkLine(Answer):
    """Days of one role for one deliverable."""

    deliverable: int
    role: str
    role_title: str
    days: Decimal
    rate: Decimal
    amount: Decimal


class Adjustment(Answer):
    """One step from the work's cost to the price."""

    kind: str
    factor: Decimal | None = None
    base: Decimal
    amount: Decimal
    result: Decimal
    description: str


class AskedFor(Answer):
    """The bounds and wishes that a quote was made with."""

    contingency: Decimal | None = None
    complexity: str | None = None
    discount: Decimal
    budget_max: Decimal | None = None
    timeline_weeks: int | None = None
    team_days_per_week: Decimal | None = None


class Dropped(Answer):
    """A deliverable that would have to go."""

    position: int
    title: str


class Option(Answer):
    """A change that would make a quote fit."""

    change: str
    price: Decimal
    timeline_weeks: int
    drop: list[Dropped]


class Quote(Answer):
    """A price and how it came about."""

    currency: str
    price: Decimal
    timeline_weeks: int
    estimated_weeks: int
    shortest_weeks: int
    team_days_per_week: Decimal
    rate_card: RateCard
    deliverables: list[PricedDeliverable]
    lines: list[WorkLine]
    work: Decimal
    adjustments: list[Adjustment]
    subtotal: Decimal
    asked: AskedFor
    fits: bool
    price_gap: Decimal
    weeks_gap: int
    would_fit: list[Option]


class KeptQuote(Quote):
    """The quote that a scope's price came from, and by what a person then changed it."""

    adjusted_by: Decimal


class Scope(Answer):
    """A proposal and, once confirmed, the engagement's specification."""

    id: str
    request_id: str
    status: str
    title: str
    deliverables: list[ScopedDeliverable]
    cycles: list[ScopedCycle]
    fixed_price: Decimal
    currency: str
    timeline_weeks: int
    payment_terms: str
    payment_schedule: list[PlannedPayment] = []
    revision: int | None = None
    valid_until: date | None = None
    last_safe_confirmation: date | None = None
    review_window_days: int | None = None
    silence_policy: str | None = None
    proposed_at: datetime | None = None
    proposed_by: str | None = None
    remind_on: date | None = None
    reminded_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    shifted_days: int | None = None
    criteria_score: int | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    cancellation_reason: str | None = None
    service_line_id: str | None = None
    remediation_cycles: list[ScopedCycle] = []
    organization_id: str | None = None
    workspace_id: str | None = None
    request_status: str | None = None
    quote: KeptQuote | None = None


class PaymentDue(Answer):
    """What a confirmation makes due."""

    amount: Decimal
    currency: str
    due_at: datetime
    description: str
    id: str | None = None


class Confirmed(Answer):
    """What confirming, or declining, a scope came to."""

    scope_id: str
    status: str
    service_line_id: str | None = None
    cycle_id: str | None = None
    payment_due: PaymentDue | None = None
    request_id: str | None = None
    request_status: str | None = None
    reason: str | None = None


# Delivery -----------------------------------------------------------------------------------------------------------


class CycleDeliverable(Answer):
    """A deliverable as its cycle lists it."""

    id: str
    title: str
    status: str
    submitted_at: datetime | None = None
    attempt: int | None = None


class Cycle(Answer):
    """A time-boxed delivery period with the present state of its deliverables."""

    id: str
    scope_id: str
    service_line_id: str | None = None
    status: str
    planned_start: date
    planned_end: date
    deliverables: list[CycleDeliverable]
    name: str | None = None
    kind: str | None = None
    parent_cycle_id: str | None = None
    number: int | None = None
    price: Decimal | None = None
    baseline_start: date | None = None
    baseline_end: date | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    accepted_at: datetime | None = None
    cancelled_at: datetime | None = None
    request_id: str | None = None
    organization_id: str | None = None


class EvidenceLink(Answer):
    """A link that shows that criteria are met."""

    title: str
    url: str


class CriterionNotMet(Answer):
    """A criterion that was not met: its place in the deliverable, from 1."""

    criterion: int
    evidence: str


class CriterionVerdict(Answer):
    """What was found of a criterion: `met`, `not_met` or `not_tested`."""

    criterion: int
    verdict: str
    evidence: str


class Attempt(Answer):
    """One delivery of a deliverable and the decision on it."""

    attempt: int
    cycle_id: str
    started_at: datetime
    submitted_at: datetime | None = None
    submitted_by: str | None = None
    notes: str | None = None
    evidence: list[EvidenceLink] = []
    ready_at: datetime | None = None
    decide_by: datetime | None = None
    reminded_at: datetime | None = None
    decision: str | None = None
    decided_at: datetime | None = None
    reviewer_id: str | None = None
    review_notes: str | None = None
    rejection_reason: str | None = None
    criteria_not_met: list[CriterionNotMet] = []
    verdicts: list[CriterionVerdict] = []
    deemed: bool = False
    remediation_cycle_id: str | None = None


class Deliverable(Answer):
    """One thing to be delivered, with its criteria and the history of its attempts."""

    id: str
    title: str
    status: str
    scope_id: str | None = None
    description: str | None = None
    acceptance_criteria: str | list[str] | None = None
    attempt: int | None = None
    cycle_id: str | None = None
    cycle_ids: list[str] = []
    request_id: str | None = None
    organization_id: str | None = None
    position: int | None = None
    key: str | None = None
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    ready_at: datetime | None = None
    decide_by: datetime | None = None
    reminded_at: datetime | None = None
    silence_policy: str | None = None
    decided_at: datetime | None = None
    deemed: bool | None = None
    escalated_at: datetime | None = None
    cancelled_at: datetime | None = None
    attempts: list[Attempt] = []


class ServiceLine(Answer):
    """What a confirmed scope opened."""

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
    closed_at: datetime | None = None


# Money --------------------------------------------------------------------------------------------------------------


class Payment(Answer):
    """A payment milestone of a confirmed scope."""

    id: str
    scope_id: str
    position: int
    kind: str
    trigger: Trigger
    status: str
    amount: Decimal
    paid: Decimal
    open: Decimal
    currency: str
    description: str
    due_at: datetime | None = None
    expected_on: date | None = None
    overdue_days: int
    net_days: int
    request_id: str | None = None
    organization_id: str | None = None
    triggered_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None


class Receipt(Answer):
    """Money received; a reversal has the negated amount and names what it `reverses`."""

    id: str
    payment_id: str
    amount: Decimal
    currency: str
    received_on: date
    reference: str
    status: str
    reverses: str | None = None
    reason: str | None = None
    recorded_at: datetime
    recorded_by: str
    scope_id: str
    request_id: str
    organization_id: str


class Party(Answer):
    """Who an invoice is from or to."""

    name: str
    address: list[str]
    tax_id: str


class Invoice(Answer):
    """A demand for one payment; once issued nothing of it changes but its state."""

    id: str
    number: str
    status: str
    payment_id: str
    scope_id: str
    amount: Decimal
    paid: Decimal
    claimed: Decimal
    currency: str
    issued_on: date
    due_on: date
    title: str
    description: str
    payment_terms: str
    seller: Party
    buyer: Party
    note: str
    issued_at: datetime
    issued_by: str
    ended_at: datetime | None = None
    reason: str | None = None
    request_id: str
    organization_id: str


class Statement(Answer):
    """What became of a scope's price: received, open, scheduled and void always sum to it."""

    fixed_price: Decimal
    received: Decimal
    open: Decimal
    scheduled: Decimal
    void: Decimal
    currency: str
    payments: list[Payment]


class ReleasedPayment(Answer):
    """A payment that an acceptance made due."""

    payment_id: str
    amount: Decimal
    currency: str
    description: str
    due_at: datetime | None = None


# Quality ------------------------------------------------------------------------------------------------------------


class Warned(Answer):
    """What a reason would be better without."""

    code: str
    severity: str
    message: str
    suggestion: str


class Finding(Warned):
    """What a criterion would be better without, and the words that it is about, in code points."""

    start: int
    end: int


class CheckedCriterion(Answer):
    """A criterion with what was found in it."""

    text: str
    score: int
    findings: list[Finding]


class CheckedCriteria(Answer):
    """Criteria with what was found in them; `score` is 0 to 100."""

    score: int
    criteria: list[CheckedCriterion]


class CheckedReason(Answer):
    """What was found in a reason."""

    findings: list[Warned]


class Decided(Deliverable):
    """A deliverable after the decision on it, and what followed."""

    remediation_cycle_id: str | None = None
    next_cycle_id: str | None = None
    payments_due: list[Payment] = []
    scope_status: str | None = None
    service_line_status: str | None = None
    warnings: list[Warned] = []


# Certificates -------------------------------------------------------------------------------------------------------


class CertifiedCriterion(Answer):
    """One criterion and what was found of it."""

    criterion: int
    text: str
    verdict: str
    evidence: str


class CertifiedScope(Answer):
    """What was agreed, and by whom."""

    id: str
    title: str
    revision: int
    desired_outcome: str
    fixed_price: Decimal
    currency: str
    confirmed_at: datetime
    confirmed_by: str


class CertifiedDeliverable(Answer):
    """Who accepted a deliverable, when, by which criteria and evidence, and what that released."""

    deliverable_id: str
    title: str
    description: str
    cycle_id: str
    attempt: int
    submitted_at: datetime
    submitted_by: str
    submission_notes: str | None = None
    evidence: list[EvidenceLink]
    accepted_at: datetime
    accepted_by: str
    deemed: bool
    review_notes: str | None = None
    criteria: list[CertifiedCriterion]
    released: list[ReleasedPayment]


class Certificate(CertifiedDeliverable):
    """The acceptance of one deliverable."""

    service_line_id: str
    request_id: str
    organization_id: str
    workspace_id: str
    scope: CertifiedScope


class ServiceLineCertificate(Answer):
    """The acceptance of everything that a scope promised."""

    service_line_id: str
    request_id: str
    organization_id: str
    workspace_id: str
    scope: CertifiedScope
    status: str
    opened_at: datetime
    closed_at: datetime
    planned_start: date
    planned_end: date
    completed_at: datetime
    remediation_cycles: int
    released: list[ReleasedPayment]
    deliverables: list[CertifiedDeliverable]


# Figures ------------------------------------------------------------------------------------------------------------


class MetricPoint(Answer):
    """One period of a metric; `value` is None where `n` is 0."""

    period: str
    value: Decimal | None = None
    n: int


class Metric(Answer):
    """A metric over the whole period, with its series."""

    key: str
    unit: str
    value: Decimal | None = None
    n: int
    currency: str | None = None
    per_accepted_deliverable: Decimal | None = None
    series: list[MetricPoint]


class Outcomes(Answer):
    """Every metric; `start` and `to` are months."""

    start: str = Field(alias="from")
    to: str
    filters: dict[str, str | None]
    metrics: list[Metric]


class CashBar(Answer):
    """Money of one period; `start` and `end` are None for what is overdue or comes later."""

    start: date | None = None
    end: date | None = None
    due: Decimal
    scheduled: Decimal
    p50: Decimal | None = None
    p85: Decimal | None = None
    cumulative_p50: Decimal | None = None
    cumulative_p85: Decimal | None = None
    payment_ids: list[str]


class CashForecast(Answer):
    """What is due and scheduled by period, and what comes in by simulation."""

    currency: str
    by: str
    as_of: datetime
    seed: int
    runs: int
    finished_cycles: int
    finished_cycles_needed: int
    paid_payments: int
    overdue: CashBar
    periods: list[CashBar]
    later: CashBar


class Forecast(Answer):
    """When work ends, by simulation; `runs` is 0 where too little is known."""

    as_of: datetime
    seed: int
    runs: int
    finished_cycles: int
    finished_cycles_needed: int
    p50: date | None = None
    p85: date | None = None
    on_time: Decimal | None = None


class ScopeForecast(Forecast):
    """When one scope is finished."""

    scope_id: str
    planned_end: date | None = None


class DeliveryForecast(Forecast):
    """When the last active scope is finished."""

    active_scopes: int


# Events -------------------------------------------------------------------------------------------------------------


class Named(Answer):
    """Who did something, or what it was done to."""

    kind: str
    id: str


class Event(Answer):
    """One state change; `data` is the thing as it was shown right after it, its numbers `Decimal` where they have a
    fraction, its times still text. One that belongs to no engagement has no `request_id`.
    """

    id: str
    type: str
    occurred_at: datetime
    sequence: int
    actor: Named
    subject: Named
    request_id: str | None = None
    scope_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    data: dict[str, Any]


# Trust --------------------------------------------------------------------------------------------------------------


class Key(Answer):
    """An API key, as it is kept: the key itself is not."""

    id: str
    name: str
    starts_with: str
    status: str
    roles: list[str]
    organization_id: str | None = None
    workspace_id: str | None = None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


class NewKey(Key):
    """An API key that was just made; `key` is shown this once, and None when the same is sent again."""

    key: str | None = None


class SecurityEvent(Answer):
    """What happened at the door."""

    number: int
    kind: str
    occurred_at: datetime
    actor: Named
    organization_id: str | None = None
    subject: str
    address: str
    data: dict[str, Any]


class Health(Answer):
    """How a server is."""

    live: bool
    ready: bool
    database: str
    version: str


# Webhooks -----------------------------------------------------------------------------------------------------------


class Endpoint(Answer):
    """Where events are sent to; how it is doing is told where it is read."""

    id: str
    url: str
    event_types: list[str]
    status: str
    organization_id: str | None = None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    previous_secret_until: datetime | None = None
    last_attempt_at: datetime | None = None
    last_response_status: int | None = None
    failing_engagements: int | None = None


class NewSecret(Answer):
    """An endpoint with its secret, which is shown this once, and None when the same is sent again."""

    id: str
    url: str
    event_types: list[str]
    status: str
    organization_id: str | None = None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    previous_secret_until: datetime | None = None
    secret: str | None = None


class DeliveryAttempt(Answer):
    """One attempt to deliver one event; without `response_status` there was no answer, and `error` says why."""

    event_id: str
    event_type: str
    attempt: int
    replay: bool
    status: str
    response_status: int | None = None
    error: str | None = None
    duration_ms: int
    attempted_at: datetime
    next_attempt_at: datetime | None = None


class Replay(Answer):
    """How many events lie in what is sent again."""

    endpoint_id: str
    events: int


class TestSent(Answer):
    """The event that was sent as a test."""

    endpoint_id: str
    event_id: str


class Deleted(Answer):
    """What is no more."""

    id: str
    deleted: bool


class CalendarLink(Answer):
    """A private link to a calendar, as it is kept: its address is not."""

    id: str
    name: str
    status: str
    organization_id: str | None = None
    workspace_id: str | None = None
    created_at: datetime
    created_by: str
    last_read_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


class NewCalendarLink(CalendarLink):
    """A link that was just made; `path` is shown this once, and None when the same is sent again."""

    path: str | None = None
