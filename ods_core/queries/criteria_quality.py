"""Criteria quality: how good the criteria of a scope were at its confirmation, against the rejections that followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from ods_core.basics.roles import Caller
from ods_core.basics.states import Decision
from ods_core.queries.outcomes import OutcomeFilter, is_tagged, period_of
from ods_core.queries.visibility import narrowed
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
    """
    a, s, r = t.attempts, t.scopes, t.requests
    period = period_of(connection, caller, wanted, now)
    band = case(*[(s.c.criteria_score <= highest, lowest) for lowest, highest in BANDS])
    rejected = func.sum(case((a.c.decision == Decision.REJECTED, 1), else_=0))
    statement = select(band.label("band"), func.count(s.c.id.distinct()), func.count(), rejected)
    statement = statement.select_from(a.join(s, s.c.id == a.c.scope_id).join(r, r.c.id == a.c.request_id))
    statement = narrowed(statement, a, caller).where(
        a.c.attempt == 1, a.c.decided_at >= period.start, a.c.decided_at < period.end, s.c.criteria_score.is_not(None)
    )
    named = (
        (r.c.organization_id, wanted.organization_id),
        (r.c.workspace_id, wanted.workspace_id),
        (r.c.currency, wanted.currency),
    )
    statement = statement.where(*[column == value for column, value in named if value is not None])
    if wanted.project_tag is not None:
        statement = statement.where(is_tagged(wanted.project_tag))
    found = {row[0]: row[1:] for row in connection.execute(statement.group_by(band))}
    return [Band(lowest, highest, *map(int, found.get(lowest, (0, 0, 0)))) for lowest, highest in BANDS]
