"""The reviewer's inbox: deliverables that are ready for acceptance, those that have waited longest first."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, func, or_, select

from ods_core.basics.errors import Invalid
from ods_core.basics.roles import Caller
from ods_core.basics.states import DeliverableStatus
from ods_core.queries.lists import Page
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t
from ods_core.store.rows import load


def waiting(
    connection: Connection,
    caller: Caller,
    organization_id: str | None = None,
    *,
    limit: int = 25,
    cursor: str | None = None,
) -> Page:
    """One page of the inbox.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    d = t.deliverables.c
    statement = narrowed(select(d.id, d.request_id, d.ready_at, d.number), t.deliverables, caller)
    statement = statement.where(d.status == DeliverableStatus.READY_FOR_ACCEPTANCE)
    if organization_id:
        statement = statement.where(d.organization_id == organization_id)
    if cursor is not None:
        ready_at, number = _read_place(cursor)
        statement = statement.where(or_(d.ready_at > ready_at, and_(d.ready_at == ready_at, d.number > number)))
    found = connection.execute(statement.order_by(d.ready_at, d.number).limit(limit + 1)).all()
    shown = found[:limit]
    engagements = load(connection, sorted({row[1] for row in shown}))
    further = _write_place(shown[-1][2], shown[-1][3]) if len(found) > limit else None
    return Page([(engagements[row[1]], row[0]) for row in shown], further)


def count_waiting(connection: Connection, caller: Caller) -> int:
    """How many deliverables are ready for acceptance."""
    statement = narrowed(select(func.count()).select_from(t.deliverables), t.deliverables, caller)
    ready = t.deliverables.c.status == DeliverableStatus.READY_FOR_ACCEPTANCE
    return int(connection.execute(statement.where(ready)).scalar_one())


def _write_place(ready_at: datetime, number: int) -> str:
    text = f"{int(ready_at.timestamp())} {number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_place(cursor: str) -> tuple[datetime, int]:
    try:
        seconds, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        return datetime.fromtimestamp(int(seconds), UTC), int(number)
    except (ValueError, OverflowError, OSError, binascii.Error):
        raise Invalid.at("/cursor", "expected the `cursor` of an earlier answer, unchanged") from None
