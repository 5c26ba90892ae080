"""Who owes what, and when: the schedule of all payments, their totals, and the age of what is open.

Sums are made in the database and stay exact. Amounts of two currencies are never added.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
)

from ods_core.basics.errors import Invalid
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import PaymentStatus
from ods_core.basics.triggers import Trigger
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

BUCKETS: Mapping[str, str] = {
    "not_yet_due": "Not yet due",
    "1_30": "1–30 days",
    "31_60": "31–60 days",
    "61_90": "61–90 days",
    "over_90": "Over 90 days",
}
"""The ages of what is open, by days past due."""


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments; None and empty: all. `overdue` False: those that are not.

    The period is about the day a payment is payable: `due_at` once it is due, `expected_on` before.
    """

    organization_id: str | None = None
    currency: str | None = None
    statuses: Sequence[PaymentStatus] = ()
    overdue: bool | None = None
    first: date | None = None
    last: date | None = None
    scope_id: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One milestone; `payable_on` is its due date, or the day it should be payable by while it is scheduled."""

    id: str
    number: int
    scope_id: str
    scope_title: str
    request_id: str
    organization_id: str
    position: int
    trigger: Trigger
    description: str
    status: PaymentStatus
    amount: Decimal
    paid: Decimal
    open: Decimal
    currency: str
    net_days: int
    due_at: datetime | None
    payable_on: date
    overdue_days: int

    @property
    def expected_on(self) -> date | None:
        """The day a scheduled one should be payable by; None once it is due, paid or void."""
        return self.payable_on if self.status == PaymentStatus.SCHEDULED else None


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Some payments, soonest payable first, and where to go on (None at the end)."""

    rows: Sequence[PaymentRow]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the payments of one currency come to: amount = paid + open + scheduled + void."""

    currency: str
    count: int
    amount: Decimal
    paid: Decimal
    open: Decimal
    overdue: Decimal
    scheduled: Decimal
    void: Decimal


@dataclass(frozen=True, slots=True)
class Ageing:
    """What one organisation owes in one currency, by the keys of `BUCKETS`, with the number of payments in each."""

    organization_id: str
    currency: str
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """All that is open."""
        return sum(self.amounts.values(), Decimal(0))


def schedule_page(
    connection: Connection,
    caller: Caller,
    wanted: PaymentFilter,
    now: datetime,
    review_days: int,
    *,
    limit: int = 25,
    cursor: str | None = None,
) -> PaymentPage:
    """One page of the schedule, soonest payable first.

    Args:
        review_days: how long a review usually takes, as `Service.review_days` tells; it is part of the expected dates.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    p, day = t.payments.c, _payable_on(review_days)
    keys = _payable(caller, wanted, now, review_days).add_columns(p.id, day.label("payable_on"))
    if cursor is not None:
        after, number = _read_place(cursor)
        keys = keys.where(or_(day > after, and_(day == after, p.number > number)))
    found = connection.execute(keys.order_by(day, p.number).limit(limit + 1)).all()
    shown = _rows(connection, {row.id: row.payable_on for row in found[:limit]}, now)
    return PaymentPage(shown, _write_place(shown[-1]) if len(found) > limit else None)


def every(
    connection: Connection, caller: Caller, wanted: PaymentFilter, now: datetime, review_days: int
) -> Iterator[PaymentRow]:
    """The whole schedule, for an export: in the order in which payments were scheduled, those of a scope together.

    Read in stretches of the numbers found first, eight bytes a payment: one statement over everything, sorted by the
    day that is payable, would have the database hold the history in its memory. All of it is of one moment.
    """
    numbers = array("q")
    for part in connection.execute(_numbers(caller, wanted, now, review_days)).scalars().partitions(_PART):
        numbers.extend(part)
    p, s = t.payments, t.scopes
    wide = _payable(caller, wanted, now, review_days).join(s, s.c.id == p.c.scope_id)
    wide = wide.add_columns(p, s.c.title.label("scope_title"), _payable_on(review_days).label("payable_on"))
    for start in range(0, len(numbers), _STRETCH):
        stretch = numbers[start : start + _STRETCH]
        statement = wide.where(p.c.number.between(stretch[0], stretch[-1])).order_by(p.c.number)
        rows: Any
        for rows in connection.execute(statement).mappings().partitions(_PART):
            yield from (_row(row, now) for row in rows)


