"""From estimated days and a rate card to a fixed price, with every step in between.

A quote starts from the work: days of each role at its day rate, for every deliverable. On their sum stand the
adjustments, each on the result of the one before: contingency, complexity, urgency, discount, and last what rounding
up to the card's step adds. Each is rounded half up to the minor unit on its own line, so that the lines of the work
and the adjustments sum to the price exactly.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ods_core.basics.checks import MAX_AMOUNT, SHORT_TEXT, Checks
from ods_core.basics.errors import Invalid, OdsError
from ods_core.basics.money import Money, exponent
from ods_core.basics.quotes import (
    Adjustment,
    AdjustmentKind,
    Change,
    EstimatedDeliverable,
    FittingOption,
    PricedDeliverable,
    Quote,
    QuoteRequest,
    WorkLine,
)
from ods_core.basics.settings import ROOT
from ods_core.payments.tables import misread

RATE_CARD = ROOT / "data" / "rates" / "rate_card.toml"
MAX_DELIVERABLES = 40
MAX_DAYS = 500
MAX_WEEKS = 104
MAX_DECIMALS = 4
# Such that no sum of the largest estimates, at the largest factors, comes near the digits that money can have.
MAX_RATE = Decimal(10) ** 8
MAX_ROLES = 30

QUARTERS = 4
"""Days are estimated in quarters."""

Size = tuple[int, int]
"""How much there is of something in two measures: quarters of days, and minor units of money."""


class RateCardError(OdsError):
    """A rate card that no quote can be made from; the detail names the file and each place in it."""

    code, status, title = "rate_card_unusable", 503, "The rate card cannot be used"


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise ValueError("expected a number")


_Number = Annotated[Decimal, BeforeValidator(_number)]
_Factor = Annotated[_Number, Field(ge=1, le=10, max_digits=6)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Label = Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]


class _Table(BaseModel):
    """A table of the card's file: closed to unknown names, not changed once read."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class RatedRole(_Table):
    """A role: what it is called, and its day rate in each currency, in whole units."""

    title: _Label
    rates: dict[str, _Number] = Field(min_length=1)


class Urgency(_Table):
    """What a timeline shorter than the estimate's costs, and how far the estimate's weeks can be shortened."""

    factor: _Factor
    shortest_share: Annotated[_Number, Field(gt=0, le=1, max_digits=6)]


class RateCard(_Table):
    """What a provider charges; `effective_on` is the day since which it does."""

    name: _Label
    effective_on: date
    contingency_percent: Annotated[_Number, Field(ge=0, le=100, max_digits=6)]
    team_days_per_week: Annotated[_Number, Field(gt=0, le=MAX_DAYS, multiple_of=Decimal("0.25"))]
    complexity: dict[_Name, _Factor] = Field(min_length=1)
    urgency: Urgency
    rounding_step: dict[str, _Number] = Field(min_length=1)
    roles: dict[_Name, RatedRole] = Field(min_length=1, max_length=MAX_ROLES)

    @property
    def currencies(self) -> list[str]:
        """The currencies that quotes can be made in, sorted."""
        return sorted(self.rounding_step)


def read_rate_card(path: Path = RATE_CARD) -> RateCard:
    """The rate card in a TOML file, numbers read digit by digit.

    Raises:
        RateCardError: no such file, not TOML, or values that cannot be right, each with its place.
    """
    try:
        card = RateCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except OSError as error:
        raise RateCardError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise RateCardError(f"{path.name}: {'; '.join(misread(error))}") from None
    except ValueError as error:
        raise RateCardError(f"{path.name} is not TOML: {error}") from None
    checks = Checks()
    _check_card(checks, card)
    if checks.problems:
        places = (f"{p.pointer[1:].replace('/', '.')}: {p.detail}" for p in checks.problems)
        raise RateCardError(f"{path.name}: {'; '.join(places)}")
    return card


