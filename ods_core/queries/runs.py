"""The simulation over the store's own history: played once for the same question, for cash and for dates alike.

It is kept for as long as neither history nor open work changes within a day, so the next look costs two reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Connection

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid
from ods_core.basics.roles import Caller
from ods_core.forecast import MIN_FINISHED_CYCLES, Forecast, History, OpenWork, TooLittleHistory, simulate
from ods_core.queries.history import history, open_work

SEED = 20_260_415
"""Unless another is asked for; the same one every time, so that two who look see the same."""

RUNS = 10_000
FEWEST_RUNS = 500
CELLS = 60_000_000
"""Cycles and payments of all runs together: what a page can wait for, a second or two."""

MAX_SEED = 2**32 - 1
NEEDED = MIN_FINISHED_CYCLES
"""With fewer finished cycles nothing is simulated."""

KEPT = 8
"""So many simulations are kept, the latest asked for."""


class By(StrEnum):
    """The length of a period."""

    WEEK = "week"
    MONTH = "month"


MOST: Mapping[By, int] = {By.WEEK: 26, By.MONTH: 12}
"""The periods of the farthest horizon."""


def simulated(
    connection: Connection, caller: Caller, organization_id: str | None, now: datetime, seed: int = SEED
) -> Forecast | TooLittleHistory:
    """All open work that the caller may see, or one organisation's, played through from its own history.

    Raises:
        Invalid: a seed out of range.
    """
    known, work = history(connection, caller, organization_id), open_work(connection, caller, organization_id)
    return played(known, work, now, seed)


def played(known: History, work: OpenWork, now: datetime, seed: int) -> Forecast | TooLittleHistory:
    """Open work that was read, played through from a history.

    Raises:
        Invalid: a seed out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise Invalid.at("/seed", f"expected 0 to {MAX_SEED}")
    return _simulated(_kept_history(known), _kept_work(work), _moment(now), seed)


def runs_for(work: OpenWork) -> int:
    """How many runs of so much open work are played: fewer, in whole hundreds, where there is very much."""
    cells = len(work.milestones) + sum(len(scope.cycles) for scope in work.scopes)
    return max(min(RUNS, CELLS // max(cells, 1) // 100 * 100), FEWEST_RUNS)


def _moment(now: datetime) -> datetime:
    """Within a day only its very first moment differs: what is due on that day is overdue after it."""
    return min(now, midnight(now.date()) + timedelta(seconds=1))


def _kept_history(known: History) -> History:
    return History(tuple(known.cycles), tuple(known.payment_delays))


def _kept_work(work: OpenWork) -> OpenWork:
    scopes = tuple(type(scope)(scope.id, tuple(scope.cycles)) for scope in work.scopes)
    return OpenWork(scopes, tuple(work.milestones))


@lru_cache(maxsize=KEPT)
def _simulated(known: History, work: OpenWork, now: datetime, seed: int) -> Forecast | TooLittleHistory:
    """To the farthest horizon, for every currency: what is shown of it is cut out."""
    counts = {"week_count": MOST[By.WEEK], "month_count": MOST[By.MONTH]}
    return simulate(known, work, now=now, seed=seed, runs=runs_for(work), **counts)
