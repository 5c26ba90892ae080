"""What holds for every call: money, paging, the feed, headers, origins, and the description of it all."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.api import build, shapes
from ods_core.server import refuse_open_address
from tests.api.conftest import Engagement, proposal_body
from tests.started import ODS, StartedServer

pytestmark = pytest.mark.server


def test_money_is_exact_both_ways(api: httpx.Client) -> None:
    """The digits in the answer's text are the amount: nothing passes through a binary fraction."""
    for price, currency, written in (
        ("99999999999.97", "USD", "99999999999.97"),
        ("0.1", "USD", "0.10"),
        ("33", "JPY", "33"),
        ("1.001", "KWD", "1.001"),
    ):
        walk = Engagement(api).submitted(budget_max=None, currency=currency)
        body = proposal_body(currency=currency, payment_terms="100% on final acceptance")
        text = json.dumps(body).replace("15500.0", price)
        path = f"/requests/{walk.request['id']}/scope"
        answer = api.post(path, content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 201, answer.text
        assert f'"fixed_price":{written},' in answer.text
        exact = json.loads(answer.text, parse_float=Decimal)["data"]
        assert exact["fixed_price"] == exact["payment_schedule"][0]["amount"] == Decimal(price)


def test_a_list_is_stable_while_rows_are_added(api: httpx.Client) -> None:
    for _ in range(5):
        Engagement(api).submitted()
    first = api.get("/requests", params={"limit": 2}).json()
    Engagement(api).submitted()
    seen = [row["id"] for row in first["data"]]
    meta = first["meta"]
    while meta["cursor"]:
        page = api.get("/requests", params={"limit": 2, "cursor": meta["cursor"]}).json()
        seen += [row["id"] for row in page["data"]]
        meta = page["meta"]
    assert not meta["has_more"]
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen, key=lambda id: int(id.rsplit("-", 1)[1]), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "", "🙂", "n12", "bi01", "bjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_a_cursor_from_elsewhere_is_refused(api: httpx.Client, cursor: str) -> None:
    answer = api.get("/requests", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=open", "colour=red"])
def test_a_query_that_cannot_be_right_is_refused_by_name(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/requests?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/" + query.split("=", maxsplit=1)[0]


def test_the_feed_has_no_gap_and_no_repetition(server: StartedServer, api: httpx.Client) -> None:
    walk = Engagement(api).ready()
    followed: list[dict[str, Any]] = []
    cursor = None
    while True:
        parameters = {"limit": "3", "request_id": walk.request["id"]} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(f"{server.url}/v1/events", params=parameters, timeout=30).json()
        followed += page["data"]
        cursor = page["meta"]["cursor"]
        if not page["meta"]["has_more"]:
            break
    whole = httpx.get(f"{server.url}/v1/events", params={"limit": 100, "request_id": walk.request["id"]}).json()["data"]
    assert followed == whole
    assert [e["sequence"] for e in whole] == sorted({e["sequence"] for e in whole})
    assert whole[0]["type"] == "ods.request.submitted"
    assert whole[0]["actor"] == {"kind": "local", "id": "local"}
    assert whole[0]["subject"] == {"kind": "request", "id": walk.request["id"]}

    later = {"cursor": cursor, "request_id": walk.request["id"]}
    assert httpx.get(f"{server.url}/v1/events", params=later).json()["data"] == []
    walk.post(f"/deliverables/{walk.deliverable_ids[0]}/accept", {"accepted": True})
    new = httpx.get(f"{server.url}/v1/events", params=later).json()["data"]
    assert [e["type"] for e in new] == ["ods.deliverable.accepted"]


def test_the_feed_can_be_narrowed(server: StartedServer, api: httpx.Client) -> None:
    Engagement(api).confirmed()
    events = f"{server.url}/v1/events"
    kinds = {e["type"] for e in httpx.get(f"{events}?type=ods.payment.due&type=ods.cycle.started").json()["data"]}
    assert kinds == {"ods.payment.due", "ods.cycle.started"}
    assert httpx.get(events, params={"organization_id": "ORG-26-000404"}).json()["data"] == []
    assert httpx.get(events, params={"from": "2199-01-01T00:00:00Z"}).json()["data"] == []
    for when in ("yesterday", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"):
        refused = httpx.get(events, params={"from": when})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/from")


def test_a_request_id_comes_back(api: httpx.Client) -> None:
    assert api.get("/requests", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    made = api.get("/requests", headers={"X-Request-Id": "two words"}).headers["X-Request-Id"]
    assert made != "two words"
    assert len(made) == 32


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "ods.example.com"},
        {"Host": "127.0.0.1.example.com"},
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_is_refused(api: httpx.Client, headers: dict[str, str]) -> None:
    answer = api.post("/requests", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


def test_a_page_of_this_server_is_not(server: StartedServer, api: httpx.Client) -> None:
    assert api.get("/requests", headers={"Origin": server.url, "Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_unknown_paths_and_methods_are_problems_too(server: StartedServer, api: httpx.Client) -> None:
    for answer, status in (
        (api.get("/sprints"), 404),
        (api.delete("/requests"), 405),
        (httpx.get(f"{server.url}/v1/nothing"), 404),
        (httpx.get(f"{server.url}{ODS}/requests/OREQ-26-999999"), 404),
    ):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


def test_every_answer_is_as_described(server: StartedServer, api: httpx.Client) -> None:
    """The models behind the OpenAPI description are closed: a field too many or too few fails here."""
    walk = Engagement(api).ready()
    first, second, _ = walk.deliverable_ids
    rejected = walk.post(f"/deliverables/{first}/accept", {"accepted": False, "rejection_reason": "Criterion 1."})
    accepted = walk.post(f"/deliverables/{second}/accept", {"accepted": True})
    Engagement(api).submitted()
    for shape, shown in (
        (shapes.Decided, rejected),
        (shapes.Decided, accepted),
        (shapes.CycleShape, walk.get(f"/cycles/{rejected['remediation_cycle_id']}")),
        (shapes.StatementShape, walk.get(f"/scopes/{walk.scope['id']}/statement")),
        (shapes.Outcomes, walk.get("/metrics/outcomes")),
    ):
        shape.model_validate(shown)
    for name, shape in (
        ("requests", shapes.RequestShape),
        ("scopes", shapes.ScopeShape),
        ("cycles", shapes.CycleShape),
        ("deliverables", shapes.DeliverableShape),
        ("service-lines", shapes.ServiceLineShape),
        ("payments", shapes.PaymentShape),
    ):
        rows = walk.get(f"/{name}?limit=100")
        assert rows
        for row in rows:
            shape.model_validate(row)
            assert walk.get(f"/{name}/{row['id']}").keys() == row.keys()
    for event in httpx.get(f"{server.url}/v1/events?limit=100").json()["data"]:
        shapes.EventShape.model_validate(event)


def test_the_description_names_every_call_of_the_contract_so_far() -> None:
    described = {(method.upper(), path) for path, item in build().openapi()["paths"].items() for method in item}
    ods = "/capabilities/ods"
    commands = ("cancel", "revise", "negotiate", "scope")
    expected = (
        {("POST", f"{ods}/requests/{{id}}/{name}") for name in commands}
        | {("POST", f"{ods}/deliverables/{{id}}/{name}") for name in ("start", "submit", "accept")}
        | {("POST", f"{ods}/{name}") for name in ("requests", "scopes/{id}", "scopes/{id}/terminate")}
        | {("GET", f"{ods}/{name}") for name in ("requests", "scopes", "cycles", "service-lines", "payments")}
        | {
            ("GET", f"{ods}/{name}/{{id}}")
            for name in ("requests", "scopes", "cycles", "deliverables", "service-lines")
        }
        | {("GET", f"{ods}/deliverables"), ("GET", f"{ods}/payments/{{id}}"), ("GET", f"{ods}/metrics/outcomes")}
        | {("POST", f"{ods}/payment-terms/parse"), ("GET", f"{ods}/scopes/{{id}}/statement"), ("GET", "/events")}
    )
    assert expected <= described


def test_the_documentation_page_needs_nobody_else(server: StartedServer) -> None:
    page = httpx.get(f"{server.url}/v1/docs").text
    assert "swagger-ui" in page
    assert "https://" not in page.replace("http://127.0.0.1", "")
    script = page.split('src="')[1].split('"')[0]
    assert httpx.get(server.url + script).status_code == 200


def test_terms_can_be_tried(api: httpx.Client) -> None:
    body = {"terms": "30% upfront, 40% on acceptance of cycle 1 and 30% on final acceptance", "fixed_price": 15500.00}
    answer = api.post("/payment-terms/parse", json=body | {"currency": "USD", "cycles": 2, "deliverables": 3})
    milestones = answer.json()["data"]["milestones"]
    assert [m["amount"] for m in milestones] == [4650.00, 6200.00, 4650.00]
    assert [m["trigger"] for m in milestones] == [
        {"kind": "confirmation"},
        {"kind": "cycle_acceptance", "number": 1},
        {"kind": "final_acceptance"},
    ]
    assert milestones[0].keys() >= {"position", "trigger", "amount", "currency", "net_days", "description"}

    refused = api.post("/payment-terms/parse", json=body | {"terms": "50% on confirmation, 60% at noon"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_payment_terms")
    error = refused.json()["errors"][0]
    assert error["pointer"] == "/terms"
    assert "50% on confirmation, 60% at noon"[error["start"] : error["end"]] == "at noon"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "ods.example.com", ""])
def test_a_server_without_sign_in_refuses_an_address_that_others_can_reach(address: str) -> None:
    with pytest.raises(SystemExit, match="no sign-in is configured"):
        refuse_open_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_loopback_address_is_fine(address: str) -> None:
    refuse_open_address(address)


def test_such_a_start_ends_with_the_reason(tmp_path: Path) -> None:
    server = StartedServer(tmp_path, STREAMLIT_SERVER_ADDRESS="0.0.0.0")
    with pytest.raises(RuntimeError, match=r"refusing to listen on 0\.0\.0\.0"):
        server.start()


def test_another_machine_is_refused_however_the_server_was_started() -> None:
    transport = httpx.ASGITransport(app=build(), client=("192.0.2.7", 50_000))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as elsewhere:
            return await elsewhere.get("/openapi.json")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
