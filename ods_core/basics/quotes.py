"""Quotes as they are made, shown and kept: a price, and every step on the way to it.

A quote is kept as its own resource, in JSON: `quote_of` reads back exactly what `quote_resource` wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ods_core.basics.money import Money


@dataclass(frozen=True, slots=True)
class EstimatedDeliverable:
    """A deliverable and its estimate: days of work by the key of the role, in quarters."""

    title: str
    days: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What is to be priced.

    The order of the deliverables is that of their importance: where fewer would fit, what stands first is kept.
    `complexity` names a factor of the card (none: the estimate as it is), `contingency` and `discount` are in percent,
    `budget_max` in whole units of `currency`; `contingency` and `team_days_per_week` are the card's unless given.
    """

    deliverables: tuple[EstimatedDeliverable, ...]
    currency: str
    contingency: Decimal | None = None
    complexity: str | None = None
    discount: Decimal = Decimal(0)
    budget_max: Decimal | None = None
    timeline_weeks: int | None = None
    team_days_per_week: Decimal | None = None


class AdjustmentKind(StrEnum):
    """What moves a price away from the sum of its work, in the order in which it does."""

    CONTINGENCY = "contingency"
    COMPLEXITY = "complexity"
    URGENCY = "urgency"
    DISCOUNT = "discount"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One role's days on one deliverable (its place, from 1), at the day rate."""

    deliverable: int
    role: str
    role_title: str
    days: Decimal
    rate: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One step from the sum of the work to the price; `factor` is None for rounding, `amount` may be negative."""

    kind: AdjustmentKind
    factor: Decimal | None
    base: Money
    result: Money
    description: str

    @property
    def amount(self) -> Money:
        """What the step adds, or takes away."""
        return self.result - self.base


@dataclass(frozen=True, slots=True)
class PricedDeliverable:
    """A deliverable's share of the work, before adjustments; `position` counts from 1."""

    position: int
    title: str
    days: Decimal
    work: Money


class Change(StrEnum):
    """What would have to change for a quote to fit."""

    FEWER_DELIVERABLES = "fewer_deliverables"
    MORE_WEEKS = "more_weeks"
    MORE_MONEY = "more_money"
    MORE_WEEKS_AND_MONEY = "more_weeks_and_money"


