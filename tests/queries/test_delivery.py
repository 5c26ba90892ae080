"""The delivery forecast over a store whose story is written out: eight punctual engagements, then open ones."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.forecast import DATED_RUNS, Forecast
from ods_core.queries.delivery import (
    DeliveryForecast,
    ScopeForecast,
    delivery_forecast,
    delivery_forecast_resource,
    scope_forecast,
    scope_forecast_resource,
)
from ods_core.queries.outcomes import OutcomeFilter
from ods_core.queries.runs import SEED, simulated
from ods_core.service import Service
from tests.queries.history import RandomHistory, Teller, at, ids

OTHER = "ORG-26-000777"


def portfolio(teller: Teller, caller: Caller = LOCAL, **wanted: Any) -> DeliveryForecast:
    with teller.service.store.read() as connection:
        return delivery_forecast(connection, caller, OutcomeFilter(**wanted), teller.clock())


def forecast(teller: Teller, scope_id: str, caller: Caller = LOCAL) -> ScopeForecast:
    with teller.service.store.read() as connection:
        return scope_forecast(connection, caller, scope_id, teller.clock())


def punctual(teller: Teller, count: int) -> None:
    """Engagements from 1 to 11 May, delivered and accepted on their days."""
    for engagement in [teller.running(at(5, 1)) for _ in range(count)]:
        teller.submit(at(5, 11), *ids(engagement))
        teller.accept(at(5, 11), *ids(engagement))


@pytest.fixture
def known(teller: Teller) -> list[Engagement]:
    """Eight punctual engagements; two more, begun on 1 and 3 June for ten days, seen on 5 June."""
    punctual(teller, 8)
    made = [teller.running(at(6, 1)), teller.running(at(6, 3), organization_id=OTHER)]
    teller.clock.move_to(at(6, 5))
    return made


def scope_id(engagement: Engagement) -> str:
    return engagement.scopes[-1].id


def test_where_all_was_punctual_every_scope_is_finished_at_its_planned_end(
    teller: Teller, known: list[Engagement]
) -> None:
    found = portfolio(teller)
    assert (found.runs, found.finished_cycles, found.active) == (DATED_RUNS, 8, 2)
    finishes = {one.scope_id: one.finish for one in found.scopes}
    ends = {scope_id(known[0]): date(2026, 6, 11), scope_id(known[1]): date(2026, 6, 13)}
    assert {id: (f.p50, f.p85, f.planned_end, f.on_time) for id, f in finishes.items()} == {
        id: (end, end, end, 1.0) for id, end in ends.items()
    }
    assert found.portfolio is not None
    assert (found.portfolio.p50, found.portfolio.p85, found.portfolio.on_time) == (
        date(2026, 6, 13),
        date(2026, 6, 13),
        1.0,
    )


def test_a_filter_names_scopes_and_leaves_what_is_known_of_the_past_alone(
    teller: Teller, known: list[Engagement]
) -> None:
    """The other organisation has finished nothing; its scope is forecast from what everybody finished."""
    found = portfolio(teller, organization_id=OTHER)
    assert [one.scope_id for one in found.scopes] == [scope_id(known[1])]
    assert (found.active, found.finished_cycles) == (1, 8)
    earlier = portfolio(teller, organization_id=known[0].request.organization_id).portfolio
    assert earlier is not None
    assert earlier.p85 == date(2026, 6, 11), "that of its own scope, not of all"
    assert portfolio(teller, currency="JPY").portfolio is None


def test_a_scope_that_is_past_its_end_cannot_be_on_time(teller: Teller, known: list[Engagement]) -> None:
    teller.clock.move_to(at(6, 12))
    late, other = portfolio(teller).scopes
    assert late.scope_id == scope_id(known[0]), "the likeliest to be late stands first"
    assert late.finish.on_time == 0.0
    assert late.finish.p50 >= date(2026, 6, 12)
    assert other.finish.on_time > 0.5


def test_seven_finished_cycles_are_too_few_for_any_number(teller: Teller) -> None:
    punctual(teller, 7)
    id = scope_id(teller.running(at(6, 1)))
    found, one = portfolio(teller), forecast(teller, id)
    assert (found.runs, found.finished_cycles, found.active) == (0, 7, 1)
    assert (found.portfolio, found.scopes, one.finish) == (None, [], None)
    told = delivery_forecast_resource(found)
    assert (told["p50"], told["p85"], told["on_time"], told["finished_cycles_needed"]) == (None, None, None, 8)


def test_a_scope_has_one_forecast_wherever_it_is_asked_for(teller: Teller, known: list[Engagement]) -> None:
    for one in portfolio(teller).scopes:
        assert forecast(teller, one.scope_id).finish == one.finish
        assert scope_forecast_resource(one.scope_id, forecast(teller, one.scope_id))["p85"] == one.finish.p85


def test_a_finished_scope_has_no_forecast(teller: Teller, known: list[Engagement]) -> None:
    teller.submit(at(6, 9), *ids(known[0]))
    teller.accept(at(6, 10), *ids(known[0]))
    assert forecast(teller, scope_id(known[0])).finish is None
    assert [one.scope_id for one in portfolio(teller).scopes] == [scope_id(known[1])]


def test_a_caller_of_one_organisation_is_forecast_from_what_it_sees(teller: Teller, known: list[Engagement]) -> None:
    someone = Caller(Actor(ActorKind.KEY, "key"), frozenset({Role.VIEWER}), organization_id=OTHER)
    found = portfolio(teller, someone)
    assert (found.finished_cycles, found.active, found.portfolio) == (0, 1, None)


def test_the_portfolio_is_the_latest_of_its_scopes_run_by_run(service: Service, teller: Teller) -> None:
    """Random engagements: for every single scope and for all, against the runs themselves."""
    RandomHistory(service, teller.clock, seed=11).run(engagements=24, steps=420)
    with service.store.read() as connection:
        found = simulated(connection, LOCAL, None, teller.clock(), SEED)
    assert isinstance(found, Forecast)
    assert len(found.scopes) > 2
    for row, finish in zip(found.finishes, found.scopes, strict=True):
        alone = found.portfolio_of({finish.id})
        assert alone is not None
        assert (alone.p50, alone.p85, alone.on_time) == (finish.p50, finish.p85, finish.on_time)
        assert (row <= (finish.p85 - found.today).days).mean() >= 0.85
    assert found.portfolio_of({finish.id for finish in found.scopes}) == found.portfolio
    assert found.portfolio is not None
    assert found.portfolio.p85 >= max(finish.p85 for finish in found.scopes)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(teller: Teller, seed: int) -> None:
    with teller.service.store.read() as connection, pytest.raises(Invalid) as refused:
        delivery_forecast(connection, LOCAL, OutcomeFilter(), teller.clock(), seed)
    assert refused.value.problems[0].pointer == "/seed"
