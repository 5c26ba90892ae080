"""Is the forecast honest, and what does it cost?

    python -m benchmarks.forecast [--worlds 400] [--runs 4000] [--seed 20260610]

Honest: made-up providers whose habits are known take on work, deliver, are reviewed, sent back and paid. On some day
the forecast is given what has been finished by then and what is open, and then the story goes on as its own habits have
it. Money received by the end of each horizon should lie below P50 in half of the stories and below P85 in 85 % of them.
A forecast that takes a short history at its word fails this.

Cost: 10,000 runs over 2,000 active scopes, in turn with the bare NumPy draw of the same random numbers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ods_core.forecast import (
    MAX_SAMPLES,
    MIN_FINISHED_CYCLES,
    FinishedCycle,
    Forecast,
    History,
    OpenCycle,
    OpenMilestone,
    OpenScope,
    OpenWork,
    simulate,
    simulation,
)
from ods_core.forecast.layout import laid_out
from ods_core.forecast.lottery import GRAIN
from ods_core.forecast.simulation import SHARING

NOW = datetime(2026, 6, 10, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
HORIZONS = (4, 8, 12)
NET_DAYS = 7


@dataclass(frozen=True)
class World:
    """A provider's habits, the same in the past and in the future; days."""

    slip_shape: float
    slip_scale: float
    early: float
    review: float
    rejected: float
    rejected_when_late: float
    remediation: float
    payment: float
    payment_early: float

    @classmethod
    def some(cls, rng: np.random.Generator) -> World:
        """Habits from punctual to hopeless; in half of the worlds what is late is also sent back more often."""
        return cls(
            slip_shape=rng.uniform(0.8, 3),
            slip_scale=rng.uniform(0.5, 5),
            early=rng.uniform(0, 4),
            review=rng.uniform(1, 6),
            rejected=rng.uniform(0.02, 0.3),
            rejected_when_late=rng.choice([0.0, 0.3]),
            remediation=rng.uniform(3, 10),
            payment=rng.uniform(0.5, 12),
            payment_early=rng.uniform(0, 5),
        )

    def slip(self, rng: np.random.Generator) -> int:
        """Days from the planned to the actual completion."""
        return round(rng.gamma(self.slip_shape, self.slip_scale) - self.early)

    def verdicts(self, rng: np.random.Generator, slip: int) -> Iterator[tuple[int, int]]:
        """(days of review, days of remediation) of each round; the last round has no remediation."""
        chance = self.rejected + (self.rejected_when_late if slip > 3 else 0)
        while rng.random() < chance:
            yield int(rng.exponential(self.review)), 1 + int(rng.exponential(self.remediation))
        yield int(rng.exponential(self.review)), 0


@dataclass(frozen=True)
class ToldCycle:
    """How one cycle really goes; dates are days from today."""

    planned_start: int
    planned_end: int
    start: int
    slip: int
    completed: int
    first_decision: int
    accepted: int
    remediated: bool


@dataclass(frozen=True)
class ToldPayment:
    """How one payment really goes."""

    cycle: int
    minor: int
    due: int
    paid: int


@dataclass(frozen=True)
class Story:
    """One scope from confirmation to the last payment."""

    cycles: list[ToldCycle]
    payments: list[ToldPayment]


def story(world: World, rng: np.random.Generator, confirmed: int) -> Story:
    """What happens to a scope confirmed on that day."""
    cycles: list[ToldCycle] = []
    planned, free = confirmed + int(rng.integers(0, 8)), confirmed
    for _ in range(int(rng.integers(1, 5))):
        end = planned + int(rng.integers(6, 15))
        start = max(free, planned)
        slip = world.slip(rng)
        completed = max(end + start - planned + slip, start)
        slip = completed - (end + start - planned)
        rounds = list(world.verdicts(rng, slip))
        accepted = completed + sum(review + work for review, work in rounds)
        first = completed + rounds[0][0]
        cycles.append(ToldCycle(planned, end, free, slip, completed, first, accepted, len(rounds) > 1))
        planned, free = end + 1, accepted
    payments = []
    for n, cycle in enumerate(cycles):
        due = cycle.accepted + NET_DAYS
        paid = max(due + round(rng.gamma(1.5, world.payment / 1.5) - world.payment_early), cycle.accepted)
        payments.append(ToldPayment(n, int(rng.integers(100_000, 2_000_000)), due, paid))
    return Story(cycles, payments)


