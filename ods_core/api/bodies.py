"""What callers send: shapes alone. Whether the values can be right is the rules' business, and the same for everyone.

Each body is strict: no unknown field, no text where a number belongs, no silent conversion.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ods_core.basics.clock import parse_time
from ods_core.basics.errors import Invalid
from ods_core.basics.quotes import EstimatedDeliverable, QuoteRequest
from ods_core.basics.records import CriterionNotMet, CriterionVerdict, Evidence
from ods_core.basics.states import SilencePolicy, Verdict
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Confirm,
    Decline,
    Estimate,
    EstimatedWork,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    RecordReceipt,
    Reissue,
    Reject,
    ReverseReceipt,
    Revise,
    Submit,
    SubmitRequest,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)
from ods_core.service import NewKey, NewLink


def _date(value: Any) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("expected a date such as 2026-05-01")


def _amount(value: Any) -> Decimal:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise ValueError("expected a number such as 15500.00")


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise ValueError("expected a number such as 2.5")


def _instant(value: Any) -> datetime:
    if isinstance(value, str) and len(value) <= 40:
        try:
            return parse_time(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError("expected a time such as 2026-04-15T10:00:00Z")


def _policy(value: Any) -> SilencePolicy:
    if isinstance(value, str) and value in set(SilencePolicy):
        return SilencePolicy(value)
    raise ValueError(f"expected one of {', '.join(SilencePolicy)}")


def _verdict(value: Any) -> Verdict:
    if isinstance(value, str) and value in set(Verdict):
        return Verdict(value)
    raise ValueError(f"expected one of {', '.join(Verdict)}")


def _moment(value: Any) -> datetime:
    try:
        return parse_time(value)
    except (ValueError, TypeError, AttributeError):
        raise ValueError("expected a time such as 2026-04-15T10:00:00Z") from None


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Amount = Annotated[
    Decimal, BeforeValidator(_amount), WithJsonSchema({"type": "number", "examples": [15500.00], "exclusiveMinimum": 0})
]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number", "examples": [2.5]})]
Policy = Annotated[
    SilencePolicy, BeforeValidator(_policy), WithJsonSchema({"type": "string", "enum": [*SilencePolicy]})
]
VerdictWord = Annotated[Verdict, BeforeValidator(_verdict), WithJsonSchema({"type": "string", "enum": [*Verdict]})]


class Body(BaseModel):
    """A request body: strict, and closed to unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class RequestBody(Body):
    """An outcome that is asked for."""

    organization_id: str = Field(examples=["ORG-26-090500"])
    workspace_id: str = Field(examples=["WS-26-000021"])
    title: str = Field(examples=["Payment webhook reliability - end-to-end fix and test coverage"])
    description: str
    desired_outcome: str
    subscription_id: str | None = Field(None, examples=["SUB-26-001122"])
    project_tags: list[str] = Field(default=[], examples=[["PROJ-26-004281"]])
    acceptance_criteria: list[str] = []
    timeline_weeks: int | None = Field(None, description="1 to 104", examples=[3])
    budget_max: Amount | None = None
    currency: str = Field("USD", description="ISO 4217", examples=["USD"])

    def command(self) -> SubmitRequest:
        """The command that this asks for."""
        values = self.model_dump() | {
            "project_tags": tuple(self.project_tags),
            "acceptance_criteria": tuple(self.acceptance_criteria),
        }
        return SubmitRequest(**values)


class ReviseBody(Body):
    """Changes to a request that requires negotiation; a bound given as null is lifted."""

    title: str | None = None
    description: str | None = None
    desired_outcome: str | None = None
    acceptance_criteria: list[str] | None = None
    timeline_weeks: int | None = None
    budget_max: Amount | None = None

    def command(self) -> Revise:
        """The command that this asks for."""
        criteria = None if self.acceptance_criteria is None else tuple(self.acceptance_criteria)
        bounds = ("timeline_weeks", "budget_max")
        lift = frozenset(name for name in bounds if name in self.model_fields_set and getattr(self, name) is None)
        return Revise(**(self.model_dump() | {"acceptance_criteria": criteria}), lift=lift)


