"""Quotes: what estimated work costs at the rate card, and what of it would fit."""

from __future__ import annotations

from fastapi.responses import Response

from ods_core.api.bodies import QuoteBody
from ods_core.api.exchange import answer
from ods_core.api.shapes import QuoteShape
from ods_core.api.wiring import Asking, one, router
from ods_core.basics.errors import Forbidden
from ods_core.basics.quotes import quote_resource
from ods_core.payments import quote, read_rate_card

routes = router("Money")


@routes.post("/quotes", responses=one(QuoteShape, refusals=()))
def make_quote(body: QuoteBody, caller: Asking) -> Response:
    """What estimated work costs, line by line; and what would fit when budget or timeline do not.

    For the provider's side: the lines tell its rates.
    """
    if not caller.calculates:
        raise Forbidden("a quote tells the provider's rates; it is for the role provider, and for its administrators")
    return answer(quote_resource(quote(body.request(), read_rate_card())))