def day(days: int) -> date:
    """Days from today as a date."""
    return TODAY + timedelta(days=days)


def history_of(stories: list[Story]) -> History:
    """What is known today, latest first."""
    cycles = sorted((c for s in stories for c in s.cycles if c.accepted < 0), key=lambda c: -c.start)
    paid = sorted((p for s in stories for p in s.payments if p.paid < 0), key=lambda p: -p.due)
    return History(
        [FinishedCycle(c.slip, c.first_decision - c.completed, c.accepted - c.completed, c.remediated) for c in cycles],
        [p.paid - p.due for p in paid],
    )


def open_work_of(stories: list[Story]) -> OpenWork:
    """What is open today; nothing of what is still to come is in it."""
    scopes, milestones = [], []
    for number, told in enumerate(stories):
        scope_id = f"OSCOPE-26-{number:06}"
        ahead = [c for c in told.cycles if c.accepted >= 0]
        if ahead:
            scopes.append(OpenScope(scope_id, [open_cycle(c) for c in ahead]))
        for p in told.payments:
            if p.paid < 0:
                continue
            waits = p.cycle - (len(told.cycles) - len(ahead))
            when = {"cycle": waits} if waits >= 0 else {"due_on": day(p.due)}
            name = f"PAY-26-{number:06}-{p.cycle}"
            milestones.append(OpenMilestone(name, scope_id, "USD", p.minor, NET_DAYS, **when))
    return OpenWork(scopes, milestones)


def open_cycle(c: ToldCycle) -> OpenCycle:
    """A cycle as it stands today."""
    return OpenCycle(
        day(c.planned_start),
        day(c.planned_end),
        day(c.start) if c.start < 0 else None,
        day(c.completed) if c.completed < 0 else None,
        in_remediation=c.remediated and c.first_decision < 0,
    )


def received(stories: list[Story], end: date) -> int:
    """Minor units that really come from today on, before a day."""
    return sum(p.minor for s in stories for p in s.payments if p.paid >= 0 and day(p.paid) < end)


@dataclass
class Coverage:
    """How often the truth lay below a percentile."""

    below: int = 0
    n: int = 0

    def add(self, below: bool) -> None:
        """One more story."""
        self.below += below
        self.n += 1

    def __str__(self) -> str:
        return f"{self.below / self.n:7.1%}" if self.n else "      –"


def place(truth: int, runs: np.ndarray, rng: np.random.Generator) -> float:
    """The share of runs below the truth, runs equal to it taken in random part.

    Money comes in lumps, and in many runs all of it may come. Were ties counted one way, no forecast could pass.
    """
    return float((np.count_nonzero(runs < truth) + rng.random() * np.count_nonzero(runs == truth)) / len(runs))


GROUPS = ((MIN_FINISHED_CYCLES, 20), (21, 60), (61, 200), (201, 100_000))


def told(rng: np.random.Generator) -> tuple[list[Story], History]:
    """A provider's stories so far, long enough to be forecast."""
    while True:
        world, age = World.some(rng), int(10 ** rng.uniform(1.6, 2.9))
        confirmed = np.arange(-age, 0)[rng.random(age) < rng.uniform(0.15, 1)]
        stories = [story(world, rng, int(start)) for start in confirmed]
        history = history_of(stories)
        if len(history.cycles) >= MIN_FINISHED_CYCLES:
            return stories, history


