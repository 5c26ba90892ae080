"""The event log: the feed that programs follow, and the story that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from ods_core.basics.events import Event
from ods_core.basics.roles import Caller
from ods_core.queries.lists import read_cursor, write_cursor
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t
from ods_core.store.rows import event_of


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: None and empty mean all."""

    organization_id: str | None = None
    request_id: str | None = None
    types: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, and where to go on; a feed's cursor is never None, since more may come."""

    events: Sequence[Event]
    cursor: str | None
    has_more: bool


def feed(
    connection: Connection, caller: Caller, wanted: EventFilter, *, limit: int = 25, cursor: str | None = None
) -> EventPage:
    """Events oldest first, from a cursor on: without gap or repetition, however often it is asked.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    after = read_cursor(cursor) if cursor else 0
    statement = _wanted(caller, wanted).where(t.events.c.sequence > after).order_by(t.events.c.sequence)
    found = _events(connection, statement.limit(limit + 1))
    shown = found[:limit]
    return EventPage(shown, write_cursor(shown[-1].sequence if shown else after), len(found) > limit)


def log(
    connection: Connection, caller: Caller, wanted: EventFilter, *, limit: int = 25, cursor: str | None = None
) -> EventPage:
    """Events newest first, as people read a log.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    statement = _wanted(caller, wanted).order_by(t.events.c.sequence.desc())
    if cursor:
        statement = statement.where(t.events.c.sequence < read_cursor(cursor))
    found = _events(connection, statement.limit(limit + 1))
    more = len(found) > limit
    shown = found[:limit]
    return EventPage(shown, write_cursor(shown[-1].sequence) if more else None, more)


def _wanted(caller: Caller, wanted: EventFilter) -> Select[Any]:
    statement = narrowed(select(t.events), t.events, caller)
    if wanted.organization_id:
        statement = statement.where(t.events.c.organization_id == wanted.organization_id)
    if wanted.request_id:
        statement = statement.where(t.events.c.request_id == wanted.request_id)
    if wanted.types:
        statement = statement.where(t.events.c.type.in_(wanted.types))
    if wanted.since:
        statement = statement.where(t.events.c.occurred_at >= wanted.since)
    if wanted.until:
        statement = statement.where(t.events.c.occurred_at < wanted.until)
    return statement


def _events(connection: Connection, statement: Select[Any]) -> list[Event]:
    rows: Sequence[Any] = connection.execute(statement).mappings().all()
    return [event_of(row) for row in rows]


def latest_about(connection: Connection, caller: Caller, subject_id: str) -> Event | None:
    """The newest event about one thing, or None."""
    statement = narrowed(select(t.events), t.events, caller).where(t.events.c.subject_id == subject_id)
    found = _events(connection, statement.order_by(t.events.c.sequence.desc()).limit(1))
    return found[0] if found else None
