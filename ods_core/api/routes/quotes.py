"""Quotes: what estimated work costs at the rate card, and what of it would fit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi.responses import Response
from pydantic import BeforeValidator, Field, WithJsonSchema

from ods_core.api.bodies import Amount as GivenAmount
from ods_core.api.bodies import Body
from ods_core.api.exchange import answer
from ods_core.api.shapes import Amount, Shape
from ods_core.api.wiring import Asking, one, router
from ods_core.payments import (
    AdjustmentKind,
    Change,
    EstimatedDeliverable,
    QuoteRequest,
    quote,
    quote_resource,
    read_rate_card,
)

routes = router("Money")


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise ValueError("expected a number such as 2.5")


Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number", "examples": [2.5]})]


class EstimatedDeliverableBody(Body):
    """A deliverable and the days of work that each role has with it."""

    title: str = Field(examples=["Root cause analysis and fix"])
    days: dict[str, Number] = Field(
        description="Days by role of the rate card, in quarters", examples=[{"engineer": 6, "lead_engineer": 1.5}]
    )


class QuoteBody(Body):
    """What is to be priced; the order of the deliverables is that of their importance."""

    deliverables: list[EstimatedDeliverableBody]
    currency: str = Field("USD", description="A currency of the rate card", examples=["USD"])
    complexity: str | None = Field(None, description="A factor of the rate card by its name", examples=["demanding"])
    discount: Number = Field(Decimal(0), description="Percent, 0 to 100")
    budget_max: GivenAmount | None = None
    timeline_weeks: int | None = Field(None, description="1 to 104", examples=[3])
    team_days_per_week: Number | None = Field(
        None, description="Days of work that the team does in a week, all together; default: the rate card's"
    )

    def request(self) -> QuoteRequest:
        """What this asks for."""
        return QuoteRequest(
            deliverables=tuple(EstimatedDeliverable(d.title, d.days) for d in self.deliverables),
            currency=self.currency,
            complexity=self.complexity,
            discount=self.discount,
            budget_max=self.budget_max,
            timeline_weeks=self.timeline_weeks,
            team_days_per_week=self.team_days_per_week,
        )


class CardShape(Shape):
    name: str
    effective_on: date


class PricedDeliverableShape(Shape):
    position: int
    title: str
    days: Amount
    work: Amount


class WorkLineShape(Shape):
    deliverable: int = Field(description="Its position, from 1")
    role: str
    role_title: str
    days: Amount
    rate: Amount
    amount: Amount


class AdjustmentShape(Shape):
    kind: AdjustmentKind
    factor: Amount | None = Field(description="null for rounding")
    base: Amount
    amount: Amount
    result: Amount
    description: str


class AskedShape(Shape):
    complexity: str | None
    discount: Amount
    budget_max: Amount | None
    timeline_weeks: int | None


class DroppedShape(Shape):
    position: int
    title: str


class OptionShape(Shape):
    change: Change
    price: Amount
    timeline_weeks: int
    drop: list[DroppedShape]


class QuoteShape(Shape):
    """A price and how it came about: the amounts of `lines` and `adjustments` sum to `price`."""

    currency: str
    price: Amount
    timeline_weeks: int = Field(description="The weeks that this price is for")
    estimated_weeks: int
    shortest_weeks: int
    team_days_per_week: Amount
    rate_card: CardShape
    deliverables: list[PricedDeliverableShape]
    lines: list[WorkLineShape]
    work: Amount = Field(description="The sum of the lines")
    adjustments: list[AdjustmentShape]
    subtotal: Amount = Field(description="The price before it is rounded up")
    asked: AskedShape
    fits: bool
    price_gap: Amount
    weeks_gap: int
    would_fit: list[OptionShape] = Field(description="Empty when it fits")


@routes.post("/quotes", responses=one(QuoteShape, refusals=(400, 413, 415)))
def make_quote(body: QuoteBody, caller: Asking) -> Response:
    """What estimated work costs, line by line; and what would fit when budget or timeline do not."""
    return answer(quote_resource(quote(body.request(), read_rate_card())))
