"""Why deliverables were rejected: by criterion and by reason, with the list behind each bar.

What a rejection names lies inside one row's JSON, so that it is taken apart here and not in the database; the newest
`NEWEST` of the period are read, and the answer says how many older ones were not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ods_core.basics.clock import midnight
from ods_core.basics.records import CriterionNotMet
from ods_core.basics.roles import Caller
from ods_core.basics.states import Decision
from ods_core.queries.facts import Work, facts
from ods_core.queries.outcomes import OutcomeFilter, Period, named, period_of, within
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
    period = period_of(connection, caller, wanted, now)
    by_day = _by_day(connection, caller, wanted, period)
    count, so_far, oldest = sum(n for _, n in by_day), 0, period.first
    for day, n in by_day:
        so_far += n
        if so_far >= NEWEST:
            # Only the texts of the newest are read, from the day on that the last of them is of.
            oldest = day
            break
    a = t.attempts.c
    shown = _wanted(caller, wanted, midnight(oldest), period.end)
    shown = shown.order_by(a.decided_at.desc(), a.deliverable_id.desc()).limit(NEWEST)
    rows: Sequence[Any] = connection.execute(shown).mappings().all()
    texts = _texts(connection, {row["deliverable_id"] for row in rows})
    return [_rejection(row, *texts[row["deliverable_id"]]) for row in rows], max(count - len(rows), 0)


def _texts(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """(title, acceptance criteria) of deliverables; by their ids, since a join would read those of all there are."""
    d = t.deliverables.c
    found = connection.execute(select(d.id, d.title, d.acceptance_criteria).where(d.id.in_([*ids])))
    return {id: (title, criteria) for id, title, criteria in found}


def _by_day(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, period: Period
) -> Sequence[tuple[date, int]]:
    """How many there were on each day that had any, the latest first."""
    work = facts(connection).work
    c = work.c
    counted = select(c.ended_on, func.count()).where(c.kind == Work.DECIDED, c.hit == 1, within(work, period))
    counted = counted.where(*named(work, c.request, caller, wanted)).group_by(c.ended_on)
    return [(day, n) for day, n in connection.execute(counted.order_by(c.ended_on.desc()))]


def by_criterion(found: Sequence[Rejection]) -> list[Bar]:
    """How often each criterion was not met; a rejection that names two counts for both."""
    return _pareto(found, Rejection.criteria)


def by_reason(found: Sequence[Rejection]) -> list[Bar]:
    """How often each reason was given; spacing and case do not make a reason another one."""
    return _pareto(found, lambda rejection: [rejection.reason])


def _pareto(found: Sequence[Rejection], texts_of: Callable[[Rejection], list[str]]) -> list[Bar]:
    groups: dict[str, tuple[str, list[Rejection]]] = {}
    for rejection in found:
        for text in texts_of(rejection):
            groups.setdefault(" ".join(text.casefold().split()), (text, []))[1].append(rejection)
    ordered = sorted(groups.values(), key=lambda group: (-len(group[1]), group[0]))
    total, so_far, bars = sum(len(members) for _, members in ordered), 0, []
    for label, members in ordered:
        so_far += len(members)
        bars.append(Bar(label, len(members), so_far / total, members))
    return bars


_A = t.attempts.c
_SHOWN = (
    *(_A.deliverable_id, _A.organization_id, _A.attempt, _A.decided_at, _A.reviewer_id),
    *(_A.rejection_reason, _A.criteria_not_met, _A.deemed),
)


def _wanted(caller: Caller, wanted: OutcomeFilter, start: datetime, end: datetime) -> Select[Any]:
    a, r = t.attempts.c, t.requests
    statement = narrowed(select(*_SHOWN), t.attempts, caller).where(
        a.decision == Decision.REJECTED, a.decided_at >= start, a.decided_at < end
    )
    named_here = {a.organization_id: wanted.organization_id, a.workspace_id: wanted.workspace_id}
    statement = statement.where(*(column == value for column, value in named_here.items() if value is not None))
    if wanted.currency is None and wanted.project_tag is None:
        return statement
    return statement.where(a.request_id.in_(select(r.c.id).where(*named(r, r.c.number, caller, wanted))))


def _rejection(row: Any, title: str, acceptance_criteria: tuple[str, ...]) -> Rejection:
    return Rejection(
        deliverable_id=row["deliverable_id"],
        deliverable_title=title,
        acceptance_criteria=acceptance_criteria,
        organization_id=row["organization_id"],
        attempt=row["attempt"],
        decided_at=row["decided_at"],
        reviewer_id=row["reviewer_id"],
        reason=row["rejection_reason"],
        criteria_not_met=row["criteria_not_met"],
        deemed=row["deemed"],
    )