def _check_card(checks: Checks, card: RateCard) -> None:
    """What no single value of a card shows: known currencies, and for each of them a rate in every role."""
    for currency, step in card.rounding_step.items():
        if checks.currency(f"/rounding_step/{currency}", currency):
            checks.amount(f"/rounding_step/{currency}", step, currency)
    for key, role in card.roles.items():
        for currency in card.rounding_step.keys() - role.rates.keys():
            checks.add(f"/roles/{key}/rates", f"expected a rate in {currency}, which has a rounding step")
        for currency, rate in role.rates.items():
            _check_rate(checks, f"/roles/{key}/rates/{currency}", rate, currency, card)


def _check_rate(checks: Checks, place: str, rate: Decimal, currency: str, card: RateCard) -> None:
    if currency not in card.rounding_step:
        checks.add(place, f"expected a rounding step for {currency} beside this rate")
    elif not 0 < rate < MAX_RATE:
        checks.add(place, f"expected a day rate above 0 and below {MAX_RATE:,}")
    elif checks.currency(place, currency) and Fraction(rate) * 10 ** exponent(currency) % QUARTERS:
        checks.add(place, f"expected a day rate of which a quarter can be paid in {currency}")


def quote(request: QuoteRequest, card: RateCard) -> Quote:
    """The price of a request at the rates of a card.

    Raises:
        Invalid: values that cannot be right, each with its place; or a discount that leaves nothing to pay.
    """
    _check_request(request, card)
    lines = tuple(_work_lines(request, card))
    deliverables = tuple(_priced(request, lines))
    pricing = _Pricing(request, card)
    effort = _Effort(sum((d.days for d in deliverables), Decimal(0)), _sum(lines, request.currency))
    offer = pricing.offer(effort, pricing.limit)
    _refuse_unpayable(offer.price)
    return Quote(
        request=request,
        card_name=card.name,
        card_effective_on=card.effective_on,
        team_days_per_week=pricing.team_days_per_week,
        deliverables=deliverables,
        lines=lines,
        work=effort.work,
        adjustments=offer.adjustments,
        price=offer.price,
        estimated_weeks=offer.estimated_weeks,
        shortest_weeks=offer.shortest_weeks,
        timeline_weeks=offer.weeks,
        price_gap=pricing.price_gap(offer),
        weeks_gap=pricing.weeks_gap(offer),
        would_fit=() if pricing.fits(offer) else tuple(_options(pricing, effort, deliverables)),
    )


def _check_request(request: QuoteRequest, card: RateCard) -> None:
    checks = Checks()
    if request.currency in card.rounding_step:
        checks.amount("/budget_max", request.budget_max, request.currency)
    else:
        checks.add("/currency", f"expected a currency of the rate card: {', '.join(card.currencies)}")
    if request.complexity is not None and request.complexity not in card.complexity:
        checks.add("/complexity", f"expected one of {', '.join(card.complexity)}")
    for name, percent in (("/contingency", request.contingency), ("/discount", request.discount)):
        if percent is not None and (not 0 <= percent <= 100 or _decimals(percent) > MAX_DECIMALS):
            checks.add(name, f"expected a percentage from 0 to 100 with at most {MAX_DECIMALS} decimals")
    checks.within("/timeline_weeks", request.timeline_weeks, 1, MAX_WEEKS, "weeks")
    if request.team_days_per_week is not None:
        _check_days(checks, "/team_days_per_week", request.team_days_per_week)
    if not 1 <= len(request.deliverables) <= MAX_DELIVERABLES:
        checks.add("/deliverables", f"expected 1 to {MAX_DELIVERABLES} deliverables, found {len(request.deliverables)}")
    for place, deliverable in enumerate(request.deliverables[:MAX_DELIVERABLES]):
        _check_deliverable(checks, f"/deliverables/{place}", deliverable, card)
    checks.done()


