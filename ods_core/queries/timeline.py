"""Where the work is, and whether it is late: cycles as a Gantt chart and its table show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Select, and_, case, cast, exists, func, or_, select

from ods_core.basics.clock import midnight
from ods_core.basics.resources import amount_json
from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, CycleStatus, DeliverableStatus, Kind, PaymentStatus, ScopeStatus
from ods_core.basics.triggers import TriggerKind
from ods_core.queries.choices import matching
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

NEWEST = 500
LISTED = 50
"""So many scopes to choose from; the others are found by their title or id."""


@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """Which cycles; None: all. A cycle is in the period when its plan or its actual work reaches into it."""

    scope_id: str | None = None
    organization_id: str | None = None
    scope_status: ScopeStatus | None = None
    kind: CycleKind | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One cycle with its plan, the plan as proposed (`baseline_*`), what really happened, and what it belongs to.

    `is_circling`: a deliverable that it delivers was rejected again and again, and is not finished.
    Times are UTC. `finished_at` is when work on it ended: completed, else cancelled, else None while it runs.
    """

    id: str
    name: str
    kind: CycleKind
    status: CycleStatus
    parent_cycle_id: str | None
    planned_start: date
    planned_end: date
    baseline_start: date
    baseline_end: date
    started_at: datetime | None
    completed_at: datetime | None
    accepted_at: datetime | None
    cancelled_at: datetime | None
    scope_id: str
    scope_title: str
    scope_status: ScopeStatus
    request_id: str
    organization_id: str
    workspace_id: str
    is_circling: bool

    @property
    def finished_at(self) -> datetime | None:
        """When the provider's work on it ended, None while it has not."""
        return self.completed_at or self.cancelled_at

    @property
    def drift_days(self) -> int:
        """By how many days its planned end has moved since the proposal; later is positive."""
        return (self.planned_end - self.baseline_end).days

    def late_days(self, today: date) -> int:
        """By how many days it was handed in late, or is late as of today; early is negative, 0 while it may yet run."""
        if self.completed_at:
            return (self.completed_at.date() - self.planned_end).days
        runs = self.status in (CycleStatus.IN_PROGRESS, CycleStatus.PLANNED)
        return max((today - self.planned_end).days, 0) if runs else 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of cycles, those of one scope together and in their order.

    `total` counts all that the filter names, `left_out` those that are on no page up to this one. `older` goes on to
    the next page, None at the end.
    """

    rows: Sequence[TimelineRow]
    total: int
    left_out: int
    older: int | None


def timeline(
    connection: Connection, caller: Caller, wanted: TimelineFilter, *, newest: int = NEWEST, before: int | None = None
) -> Timeline:
    """The cycles of confirmed scopes, the newest `newest` of them; with `before`, the newest that are older than it.

    Args:
        before: `older` of the page before. A cycle that begins meanwhile is newer, so no page is moved by it.
    """
    number = t.cycles.c.number
    found = _wanted(caller, wanted)
    older_ones = found if before is None else found.where(number < before)
    total = connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    rest = total if before is None else connection.execute(_counted(older_ones)).scalar_one()
    recent = older_ones.add_columns(number).order_by(number.desc()).limit(newest)
    rows: Sequence[Any] = connection.execute(recent).mappings().all()
    made = [TimelineRow(**{f.name: row[f.name] for f in fields(TimelineRow)}) for row in rows]
    left_out = max(rest - len(made), 0)
    return Timeline(_in_order(made), total, left_out, rows[-1]["number"] if left_out else None)


def _counted(found: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(found.subquery())


@dataclass(frozen=True, slots=True)
class TimedMilestone:
    """Money that a cycle's acceptance releases, or released: all that hangs on one cycle in one status, added up."""

    cycle_id: str
    status: PaymentStatus
    amount: Decimal
    currency: str


