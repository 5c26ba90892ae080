"""Webhook endpoints and the log of what was sent to them, for those who look after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ods_core.basics.errors import NotFound
from ods_core.basics.ids import number_of
from ods_core.basics.roles import Caller
from ods_core.basics.states import DeliveryStatus, Kind
from ods_core.basics.webhooks import DeliveryAttempt, Endpoint, Health, require_keeper
from ods_core.queries.lists import read_cursor, write_cursor
from ods_core.store import tables as t
from ods_core.store.outbox import endpoint_of


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """Some endpoints, each with how it is doing, and where to go on (None at the end)."""

    items: Sequence[tuple[Endpoint, Health]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class AttemptPage:
    """Some attempts, and where to go on (None at the end)."""

    items: Sequence[DeliveryAttempt]
    cursor: str | None


def endpoint_page(
    connection: Connection, caller: Caller, *, limit: int = 25, cursor: str | None = None
) -> EndpointPage:
    """Endpoints, newest first.

    Raises:
        Forbidden: not for this caller.
        Invalid: a cursor that was not handed out here.
    """
    require_keeper(caller)
    statement = _seen_by(caller).order_by(t.webhook_endpoints.c.number.desc()).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(t.webhook_endpoints.c.number < read_cursor(cursor))
    found = [endpoint_of(row) for row in connection.execute(statement)]
    shown = found[:limit]
    health = _health(connection, [endpoint.id for endpoint in shown])
    more = len(found) > limit
    return EndpointPage(
        [(endpoint, health.get(endpoint.id, Health())) for endpoint in shown],
        write_cursor(number_of(shown[-1].id)) if more else None,
    )


def endpoint(connection: Connection, caller: Caller, id: str) -> tuple[Endpoint, Health]:
    """One endpoint, with how it is doing.

    Raises:
        Forbidden: not for this caller.
        NotFound: there is none, or it is another organisation's.
    """
    require_keeper(caller)
    row = connection.execute(_seen_by(caller).where(t.webhook_endpoints.c.id == id)).first()
    if row is None:
        raise NotFound(Kind.WEBHOOK_ENDPOINT, id)
    return endpoint_of(row), _health(connection, [id]).get(id, Health())


def attempt_page(
    connection: Connection,
    caller: Caller,
    endpoint_id: str,
    *,
    status: DeliveryStatus | None = None,
    event_id: str | None = None,
    limit: int = 25,
    cursor: str | None = None,
) -> AttemptPage:
    """What was sent to an endpoint and what came of it, newest first.

    Raises:
        NotFound, Forbidden: as for `endpoint`.
        Invalid: a cursor that was not handed out here.
    """
    endpoint(connection, caller, endpoint_id)
    a = t.webhook_attempts.c
    statement = select(t.webhook_attempts).where(a.endpoint_id == endpoint_id)
    if status:
        statement = statement.where(a.status == status)
    if event_id:
        statement = statement.where(a.event_id == event_id)
    if cursor is not None:
        statement = statement.where(a.number < read_cursor(cursor))
    rows = connection.execute(statement.order_by(a.number.desc()).limit(limit + 1)).all()
    shown = [DeliveryAttempt(**row._mapping) for row in rows[:limit]]
    return AttemptPage(shown, write_cursor(shown[-1].number) if len(rows) > limit else None)


def _seen_by(caller: Caller) -> Select[Any]:
    statement = select(t.webhook_endpoints).where(t.webhook_endpoints.c.deleted_at.is_(None))
    if caller.organization_id is not None:
        statement = statement.where(t.webhook_endpoints.c.organization_id == caller.organization_id)
    return statement


def _health(connection: Connection, ids: Sequence[str]) -> dict[str, Health]:
    """How endpoints are doing, by id: the last attempt of each, and its lanes."""
    a, c, lane = t.webhook_attempts.c, t.webhook_courses.c, t.webhook_lanes.c
    newest = select(func.max(a.number)).where(a.endpoint_id.in_(ids)).group_by(a.endpoint_id)
    last = select(a.endpoint_id, a.attempted_at, a.response_status).where(a.number.in_(newest))
    waiting = select(c.endpoint_id, func.count()).join(t.webhook_lanes, lane.course_id == c.id)
    waiting = waiting.where(c.endpoint_id.in_(ids), lane.failures > 0).group_by(c.endpoint_id)
    failing = {row[0]: int(row[1]) for row in connection.execute(waiting)}
    attempts = {row[0]: (row[1], row[2]) for row in connection.execute(last)}
    return {id: Health(*attempts.get(id, (None, None)), failing.get(id, 0)) for id in ids}
