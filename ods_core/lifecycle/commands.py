"""What can be asked of an engagement, as plain data.

A command says what is wanted, not whether it is allowed. Fields that the caller may leave out have defaults. The
pointers of validation problems are these field names, which are also those of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ods_core.basics.errors import Problem
from ods_core.basics.quotes import Quote
from ods_core.basics.records import CriterionNotMet, CriterionVerdict, Evidence, PlannedMilestone
from ods_core.basics.states import SilencePolicy


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """Ask for an outcome."""

    organization_id: str
    workspace_id: str
    title: str
    description: str
    desired_outcome: str
    subscription_id: str | None = None
    project_tags: tuple[str, ...] = ()
    acceptance_criteria: tuple[str, ...] = ()
    timeline_weeks: int | None = None
    budget_max: Decimal | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class ProposedDeliverable:
    """A deliverable of a proposal; `key` is the name by which the proposal's cycles refer to it."""

    key: str
    title: str
    description: str
    acceptance_criteria: str | tuple[str, ...]

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria as a tuple, however they were given."""
        given = self.acceptance_criteria
        return (given,) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class ProposedCycle:
    """A cycle of a proposal: its dates (both included) and the keys of what it delivers."""

    name: str
    planned_start: date
    planned_end: date
    deliverables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EstimatedWork:
    """The days of each role, by its key in the rate card, with the deliverable of this key."""

    key: str
    days: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a proposal's price was calculated from: the work of every deliverable, and the provider's choices.

    `contingency` and `discount` are in percent; None is what the rate card says.
    """

    deliverables: tuple[EstimatedWork, ...]
    contingency: Decimal | None = None
    complexity: str | None = None
    discount: Decimal = Decimal(0)
    team_days_per_week: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Propose:
    """Present a scope proposal for a request.

    `schedule` is what the payment terms come to for this price, and `quote` what the `estimate` does; `terms_problems`
    and `quote_problems` say why they come to nothing. The facade puts them there, since terms and rates are another
    room's business.
    """

    deliverables: tuple[ProposedDeliverable, ...]
    cycles: tuple[ProposedCycle, ...]
    fixed_price: Decimal
    currency: str
    timeline_weeks: int
    payment_terms: str
    title: str | None = None
    valid_until: date | None = None
    review_window_days: int | None = None
    silence_policy: SilencePolicy = SilencePolicy.NONE
    estimate: Estimate | None = None
    schedule: tuple[PlannedMilestone, ...] = field(default=(), repr=False)
    terms_problems: tuple[Problem, ...] = field(default=(), repr=False)
    quote: Quote | None = field(default=None, repr=False)
    quote_problems: tuple[Problem, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Negotiate:
    """Say that a request cannot be met within its bounds, and what would fit."""

    reason: str
    fixed_price: Decimal | None = None
    timeline_weeks: int | None = None


@dataclass(frozen=True, slots=True)
class Revise:
    """Change a request that requires negotiation; None leaves a field as it is.

    A bound is lifted by naming it in `lift` (`budget_max`, `timeline_weeks`).
    """

    title: str | None = None
    description: str | None = None
    desired_outcome: str | None = None
    acceptance_criteria: tuple[str, ...] | None = None
    timeline_weeks: int | None = None
    budget_max: Decimal | None = None
    lift: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a request that never led to a confirmed scope."""

    reason: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """Buy: confirm a proposal. `accepted_by` None: the caller.

    `criteria_score` is how good the criteria were found, 0 to 100; the facade has them looked at.
    """

    accepted_by: str | None = None
    criteria_score: int | None = None


@dataclass(frozen=True, slots=True)
class Decline:
    """Send a proposal back, with the specifics that are asked for."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reissue:
    """Present an expired proposal again as the next revision, its dates moved on if they have passed."""

    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Terminate:
    """End an active scope early."""

    reason: str


@dataclass(frozen=True, slots=True)
class Start:
    """Begin work on a deliverable."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand in a deliverable for review."""

    notes: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Accept:
    """Accept a deliverable. `reviewer_id` None: the caller; a criterion without a verdict was not tested."""

    reviewer_id: str | None = None
    notes: str | None = None
    verdicts: tuple[CriterionVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """Reject a deliverable: why, and which criteria were not met, here or among the verdicts."""

    rejection_reason: str
    reviewer_id: str | None = None
    criteria_not_met: tuple[CriterionNotMet, ...] = ()
    notes: str | None = None
    verdicts: tuple[CriterionVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Lapse:
    """Let silence decide a deliverable whose review window has passed, as its scope provides."""


@dataclass(frozen=True, slots=True)
class RemindReviewer:
    """Say once that a deliverable waits for its decision."""


@dataclass(frozen=True, slots=True)
class RemindApprover:
    """Say once that a proposal is about to expire."""


@dataclass(frozen=True, slots=True)
class RecordReceipt:
    """Record money that came in for a payment: how much, on which day, and what the bank calls it."""

    amount: Decimal
    received_on: date
    reference: str


@dataclass(frozen=True, slots=True)
class ReverseReceipt:
    """Take a wrong receipt back."""

    reason: str


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """Ask in writing for a payment that is due."""


@dataclass(frozen=True, slots=True)
class VoidInvoice:
    """Take a wrong invoice back; the payment can be invoiced anew, under the next number."""

    reason: str


@dataclass(frozen=True, slots=True)
class WriteOffInvoice:
    """Give an invoice up as uncollectible; the payment stays due."""

    reason: str


Command = (
    SubmitRequest
    | Propose
    | Negotiate
    | Revise
    | Cancel
    | Confirm
    | Decline
    | Reissue
    | Terminate
    | Start
    | Submit
    | Accept
    | Reject
    | Lapse
    | RemindReviewer
    | RemindApprover
    | RecordReceipt
    | ReverseReceipt
    | IssueInvoice
    | VoidInvoice
    | WriteOffInvoice
)