def milestones(connection: Connection, rows: Sequence[TimelineRow]) -> list[TimedMilestone]:
    """The payments that wait, or waited, for the cycles on a page; what hangs on everything hangs on the last cycle."""
    c, p = t.cycles, t.payments
    last = select(c.c.scope_id, func.max(c.c.ordinal).label("ordinal")).where(c.c.kind == CycleKind.DELIVERY)
    ends = last.group_by(c.c.scope_id).subquery("ends")
    awaits = or_(
        and_(p.c.trigger_kind == TriggerKind.CYCLE_ACCEPTANCE, p.c.trigger_number == c.c.ordinal),
        and_(p.c.trigger_kind == TriggerKind.FINAL_ACCEPTANCE, ends.c.ordinal == c.c.ordinal),
    )
    shown = [row.id for row in rows if row.kind == CycleKind.DELIVERY]
    statement = (
        select(c.c.id, p.c.status, func.sum(p.c.amount).label("amount"), p.c.currency)
        .join(ends, ends.c.scope_id == c.c.scope_id)
        .join(p, and_(p.c.scope_id == c.c.scope_id, awaits))
        .where(c.c.id.in_(shown), c.c.kind == CycleKind.DELIVERY)
        .group_by(c.c.id, p.c.status, p.c.currency)
        .order_by(c.c.id)
    )
    found: Sequence[Any] = connection.execute(statement).all()
    return [TimedMilestone(id, status, amount_json(amount, code), code) for id, status, amount, code in found]


def _in_order(rows: Sequence[TimelineRow]) -> list[TimelineRow]:
    """A scope's cycles by their start, each followed by the remediations that mend it."""
    begins = {row.id: row.planned_start for row in rows}

    def place(row: TimelineRow) -> tuple[Any, ...]:
        mended = row.parent_cycle_id or row.id
        return (
            row.organization_id,
            row.scope_id,
            begins.get(mended, row.planned_start),
            mended,
            row.planned_start,
            row.id,
        )

    return sorted(rows, key=place)


def _wanted(caller: Caller, wanted: TimelineFilter) -> Select[Any]:
    c, s = t.cycles, t.scopes
    names = [f.name for f in fields(TimelineRow)]
    columns = [c.c[name] for name in names if name in c.c]
    statement = select(*columns, s.c.title.label("scope_title"), s.c.status.label("scope_status"), _circles())
    statement = statement.join(s, s.c.id == c.c.scope_id).where(s.c.confirmed_at.is_not(None))
    statement = narrowed(statement, c, caller)
    named = {
        c.c.scope_id: wanted.scope_id,
        c.c.organization_id: wanted.organization_id,
        s.c.status: wanted.scope_status,
        c.c.kind: wanted.kind,
    }
    return statement.where(*[column == value for column, value in named.items() if value], *_in_period(wanted))


def _circles() -> ColumnElement[bool]:
    """Whether a deliverable of a cycle goes in circles; one of its remediations counts for the delivery cycle alone."""
    d = t.deliverables.c
    finished = (DeliverableStatus.ACCEPTED, DeliverableStatus.CANCELLED)
    found = exists().where(d.cycle_id == t.cycles.c.id, d.escalated_at.is_not(None), d.status.not_in(finished))
    return found.label("is_circling")


def _in_period(wanted: TimelineFilter) -> list[ColumnElement[bool]]:
    c = t.cycles.c
    ended = func.coalesce(c.accepted_at, c.completed_at, c.cancelled_at)
    made = []
    if wanted.first:
        made.append(or_(c.planned_end >= wanted.first, ended >= midnight(wanted.first), _runs()))
    if wanted.last:
        made.append(or_(c.planned_start <= wanted.last, cast(c.started_at, Date) <= wanted.last))
    return made


def _runs() -> ColumnElement[bool]:
    """Whether a cycle goes on, so that it reaches into any period that is not over."""
    c = t.cycles.c
    return and_(c.started_at.is_not(None), c.accepted_at.is_(None), c.cancelled_at.is_(None))


def confirmed_scopes(
    connection: Connection, caller: Caller, wanted: str = "", *, limit: int = LISTED
) -> list[tuple[str, str]]:
    """Confirmed scopes to choose from, as (id, title): those that are active first, of these the newest first.

    Args:
        wanted: what is in the title, or the id itself; empty: all.
        limit: no more than these, however many there are.
    """
    s = t.scopes
    active_first = case((s.c.status == ScopeStatus.ACTIVE, 0), else_=1)
    statement = narrowed(select(s.c.id, s.c.title), s, caller).where(s.c.confirmed_at.is_not(None))
    statement = statement.where(*matching(Kind.SCOPE, wanted))
    found = connection.execute(statement.order_by(active_first, s.c.number.desc()).limit(limit))
    return [(row[0], row[1]) for row in found]