def _check_deliverable(checks: Checks, place: str, deliverable: EstimatedDeliverable, card: RateCard) -> None:
    checks.text(f"{place}/title", deliverable.title, longest=SHORT_TEXT)
    if not deliverable.days:
        checks.add(f"{place}/days", "expected the days of at least one role")
    for role, days in deliverable.days.items():
        at = f"{place}/days/{role[:100].replace('~', '~0').replace('/', '~1')}"
        if role not in card.roles:
            checks.add(at, f"expected a role of the rate card: {', '.join(card.roles)}")
        else:
            _check_days(checks, at, days)


def _check_days(checks: Checks, place: str, days: Decimal) -> None:
    # The bounds come first: a number of a million digits must not be multiplied.
    if not 0 < days <= MAX_DAYS or _decimals(days) > MAX_DECIMALS or days * QUARTERS % 1:
        checks.add(place, f"expected days in quarters, above 0 and up to {MAX_DAYS}")


def _decimals(value: Decimal) -> int:
    """The decimals as written; to strip zeros off a number of any length would round it."""
    return -int(value.as_tuple().exponent)


def _refuse_unpayable(price: Money) -> None:
    if price.minor_units() <= 0:
        raise Invalid.at("/discount", "expected a discount that leaves something to pay; a fixed price is above 0")
    if price.amount >= MAX_AMOUNT:
        raise Invalid.at("/deliverables", f"expected a price below {MAX_AMOUNT:,}, found {price}")


