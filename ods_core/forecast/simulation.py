"""The simulation: every run plays all open work through to the last payment, by the history that it drew.

A cycle begins when the one before it is accepted, though not before its planned start. It is completed at its planned
end, moved by as many days as it began late and by a drawn slip; accepted after a drawn time of review and remediation;
what waits for it is due after its net days and paid after a drawn delay. Work under way draws only from samples that
took at least as long as it has by now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ods_core.forecast.cash import PlannedCash, SimulatedCash, percentiles, planned_cash, usual_review
from ods_core.forecast.layout import Layout, check, laid_out
from ods_core.forecast.lottery import Ints, Lottery, Places, Reals, at_least, extended, grains, own_histories, pick
from ods_core.forecast.periods import Periods, months, weeks
from ods_core.forecast.work import MAX_SAMPLES, MIN_FINISHED_CYCLES, History, OpenWork

CELLS_AT_ONCE = 150_000
"""Numbers in one array of a chunk of runs: small enough for the processor's cache, and for memory with any work."""

COLUMNS_AT_ONCE = 32

FARTHEST = 30_000
"""Days; a later date is cut to it, so that dates can be kept in two bytes."""


@dataclass(frozen=True, slots=True)
class ExpectedDates:
    """When something happens: by `p50` in half of the runs, by `p85` in 85 % of them."""

    id: str
    p50: date
    p85: date


@dataclass(frozen=True, slots=True)
class ScopeFinish(ExpectedDates):
    """The final acceptance; `on_time` is the share of runs in which the last cycle is completed by its planned end.

    A slow review makes the finish late, not the delivery.
    """

    planned_end: date
    on_time: float


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The day by which every active scope is finished, and the share of scopes that are delivered on time."""

    p50: date
    p85: date
    on_time: float


@dataclass(frozen=True, slots=True)
class TooLittleHistory:
    """Why nothing was simulated; the plan's own cash stands all the same."""

    finished_cycles: int
    needed: int
    weeks: Periods
    months: Periods
    planned_by_week: dict[str, PlannedCash]
    planned_by_month: dict[str, PlannedCash]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What the runs say; cash by currency. The same history, work, day and seed give the same forecast.

    Attributes:
        finished_cycles, payments: the number of samples that it rests on. Without any payments, money is taken to
            come on its due date.
        milestones: when each is paid; scopes: when each is finished; portfolio: None without active scopes.
    """

    today: date
    runs: int
    seed: int
    finished_cycles: int
    payments: int
    weeks: Periods
    months: Periods
    planned_by_week: dict[str, PlannedCash]
    planned_by_month: dict[str, PlannedCash]
    by_week: dict[str, SimulatedCash]
    by_month: dict[str, SimulatedCash]
    milestones: tuple[ExpectedDates, ...]
    scopes: tuple[ScopeFinish, ...]
    portfolio: Portfolio | None


def simulate(
    history: History,
    work: OpenWork,
    *,
    now: datetime,
    seed: int,
    runs: int = 10_000,
    week_count: int = 13,
    month_count: int = 6,
) -> Forecast | TooLittleHistory:
    """Forecast the cash of so many weeks and months, and every date.

    Raises:
        ValueError: work that does not fit together, or no runs or periods.
    """
    if min(runs, week_count, month_count) < 1:
        raise ValueError("a forecast has at least one run, one week and one month")
    check(work)
    today = now.date()
    by_week, by_month = weeks(today, week_count), months(today, month_count)
    review = usual_review(history)
    planned = (planned_cash(work, by_week, review), planned_cash(work, by_month, review))
    if len(history.cycles) < MIN_FINISHED_CYCLES:
        return TooLittleHistory(len(history.cycles), MIN_FINISHED_CYCLES, by_week, by_month, *planned)
    layout = laid_out(work, today)
    played = _Play(history, layout, today, (by_week, by_month), runs, seed).play()
    cash_by_week, cash_by_month = (dict(zip(sorted(planned[0]), cash, strict=True)) for cash in played.cash)
    return Forecast(
        today=today,
        runs=runs,
        seed=seed,
        finished_cycles=min(len(history.cycles), MAX_SAMPLES),
        payments=min(len(history.payment_delays), MAX_SAMPLES),
        weeks=by_week,
        months=by_month,
        planned_by_week=planned[0],
        planned_by_month=planned[1],
        by_week=cash_by_week,
        by_month=cash_by_month,
        milestones=_in_order(_expected([m.id for m in layout.milestones], played.paid, today)),
        scopes=_in_order(_finishes(layout, played, today)),
        portfolio=_portfolio(played, today),
    )


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of some runs: places in a history, and chances from 0 to 1 for what is under way."""

    first: Reals
    due: Reals
    cycles: Places
    payments: Places

    @classmethod
    def of(cls, rng: np.random.Generator, runs: int, layout: Layout, cycles: int, payments: int) -> Draws:
        """Drawn anew for `runs` runs over histories of so many cycles and payments."""
        firsts = len(layout.scopes)
        return cls(
            rng.random((runs, firsts)),
            rng.random((runs, len(layout.due) if payments else 0)),
            rng.integers(cycles, size=(runs, len(layout.ends) - firsts)),
            rng.integers(max(payments, 1), size=(runs, len(layout.waiting) if payments else 0)),
        )


