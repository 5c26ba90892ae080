"""Cash by period: what the plan says, and what the runs say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ods_core.forecast.periods import Periods
from ods_core.forecast.work import History, OpenMilestone, OpenWork

QUANTILES = (0.50, 0.85)


@dataclass(frozen=True, slots=True)
class PlannedCash:
    """Exact minor units by period, with what comes after the last period as one more at the end.

    Attributes:
        due: what is due already, by its due date; what is overdue stands in the first period.
        scheduled: what waits for a cycle, at its planned end plus the usual review and the net days.
    """

    due: tuple[int, ...]
    scheduled: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCash:
    """Minor units received, by period and run, and what half and 85 % of the runs do not exceed.

    Attributes:
        runs: int64 [runs, periods + 1]; the last column comes after the last period. Each row sums to all open money.
        p50, p85: of each period by itself. They do not add up over the periods: that is what the next two are for.
        cumulative_p50, cumulative_p85: of all that is received up to the end of each period.
    """

    runs: NDArray[np.int64]
    p50: tuple[int, ...]
    p85: tuple[int, ...]
    cumulative_p50: tuple[int, ...]
    cumulative_p85: tuple[int, ...]

    @classmethod
    def of(cls, runs: NDArray[np.int64]) -> SimulatedCash:
        """The percentiles of the runs; each is what one of the runs came to, so whole minor units."""
        single = percentiles(runs[:, :-1])
        upto = percentiles(np.cumsum(runs[:, :-1], axis=1))
        return cls(runs, _whole(single[0]), _whole(single[1]), _whole(upto[0]), _whole(upto[1]))


def _whole(values: Iterable[np.int64]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def percentiles(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """P50 and P85 down the columns: [2, columns], each one of the values."""
    found = np.quantile(values, QUANTILES, axis=0, method="inverted_cdf")
    return found.astype(np.int64)


def usual_review(history: History) -> int:
    """The median days from completion to the first decision, the earlier one of two; 0 where nothing is known."""
    known = sorted(cycle.review for cycle in history.cycles)
    return known[(len(known) - 1) // 2] if known else 0


def planned_cash(work: OpenWork, periods: Periods, review: int) -> dict[str, PlannedCash]:
    """What the plan comes to, by currency; `review` is the usual days of a review."""
    ends = {scope.id: [c.planned_end for c in scope.cycles] for scope in work.scopes}
    made = {}
    for currency in sorted({m.currency for m in work.milestones}):
        mine = [m for m in work.milestones if m.currency == currency]
        due = [(m.due_on, m.minor) for m in mine if m.due_on]
        waiting = [(planned_on(m, ends, review), m.minor) for m in mine if m.cycle is not None]
        made[currency] = PlannedCash(_by_period(due, periods), _by_period(waiting, periods))
    return made


def planned_on(milestone: OpenMilestone, ends: Mapping[str, Sequence[date]], review: int) -> date:
    """The day a waiting milestone is to be payable by."""
    return ends[milestone.scope_id][milestone.cycle or 0] + timedelta(days=review + milestone.net_days)


def _by_period(amounts: Iterable[tuple[date, int]], periods: Periods) -> tuple[int, ...]:
    sums = [0] * (len(periods.starts) + 1)
    for day, minor in amounts:
        index = periods.index(day)
        sums[-1 if index is None else index] += minor
    return tuple(sums)