_STRETCH = 20_000
_PART = 1_000


def _numbers(caller: Caller, wanted: PaymentFilter, now: datetime, review_days: int) -> Select[Any]:
    number = t.payments.c.number
    return _payable(caller, wanted, now, review_days).add_columns(number).order_by(number)


def count(connection: Connection, caller: Caller, wanted: PaymentFilter, now: datetime, review_days: int) -> int:
    """How many payments there are."""
    statement = _payable(caller, wanted, now, review_days).add_columns(func.count())
    return int(connection.execute(statement).scalar_one())


def totals(
    connection: Connection, caller: Caller, wanted: PaymentFilter, now: datetime, review_days: int
) -> list[Totals]:
    """What the filtered payments come to, per currency.

    Summed by what the sums are told apart by, and put together here: a database adds up two columns by a dozen groups
    faster than eight by one.
    """
    p = t.payments.c
    by = (p.currency, p.status, (p.due_at < now).label("late"))
    sums = (func.count().label("count"), func.sum(p.amount).label("amount"), func.sum(p.paid).label("paid"))
    statement = _payable(caller, wanted, now, review_days).add_columns(*by, *sums).group_by(*by)
    found: dict[str, list[Any]] = {}
    for part in connection.execute(statement):
        found.setdefault(part.currency, []).append(part)
    return [_totals(currency, parts) for currency, parts in sorted(found.items())]


def _totals(currency: str, parts: Sequence[Any]) -> Totals:
    def summed(amounts: Iterable[Decimal]) -> Decimal:
        return amount_json(sum(amounts, Decimal(0)), currency)

    def rest(status: PaymentStatus, *, late: bool = False) -> Decimal:
        return summed(p.amount - p.paid for p in parts if p.status == status and (p.late or not late))

    return Totals(
        currency,
        sum(p.count for p in parts),
        summed(p.amount for p in parts),
        summed(p.paid for p in parts),
        rest(PaymentStatus.DUE),
        rest(PaymentStatus.DUE, late=True),
        rest(PaymentStatus.SCHEDULED),
        rest(PaymentStatus.VOID),
    )


def ageing(connection: Connection, caller: Caller, wanted: PaymentFilter, now: datetime) -> list[Ageing]:
    """What is open, by organisation and currency, and by how long it is past due."""
    p = t.payments.c
    bucket = _bucket(p.due_at, now).label("bucket")
    due = _payable(caller, wanted, now, 0).where(p.status == PaymentStatus.DUE)
    aged = due.add_columns(p.organization_id, p.currency, bucket, (p.amount - p.paid).label("open")).cte("aged")
    keys = (aged.c.organization_id, aged.c.currency)
    summed = select(*keys, aged.c.bucket, func.sum(aged.c.open), func.count()).where(aged.c.open > 0)
    found: dict[tuple[str, str], list[tuple[str, Decimal, int]]] = {}
    for organization_id, currency, name, amount, count in connection.execute(summed.group_by(*keys, aged.c.bucket)):
        found.setdefault((organization_id, currency), []).append((name, amount_json(amount, currency), count))
    return [
        Ageing(organization_id, currency, {b: a for b, a, _ in parts}, {b: n for b, _, n in parts})
        for (organization_id, currency), parts in sorted(found.items())
    ]


