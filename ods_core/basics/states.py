"""Every state there is, with its label, colour and meaning.

The words are the contract's. A page asks `label(state)` and `colour(state)`; it never spells a state itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RequestStatus(StrEnum):
    """What has become of the outcome that was asked for."""

    SCOPING = "scoping"
    SCOPED = "scoped"
    REQUIRES_NEGOTIATION = "requires_negotiation"
    CANCELLED = "cancelled"


class ScopeStatus(StrEnum):
    """What has become of a proposal."""

    PENDING_CONFIRMATION = "pending_confirmation"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class CycleStatus(StrEnum):
    """Where a time-boxed delivery period stands."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


class CycleKind(StrEnum):
    """Planned work, or the work that a rejection made necessary."""

    DELIVERY = "delivery"
    REMEDIATION = "remediation"


class DeliverableStatus(StrEnum):
    """Where one deliverable stands."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    READY_FOR_ACCEPTANCE = "ready_for_acceptance"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class ServiceLineStatus(StrEnum):
    """Whether the engagement that a confirmed scope opened still runs."""

    ACTIVE = "active"
    CLOSED = "closed"


class PaymentStatus(StrEnum):
    """Where a payment milestone stands; overdue is a fact about a due one, not a state."""

    SCHEDULED = "scheduled"
    DUE = "due"
    PAID = "paid"
    VOID = "void"


class Decision(StrEnum):
    """The two answers a review can have."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Verdict(StrEnum):
    """What a reviewer found of one criterion."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_TESTED = "not_tested"


class SilencePolicy(StrEnum):
    """What a reviewer's silence means once the review window has passed."""

    NONE = "none"
    DEEMED_ACCEPTED = "deemed_accepted"
    DEEMED_REJECTED = "deemed_rejected"


class ReceiptStatus(StrEnum):
    """What has become of an entry of money received."""

    RECORDED = "recorded"
    REVERSED = "reversed"
    REVERSAL = "reversal"


class InvoiceStatus(StrEnum):
    """What has become of an invoice."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class PaymentKind(StrEnum):
    """Where a milestone stands in the engagement: at its start, in between, at its end."""

    UPFRONT = "upfront"
    MILESTONE = "milestone"
    FINAL = "final"


class EndpointStatus(StrEnum):
    """Whether webhooks are sent to an endpoint."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """What came of one attempt to deliver an event."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class Kind(StrEnum):
    """The things that an engagement is made of, and the endpoints that hear of it, as events and errors name them."""

    REQUEST = "request"
    SCOPE = "scope"
    SERVICE_LINE = "service_line"
    CYCLE = "cycle"
    DELIVERABLE = "deliverable"
    PAYMENT = "payment"
    RECEIPT = "receipt"
    INVOICE = "invoice"
    WEBHOOK_ENDPOINT = "webhook_endpoint"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: `label` for people, `colour` (a Streamlit colour name), `icon` (a Material name).

    The icon says the same as the colour, for those who do not see colours.
    """

    label: str
    colour: str
    icon: str


LOOKS: dict[type[StrEnum], dict[str, Look]] = {
    RequestStatus: {
        RequestStatus.SCOPING: Look("Being scoped", "blue", "edit_note"),
        RequestStatus.SCOPED: Look("Scoped", "green", "task"),
        RequestStatus.REQUIRES_NEGOTIATION: Look("Requires negotiation", "orange", "forum"),
        RequestStatus.CANCELLED: Look("Cancelled", "gray", "block"),
    },
    ScopeStatus: {
        ScopeStatus.PENDING_CONFIRMATION: Look("Pending confirmation", "orange", "hourglass_top"),
        ScopeStatus.ACTIVE: Look("Active", "blue", "play_circle"),
        ScopeStatus.COMPLETED: Look("Completed", "green", "check_circle"),
        ScopeStatus.CANCELLED: Look("Cancelled", "gray", "block"),
    },
    CycleStatus: {
        CycleStatus.PLANNED: Look("Planned", "gray", "calendar_month"),
        CycleStatus.IN_PROGRESS: Look("In progress", "blue", "play_circle"),
        CycleStatus.COMPLETED: Look("In review", "orange", "rate_review"),
        CycleStatus.ACCEPTED: Look("Accepted", "green", "check_circle"),
        CycleStatus.CANCELLED: Look("Cancelled", "gray", "block"),
    },
    DeliverableStatus: {
        DeliverableStatus.PENDING: Look("Pending", "gray", "schedule"),
        DeliverableStatus.IN_PROGRESS: Look("In progress", "blue", "play_circle"),
        DeliverableStatus.COMPLETED: Look("Submitted", "violet", "inventory_2"),
        DeliverableStatus.READY_FOR_ACCEPTANCE: Look("Ready for acceptance", "orange", "rate_review"),
        DeliverableStatus.ACCEPTED: Look("Accepted", "green", "check_circle"),
        DeliverableStatus.REJECTED: Look("Rejected", "red", "cancel"),
        DeliverableStatus.CANCELLED: Look("Cancelled", "gray", "block"),
    },
    ServiceLineStatus: {
        ServiceLineStatus.ACTIVE: Look("Active", "blue", "play_circle"),
        ServiceLineStatus.CLOSED: Look("Closed", "green", "lock"),
    },
    ReceiptStatus: {
        ReceiptStatus.RECORDED: Look("Recorded", "green", "check_circle"),
        ReceiptStatus.REVERSED: Look("Reversed", "gray", "undo"),
        ReceiptStatus.REVERSAL: Look("Reversal", "orange", "undo"),
    },
    InvoiceStatus: {
        InvoiceStatus.OPEN: Look("Open", "orange", "receipt_long"),
        InvoiceStatus.PAID: Look("Paid", "green", "check_circle"),
        InvoiceStatus.VOID: Look("Void", "gray", "block"),
        InvoiceStatus.UNCOLLECTIBLE: Look("Uncollectible", "red", "money_off"),
    },
    PaymentStatus: {
        PaymentStatus.SCHEDULED: Look("Scheduled", "gray", "event"),
        PaymentStatus.DUE: Look("Due", "orange", "payments"),
        PaymentStatus.PAID: Look("Paid", "green", "check_circle"),
        PaymentStatus.VOID: Look("Void", "gray", "block"),
    },
    EndpointStatus: {
        EndpointStatus.ENABLED: Look("Enabled", "green", "check_circle"),
        EndpointStatus.DISABLED: Look("Disabled", "gray", "block"),
    },
    DeliveryStatus: {
        DeliveryStatus.DELIVERED: Look("Delivered", "green", "check_circle"),
        DeliveryStatus.FAILED: Look("Failed", "orange", "error"),
        DeliveryStatus.GIVEN_UP: Look("Given up", "red", "cancel"),
    },
}
"""By enumeration first: members of two enumerations that share a word are equal as keys."""


def look(state: StrEnum) -> Look:
    """The look of a state.

    Raises:
        KeyError: a state without a look, which a test rules out.
    """
    return LOOKS[type(state)][state]
