"""What a figure of the outcomes is made of: the very things that were measured, the latest first.

Read from the store's own tables, not from the kept facts: a figure and the list behind it are two witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Double, FromClause, Select, case, cast, extract, func, select

from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, Decision, Kind, PaymentStatus, ScopeStatus
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import OutcomeFilter, Period, named
from ods_core.queries.receipts import last_receipts
from ods_core.store import tables as t

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that a figure rests on.

    `kind` and `id` say what to open, `entry` tells apart what shares it: the attempts at a deliverable, the receipts of
    a payment. `ended_on` is None where it stands as it does now. `value` is its own: days, a ratio, a count, an amount,
    or 1 for what was hit and 0 for what was not.
    """

    kind: Kind
    id: str
    entry: str
    title: str
    context: str
    organization_id: str
    ended_on: date | None
    value: float | Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class MeasuredPage:
    """Some of them, how many there are in all, and whether there are more after these."""

    rows: Sequence[Measured]
    total: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Source:
    """Where one kind of observation is found: the joined rows, what a row shows, its value, and when it ended."""

    kind: Kind
    rows: FromClause
    id: ColumnElement[Any]
    title: ColumnElement[Any]
    value: ColumnElement[Any]
    ended: ColumnElement[Any] | None
    where: Sequence[ColumnElement[bool]] = ()
    entry: ColumnElement[Any] | None = None


def behind(
    connection: Connection,
    caller: Caller,
    key: str,
    wanted: OutcomeFilter,
    period: Period,
    now: datetime,
    *,
    currency: str | None = None,
    limit: int = 25,
    skip: int = 0,
) -> MeasuredPage:
    """What the figure `key` of `METRICS` is made of; its `total` is the figure's `n`.

    Args:
        period: as `period_of` makes it of `wanted`; of no account for what is as of now.
        currency: of a figure that there is once for each currency.
        skip: how many of the latest are passed over.
    """
    source = _SOURCES[METRICS[key].observation](now)
    found = _found(source, caller, replace(wanted, currency=currency) if currency else wanted, period)
    total = int(connection.execute(select(func.count()).select_from(found.subquery("found"))).scalar_one())
    c = found.selected_columns
    latest_first = found.order_by(*([] if source.ended is None else [c.ended.desc()]), c.id.desc(), c.entry.desc())
    rows: Sequence[Any] = connection.execute(latest_first.limit(limit).offset(skip)).mappings().all()
    return MeasuredPage([_measured(source.kind, key, row) for row in rows], total, skip + len(rows) < total)


def _found(source: _Source, caller: Caller, wanted: OutcomeFilter, period: Period) -> Select[Any]:
    r, ended = t.requests, source.ended
    where = [*source.where, *named(r, r.c.number, caller, wanted)]
    if ended is not None:
        where += [ended >= _bound(ended, period.start), ended < _bound(ended, period.end)]
    shown = (
        source.id.label("id"),
        (source.id if source.entry is None else source.entry).label("entry"),
        source.title.label("title"),
        source.value.label("value"),
        *([] if ended is None else [ended.label("ended")]),
    )
    owner = (r.c.title.label("context"), r.c.organization_id, r.c.currency)
    return select(*shown, *owner).select_from(source.rows).where(*where)


def _bound(ended: ColumnElement[Any], moment: datetime) -> date:
    return moment.date() if isinstance(ended.type, Date) else moment


def _measured(kind: Kind, key: str, row: Mapping[str, Any]) -> Measured:
    ended, value = row.get("ended"), row["value"]
    return Measured(
        kind=kind,
        id=row["id"],
        entry=str(row["entry"]),
        title=row["title"],
        context=row["context"],
        organization_id=row["organization_id"],
        ended_on=ended.date() if isinstance(ended, datetime) else ended,
        value=amount_json(value, row["currency"]) if isinstance(value, Decimal) else float(value),
        currency=row["currency"],
    )


# Where each kind of observation is found.