@dataclass(frozen=True, slots=True)
class _Samples:
    """The history as columns, and the chances of its samples with regard to what is under way.

    `remediation` ranks cycles by their acceptance: one without remediation ends before any that has one.
    """

    slip: Ints
    review: Ints
    acceptance: Ints
    remediation: Ints
    payment: Ints
    cycles: int
    cycle_chances: Places
    payments: int
    payment_chances: Places

    @classmethod
    def of(cls, history: History, layout: Layout, late: Ints) -> _Samples:
        """The latest samples; `late` are the days by which each cycle under way is past its planned end by now."""
        cycles = history.cycles[:MAX_SAMPLES]
        slip, review, acceptance = np.array([(c.slip, c.review, c.acceptance) for c in cycles], np.int32).T.copy()
        remediated = np.array([c.remediated for c in cycles])
        longest = int(np.argmax(slip + acceptance))
        share, more = extended(slip + acceptance, late)
        # What outlasts every known cycle is the longest one with a still longer acceptance.
        known = np.append(np.arange(len(slip)), np.full(len(more), longest))
        acceptance = acceptance[known] + np.append(np.zeros_like(slip), more)
        ranked = np.where(remediated[known], acceptance, -1).astype(np.int32)
        payment, chances = _payments(history, -layout.due_on)
        paid = len(history.payment_delays[:MAX_SAMPLES])
        return cls(slip[known], review[known], acceptance, ranked, payment, len(slip), grains(share), paid, chances)


def _payments(history: History, late: Ints) -> tuple[Ints, Places]:
    """Delays, those beyond the longest known one included, and their chances; none where none is known."""
    delays = np.array(history.payment_delays[:MAX_SAMPLES], np.int32)
    if not len(delays):
        return delays, np.zeros(0, np.intp)
    share, more = extended(delays, late)
    return np.append(delays, delays.max() + more), grains(share)


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """What came of all runs: cash by week and by month, per currency; days from today of payments and finishes."""

    cash: list[list[SimulatedCash]]
    paid: NDArray[np.int16]
    finished: NDArray[np.int16]
    on_time: Reals