def honesty(worlds: int, runs: int, seed: int) -> None:
    """Print how often the truth fell below the percentiles, by the length of the history and the horizon."""
    found = {(group, weeks, p): Coverage() for group in (*GROUPS, None) for weeks in HORIZONS for p in (50, 85)}
    rng = np.random.default_rng(seed)
    for number in range(worlds):
        stories, history = told(rng)
        forecast = simulate(history, open_work_of(stories), now=NOW, seed=number, runs=runs)
        assert isinstance(forecast, Forecast)
        group = next(g for g in GROUPS if g[0] <= len(history.cycles) <= g[1])
        cash = forecast.by_week.get("USD")
        for weeks in HORIZONS if cash else ():
            came = received(stories, forecast.weeks.starts[weeks])
            share = place(came, cash.runs[:, :weeks].sum(axis=1), rng)
            for kept in (group, None):
                found[kept, weeks, 50].add(share < 0.50)
                found[kept, weeks, 85].add(share < 0.85)
    print(f"{'finished cycles':>18} {'worlds':>7} " + "".join(f"{w:>9} wk P50     P85" for w in HORIZONS))
    for group in (*GROUPS, None):
        name = "all" if group is None else f"{group[0]}–{group[1]}" if group[1] < 100_000 else f"over {group[0] - 1}"
        cells = [f"{found[group, w, 50]!s:>15} {found[group, w, 85]}" for w in HORIZONS]
        print(f"{name:>18} {found[group, HORIZONS[0], 50].n:>7} " + " ".join(cells), flush=True)


def portfolio(scopes: int, rng: np.random.Generator) -> tuple[History, OpenWork]:
    """A long history, and so many active scopes."""
    world = World.some(rng)
    stories: list[Story] = []
    while sum(any(c.accepted >= 0 for c in s.cycles) for s in stories) < scopes:
        stories.append(story(world, rng, -int(rng.integers(1, 60))))
    past = [story(world, rng, -400 + int(rng.integers(0, 200))) for _ in range(MAX_SAMPLES)]
    active = [s for s in stories if any(c.accepted >= 0 for c in s.cycles)]
    return history_of(past), open_work_of(active)


def bare_draw(history: History, work: OpenWork, runs: int) -> int:
    """The same random numbers, drawn and dropped; how many they were."""
    layout, rng = laid_out(work, TODAY), np.random.default_rng(1)
    cycles, payments = len(history.cycles[:MAX_SAMPLES]), len(history.payment_delays[:MAX_SAMPLES])
    firsts, later, histories = len(layout.scopes), len(layout.ends) - len(layout.scopes), runs // SHARING
    rng.integers(GRAIN, size=(histories, cycles))
    rng.integers(GRAIN, size=(histories, payments))
    for own in rng.spawn(histories):
        own.random((SHARING, firsts))
        own.random((SHARING, len(layout.due)))
        own.integers(cycles, size=(SHARING, later))
        own.integers(payments, size=(SHARING, len(layout.waiting)))
    a_run = (cycles + payments) // SHARING + firsts + len(layout.due) + later + len(layout.waiting)
    return runs * a_run


def cost(scopes: int, runs: int, times: int) -> None:
    """Print the medians of the simulation and of the bare draw, taken in turn."""
    history, work = portfolio(scopes, np.random.default_rng(7))
    ours, bare, numbers = [], [], 0
    for _ in range(times):
        start = time.perf_counter()
        simulate(history, work, now=NOW, seed=1, runs=runs)
        middle = time.perf_counter()
        numbers = bare_draw(history, work, runs)
        ours.append(middle - start)
        bare.append(time.perf_counter() - middle)
    full, floor = statistics.median(ours), statistics.median(bare)
    print(f"{runs:,} runs of {len(work.scopes):,} scopes, {len(work.milestones):,} milestones, {numbers:,} numbers")
    threads = simulation.THREADS
    print(
        f"simulation {full:.2f} s on {threads} threads, bare draw {floor:.2f} s: {full / floor:.2f}x (goal: at most 3)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--runs", type=int, default=4_000, help="runs a forecast when honesty is measured")
    parser.add_argument("--seed", type=int, default=20260610, help="of the worlds and their stories")
    parser.add_argument("--scopes", type=int, default=2_000)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    honesty(given.worlds, given.runs, given.seed)
    cost(given.scopes, 10_000, given.times)


if __name__ == "__main__":
    main()
