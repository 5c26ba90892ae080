"""What mending costs in cycles: remediations of each scope, and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Date, Select, and_, cast, func, literal_column, select

from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, ScopeStatus
from ods_core.queries.timeline import TimelineFilter
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

MONTHS = 24
"""The latest so many months are told."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A confirmed scope and its remediation cycles: how many there were, how many go on, when the last one began."""

    scope_id: str
    title: str
    organization_id: str
    status: ScopeStatus
    remediations: int
    running: int
    last_started_at: datetime | None


@dataclass(frozen=True, slots=True)
class MendedMonth:
    """Remediation cycles that started in a month, and delivery cycles that did."""

    month: date
    remediations: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Mending:
    """A page of scopes with remediations, those with the most first, and all of the filter in numbers.

    Attributes:
        scopes: how many confirmed scopes there are; `mended` of them had a remediation.
        more: whether there are more mended scopes after this page.
    """

    rows: Sequence[Mended]
    scopes: int
    mended: int
    remediations: int
    more: bool


def mending(connection: Connection, caller: Caller, wanted: TimelineFilter, *, limit: int, skip: int = 0) -> Mending:
    """The scopes that were mended, those with the most remediation cycles first."""
    each = _each(caller, wanted).subquery("each")
    n = each.c.remediations
    whole = select(
        func.count(), func.count().filter(n > literal_column("0")), func.coalesce(func.sum(n), literal_column("0"))
    ).select_from(each)
    scopes, mended, remediations = connection.execute(whole).one()
    page = select(each).where(n > literal_column("0")).order_by(n.desc(), each.c.number.desc())
    rows: Sequence[Any] = connection.execute(page.limit(limit).offset(skip)).mappings().all()
    told = [Mended(**{name: row[name] for name in Mended.__dataclass_fields__}) for row in rows]
    return Mending(told, scopes, mended, int(remediations), skip + len(told) < mended)


def by_month(connection: Connection, caller: Caller, wanted: TimelineFilter, now: datetime) -> list[MendedMonth]:
    """The latest `MONTHS` months from the first one with a cycle on; a month without any is there, with nought."""
    c, s = t.cycles, t.scopes
    month = cast(func.date_trunc(literal_column("'month'"), c.c.started_at), Date).label("month")
    statement = select(
        month,
        func.count().filter(c.c.kind == CycleKind.REMEDIATION).label("remediations"),
        func.count().filter(c.c.kind == CycleKind.DELIVERY).label("deliveries"),
    ).join(s, s.c.id == c.c.scope_id)
    statement = _narrowed(statement, caller, wanted).where(c.c.started_at.is_not(None)).group_by(month)
    found = {row.month: MendedMonth(*row) for row in connection.execute(statement)}
    months = _months(min(found, default=now.date().replace(day=1)), now.date())
    return [found.get(first, MendedMonth(first, 0, 0)) for first in months] if found else []


def _months(first: date, last: date) -> list[date]:
    """The first days of the latest `MONTHS` months from `first` to `last`."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(n // 12, n % 12 + 1, 1) for n in numbers][-MONTHS:]


def _each(caller: Caller, wanted: TimelineFilter) -> Select[Any]:
    c, s = t.cycles, t.scopes
    mends = and_(c.c.scope_id == s.c.id, c.c.kind == CycleKind.REMEDIATION)
    goes_on = and_(c.c.started_at.is_not(None), c.c.accepted_at.is_(None), c.c.cancelled_at.is_(None))
    statement = select(
        s.c.id.label("scope_id"),
        s.c.number,
        s.c.title,
        s.c.organization_id,
        s.c.status,
        func.count(c.c.id).label("remediations"),
        func.count(c.c.id).filter(goes_on).label("running"),
        func.max(c.c.started_at).label("last_started_at"),
    ).outerjoin(c, mends)
    named = (s.c.id, s.c.number, s.c.title, s.c.organization_id, s.c.status)
    return _narrowed(statement, caller, wanted).where(s.c.confirmed_at.is_not(None)).group_by(*named)


def _narrowed(statement: Any, caller: Caller, wanted: TimelineFilter) -> Select[Any]:
    s = t.scopes.c
    named = {s.id: wanted.scope_id, s.organization_id: wanted.organization_id, s.status: wanted.scope_status}
    given = [column == value for column, value in named.items() if value]
    found: Select[Any] = narrowed(statement, t.scopes, caller).where(*given)
    return found
