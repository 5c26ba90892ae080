"""What stands in a calendar: when cycles end, and when payments are due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, or_, select

from ods_core.basics.clock import midnight
from ods_core.basics.money import Money, format_money
from ods_core.basics.roles import Caller
from ods_core.basics.states import LOOKS, CycleStatus, PaymentStatus, ScopeStatus
from ods_core.papers.calendar import Entry
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

BEHIND, AHEAD = timedelta(days=90), timedelta(days=400)
"""How far a calendar reaches back and ahead."""
MOST = 5_000
"""Entries of each of its two kinds; the first ones."""


def entries(connection: Connection, caller: Caller, today: date) -> list[Entry]:
    """What a caller's calendar shows, by day: cycle ends, then due dates, each in the order of creation."""
    first, last = today - BEHIND, today + AHEAD
    cycles = [_cycle(row) for row in connection.execute(_cycles(caller, first, last)).mappings()]
    payments = [_payment(row) for row in connection.execute(_payments(caller, first, last)).mappings()]
    return sorted(cycles + payments, key=lambda entry: entry.day)


def _cycles(caller: Caller, first: date, last: date) -> Select[Any]:
    """Those of proposals that wait, and of scopes that were confirmed; what was declined never was a plan."""
    c, s = t.cycles.c, t.scopes.c
    statement = (
        select(t.cycles, s.title, s.proposed_at, s.confirmed_at, s.status.label("scope_status"))
        .join(t.scopes, s.id == c.scope_id)
        .where(c.planned_end.between(first, last))
        .where(or_(s.status == ScopeStatus.PENDING_CONFIRMATION, s.confirmed_at.is_not(None)))
        .order_by(c.planned_end, c.number)
        .limit(MOST)
    )
    return narrowed(statement, t.cycles, caller)


def _cycle(row: RowMapping) -> Entry:
    steps = [row[name] for name in ("confirmed_at", "started_at", "completed_at", "accepted_at", "cancelled_at")]
    # A remediation begins after the confirmation that its scope once had.
    made = row["proposed_at"]
    return Entry(
        uid=_uid(row["id"], made),
        day=row["planned_end"],
        summary=f"{row['name']} ends: {row['title']}",
        description=_lines(row, f"{_label(row['status'])} · planned since {row['planned_start'].isoformat()}"),
        status=_status(row["status"], row["scope_status"]),
        sequence=sum(step is not None for step in steps),
        changed_at=max(step for step in (made, *steps) if step is not None),
    )


def _status(status: CycleStatus, scope: ScopeStatus) -> str:
    if status == CycleStatus.CANCELLED:
        return "CANCELLED"
    return "TENTATIVE" if scope == ScopeStatus.PENDING_CONFIRMATION else "CONFIRMED"


def _payments(caller: Caller, first: date, last: date) -> Select[Any]:
    """Those that have a due date; when the others may be due is the forecast's question."""
    p, r = t.payments.c, t.receipts.c
    booked = (
        select(r.payment_id, func.count().label("entries"), func.max(r.recorded_at).label("booked_at"))
        .group_by(r.payment_id)
        .subquery()
    )
    statement = (
        select(t.payments, t.scopes.c.title, booked.c.entries, booked.c.booked_at)
        .join(t.scopes, t.scopes.c.id == p.scope_id)
        .outerjoin(booked, booked.c.payment_id == p.id)
        .where(and_(p.due_at >= midnight(first), p.due_at < midnight(last + timedelta(days=1))))
        .order_by(p.due_at, p.number)
        .limit(MOST)
    )
    return narrowed(statement, t.payments, caller)


def _payment(row: RowMapping) -> Entry:
    amount = format_money(Money(row["amount"], row["currency"]))
    verb = "Paid" if row["status"] == PaymentStatus.PAID else "Payment due"
    changes = (row["triggered_at"], row["booked_at"], row["paid_at"], row["voided_at"])
    return Entry(
        uid=_uid(row["id"], row["triggered_at"]),
        day=row["due_at"].date(),
        summary=f"{verb}: {amount}, {row['title']}",
        description=_lines(row, f"{_label(row['status'])} · {row['description']}"),
        status="CANCELLED" if row["status"] == PaymentStatus.VOID else "CONFIRMED",
        # Receipts are never taken out, so this only rises, also when one is reversed.
        sequence=(row["entries"] or 0) + (row["voided_at"] is not None),
        changed_at=max(change for change in changes if change is not None),
    )


def _uid(id: str, made: datetime) -> str:
    """Two installations may both have this id; that they made it in the same second is another matter."""
    return f"{id}-{made:%Y%m%dT%H%M%SZ}@ods"


def _lines(row: RowMapping, state: str) -> str:
    return "\n".join((state, f"{row['scope_id']} · {row['organization_id']} · {row['workspace_id']}", row["id"]))


def _label(state: Any) -> str:
    return LOOKS[type(state)][state].label
