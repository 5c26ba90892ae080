"""Money received and taken back, as a list to take away."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import ReceiptStatus
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

_STRETCH = 20_000
_PART = 1_000


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """Which receipts; None: all. The period is about the day on which money was received, both days included."""

    organization_id: str | None = None
    currency: str | None = None
    first: date | None = None
    last: date | None = None
    scope_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One entry of the books; the one that takes another back has a negative amount and names it in `reverses`."""

    id: str
    number: int
    payment_id: str
    scope_id: str
    scope_title: str
    organization_id: str
    received_on: date
    amount: Decimal
    currency: str
    reference: str
    status: ReceiptStatus
    reverses: str | None
    reason: str | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class ReceiptTotals:
    """What the receipts of one currency come to, reversals taken off."""

    currency: str
    count: int
    amount: Decimal


def every(connection: Connection, caller: Caller, wanted: ReceiptFilter) -> Iterator[ReceiptRow]:
    """All receipts in the order in which they were booked, read in stretches; all of it is of one moment."""
    r, s = t.receipts, t.scopes
    numbers = array("q")
    found = connection.execute(_wanted(select(r.c.number), caller, wanted).order_by(r.c.number))
    for part in found.scalars().partitions(_PART):
        numbers.extend(part)
    columns = [r.c[f.name] for f in fields(ReceiptRow) if f.name in r.c]
    statement = select(*columns, s.c.title.label("scope_title")).join(s, s.c.id == r.c.scope_id)
    statement = _wanted(statement, caller, wanted).order_by(r.c.number)
    for start in range(0, len(numbers), _STRETCH):
        stretch = numbers[start : start + _STRETCH]
        within = statement.where(r.c.number.between(stretch[0], stretch[-1]))
        for rows in connection.execute(within).mappings().partitions(_PART):
            yield from (_row(row) for row in rows)


def totals(connection: Connection, caller: Caller, wanted: ReceiptFilter) -> list[ReceiptTotals]:
    """What the receipts come to, per currency."""
    r = t.receipts.c
    statement = _wanted(select(r.currency, func.count(), func.sum(r.amount)), caller, wanted)
    found: Sequence[Any] = connection.execute(statement.group_by(r.currency).order_by(r.currency)).all()
    return [ReceiptTotals(currency, count, amount_json(amount, currency)) for currency, count, amount in found]


def count(connection: Connection, caller: Caller, wanted: ReceiptFilter) -> int:
    """How many receipts there are; without their sums, a database knows it without reading them."""
    statement = _wanted(select(func.count()).select_from(t.receipts), caller, wanted)
    return int(connection.execute(statement).scalar_one())


def _wanted(statement: Select[Any], caller: Caller, wanted: ReceiptFilter) -> Select[Any]:
    r = t.receipts.c
    named = ((r.organization_id, wanted.organization_id), (r.currency, wanted.currency), (r.scope_id, wanted.scope_id))
    statement = narrowed(statement, t.receipts, caller).where(*[column == value for column, value in named if value])
    if wanted.first:
        statement = statement.where(r.received_on >= wanted.first)
    return statement.where(r.received_on <= wanted.last) if wanted.last else statement


def _row(row: Any) -> ReceiptRow:
    return ReceiptRow(**{**row, "amount": amount_json(row["amount"], row["currency"])})
