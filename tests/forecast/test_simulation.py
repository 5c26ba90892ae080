"""Forecasts of work whose outcome can be told by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ods_core.forecast import (
    FinishedCycle,
    Forecast,
    History,
    OpenCycle,
    OpenMilestone,
    OpenScope,
    OpenWork,
    Standing,
    TooLittleHistory,
    minor_of,
    planned,
    planned_cash,
    simulate,
)
from ods_core.forecast.lottery import weights

NOW = datetime(2026, 6, 10, 9, 0, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()
PUNCTUAL = FinishedCycle(slip=0, review=0, acceptance=0, remediated=False)


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def varied(shift: int = 0, n: int = 40) -> History:
    """A history with some of everything; `shift` makes every cycle so many days later."""
    rng = np.random.default_rng(3)
    cycles = []
    for _ in range(n):
        review, sent_back = int(rng.integers(0, 6)), bool(rng.random() < 0.25)
        more = int(rng.integers(2, 12)) if sent_back else 0
        cycles.append(FinishedCycle(int(rng.integers(-3, 10)) + shift, review, review + more, sent_back))
    return History(cycles, [int(d) for d in rng.integers(-4, 15, size=n)])


def two_cycles(name: str = "1", currency: str = "USD", minor: int = 100_000) -> OpenWork:
    """A scope with two cycles, the first under way, with money on each of them, and an amount that is due."""
    scope = OpenScope(
        f"OSCOPE-26-{name}",
        [OpenCycle(day(-5), day(8), started_on=day(-5)), OpenCycle(day(9), day(22))],
    )
    return OpenWork(
        [scope],
        [
            OpenMilestone(f"PAY-26-{name}1", scope.id, currency, minor, due_on=day(2)),
            OpenMilestone(f"PAY-26-{name}2", scope.id, currency, 2 * minor, net_days=7, cycle=0),
            OpenMilestone(f"PAY-26-{name}3", scope.id, currency, 3 * minor + 1, net_days=30, cycle=1),
        ],
    )


def joined(*parts: OpenWork) -> OpenWork:
    return OpenWork([s for p in parts for s in p.scopes], [m for p in parts for m in p.milestones])


def forecast(history: History, work: OpenWork, seed: int = 1, runs: int = 500) -> Forecast:
    found = simulate(history, work, now=NOW, seed=seed, runs=runs)
    assert isinstance(found, Forecast)
    return found


def test_without_any_delay_everything_comes_exactly_as_planned() -> None:
    found = forecast(History([PUNCTUAL] * 8, [0] * 8), two_cycles())
    assert [(m.p50, m.p85) for m in found.milestones] == [(day(n), day(n)) for n in (2, 8 + 7, 22 + 30)]
    (scope,) = found.scopes
    assert (scope.p50, scope.p85, scope.planned_end, scope.on_time) == (day(22), day(22), day(22), 1.0)
    assert found.portfolio is not None
    assert (found.portfolio.p50, found.portfolio.on_time) == (day(22), 1.0)
    open_money = planned(two_cycles(), 0, NOW)
    plan, cash = planned_cash(open_money, "USD", found.weeks), found.by_week["USD"]
    assert cash.p50 == cash.p85 == tuple(minor_of(payments) for payments in plan.periods)
    assert (minor_of(open_money), plan.overdue, plan.later) == (600_001, (), ())


def test_a_steady_delay_moves_every_date_by_as_much_and_a_late_start_carries_on() -> None:
    """Three days late and two in review, each time: the second cycle begins four days late and adds five."""
    steady = FinishedCycle(slip=3, review=2, acceptance=2, remediated=False)
    found = forecast(History([steady] * 9, [4] * 3), two_cycles())
    assert [m.p50 for m in found.milestones] == [day(2 + 4), day(8 + 5 + 7 + 4), day(22 + 4 + 5 + 30 + 4)]
    assert found.scopes[0].p85 == day(22 + 4 + 5)
    assert found.scopes[0].on_time == 0.0


def test_a_slow_review_makes_the_finish_late_but_not_the_delivery() -> None:
    slow = FinishedCycle(slip=0, review=6, acceptance=6, remediated=False)
    work = OpenWork([OpenScope("OSCOPE-26-1", [OpenCycle(day(-5), day(8), day(-5))])], [])
    (scope,) = forecast(History([slow] * 8, []), work).scopes
    assert (scope.p50, scope.on_time) == (day(14), 1.0)


def test_fewer_than_eight_finished_cycles_are_too_little() -> None:
    found = simulate(History(varied().cycles[:7], [1, 2]), two_cycles(), now=NOW, seed=1)
    assert isinstance(found, TooLittleHistory)
    assert (found.finished_cycles, found.needed) == (7, 8)


def test_the_plan_needs_no_history_and_expects_what_waits_after_a_usual_review() -> None:
    plan = planned(two_cycles(), 3, NOW)
    assert minor_of(plan, Standing.DUE) == 100_000
    assert minor_of(plan, Standing.SCHEDULED) == 500_001
    assert [payment.on for payment in plan] == [day(2), day(8 + 3 + 7), day(22 + 3 + 30)]


def test_the_same_seed_gives_the_same_forecast_and_another_one_another() -> None:
    first, again, other = (forecast(varied(), two_cycles(), seed) for seed in (5, 5, 6))
    assert first.milestones == again.milestones
    assert (first.by_week["USD"].runs == again.by_week["USD"].runs).all()
    assert (first.by_week["USD"].runs != other.by_week["USD"].runs).any()


def test_every_run_pays_out_exactly_what_is_open_in_each_currency() -> None:
    work = joined(two_cycles("1"), two_cycles("2", "JPY", 12_345), two_cycles("3", "USD", 7))
    found = forecast(varied(), work, runs=700)
    for currency in ("USD", "JPY"):
        total = sum(m.minor for m in work.milestones if m.currency == currency)
        for series in (found.by_week, found.by_month):
            assert (series[currency].runs.sum(axis=1) == total).all()
        plan = planned_cash(planned(work, 0, NOW), currency, found.weeks)
        assert minor_of(plan.overdue) + sum(map(minor_of, plan.periods)) + minor_of(plan.later) == total


def test_weeks_begin_on_monday_and_what_is_overdue_can_only_come_now() -> None:
    late = OpenWork([], [OpenMilestone("PAY-26-1", "OSCOPE-26-1", "USD", 500, due_on=day(-40))])
    found = forecast(History([PUNCTUAL] * 8, []), late)
    assert found.weeks.starts[0] == date(2026, 6, 8)
    assert found.months.starts[:2] == (date(2026, 6, 1), date(2026, 7, 1))
    plan = planned_cash(planned(late, 0, NOW), "USD", found.weeks)
    assert minor_of(plan.overdue, Standing.OVERDUE) == 500
    assert not any(plan.periods)
    assert found.by_week["USD"].p50[0] == 500
    assert found.payments == 0
    assert found.portfolio is None


def test_later_deliveries_never_bring_a_date_forward() -> None:
    on_schedule = joined(*(two_cycles(str(n)) for n in range(1, 6)))
    sooner, later = (forecast(varied(shift), on_schedule) for shift in (0, 4))
    for before, after in zip(sooner.milestones, later.milestones, strict=True):
        assert before.p50 <= after.p50
        assert before.p85 <= after.p85
    assert sooner.scopes[0].p50 < later.scopes[0].p50
    early, late = sooner.by_week["USD"].cumulative_p50, later.by_week["USD"].cumulative_p50
    assert all(a >= b for a, b in zip(early, late, strict=True))


def test_what_is_late_already_draws_only_from_what_was_as_late() -> None:
    """Half of all cycles are punctual, half are nine days late; this one is three days late, so it is of the latter."""
    late = FinishedCycle(slip=9, review=0, acceptance=0, remediated=False)
    work = OpenWork([OpenScope("OSCOPE-26-1", [OpenCycle(day(-20), day(-3), day(-20))])], [])
    (scope,) = forecast(History([PUNCTUAL, late] * 20, []), work).scopes
    assert scope.p50 == scope.p85 == day(6)


def test_work_in_remediation_draws_only_from_what_was_sent_back() -> None:
    sent_back = FinishedCycle(slip=0, review=1, acceptance=12, remediated=True)
    quick = FinishedCycle(slip=0, review=1, acceptance=1, remediated=False)
    cycle = OpenCycle(day(-20), day(-4), day(-20), completed_on=day(-4), in_remediation=True)
    work = OpenWork([OpenScope("OSCOPE-26-1", [cycle])], [])
    history = History([quick, sent_back] * 20, [])
    assert forecast(history, work).scopes[0].p50 == day(8)
    in_review = OpenWork([OpenScope("OSCOPE-26-1", [replace(cycle, completed_on=TODAY, in_remediation=False)])], [])
    assert forecast(history, in_review).scopes[0].p50 <= day(12)


def test_nothing_happens_before_today() -> None:
    """Also where it took longer than anything that is known."""
    cycle = OpenCycle(day(-90), day(-80), day(-90))
    work = OpenWork(
        [OpenScope("OSCOPE-26-1", [cycle])], [OpenMilestone("PAY-26-1", "OSCOPE-26-1", "USD", 1, net_days=0, cycle=0)]
    )
    found = forecast(varied(), work)
    assert found.scopes[0].p50 >= TODAY
    assert found.milestones[0].p50 >= TODAY


def test_weights_are_those_of_kaplan_and_meier() -> None:
    """Of three under way one came to 2 at least: the values 1, 2, 3 end 1 of 4, then 1 of 3 at risk, then all."""
    share = weights(np.array([1, 2, 3], np.int32), np.array([3], np.int32))
    assert share == pytest.approx([1 / 4, 1 / 4, 1 / 2 - 0.0])
    assert weights(np.array([1, 2], np.int32), np.array([9, 9], np.int32)) == pytest.approx([1 / 4, 1 / 4])


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (OpenWork([OpenScope("OSCOPE-26-1", [])], []), "at least one cycle"),
        (OpenWork([], [OpenMilestone("PAY-26-1", "OSCOPE-26-1", "USD", 1, cycle=0)]), "not open"),
        (OpenWork([], [OpenMilestone("PAY-26-1", "OSCOPE-26-1", "USD", 2**53, due_on=TODAY)]), "exactly"),
    ],
)
def test_work_that_does_not_fit_together_is_refused(work: OpenWork, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        simulate(varied(), work, now=NOW, seed=1, runs=10)


def test_a_milestone_is_either_due_or_waits() -> None:
    with pytest.raises(ValueError, match="either"):
        OpenMilestone("PAY-26-1", "OSCOPE-26-1", "USD", 1)
