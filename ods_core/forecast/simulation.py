"""The simulation: every run plays all open work through to the last payment, by the history that it drew.

A cycle begins when the one before it is accepted, though not before its planned start. It is completed at its planned
end, moved by as many days as it began late and by a drawn slip; accepted after a drawn time of review and remediation;
what waits for it is due after its net days and paid after a drawn delay. Work under way draws only from samples that
took at least as long as it has by now.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ods_core.forecast.cash import SimulatedCash, percentiles
from ods_core.forecast.layout import Layout, check, laid_out
from ods_core.forecast.lottery import (
    Ints,
    Lottery,
    Pile,
    Places,
    Reals,
    at_least,
    extended,
    grains,
    own_histories,
)
from ods_core.forecast.periods import Periods, months, weeks
from ods_core.forecast.work import MAX_SAMPLES, MIN_FINISHED_CYCLES, History, OpenWork

SHARING = 20
"""So many runs share one drawn history, and are played together."""

THREADS = max(min(os.cpu_count() or 1, 4), 1)
"""So many histories are played side by side, each with random numbers of its own: what is told does not hang on it."""

BITS = 15
LONGEST = (1 << BITS) - 1
"""Days; a longer slip or acceptance is cut to it, so that both have room in one number."""

DATED_RUNS = 1_000
"""Dates and shares on time are told from the first so many runs, cash from all: sorting out all dates of thousands of
milestones takes longer than to simulate them, for a P85 that is then within 0.4 instead of 0.7 percentage points."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What the runs say; cash by currency. The same history, work, day and seed give the same forecast.

    Attributes:
        finished_cycles, payments: the number of samples that it rests on. Without any payments, money is taken to
            come on its due date.
        milestones: when each is paid; scopes: when each is finished; portfolio: None without active scopes.
        finishes: days from today to each scope's finish in each of the first `DATED_RUNS` runs, int16 [scopes, runs],
            in the order of `scopes`.
    """

    today: date
    runs: int
    seed: int
    finished_cycles: int
    payments: int
    weeks: Periods
    months: Periods
    by_week: dict[str, SimulatedCash]
    by_month: dict[str, SimulatedCash]
    milestones: tuple[ExpectedDates, ...]
    scopes: tuple[ScopeFinish, ...]
    portfolio: Portfolio | None
    finishes: NDArray[np.int16]

    def portfolio_of(self, scope_ids: Collection[str]) -> Portfolio | None:
        """Some of the scopes, taken together: what the same runs say of them; None where none of them is open."""
        places = [n for n, scope in enumerate(self.scopes) if scope.id in scope_ids]
        shares = np.array([self.scopes[n].on_time for n in places], np.float64)
        return _portfolio(self.finishes[places], shares, self.today)


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
    if len(history.cycles) < MIN_FINISHED_CYCLES:
        return TooLittleHistory(len(history.cycles), MIN_FINISHED_CYCLES, by_week, by_month)
    layout = laid_out(work, today)
    played = _Play(history, layout, today, (by_week, by_month), runs, seed).play()
    in_order = sorted(range(len(layout.scopes)), key=lambda n: layout.scopes[n].id)
    cash_by_week, cash_by_month = (_told(cash, layout.currencies) for cash in played.cash)
    return Forecast(
        today=today,
        runs=runs,
        seed=seed,
        finished_cycles=min(len(history.cycles), MAX_SAMPLES),
        payments=min(len(history.payment_delays), MAX_SAMPLES),
        weeks=by_week,
        months=by_month,
        by_week=cash_by_week,
        by_month=cash_by_month,
        milestones=_in_order(_expected([m.id for m in layout.milestones], played.paid, today)),
        scopes=_in_order(_finishes(layout, played, today)),
        portfolio=_portfolio(played.finished, played.shares_on_time(), today),
        finishes=played.finished[in_order],
    )


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of the runs of one history: places in it, and chances from 0 to 1 for what is under way."""

    first: Reals
    due: Reals
    cycles: Places
    payments: Places

    @classmethod
    def of(cls, rng: np.random.Generator, layout: Layout, cycles: int, payments: int) -> Draws:
        """Drawn anew for `SHARING` runs over a history of so many cycles and payments."""
        firsts = len(layout.scopes)
        return cls(
            rng.random((SHARING, firsts)),
            rng.random((SHARING, len(layout.due) if payments else 0)),
            rng.integers(cycles, size=(SHARING, len(layout.ends) - firsts)),
            rng.integers(max(payments, 1), size=(SHARING, len(layout.waiting) if payments else 0)),
        )


