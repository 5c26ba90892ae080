"""Quotes over HTTP: the documented example, exact numbers, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.api.routes.quotes import QuoteShape
from ods_core.payments.pricing import read_rate_card
from tests.api.conftest import Engagement, proposal_body

pytestmark = pytest.mark.server

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "pricing.md"


def documented() -> list[str]:
    """The request of the document, its answer, and the answer under tighter bounds, as they are written there."""
    blocks = DOCUMENT.read_text(encoding="utf-8").split("```json\n")[1:]
    return [block.split("```")[0] for block in blocks]


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def body(**changes: Any) -> dict[str, Any]:
    return {"deliverables": [{"title": "The fix", "days": {"engineer": 2.5}}], "currency": "USD"} | changes


def test_the_documented_example_holds(api: httpx.Client) -> None:
    asked, *answers = documented()
    for bounds, expected in zip(({}, {"timeline_weeks": 2, "budget_max": 16000}), map(exact, answers), strict=True):
        answer = api.post("/quotes", json=json.loads(asked) | bounds)
        assert answer.status_code == 200, answer.text
        shown = exact(answer.text)["data"]
        assert {name: shown[name] for name in expected} == expected


def test_the_answer_is_as_described_in_every_currency(api: httpx.Client) -> None:
    for currency in read_rate_card().currencies:
        asked = body(currency=currency, complexity="demanding", discount=7.5, timeline_weeks=1, team_days_per_week=0.25)
        answer = api.post("/quotes", json=asked)
        assert answer.status_code == 200, answer.text
        shown = exact(answer.text)["data"]
        QuoteShape.model_validate(shown)
        kinds = ["contingency", "complexity", "urgency", "discount", "rounding"]
        assert [step["kind"] for step in shown["adjustments"]] == kinds
        assert sum(line["amount"] for part in ("lines", "adjustments") for line in shown[part]) == shown["price"]


def test_a_quote_becomes_the_price_of_a_proposal(api: httpx.Client) -> None:
    made = api.post("/quotes", json=json.loads(documented()[0])).json()["data"]
    offer = {"fixed_price": made["price"], "currency": made["currency"], "timeline_weeks": made["timeline_weeks"]}
    scope = Engagement(api).proposed(**offer).scope
    assert {name: scope[name] for name in offer} == offer == {name: proposal_body()[name] for name in offer}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"currency": "XYZ"}, "/currency"),
        ({"colour": "red"}, "/colour"),
        ({"discount": "5"}, "/discount"),
        ({"discount": 100}, "/discount"),
        ({"discount": True}, "/discount"),
        ({"budget_max": -1}, "/budget_max"),
        ({"timeline_weeks": 2.5}, "/timeline_weeks"),
        ({"deliverables": []}, "/deliverables"),
        ({"deliverables": [{"title": "The fix"}]}, "/deliverables/0/days"),
        ({"deliverables": [{"title": "The fix", "days": {"wizard": 1}}]}, "/deliverables/0/days/wizard"),
        ({"deliverables": [{"title": "The fix", "days": {"engineer": "2"}}]}, "/deliverables/0/days/engineer"),
        ({"deliverables": [{"title": "The fix", "days": {"engineer": 0.3}}]}, "/deliverables/0/days/engineer"),
        ({"deliverables": [{"title": "The fix", "days": {"engineer": 10**400}}]}, "/deliverables/0/days/engineer"),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_place(api: httpx.Client, changes: dict[str, Any], pointer: str) -> None:
    answer = api.post("/quotes", json=body(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1." + 60 * "0" + "1"])
def test_a_number_of_absurd_size_is_refused_as_any_other(api: httpx.Client, number: str) -> None:
    places = ("/budget_max", "/discount", "/team_days_per_week")
    for place in places:
        text = json.dumps(body(**{place[1:]: "HERE"})).replace('"HERE"', number)
        answer = api.post("/quotes", content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert [problem["pointer"] for problem in answer.json()["errors"]] == [place]
