"""The outbox: which events wait for which endpoint, read from the log of events and from how far each has been told.

A *course* is one way through the log for one endpoint: the live one, which has no end, or a replay. Its position says
that everything up to there has been taken, or stands in a lane. A *lane* is an engagement of a course whose next event
failed: it waits there, and with it everything later of that engagement. Both are written by the courier alone, in
transactions that take no turn among the commands.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Select,
    String,
    Update,
    column,
    delete,
    func,
    insert,
    select,
    update,
    values,
)

from ods_core.basics.events import Event
from ods_core.basics.ids import Prefix, is_id, number_of
from ods_core.basics.states import DeliveryStatus
from ods_core.basics.webhooks import DeliveryAttempt, Endpoint
from ods_core.store import tables as t
from ods_core.store.rows import event_of


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course as it is kept; `last_sequence` None: it has no end.

    `any_type` sends whatever is in it; otherwise the endpoint's types and the two times narrow it.
    """

    id: str
    endpoint_id: str
    position: int
    last_sequence: int | None
    occurred_from: datetime | None
    occurred_until: datetime | None
    any_type: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane as it is kept: the event that failed, how often, since when, and when it is tried again."""

    id: str
    course_id: str
    lane: str
    sequence: int
    failures: int
    failing_since: datetime | None
    next_at: datetime
    generation: int


def new_row_id() -> str:
    """An id for a course or a lane; nobody sees it."""
    return secrets.token_hex(8)


def endpoint_row(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as a row."""
    values = {name: getattr(endpoint, name) for name in Endpoint.__dataclass_fields__}
    return values | {"number": number_of(endpoint.id), "deleted_at": None}


def endpoint_of(row: Row[Any]) -> Endpoint:
    """The endpoint that a row keeps."""
    return Endpoint(**{name: row._mapping[name] for name in Endpoint.__dataclass_fields__})


def endpoints(connection: Connection) -> list[Endpoint]:
    """Every endpoint that was not deleted."""
    kept = select(t.webhook_endpoints).where(t.webhook_endpoints.c.deleted_at.is_(None))
    return [endpoint_of(row) for row in connection.execute(kept.order_by(t.webhook_endpoints.c.number))]


def find_endpoint(connection: Connection, id: str) -> Endpoint | None:
    """One endpoint; None if there is none, or no more."""
    table = t.webhook_endpoints
    found = connection.execute(select(table).where(table.c.id == id, table.c.deleted_at.is_(None))).first()
    return endpoint_of(found) if found else None


def add_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Keep a new endpoint."""
    connection.execute(insert(t.webhook_endpoints), endpoint_row(endpoint))


def change_endpoint(connection: Connection, id: str, **values: Any) -> None:
    """Change some columns of an endpoint."""
    connection.execute(update(t.webhook_endpoints).where(t.webhook_endpoints.c.id == id).values(**values))


def add_course(connection: Connection, course: CourseRow) -> None:
    """Keep a new course."""
    connection.execute(insert(t.webhook_courses), {name: getattr(course, name) for name in course.__slots__})


def courses(connection: Connection) -> list[CourseRow]:
    """Every course that is not at its end, the oldest first."""
    rows = connection.execute(select(t.webhook_courses).order_by(t.webhook_courses.c.created_at))
    return [CourseRow(**row._mapping) for row in rows]


def lanes(connection: Connection) -> list[LaneRow]:
    """Every lane."""
    return [LaneRow(**row._mapping) for row in connection.execute(select(t.webhook_lanes))]


def events_after(connection: Connection, after: int, limit: int) -> list[Event]:
    """Events behind a place in the log, in its order."""
    e = t.events.c
    return _events(connection, select(t.events).where(e.sequence > after).order_by(e.sequence).limit(limit))


def events_of_lane(connection: Connection, lane: str, after: int, until: int, limit: int) -> list[Event]:
    """Events of one engagement, or about one endpoint, between two places in the log, the second included."""
    e = t.events.c
    own = e.subject_id == lane if is_id(lane, Prefix.WEBHOOK_ENDPOINT) else e.request_id == lane
    statement = select(t.events).where(own, e.sequence > after, e.sequence <= until)
    return _events(connection, statement.order_by(e.sequence).limit(limit))


def find_event(connection: Connection, id: str) -> Event | None:
    """One event by its id."""
    found = _events(connection, select(t.events).where(t.events.c.sequence == _sequence_of(id), t.events.c.id == id))
    return found[0] if found else None


def _sequence_of(id: str) -> int:
    """An event's number is its place in the log."""
    return number_of(id) if is_id(id, Prefix.EVENT) else 0


