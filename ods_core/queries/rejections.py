"""Why deliverables were rejected: by criterion and by reason, with the list behind each bar.

What a rejection names lies inside one row's JSON, so that it is taken apart here and not in the database; the newest
`NEWEST` of the period are read, and the answer says how many older ones were not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ods_core.basics.records import CriterionNotMet
from ods_core.basics.roles import Caller
from ods_core.basics.states import Decision
from ods_core.queries.filters import names
from ods_core.queries.outcomes import OutcomeFilter, period_of
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

NEWEST = 1_000
NO_CRITERION = "No criterion named"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejection: what was rejected, when, by whom, and why."""

    deliverable_id: str
    deliverable_title: str
    acceptance_criteria: tuple[str, ...]
    organization_id: str
    attempt: int
    decided_at: datetime
    reviewer_id: str
    reason: str
    criteria_not_met: tuple[CriterionNotMet, ...]
    deemed: bool

    def criteria(self) -> list[str]:
        """The criteria it names, as text; a place that the deliverable does not have says so."""
        return [self._criterion(c.criterion) for c in self.criteria_not_met] or [NO_CRITERION]

    def _criterion(self, place: int) -> str:
        known = 1 <= place <= len(self.acceptance_criteria)
        return self.acceptance_criteria[place - 1] if known else f"Criterion {place}, which there is not"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the Pareto: what was named, how often, the running share of all, and the rejections behind it."""

    label: str
    count: int
    cumulative_share: float
    rejections: Sequence[Rejection]


def rejections(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime
) -> tuple[list[Rejection], int]:
    """The newest rejections of a period, newest first, and how many older ones were left out.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    statement = _wanted(connection, caller, wanted, now)
    count = connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    recent = statement.order_by(t.attempts.c.decided_at.desc(), t.attempts.c.deliverable_id.desc()).limit(NEWEST)
    rows: Sequence[Any] = connection.execute(recent).mappings().all()
    return [_rejection(row) for row in rows], max(count - len(rows), 0)


def by_criterion(found: Sequence[Rejection]) -> list[Bar]:
    """How often each criterion was not met; a rejection that names two counts for both."""
    return _pareto(found, Rejection.criteria)


def by_reason(found: Sequence[Rejection]) -> list[Bar]:
    """How often each reason was given; spacing and case do not make a reason another one."""
    return _pareto(found, lambda rejection: [rejection.reason])


def _pareto(found: Sequence[Rejection], named: Callable[[Rejection], list[str]]) -> list[Bar]:
    groups: dict[str, tuple[str, list[Rejection]]] = {}
    for rejection in found:
        for text in named(rejection):
            groups.setdefault(" ".join(text.casefold().split()), (text, []))[1].append(rejection)
    ordered = sorted(groups.values(), key=lambda group: (-len(group[1]), group[0]))
    total, so_far, bars = sum(len(members) for _, members in ordered), 0, []
    for label, members in ordered:
        so_far += len(members)
        bars.append(Bar(label, len(members), so_far / total, members))
    return bars


def _wanted(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> Select[Any]:
    a, d, r = t.attempts, t.deliverables, t.requests
    period = period_of(connection, caller, wanted, now)
    statement = narrowed(select(a, d.c.title, d.c.acceptance_criteria), a, caller)
    statement = statement.join(d, d.c.id == a.c.deliverable_id).join(r, r.c.id == a.c.request_id)
    statement = statement.where(
        a.c.decision == Decision.REJECTED, a.c.decided_at >= period.start, a.c.decided_at < period.end
    )
    return statement.where(*names(wanted))


def _rejection(row: Any) -> Rejection:
    return Rejection(
        deliverable_id=row["deliverable_id"],
        deliverable_title=row["title"],
        acceptance_criteria=row["acceptance_criteria"],
        organization_id=row["organization_id"],
        attempt=row["attempt"],
        decided_at=row["decided_at"],
        reviewer_id=row["reviewer_id"],
        reason=row["rejection_reason"],
        criteria_not_met=row["criteria_not_met"],
        deemed=row["deemed"],
    )