def _bucket(due_at: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    """Whole days past due, as a bucket; from the moment of the due date on it counts as past."""

    def up_to(days: int) -> ColumnElement[bool]:
        return due_at > now - timedelta(days=days + 1)

    return case(
        (due_at >= now, literal_column("'not_yet_due'")),
        (up_to(30), literal_column("'1_30'")),
        (up_to(60), literal_column("'31_60'")),
        (up_to(90), literal_column("'61_90'")),
        else_=literal_column("'over_90'"),
    )


def currencies(connection: Connection, caller: Caller) -> list[str]:
    """The currencies that payments are in."""
    statement = narrowed(select(t.payments.c.currency).distinct(), t.payments, caller)
    return sorted(connection.execute(statement).scalars())


# The rows behind all of it.


def _payable(caller: Caller, wanted: PaymentFilter, now: datetime, review_days: int) -> Select[Any]:
    """The filtered payments, without any column yet."""
    within = [(_payable_on(review_days) >= wanted.first)] if wanted.first else []
    within += [_payable_on(review_days) <= wanted.last] if wanted.last else []
    return narrowed(select().select_from(t.payments), t.payments, caller).where(*_conditions(wanted, now), *within)


def _payable_on(review_days: int) -> ColumnElement[Any]:
    """The day a payment is due, or should be payable by before; as `resources.expected_on` has it."""
    p = t.payments.c
    return func.coalesce(cast(p.due_at, Date), p.awaited_on + (p.net_days + bindparam("review_days", review_days)))


def _conditions(wanted: PaymentFilter, now: datetime) -> list[ColumnElement[bool]]:
    p = t.payments.c
    named = ((p.organization_id, wanted.organization_id), (p.currency, wanted.currency), (p.scope_id, wanted.scope_id))
    made = [column == value for column, value in named if value]
    if wanted.statuses:
        made.append(p.status.in_(wanted.statuses))
    if wanted.overdue is not None:
        late = and_(p.status == PaymentStatus.DUE, p.due_at < now, p.amount > p.paid)
        made.append(late if wanted.overdue else ~func.coalesce(late, false()))
    return made


_AS_THEY_ARE = (
    "id",
    "number",
    "scope_id",
    "scope_title",
    "request_id",
    "organization_id",
    "position",
    "description",
    "status",
    "currency",
    "net_days",
    "due_at",
    "payable_on",
)


def _rows(connection: Connection, days: Mapping[str, date], now: datetime) -> list[PaymentRow]:
    """The payments with these ids, in their order; `days` says when each is payable.

    Asked by their keys alone, first the payments and then the scopes: joined, both tables would be read from end to
    end.
    """
    found = {row["id"]: row for row in _by_id(connection, select(t.payments), days)}
    scopes = select(t.scopes.c.id, t.scopes.c.title)
    titles = {
        row["id"]: row["title"] for row in _by_id(connection, scopes, {row["scope_id"] for row in found.values()})
    }
    shown = ((found[id], day) for id, day in days.items())
    return [_row({**row, "scope_title": titles[row["scope_id"]], "payable_on": day}, now) for row, day in shown]


def _by_id(connection: Connection, statement: Select[Any], ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Any] = []
    if ids:
        rows = connection.execute(statement.where(statement.selected_columns["id"].in_(ids))).mappings().all()
    return rows


def _row(row: Mapping[str, Any], now: datetime) -> PaymentRow:
    currency, due_at = row["currency"], row["due_at"]
    is_due = row["status"] == PaymentStatus.DUE
    rest = row["amount"] - row["paid"] if is_due else Decimal(0)
    return PaymentRow(
        **{name: row[name] for name in _AS_THEY_ARE},
        trigger=Trigger(row["trigger_kind"], row["trigger_number"]),
        amount=amount_json(row["amount"], currency),
        paid=amount_json(row["paid"], currency),
        open=amount_json(rest, currency),
        overdue_days=max((now - due_at).days, 0) if is_due and due_at else 0,
    )


def _write_place(row: PaymentRow) -> str:
    return base64.urlsafe_b64encode(f"{row.payable_on.isoformat()} {row.number}".encode()).decode().rstrip("=")


def _read_place(cursor: str) -> tuple[date, int]:
    try:
        day, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        return date.fromisoformat(day), int(number)
    except (ValueError, binascii.Error):
        raise Invalid.at("/cursor", "expected the `cursor` of an earlier answer, unchanged") from None