class NegotiateBody(Body):
    """Why a request does not fit its bounds, and what would: a price, a number of weeks, or both."""

    reason: str
    fixed_price: Amount | None = None
    timeline_weeks: int | None = None

    def command(self) -> Negotiate:
        """The command that this asks for."""
        return Negotiate(**self.model_dump())


class ReasonBody(Body):
    """A reason."""

    reason: str

    def cancel(self) -> Cancel:
        """As the command to cancel."""
        return Cancel(self.reason)

    def reverse(self) -> ReverseReceipt:
        """As the command to reverse a receipt."""
        return ReverseReceipt(self.reason)

    def void(self) -> VoidInvoice:
        """As the command to void an invoice."""
        return VoidInvoice(self.reason)

    def write_off(self) -> WriteOffInvoice:
        """As the command to give an invoice up."""
        return WriteOffInvoice(self.reason)

    def terminate(self) -> Terminate:
        """As the command to terminate."""
        return Terminate(self.reason)


class ProposedDeliverableBody(Body):
    """A deliverable of a proposal; its `key` is how the proposal's cycles name it."""

    key: str = Field(examples=["fix"])
    title: str
    description: str
    acceptance_criteria: str | list[str] = Field(description="A text, or a list of texts")

    def proposed(self) -> ProposedDeliverable:
        """As the rules know it."""
        given = self.acceptance_criteria
        return ProposedDeliverable(
            self.key, self.title, self.description, given if isinstance(given, str) else tuple(given)
        )


class ProposedCycleBody(Body):
    """A cycle of a proposal, both days included."""

    name: str = Field(examples=["Cycle 1"])
    planned_start: Day
    planned_end: Day
    deliverables: list[str] = Field(description="Keys of the deliverables", examples=[["fix"]])

    def proposed(self) -> ProposedCycle:
        """As the rules know it."""
        return ProposedCycle(self.name, self.planned_start, self.planned_end, tuple(self.deliverables))


class EstimatedWorkBody(Body):
    """The days of work that each role has with a deliverable of the proposal."""

    key: str = Field(examples=["fix"])
    days: dict[str, Number] = Field(
        description="Days by role of the rate card, in quarters", examples=[{"engineer": 6, "lead_engineer": 1.5}]
    )


class EstimateBody(Body):
    """What a proposal's price was calculated from; budget and timeline are those of the request."""

    deliverables: list[EstimatedWorkBody] = Field(description="Every deliverable of the proposal, once")
    contingency: Number | None = Field(None, description="Percent, 0 to 100; default: the rate card's")
    complexity: str | None = Field(None, description="A factor of the rate card by its name", examples=["demanding"])
    discount: Number = Field(Decimal(0), description="Percent, 0 to 100")
    team_days_per_week: Number | None = Field(
        None, description="Days of work that the team does in a week, all together; default: the rate card's"
    )

    def estimate(self) -> Estimate:
        """As the rules know it."""
        return Estimate(
            tuple(EstimatedWork(work.key, work.days) for work in self.deliverables),
            self.contingency,
            self.complexity,
            self.discount,
            self.team_days_per_week,
        )


class ProposalBody(Body):
    """A scope proposal."""

    deliverables: list[ProposedDeliverableBody]
    cycles: list[ProposedCycleBody]
    fixed_price: Amount
    currency: str
    timeline_weeks: int
    payment_terms: str = Field(examples=["50% on confirmation, 50% on final acceptance"])
    title: str | None = None
    valid_until: Day | None = Field(None, description="The last day to confirm; default: 14 days from today")
    review_window_days: int | None = None
    silence_policy: Policy = SilencePolicy.NONE
    quote: EstimateBody | None = Field(
        None, description="The estimate that gave the price: the quote is made again and kept with the scope"
    )

    def command(self) -> Propose:
        """The command that this asks for."""
        return Propose(
            tuple(d.proposed() for d in self.deliverables),
            tuple(c.proposed() for c in self.cycles),
            self.fixed_price,
            self.currency,
            self.timeline_weeks,
            self.payment_terms,
            self.title,
            self.valid_until,
            self.review_window_days,
            self.silence_policy,
            self.quote.estimate() if self.quote else None,
        )


