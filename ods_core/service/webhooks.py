"""Webhook endpoints: one public verb per command, one transaction each, each with its event.

Sending is the courier's work; it is told of changes by `version`, which every verb moves on once it is committed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ods_core.basics.checks import Checks
from ods_core.basics.clock import Clock
from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, NotFound
from ods_core.basics.events import SYSTEM, Actor, Event, EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.roles import Caller
from ods_core.basics.states import EndpointStatus, Kind
from ods_core.basics.webhooks import EVERY_TYPE, Endpoint, endpoint_resource, require_keeper
from ods_core.store import Store, UnitOfWork, outbox
from ods_core.webhooks import Resolver, new_secret, read_target, refuse_private, resolve

log = logging.getLogger("ods.webhooks")

MOST_ENDPOINTS = 200
"""Of an installation: each hears of every event, so more of them are a mistake rather than a need."""
LOOK_UP_SECONDS = 1.0
"""To look a name up as an endpoint is added; with an idempotency key others wait meanwhile."""


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """What the owner of an installation decided: whether receivers may be inside, how long two secrets sign."""

    allow_private: bool = False
    overlap: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is sent again: the first and the last place in the log, and how many events lie between."""

    endpoint_id: str
    events: int


class Webhooks:
    """The commands on endpoints.

    Args:
        store: where they are kept.
        clock: what time it is.
        policy: what the owner decided.
        resolver: finds the addresses of a name.

    Every verb raises Forbidden for a caller without the role `admin`, NotFound for an endpoint that is not there or
    not the caller's, NotAllowed where its state forbids it and Invalid for values that cannot be right.
    """

    def __init__(
        self, store: Store, clock: Clock, policy: WebhookPolicy | None = None, resolver: Resolver = resolve
    ) -> None:
        self.store, self.clock = store, clock
        self.policy = policy or WebhookPolicy()
        self.resolver = resolver
        self._lock = threading.Lock()
        self.version = 0
        """Moves on with every change, for whoever keeps a copy."""

    def add(
        self, caller: Caller, url: str, event_types: Sequence[str], organization_id: str | None = None
    ) -> tuple[Endpoint, str]:
        """Add an endpoint; it and its secret. From now on it is sent what it asked for.

        Args:
            url: an http or https address of the open internet, unless the policy allows others.
            event_types: names of events, or `*` for all.
            organization_id: whose events; None: the caller's, or all where the caller sees all.
        """
        require_keeper(caller)
        owner = _owner(caller, organization_id)
        self._check(url, event_types, organization_id)
        with self.store.write() as unit:
            now = self.clock()
            if len(outbox.endpoints(unit.connection)) >= MOST_ENDPOINTS:
                raise NotAllowed(f"there are {MOST_ENDPOINTS} endpoints already, the most there can be")
            endpoint = Endpoint(
                self.store.next_id(Prefix.WEBHOOK_ENDPOINT, now),
                owner,
                url,
                tuple(dict.fromkeys(event_types)),
                EndpointStatus.ENABLED,
                1,
                new_secret(),
                None,
                None,
                now,
                caller.actor.id,
            )
            outbox.add_endpoint(unit.connection, endpoint)
            place = _tell(unit, endpoint, EventType.ENDPOINT_CREATED, caller.actor, now)
            outbox.add_course(unit.connection, _course(endpoint, now, place, None))
            unit.afterwards.append(self._changed)
        return endpoint, endpoint.secret

    def delete(self, caller: Caller, id: str) -> None:
        """Remove an endpoint; nothing more is sent to it, and its secrets are forgotten."""

        def remove(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> Endpoint:
            gone: dict[str, Any] = {"deleted_at": now, "secret": "", "previous_secret": None, "previous_until": None}
            outbox.change_endpoint(unit.connection, id, **gone)
            return endpoint

        self._change(caller, id, EventType.ENDPOINT_DELETED, remove)

    def disable(self, caller: Caller, id: str) -> Endpoint:
        """Send nothing more until it is enabled again; what happens meanwhile waits."""
        return self._change(caller, id, EventType.ENDPOINT_DISABLED, _disabling(f"by {caller.actor.id}"))

    def enable(self, caller: Caller, id: str) -> Endpoint:
        """Send again: first what has waited. What had failed before counts no longer."""

        def start(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> Endpoint:
            if endpoint.is_enabled:
                raise NotAllowed(f"{id} is enabled already", current_state=endpoint.status)
            values: dict[str, Any] = {
                "status": EndpointStatus.ENABLED,
                "generation": endpoint.generation + 1,
                "disabled_at": None,
                "disabled_reason": None,
            }
            outbox.change_endpoint(unit.connection, id, **values)
            return replace(endpoint, **values)

        return self._change(caller, id, EventType.ENDPOINT_ENABLED, start)

    def rotate_secret(self, caller: Caller, id: str) -> tuple[Endpoint, str]:
        """Give an endpoint a new secret; for a while the present one signs, too."""

        def rotate(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> Endpoint:
            values: dict[str, Any] = {
                "secret": new_secret(),
                "previous_secret": endpoint.secret,
                "previous_until": now + self.policy.overlap,
            }
            outbox.change_endpoint(unit.connection, id, **values)
            return replace(endpoint, **values)

        endpoint = self._change(caller, id, EventType.ENDPOINT_SECRET_ROTATED, rotate)
        return endpoint, endpoint.secret

    def send_test(self, caller: Caller, id: str) -> Event:
        """Send an event of type `ods.webhook_endpoint.test` to an endpoint, whatever it asked for; that event."""
        told: list[Event] = []

        def test(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
            event = unit.announce(_event(endpoint, EventType.ENDPOINT_TEST, caller.actor, now))
            told.append(event)
            place = event.sequence
            outbox.add_course(unit.connection, _course(endpoint, now, place - 1, place, any_type=True))

        self._send(caller, id, test)
        return told[0]

    def replay_event(self, caller: Caller, id: str, event_id: str) -> Replay:
        """Send one event again, whatever types the endpoint asked for."""

        def again(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
            event = outbox.find_event(unit.connection, event_id)
            if event is None or endpoint.organization_id not in (None, event.organization_id):
                raise Invalid.at("/event_id", f"there is no event {event_id[:100]} for this endpoint")
            place = event.sequence
            outbox.add_course(unit.connection, _course(endpoint, now, place - 1, place, any_type=True))

        self._send(caller, id, again)
        return Replay(id, 1)

    def replay_range(self, caller: Caller, id: str, first: datetime, end: datetime | None = None) -> Replay:
        """Send again what occurred between two times (the end excluded; None: until now), of the endpoint's types."""
        counted: list[int] = []

        def again(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
            until = end or now + timedelta(seconds=1)
            if until <= first:
                raise Invalid.at("/to", "expected a time after `from`")
            low, high, count = outbox.places_between(unit.connection, endpoint.organization_id, first, until)
            counted.append(count)
            if count:
                course = _course(endpoint, now, low - 1, high)
                outbox.add_course(unit.connection, replace(course, occurred_from=first, occurred_until=until))

        self._send(caller, id, again)
        return Replay(id, counted[0])

    def shut_off(self, id: str, reason: str) -> None:
        """Disable an endpoint that does not want to be sent to any more, or cannot be; by the system.

        One that was disabled or deleted meanwhile is left as it is.
        """
        try:
            self._change(None, id, EventType.ENDPOINT_DISABLED, _disabling(reason))
        except (NotAllowed, NotFound) as already:
            log.info("%s: %s", id, already.detail)

    def note_given_up(self, id: str, event: Event, failures: int) -> None:
        """Say in the log that an event will not be sent to an endpoint any more."""
        with self.store.write() as unit:
            endpoint = outbox.find_endpoint(unit.connection, id)
            if endpoint:
                data = {"event_id": event.id, "event_type": event.type.value, "attempts": failures}
                _tell(unit, endpoint, EventType.ENDPOINT_GAVE_UP, SYSTEM, self.clock(), **data)

    def _send(self, caller: Caller, id: str, plan: Callable[[UnitOfWork, Endpoint, datetime], None]) -> None:
        """Plan something to be sent to an enabled endpoint."""
        require_keeper(caller)
        with self.store.write() as unit:
            endpoint = self._find(caller, unit, id)
            if not endpoint.is_enabled:
                raise NotAllowed(f"{id} is disabled; enable it first", current_state=endpoint.status)
            plan(unit, endpoint, self.clock())
            unit.afterwards.append(self._changed)

    def _change(
        self,
        caller: Caller | None,
        id: str,
        type: EventType,
        change: Callable[[UnitOfWork, Endpoint, datetime], Endpoint],
    ) -> Endpoint:
        """Change an endpoint and tell of it; without a caller it is the system that does."""
        if caller:
            require_keeper(caller)
        with self.store.write() as unit:
            now = self.clock()
            changed = change(unit, self._find(caller, unit, id), now)
            _tell(unit, changed, type, caller.actor if caller else SYSTEM, now)
            unit.afterwards.append(self._changed)
        return changed

    def _find(self, caller: Caller | None, unit: UnitOfWork, id: str) -> Endpoint:
        self.store.turns.queue(unit.connection, f"endpoint {id[:100]}")
        endpoint = outbox.find_endpoint(unit.connection, id)
        if endpoint is None or (caller and caller.organization_id not in (None, endpoint.organization_id)):
            raise NotFound(Kind.WEBHOOK_ENDPOINT, id)
        return endpoint

    def _changed(self) -> None:
        with self._lock:
            self.version += 1

    def _check(self, url: str, event_types: Sequence[str], organization_id: str | None) -> None:
        """Collect what cannot be right about a new endpoint; names are looked up only where all else is right."""
        checks = Checks()
        checks.reference("/organization_id", organization_id, "ORG")
        _check_types(checks, event_types)
        try:
            target = read_target(url, allow_private=self.policy.allow_private)
        except Invalid as refused:
            checks.problems += refused.problems
        checks.done()
        if not self.policy.allow_private and target.ip is None:
            refuse_private(self._looked_up(target.host, target.port), target.host)

    def _looked_up(self, host: str, port: int) -> Sequence[Any]:
        """The addresses of a name; none where it is not known yet or not found in time: each connection asks again."""
        pool = ThreadPoolExecutor(1, "ods-webhook-lookup")
        try:
            return pool.submit(lambda: asyncio.run(_awaited(self.resolver, host, port))).result(LOOK_UP_SECONDS)
        except (OSError, TooLate):
            return ()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


async def _awaited(resolver: Resolver, host: str, port: int) -> Sequence[Any]:
    return await resolver(host, port)


def _owner(caller: Caller, organization_id: str | None) -> str | None:
    if caller.organization_id is None:
        return organization_id
    if organization_id not in (None, caller.organization_id):
        raise Forbidden(f"this caller acts for {caller.organization_id}, not for {organization_id}")
    return caller.organization_id


def _check_types(checks: Checks, event_types: Sequence[str]) -> None:
    if not event_types:
        checks.add("/event_types", 'expected at least one type, or ["*"] for all')
    known = {EVERY_TYPE, *EventType}
    for place, type in enumerate(event_types[:100]):
        if type not in known:
            checks.add(f"/event_types/{place}", "expected * or a type such as ods.payment.due")
    if len(event_types) > 100:
        checks.add("/event_types", f"expected at most 100 types, found {len(event_types)}")


def _disabling(reason: str) -> Callable[[UnitOfWork, Endpoint, datetime], Endpoint]:
    def stop(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> Endpoint:
        if not endpoint.is_enabled:
            raise NotAllowed(f"{endpoint.id} is disabled already", current_state=endpoint.status)
        values: dict[str, Any] = {
            "status": EndpointStatus.DISABLED,
            "disabled_at": now,
            "disabled_reason": reason,
        }
        outbox.change_endpoint(unit.connection, endpoint.id, **values)
        return replace(endpoint, **values)

    return stop


def _course(
    endpoint: Endpoint, now: datetime, position: int, last: int | None, *, any_type: bool = False
) -> outbox.CourseRow:
    return outbox.CourseRow(outbox.new_row_id(), endpoint.id, position, last, None, None, any_type, now)


def _event(endpoint: Endpoint, type: EventType, actor: Actor, now: datetime, **more: Any) -> Event:
    data = endpoint_resource(endpoint) | more
    owner = endpoint.organization_id or ""
    return Event(type, now, actor, Kind.WEBHOOK_ENDPOINT, endpoint.id, "", None, owner, "", data)


def _tell(unit: UnitOfWork, endpoint: Endpoint, type: EventType, actor: Actor, now: datetime, **more: Any) -> int:
    return unit.announce(_event(endpoint, type, actor, now, **more)).sequence
