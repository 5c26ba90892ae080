"""The cash forecast over a store whose story is written out: eight punctual engagements, then open ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import PaymentStatus
from ods_core.forecast import Forecast, Standing, simulate
from ods_core.queries.cash import CashFilter, CashForecast, cash_forecast, named
from ods_core.queries.history import history, open_work
from ods_core.queries.payments import PaymentFilter, every, totals
from ods_core.queries.runs import CELLS, FEWEST_RUNS, MOST, RUNS, By, runs_for
from ods_core.service import Service
from tests.queries.history import RandomHistory, Teller, at, ids, pay

TERMS = "20% on confirmation net 10, 80% on final acceptance net 30"
OTHER = "ORG-26-000777"


def forecast(teller: Teller, currency: str = "USD", caller: Caller = LOCAL, **wanted: object) -> CashForecast:
    with teller.service.store.read() as connection:
        return cash_forecast(connection, caller, CashFilter(currency, **wanted), teller.clock(), 0)


def punctual(teller: Teller, count: int) -> None:
    """Engagements from 1 to 11 May, delivered, accepted and paid on their days."""
    made = [teller.running(at(5, 1), payment_terms="100% on final acceptance net 7") for _ in range(count)]
    for engagement in made:
        teller.submit(at(5, 11), *ids(engagement))
        teller.accept(at(5, 11), *ids(engagement))
    for engagement in made:
        pay(teller.service, engagement.milestones[0].id, at(5, 18))


@pytest.fixture
def known(teller: Teller) -> Engagement:
    """Eight punctual engagements, and one confirmed on 1 June, seen on 5 June: due on the 11th, planned to end then."""
    punctual(teller, 8)
    engagement = teller.running(at(6, 1), payment_terms=TERMS)
    teller.clock.move_to(at(6, 5))
    return engagement


def test_where_all_was_punctual_everything_is_forecast_on_its_day(teller: Teller, known: Engagement) -> None:
    found = forecast(teller)
    assert (found.runs, found.runs_are_limited, found.finished_cycles, found.paid_payments) == (RUNS, False, 8, 8)
    told = {bar.first: (bar.due, bar.scheduled) for bar in found.periods if bar.planned}
    assert told == {
        date(2026, 6, 8): (Decimal("3100.00"), Decimal("0.00")),
        date(2026, 7, 6): (Decimal("0.00"), Decimal("12400.00")),
    }
    for bar in found.periods:
        assert bar.comes is not None
        assert (bar.comes.p50, bar.comes.p85) == (bar.planned, bar.planned)
    last = found.periods[-1].comes
    assert last is not None
    assert (last.cumulative_p50, last.cumulative_p85) == (Decimal("15500.00"), Decimal("15500.00"))


def test_periods_are_weeks_from_monday_or_months(teller: Teller, known: Engagement) -> None:
    weeks, months = forecast(teller).periods, forecast(teller, by=By.MONTH, periods=2).periods
    assert (len(weeks), weeks[0].first, weeks[0].last) == (13, date(2026, 6, 1), date(2026, 6, 7))
    assert [(bar.key, bar.last) for bar in months] == [
        ("2026-06-01", date(2026, 6, 30)),
        ("2026-07-01", date(2026, 7, 31)),
    ]


def test_what_is_overdue_stands_apart_and_says_when_it_is_expected(teller: Teller, known: Engagement) -> None:
    teller.clock.move_to(at(6, 20))
    found = forecast(teller)
    assert found.overdue.due == Decimal("3100.00")
    assert [p.milestone.id for p in found.overdue.payments] == [known.milestones[0].id]
    first, last = found.expected(found.overdue) or (None, None)
    assert first is not None
    assert last is not None
    assert date(2026, 6, 20) <= first <= last
    assert found.bars[0] is found.overdue


def test_what_comes_after_the_horizon_stands_apart(teller: Teller, known: Engagement) -> None:
    found = forecast(teller, periods=2)
    assert found.later.scheduled == Decimal("12400.00")
    assert (found.later.comes, found.bars[-1]) == (None, found.later)


def test_seven_finished_cycles_are_too_few_and_the_plan_stands(teller: Teller) -> None:
    punctual(teller, 7)
    teller.running(at(6, 1), payment_terms=TERMS)
    found = forecast(teller)
    assert (found.runs, found.finished_cycles, found.dates) == (0, 7, {})
    assert sum((bar.planned for bar in found.periods), Decimal(0)) == Decimal("15500.00")
    assert all(bar.comes is None for bar in found.periods)


def test_the_percentiles_are_those_of_the_simulation_over_the_stores_own_history(
    service: Service, teller: Teller
) -> None:
    """Random engagements: every bar against the pure simulation, and all bars together against the totals."""
    RandomHistory(service, teller.clock, seed=11).run(engagements=24, steps=420)
    now, organizations = teller.clock(), ("ORG-26-000001", None)
    with service.store.read() as connection:
        for organization_id in organizations:
            known, work = history(connection, LOCAL, organization_id), open_work(connection, LOCAL, organization_id)
            pure = simulate(known, work, now=now, seed=7, week_count=MOST[By.WEEK], month_count=MOST[By.MONTH])
            for currency in ("USD", "JPY", "KWD"):
                found = forecast(teller, currency, organization_id=organization_id, seed=7)
                (sums,) = totals(connection, LOCAL, PaymentFilter(organization_id, currency), now, 3) or (None,)
                assert sums is None or minor_sum(found) == sums.open + sums.scheduled
                if isinstance(pure, Forecast) and currency in pure.by_week:
                    digits = Decimal(1).scaleb(-{"USD": 2, "JPY": 0, "KWD": 3}[currency])
                    cash = pure.by_week[currency]
                    told = [bar.comes and (bar.comes.p50, bar.comes.cumulative_p85) for bar in found.periods]
                    pairs = zip(cash.p50, cash.cumulative_p85, strict=True)
                    assert told == [(a * digits, b * digits) for a, b in pairs][: len(told)]
    assert isinstance(pure, Forecast)


def test_the_plan_expects_each_payment_on_the_day_that_the_schedule_does(service: Service, teller: Teller) -> None:
    RandomHistory(service, teller.clock, seed=5).run(engagements=14, steps=200)
    now, wanted = teller.clock(), PaymentFilter(statuses=(PaymentStatus.SCHEDULED,))
    with service.store.read() as connection:
        listed = {row.id: row.expected_on for row in every(connection, LOCAL, wanted, now, 4) if row.amount > 0}
        found = [cash_forecast(connection, LOCAL, CashFilter(code), now, 4) for code in ("USD", "JPY", "KWD")]
    planned = [payment for each in found for bar in each.bars for payment in bar.payments]
    assert {p.milestone.id: p.on for p in planned if p.standing == Standing.SCHEDULED} == listed
    assert len(listed) > 5


def minor_sum(found: CashForecast) -> Decimal:
    return sum((bar.planned for bar in found.bars), Decimal(0))


def test_the_same_seed_says_the_same_again_and_a_new_event_is_seen(teller: Teller, known: Engagement) -> None:
    first = forecast(teller)
    assert forecast(teller) == first
    pay(teller.service, known.milestones[0].id, at(6, 5), paid=Decimal("0.01"))
    again = forecast(teller)
    assert again.periods[1].due == Decimal("3099.99")
    assert again.periods[1].comes is not None
    assert again.periods[1].comes.p50 == Decimal("3099.99")


def test_a_currency_with_nothing_open_forecasts_nothing(teller: Teller, known: Engagement) -> None:
    found = forecast(teller, "JPY")
    assert {bar.planned for bar in found.periods} == {Decimal(0)}
    assert {bar.comes.p85 for bar in found.periods if bar.comes} == {Decimal(0)}


def test_another_organisations_money_and_history_are_not_seen(teller: Teller, known: Engagement) -> None:
    stranger = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.FINANCE}), OTHER)
    found = forecast(teller, caller=stranger)
    assert (found.finished_cycles, minor_sum(found)) == (0, Decimal(0))
    with teller.service.store.read() as connection:
        assert named(connection, stranger, [known.milestones[0].id]) == {}
        assert named(connection, LOCAL, [known.milestones[0].id])[known.milestones[0].id].description


@pytest.mark.parametrize("wanted", [{"periods": 0}, {"periods": 27}, {"by": By.MONTH, "periods": 13}, {"seed": -1}])
def test_a_horizon_or_seed_that_there_is_not_is_refused(teller: Teller, wanted: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        forecast(teller, **wanted)


def test_very_much_open_work_is_played_less_often(teller: Teller, known: Engagement) -> None:
    with teller.service.store.read() as connection:
        work = open_work(connection, LOCAL)
    assert runs_for(work) == RUNS

    def grown(cells: int) -> int:
        return runs_for(type(work)(work.scopes, work.milestones * (cells // len(work.milestones))))

    assert FEWEST_RUNS < grown(2 * CELLS // RUNS) < RUNS
    assert grown(2 * CELLS // FEWEST_RUNS) == FEWEST_RUNS
