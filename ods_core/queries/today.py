"""What waits for somebody: one pile a kind of work, each counted whole and shown by its first few.

Every pile is one statement; nothing here grows with the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, literal, null, or_, select

from ods_core.basics.clock import working_days_before
from ods_core.basics.roles import Caller
from ods_core.basics.states import (
    CycleStatus,
    Decision,
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    RequestStatus,
    ScopeStatus,
    SilencePolicy,
)
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits.

    Args:
        context: the engagement or cycle it belongs to.
        since: from when it has waited.
        until: the day by which it should be done; None where none is set.
        amount: money it is about, in `currency`.
        paid: of a payment, what came in already.
        last_safe_day: of a proposal, the last day to confirm without squeezing the provider's lead time.
        decide_by: of a deliverable to review, the end of its review window, and what `silence` means then.
        is_circling: of a deliverable, whether it goes in circles.
    """

    kind: Kind
    id: str
    title: str
    context: str
    organization_id: str
    since: datetime | None
    until: date | None
    amount: Decimal | None
    currency: str | None
    paid: Decimal | None
    attempt: int | None
    last_safe_day: date | None
    decide_by: datetime | None = None
    silence: SilencePolicy | None = None
    is_circling: bool = False


@dataclass(frozen=True, slots=True)
class Pile:
    """All that waits of one kind: how many there are, and the first of them, the most urgent first."""

    count: int
    items: tuple[Waiting, ...]


