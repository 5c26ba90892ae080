"""From terms to milestones: the amounts, the words for them, and what does not suit a scope."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest

from ods_core.basics.money import Money, currencies, exponent
from ods_core.basics.records import PlannedMilestone
from ods_core.basics.states import PaymentKind
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.payments import (
    AcrossCycles,
    Clause,
    Fixed,
    Percent,
    PerCycle,
    Remainder,
    Terms,
    TermsError,
    TermsProblem,
    parse_terms,
    schedule,
)

Unmark = Callable[[str], tuple[str, list[tuple[int, int]]]]

CONFIRMATION = Trigger(TriggerKind.CONFIRMATION)
FINAL = Trigger(TriggerKind.FINAL_ACCEPTANCE)


def plan(
    text: str, price: str = "15500.00 USD", cycles: int = 1, deliverables: int = 3
) -> tuple[PlannedMilestone, ...]:
    amount, currency = price.split()
    money = Money.parse(amount, currency)
    return schedule(parse_terms(text), money, cycles=cycles, deliverables=deliverables)


def amounts(milestones: tuple[PlannedMilestone, ...]) -> list[str]:
    return [str(milestone.amount) for milestone in milestones]


def problems(text: str, price: str, cycles: int) -> tuple[TermsProblem, ...]:
    with pytest.raises(TermsError) as caught:
        plan(text, price, cycles)
    return caught.value.problems


@pytest.mark.parametrize(
    ("terms", "price", "cycles", "expected"),
    [
        ("50% on confirmation, 50% on final acceptance", "15500 USD", 1, "7750.00 7750.00"),
        ("100% on final acceptance net 30", "15500 USD", 2, "15500.00"),
        (
            "30% upfront, 40% on acceptance of cycle 1 and 30% on final acceptance",
            "15500 USD",
            2,
            "4650.00 6200.00 4650.00",
        ),
        ("$5,000 deposit, remainder on final acceptance", "15500 USD", 1, "5000.00 10500.00"),
        (
            "20% on confirmation; 60% split across cycles; 20% on completion",
            "100.00 USD",
            7,
            "20.00 8.58 8.57 8.57 8.57 8.57 8.57 8.57 20.00",
        ),
        (
            "33.33% on confirmation, 33.33% on cycle 1 acceptance, 33.34% on final acceptance",
            "100 JPY",
            2,
            "33 33 34",
        ),
        ("25% per cycle", "15500 USD", 4, "3875.00 3875.00 3875.00 3875.00"),
        # Shares of every kind, in one another's company.
        ("USD 5,000.00 on signing, rest on delivery", "15500 USD", 1, "5000.00 10500.00"),
        ("15,500.00 USD upfront", "15500 USD", 1, "15500.00"),
        ("$15,499.99 upfront; balance on completion", "15500 USD", 1, "15499.99 0.01"),
        ("10% upfront, $50 per cycle, rest on delivery", "500 USD", 3, "50.00 50.00 50.00 50.00 300.00"),
        ("rest per cycle", "15500 USD", 1, "15500.00"),
        ("rest across cycles, 10% on completion", "100 USD", 4, "22.50 22.50 22.50 22.50 10.00"),
        ("100% across cycles", "100 USD", 3, "33.34 33.33 33.33"),
        ("$100 split across cycles", "100 USD", 3, "33.34 33.33 33.33"),
        ("50% per cycle", "0.01 USD", 2, "0.01 0.00"),
        ("12.5% per cycle", "100 JPY", 8, "13 13 13 13 12 12 12 12"),
        ("50% on acceptance of deliverable 1 and 50% on deliverable 3 acceptance", "15 USD", 1, "7.50 7.50"),
        ("1% upfront, 99% on delivery", "3 JPY", 1, "0 3"),
        ("33% upfront, 33% upfront, 34% upfront", "1 JPY", 1, "0 0 1"),
        ("50% upfront, 50% on delivery", "1 JPY", 1, "1 0"),
        ("KWD 0.125 deposit, remainder per cycle", "1.250 KWD", 1, "0.125 1.125"),
        ("33.333% upfront, 66.667% on delivery", "1.0001 CLF", 1, "0.3334 0.6667"),
        ("¥33 upfront, rest on delivery", "100 JPY", 1, "33 67"),
        ("CA$5 upfront, $5 on delivery, 5 CAD after cycle 1", "15 CAD", 1, "5.00 5.00 5.00"),
        ("$5 upfront, rest on delivery", "15 SGD", 1, "5.00 10.00"),
        ("5000 ALL upfront, rest on delivery", "15000 ALL", 1, "5000.00 10000.00"),
        ("100% upfront", "999999999999999999.99 USD", 1, "999999999999999999.99"),
        ("0.000000000001% upfront, rest on delivery", "100 USD", 1, "0.00 100.00"),
    ],
)  # fmt: skip
def test_terms_give_exactly_these_amounts(terms: str, price: str, cycles: int, expected: str) -> None:
    milestones = plan(terms, price, cycles)
    assert amounts(milestones) == expected.split()
    assert [milestone.position for milestone in milestones] == list(range(1, len(milestones) + 1))
    assert {milestone.currency for milestone in milestones} == {price.split()[1]}


def test_a_milestone_has_all_that_is_known_of_it() -> None:
    first, second, third = plan("30% upfront net 0, 40% after cycle 2, rest on delivery net 30", cycles=2)
    upfront, milestone, final = PaymentKind
    cycle_2 = Trigger(TriggerKind.CYCLE_ACCEPTANCE, 2)
    named = "30% upfront on scope confirmation", "40% on acceptance of cycle 2", "Remainder on final acceptance"
    assert first == PlannedMilestone(1, upfront, CONFIRMATION, Decimal("4650.00"), "USD", 0, named[0])
    assert second == PlannedMilestone(2, milestone, cycle_2, Decimal("6200.00"), "USD", 7, named[1])
    assert third == PlannedMilestone(3, final, FINAL, Decimal("4650.00"), "USD", 30, named[2])


@pytest.mark.parametrize(
    ("terms", "cycles", "descriptions"),
    [
        (
            "50% on confirmation, 50% on final acceptance",
            1,
            ["50% upfront on scope confirmation", "50% on final acceptance"],
        ),
        (
            "$5,000 deposit, remainder on completion",
            1,
            ["$5,000.00 upfront on scope confirmation", "Remainder on final acceptance"],
        ),
        (
            "40% after cycle 1, 60% on delivery",
            2,
            ["40% on acceptance of cycle 1", "60% on final acceptance"],
        ),
        (
            "25% on acceptance of deliverable 2, 75.00% upfront",
            1,
            ["25% on acceptance of deliverable 2", "75% upfront on scope confirmation"],
        ),
        ("50% per cycle", 2, ["50% on acceptance of cycle 1", "50% on acceptance of cycle 2"]),
        (
            "33.330% upfront; rest across cycles",
            2,
            [
                "33.33% upfront on scope confirmation",
                "Remainder split across cycles, cycle 1 of 2",
                "Remainder split across cycles, cycle 2 of 2",
            ],
        ),
        ("USD 15500 across cycles", 1, ["$15,500.00 split across cycles, cycle 1 of 1"]),
    ],
)
def test_milestones_are_described_in_words(terms: str, cycles: int, descriptions: list[str]) -> None:
    assert [milestone.description for milestone in plan(terms, cycles=cycles)] == descriptions


def test_the_seventh_part_of_a_share_says_which_it_is() -> None:
    milestones = plan("40% upfront, 60% across cycles", "100 USD", cycles=7)
    assert milestones[3].description == "60% split across cycles, cycle 3 of 7"


def test_unfolded_clauses_stand_in_cycle_order_where_the_clause_stood() -> None:
    milestones = plan("10% on delivery, 20% per cycle net 3, 40% across cycles, rest upfront", cycles=2)
    found = [(each.trigger.kind.value, each.trigger.number, each.net_days) for each in milestones]
    assert found == [
        ("final_acceptance", None, 7),
        ("cycle_acceptance", 1, 3),
        ("cycle_acceptance", 2, 3),
        ("cycle_acceptance", 1, 7),
        ("cycle_acceptance", 2, 7),
        ("confirmation", None, 7),
    ]


def test_a_part_of_nothing_is_kept() -> None:
    """A price with fewer minor units than clauses leaves some with nothing; they stay, to be seen."""
    milestones = plan("50% upfront, 50% across cycles", "3 JPY", cycles=4)
    assert amounts(milestones) == ["2", "1", "0", "0", "0"]


@pytest.mark.parametrize(
    ("sentence", "price", "cycles", "details"),
    [
        # Shares that do not come to the price.
        (
            "[50% upfront, 49.99% on delivery]",
            "15500 USD",
            1,
            ["come to USD 15,498.45, USD 1.55 less than the price; expected exactly USD 15,500.00"],
        ),
        ("[50% upfront, 50.01% on delivery].", "15500 USD", 1, ["USD 1.55 more than the price"]),
        ("[33.33% upfront, 33.33% after cycle 1, 33.33% on delivery]", "100 JPY", 1, ["JPY 0.01 less than"]),
        ("[25% per cycle]", "15500 USD", 3, ["USD 3,875.00 less than the price"]),
        ("[25% per cycle]", "15500 USD", 5, ["USD 3,875.00 more than the price"]),
        (" [$5,000 deposit and $10,000 on delivery]", "15500 USD", 1, ["USD 500.00 less than the price"]),
        ("[999,999,999,999,999 USD per cycle]", "1 USD", 9999, ["more than the price"]),
        ("[0.000000000001% upfront]", "0.01 USD", 1, ["less than the price"]),
        # Remainders.
        ("rest upfront, [balance] on delivery", "15500 USD", 1, ["more than one remainder; expected one"]),
        ("rest upfront, [balance] per cycle, [rest] on delivery", "15500 USD", 1, ["one", "one"]),
        ("10% upfront, [rest] per cycle", "15500 USD", 2, ["more than one remainder; expected one"]),
        ("50% upfront, 50% after cycle 1, [rest] on delivery", "15500 USD", 1, ["all of the price"]),
        ("[remainder] upfront, $15,500 on delivery", "15500 USD", 1, ["leave something for the remainder"]),
        ("60% per cycle, [the rest] on delivery", "15500 USD", 2, ["USD 3,100.00 more than the price"]),
        # Cycles and deliverables that the scope does not have.
        ("50% upfront, 50% [on acceptance of cycle 3]", "15500 USD", 2, ["no cycle 3; expected 1 to 2"]),
        ("50% [after cycle 2], 50% upfront", "15500 USD", 1, ["no cycle 2; expected cycle 1, the only one"]),
        ("100% [on cycle 1 acceptance]", "15500 USD", 0, ["no cycle 1; expected a trigger without a cycle"]),
        ("100% [per cycle]", "15500 USD", 0, ["no cycles; expected"]),
        ("100% [split across cycles] net 30", "15500 USD", 0, ["no cycles; expected"]),
        ("100% [on acceptance of deliverable 4]", "15500 USD", 1, ["no deliverable 4; expected 1 to 3"]),
        ("50% [after cycle 9], 50% [on deliverable 9 acceptance]", "15 USD", 1, ["cycle 9", "deliverable 9"]),
        # Currencies.
        ("[€5,000] deposit, rest on delivery", "15500 USD", 1, ["expected an amount in USD"]),
        ("[EUR 5,000] deposit, rest on delivery", "15500 USD", 1, ["foreign currency"]),
        ("deposit of [5000 CAD], rest on delivery", "15500 USD", 1, ["foreign currency"]),
        ("[CA$5,000] deposit, rest on delivery", "15500 USD", 1, ["foreign currency"]),
        ("[$5,000] deposit, rest on delivery", "15500 EUR", 1, ["expected an amount in EUR"]),
        ("[$5,000] deposit, rest on delivery", "15500 JPY", 1, ["foreign currency"]),
        ("[XX$5,000] deposit, rest on delivery", "15500 USD", 1, ["foreign currency"]),
        # Decimals.
        ("[$5.000] deposit, rest on delivery", "15500 USD", 1, ["expected at most 2 for USD"]),
        ("[¥33.5] deposit, rest on delivery", "100 JPY", 1, ["expected at most 0 for JPY"]),
        ("[KWD 1.0005] deposit, rest on delivery", "100 KWD", 1, ["expected at most 3 for KWD"]),
        # More than can be of use; and several things at once, each in its place.
        ("[1% upfront, 99% across cycles]", "15500 USD", 10**12, ["milestones; expected at most 10,000"]),
        (
            "[€5] deposit, [$0.001] on signing, 10% [after cycle 7], rest upfront, [rest] on delivery",
            "15500 USD",
            2,
            ["foreign", "decimals", "no cycle 7", "one remainder"],
        ),
    ],
)  # fmt: skip
def test_terms_that_do_not_suit_the_scope_are_refused_where_they_do_not(
    sentence: str, price: str, cycles: int, details: list[str], unmarked: Unmark
) -> None:
    """The marks stand around what the problems must point at; each detail names what was expected there."""
    text, places = unmarked(sentence)
    found = problems(text, price, cycles)
    assert [(problem.start, problem.end) for problem in found] == places
    for problem, detail in zip(found, details, strict=True):
        assert detail in problem.detail
        assert "expected" in problem.detail


@pytest.mark.parametrize(
    "clause",
    [
        Clause(Percent(Decimal(0)), FINAL),
        Clause(Percent(Decimal(-5)), FINAL),
        Clause(Fixed(Decimal(0), "USD"), FINAL),
        Clause(Fixed(Decimal("-0.01"), "$"), FINAL),
    ],
)
def test_a_share_made_by_hand_is_above_zero_too(clause: Clause) -> None:
    terms = Terms("", (clause, Clause(Remainder(), CONFIRMATION)))
    with pytest.raises(TermsError, match="above zero"):
        schedule(terms, Money.parse(100, "USD"), cycles=1, deliverables=1)


def test_terms_without_clauses_are_refused() -> None:
    with pytest.raises(TermsError, match="expected at least one"):
        schedule(Terms("", ()), Money.parse(100, "USD"), cycles=1, deliverables=1)


@pytest.mark.parametrize(
    ("price", "cycles", "deliverables"),
    [("0 USD", 1, 1), ("-5 USD", 1, 1), ("5 USD", -1, 1), ("5 USD", 1, -1)],
)
def test_a_scope_that_cannot_be_is_no_fault_of_the_terms(price: str, cycles: int, deliverables: int) -> None:
    with pytest.raises(ValueError, match="expected a price above zero and counts from 0") as caught:
        plan("100% upfront", price, cycles, deliverables)
    assert not isinstance(caught.value, TermsError)


def any_trigger(rng: random.Random) -> Trigger | PerCycle | AcrossCycles:
    number = rng.randint(1, 3)
    numbered = [TriggerKind.CYCLE_ACCEPTANCE, TriggerKind.DELIVERABLE_ACCEPTANCE]
    whole: list[Trigger | PerCycle | AcrossCycles] = [CONFIRMATION, FINAL, PerCycle(), AcrossCycles()]
    return rng.choice([*whole, *(Trigger(kind, number) for kind in numbered)])


def times(clause: Clause, cycles: int) -> int:
    return cycles if isinstance(clause.trigger, PerCycle) else 1


def any_terms(rng: random.Random, price: Money, cycles: int) -> Terms:
    """Clauses that come to the price exactly: percents, fixed amounts, and one more for what they leave."""
    clauses: list[Clause] = []
    left = Fraction(price.minor_units())
    for _ in range(rng.choice((0, 1, 2, 3, 5, 9))):
        percent = Decimal(rng.randint(1, 2000)) / rng.choice((10, 100, 100, 1000))
        clause = Clause(Percent(percent), any_trigger(rng))
        if rng.random() < 0.3:
            clause = Clause(fixed(rng.randint(1, price.minor_units()), price.currency), any_trigger(rng))
        takes = ideal(clause, price, left) * times(clause, cycles)
        if takes < left:
            left -= takes
            clauses.append(clause)
    triggers: list[Trigger | AcrossCycles] = [CONFIRMATION, FINAL, AcrossCycles()]
    trigger = rng.choice(triggers)
    clauses.insert(rng.randint(0, len(clauses)), Clause(any_last_share(rng, price, left), trigger))
    return Terms("", tuple(clauses))


def any_last_share(rng: random.Random, price: Money, left: Fraction) -> Fixed | Percent | Remainder:
    """What is left of the price, named as a percentage or an amount where that can be exact."""
    choice = rng.randrange(3)
    percent = Percent(Decimal(round(left * 10**6 / price.minor_units())) / 10**4)
    if choice == 0 and percent.fraction * price.minor_units() == left:
        return percent
    if choice == 1 and left.denominator == 1:
        return fixed(int(left), price.currency)
    return Remainder()


def fixed(minor: int, currency: str) -> Fixed:
    return Fixed(Money.from_minor(minor, currency).amount, currency)


def ideal(clause: Clause, price: Money, left: Fraction) -> Fraction:
    """A clause's exact share in minor units; what is left is the remainder's."""
    match clause.share:
        case Percent(value):
            return Fraction(value) * price.minor_units() / 100
        case Fixed(amount):
            return Fraction(amount) * int(10 ** exponent(price.currency))
        case _:
            return left


def check_split(terms: Terms, price: Money, cycles: int) -> None:
    """The sum is the price, nothing is negative, and no part is a minor unit away from its exact share."""
    milestones = list(schedule(terms, price, cycles=cycles, deliverables=3))
    minors = [Money(milestone.amount, milestone.currency).minor_units() for milestone in milestones]
    assert sum(minors) == price.minor_units()
    assert min(minors) >= 0
    of_each = (ideal(each, price, Fraction(0)) * times(each, cycles) for each in terms.clauses)
    named = sum(of_each, start=Fraction(0))
    for clause in terms.clauses:
        share = ideal(clause, price, price.minor_units() - named)
        for _ in range(times(clause, cycles)):
            count = cycles if isinstance(clause.trigger, AcrossCycles) else 1
            parts, minors = minors[:count], minors[count:]
            assert abs(sum(parts) - share) < 1
            assert sum(parts) == share or not isinstance(clause.share, Fixed)
            assert all(abs(part - share / count) < 1 + Fraction(1, count) for part in parts)
            assert max(parts) - min(parts) <= 1
    assert not minors


def test_every_split_of_every_currency_is_exact(trials: Callable[[int, int], int]) -> None:
    rng = random.Random(20260415)
    codes = currencies()
    for trial in range(trials(5_000, 200_000)):
        currency = codes[trial % len(codes)]
        price = Money.from_minor(rng.randint(1, 10 ** rng.choice((1, 2, 4, 7, 12, 18))), currency)
        cycles = rng.randint(3, 9)
        check_split(any_terms(rng, price, cycles), price, cycles)


def test_hundreds_of_clauses_sum_to_the_price() -> None:
    rng = random.Random(3)
    for currency in ("JPY", "USD", "KWD", "CLF"):
        clauses = [Clause(Percent(Decimal("0.1")), any_trigger(rng)) for _ in range(300)]
        terms = Terms("", (*clauses, Clause(Remainder(), AcrossCycles())))
        check_split(terms, Money.from_minor(1_234_567, currency), 3)
