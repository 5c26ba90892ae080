"""What a forecast needs from the store: how finished cycles and paid milestones went, and what is open now.

Dates are compared, not times of day; dates are taken from times in Python, where they are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from ods_core.basics.money import Money
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, CycleStatus, PaymentStatus, ScopeStatus
from ods_core.basics.triggers import TriggerKind
from ods_core.forecast import (
    MAX_SAMPLES,
    FinishedCycle,
    History,
    OpenCycle,
    OpenMilestone,
    OpenScope,
    OpenWork,
)
from ods_core.queries.receipts import last_receipts
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

Rows = Sequence[Mapping[str, Any]]


def history(connection: Connection, caller: Caller, organization_id: str | None = None) -> History:
    """The latest finished cycles and paid milestones that the caller may see; None: of every organisation."""
    cycles = [_finished(row) for row in _rows(connection, _finished_cycles(caller, organization_id))]
    paid = _rows(connection, _paid_milestones(caller, organization_id))
    return History(cycles, [(row["paid_on"] - row["due_at"].date()).days for row in paid])


def open_work(connection: Connection, caller: Caller, organization_id: str | None = None) -> OpenWork:
    """Active scopes with their cycles that are not accepted, and all money that is still to come.

    What waits for a deliverable is taken to wait for its cycle: the day of the cycle's acceptance is the latest that
    the deliverable can have.
    """
    cycles = _rows(connection, _open_cycles(caller, organization_id))
    by_scope: dict[str, list[Mapping[str, Any]]] = {}
    for row in cycles:
        by_scope.setdefault(row["scope_id"], []).append(row)
    scopes = [OpenScope(id, [_open_cycle(row) for row in rows]) for id, rows in by_scope.items()]
    ordinals = {id: [row["ordinal"] for row in rows] for id, rows in by_scope.items()}
    milestones = _rows(connection, _open_milestones(caller, organization_id))
    return OpenWork(scopes, [_open_milestone(row, ordinals) for row in milestones])


def _rows(connection: Connection, statement: Select[Any]) -> Rows:
    found: Sequence[Any] = connection.execute(statement).mappings().all()
    return found


def _days(start: datetime, end: datetime) -> int:
    return (end.date() - start.date()).days


# How it went.


def _finished_cycles(caller: Caller, organization_id: str | None) -> Select[Any]:
    """The latest begun of accepted delivery cycles, each with its first and last decisions and its remediations."""
    c, a = t.cycles, t.attempts
    remediation = t.cycles.alias("remediation")
    # Until the first rejection, or the last acceptance where there is none, the reviewer has not settled the review.
    rejected = select(func.min(a.c.decided_at)).where(a.c.cycle_id == c.c.id, a.c.remediation_cycle_id.is_not(None))
    remediations = select(func.count()).where(remediation.c.parent_cycle_id == c.c.id)
    columns = (c.c.planned_start, c.c.planned_end, c.c.started_at, c.c.completed_at, c.c.accepted_at)
    statement = select(
        *columns,
        rejected.scalar_subquery().label("rejected_at"),
        remediations.scalar_subquery().label("remediations"),
    ).where(c.c.kind == CycleKind.DELIVERY, c.c.status == CycleStatus.ACCEPTED, *_of(c.c, organization_id))
    return narrowed(statement, c, caller).order_by(c.c.started_at.desc(), c.c.number.desc()).limit(MAX_SAMPLES)


def _finished(row: Mapping[str, Any]) -> FinishedCycle:
    completed, accepted = row["completed_at"], row["accepted_at"]
    started_late = max((row["started_at"].date() - row["planned_start"]).days, 0)
    return FinishedCycle(
        slip=(completed.date() - row["planned_end"]).days - started_late,
        review=_days(completed, row["rejected_at"] or accepted),
        acceptance=_days(completed, accepted),
        remediated=row["remediations"] > 0,
    )


def _paid_milestones(caller: Caller, organization_id: str | None) -> Select[Any]:
    """The latest due of paid milestones; nothing to pay is paid by itself, without a receipt, and tells nothing."""
    p, last = t.payments, last_receipts()
    paid = and_(p.c.status == PaymentStatus.PAID, p.c.due_at.is_not(None))
    statement = select(p.c.due_at, last.c.paid_on).join(last, last.c.payment_id == p.c.id)
    statement = statement.where(paid, *_of(p.c, organization_id))
    return narrowed(statement, p, caller).order_by(p.c.due_at.desc(), p.c.number.desc()).limit(MAX_SAMPLES)


def _of(columns: Any, organization_id: str | None) -> list[ColumnElement[bool]]:
    return [columns.organization_id == organization_id] if organization_id else []


# What is open.


def _open_cycles(caller: Caller, organization_id: str | None) -> Select[Any]:
    """Delivery cycles that are not accepted, of active scopes, in their order, each with its remediations."""
    c, s = t.cycles, t.scopes
    remediation = t.cycles.alias("remediation")
    remediations = select(func.count()).where(remediation.c.parent_cycle_id == c.c.id).scalar_subquery()
    named = (c.c.scope_id, c.c.ordinal, c.c.planned_start, c.c.planned_end, c.c.started_at, c.c.completed_at)
    ahead = and_(c.c.kind == CycleKind.DELIVERY, c.c.status != CycleStatus.ACCEPTED, s.c.status == ScopeStatus.ACTIVE)
    statement = select(*named, remediations.label("remediations")).join(s, s.c.id == c.c.scope_id).where(ahead)
    return narrowed(statement, c, caller).where(*_of(c.c, organization_id)).order_by(c.c.scope_id, c.c.ordinal)


def _open_cycle(row: Mapping[str, Any]) -> OpenCycle:
    return OpenCycle(
        row["planned_start"],
        row["planned_end"],
        _date(row["started_at"]),
        _date(row["completed_at"]),
        in_remediation=row["remediations"] > 0,
    )


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _open_milestones(caller: Caller, organization_id: str | None) -> Select[Any]:
    """Due and scheduled milestones, those of a deliverable with its cycle's ordinal."""
    p, d, c = t.payments, t.deliverables, t.cycles
    ordinal = (
        select(func.max(c.c.ordinal))
        .join(d, d.c.cycle_id == c.c.id)
        .where(d.c.scope_id == p.c.scope_id, d.c.position == p.c.trigger_number)
        .scalar_subquery()
    )
    named = (p.c.id, p.c.scope_id, p.c.status, p.c.trigger_kind, p.c.trigger_number)
    owed = (p.c.amount, p.c.paid, p.c.currency, p.c.net_days, p.c.due_at)
    statement = select(*named, *owed, ordinal.label("ordinal"))
    statement = statement.where(p.c.status.in_([PaymentStatus.DUE, PaymentStatus.SCHEDULED]), p.c.amount > p.c.paid)
    return narrowed(statement, p, caller).where(*_of(p.c, organization_id)).order_by(p.c.number)


def _open_milestone(row: Mapping[str, Any], ordinals: Mapping[str, list[int]]) -> OpenMilestone:
    currency, scope_id = row["currency"], row["scope_id"]
    waits = row["status"] == PaymentStatus.SCHEDULED
    return OpenMilestone(
        row["id"],
        scope_id,
        currency,
        Money(amount_json(row["amount"] - row["paid"], currency), currency).minor_units(),
        row["net_days"],
        cycle=_awaited(row, ordinals[scope_id]) if waits else None,
        due_on=None if waits else row["due_at"].date(),
    )


def _awaited(row: Mapping[str, Any], ordinals: list[int]) -> int:
    """The place, among the open cycles, of the one that a milestone waits for."""
    if row["trigger_kind"] == TriggerKind.CYCLE_ACCEPTANCE:
        return ordinals.index(row["trigger_number"])
    if row["trigger_kind"] == TriggerKind.DELIVERABLE_ACCEPTANCE:
        return ordinals.index(row["ordinal"])
    return len(ordinals) - 1
