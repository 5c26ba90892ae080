"""Webhook endpoints, and what came of sending to them: the records, and as callers see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ods_core.basics.errors import Forbidden
from ods_core.basics.events import Event, EventType
from ods_core.basics.jsonio import dumps
from ods_core.basics.roles import WEBHOOK_KEEPERS, Caller
from ods_core.basics.states import DeliveryStatus, EndpointStatus, Kind

EVERY_TYPE = "*"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent to.

    `organization_id` None hears of every organisation. `secret` signs; until `previous_until` so does
    `previous_secret`. `generation` counts how often it was enabled: what failed before counts no longer after.
    """

    id: str
    organization_id: str | None
    url: str
    event_types: tuple[str, ...]
    status: EndpointStatus
    generation: int
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None
    disabled_reason: str | None = None

    @property
    def is_enabled(self) -> bool:
        """Whether messages are sent."""
        return self.status == EndpointStatus.ENABLED

    def secrets(self, now: datetime) -> list[str]:
        """The secrets that sign at a moment, the present one first."""
        overlaps = self.previous_secret and self.previous_until and now < self.previous_until
        return [self.secret, self.previous_secret] if overlaps and self.previous_secret else [self.secret]

    def wants(self, type: str) -> bool:
        """Whether it asked for events of a type."""
        return EVERY_TYPE in self.event_types or type in self.event_types


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint is doing: the last attempt, and how many engagements wait behind an event that fails."""

    last_attempt_at: datetime | None = None
    last_status: int | None = None
    failing: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt to deliver one event to one endpoint.

    `response_status` is None where there was no answer; then `error` says why. `duration_ms` is in milliseconds.
    """

    number: int
    endpoint_id: str
    event_id: str
    event_type: EventType
    sequence: int
    attempt: int
    is_replay: bool
    status: DeliveryStatus
    response_status: int | None
    error: str
    duration_ms: int
    attempted_at: datetime
    next_attempt_at: datetime | None


def endpoint_resource(endpoint: Endpoint, health: Health | None = None, *, secret: str | None = None) -> dict[str, Any]:
    """An endpoint as callers see it; `secret` is shown in the one answer that makes it."""
    shown: dict[str, Any] = {
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "status": endpoint.status.value,
        "organization_id": endpoint.organization_id,
        "created_at": endpoint.created_at,
        "created_by": endpoint.created_by,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "previous_secret_until": endpoint.previous_until,
    }
    if health:
        shown["last_attempt_at"] = health.last_attempt_at
        shown["last_response_status"] = health.last_status
        shown["failing_engagements"] = health.failing
    return shown | ({"secret": secret} if secret else {})


def attempt_resource(attempt: DeliveryAttempt) -> dict[str, Any]:
    """An attempt as callers see it."""
    return {
        "event_id": attempt.event_id,
        "event_type": attempt.event_type.value,
        "attempt": attempt.attempt,
        "replay": attempt.is_replay,
        "status": attempt.status.value,
        "response_status": attempt.response_status,
        "error": attempt.error or None,
        "duration_ms": attempt.duration_ms,
        "attempted_at": attempt.attempted_at,
        "next_attempt_at": attempt.next_attempt_at,
    }


def message_body(event: Event) -> str:
    """What is sent of an event: `{"type", "timestamp", "data": event}`."""
    whole = {"type": event.type.value, "timestamp": event.occurred_at, "data": event.as_json()}
    return dumps(whole).decode()


def is_history(event: Event) -> bool:
    """Whether an event was imported: it tells of the past, and nobody is told of it as news."""
    return event.actor.id == "import"


def is_its_own(event: Event, endpoint_id: str) -> bool:
    """Whether an event is about an endpoint itself, which is not told of it."""
    return event.subject_kind == Kind.WEBHOOK_ENDPOINT and event.subject_id == endpoint_id


def require_keeper(caller: Caller) -> None:
    """Refuse whoever does not look after webhooks: an endpoint hears all of an organisation.

    Raises:
        Forbidden: not the role, or a caller narrowed to a workspace.
    """
    if not caller.may(WEBHOOK_KEEPERS):
        raise Forbidden(f"webhooks need the role {' or '.join(sorted(WEBHOOK_KEEPERS))}")
    if caller.workspace_id is not None:
        raise Forbidden("webhooks hear of a whole organisation; this caller is narrowed to a workspace")


def lane_of(event: Event) -> str:
    """What an event keeps its order within: its engagement, or the endpoint that it is about."""
    return event.request_id or event.subject_id
