"""Invoices over HTTP: issued once however many ask, numbered without a gap."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from ods_core.api import shapes
from tests.api.conftest import Engagement
from tests.started import StartedServer

pytestmark = pytest.mark.server

ROUNDS = 200 if os.environ.get("ODS_TEST_FULL") else 15


def due_payment(api: httpx.Client) -> str:
    scope = Engagement(api).confirmed().scope["id"]
    return str(api.get("/payments", params={"scope_id": scope, "status": "due"}).json()["data"][0]["id"])


@pytest.fixture
def due(api: httpx.Client) -> str:
    """A payment of 7,750.00 USD that is due."""
    return due_payment(api)


def serial(invoice: dict[str, str]) -> int:
    return int(invoice["number"].rsplit("-", 1)[1])


def test_an_invoice_is_issued_read_voided_and_issued_anew(api: httpx.Client, due: str) -> None:
    answer = api.post(f"/payments/{due}/invoice")
    assert answer.status_code == 201
    made = answer.json()["data"]
    shapes.InvoiceShape.model_validate(made)
    assert answer.headers["Location"].endswith(f"/invoices/{made['id']}")
    assert api.get(f"/invoices/{made['id']}").json()["data"] == made
    assert (made["amount"], made["status"], made["payment_id"]) == (7750.00, "open", due)

    twice = api.post(f"/payments/{due}/invoice")
    assert (twice.status_code, twice.json()["invoice_id"]) == (409, made["id"])
    assert api.post(f"/invoices/{made['id']}/void", json={"reason": ""}).status_code == 422
    voided = api.post(f"/invoices/{made['id']}/void", json={"reason": "Another address."})
    assert (voided.status_code, voided.json()["data"]["status"]) == (200, "void")
    assert api.post(f"/invoices/{made['id']}/void", json={"reason": "Again."}).status_code == 409
    again = api.post(f"/payments/{due}/invoice", json={}).json()["data"]
    assert serial(again) == serial(made) + 1
    lost = api.post(f"/invoices/{again['id']}/uncollectible", json={"reason": "Insolvent."}).json()["data"]
    assert (lost["status"], lost["reason"]) == ("uncollectible", "Insolvent.")

    listed = api.get("/invoices", params={"payment_id": due}).json()["data"]
    assert [i["id"] for i in listed] == [again["id"], made["id"]]
    assert api.get("/invoices", params={"payment_id": due, "status": "void"}).json()["data"] == [voided.json()["data"]]


def test_an_invoice_is_paid_with_its_payment(api: httpx.Client, due: str) -> None:
    made = api.post(f"/payments/{due}/invoice").json()["data"]
    receipt = {"amount": 7750.00, "received_on": datetime.now(UTC).date().isoformat(), "reference": "SEPA 1"}
    booked = api.post(f"/payments/{due}/receipts", json=receipt).json()["data"]
    assert api.get(f"/invoices/{made['id']}").json()["data"]["status"] == "paid"
    api.post(f"/receipts/{booked['id']}/reverse", json={"reason": "Another payment's."})
    assert api.get(f"/invoices/{made['id']}").json()["data"]["status"] == "open"


def test_what_is_not_due_or_not_there_is_refused(api: httpx.Client) -> None:
    scope = Engagement(api).confirmed().scope["id"]
    scheduled = api.get("/payments", params={"scope_id": scope, "status": "scheduled"}).json()["data"][0]["id"]
    refused = api.post(f"/payments/{scheduled}/invoice")
    assert (refused.status_code, refused.json()["current_state"]) == (409, "scheduled")
    for path in ("/payments/PAY-26-999999/invoice", "/invoices/INV-26-999999/void"):
        assert api.post(path, json={"reason": "-"} if "void" in path else None).status_code == 404
    assert api.get("/invoices/INV-26-999999").status_code == 404


def test_of_two_that_ask_at_once_one_gets_the_invoice_and_no_number_is_lost(
    server: StartedServer, api: httpx.Client
) -> None:
    numbers = []
    with server.client() as one, server.client() as other, ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            id, gate = due_payment(api), threading.Barrier(2)

            def ask(client: httpx.Client, id: str = id, gate: threading.Barrier = gate) -> int:
                gate.wait()
                return client.post(f"/payments/{id}/invoice").status_code

            assert sorted(pool.map(ask, (one, other))) == [201, 409]
            (invoice,) = api.get("/invoices", params={"payment_id": id}).json()["data"]
            numbers.append(serial(invoice))
    assert numbers == list(range(numbers[0], numbers[0] + ROUNDS))
