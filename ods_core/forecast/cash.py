"""Cash by period: what the plan says, and what the runs say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ods_core.basics.clock import midnight
from ods_core.forecast.periods import Periods
from ods_core.forecast.work import OpenMilestone, OpenWork

QUANTILES = (0.50, 0.85)


class Standing(StrEnum):
    """How open money stands."""

    OVERDUE = "overdue"
    DUE = "due"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class PlannedPayment:
    """Open money and its day by the plan.

    Attributes:
        on: the due date or, while it waits for a cycle, that cycle's planned end plus the usual review and net days.
    """

    milestone: OpenMilestone
    on: date
    standing: Standing


@dataclass(frozen=True, slots=True)
class PlannedCash:
    """The plan's payments in one currency, by period, soonest first; what is overdue stands in no period.

    What should have been released by now, and was not, stands in the first period: earlier it cannot come.
    """

    overdue: tuple[PlannedPayment, ...]
    periods: tuple[tuple[PlannedPayment, ...], ...]
    later: tuple[PlannedPayment, ...]


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


def planned(work: OpenWork, review: int, now: datetime) -> tuple[PlannedPayment, ...]:
    """All open money by the plan, soonest first; `review` is the usual days of a review, part of the expected dates."""
    ends = {scope.id: [c.planned_end for c in scope.cycles] for scope in work.scopes}
    found = [_planned(m, ends, review, now) for m in work.milestones]
    return tuple(sorted(found, key=lambda payment: (payment.on, payment.milestone.id)))


def _planned(m: OpenMilestone, ends: Mapping[str, Sequence[date]], review: int, now: datetime) -> PlannedPayment:
    if m.due_on is not None:
        return PlannedPayment(m, m.due_on, Standing.OVERDUE if midnight(m.due_on) < now else Standing.DUE)
    on = ends[m.scope_id][m.cycle or 0] + timedelta(days=review + m.net_days)
    return PlannedPayment(m, on, Standing.SCHEDULED)


def planned_cash(plan: Iterable[PlannedPayment], currency: str, periods: Periods) -> PlannedCash:
    """The plan's payments in one currency, by period."""
    overdue: list[PlannedPayment] = []
    places: list[list[PlannedPayment]] = [[] for _ in (*periods.starts, periods.end)]
    for payment in plan:
        if payment.milestone.currency == currency:
            late = payment.standing == Standing.OVERDUE
            (overdue if late else places[periods.index(payment.on)]).append(payment)
    *within, later = (tuple(place) for place in places)
    return PlannedCash(tuple(overdue), tuple(within), later)


def minor_of(payments: Iterable[PlannedPayment], *standings: Standing) -> int:
    """What payments come to, in minor units; those that stand so, or all."""
    return sum(p.milestone.minor for p in payments if not standings or p.standing in standings)