def _work_lines(request: QuoteRequest, card: RateCard) -> Iterator[WorkLine]:
    """The roles of each deliverable, in the order of the card."""
    for position, deliverable in enumerate(request.deliverables, start=1):
        for key, role in card.roles.items():
            if key in deliverable.days:
                days, rate = deliverable.days[key], Money(role.rates[request.currency], request.currency)
                # Exact: the card has been held to rates of which a quarter is a whole number of minor units.
                amount = Money.from_minor(rate.minor_units() * _quarters(days) // QUARTERS, request.currency)
                yield WorkLine(position, key, role.title, days, rate, amount)


def _quarters(days: Decimal) -> int:
    return int(days * QUARTERS)


def _sum(lines: Sequence[WorkLine], currency: str) -> Money:
    return sum((line.amount for line in lines), Money.from_minor(0, currency))


def _priced(request: QuoteRequest, lines: Sequence[WorkLine]) -> Iterator[PricedDeliverable]:
    for position, deliverable in enumerate(request.deliverables, start=1):
        own = [line for line in lines if line.deliverable == position]
        days = sum((line.days for line in own), Decimal(0))
        yield PricedDeliverable(position, deliverable.title, days, _sum(own, request.currency))


@dataclass(frozen=True, slots=True)
class _Effort:
    """Days of work and what they cost; both add up over deliverables."""

    days: Decimal
    work: Money


@dataclass(frozen=True, slots=True)
class _Offer:
    """What an effort comes to when it is asked for within some number of weeks."""

    adjustments: tuple[Adjustment, ...]
    estimated_weeks: int
    shortest_weeks: int
    weeks: int

    @property
    def price(self) -> Money:
        return self.adjustments[-1].result


_Step = tuple[AdjustmentKind, Decimal, str]
"""Kind, factor and description of an adjustment."""


class _Pricing:
    """The terms of one request at one card: what any part of its effort would cost and take."""

    def __init__(self, request: QuoteRequest, card: RateCard) -> None:
        self.request, self.card = request, card
        self.team_days_per_week = request.team_days_per_week or card.team_days_per_week
        self.contingency = card.contingency_percent if request.contingency is None else request.contingency
        self.complexity = Decimal(1) if request.complexity is None else card.complexity[request.complexity]
        # What takes longer than any scope may fits no better than what takes longer than was asked.
        self.limit = request.timeline_weeks or MAX_WEEKS
        self.step = Money(card.rounding_step[request.currency], request.currency)

    def offer(self, effort: _Effort, limit: int) -> _Offer:
        """Price and weeks of an effort that is wanted within so many weeks.

        Harder work takes longer by its factor. Contingency is money alone: it pays for what comes after the plan.
        """
        load = Fraction(effort.days) * Fraction(self.complexity)
        estimated = ceil(load / Fraction(self.team_days_per_week))
        shortest = ceil(estimated * Fraction(self.card.urgency.shortest_share))
        weeks = min(estimated, max(limit, shortest))
        return _Offer(tuple(self._adjustments(effort.work, estimated, weeks)), estimated, shortest, weeks)

    def _adjustments(self, work: Money, estimated: int, weeks: int) -> Iterator[Adjustment]:
        base = work
        for kind, factor, description in self._steps(estimated, weeks):
            if factor != 1:
                result = _times(base, factor)
                yield Adjustment(kind, factor, base, result, description)
                base = result
        yield Adjustment(
            AdjustmentKind.ROUNDING, None, base, self._rounded_up(base), f"Rounded up to a multiple of {self.step}"
        )

    def _steps(self, estimated: int, weeks: int) -> Iterator[_Step]:
        percent, discount = self.contingency, self.request.discount
        yield AdjustmentKind.CONTINGENCY, 1 + percent / 100, f"Contingency {_plain(percent)}%"
        yield AdjustmentKind.COMPLEXITY, self.complexity, f"Complexity {self.request.complexity}"
        if weeks < estimated:
            hurry = f"Urgency: {weeks} instead of {estimated} weeks"
            yield AdjustmentKind.URGENCY, self.card.urgency.factor, hurry
        yield AdjustmentKind.DISCOUNT, 1 - discount / 100, f"Discount {_plain(discount)}%"

    def _rounded_up(self, amount: Money) -> Money:
        step = self.step.minor_units()
        return Money.from_minor(-(-amount.minor_units() // step) * step, amount.currency)

    def price_gap(self, offer: _Offer) -> Money:
        """By how much the price exceeds the budget."""
        nothing = Money.from_minor(0, self.request.currency)
        if self.request.budget_max is None:
            return nothing
        return max(offer.price - Money(self.request.budget_max, self.request.currency), nothing)

    def weeks_gap(self, offer: _Offer) -> int:
        """By how many weeks the time exceeds the timeline."""
        return max(offer.weeks - self.limit, 0)

    def fits(self, offer: _Offer) -> bool:
        """Whether an offer is within budget and timeline."""
        return not self.weeks_gap(offer) and not self.price_gap(offer).amount


def _times(amount: Money, factor: Decimal) -> Money:
    """The amount times a factor from 0, rounded half up to the minor unit."""
    return Money.from_minor(floor(amount.minor_units() * Fraction(factor) + Fraction(1, 2)), amount.currency)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _options(pricing: _Pricing, effort: _Effort, deliverables: Sequence[PricedDeliverable]) -> Iterator[FittingOption]:
    """What would fit, for a request that does not."""
    fewer = _fewer_deliverables(pricing, effort, deliverables)
    if fewer:
        yield fewer
    now = pricing.offer(effort, pricing.limit)
    if not pricing.weeks_gap(now):
        yield FittingOption(Change.MORE_MONEY, now.price, now.weeks)
    longer = _more_weeks(pricing, effort, now)
    if longer:
        yield longer


def _more_weeks(pricing: _Pricing, effort: _Effort, now: _Offer) -> FittingOption | None:
    """The fewest weeks that fit the budget; where none do and the timeline is too short, the cheapest, beside money."""
    longer = [weeks for weeks in (now.shortest_weeks, now.estimated_weeks) if pricing.limit < weeks <= MAX_WEEKS]
    offers = [pricing.offer(effort, weeks) for weeks in longer]
    for offer in offers:
        if not pricing.price_gap(offer).amount:
            return FittingOption(Change.MORE_WEEKS, offer.price, offer.weeks)
    if offers and pricing.weeks_gap(now):
        return FittingOption(Change.MORE_WEEKS_AND_MONEY, offers[-1].price, offers[-1].weeks)
    return None


def _fewer_deliverables(
    pricing: _Pricing, effort: _Effort, deliverables: Sequence[PricedDeliverable]
) -> FittingOption | None:
    """The smallest set to drop so that the rest fits budget and timeline; None if not even one alone does."""

    def without(quarters: int, minor: int) -> _Offer:
        days, work = effort.days - Decimal(quarters) / QUARTERS, effort.work
        return pricing.offer(_Effort(days, work - Money.from_minor(minor, work.currency)), pricing.limit)

    sizes = [(_quarters(d.days), d.work.minor_units()) for d in deliverables]
    drop = smallest_drop(sizes, _enough(pricing, effort, without))
    if drop is None:
        return None
    rest = without(sum(sizes[place][0] for place in drop), sum(sizes[place][1] for place in drop))
    return FittingOption(Change.FEWER_DELIVERABLES, rest.price, rest.weeks, tuple(place + 1 for place in drop))


def _enough(pricing: _Pricing, effort: _Effort, without: Callable[[int, int], _Offer]) -> list[Size]:
    """How much must go for the rest to fit: quarters of days and minor units of work, either pair being enough.

    Days matter in two ways alone, so two pairs say it all: one with just the time that can be bought, one with so
    little to do that nothing is to be paid for urgency.
    """
    quarters, work = range(_quarters(effort.days)), range(effort.work.minor_units())

    def fewest(possible: Callable[[_Offer], bool]) -> int:
        return bisect_left(quarters, True, key=lambda q: possible(without(q, 0)))

    def least(gone: int) -> int:
        return bisect_left(work, True, key=lambda m: pricing.fits(without(gone, m)))

    hurried = fewest(lambda offer: offer.shortest_weeks <= pricing.limit)
    calm = fewest(lambda offer: offer.estimated_weeks <= pricing.limit)
    return [(hurried, least(hurried)), (calm, least(calm))]


def smallest_drop(sizes: Sequence[Size], enough: Sequence[Size]) -> tuple[int, ...] | None:
    """The places (from 0) of the fewest things to drop, one at least staying, so that what goes is `enough`.

    It is enough when it reaches, in both measures, one of the sizes given. Of equally small sets the answer is the
    one that keeps what stands first. None: dropping all but one is not enough.
    """

    def reached(first: int, second: int) -> bool:
        return any(first >= a and second >= b for a, b in enough)

    frontiers = _frontiers(sizes)
    count = next((n for n in range(1, len(sizes)) if any(reached(*size) for size in frontiers[0][n])), None)
    if count is None:
        return None
    dropped: list[int] = []
    first = second = 0
    for place, size in enumerate(sizes):
        later = frontiers[place + 1][count - len(dropped)]
        if not any(reached(first + a, second + b) for a, b in later):
            dropped.append(place)
            first, second = first + size[0], second + size[1]
        if len(dropped) == count:
            break
    return tuple(dropped)


def _frontiers(sizes: Sequence[Size]) -> list[list[list[Size]]]:
    """`[place][n]`: the largest sums that `n` of the things from `place` on can have, in both measures together."""
    none: list[list[Size]] = [[(0, 0)], *([] for _ in sizes)]
    made = [none]
    for a, b in reversed(sizes):
        before = made[-1]
        taken = [[], *([(x + a, y + b) for x, y in sums] for sums in before[:-1])]
        made.append([_largest([*old, *new]) for old, new in zip(before, taken, strict=True)])
    return made[::-1]


def _largest(sums: list[Size]) -> list[Size]:
    """The sums that no other exceeds in both measures."""
    kept: list[Size] = []
    for size in sorted(sums, reverse=True):
        if not kept or size[1] > kept[-1][1]:
            kept.append(size)
    return kept