def _days(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    return extract("epoch", end - start) / cast(SECONDS_A_DAY, Double)


def _hit(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((condition, 1), else_=0)


def _requests(value: ColumnElement[Any]) -> _Source:
    r = t.requests
    return _Source(Kind.REQUEST, r, r.c.id, r.c.title, value, r.c.scoped_at)


def _won() -> ColumnElement[Any]:
    s = t.scopes.c
    bought = select(s.id).where(s.request_id == t.requests.c.id, s.confirmed_at.is_not(None))
    return _hit(bought.exists())


def _scopes(value: ColumnElement[Any], ended: ColumnElement[Any] | None, *where: ColumnElement[bool]) -> _Source:
    s = t.scopes
    return _Source(Kind.SCOPE, _with_request(s), s.c.id, s.c.title, value, ended, where)


def _with_request(table: Any) -> Any:
    return table.join(t.requests, t.requests.c.id == table.c.request_id)


def _remediations() -> ColumnElement[Any]:
    c = t.cycles.c
    mending = select(func.count()).where(c.scope_id == t.scopes.c.id, c.kind == CycleKind.REMEDIATION)
    return mending.scalar_subquery()


def _cycles(kind: CycleKind, value: ColumnElement[Any], ended: ColumnElement[Any]) -> _Source:
    c = t.cycles
    return _Source(Kind.CYCLE, _with_request(c), c.c.id, c.c.name, value, ended, (c.c.kind == kind,))


def _late() -> ColumnElement[Any]:
    c = t.cycles.c
    return cast(c.completed_at, Date) - c.planned_end


def _decisions(value: ColumnElement[Any], *where: ColumnElement[bool]) -> _Source:
    a, d = t.attempts, t.deliverables
    rows = _with_request(a).join(d, d.c.id == a.c.deliverable_id)
    return _Source(Kind.DELIVERABLE, rows, d.c.id, d.c.title, value, a.c.decided_at, where, a.c.attempt)


def _receipts() -> _Source:
    r, p = t.receipts, t.payments
    rows = _with_request(r).join(p, p.c.id == r.c.payment_id)
    return _Source(Kind.PAYMENT, rows, p.c.id, p.c.description, r.c.amount, r.c.received_on, (), r.c.id)


def _paid() -> _Source:
    p, last = t.payments, last_receipts()
    rows = _with_request(p).join(last, last.c.payment_id == p.c.id)
    paid = (p.c.status == PaymentStatus.PAID,)
    return _Source(Kind.PAYMENT, rows, p.c.id, p.c.description, p.c.amount, last.c.paid_on, paid)


def _open(*where: ColumnElement[bool]) -> _Source:
    p = t.payments
    due = (p.c.status == PaymentStatus.DUE, p.c.amount > p.c.paid, *where)
    return _Source(Kind.PAYMENT, _with_request(p), p.c.id, p.c.description, p.c.amount - p.c.paid, None, due)


_R, _S, _C, _A = t.requests.c, t.scopes.c, t.cycles.c, t.attempts.c

_SOURCES: Mapping[str, Callable[[datetime], _Source]] = {
    "scoping": lambda now: _requests(_days(_R.created_at, _R.scoped_at)),
    "won": lambda now: _requests(_won()),
    "confirmation": lambda now: _scopes(_days(_S.proposed_at, _S.confirmed_at), _S.confirmed_at),
    "price_to_budget": lambda now: _scopes(
        cast(_S.fixed_price, Double) / cast(_R.budget_max, Double), _S.confirmed_at, _R.budget_max.is_not(None)
    ),
    "lead": lambda now: _scopes(_days(_R.created_at, _S.completed_at), _S.completed_at),
    "remediations": lambda now: _scopes(_remediations(), _S.completed_at),
    "remediation_free": lambda now: _scopes(_hit(_remediations() == 0), _S.completed_at),
    "cycle": lambda now: _cycles(CycleKind.DELIVERY, _days(_C.started_at, _C.accepted_at), _C.accepted_at),
    "variance": lambda now: _cycles(CycleKind.DELIVERY, _late(), _C.completed_at),
    "on_time": lambda now: _cycles(
        CycleKind.DELIVERY, _hit(cast(_C.completed_at, Date) <= _C.planned_end), _C.completed_at
    ),
    "remediation_days": lambda now: _cycles(
        CycleKind.REMEDIATION, _days(_C.started_at, _C.accepted_at), _C.accepted_at
    ),
    "review": lambda now: _decisions(_days(_A.ready_at, _A.decided_at)),
    "rejection": lambda now: _decisions(_hit(_A.decision == Decision.REJECTED)),
    "first_time": lambda now: _decisions(_hit(_A.attempt == 1), _A.decision == Decision.ACCEPTED),
    "delivered": lambda now: _scopes(_S.fixed_price, _S.completed_at),
    "committed": lambda now: _scopes(_S.fixed_price, None, _S.status == ScopeStatus.ACTIVE),
    "received": lambda now: _receipts(),
    "paid": lambda now: _paid(),
    "open": lambda now: _open(),
    "overdue": lambda now: _open(t.payments.c.due_at < now),
}
"""By the name that the metrics table gives what is observed."""
