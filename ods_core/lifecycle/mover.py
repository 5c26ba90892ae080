"""The one mover: every change of an engagement goes through `Change`, and nothing else makes records or events.

It looks each change up in the transition tables, so that an arrow that is not drawn there cannot happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from ods_core.basics.events import Actor, Event, EventType
from ods_core.basics.ids import IdSource
from ods_core.basics.parties import Parties
from ods_core.basics.records import (
    Attempt,
    Cycle,
    Deliverable,
    Engagement,
    Invoice,
    Milestone,
    Receipt,
    Record,
    Request,
    Scope,
    ServiceLine,
    attempt_place,
)
from ods_core.basics.resources import resource
from ods_core.basics.states import Kind
from ods_core.lifecycle.rules import TRANSITIONS, is_transition


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner of an installation decides.

    Args:
        lead_time_days: working days between a confirmation and the start of cycle 1.
        remediation_days: length of a remediation cycle.
        proposal_days: how long a proposal is valid.
        reminder_days: how long before the end of a review window, or of a proposal, its reminder comes.
        review_reminder_days: how long a review without a window waits until its reminder comes.
        parties: who invoices are from and to.
        invoice_note: what stands at the foot of each invoice.
        review_days: how long a review usually takes, from what is ready to its decision, until decisions tell.
    """

    lead_time_days: int = 2
    remediation_days: int = 7
    proposal_days: int = 14
    reminder_days: int = 2
    review_reminder_days: int = 5
    parties: Parties = field(default_factory=Parties)
    invoice_note: str = ""
    review_days: int = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """What a rule may know of the world: when it is, who asks, the next identifiers, the policy.

    `next_serial(organization_id)` is the organisation's next invoice's; unlike an identifier it leaves no gap.
    """

    now: datetime
    actor: Actor
    next_id: IdSource
    next_serial: Callable[[str], int]
    policy: Policy = Policy()

    @property
    def today(self) -> date:
        """The UTC date."""
        return self.now.date()


class IllegalTransition(Exception):
    """The rules tried to draw an arrow that the tables do not have: a defect of ours, never of a caller."""


_KINDS: Mapping[type, tuple[Kind, str]] = {
    Scope: (Kind.SCOPE, "scopes"),
    Cycle: (Kind.CYCLE, "cycles"),
    Deliverable: (Kind.DELIVERABLE, "deliverables"),
    ServiceLine: (Kind.SERVICE_LINE, "service_lines"),
    Milestone: (Kind.PAYMENT, "milestones"),
    Receipt: (Kind.RECEIPT, "receipts"),
    Invoice: (Kind.INVOICE, "invoices"),
}

R = TypeVar("R", Request, Scope, Cycle, Deliverable, ServiceLine, Milestone, Receipt, Invoice)


class Change:
    """An engagement on its way from one state to the next, and the events that tell of it."""

    def __init__(self, engagement: Engagement, moment: Moment) -> None:
        self.engagement = engagement
        self.moment = moment
        self.events: list[Event] = []

    def create(self, record: R, event: EventType | None) -> R:
        """Add a record in its first state."""
        kind = self._allow(record, None, record.status, event)
        if isinstance(record, Request):
            self.engagement = Engagement(record)
        else:
            self._append(_KINDS[type(record)][1], record)
        self._tell(kind, record.id, event)
        return record

    def move(self, record: R, to: StrEnum, event: EventType | None, **fields: Any) -> R:
        """Bring a record into another state, with whatever else changes with it; `event` None: told by another's."""
        kind = self._allow(record, record.status, to, event)
        moved = _with(record, status=to, **fields)
        self._put(record, moved)
        self._tell(kind, moved.id, event)
        return moved

    def amend(self, record: R, **fields: Any) -> R:
        """Change a record without changing its state; the caller tells of it in an event of the same command."""
        amended = _with(record, **fields)
        self._put(record, amended)
        return amended

    def put_attempt(self, attempt: Attempt) -> None:
        """Add an attempt, or put it in the place of its earlier self."""
        kept = {attempt_place(a): a for a in self.engagement.attempts} | {attempt_place(attempt): attempt}
        self.engagement = replace(self.engagement, attempts=tuple(kept[place] for place in sorted(kept)))

    def tell(self, kind: Kind, id: str, event: EventType, **more: Any) -> None:
        """Record an event about a thing as it is now; `more` goes into its data."""
        e = self.engagement
        self.events.append(
            Event(
                type=event,
                occurred_at=self.moment.now,
                actor=self.moment.actor,
                subject_kind=kind,
                subject_id=id,
                request_id=e.request.id,
                scope_id=self._scope_of(kind, id),
                organization_id=e.request.organization_id,
                workspace_id=e.request.workspace_id,
                data=resource(e, kind, id, self.moment.now, self.moment.policy.review_days) | more,
            )
        )

    def _scope_of(self, kind: Kind, id: str) -> str | None:
        if kind == Kind.SCOPE:
            return id
        if kind == Kind.REQUEST:
            current = self.engagement.current_scope
            return current.id if current else None
        group = next(name for k, name in _KINDS.values() if k == kind)
        return next(str(member.scope_id) for member in getattr(self.engagement, group) if member.id == id)

    def _tell(self, kind: Kind, id: str, event: EventType | None) -> None:
        if event:
            self.tell(kind, id, event)

    def _allow(self, record: R, source: StrEnum | None, to: StrEnum, event: EventType | None) -> Kind:
        kind = Kind.REQUEST if isinstance(record, Request) else _KINDS[type(record)][0]
        # A silent move still needs its arrow; only the event is told by another record's change.
        known = is_transition(kind, source, to, event) if event else _has_arrow(kind, source, to)
        if not known:
            raise IllegalTransition(f"{kind} {record.id}: {source} -> {to} with {event}")
        return kind

    def _append(self, group: str, record: Record) -> None:
        self.engagement = _with(self.engagement, **{group: (*getattr(self.engagement, group), record)})

    def _put(self, old: Record, new: Record) -> None:
        if isinstance(new, Request):
            self.engagement = replace(self.engagement, request=new)
            return
        group = _KINDS[type(new)][1]
        members = tuple(new if member is old else member for member in getattr(self.engagement, group))
        if new not in members:
            raise IllegalTransition(f"a stale {type(new).__name__} was moved")
        self.engagement = _with(self.engagement, **{group: members})


_Any = TypeVar("_Any", Request, Scope, Cycle, Deliverable, ServiceLine, Milestone, Receipt, Invoice, Engagement)


def _with(record: _Any, **fields: Any) -> _Any:
    return replace(record, **fields)


def _has_arrow(kind: Kind, source: StrEnum | None, to: StrEnum) -> bool:
    return any(t.source == source and t.target == to for t in TRANSITIONS[kind])
