"""Quotes from a rate card: every line, what always holds, and what would fit."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ods_core.basics.errors import Invalid
from ods_core.basics.jsonio import dumps, loads
from ods_core.basics.money import Money
from ods_core.basics.quotes import (
    Adjustment,
    AdjustmentKind,
    Change,
    EstimatedDeliverable,
    FittingOption,
    Quote,
    QuoteRequest,
    quote_of,
    quote_resource,
)
from ods_core.payments.pricing import RateCard, RateCardError, Size, quote, read_rate_card, smallest_drop

CARD = """
name = "For tests"
effective_on = 2026-01-01
contingency_percent = 10
team_days_per_week = 5

[complexity]
plain = 1
hard = 1.25

[urgency]
factor = 1.2
shortest_share = 0.6

[rounding_step]
USD = 50
JPY = 1000
KWD = 0.5

[roles.engineer]
title = "Engineer"
rates = { USD = 800, JPY = 90000, KWD = 250.02 }

[roles.tester]
title = "Tester"
rates = { USD = 500, JPY = 60000, KWD = 150 }
"""

FULL = 1_000 if os.environ.get("ODS_TEST_FULL") == "1" else 0
"""How often a property is tried in a full run."""

thorough = settings(max_examples=FULL or 120, deadline=None)


@pytest.fixture
def card(tmp_path: Path) -> RateCard:
    """A card with round figures."""
    return read_rate_card(written(tmp_path, CARD))


def written(folder: Path, text: str) -> Path:
    path = folder / "card.toml"
    path.write_text(text, encoding="utf-8")
    return path


def asked(*days: dict[str, Any], **more: Any) -> QuoteRequest:
    """A request for a deliverable for each estimate: `engineer=…` and `tester=…` days."""
    estimates = ({role: Decimal(str(number)) for role, number in each.items()} for each in days)
    deliverables = tuple(EstimatedDeliverable(f"Deliverable {n}", each) for n, each in enumerate(estimates, start=1))
    return QuoteRequest(deliverables, **({"currency": "USD"} | more))


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def steps(made: Quote) -> list[tuple[str, str, str]]:
    """Kind, amount and result of each adjustment."""
    return [(a.kind.value, str(a.amount.amount), str(a.result.amount)) for a in made.adjustments]


def test_every_step_from_the_work_to_the_price_is_shown(card: RateCard) -> None:
    request = asked(
        {"engineer": 6, "tester": 2}, {"tester": 3.5}, complexity="hard", discount=Decimal(5), timeline_weeks=2
    )
    made = quote(request, card)
    assert [(x.deliverable, x.role, x.days, x.rate, x.amount) for x in made.lines] == [
        (1, "engineer", 6, usd("800"), usd("4800")),
        (1, "tester", 2, usd("500"), usd("1000")),
        (2, "tester", Decimal("3.5"), usd("500"), usd("1750")),
    ]
    assert [(d.position, d.days, d.work) for d in made.deliverables] == [
        (1, 8, usd("5800")),
        (2, Decimal("3.5"), usd("1750")),
    ]
    assert steps(made) == [
        ("contingency", "755.00", "8305.00"),
        ("complexity", "2076.25", "10381.25"),
        ("urgency", "2076.25", "12457.50"),
        ("discount", "-622.87", "11834.63"),
        ("rounding", "15.37", "11850.00"),
    ]
    assert made.adjustments[0] == Adjustment(
        AdjustmentKind.CONTINGENCY, Decimal("1.1"), usd("7550"), usd("8305"), "Contingency 10%"
    )
    assert (made.work, made.subtotal, made.price) == (usd("7550"), usd("11834.63"), usd("11850"))


def test_a_contingency_of_its_own_takes_the_place_of_the_cards(card: RateCard) -> None:
    made = quote(asked({"engineer": 5}, contingency=Decimal("12.5")), card)
    assert steps(made) == [("contingency", "500.00", "4500.00"), ("rounding", "0.00", "4500.00")]
    without = quote(asked({"engineer": 5}, contingency=Decimal(0)), card)
    assert steps(without) == [("rounding", "0.00", "4000.00")]
    assert quote(asked({"engineer": 5}, contingency=None), card).price == usd("4400")


@pytest.mark.parametrize("percent", ["-1", "100.0001", "10.00001"])
def test_a_contingency_that_cannot_be_is_refused_at_its_place(card: RateCard, percent: str) -> None:
    with pytest.raises(Invalid) as refused:
        quote(asked({"engineer": 5}, contingency=Decimal(percent)), card)
    assert [p.pointer for p in refused.value.problems] == ["/contingency"]


def test_what_changes_nothing_is_no_step(card: RateCard) -> None:
    made = quote(asked({"engineer": 5}, complexity="plain", timeline_weeks=1), card)
    assert steps(made) == [("contingency", "400.00", "4400.00"), ("rounding", "0.00", "4400.00")]


@pytest.mark.parametrize(
    ("timeline", "weeks", "urgent", "gap"),
    [(None, 5, False, 0), (9, 5, False, 0), (5, 5, False, 0), (4, 4, True, 0), (3, 3, True, 0), (1, 3, True, 2)],
)
def test_a_timeline_shorter_than_the_estimate_costs_and_has_an_end(
    card: RateCard, timeline: int | None, weeks: int, urgent: bool, gap: int
) -> None:
    """25 days of a team that does 5 a week are 5 weeks, of which 60% are the least."""
    made = quote(asked({"engineer": 25}, timeline_weeks=timeline), card)
    kinds = [a.kind for a in made.adjustments]
    assert (made.estimated_weeks, made.shortest_weeks, made.timeline_weeks) == (5, 3, weeks)
    assert (AdjustmentKind.URGENCY in kinds, made.weeks_gap, made.fits) == (urgent, gap, gap == 0)


def test_harder_work_and_a_smaller_team_take_longer(card: RateCard) -> None:
    request = asked({"engineer": 25})
    assert quote(replace(request, complexity="hard"), card).estimated_weeks == 7
    assert quote(replace(request, team_days_per_week=Decimal("2.5")), card).estimated_weeks == 10
    assert quote(replace(request, team_days_per_week=Decimal("2.5")), card).team_days_per_week == Decimal("2.5")


def test_a_budget_that_is_met_exactly_fits(card: RateCard) -> None:
    request = asked({"engineer": 5}, budget_max=Decimal(4400))
    assert (quote(request, card).fits, quote(request, card).would_fit) == (True, ())
    over = quote(replace(request, budget_max=Decimal("4399.99")), card)
    assert (over.fits, over.price_gap, over.weeks_gap) == (False, usd("0.01"), 0)


def test_over_budget_fewer_deliverables_or_more_money_would_fit(card: RateCard) -> None:
    """The third is too small to make room alone, the second is enough; what stands first is kept."""
    made = quote(asked({"engineer": 10}, {"engineer": 5}, {"engineer": 1}, budget_max=Decimal(10_000)), card)
    assert (made.price, made.price_gap) == (usd("14100"), usd("4100"))
    assert made.would_fit == (
        FittingOption(Change.FEWER_DELIVERABLES, usd("9700"), 3, (2,)),
        FittingOption(Change.MORE_MONEY, usd("14100"), 4),
    )


def test_too_short_a_timeline_asks_for_the_fewest_weeks_that_the_budget_allows(card: RateCard) -> None:
    request = asked({"engineer": 25}, timeline_weeks=2, budget_max=Decimal(26_400))
    hurried = FittingOption(Change.MORE_WEEKS, usd("26400"), 3)
    assert quote(request, card).would_fit == (hurried,)
    calm = FittingOption(Change.MORE_WEEKS, usd("22000"), 5)
    assert quote(replace(request, budget_max=Decimal(26_399)), card).would_fit == (calm,)
    both = FittingOption(Change.MORE_WEEKS_AND_MONEY, usd("22000"), 5)
    assert quote(replace(request, budget_max=Decimal(21_999)), card).would_fit == (both,)


def test_over_budget_for_haste_more_weeks_would_fit_too(card: RateCard) -> None:
    made = quote(asked({"engineer": 25}, timeline_weeks=4, budget_max=Decimal(22_000)), card)
    assert made.would_fit == (
        FittingOption(Change.MORE_MONEY, usd("26400"), 4),
        FittingOption(Change.MORE_WEEKS, usd("22000"), 5),
    )


def test_nothing_lasts_longer_than_a_scope_may(card: RateCard) -> None:
    """500 days at 4 a week are 125 weeks: within the 104 of a scope it is urgent, at 2 a week it never fits."""
    hurried = quote(asked({"engineer": 500}, team_days_per_week=Decimal(4)), card)
    assert (hurried.estimated_weeks, hurried.timeline_weeks, hurried.fits) == (125, 104, True)
    never = quote(asked({"engineer": 500}, {"tester": 1}, team_days_per_week=Decimal(2)), card)
    assert (never.weeks_gap, [o.change for o in never.would_fit]) == (47, [Change.FEWER_DELIVERABLES])
    assert never.would_fit[0].drop == (1,)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"currency": "EUR"}, "/currency"),
        ({"currency": "usd"}, "/currency"),
        ({"complexity": "easy"}, "/complexity"),
        ({"discount": Decimal("-0.01")}, "/discount"),
        ({"discount": Decimal("100.01")}, "/discount"),
        ({"discount": Decimal("1.00001")}, "/discount"),
        ({"discount": Decimal(100)}, "/discount"),
        ({"budget_max": Decimal(0)}, "/budget_max"),
        ({"budget_max": Decimal("1.001")}, "/budget_max"),
        ({"budget_max": Decimal("1." + 40 * "0" + "1")}, "/budget_max"),
        ({"timeline_weeks": 0}, "/timeline_weeks"),
        ({"timeline_weeks": 105}, "/timeline_weeks"),
        ({"team_days_per_week": Decimal(0)}, "/team_days_per_week"),
        ({"team_days_per_week": Decimal("0.3")}, "/team_days_per_week"),
        ({"deliverables": ()}, "/deliverables"),
        ({"deliverables": (EstimatedDeliverable("One", {"tester": Decimal(1)}),) * 41}, "/deliverables"),
        ({"deliverables": (EstimatedDeliverable(" ", {"tester": Decimal(1)}),)}, "/deliverables/0/title"),
        ({"deliverables": (EstimatedDeliverable("One", {}),)}, "/deliverables/0/days"),
        ({"deliverables": (EstimatedDeliverable("One", {"a/b": Decimal(1)}),)}, "/deliverables/0/days/a~1b"),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_place(card: RateCard, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        quote(replace(asked({"engineer": 5}), **changes), card)
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]


@pytest.mark.parametrize(
    "days", ["0", "-1", "0.2", "500.25", "1E+999999999", "1E-999999999", "1.0000000000000000000000000000000001"]
)
def test_days_come_in_quarters(card: RateCard, days: str) -> None:
    deliverable = EstimatedDeliverable("One", {"engineer": Decimal(1), "tester": Decimal(days)})
    with pytest.raises(Invalid) as refusal:
        quote(replace(asked(), deliverables=(deliverable,)), card)
    assert [problem.pointer for problem in refusal.value.problems] == ["/deliverables/0/days/tester"]


def test_all_that_is_wrong_is_said_at_once(card: RateCard) -> None:
    with pytest.raises(Invalid) as refusal:
        quote(asked({"painter": 1}, {"tester": 0}, currency="XXX", timeline_weeks=0, discount=Decimal(101)), card)
    assert [problem.pointer for problem in refusal.value.problems] == [
        "/currency",
        "/discount",
        "/timeline_weeks",
        "/deliverables/0/days/painter",
        "/deliverables/1/days/tester",
    ]


def test_a_price_beyond_what_a_scope_can_have_is_refused(tmp_path: Path) -> None:
    card = read_rate_card(written(tmp_path, CARD.replace("JPY = 90000", "JPY = 90000000")))
    with pytest.raises(Invalid) as refusal:
        quote(asked(*[{"engineer": 500}] * 40, currency="JPY"), card)
    assert [problem.pointer for problem in refusal.value.problems] == ["/deliverables"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("USD = 800", "USD = 800.02", "roles.engineer.rates.USD: expected a day rate of which a quarter"),
        ("USD = 800", "USD = 0", "roles.engineer.rates.USD: expected a day rate above 0"),
        ("USD = 800", "USD = inf", "roles.engineer.rates.USD: "),
        ("USD = 800", 'USD = "800"', "roles.engineer.rates.USD: expected a number"),
        ("USD = 800, ", "", "roles.engineer.rates: expected a rate in USD"),
        ("USD = 800", "USD = 800, EUR = 700", "roles.engineer.rates.EUR: expected a rounding step for EUR"),
        ('title = "Tester"', "", "roles.tester.title: "),
        ("JPY = 1000", "JPY = 0.5", "rounding_step.JPY: expected at most 0 decimals"),
        ("USD = 50\n", "USD = 0\n", "rounding_step.USD: expected an amount above 0"),
        ("USD = 50\n", "USD = 50\nUSX = 1\n", "rounding_step.USX: expected an ISO 4217"),
        ("contingency_percent = 10", "contingency_percent = -1", "contingency_percent: "),
        ("hard = 1.25", "hard = 0.9", "complexity.hard: "),
        ("factor = 1.2", "factor = true", "urgency.factor: expected a number"),
        ("shortest_share = 0.6", "shortest_share = 1.1", "urgency.shortest_share: "),
        ("effective_on = 2026-01-01", "effective_on = 20260101", "effective_on: "),
        ('name = "For tests"', 'name = "For tests"\ncolour = "red"', "colour: "),
        ("[urgency]", "[urgency", "is not TOML"),
    ],
)
def test_a_card_that_cannot_be_right_names_the_place(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert old in CARD
    with pytest.raises(RateCardError) as refusal:
        read_rate_card(written(tmp_path, CARD.replace(old, new)))
    assert refusal.value.detail.startswith("card.toml")
    assert place in refusal.value.detail


def test_a_card_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RateCardError, match=r"none\.toml cannot be read: No such file"):
        read_rate_card(tmp_path / "none.toml")


SHIPPED = read_rate_card()

quarters = st.integers(1, 120).map(lambda n: Decimal(n) / 4)
estimates = st.dictionaries(st.sampled_from(sorted(SHIPPED.roles)), quarters, min_size=1, max_size=3)
requests = st.builds(
    QuoteRequest,
    deliverables=st.lists(st.builds(EstimatedDeliverable, st.just("Part"), estimates), min_size=1, max_size=6).map(
        tuple
    ),
    currency=st.sampled_from(SHIPPED.currencies),
    complexity=st.sampled_from([None, *SHIPPED.complexity]),
    discount=st.integers(0, 9_999).map(lambda n: Decimal(n) / 100),
    timeline_weeks=st.none() | st.integers(1, 30),
    team_days_per_week=st.none() | st.integers(20, 120).map(lambda n: Decimal(n) / 4),
)


@given(requests)
@thorough
def test_the_lines_sum_to_the_price(request: QuoteRequest) -> None:
    """Work, adjustments and rounding, in every currency of the card; each step starts where the last one ended."""
    made = quote(request, SHIPPED)
    step = SHIPPED.rounding_step[request.currency]
    amounts = [line.amount.amount for line in made.lines] + [a.amount.amount for a in made.adjustments]
    assert sum(amounts) == made.price.amount
    assert all(line.amount.amount == line.days * line.rate.amount for line in made.lines)
    assert [a.base for a in made.adjustments] == [made.work, *(a.result for a in made.adjustments[:-1])]
    assert made.price.amount % step == 0
    assert 0 <= made.price.amount - made.subtotal.amount < step
    assert sum(d.work.amount for d in made.deliverables) == made.work.amount


@given(requests)
@thorough
def test_without_a_discount_no_price_is_below_its_work(request: QuoteRequest) -> None:
    made = quote(replace(request, discount=Decimal(0)), SHIPPED)
    assert made.price.amount >= made.subtotal.amount >= made.work.amount > 0
    assert quote(request, SHIPPED).price.amount <= made.price.amount


@given(requests, st.data())
@thorough
def test_more_days_never_cost_less_nor_take_less(request: QuoteRequest, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(request.deliverables) - 1))
    role = data.draw(st.sampled_from(sorted(SHIPPED.roles)))
    grown = dict(request.deliverables[place].days)
    grown[role] = grown.get(role, Decimal(0)) + data.draw(quarters)
    deliverables = list(request.deliverables)
    deliverables[place] = EstimatedDeliverable("Part", grown)
    less, more = quote(request, SHIPPED), quote(replace(request, deliverables=tuple(deliverables)), SHIPPED)
    assert more.price.amount >= less.price.amount
    assert more.timeline_weeks >= less.timeline_weeks


@given(requests, st.integers(1, 100))
@thorough
def test_what_would_fit_does_fit(request: QuoteRequest, percent: int) -> None:
    """Every option, quoted for itself, costs and takes what was said, and fits."""
    whole = quote(request, SHIPPED)
    step = SHIPPED.rounding_step[request.currency]
    bounded = replace(request, budget_max=max(whole.price.amount * percent // 100, step))
    made = quote(bounded, SHIPPED)
    assert bool(made.would_fit) == (not made.fits)
    for option in made.would_fit:
        again = quote(_taken(bounded, option), SHIPPED)
        assert (again.price, again.timeline_weeks, again.fits) == (option.price, option.timeline_weeks, True)


def _taken(request: QuoteRequest, option: FittingOption) -> QuoteRequest:
    if option.change == Change.FEWER_DELIVERABLES:
        kept = [d for place, d in enumerate(request.deliverables, start=1) if place not in option.drop]
        return replace(request, deliverables=tuple(kept))
    weeks = request.timeline_weeks if option.change == Change.MORE_MONEY else option.timeline_weeks
    budget = request.budget_max if option.change == Change.MORE_WEEKS else option.price.amount
    return replace(request, timeline_weeks=weeks, budget_max=budget)


@given(requests, st.integers(20, 99))
@settings(thorough, max_examples=FULL or 40)
def test_fewer_deliverables_are_as_many_as_possible(request: QuoteRequest, percent: int) -> None:
    """No set that is smaller would do, nor an equally small one that keeps what stands earlier."""
    bounded = replace(request, budget_max=quote(request, SHIPPED).price.amount * percent // 100 or Decimal(1))
    made = quote(bounded, SHIPPED)
    fewer = [o.drop for o in made.would_fit if o.change == Change.FEWER_DELIVERABLES]
    places = range(1, len(request.deliverables) + 1)
    # The latest of equally many come first: they are the ones that keep what stands early.
    candidates = [drop for n in places[:-1] for drop in reversed(list(combinations(places, n)))]
    fitting = (drop for drop in candidates if quote(_without(bounded, drop), SHIPPED).fits)
    assert fewer == ([] if made.fits else list(islice(fitting, 1)))


def _without(request: QuoteRequest, drop: tuple[int, ...]) -> QuoteRequest:
    kept = tuple(d for place, d in enumerate(request.deliverables, start=1) if place not in drop)
    return replace(request, deliverables=kept)


sizes = st.tuples(st.integers(0, 12), st.integers(0, 12))


@given(st.lists(sizes, min_size=1, max_size=7), st.lists(sizes, min_size=1, max_size=2))
@thorough
def test_the_smallest_drop_is_found_by_trying_all(things: list[Size], enough: list[Size]) -> None:
    def reached(drop: tuple[int, ...]) -> bool:
        first, second = sum(things[i][0] for i in drop), sum(things[i][1] for i in drop)
        return any(first >= a and second >= b for a, b in enough)

    places = range(len(things))
    tried = (drop for n in range(1, len(things)) for drop in reversed(list(combinations(places, n))) if reached(drop))
    assert smallest_drop(things, enough) == next(tried, None)


@given(requests)
@thorough
def test_a_quote_can_be_kept_and_read_again(request: QuoteRequest) -> None:
    """As JSON, with every digit of every amount."""
    made = quote(request, SHIPPED)
    kept = dumps(quote_resource(made))
    read = quote_of(loads(kept))
    assert read == made == quote_of(quote_resource(made)) == quote(read.request, SHIPPED)
    assert dumps(quote_resource(read)) == kept
    parts = [line.amount for line in read.lines] + [step.amount for step in read.adjustments]
    assert sum(parts, Money.from_minor(0, request.currency)) == read.price