def places_between(
    connection: Connection, organization_id: str | None, first: datetime, end: datetime
) -> tuple[int, int, int]:
    """The first and the last place in the log, and the number, of what occurred between two times, the end excluded."""
    e = t.events.c
    statement = select(func.min(e.sequence), func.max(e.sequence), func.count())
    statement = statement.where(e.occurred_at >= first, e.occurred_at < end)
    if organization_id is not None:
        statement = statement.where(e.organization_id == organization_id)
    low, high, count = connection.execute(statement).one()
    return int(low or 0), int(high or 0), int(count)


def last_attempt_number(connection: Connection) -> int:
    """The number of the last attempt that is kept."""
    return int(connection.execute(select(func.coalesce(func.max(t.webhook_attempts.c.number), 0))).scalar_one())


def last_deliveries(connection: Connection) -> dict[str, datetime]:
    """When each endpoint took a message last."""
    a = t.webhook_attempts.c
    taken = select(a.endpoint_id, func.max(a.attempted_at)).where(a.status == DeliveryStatus.DELIVERED)
    return {row[0]: row[1] for row in connection.execute(taken.group_by(a.endpoint_id))}


@dataclass(slots=True)
class Progress:
    """What the courier has to write down, all at once."""

    attempts: list[DeliveryAttempt]
    positions: dict[str, int]
    """By course."""
    new_lanes: list[LaneRow]
    changed_lanes: list[LaneRow]
    ended_lanes: list[str]
    ended_courses: list[str]

    @classmethod
    def none(cls) -> Progress:
        """Nothing yet."""
        return cls([], {}, [], [], [], [])

    def __bool__(self) -> bool:
        return any((self.attempts, self.positions, self.new_lanes, self.changed_lanes, self.ended_lanes)) or bool(
            self.ended_courses
        )

    def write(self, connection: Connection) -> None:
        """Write it; in an order in which a reader never finds more done than was."""
        if self.attempts:
            rows = [{name: getattr(a, name) for name in a.__slots__} for a in self.attempts]
            connection.execute(insert(t.webhook_attempts), rows)
        if self.new_lanes:
            connection.execute(insert(t.webhook_lanes), [_row(lane) for lane in self.new_lanes])
        for lane in self.changed_lanes:
            table = t.webhook_lanes
            connection.execute(update(table).where(table.c.id == lane.id).values(**_row(lane)))
        if self.positions:
            connection.execute(_moved(self.positions))
        _delete(connection, t.webhook_lanes, self.ended_lanes)
        _delete(connection, t.webhook_courses, self.ended_courses)


def forget_endpoint_progress(connection: Connection, course_ids: Sequence[str]) -> None:
    """Let go of the courses, and their lanes, of an endpoint that is no more."""
    if course_ids:
        connection.execute(delete(t.webhook_lanes).where(t.webhook_lanes.c.course_id.in_(course_ids)))
        _delete(connection, t.webhook_courses, course_ids)


def forget_attempts_before(connection: Connection, when: datetime) -> int:
    """Let go of attempts made before a moment; how many these were."""
    gone = delete(t.webhook_attempts).where(t.webhook_attempts.c.attempted_at < when)
    return int(connection.execute(gone).rowcount)


def _delete(connection: Connection, table: Any, ids: Sequence[str]) -> None:
    if ids:
        connection.execute(delete(table).where(table.c.id.in_(ids)))


def _moved(positions: Mapping[str, int]) -> Update:
    """Courses at their new places, in one statement however many endpoints there are."""
    new = values(column("id", String), column("position", BigInteger), name="moved").data([*positions.items()])
    courses = t.webhook_courses
    return update(courses).where(courses.c.id == new.c.id).values(position=new.c.position)


def _row(lane: LaneRow) -> dict[str, Any]:
    return {name: getattr(lane, name) for name in lane.__slots__}


def _events(connection: Connection, statement: Select[Any]) -> list[Event]:
    return [event_of(row) for row in _mappings(connection, statement)]


def _mappings(connection: Connection, statement: Select[Any]) -> Iterable[Any]:
    return connection.execute(statement).mappings().all()


__all__ = [
    "CourseRow",
    "LaneRow",
    "Progress",
    "add_course",
    "add_endpoint",
    "change_endpoint",
    "courses",
    "endpoint_of",
    "endpoint_row",
    "endpoints",
    "events_after",
    "events_of_lane",
    "find_endpoint",
    "find_event",
    "forget_attempts_before",
    "forget_endpoint_progress",
    "lanes",
    "last_attempt_number",
    "last_deliveries",
    "new_row_id",
    "places_between",
]
