"""Each payment event, followed over HTTP by its type: what it is about, and the payment as it stood just then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ods_core.api import shapes
from tests.api.conftest import Engagement
from tests.started import StartedServer

pytestmark = pytest.mark.server


def followed(server: StartedServer, request_id: str, *types: str) -> list[dict[str, Any]]:
    """An engagement's events of some types, oldest first, followed two at a time."""
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"request_id": request_id, "type": list(types), "limit": 2}
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while True:
            answer = client.get("/v1/events", params=asked)
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            if not answer.json()["meta"]["has_more"]:
                return found
            asked["cursor"] = answer.json()["meta"]["cursor"]


def test_every_event_of_a_payments_life_is_told_by_its_type(
    server: StartedServer, api: httpx.Client, engagement: Engagement
) -> None:
    engagement.confirmed()
    first, second = (p["id"] for p in sorted(payments(api, engagement), key=lambda p: p["position"]))
    today = datetime.now(UTC).date().isoformat()
    for amount, reference in ((5000.00, "A"), (2750.00, "B")):
        body = {"amount": amount, "received_on": today, "reference": reference}
        engagement.post(f"/payments/{first}/receipts", body, 201)
    engagement.post(f"/scopes/{engagement.scope['id']}/terminate", {"reason": "The need is gone."})

    def told(type: str) -> list[tuple[Any, ...]]:
        events = followed(server, engagement.request["id"], type)
        for event in events:
            check(event, type, engagement)
        names = ("status", "paid", "open")
        return [(event["subject"]["id"], *(event["data"][name] for name in names)) for event in events]

    assert told("ods.payment.scheduled") == [(first, "scheduled", 0, 0), (second, "scheduled", 0, 0)]
    assert told("ods.payment.due") == [(first, "due", 0, 7750)]
    assert told("ods.payment.received") == [(first, "due", 5000, 2750), (first, "due", 7750, 0)]
    assert told("ods.payment.paid") == [(first, "paid", 7750, 0)]
    assert told("ods.payment.voided") == [(second, "void", 0, 0)]
    types = ("ods.payment.scheduled", "ods.payment.due", "ods.payment.paid")
    together = followed(server, engagement.request["id"], *types)
    assert [event["type"] for event in together] == [types[0], types[0], types[1], types[2]]
    assert [event["sequence"] for event in together] == sorted(event["sequence"] for event in together)


def payments(api: httpx.Client, engagement: Engagement) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/payments", params={"scope_id": engagement.scope["id"]}).json()["data"]
    return found


def check(event: dict[str, Any], type: str, engagement: Engagement) -> None:
    """An event has its shape, and its data is the payment as the API shows it; a receipt's has the receipt too."""
    shapes.EventShape.model_validate(event)
    assert (event["type"], event["subject"]["kind"]) == (type, "payment")
    assert (event["request_id"], event["scope_id"]) == (engagement.request["id"], engagement.scope["id"])
    data = dict(event["data"])
    receipt = data.pop("receipt", None)
    shapes.PaymentShape.model_validate(data)
    assert (receipt is not None) == (type == "ods.payment.received")
    if receipt:
        shapes.ReceiptShape.model_validate(receipt)


def test_a_type_that_is_none_is_refused_by_name(server: StartedServer) -> None:
    answer = httpx.get(f"{server.url}/v1/events", params={"type": "ods.payment.lost"}, timeout=30)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/type")