@dataclass(frozen=True, slots=True)
class _Samples:
    """The history as columns, and the chances of its samples with regard to what is under way.

    `cycle` has slip and acceptance packed into one number, so that both are looked up at once. `remediation` ranks
    cycles by their acceptance: one without remediation ends before any that has one.
    """

    slip: Ints
    review: Ints
    remediation: Ints
    cycle: Ints
    payment: Ints
    cycles: int
    cycle_chances: Places
    payments: int
    payment_chances: Places

    @classmethod
    def of(cls, history: History, layout: Layout) -> _Samples:
        """The latest samples, weighted with regard to the work of `layout`."""
        cycles = history.cycles[:MAX_SAMPLES]
        slip, review, acceptance = np.array([(c.slip, c.review, c.acceptance) for c in cycles], np.int32).T.copy()
        remediated = np.array([c.remediated for c in cycles])
        longest = int(np.argmax(slip + acceptance))
        # How many days each cycle under way is past its planned end by now.
        share, more = extended(slip + acceptance, -layout.ends[: len(layout.scopes)])
        # What outlasts every known cycle is the longest one with a still longer acceptance.
        known = np.append(np.arange(len(slip)), np.full(len(more), longest))
        acceptance = acceptance[known] + np.append(np.zeros_like(slip), more)
        ranked = np.where(remediated[known], acceptance, -1).astype(np.int32)
        payment, chances = _payments(history, -layout.due_on)
        paid = len(history.payment_delays[:MAX_SAMPLES])
        packed = _packed(slip[known], acceptance)
        return cls(slip[known], review[known], ranked, packed, payment, len(slip), grains(share), paid, chances)

    def piles(self, layout: Layout) -> list[Pile]:
        """What first cycles draw from, by the stages that they are in; what is completed has no slip any more."""
        running, reviewed, _ = layout.stages
        elapsed = np.split(layout.elapsed, (running, running + reviewed))
        keys, no_slip = (self.slip, self.review, self.remediation), self.cycle & LONGEST
        values = (self.cycle, no_slip, no_slip)
        return [Pile(*pile) for pile in zip(keys, values, elapsed, strict=True)]


def _packed(slip: Ints, acceptance: Ints) -> Ints:
    """Both in one number, each cut to what has room there."""
    return (np.clip(slip, -LONGEST, LONGEST) << BITS) + np.clip(acceptance, 0, LONGEST)


def _payments(history: History, late: Ints) -> tuple[Ints, Places]:
    """Delays, those beyond the longest known one included, and their chances; none where none is known."""
    delays = np.array(history.payment_delays[:MAX_SAMPLES], np.int32)
    if not len(delays):
        return delays, np.zeros(0, np.intp)
    share, more = extended(delays, late)
    return np.append(delays, delays.max() + more), grains(share)


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """What came of the runs: cash by week and by month [runs, currencies, periods], days from today.

    `paid` and `finished` are of each milestone or scope and the first `DATED_RUNS` runs, [things, runs]; `on_time` says
    of each scope in how many of these it is.
    """

    cash: list[NDArray[np.int64]]
    paid: NDArray[np.int16]
    finished: NDArray[np.int16]
    on_time: NDArray[np.int64]

    def shares_on_time(self) -> Reals:
        """Of each scope, the share of the dated runs in which it is delivered on time."""
        return np.asarray(self.on_time / self.finished.shape[1], np.float64)