@dataclass(frozen=True, slots=True)
class FittingOption:
    """One way to make a quote fit, and what it then comes to; `drop` are places of deliverables, from 1."""

    change: Change
    price: Money
    timeline_weeks: int
    drop: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and how it came about.

    `estimated_weeks` is the time the estimate asks for, `shortest_weeks` the least that any money buys, and
    `timeline_weeks` the time that this price is for. `price_gap` and `weeks_gap` are by how much it exceeds what was
    asked, 0 where it does not; `would_fit` is empty when it fits.
    """

    request: QuoteRequest
    card_name: str
    card_effective_on: date
    team_days_per_week: Decimal
    deliverables: tuple[PricedDeliverable, ...]
    lines: tuple[WorkLine, ...]
    work: Money
    adjustments: tuple[Adjustment, ...]
    price: Money
    estimated_weeks: int
    shortest_weeks: int
    timeline_weeks: int
    price_gap: Money
    weeks_gap: int
    would_fit: tuple[FittingOption, ...]

    @property
    def subtotal(self) -> Money:
        """The price before it is rounded up."""
        return self.adjustments[-1].base

    @property
    def fits(self) -> bool:
        """Whether price and weeks are within what was asked."""
        return not self.price_gap.amount and not self.weeks_gap


def quote_resource(made: Quote) -> dict[str, Any]:
    """A quote as plain values for JSON: as a program gets it, and as it can be kept."""
    asked = made.request
    return {
        "currency": asked.currency,
        "price": made.price.amount,
        "timeline_weeks": made.timeline_weeks,
        "estimated_weeks": made.estimated_weeks,
        "shortest_weeks": made.shortest_weeks,
        "team_days_per_week": made.team_days_per_week,
        "rate_card": {"name": made.card_name, "effective_on": made.card_effective_on},
        "deliverables": [
            {"position": d.position, "title": d.title, "days": d.days, "work": d.work.amount} for d in made.deliverables
        ],
        "lines": [_line_resource(line) for line in made.lines],
        "work": made.work.amount,
        "adjustments": [_adjustment_resource(a) for a in made.adjustments],
        "subtotal": made.subtotal.amount,
        "asked": {
            "contingency": asked.contingency,
            "complexity": asked.complexity,
            "discount": asked.discount,
            "budget_max": _in_currency(asked),
            "timeline_weeks": asked.timeline_weeks,
            "team_days_per_week": asked.team_days_per_week,
        },
        "fits": made.fits,
        "price_gap": made.price_gap.amount,
        "weeks_gap": made.weeks_gap,
        "would_fit": [_option_resource(option, made.deliverables) for option in made.would_fit],
    }


def _in_currency(asked: QuoteRequest) -> Decimal | None:
    return None if asked.budget_max is None else Money(asked.budget_max, asked.currency).amount


def _line_resource(line: WorkLine) -> dict[str, Any]:
    return {
        "deliverable": line.deliverable,
        "role": line.role,
        "role_title": line.role_title,
        "days": line.days,
        "rate": line.rate.amount,
        "amount": line.amount.amount,
    }


def _adjustment_resource(adjustment: Adjustment) -> dict[str, Any]:
    return {
        "kind": adjustment.kind.value,
        "factor": adjustment.factor,
        "base": adjustment.base.amount,
        "amount": adjustment.amount.amount,
        "result": adjustment.result.amount,
        "description": adjustment.description,
    }


def _option_resource(option: FittingOption, deliverables: Sequence[PricedDeliverable]) -> dict[str, Any]:
    return {
        "change": option.change.value,
        "price": option.price.amount,
        "timeline_weeks": option.timeline_weeks,
        "drop": [{"position": place, "title": deliverables[place - 1].title} for place in option.drop],
    }


def quote_of(kept: Mapping[str, Any]) -> Quote:
    """The quote that was written as this resource, whether its numbers and dates came through JSON or not."""
    currency = kept["currency"]

    def money(amount: Any) -> Money:
        return Money(Decimal(amount), currency)

    lines = tuple(_read_line(line, money) for line in kept["lines"])
    card = kept["rate_card"]
    return Quote(
        request=_read_request(kept, lines),
        card_name=card["name"],
        card_effective_on=date.fromisoformat(str(card["effective_on"])),
        team_days_per_week=Decimal(kept["team_days_per_week"]),
        deliverables=tuple(
            PricedDeliverable(d["position"], d["title"], Decimal(d["days"]), money(d["work"]))
            for d in kept["deliverables"]
        ),
        lines=lines,
        work=money(kept["work"]),
        adjustments=tuple(_read_adjustment(a, money) for a in kept["adjustments"]),
        price=money(kept["price"]),
        estimated_weeks=kept["estimated_weeks"],
        shortest_weeks=kept["shortest_weeks"],
        timeline_weeks=kept["timeline_weeks"],
        price_gap=money(kept["price_gap"]),
        weeks_gap=kept["weeks_gap"],
        would_fit=tuple(_read_option(option, money) for option in kept["would_fit"]),
    )


def _read_request(kept: Mapping[str, Any], lines: Sequence[WorkLine]) -> QuoteRequest:
    """What was asked: the estimates are the days of the lines."""
    asked = kept["asked"]
    days: dict[int, dict[str, Decimal]] = {d["position"]: {} for d in kept["deliverables"]}
    for line in lines:
        days[line.deliverable][line.role] = line.days
    return QuoteRequest(
        deliverables=tuple(EstimatedDeliverable(d["title"], days[d["position"]]) for d in kept["deliverables"]),
        currency=kept["currency"],
        contingency=_maybe(asked["contingency"]),
        complexity=asked["complexity"],
        discount=Decimal(asked["discount"]),
        budget_max=_maybe(asked["budget_max"]),
        timeline_weeks=asked["timeline_weeks"],
        team_days_per_week=_maybe(asked["team_days_per_week"]),
    )


def _maybe(number: Any) -> Decimal | None:
    return None if number is None else Decimal(number)


def _read_line(line: Mapping[str, Any], money: Callable[[Any], Money]) -> WorkLine:
    return WorkLine(
        line["deliverable"],
        line["role"],
        line["role_title"],
        Decimal(line["days"]),
        money(line["rate"]),
        money(line["amount"]),
    )


def _read_adjustment(step: Mapping[str, Any], money: Callable[[Any], Money]) -> Adjustment:
    kind, factor = AdjustmentKind(step["kind"]), _maybe(step["factor"])
    return Adjustment(kind, factor, money(step["base"]), money(step["result"]), step["description"])


def _read_option(option: Mapping[str, Any], money: Callable[[Any], Money]) -> FittingOption:
    drop = tuple(dropped["position"] for dropped in option["drop"])
    return FittingOption(Change(option["change"]), money(option["price"]), option["timeline_weeks"], drop)
