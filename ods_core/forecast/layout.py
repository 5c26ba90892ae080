"""Open work as arrays: one column a cycle, one a milestone, and days counted from today.

Cycles stand by their place in their scope (all the first ones, then all the second ones, …), so that one step of the
simulation moves every scope on by one cycle. The first ones stand by their stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ods_core.forecast.lottery import Ints, Places
from ods_core.forecast.work import OpenCycle, OpenMilestone, OpenScope, OpenWork, Stage

STAGES = tuple(Stage)
MAX_EXACT = 2**53
"""Sums of whole numbers below this are exact also in the real numbers that NumPy adds up by place."""


@dataclass(frozen=True, slots=True)
class Step:
    """The cycles of one place in their scopes: columns `first` to `last`, the columns that they follow, their days."""

    first: int
    last: int
    follows: Places
    lasts: Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns [n] of everything; days from today.

    Attributes:
        ends: of each cycle, as planned; those of started ones are moved by as many days as they began late.
        goes_on_from: of each first cycle, its end or, once it is completed, the day of that.
        stages: how many first cycles are in each of `STAGES`, in that order.
        elapsed: of each first cycle, the least that its draw can be: its slip, or its days since completion.
        scopes: the scopes, as first cycles stand; `finishes` is the column of each one's last cycle.
        waiting, due: milestones that wait for a cycle (in column `awaits`), and those that are due (on `due_on`).
    """

    ends: Ints
    goes_on_from: Ints
    elapsed: Ints
    stages: tuple[int, int, int]
    steps: tuple[Step, ...]
    scopes: tuple[OpenScope, ...]
    finishes: Places
    waiting: tuple[OpenMilestone, ...]
    awaits: Places
    net_days: Ints
    due: tuple[OpenMilestone, ...]
    due_on: Ints

    @property
    def milestones(self) -> tuple[OpenMilestone, ...]:
        """All of them, as their columns stand."""
        return self.waiting + self.due

    @property
    def currencies(self) -> list[str]:
        """Those of all milestones."""
        return sorted({m.currency for m in self.milestones})


def laid_out(work: OpenWork, today: date) -> Layout:
    """The arrays of open work that fits together."""
    scopes = tuple(sorted(work.scopes, key=lambda s: STAGES.index(s.cycles[0].stage)))
    columns = _columns(scopes)
    cycles = [scopes[s].cycles[k] for s, k in columns]
    place = {scope.id: n for n, scope in enumerate(scopes)}
    waiting = tuple(m for m in work.milestones if m.cycle is not None)
    due = tuple(m for m in work.milestones if m.cycle is None)
    firsts = cycles[: len(scopes)]
    ends = _days([c.planned_end for c in cycles], today) + _late_starts(cycles)
    completed = _days([c.completed_on or today for c in firsts], today)
    return Layout(
        ends=ends,
        goes_on_from=np.where([c.completed_on is not None for c in firsts], completed, ends[: len(firsts)]),
        elapsed=_elapsed(firsts, today),
        stages=_stage_counts(firsts),
        steps=_steps(columns, cycles),
        scopes=scopes,
        finishes=np.array([columns[n, len(s.cycles) - 1] for n, s in enumerate(scopes)], np.intp),
        waiting=waiting,
        awaits=np.array([columns[place[m.scope_id], m.cycle or 0] for m in waiting], np.intp),
        net_days=np.array([m.net_days for m in waiting], np.int32),
        due=due,
        due_on=_days([m.due_on or today for m in due], today),
    )


def check(work: OpenWork) -> None:
    """See that open work fits together.

    Raises:
        ValueError: a scope without cycles, a milestone that waits for a cycle that is not there, or amounts beyond
            what is added exactly.
    """
    lengths = {scope.id: len(scope.cycles) for scope in work.scopes}
    if not all(lengths.values()):
        raise ValueError("an active scope has at least one cycle that is not accepted")
    for m in work.milestones:
        if m.cycle is not None and not 0 <= m.cycle < lengths.get(m.scope_id, 0):
            raise ValueError(f"{m.id} waits for cycle {m.cycle} of {m.scope_id}, which is not open")
    if sum(m.minor for m in work.milestones) >= MAX_EXACT:
        raise ValueError("the amounts are too large to be added up exactly")


def _columns(scopes: Sequence[OpenScope]) -> dict[tuple[int, int], int]:
    """The column of each (scope, cycle), in the order of the columns."""
    depth = max((len(s.cycles) for s in scopes), default=0)
    pairs = [(n, k) for k in range(depth) for n, s in enumerate(scopes) if k < len(s.cycles)]
    return {pair: column for column, pair in enumerate(pairs)}


def _steps(columns: dict[tuple[int, int], int], cycles: Sequence[OpenCycle]) -> tuple[Step, ...]:
    """The places after the first."""
    made, first = [], sum(k == 0 for _, k in columns)
    for place in range(1, max((k for _, k in columns), default=0) + 1):
        follows = [columns[n, place - 1] for n, k in columns if k == place]
        last = first + len(follows)
        lasts = [(c.planned_end - c.planned_start).days for c in cycles[first:last]]
        made.append(Step(first, last, np.array(follows, np.intp), np.array(lasts, np.int32)))
        first = last
    return tuple(made)


def _days(dates: Sequence[date], today: date) -> Ints:
    return np.array([(day - today).days for day in dates], np.int32)


def _late_starts(cycles: Sequence[OpenCycle]) -> Ints:
    return np.array([_late_start(c) for c in cycles], np.int32)


def _late_start(cycle: OpenCycle) -> int:
    return max((cycle.started_on - cycle.planned_start).days, 0) if cycle.started_on else 0


def _elapsed(firsts: Sequence[OpenCycle], today: date) -> Ints:
    since = [(today - (c.completed_on or c.planned_end)).days for c in firsts]
    late = [0 if c.completed_on else _late_start(c) for c in firsts]
    return np.array(since, np.int32) - np.array(late, np.int32)


def _stage_counts(firsts: Sequence[OpenCycle]) -> tuple[int, int, int]:
    running, review, remediation = (sum(c.stage == stage for c in firsts) for stage in STAGES)
    return running, review, remediation