def to_confirm(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Proposals that can still be confirmed, those that expire first in front."""
    return _proposals(connection, caller, t.scopes.c.valid_until >= now.date(), limit)


def expired(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Proposals that expired before they were confirmed, and could be re-issued."""
    return _proposals(connection, caller, t.scopes.c.valid_until < now.date(), limit)


def _proposals(connection: Connection, caller: Caller, when: Any, limit: int) -> Pile:
    s = t.scopes
    first = select(t.cycles.c.scope_id, func.min(t.cycles.c.baseline_start).label("begins"))
    begins = first.group_by(t.cycles.c.scope_id).subquery()
    statement = (
        _rows(Kind.SCOPE, s, s.c.title, context=literal(""), since=s.c.proposed_at, until=s.c.valid_until)
        .add_columns(s.c.fixed_price.label("amount"), s.c.currency, begins.c.begins, s.c.lead_time_days)
        .join(begins, begins.c.scope_id == s.c.id)
        .where(s.c.status == ScopeStatus.PENDING_CONFIRMATION, when)
        .order_by(s.c.valid_until, s.c.number)
    )
    return _pile(connection, narrowed(statement, s, caller), limit)


def to_review(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Deliverables ready for acceptance: those that silence will decide, soonest first, then the longest waiting."""
    d, s, a = t.deliverables, t.scopes, t.attempts
    silence_decides = case((s.c.silence_policy != SilencePolicy.NONE, a.c.decide_by))
    statement = (
        _deliverables()
        .add_columns(a.c.decide_by, s.c.silence_policy)
        .join(a, and_(a.c.deliverable_id == d.c.id, a.c.attempt == d.c.attempt))
        .where(d.c.status == DeliverableStatus.READY_FOR_ACCEPTANCE)
        .order_by(silence_decides.nulls_last(), d.c.ready_at, d.c.number)
    )
    return _pile(connection, narrowed(statement, d, caller), limit)


def escalated(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Deliverables that go in circles and are not finished."""
    d = t.deliverables
    finished = (DeliverableStatus.ACCEPTED, DeliverableStatus.CANCELLED)
    statement = _deliverables(since=d.c.escalated_at).where(d.c.escalated_at.is_not(None), d.c.status.not_in(finished))
    return _pile(connection, narrowed(statement.order_by(d.c.escalated_at, d.c.number), d, caller), limit)


def _deliverables(since: Any = None) -> Select[Any]:
    d, s = t.deliverables, t.scopes
    rows = _rows(
        Kind.DELIVERABLE, d, d.c.title, context=s.c.title, since=d.c.ready_at if since is None else since, until=null()
    )
    return rows.add_columns(d.c.attempt, d.c.escalated_at).join(s, s.c.id == d.c.scope_id)


def to_start(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Deliverables on which work can begin: not begun yet, or rejected; those planned to end first in front."""
    statuses = (DeliverableStatus.PENDING, DeliverableStatus.REJECTED)
    return _work(connection, caller, t.deliverables.c.status.in_(statuses), limit)


def to_submit(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Deliverables that are being worked on; those planned to end first in front."""
    return _work(connection, caller, t.deliverables.c.status == DeliverableStatus.IN_PROGRESS, limit)


def _work(connection: Connection, caller: Caller, which: Any, limit: int) -> Pile:
    """Unfinished deliverables in running cycles, with the cycle their work is in: delivery, or the last remediation."""
    d, own, rework, a = t.deliverables, t.cycles.alias("own"), t.cycles.alias("rework"), t.attempts
    rejected = case((d.c.status == DeliverableStatus.REJECTED, d.c.attempt), else_=d.c.attempt - 1)
    last_rejection = and_(a.c.deliverable_id == d.c.id, a.c.attempt == rejected, a.c.decision == Decision.REJECTED)
    until = func.coalesce(rework.c.planned_end, own.c.planned_end)
    context = func.coalesce(rework.c.name, own.c.name)
    statement = (
        _rows(Kind.DELIVERABLE, d, d.c.title, context=context, since=d.c.started_at, until=until)
        .add_columns(d.c.attempt, d.c.escalated_at)
        .join(own, own.c.id == d.c.cycle_id)
        .outerjoin(a, last_rejection)
        .outerjoin(rework, rework.c.id == a.c.remediation_cycle_id)
        .where(which, func.coalesce(rework.c.status, own.c.status) == CycleStatus.IN_PROGRESS)
        .order_by(until, d.c.number)
    )
    return _pile(connection, narrowed(statement, d, caller), limit)


def to_scope(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Requests that wait for a proposal, those that have waited longest in front."""
    return _requests(connection, caller, RequestStatus.SCOPING, limit)


def to_revise(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Requests that do not fit their bounds and wait for their owner, those that have waited longest in front."""
    return _requests(connection, caller, RequestStatus.REQUIRES_NEGOTIATION, limit)


def _requests(connection: Connection, caller: Caller, status: RequestStatus, limit: int) -> Pile:
    r = t.requests
    statement = (
        _rows(Kind.REQUEST, r, r.c.title, context=literal(""), since=r.c.updated_at, until=null())
        .add_columns(r.c.budget_max.label("amount"), r.c.currency)
        .where(r.c.status == status)
        .order_by(r.c.updated_at, r.c.number)
    )
    return _pile(connection, narrowed(statement, r, caller), limit)


def overdue(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Payments past their due date and not paid, the oldest in front; `amount` is what is open."""
    return _payments(connection, caller, t.payments.c.due_at < now, limit)


def due(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Payments that are due and not late, of which nothing came in yet, the next in front; `amount` is what is open."""
    p = t.payments.c
    return _payments(connection, caller, and_(p.due_at >= now, or_(p.paid == 0, p.paid >= p.amount)), limit)


def partly_paid(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Due payments that are not late and of which a part came in, the oldest in front; `amount` is what is open."""
    p = t.payments.c
    return _payments(connection, caller, and_(p.due_at >= now, p.paid > 0, p.paid < p.amount), limit)


def to_invoice(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Due payments that nobody has sent an invoice for, the next due date in front; `amount` is what is open."""
    i = t.invoices
    invoiced = select(i.c.id).where(i.c.payment_id == t.payments.c.id, i.c.status != InvoiceStatus.VOID).exists()
    return _payments(connection, caller, ~invoiced, limit)


def _payments(connection: Connection, caller: Caller, when: Any, limit: int) -> Pile:
    p, s = t.payments, t.scopes
    statement = (
        _rows(Kind.PAYMENT, p, p.c.description, context=s.c.title, since=p.c.triggered_at, until=p.c.due_at)
        .add_columns((p.c.amount - p.c.paid).label("amount"), p.c.currency, p.c.paid)
        .join(s, s.c.id == p.c.scope_id)
        .where(p.c.status == PaymentStatus.DUE, when)
        .order_by(p.c.due_at, p.c.number)
    )
    return _pile(connection, narrowed(statement, p, caller), limit)


def late_cycles(connection: Connection, caller: Caller, now: datetime, limit: int = SHOWN) -> Pile:
    """Cycles still in progress after their planned end, the latest in front."""
    c, s = t.cycles, t.scopes
    statement = (
        _rows(Kind.CYCLE, c, c.c.name, context=s.c.title, since=c.c.started_at, until=c.c.planned_end)
        .join(s, s.c.id == c.c.scope_id)
        .where(c.c.status == CycleStatus.IN_PROGRESS, c.c.planned_end < now.date())
        .order_by(c.c.planned_end, c.c.number)
    )
    return _pile(connection, narrowed(statement, c, caller), limit)


PILES: dict[str, Callable[..., Pile]] = {
    "escalated": escalated,
    "to_confirm": to_confirm,
    "to_review": to_review,
    "to_revise": to_revise,
    "to_scope": to_scope,
    "expired": expired,
    "to_start": to_start,
    "to_submit": to_submit,
    "overdue": overdue,
    "partly_paid": partly_paid,
    "due": due,
    "to_invoice": to_invoice,
    "late_cycles": late_cycles,
}
"""Every pile there is, by name."""


def _rows(kind: Kind, table: Any, title: Any, *, context: Any, since: Any, until: Any) -> Select[Any]:
    return select(
        literal(kind.value).label("kind"),
        table.c.id,
        title.label("title"),
        context.label("context"),
        table.c.organization_id,
        since.label("since"),
        until.label("until"),
        func.count().over().label("total"),
    ).select_from(table)


def _pile(connection: Connection, statement: Select[Any], limit: int) -> Pile:
    found = connection.execute(statement.limit(limit)).mappings().all()
    return Pile(int(found[0]["total"]) if found else 0, tuple(_waiting(dict(row)) for row in found))


def _waiting(row: dict[str, Any]) -> Waiting:
    until = row["until"]
    begins = row.get("begins")
    return Waiting(
        kind=Kind(row["kind"]),
        id=row["id"],
        title=row["title"],
        context=row["context"],
        organization_id=row["organization_id"],
        since=row["since"],
        until=until.date() if isinstance(until, datetime) else until,
        amount=row.get("amount"),
        currency=row.get("currency"),
        paid=row.get("paid"),
        attempt=row.get("attempt"),
        last_safe_day=working_days_before(begins, row["lead_time_days"]) if begins else None,
        decide_by=row.get("decide_by"),
        silence=row.get("silence_policy"),
        is_circling=row.get("escalated_at") is not None,
    )


__all__ = ["PILES", "Pile", "Waiting"]
