"""Quotes over HTTP: the documented example, exact numbers, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.api.shapes import KeptQuoteShape, QuoteShape
from ods_core.payments.pricing import read_rate_card
from tests.api.conftest import Engagement, proposal_body
from tests.started import StartedServer

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


def estimate(**changes: Any) -> dict[str, Any]:
    """The documented example's days, under the keys of the documented proposal."""
    asked = json.loads(documented()[0])
    keys = [d["key"] for d in proposal_body()["deliverables"]]
    work = [{"key": key, "days": d["days"]} for key, d in zip(keys, asked["deliverables"], strict=True)]
    return {"deliverables": work, "team_days_per_week": asked["team_days_per_week"]} | changes


def test_a_quote_becomes_the_price_of_a_proposal_and_is_kept_with_it(api: httpx.Client) -> None:
    asked = json.loads(documented()[0])
    asked["deliverables"][2]["title"] = "Production deployment and monitoring"
    made = exact(api.post("/quotes", json=asked).text)["data"]
    offer = {"fixed_price": 15500.0, "currency": made["currency"], "timeline_weeks": made["timeline_weeks"]}
    walk = Engagement(api).proposed(**offer, quote=estimate())
    kept = exact(api.get(f"/scopes/{walk.scope['id']}").text)["data"]["quote"]
    KeptQuoteShape.model_validate(kept)
    assert made["price"] == offer["fixed_price"]
    assert kept == made | {"adjusted_by": 0}
    assert walk.scope["quote"]["price"] == 15500.0, "the answer to the proposal shows it, too"
    listed = api.get("/scopes", params={"request_id": walk.request["id"]}).json()["data"]
    assert [scope["quote"]["price"] for scope in listed] == [15500.0]


def test_a_rounded_price_is_shown_as_adjusted(api: httpx.Client) -> None:
    scope = Engagement(api).proposed(fixed_price=15499.5, quote=estimate(contingency=10)).scope
    assert (scope["fixed_price"], scope["quote"]["price"], scope["quote"]["adjusted_by"]) == (15499.5, 15500.0, -0.5)


def test_a_proposal_without_an_estimate_shows_that_it_has_no_quote(api: httpx.Client) -> None:
    assert Engagement(api).proposed().scope["quote"] is None


def test_the_feed_never_tells_the_calculation(server: StartedServer, api: httpx.Client) -> None:
    walk = Engagement(api).proposed(quote=estimate()).confirmed()
    told = httpx.get(f"{server.url}/v1/events", params={"request_id": walk.request["id"], "limit": 100}).text
    assert "15500.00" in told
    assert [word for word in ("quote", "lead_engineer", "contingency", "rate_card") if word in told] == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"deliverables": [{"key": "docs", "days": {"engineer": 1}}]}, "/quote/deliverables/0/key"),
        ({"deliverables": []}, "/quote/deliverables"),
        ({"deliverables": [{"key": "fix", "days": {"engineer": "1"}}]}, "/quote/deliverables/0/days/engineer"),
        ({"discount": 101}, "/quote/discount"),
        ({"contingency": -0.5}, "/quote/contingency"),
        ({"complexity": "easy"}, "/quote/complexity"),
        ({"colour": "red"}, "/quote/colour"),
    ],
)
def test_an_estimate_that_cannot_be_right_is_refused_at_its_place(
    api: httpx.Client, given: dict[str, Any], pointer: str
) -> None:
    request = Engagement(api).submitted().request
    answer = api.post(f"/requests/{request['id']}/scope", json=proposal_body(quote=estimate(**given)))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert pointer in [problem["pointer"] for problem in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("days", "place"), [({"wizard": 1}, "wizard"), ({"engineer": -2}, "engineer"), ({"engineer": 0.3}, "engineer")]
)
def test_days_that_cannot_be_are_refused_at_their_role(api: httpx.Client, days: dict[str, Any], place: str) -> None:
    given = estimate()
    given["deliverables"][1]["days"] = days
    request = Engagement(api).submitted().request
    answer = api.post(f"/requests/{request['id']}/scope", json=proposal_body(quote=given))
    assert answer.status_code == 422
    assert [p["pointer"] for p in answer.json()["errors"]] == [f"/quote/deliverables/1/days/{place}"]


def test_a_currency_without_rates_is_refused(api: httpx.Client) -> None:
    request = Engagement(api).submitted(currency="CHF").request
    answer = api.post(f"/requests/{request['id']}/scope", json=proposal_body(currency="CHF", quote=estimate()))
    assert answer.status_code == 422
    assert [p["pointer"] for p in answer.json()["errors"]] == ["/currency"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"currency": "XYZ"}, "/currency"),
        ({"colour": "red"}, "/colour"),
        ({"discount": "5"}, "/discount"),
        ({"discount": 100}, "/discount"),
        ({"discount": True}, "/discount"),
        ({"contingency": 100.5}, "/contingency"),
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
    places = ("/budget_max", "/contingency", "/discount", "/team_days_per_week")
    for place in places:
        text = json.dumps(body(**{place[1:]: "HERE"})).replace('"HERE"', number)
        answer = api.post("/quotes", content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert [problem["pointer"] for problem in answer.json()["errors"]] == [place]