class _Play:
    def __init__(
        self, history: History, layout: Layout, today: date, periods: tuple[Periods, Periods], runs: int, seed: int
    ) -> None:
        self.layout, self.runs = layout, runs
        self.rng = np.random.default_rng(seed)
        self.known = _Samples.of(history, layout, -layout.ends[: len(layout.scopes)])
        self.at_once = max(1, min(runs, CELLS_AT_ONCE // max(len(layout.ends), len(layout.milestones), 1)))
        self.horizon = max((p.end - today).days for p in periods)
        self.edges = [_edges(p, today) for p in periods]
        self._lay_out_cash()
        last = [scope.cycles[-1].planned_end for scope in layout.scopes]
        self.last_ends = np.array([(end - today).days for end in last], np.int32)

    def _lay_out_cash(self) -> None:
        """Where each amount of a chunk is added: one place a run, currency and day, the last day being any later."""
        milestones, days = self.layout.milestones, self.horizon + 1
        names = sorted({m.currency for m in milestones})
        self.currencies = len(names)
        columns = np.array([names.index(m.currency) * days for m in milestones], np.intp)
        self.places = np.arange(self.at_once)[:, None] * (self.currencies * days) + columns
        amounts = np.array([m.minor for m in milestones], np.float64)
        self.amounts = np.tile(amounts, (self.at_once, 1))

    def play(self) -> _Played:
        """All runs, a chunk at a time."""
        cash = [np.zeros((self.runs, self.currencies, len(edges)), np.int64) for edges in self.edges]
        paid = np.zeros((self.runs, len(self.layout.milestones)), np.int16)
        finished = np.zeros((self.runs, len(self.layout.scopes)), np.int16)
        on_time = np.zeros(len(self.layout.scopes))
        for first, last in self._chunks():
            runs = last - first
            own = own_histories(self.rng, self.known.cycle_chances, self.known.cycles, runs)
            paying = own_histories(self.rng, self.known.payment_chances, self.known.payments, runs)
            draws = Draws.of(self.rng, runs, self.layout, self.known.cycles, self.known.payments)
            completed, accepted = self._deliver(own, draws)
            finished[first:last] = np.minimum(_columns(accepted, self.layout.finishes), FARTHEST)
            on_time += np.count_nonzero(_columns(completed, self.layout.finishes) <= self.last_ends, axis=0)
            days = self._pay(paying, draws, accepted)
            paid[first:last] = np.minimum(days, FARTHEST)
            self._collect(days, [kept[first:last] for kept in cash])
        told = [[SimulatedCash.of(kept[:, c]) for c in range(self.currencies)] for kept in cash]
        return _Played(told, paid, finished, on_time / self.runs)

    def _chunks(self) -> Iterator[tuple[int, int]]:
        for first in range(0, self.runs, self.at_once):
            yield first, min(first + self.at_once, self.runs)

    def _deliver(self, own: Places, draws: Draws) -> tuple[Ints, Ints]:
        """The days on which each cycle is completed and accepted, [runs, cycles]; `own` is each run's history."""
        layout, known = self.layout, self.known
        completed = np.empty((len(own), len(layout.ends)), np.int32)
        accepted = np.empty_like(completed)
        self._go_on(own, draws.first, completed, accepted)
        firsts = len(layout.scopes)
        slips = pick(known.slip[own], draws.cycles)
        # The places are where they are to be already: the same cycle tells how late it was and how it was accepted.
        acceptances = np.take(known.acceptance[own].ravel(), draws.cycles, mode="clip")
        for step in layout.steps:
            before = _columns(accepted, step.follows)
            here, drawn = slice(step.first, step.last), slice(step.first - firsts, step.last - firsts)
            done = np.maximum(before - layout.starts[here], 0)
            done += layout.ends[here]
            done += slips[:, drawn]
            np.maximum(done, before, out=completed[:, here])
            np.add(completed[:, here], acceptances[:, drawn], out=accepted[:, here])
        return completed, accepted

    def _go_on(self, own: Places, chance: Reals, completed: Ints, accepted: Ints) -> None:
        """The first cycles, which are under way: drawn from samples that took at least as long."""
        layout, known = self.layout, self.known
        running, reviewed, _ = layout.stages
        firsts = len(layout.scopes)
        part = slice(0, running)
        places, beyond = Lottery.of(known.slip, own).draw_from(layout.elapsed[part], chance[:, part])
        slip = at_least(known.slip[places], layout.elapsed[part], beyond)
        completed[:, part] = layout.ends[part] + slip
        accepted[:, part] = completed[:, part] + known.acceptance[places]
        completed[:, running:firsts] = layout.completed[running:]
        for part, key in (
            (slice(running, running + reviewed), known.review),
            (slice(running + reviewed, firsts), known.remediation),
        ):
            places, beyond = Lottery.of(key, own).draw_from(layout.elapsed[part], chance[:, part])
            taken = at_least(known.acceptance[places], layout.elapsed[part], beyond)
            accepted[:, part] = layout.completed[part] + taken

    def _pay(self, own: Places, draws: Draws, accepted: Ints) -> Ints:
        """The days on which each milestone is paid, [runs, milestones]; `own` is each run's history of payments."""
        layout, known = self.layout, self.known
        waiting = len(layout.waiting)
        days = np.empty((len(accepted), len(layout.milestones)), np.int32)
        released = _columns(accepted, layout.awaits)
        np.add(released, layout.net_days, out=days[:, :waiting])
        days[:, waiting:] = layout.due_on
        if len(known.payment):
            days[:, :waiting] += pick(known.payment[own], draws.payments)
            # Nobody pays before there is something to pay.
            np.maximum(days[:, :waiting], released, out=days[:, :waiting])
            elapsed = -layout.due_on
            places, beyond = Lottery.of(known.payment, own).draw_from(elapsed, draws.due)
            days[:, waiting:] += at_least(known.payment[places], elapsed, beyond)
        return np.maximum(days, 0, out=days)

    def _collect(self, days: Ints, kept: list[NDArray[np.int64]]) -> None:
        """Add the amounts up by day, and the days by period."""
        runs = len(days)
        shape = (runs, self.currencies, self.horizon + 1)
        places = self.places[:runs] + np.minimum(days, self.horizon)
        sums = np.bincount(places.ravel(), self.amounts[:runs].ravel(), minlength=int(np.prod(shape)))
        for edges, into in zip(self.edges, kept, strict=True):
            into[:] = np.add.reduceat(sums.reshape(shape), edges, axis=2)


def _columns(days: Ints, places: Places) -> Ints:
    """Some columns, by place; a good deal faster than by index, for the same."""
    return np.take(days, places, axis=1, mode="clip")


def _edges(periods: Periods, today: date) -> Places:
    """The first day of each period, and of what comes after, as reduceat wants them."""
    starts = [max((start - today).days, 0) for start in (*periods.starts, periods.end)]
    return np.array(starts, np.intp)


def _expected(ids: list[str], days: NDArray[np.int16], today: date) -> list[ExpectedDates]:
    """P50 and P85 of each column [runs, things], read off how many runs have each day: far cheaper than sorting."""
    made = []
    for first in range(0, len(ids), COLUMNS_AT_ONCE):
        block = np.ascontiguousarray(days[:, first : first + COLUMNS_AT_ONCE].T).astype(np.intp)
        for id, column in zip(ids[first:], block, strict=False):
            half, most = _percentile_days(column)
            made.append(ExpectedDates(id, _day(today, half), _day(today, most)))
    return made


def _percentile_days(days: Places) -> list[int]:
    earliest = int(days.min())
    upto = np.cumsum(np.bincount(days - earliest))
    ranks = [-(-len(days) * percent // 100) for percent in (50, 85)]
    return [earliest + int(place) for place in np.searchsorted(upto, ranks)]


def _day(today: date, days: int) -> date:
    return today + timedelta(days=days)


def _finishes(layout: Layout, played: _Played, today: date) -> list[ScopeFinish]:
    dates = _expected([s.id for s in layout.scopes], played.finished, today)
    rows = zip(dates, layout.scopes, played.on_time, strict=True)
    return [ScopeFinish(d.id, d.p50, d.p85, s.cycles[-1].planned_end, float(share)) for d, s, share in rows]


def _portfolio(played: _Played, today: date) -> Portfolio | None:
    if not played.finished.shape[1]:
        return None
    ends = played.finished.max(axis=1).astype(np.int64)[:, None]
    (half,), (most,) = percentiles(ends)
    return Portfolio(_day(today, int(half)), _day(today, int(most)), float(played.on_time.mean()))


T = TypeVar("T", bound=ExpectedDates)


def _in_order(found: list[T]) -> tuple[T, ...]:
    return tuple(sorted(found, key=lambda each: each.id))
