"""Invoices, as a list to take away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ods_core.basics.records import invoice_number
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import InvoiceStatus
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

_PART = 20_000


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices; None: all. The period is about the day of issue, both days included."""

    organization_id: str | None = None
    currency: str | None = None
    status: InvoiceStatus | None = None
    first: date | None = None
    last: date | None = None
    scope_id: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice; `paid` is what had been paid of `amount` when it was issued."""

    id: str
    number: int
    serial: int
    payment_id: str
    scope_id: str
    scope_title: str
    organization_id: str
    issued_at: datetime
    due_on: date
    amount: Decimal
    paid: Decimal
    currency: str
    status: InvoiceStatus
    reason: str | None

    @property
    def printed_number(self) -> str:
        """Its number as it is printed."""
        return invoice_number(self.organization_id, self.serial)


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """What the invoices of one currency ask for, by what became of them; `claimed` is of all that were not voided."""

    currency: str
    count: int
    claimed: Decimal
    open: Decimal


def every(connection: Connection, caller: Caller, wanted: InvoiceFilter) -> Iterator[InvoiceRow]:
    """All invoices in the order of their issue, read in stretches within one transaction."""
    i, s = t.invoices, t.scopes
    columns = [i.c[f.name] for f in fields(InvoiceRow) if f.name in i.c]
    statement = select(*columns, s.c.title.label("scope_title")).join(s, s.c.id == i.c.scope_id)
    statement = _wanted(statement, caller, wanted).order_by(i.c.number).limit(_PART)
    after = 0
    while rows := connection.execute(statement.where(i.c.number > after)).mappings().all():
        yield from (_row(row) for row in rows)
        after = rows[-1]["number"]


def totals(connection: Connection, caller: Caller, wanted: InvoiceFilter) -> list[InvoiceTotals]:
    """What the invoices come to, per currency."""
    i = t.invoices.c
    claimed = i.amount - i.paid
    stands = func.sum(claimed).filter(i.status != InvoiceStatus.VOID)
    waits = func.sum(claimed).filter(i.status == InvoiceStatus.OPEN)
    statement = _wanted(select(i.currency, func.count(), stands, waits), caller, wanted)
    found: Sequence[Any] = connection.execute(statement.group_by(i.currency).order_by(i.currency)).all()
    return [
        InvoiceTotals(c, count, *(amount_json(amount or Decimal(0), c) for amount in amounts))
        for c, count, *amounts in found
    ]


def conditions(wanted: InvoiceFilter) -> list[Any]:
    """A filter as conditions on the table of invoices."""
    i = t.invoices.c
    named = (
        (i.organization_id, wanted.organization_id),
        (i.currency, wanted.currency),
        (i.status, wanted.status),
        (i.scope_id, wanted.scope_id),
    )
    made: list[Any] = [column == value for column, value in named if value]
    issued_on = func.date(i.issued_at)
    made += [issued_on >= wanted.first] if wanted.first else []
    return made + ([issued_on <= wanted.last] if wanted.last else [])


def _wanted(statement: Select[Any], caller: Caller, wanted: InvoiceFilter) -> Select[Any]:
    return narrowed(statement, t.invoices, caller).where(*conditions(wanted))


def _row(row: Any) -> InvoiceRow:
    amounts = {name: amount_json(row[name], row["currency"]) for name in ("amount", "paid")}
    return InvoiceRow(**{**row, **amounts})
