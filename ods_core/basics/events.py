"""Events: every state change, written once, never changed, never deleted.

They are the audit trail, the feed for other systems, and enough to rebuild every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ods_core.basics.states import Kind


class EventType(StrEnum):
    """The catalogue.

    `SCOPE_CANCELLED`, the two reminders, `SCOPE_EXPIRING` and `DELIVERABLE_REVIEW_REMINDER`, and those of webhook
    endpoints are this project's own: docs/decisions/0004 says why.
    """

    REQUEST_SUBMITTED = "ods.request.submitted"
    REQUEST_SCOPED = "ods.request.scoped"
    REQUEST_REQUIRES_NEGOTIATION = "ods.request.requires_negotiation"
    REQUEST_REVISED = "ods.request.revised"
    REQUEST_CANCELLED = "ods.request.cancelled"
    SCOPE_CONFIRMED = "ods.scope.confirmed"
    SCOPE_DECLINED = "ods.scope.declined"
    SCOPE_CANCELLED = "ods.scope.cancelled"
    SCOPE_EXPIRING = "ods.scope.expiring"
    SCOPE_COMPLETED = "ods.scope.completed"
    SCOPE_TERMINATED = "ods.scope.terminated"
    SERVICE_LINE_OPENED = "ods.service_line.opened"
    SERVICE_LINE_CLOSED = "ods.service_line.closed"
    CYCLE_STARTED = "ods.cycle.started"
    CYCLE_COMPLETED = "ods.cycle.completed"
    CYCLE_ACCEPTED = "ods.cycle.accepted"
    CYCLE_CANCELLED = "ods.cycle.cancelled"
    REMEDIATION_STARTED = "ods.remediation.started"
    DELIVERABLE_STARTED = "ods.deliverable.started"
    DELIVERABLE_SUBMITTED = "ods.deliverable.submitted"
    DELIVERABLE_READY = "ods.deliverable.ready_for_acceptance"
    DELIVERABLE_REVIEW_REMINDER = "ods.deliverable.review_reminder"
    DELIVERABLE_ACCEPTED = "ods.deliverable.accepted"
    DELIVERABLE_REJECTED = "ods.deliverable.rejected"
    DELIVERABLE_ESCALATED = "ods.deliverable.escalated"
    DELIVERABLE_CANCELLED = "ods.deliverable.cancelled"
    PAYMENT_SCHEDULED = "ods.payment.scheduled"
    PAYMENT_DUE = "ods.payment.due"
    PAYMENT_RECEIVED = "ods.payment.received"
    PAYMENT_PAID = "ods.payment.paid"
    PAYMENT_VOIDED = "ods.payment.voided"
    INVOICE_ISSUED = "ods.invoice.issued"
    INVOICE_PAID = "ods.invoice.paid"
    INVOICE_REOPENED = "ods.invoice.reopened"
    INVOICE_VOIDED = "ods.invoice.voided"
    INVOICE_UNCOLLECTIBLE = "ods.invoice.uncollectible"
    ENDPOINT_CREATED = "ods.webhook_endpoint.created"
    ENDPOINT_ENABLED = "ods.webhook_endpoint.enabled"
    ENDPOINT_DISABLED = "ods.webhook_endpoint.disabled"
    ENDPOINT_SECRET_ROTATED = "ods.webhook_endpoint.secret_rotated"
    ENDPOINT_GAVE_UP = "ods.webhook_endpoint.gave_up"
    ENDPOINT_TEST = "ods.webhook_endpoint.test"
    ENDPOINT_DELETED = "ods.webhook_endpoint.deleted"


EVENT_LABELS: dict[EventType, str] = {
    EventType.REQUEST_SUBMITTED: "Request submitted",
    EventType.REQUEST_SCOPED: "Proposal presented",
    EventType.REQUEST_REQUIRES_NEGOTIATION: "Negotiation asked for",
    EventType.REQUEST_REVISED: "Request revised",
    EventType.REQUEST_CANCELLED: "Request cancelled",
    EventType.SCOPE_CONFIRMED: "Scope confirmed",
    EventType.SCOPE_DECLINED: "Proposal declined",
    EventType.SCOPE_CANCELLED: "Proposal withdrawn",
    EventType.SCOPE_EXPIRING: "Proposal about to expire",
    EventType.SCOPE_COMPLETED: "Scope completed",
    EventType.SCOPE_TERMINATED: "Scope terminated",
    EventType.SERVICE_LINE_OPENED: "Service line opened",
    EventType.SERVICE_LINE_CLOSED: "Service line closed",
    EventType.CYCLE_STARTED: "Cycle started",
    EventType.CYCLE_COMPLETED: "Cycle completed",
    EventType.CYCLE_ACCEPTED: "Cycle accepted",
    EventType.CYCLE_CANCELLED: "Cycle cancelled",
    EventType.REMEDIATION_STARTED: "Remediation started",
    EventType.DELIVERABLE_STARTED: "Work started",
    EventType.DELIVERABLE_SUBMITTED: "Deliverable submitted",
    EventType.DELIVERABLE_READY: "Ready for acceptance",
    EventType.DELIVERABLE_REVIEW_REMINDER: "Review waits",
    EventType.DELIVERABLE_ACCEPTED: "Deliverable accepted",
    EventType.DELIVERABLE_REJECTED: "Deliverable rejected",
    EventType.DELIVERABLE_ESCALATED: "Going in circles",
    EventType.DELIVERABLE_CANCELLED: "Deliverable cancelled",
    EventType.PAYMENT_SCHEDULED: "Payment scheduled",
    EventType.PAYMENT_DUE: "Payment due",
    EventType.PAYMENT_RECEIVED: "Payment received",
    EventType.PAYMENT_PAID: "Payment complete",
    EventType.PAYMENT_VOIDED: "Payment void",
    EventType.INVOICE_ISSUED: "Invoice issued",
    EventType.INVOICE_PAID: "Invoice paid",
    EventType.INVOICE_REOPENED: "Invoice open again",
    EventType.INVOICE_VOIDED: "Invoice voided",
    EventType.INVOICE_UNCOLLECTIBLE: "Invoice uncollectible",
    EventType.ENDPOINT_CREATED: "Webhook added",
    EventType.ENDPOINT_ENABLED: "Webhook enabled",
    EventType.ENDPOINT_DISABLED: "Webhook disabled",
    EventType.ENDPOINT_SECRET_ROTATED: "Webhook secret changed",
    EventType.ENDPOINT_GAVE_UP: "Webhook delivery given up",
    EventType.ENDPOINT_TEST: "Webhook tested",
    EventType.ENDPOINT_DELETED: "Webhook deleted",
}

ENDPOINT_EVENTS = frozenset(type for type in EventType if type.startswith("ods.webhook_endpoint."))
"""Those about webhook endpoints, which belong to no engagement."""


class ActorKind(StrEnum):
    """Who can be behind an event."""

    USER = "user"
    KEY = "key"
    LOCAL = "local"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, an API key, this machine's own user, or the system itself."""

    kind: ActorKind
    id: str

    def as_json(self) -> dict[str, str]:
        """`{"kind", "id"}`."""
        return {"kind": self.kind.value, "id": self.id}


SYSTEM = Actor(ActorKind.SYSTEM, "system")


@dataclass(frozen=True, slots=True)
class Event:
    """One state change. `sequence` and `id` are given by the store as it commits, 0 and empty until then.

    `data` is the subject as the API showed it right after the change. What belongs to no engagement has an empty
    `request_id` and `workspace_id`, and an empty `organization_id` where it belongs to all of them.
    """

    type: EventType
    occurred_at: datetime
    actor: Actor
    subject_kind: Kind
    subject_id: str
    request_id: str
    scope_id: str | None
    organization_id: str
    workspace_id: str
    data: Mapping[str, Any]
    sequence: int = 0
    id: str = ""

    def as_json(self) -> dict[str, Any]:
        """The event as the feed and the webhooks show it."""
        return {
            "id": self.id,
            "type": self.type.value,
            "occurred_at": self.occurred_at,
            "sequence": self.sequence,
            "actor": self.actor.as_json(),
            "subject": {"kind": self.subject_kind.value, "id": self.subject_id},
            "request_id": self.request_id or None,
            "scope_id": self.scope_id,
            "organization_id": self.organization_id or None,
            "workspace_id": self.workspace_id or None,
            "data": self.data,
        }