class ConfirmBody(Body):
    """Confirm a proposal, or decline it with a reason."""

    confirm: bool
    accepted_by: str | None = Field(None, examples=["USR-26-000044"])
    reason: str | None = Field(None, description="Needed to decline: which specifics are asked for")

    def command(self) -> Confirm | Decline:
        """The command that this asks for.

        Raises:
            Invalid: a reason to confirm, or none to decline.
        """
        if self.confirm:
            _refuse_field("/reason", self.reason, "expected none: `confirm` is true")
            return Confirm(self.accepted_by)
        _refuse_field("/accepted_by", self.accepted_by, "expected none: `confirm` is false")
        return Decline(self.reason or "")


class ReissueBody(Body):
    """Until when the next revision of an expired proposal can be confirmed."""

    valid_until: Day | None = None

    def command(self) -> Reissue:
        """The command that this asks for."""
        return Reissue(self.valid_until)


class EmptyBody(Body):
    """Nothing more to say."""


class EvidenceBody(Body):
    """A link that shows that criteria are met."""

    url: str = Field(examples=["https://ci.example.com/runs/8841"])
    title: str = ""

    def record(self) -> Evidence:
        """As the rules know it; a link without a title is its own title."""
        return Evidence(self.title or self.url[:200], self.url)


class SubmitBody(Body):
    """What is handed in with a deliverable."""

    notes: str | None = None
    evidence: list[EvidenceBody | str] = Field(default=[], description="Links, or objects with `url` and `title`")

    def command(self) -> Submit:
        """The command that this asks for."""
        links = (Evidence(e[:200], e) if isinstance(e, str) else e.record() for e in self.evidence)
        return Submit(self.notes, tuple(links))


class CriterionBody(Body):
    """A criterion that was not met: its place in the deliverable, from 1, and what shows it."""

    criterion: int = Field(examples=[1])
    evidence: str = ""


class VerdictBody(Body):
    """What was found of a criterion: its place in the deliverable, from 1, the verdict, and what shows it."""

    criterion: int = Field(examples=[1])
    verdict: VerdictWord
    evidence: str = ""

    def record(self) -> CriterionVerdict:
        """As the rules know it."""
        return CriterionVerdict(self.criterion, self.verdict, self.evidence)


class DecisionBody(Body):
    """The binary decision on a deliverable."""

    accepted: bool
    reviewer_id: str | None = Field(None, examples=["USR-26-000044"])
    notes: str | None = None
    rejection_reason: str | None = Field(None, description="Needed to reject: which criteria were not met, and why")
    criteria_not_met: list[CriterionBody] | None = None
    verdicts: list[VerdictBody] = Field(
        default=[],
        description="What was found of each criterion; one that is not named was not tested, or is in criteria_not_met",
    )

    def command(self) -> Accept | Reject:
        """The command that this asks for.

        Raises:
            Invalid: reasons for a rejection beside an acceptance.
        """
        verdicts = tuple(v.record() for v in self.verdicts)
        if self.accepted:
            _refuse_field("/rejection_reason", self.rejection_reason, "expected none: `accepted` is true")
            _refuse_field("/criteria_not_met", self.criteria_not_met, "expected none: `accepted` is true")
            return Accept(self.reviewer_id, self.notes, verdicts)
        criteria = tuple(CriterionNotMet(c.criterion, c.evidence) for c in self.criteria_not_met or ())
        return Reject(self.rejection_reason or "", self.reviewer_id, criteria, self.notes, verdicts)


class CriteriaBody(Body):
    """Acceptance criteria that belong together."""

    criteria: list[str] = Field(max_length=10_000, examples=[["Failure rate <0.1% in staging load test."]])


class RejectionReasonBody(Body):
    """A rejection that is not given yet."""

    deliverable_id: str = Field(examples=["DLV-26-000081"])
    rejection_reason: str
    criteria_not_met: list[CriterionBody] = Field(default=[], max_length=1_000)

    def not_met(self) -> list[CriterionNotMet]:
        """The criteria that it names, as the rules know them."""
        return [CriterionNotMet(c.criterion, c.evidence) for c in self.criteria_not_met]


class ReceiptBody(Body):
    """Money that came in for a payment."""

    amount: Amount
    received_on: Day
    reference: str = Field(description="What the bank calls it", examples=["SEPA 2026-04-20 / 88421"])

    def command(self) -> RecordReceipt:
        """The command that this asks for."""
        return RecordReceipt(self.amount, self.received_on, self.reference)


