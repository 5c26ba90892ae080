"""Criteria quality: how good the criteria of a scope were at its confirmation, against the rejections that followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, literal_column, select

from ods_core.basics.roles import Caller
from ods_core.queries.facts import Work, facts
from ods_core.queries.outcomes import OutcomeFilter, named, period_of, within
from ods_core.store import tables as t

BANDS = ((0, 69), (70, 89), (90, 100))
"""Scores from and to, both included; 70 is where a criterion is acceptable."""


@dataclass(frozen=True, slots=True)
class Band:
    """Scopes whose criteria scored alike, and what became of the first attempts at their deliverables.

    Attributes:
        lowest: the lowest score of the band.
        highest: the highest.
        scopes: how many scopes had a first attempt decided.
        decided: first attempts that were decided in the period.
        rejected: those of them that were rejected.
    """

    lowest: int
    highest: int
    scopes: int
    decided: int
    rejected: int

    @property
    def rejection_rate(self) -> float | None:
        """The share of first attempts that were rejected; None where none was decided."""
        return self.rejected / self.decided if self.decided else None


def by_score(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> list[Band]:
    """Each band of scores, the lowest first, over the first attempts that were decided in the period.

    Scopes that were confirmed before scores were kept are in none; what silence decided counts as well.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    work = facts(connection).work
    c = work.c
    # First a row a scope: to count what is distinct takes longer.
    by_scope = select(c.score, func.count().label("decided"), func.sum(c.hit).label("rejected"))
    by_scope = by_scope.where(*_first_attempts(connection, caller, wanted, now, work)).group_by(c.score, c.scope)
    of = by_scope.subquery("by_scope").c
    band = case(*[(of.score <= highest, literal_column(str(lowest))) for lowest, highest in BANDS]).label("band")
    statement = select(band, func.count(), func.sum(of.decided), func.sum(of.rejected)).group_by("band")
    found = {row[0]: row[1:] for row in connection.execute(statement)}
    return [Band(lowest, highest, *map(int, found.get(lowest, (0, 0, 0)))) for lowest, highest in BANDS]


@dataclass(frozen=True, slots=True)
class Scored:
    """One scope: its score at confirmation, and what became of the first attempts that were decided in the period."""

    scope_id: str
    title: str
    organization_id: str
    score: int
    decided: int
    rejected: int


def behind(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, band: tuple[int, int], limit: int
) -> list[Scored]:
    """The scopes of a band, those with the most rejected first attempts first.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    work, s = facts(connection).work, t.scopes.c
    c = work.c
    rejected = func.sum(c.hit).label("rejected")
    of = select(c.scope, c.score, func.count().label("decided"), rejected).group_by(c.scope, c.score)
    of = of.where(*_first_attempts(connection, caller, wanted, now, work), c.score.between(*band))
    of = of.order_by(rejected.desc(), c.score, c.scope).limit(limit)
    most = of.subquery("most")
    told = select(s.id, s.title, s.organization_id, most.c.score, most.c.decided, most.c.rejected)
    told = told.join(most, most.c.scope == s.number).order_by(most.c.rejected.desc(), most.c.score, s.number)
    rows = connection.execute(told)
    return [Scored(id, title, owner, score, int(n), int(lost)) for id, title, owner, score, n, lost in rows]


def _first_attempts(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, work: FromClause
) -> list[ColumnElement[bool]]:
    """Which facts are decisions in the period on first attempts, at deliverables of scopes that have a score."""
    period = period_of(connection, caller, wanted, now)
    c = work.c
    conditions = (c.kind == Work.DECIDED, c.score.is_not(None), within(work, period))
    return [*conditions, *named(work, c.request, caller, wanted)]
