"""What time has made due and nobody has carried out yet: one narrow statement a kind, in numbered batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from ods_core.basics.states import DeliverableStatus, ScopeStatus, SilencePolicy
from ods_core.store import tables as t

BATCH = 100

Due = Sequence[tuple[int, str]]
"""Numbers and ids of things, in the order of the numbers; the last number is where the next batch goes on."""


def lapsed(connection: Connection, now: datetime, after: int, limit: int = BATCH) -> Due:
    """Deliverables whose review window has passed, in scopes in which silence decides."""
    a, s = t.attempts.c, t.scopes.c
    statement = _under_review().join(t.scopes, s.id == a.scope_id)
    statement = statement.where(a.decide_by <= now, s.silence_policy != SilencePolicy.NONE)
    return _batch(connection, statement, t.deliverables.c.number, after, limit)


def reviewers_to_remind(connection: Connection, now: datetime, after: int, limit: int = BATCH) -> Due:
    """Deliverables that have waited for their decision until their reminder."""
    a = t.attempts.c
    statement = _under_review().where(a.remind_at <= now, a.reminded_at.is_(None))
    return _batch(connection, statement, t.deliverables.c.number, after, limit)


def approvers_to_remind(connection: Connection, now: datetime, after: int, limit: int = BATCH) -> Due:
    """Proposals that are about to expire and can still be confirmed."""
    s, today = t.scopes.c, now.date()
    statement = select(s.number, s.id).where(
        s.status == ScopeStatus.PENDING_CONFIRMATION,
        s.remind_on <= today,
        s.valid_until >= today,
        s.reminded_at.is_(None),
    )
    return _batch(connection, statement, s.number, after, limit)


def _under_review() -> Select[Any]:
    """Attempts that wait for a decision; one that was cancelled meanwhile waits for none."""
    a, d = t.attempts.c, t.deliverables.c
    present = and_(d.id == a.deliverable_id, d.attempt == a.attempt)
    statement = select(d.number, d.id).select_from(t.attempts).join(t.deliverables, present)
    return statement.where(a.decision.is_(None), d.status == DeliverableStatus.READY_FOR_ACCEPTANCE)


def _batch(connection: Connection, statement: Select[Any], number: Any, after: int, limit: int) -> Due:
    rows = connection.execute(statement.where(number > after).order_by(number).limit(limit))
    return [(int(row[0]), str(row[1])) for row in rows]
