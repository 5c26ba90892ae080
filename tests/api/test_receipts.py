"""Money received, over HTTP: booked once, however many send it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ods_core.api import shapes
from tests.api.conftest import Engagement
from tests.started import StartedServer

pytestmark = pytest.mark.server

ROUNDS = 200 if os.environ.get("ODS_TEST_FULL") else 20
TODAY = datetime.now(UTC).date()


def receipt(amount: float = 7750.00, reference: str = "SEPA 1", on: str = TODAY.isoformat()) -> dict[str, Any]:
    return {"amount": amount, "received_on": on, "reference": reference}


@pytest.fixture
def due(api: httpx.Client) -> str:
    """A payment of 7,750.00 USD that is due."""
    scope = Engagement(api).confirmed().scope["id"]
    return str(api.get("/payments", params={"scope_id": scope, "status": "due"}).json()["data"][0]["id"])


def test_a_receipt_is_recorded_read_and_taken_back(api: httpx.Client, due: str) -> None:
    answer = api.post(f"/payments/{due}/receipts", json=receipt())
    assert answer.status_code == 201
    made = answer.json()["data"]
    shapes.ReceiptShape.model_validate(made)
    assert (made["payment_id"], made["amount"], made["status"]) == (due, 7750.00, "recorded")
    assert answer.headers["Location"].endswith(f"/receipts/{made['id']}")
    paid = api.get(f"/payments/{due}").json()["data"]
    assert (paid["status"], paid["paid"], paid["open"]) == ("paid", 7750.00, 0)

    back = api.post(f"/receipts/{made['id']}/reverse", json={"reason": "Another payment was meant."})
    assert back.status_code == 201
    entry = back.json()["data"]
    assert (entry["amount"], entry["reverses"]) == (-7750.00, made["id"])
    open_again = api.get(f"/payments/{due}").json()["data"]
    assert (open_again["status"], open_again["paid"], open_again["open"]) == ("due", 0, 7750.00)
    listed = api.get(f"/payments/{due}/receipts").json()["data"]
    assert [r["id"] for r in listed] == [entry["id"], made["id"]]
    assert api.get(f"/receipts/{made['id']}").json()["data"]["status"] == "reversed"
    assert api.post(f"/receipts/{made['id']}/reverse", json={"reason": "Again."}).status_code == 409


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (receipt(7000.00, "A"), receipt(750.01, "B"), "amount_exceeds_open"),
        (receipt(10.00, "A"), receipt(20.00, " a "), "duplicate_receipt"),
        (receipt(7750.00, "A"), receipt(7750.00, "A"), "duplicate_receipt"),
        (receipt(7750.00, "A"), receipt(0.01, "B"), "amount_exceeds_open"),
    ],
)
def test_what_cannot_be_booked_is_refused_by_its_code(
    api: httpx.Client, due: str, first: dict[str, Any], second: dict[str, Any], code: str
) -> None:
    assert api.post(f"/payments/{due}/receipts", json=first).status_code == 201
    refused = api.post(f"/payments/{due}/receipts", json=second)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert refused.json()["current_state"] in ("due", "paid")
    assert len(api.get(f"/payments/{due}/receipts").json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (receipt(0), "/amount"),
        (receipt(-5), "/amount"),
        (receipt(1.005), "/amount"),
        (receipt(reference=""), "/reference"),
        (receipt(on=(TODAY + timedelta(days=2)).isoformat()), "/received_on"),
        (receipt(on="yesterday"), "/received_on"),
        (receipt() | {"currency": "EUR"}, "/currency"),
        ({"amount": 1}, "/reference"),
    ],
)
def test_bad_values_are_named(api: httpx.Client, due: str, body: dict[str, Any], pointer: str) -> None:
    refused = api.post(f"/payments/{due}/receipts", json=body)
    assert refused.status_code == 422
    assert pointer in [e["pointer"] for e in refused.json()["errors"]]


def test_of_two_receipts_for_the_same_open_amount_one_is_booked(server: StartedServer, api: httpx.Client) -> None:
    with server.client() as one, server.client() as other, ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            scope = Engagement(api).confirmed().scope["id"]
            id = api.get("/payments", params={"scope_id": scope, "status": "due"}).json()["data"][0]["id"]
            gate = threading.Barrier(2)

            def book(client: httpx.Client, reference: str, id: str = id, gate: threading.Barrier = gate) -> int:
                gate.wait()
                return client.post(f"/payments/{id}/receipts", json=receipt(reference=reference)).status_code

            assert sorted(pool.map(book, (one, other), ("A", "B"))) == [201, 409]
            payment = api.get(f"/payments/{id}").json()["data"]
            assert (payment["status"], payment["paid"]) == ("paid", 7750.00)
            assert len(api.get(f"/payments/{id}/receipts").json()["data"]) == 1