class EndpointBody(Body):
    """Where events are sent to, and which."""

    url: str = Field(examples=["https://example.com/hooks/ods"])
    event_types: list[str] = Field(description='`["*"]` for all', examples=[["ods.payment.due"]])
    organization_id: str | None = Field(
        None, description="Whose events; default: the caller's own, or all where the caller sees all"
    )


class ReplayBody(Body):
    """What is sent again: one event, or what occurred from one time until before another."""

    event_id: str | None = Field(None, examples=["EVT-26-000041"])
    from_: Moment | None = Field(None, alias="from", description="A time; in place of `event_id`")
    to: Moment | None = Field(None, description="A time, itself excluded; default: now")

    def range(self) -> tuple[datetime | None, datetime | None]:
        """The two times.

        Raises:
            Invalid: neither an event nor a time to begin at, or both.
        """
        if self.event_id is not None:
            _refuse_field("/from", self.from_, "expected none: `event_id` is given")
            _refuse_field("/to", self.to, "expected none: `event_id` is given")
        elif self.from_ is None:
            raise Invalid.at("/event_id", "expected an event's id, or `from` with a time")
        return self.from_, self.to


class TermsBody(Body):
    """Payment terms, and the scope they are meant for."""

    terms: str = Field(examples=["50% on confirmation, 50% on final acceptance"])
    fixed_price: Amount
    currency: str = Field("USD", examples=["USD"])
    cycles: int = Field(1, ge=1, le=104)
    deliverables: int = Field(1, ge=1, le=200)


class EstimatedDeliverableBody(Body):
    """A deliverable and the days of work that each role has with it."""

    title: str = Field(examples=["Root cause analysis and fix"])
    days: dict[str, Number] = Field(
        description="Days by role of the rate card, in quarters", examples=[{"engineer": 6, "lead_engineer": 1.5}]
    )


class QuoteBody(Body):
    """What is to be priced; the order of the deliverables is that of their importance."""

    deliverables: list[EstimatedDeliverableBody]
    currency: str = Field("USD", description="A currency of the rate card", examples=["USD"])
    contingency: Number | None = Field(None, description="Percent, 0 to 100; default: the rate card's")
    complexity: str | None = Field(None, description="A factor of the rate card by its name", examples=["demanding"])
    discount: Number = Field(Decimal(0), description="Percent, 0 to 100")
    budget_max: Amount | None = None
    timeline_weeks: int | None = Field(None, description="1 to 104", examples=[3])
    team_days_per_week: Number | None = Field(
        None, description="Days of work that the team does in a week, all together; default: the rate card's"
    )

    def request(self) -> QuoteRequest:
        """What this asks for."""
        return QuoteRequest(
            deliverables=tuple(EstimatedDeliverable(d.title, d.days) for d in self.deliverables),
            currency=self.currency,
            contingency=self.contingency,
            complexity=self.complexity,
            discount=self.discount,
            budget_max=self.budget_max,
            timeline_weeks=self.timeline_weeks,
            team_days_per_week=self.team_days_per_week,
        )


def _refuse_field(pointer: str, value: object, detail: str) -> None:
    if value:
        raise Invalid.at(pointer, detail)


class KeyBody(Body):
    """An API key to be made. Without `organization_id` it is of the maker's organisation, or the provider's."""

    name: str = Field(examples=["Nightly export"], description="What it is for, at most 200 characters")
    roles: list[str] = Field(examples=[["requester", "viewer"]])
    organization_id: str | None = Field(None, examples=["ORG-26-090500"])
    workspace_id: str | None = Field(None, examples=["WS-26-000021"])
    expires_at: Instant | None = None

    def wanted(self) -> NewKey:
        """What this asks for."""
        return NewKey(self.name, self.roles, self.organization_id, self.workspace_id, self.expires_at)


class CalendarLinkBody(Body):
    """A private link to be made. Without `organization_id` it is of the maker's organisation, or the provider's."""

    name: str = Field(examples=["The finance team's calendar"], description="What it is for, at most 200 characters")
    organization_id: str | None = Field(None, examples=["ORG-26-090500"])
    workspace_id: str | None = Field(None, examples=["WS-26-000021"])

    def wanted(self) -> NewLink:
        """What this asks for."""
        return NewLink(self.name, self.organization_id, self.workspace_id)
