"""An estimate becomes a quote that is kept with the scope, for the provider to read and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import DoesNotFit, Invalid
from ods_core.basics.jsonio import dumps
from ods_core.basics.money import Money
from ods_core.basics.quotes import Quote
from ods_core.basics.records import Scope
from ods_core.basics.resources import resource, scope_quote
from ods_core.basics.roles import PERSONAS, Caller
from ods_core.basics.states import Kind
from ods_core.lifecycle import Decline, Estimate, EstimatedWork, Propose, Reissue, SubmitRequest
from ods_core.payments import quote, read_rate_card
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.lists import engagement_of
from ods_core.service import Service
from ods_core.store import Store
from tests.databases import memory_url
from tests.seed import CLIENT, PROVIDER, SUBMITTED, seed_estimate, seed_proposal, seed_request

CARD = read_rate_card()


def proposed(service: Service, command: Propose, request: SubmitRequest | None = None) -> Scope:
    request_id = service.submit_request(CLIENT, request or seed_request()).subject_id
    return service.propose(PROVIDER, request_id, command).engagement.scopes[-1]


def kept(store: Store, scope_id: str) -> Scope:
    """The scope as the database has it."""
    with store.read() as connection:
        return engagement_of(connection, PROVIDER, Kind.SCOPE, scope_id).scope(scope_id)


def quoted(scope: Scope) -> Quote:
    assert scope.quote is not None
    return scope.quote


def test_the_service_makes_the_quote_anew_and_keeps_every_line_of_it(service: Service, store: Store) -> None:
    scope = proposed(service, seed_proposal(estimate=seed_estimate()))
    made = quoted(kept(store, scope.id))
    assert made == scope.quote
    assert made.price == Money(Decimal(15500), "USD")
    assert [d.title for d in made.deliverables] == [d.title for d in seed_proposal().deliverables]
    assert [(x.deliverable, x.role, str(x.days), str(x.amount.amount)) for x in made.lines] == [
        (1, "engineer", "6", "4200.00"),
        (1, "lead_engineer", "3", "2820.00"),
        (2, "engineer", "2", "1400.00"),
        (2, "tester", "5.5", "3080.00"),
        (3, "engineer", "2.5", "1750.00"),
        (3, "delivery_manager", "1", "800.00"),
    ]
    assert (made.card_name, made.card_effective_on) == (CARD.name, CARD.effective_on)
    assert (made.request.budget_max, made.request.timeline_weeks) == (Decimal(18000), 3), "the request's own bounds"
    assert made.fits


def test_a_kept_quote_can_be_made_again_from_itself(service: Service, store: Store) -> None:
    given = seed_estimate(complexity="demanding", discount=Decimal("12.5"), contingency=Decimal("7.25"))
    scope = proposed(service, seed_proposal(estimate=given, fixed_price=Decimal(15000)))
    made = quoted(kept(store, scope.id))
    assert quote(made.request, CARD) == made


def test_a_proposal_without_an_estimate_has_no_quote(service: Service, store: Store) -> None:
    scope = kept(store, proposed(service, seed_proposal()).id)
    assert scope.quote is None
    assert scope_quote(scope) is None


@pytest.mark.parametrize(("price", "adjusted"), [("15500", "0.00"), ("15000", "-500.00"), ("15999.99", "499.99")])
def test_a_person_may_round_the_price_and_the_difference_is_shown(
    service: Service, store: Store, price: str, adjusted: str
) -> None:
    scope = kept(store, proposed(service, seed_proposal(estimate=seed_estimate(), fixed_price=Decimal(price))).id)
    shown = scope_quote(scope)
    assert shown is not None
    assert (str(shown["price"]), str(shown["adjusted_by"])) == ("15500.00", adjusted)
    assert shown["price"] + shown["adjusted_by"] == scope.fixed_price


def test_a_quote_over_budget_is_kept_with_what_would_fit_and_the_proposal_is_judged_by_its_own_price(
    service: Service,
) -> None:
    tight = seed_request(budget_max=Decimal(15000))
    scope = proposed(service, seed_proposal(estimate=seed_estimate(), fixed_price=Decimal(15000)), tight)
    made = quoted(scope)
    assert not made.fits
    assert (str(made.price_gap.amount), bool(made.would_fit)) == ("500.00", True)
    with pytest.raises(DoesNotFit):
        proposed(service, seed_proposal(estimate=seed_estimate()), tight)


def test_a_reissue_carries_the_quote_along(service: Service, store: Store, clock: MovingClock) -> None:
    first = proposed(service, seed_proposal(estimate=seed_estimate(), fixed_price=Decimal(15450)))
    clock.move_to(SUBMITTED + timedelta(days=20))
    again = service.reissue(PROVIDER, first.id, Reissue()).engagement.scopes[-1]
    assert again.id != first.id
    assert kept(store, again.id).quote == first.quote
    assert (scope_quote(again) or {})["adjusted_by"] == Decimal("-50.00")


SECRETS = ("lead_engineer", "rate_card", "contingency", "adjusted_by", "team_days_per_week")


def test_no_event_tells_how_the_price_came_about(service: Service, store: Store, clock: MovingClock) -> None:
    first = proposed(service, seed_proposal(estimate=seed_estimate()))
    clock.move_to(SUBMITTED + timedelta(days=20))
    again = service.reissue(PROVIDER, first.id, Reissue()).engagement.scopes[-1]
    service.decline(CLIENT, again.id, Decline("Another cycle."))
    for caller in (CLIENT, PROVIDER):
        with store.read() as connection:
            events = feed(connection, caller, EventFilter(), limit=100).events
        assert any(e.data.get("scope") for e in events), "the proposal itself is told"
        text = dumps([e.as_json() for e in events]).decode()
        assert [word for word in (*SECRETS, "quote") if word in text] == []


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: p.key)
def test_only_the_providers_side_sees_the_calculation(service: Service, persona: Any) -> None:
    command = seed_proposal(estimate=seed_estimate())
    result = service.propose(PROVIDER, service.submit_request(CLIENT, seed_request()).subject_id, command)
    shown = result.resource(Caller(CLIENT.actor, persona.roles))
    assert ("quote" in shown) == (persona.key in ("provider", "administrator"))
    rest = {name: value for name, value in shown.items() if name != "quote"}
    assert rest == result.resource() == resource(result.engagement, Kind.SCOPE, result.subject_id, SUBMITTED, 3)
    assert [word for word in SECRETS if word in json.dumps(rest, default=str)] == []


def work(*keys: str, **days: str) -> tuple[EstimatedWork, ...]:
    return tuple(EstimatedWork(key, {role: Decimal(number) for role, number in days.items()}) for key in keys)


ALL = work("fix", "suite", "deploy", engineer="1")


@pytest.mark.parametrize(
    ("estimate", "pointers"),
    [
        (Estimate(ALL[:2]), ["/quote/deliverables"]),
        (Estimate((*ALL, *work("docs", engineer="1"))), ["/quote/deliverables/3/key"]),
        (Estimate((*ALL, ALL[0])), ["/quote/deliverables/3/key"]),
        (Estimate((ALL[2], *work("fix", wizard="1"), ALL[1])), ["/quote/deliverables/1/days/wizard"]),
        (Estimate((*work("suite", tester="-1"), ALL[0], ALL[2])), ["/quote/deliverables/0/days/tester"]),
        (Estimate((*work("suite", tester="0.3"), ALL[0], ALL[2])), ["/quote/deliverables/0/days/tester"]),
        (Estimate((EstimatedWork("deploy", {}), *ALL[:2])), ["/quote/deliverables/0/days"]),
        (Estimate(ALL, contingency=Decimal(-1), complexity="easy"), ["/quote/contingency", "/quote/complexity"]),
        (Estimate(ALL, discount=Decimal(100)), ["/quote/discount"]),
        (Estimate(ALL, team_days_per_week=Decimal(0)), ["/quote/team_days_per_week"]),
    ],
)
def test_an_estimate_that_cannot_be_is_refused_at_its_place_in_the_proposal(
    service: Service, store: Store, estimate: Estimate, pointers: list[str]
) -> None:
    request_id = service.submit_request(CLIENT, seed_request()).subject_id
    before = store.last_sequence
    with pytest.raises(Invalid) as refused:
        service.propose(PROVIDER, request_id, seed_proposal(estimate=estimate))
    assert sorted(p.pointer for p in refused.value.problems) == sorted(pointers)
    assert store.last_sequence == before


def test_a_currency_without_rates_is_refused_where_the_proposal_names_it(service: Service) -> None:
    request_id = service.submit_request(CLIENT, seed_request(currency="CHF")).subject_id
    with pytest.raises(Invalid) as refused:
        service.propose(PROVIDER, request_id, seed_proposal(currency="CHF", estimate=seed_estimate()))
    assert [p.pointer for p in refused.value.problems] == ["/currency"]


def test_problems_of_estimate_terms_and_titles_come_together_and_once(service: Service) -> None:
    request_id = service.submit_request(CLIENT, seed_request()).subject_id
    plain = seed_proposal(estimate=Estimate(ALL, discount=Decimal(-1)), payment_terms="half now")
    fix, *rest = plain.deliverables
    with pytest.raises(Invalid) as refused:
        service.propose(PROVIDER, request_id, replace(plain, deliverables=(replace(fix, title=" "), *rest)))
    assert sorted({p.pointer for p in refused.value.problems}) == [
        "/deliverables/0/title",
        "/payment_terms",
        "/quote/discount",
    ]


quarters = st.integers(1, 80).map(lambda n: Decimal(n) / 4)
estimates = st.builds(
    Estimate,
    deliverables=st.tuples(
        *(
            st.builds(
                EstimatedWork,
                key=st.just(key),
                days=st.dictionaries(st.sampled_from(sorted(CARD.roles)), quarters, min_size=1),
            )
            for key in ("fix", "suite", "deploy")
        )
    ),
    contingency=st.none() | st.integers(0, 10_000).map(lambda n: Decimal(n) / 100),
    complexity=st.sampled_from([None, *CARD.complexity]),
    discount=st.integers(0, 9_900).map(lambda n: Decimal(n) / 100),
    team_days_per_week=st.none() | quarters,
)


@pytest.fixture(scope="module")
def lasting() -> Iterator[Store]:
    """One database for all the examples of a property."""
    opened = Store(memory_url(), MovingClock(SUBMITTED))
    yield opened
    opened.close()


@given(estimates, st.sampled_from(CARD.currencies), st.none() | st.integers(1, 104))
@settings(max_examples=60, deadline=None)
def test_every_kept_quote_adds_up_to_its_price(
    lasting: Store, estimate: Estimate, currency: str, weeks: int | None
) -> None:
    service = Service(lasting, MovingClock(SUBMITTED))
    asked = seed_request(currency=currency, budget_max=None, timeline_weeks=weeks)
    offered = seed_proposal(estimate=estimate, currency=currency, fixed_price=Decimal(15500), timeline_weeks=1)
    made = quoted(kept(lasting, proposed(service, offered, asked).id))
    parts = [line.amount for line in made.lines] + [step.amount for step in made.adjustments]
    assert sum(parts, Money.from_minor(0, currency)) == made.price
    assert made.work == sum((d.work for d in made.deliverables), Money.from_minor(0, currency))
    assert quote(made.request, CARD) == made
