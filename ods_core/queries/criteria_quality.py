"""Criteria quality: how good the criteria of a scope were at its confirmation, against the rejections that followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from ods_core.basics.roles import Caller
from ods_core.basics.states import Decision
from ods_core.queries.filters import names
from ods_core.queries.outcomes import OutcomeFilter, period_of
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
    s = t.scopes
    band = case(*[(s.c.criteria_score <= highest, lowest) for lowest, highest in BANDS])
    columns = (band.label("band"), func.count(s.c.id.distinct()), func.count(), _rejected())
    statement = _first_attempts(connection, caller, wanted, now, *columns)
    found = {row[0]: row[1:] for row in connection.execute(statement.group_by(band))}
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
    """The scopes of a band, those with the most rejected first attempts first."""
    s = t.scopes
    of = (s.c.id, s.c.title, s.c.organization_id, s.c.criteria_score)
    rejected = _rejected().label("rejected")
    statement = _first_attempts(connection, caller, wanted, now, *of, func.count(), rejected)
    statement = statement.where(s.c.criteria_score.between(*band)).group_by(*of)
    rows = connection.execute(statement.order_by(rejected.desc(), s.c.criteria_score, s.c.id).limit(limit))
    return [Scored(id, title, owner, score, decided, int(lost)) for id, title, owner, score, decided, lost in rows]


def _rejected() -> ColumnElement[int]:
    return func.sum(case((t.attempts.c.decision == Decision.REJECTED, 1), else_=0))


def _first_attempts(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, *columns: ColumnElement[Any]
) -> Select[Any]:
    """First attempts that were decided in the period, at deliverables of scopes that have a score."""
    a, s, r = t.attempts, t.scopes, t.requests
    period = period_of(connection, caller, wanted, now)
    joined = a.join(s, s.c.id == a.c.scope_id).join(r, r.c.id == a.c.request_id)
    statement: Select[Any] = narrowed(select(*columns).select_from(joined), a, caller)
    return statement.where(
        a.c.attempt == 1,
        a.c.decided_at >= period.start,
        a.c.decided_at < period.end,
        s.c.criteria_score.is_not(None),
        *names(wanted),
    )
