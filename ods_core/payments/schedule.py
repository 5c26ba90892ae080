"""From terms and a price to the milestones that are to be paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from ods_core.basics.money import Money, exponent, format_money
from ods_core.basics.records import PlannedMilestone
from ods_core.basics.states import PaymentKind
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.payments.allocation import largest_remainder
from ods_core.payments.terms import (
    AcrossCycles,
    Clause,
    Fixed,
    Percent,
    PerCycle,
    Remainder,
    Share,
    Span,
    Terms,
    TermsError,
    TermsProblem,
    print_decimal,
    print_share,
)

MAX_MILESTONES = 10_000

_KINDS: dict[TriggerKind, PaymentKind] = {
    TriggerKind.CONFIRMATION: PaymentKind.UPFRONT,
    TriggerKind.CYCLE_ACCEPTANCE: PaymentKind.MILESTONE,
    TriggerKind.DELIVERABLE_ACCEPTANCE: PaymentKind.MILESTONE,
    TriggerKind.FINAL_ACCEPTANCE: PaymentKind.FINAL,
}
_PHRASES = {
    TriggerKind.CONFIRMATION: "upfront on scope confirmation",
    TriggerKind.CYCLE_ACCEPTANCE: "on acceptance of cycle",
    TriggerKind.DELIVERABLE_ACCEPTANCE: "on acceptance of deliverable",
    TriggerKind.FINAL_ACCEPTANCE: "on final acceptance",
}
# Wide enough for the exact sum of any amounts that can be written.
_WIDE = Context(prec=100)


def schedule(terms: Terms, price: Money, *, cycles: int, deliverables: int) -> tuple[PlannedMilestone, ...]:
    """The milestones of `terms` for a scope of so many cycles and deliverables, which sum to `price` exactly.

    They stand in the order of the clauses; a clause for each cycle, or across them, unfolds in cycle order.

    Raises:
        TermsError: terms that do not suit the scope: shares that do not come to the price, a currency, cycle
            or deliverable that it does not have, more decimals than its currency has, a share not above zero,
            more than one remainder or a remainder of nothing, no clauses, or more than 10,000 milestones.
        ValueError: a price not above zero, or a negative count.
    """
    if price.minor_units() <= 0 or cycles < 0 or deliverables < 0:
        given = f"{price}, {cycles} cycles and {deliverables} deliverables"
        raise ValueError(f"cannot plan {given}; expected a price above zero and counts from 0")
    problems = list(_misfits(terms, price.currency, cycles, deliverables))
    if problems:
        raise TermsError(problems)
    parts = [part for clause in terms.clauses for part in _unfolded(clause, cycles)]
    amounts = largest_remainder(price.minor_units(), _ideals(terms, parts, price))
    return tuple(_milestones(parts, amounts, price.currency, cycles))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is rounded as one: a clause, or one cycle of a clause for each cycle."""

    clause: Clause
    trigger: Trigger | AcrossCycles


def _unfolded(clause: Clause, cycles: int) -> Iterator[_Part]:
    if isinstance(clause.trigger, PerCycle):
        for number in range(1, cycles + 1):
            yield _Part(clause, Trigger(TriggerKind.CYCLE_ACCEPTANCE, number))
    else:
        yield _Part(clause, clause.trigger)


def _ideals(terms: Terms, parts: list[_Part], price: Money) -> list[Fraction]:
    """What each part would be in minor units, were they divisible; exactly the price together."""
    named = [_ideal(part.clause.share, price) for part in parts]
    rest = price.minor_units() - sum((amount for amount in named if amount is not None), Fraction(0))
    remainder = next((part.clause for part in parts if isinstance(part.clause.share, Remainder)), None)
    problem = _sum_problem(terms, remainder, rest, price)
    if problem:
        raise TermsError([problem])
    return [rest if amount is None else amount for amount in named]


def _ideal(share: Share, price: Money) -> Fraction | None:
    """A share in minor units, exact; None for the remainder, which only the others can tell."""
    match share:
        case Percent():
            return share.fraction * price.minor_units()
        case Fixed(amount):
            return Fraction(amount) * _minor_per_unit(price.currency)
        case Remainder():
            return None


def _sum_problem(terms: Terms, remainder: Clause | None, rest: Fraction, price: Money) -> TermsProblem | None:
    """What is wrong when the named shares leave `rest` minor units of the price, if anything is."""
    come_to = f"come to {_spell(price.minor_units() - rest, price.currency)}"
    gap = f"{_spell(abs(rest), price.currency)} {'less' if rest > 0 else 'more'} than the price"
    if remainder is None and rest != 0:
        whole = Span(terms.clauses[0].start, terms.clauses[-1].end)
        wanted = _spell(Fraction(price.minor_units()), price.currency)
        detail = f"the clauses {come_to}, {gap}; expected exactly {wanted}"
        return TermsProblem(*whole, detail)
    if remainder is not None and rest <= 0:
        over = "all of the price" if rest == 0 else gap
        detail = f"the other clauses {come_to}, {over}; expected them to leave something for the remainder"
        return TermsProblem(*remainder.share_at, detail)
    return None