class _Play:
    """All runs, those of one drawn history at a time: what they touch stays in the processor's nearest memory."""

    def __init__(
        self, history: History, layout: Layout, today: date, periods: tuple[Periods, Periods], runs: int, seed: int
    ) -> None:
        self.layout, self.runs = layout, runs
        rng = np.random.default_rng(seed)
        self.known = known = _Samples.of(history, layout)
        histories = -(-runs // SHARING)
        own = own_histories(rng, known.cycle_chances, known.cycles, histories)
        paying = own_histories(rng, known.payment_chances, known.payments, histories)
        self.rngs = rng.spawn(histories)
        self.under_way = Lottery.of(known.piles(layout), own)
        self.owed = Lottery.of([Pile(known.payment, known.payment, -layout.due_on)], paying)
        self.horizon = max((p.end - today).days for p in periods)
        self.edges = [_edges(p, today) for p in periods]
        self._lay_out_cash()
        last = [scope.cycles[-1].planned_end for scope in layout.scopes]
        self.last_ends = np.array([(end - today).days for end in last], np.int32)
        self._lay_out_desk()

    def _lay_out_desk(self) -> None:
        """What one history is played on; overwritten by the next."""
        self.completed = np.empty((SHARING, len(self.layout.ends)), np.int32)
        self.accepted = np.empty_like(self.completed)
        self.days = np.empty((SHARING, len(self.layout.milestones)), np.int32)

    def _lay_out_cash(self) -> None:
        """Where each amount of a few runs is added: one place a run, currency and day, the last day being any later."""
        milestones, names, days = self.layout.milestones, self.layout.currencies, self.horizon + 1
        self.shape = (SHARING, len(names), days)
        columns = np.array([names.index(m.currency) * days for m in milestones], np.int32)
        self.places = np.arange(SHARING, dtype=np.int32)[:, None] * (len(names) * days) + columns
        self.amounts = np.tile(np.array([m.minor for m in milestones], np.float64), SHARING)

    def play(self) -> _Played:
        """All runs; of the last history, what is too much is dropped."""
        dated = min(self.runs, DATED_RUNS)
        kept = _Played(
            [np.zeros((self.runs, self.shape[1], len(edges)), np.int64) for edges in self.edges],
            np.zeros((len(self.layout.milestones), dated), np.int16),
            np.zeros((len(self.layout.scopes), dated), np.int16),
            np.zeros(len(self.layout.scopes), np.int64),
        )
        players = [self, *(self._another() for _ in range(THREADS - 1))]
        with ThreadPoolExecutor(THREADS) as pool:
            for on_time in pool.map(lambda n: players[n]._play_every(n, kept), range(THREADS)):
                kept.on_time[:] += on_time
        return kept

    def _another(self) -> _Play:
        """Another player of the same game, at a desk of its own."""
        other = copy.copy(self)
        other._lay_out_desk()
        return other

    def _play_every(self, first: int, kept: _Played) -> NDArray[np.int64]:
        """Play each history of this player's; of each scope, how many of the dated runs were on time."""
        on_time = np.zeros(len(self.layout.scopes), np.int64)
        for history in range(first, len(self.rngs), THREADS):
            begin = history * SHARING
            part = slice(begin, min(begin + SHARING, self.runs))
            draws = Draws.of(self.rngs[history], self.layout, self.known.cycles, self.known.payments)
            completed, accepted = self._deliver(history, draws)
            days = self._pay(history, draws, accepted)
            if begin < DATED_RUNS:
                on_time += self._date(part, completed, accepted, days, kept)
            self._collect(days, [cash[part] for cash in kept.cash])
        return on_time

    def _date(self, part: slice, completed: Ints, accepted: Ints, days: Ints, kept: _Played) -> NDArray[np.int64]:
        """Keep the dates of some runs; of each scope, in how many of them it is on time."""
        count = kept.paid[:, part].shape[1]
        kept.paid[:, part] = np.clip(days[:count], 0, FARTHEST).T
        kept.finished[:, part] = np.minimum(_columns(accepted[:count], self.layout.finishes), FARTHEST).T
        on_time = (_columns(completed[:count], self.layout.finishes) <= self.last_ends).sum(axis=0)
        return np.asarray(on_time, np.int64)

    def _deliver(self, history: int, draws: Draws) -> tuple[Ints, Ints]:
        """The days on which each cycle is completed and accepted, [runs, cycles]."""
        layout, firsts = self.layout, len(self.layout.scopes)
        completed, accepted = self.completed, self.accepted
        self._go_on(history, draws.first)
        # The first pile is of all cycles.
        drawn = np.take(self.under_way.values[history], draws.cycles, mode="clip")
        np.right_shift(drawn, BITS, out=completed[:, firsts:])
        np.bitwise_and(drawn, LONGEST, out=accepted[:, firsts:])
        for step in layout.steps:
            done, taken = completed[:, step.first : step.last], accepted[:, step.first : step.last]
            before = _columns(accepted, step.follows)
            done += np.maximum(before + step.lasts, layout.ends[step.first : step.last])
            np.maximum(done, before, out=done)
            taken += done
        return completed, accepted

    def _go_on(self, history: int, chance: Reals) -> None:
        """The first cycles, which are under way: drawn from samples that took at least as long."""
        layout, firsts = self.layout, len(self.layout.scopes)
        running = layout.stages[0]
        drawn, beyond = self.under_way.draw(history, chance)
        completed, accepted = self.completed[:, :firsts], self.accepted[:, :firsts]
        np.right_shift(drawn, BITS, out=completed)
        np.bitwise_and(drawn, LONGEST, out=accepted)
        at_least(completed[:, :running], layout.elapsed[:running], beyond[:running])
        at_least(accepted[:, running:], layout.elapsed[running:], beyond[running:])
        # What is completed has no slip any more.
        completed += layout.goes_on_from
        accepted += completed

    def _pay(self, history: int, draws: Draws, accepted: Ints) -> Ints:
        """The days on which each milestone is paid, [runs, milestones]; what comes before today comes today."""
        layout, pile = self.layout, self.owed.values[history]
        waiting = len(layout.waiting)
        days = self.days
        released = _columns(accepted, layout.awaits)
        if not len(pile):
            np.add(released, layout.net_days, out=days[:, :waiting])
            days[:, waiting:] = layout.due_on
            return days
        delay = np.take(pile, draws.payments, mode="clip")
        delay += layout.net_days
        # Nobody pays before there is something to pay.
        np.maximum(delay, 0, out=delay)
        np.add(released, delay, out=days[:, :waiting])
        delay, beyond = self.owed.draw(history, draws.due)
        np.add(at_least(delay, -layout.due_on, beyond), layout.due_on, out=days[:, waiting:])
        return days

    def _collect(self, days: Ints, kept: list[NDArray[np.int64]]) -> None:
        """Add the amounts up by day, and the days by period; `days` is overwritten."""
        np.clip(days, 0, self.horizon, out=days)
        days += self.places
        sums = np.bincount(days.ravel(), self.amounts, minlength=int(np.prod(self.shape))).reshape(self.shape)
        for edges, into in zip(self.edges, kept, strict=True):
            into[:] = np.add.reduceat(sums[: len(into)], edges, axis=2)


def _columns(days: Ints, places: Places) -> Ints:
    """Some columns, by place; a good deal faster than by index, for the same."""
    return np.take(days, places, axis=1, mode="clip")


def _told(cash: NDArray[np.int64], currencies: Sequence[str]) -> dict[str, SimulatedCash]:
    return {currency: SimulatedCash.of(cash[:, n]) for n, currency in enumerate(currencies)}


def _edges(periods: Periods, today: date) -> Places:
    """The first day of each period, and of what comes after, as reduceat wants them."""
    starts = [max((start - today).days, 0) for start in (*periods.starts, periods.end)]
    return np.array(starts, np.intp)


def _expected(ids: list[str], days: NDArray[np.int16], today: date) -> list[ExpectedDates]:
    """P50 and P85 of each row [things, runs]; `days` is left in order."""
    # A stable sort of two-byte numbers goes by their digits, several times as fast as any other.
    days.sort(axis=1, kind="stable")
    half, most = (days[:, -(-days.shape[1] * percent // 100) - 1].tolist() for percent in (50, 85))
    return [ExpectedDates(*each) for each in zip(ids, _dates(today, half), _dates(today, most), strict=True)]


def _dates(today: date, days: list[int]) -> list[date]:
    # There are few days and many things; each day is made once.
    known = {n: _day(today, n) for n in set(days)}
    return [known[n] for n in days]


def _day(today: date, days: int) -> date:
    return today + timedelta(days=days)


def _finishes(layout: Layout, played: _Played, today: date) -> list[ScopeFinish]:
    dates = _expected([s.id for s in layout.scopes], played.finished.copy(), today)
    rows = zip(dates, layout.scopes, played.shares_on_time(), strict=True)
    return [ScopeFinish(d.id, d.p50, d.p85, s.cycles[-1].planned_end, float(share)) for d, s, share in rows]


def _portfolio(finished: NDArray[np.int16], on_time: Reals, today: date) -> Portfolio | None:
    if not len(finished):
        return None
    (half,), (most,) = percentiles(finished.max(axis=0).astype(np.int64)[:, None])
    return Portfolio(_day(today, int(half)), _day(today, int(most)), float(on_time.mean()))


T = TypeVar("T", bound=ExpectedDates)


def _in_order(found: list[T]) -> tuple[T, ...]:
    return tuple(sorted(found, key=lambda each: each.id))