def _misfits(terms: Terms, currency: str, cycles: int, deliverables: int) -> Iterator[TermsProblem]:
    """The problems of single clauses, and of how many there are."""
    if not terms.clauses:
        yield TermsProblem(0, len(terms.text), "there are no clauses; expected at least one")
    remainders = 0
    for clause in terms.clauses:
        yield from _share_misfit(clause, currency)
        yield from _trigger_misfit(clause, cycles, deliverables)
        if isinstance(clause.share, Remainder):
            remainders += cycles if isinstance(clause.trigger, PerCycle) else 1
            if remainders > 1:
                detail = "more than one remainder; expected one, which `across cycles` can divide"
                yield TermsProblem(*clause.share_at, detail)
    yield from _too_many(terms, cycles)


def _share_misfit(clause: Clause, currency: str) -> Iterator[TermsProblem]:
    share, shown = clause.share, f"`{print_share(clause.share)}`"
    if not isinstance(share, Remainder) and share.size <= 0:
        yield TermsProblem(*clause.share_at, f"{shown} stands here; expected a share above zero")
    if not isinstance(share, Fixed):
        return
    if not share.is_in(currency):
        detail = f"{shown} is in a foreign currency; expected an amount in {currency}"
        yield TermsProblem(*clause.share_at, detail)
    elif _decimals(share.amount) > exponent(currency):
        detail = f"{shown} has too many decimals; expected at most {exponent(currency)} for {currency}"
        yield TermsProblem(*clause.share_at, detail)


def _trigger_misfit(clause: Clause, cycles: int, deliverables: int) -> Iterator[TermsProblem]:
    match clause.trigger:
        case PerCycle() | AcrossCycles() if cycles < 1:
            yield TermsProblem(*clause.trigger_at, "the scope has no cycles; expected a trigger without one")
        case Trigger(TriggerKind.CYCLE_ACCEPTANCE, int(number)) if number > cycles:
            yield TermsProblem(*clause.trigger_at, _missing("cycle", number, cycles))
        case Trigger(TriggerKind.DELIVERABLE_ACCEPTANCE, int(number)) if number > deliverables:
            yield TermsProblem(*clause.trigger_at, _missing("deliverable", number, deliverables))


def _missing(thing: str, number: int, count: int) -> str:
    has = f"the scope has no {thing} {number}"
    if count == 0:
        return f"{has}; expected a trigger without a {thing}, for it has none"
    return f"{has}; expected {f'1 to {count}' if count > 1 else f'{thing} 1, the only one'}"


def _too_many(terms: Terms, cycles: int) -> Iterator[TermsProblem]:
    unfolding = sum(not isinstance(clause.trigger, Trigger) for clause in terms.clauses)
    count = len(terms.clauses) + unfolding * (cycles - 1)
    if count > MAX_MILESTONES:
        whole = Span(terms.clauses[0].start, terms.clauses[-1].end)
        detail = f"the terms make {count:,} milestones; expected at most {MAX_MILESTONES:,}"
        yield TermsProblem(*whole, detail)


def _milestones(parts: list[_Part], amounts: list[int], currency: str, cycles: int) -> Iterator[PlannedMilestone]:
    position = 0
    for part, amount in zip(parts, amounts, strict=True):
        for trigger, minor, phrase in _payments(part.trigger, amount, cycles):
            position += 1
            description = f"{_share_name(part.clause.share, currency)} {phrase}"
            money, kind = Money.from_minor(minor, currency), _KINDS[trigger.kind]
            yield PlannedMilestone(position, kind, trigger, money.amount, currency, part.clause.net_days, description)


def _payments(due: Trigger | AcrossCycles, amount: int, cycles: int) -> Iterator[tuple[Trigger, int, str]]:
    """The payments that one rounded amount is made in: the trigger, minor units and wording of each."""
    if isinstance(due, Trigger):
        place = "" if due.number is None else f" {due.number}"
        yield due, amount, _PHRASES[due.kind] + place
        return
    for number, minor in enumerate(largest_remainder(amount, [1] * cycles), start=1):
        of_cycle = Trigger(TriggerKind.CYCLE_ACCEPTANCE, number)
        yield of_cycle, minor, f"split across cycles, cycle {number} of {cycles}"


def _share_name(share: Share, currency: str) -> str:
    match share:
        case Percent(value):
            return f"{print_decimal(value)}%"
        case Fixed(amount):
            return format_money(Money(amount, currency))
        case Remainder():
            return "Remainder"


def _decimals(amount: Decimal) -> int:
    """The decimals of an amount as written: `5.000` has three, for whoever wrote it may mean thousands."""
    places = amount.as_tuple().exponent
    return max(0, -places) if isinstance(places, int) else 0


def _spell(minor: Fraction, currency: str) -> str:
    """An exact amount for a message; unlike money it may have parts of a minor unit, and any size."""
    units = minor / _minor_per_unit(currency)
    exact = _WIDE.divide(Decimal(units.numerator), Decimal(units.denominator))
    usual = _WIDE.quantize(exact, Decimal(1).scaleb(-exponent(currency)))
    return f"{currency} {usual if usual == exact else exact:,f}"


def _minor_per_unit(currency: str) -> int:
    return int(10 ** exponent(currency))
