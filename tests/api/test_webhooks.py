"""Webhooks over HTTP, from the endpoint to what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from ods_core.api import shapes
from tests.api.conftest import Engagement
from tests.started import StartedServer, started
from tests.webhooks.receiver import Reply, receiving, until

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """A server that sends to receivers on this machine."""
    folder: Path = tmp_path_factory.mktemp("webhooks")
    with started(folder, ODS_WEBHOOK_ALLOW_PRIVATE="1", ODS_WEBHOOK_FIRST_RETRY_SECONDS="0.05") as running:
        yield running


def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def test_an_endpoint_from_its_making_to_its_end(inside: StartedServer) -> None:
    fail = [True]

    def answer(message: Any) -> Reply:
        return Reply(500 if fail and fail.pop() else 204)

    with receiving(answer) as receiver, inside.client() as api:
        response = api.post(
            "/webhook-endpoints", json={"url": receiver.url + "/hook", "event_types": ["ods.request.submitted"]}
        )
        made = data(response, 201)
        shapes.NewEndpointShape.model_validate(made)
        assert made["status"] == "enabled"
        assert response.headers["location"].endswith(f"/webhook-endpoints/{made['id']}")
        request = Engagement(api).submitted().request
        receiver.wait_for(2)
        message = receiver.messages[-1]
        said = Webhook(made["secret"]).verify(message.body, dict(message.headers))
        assert said["data"]["subject"] == {"kind": "request", "id": request["id"]}
        feed = httpx.get(inside.url + "/v1/events", params={"request_id": request["id"]}, timeout=10).json()["data"]
        assert said["data"] == feed[0]

        place = f"/webhook-endpoints/{made['id']}"
        until(lambda: len(data(api.get(place + "/deliveries"))) == 2)
        taken, failed = data(api.get(place + "/deliveries"))
        for attempt in (taken, failed):
            shapes.DeliveryAttemptShape.model_validate(attempt)
            assert attempt["event_id"] == feed[0]["id"]
            assert attempt["duration_ms"] >= 0
        assert (failed["status"], failed["response_status"], failed["attempt"]) == ("failed", 500, 1)
        assert (taken["status"], taken["response_status"], taken["attempt"]) == ("delivered", 204, 2)
        assert failed["next_attempt_at"] is not None
        assert [a["status"] for a in data(api.get(place + "/deliveries", params={"status": "failed"}))] == ["failed"]
        first = api.get(place + "/deliveries", params={"limit": 1}).json()
        assert first["meta"]["has_more"]
        second = api.get(place + "/deliveries", params={"limit": 1, "cursor": first["meta"]["cursor"]}).json()
        assert [*first["data"], *second["data"]] == [taken, failed]

        shown = data(api.get(place))
        shapes.EndpointShape.model_validate(shown)
        assert (shown["last_response_status"], shown["failing_engagements"]) == (204, 0)
        assert shown in data(api.get("/webhook-endpoints"))

        replayed = data(api.post(place + "/replay", json={"event_id": feed[0]["id"]}), 202)
        assert replayed == {"endpoint_id": made["id"], "events": 1}
        receiver.wait_for(3)
        ranged = data(api.post(place + "/replay", json={"from": feed[0]["occurred_at"]}), 202)
        assert ranged["events"] >= 1
        receiver.wait_for(4)
        assert set(receiver.ids()) == {feed[0]["id"]}

        tested = data(api.post(place + "/test"), 202)
        until(lambda: receiver.ids()[-1] == tested["event_id"])

        rotated = data(api.post(place + "/rotate-secret", json={}))
        assert rotated["secret"] != made["secret"]
        assert rotated["previous_secret_until"] is not None
        data(api.post(place + "/test"), 202)
        receiver.wait_for(6)
        for secret in (made["secret"], rotated["secret"]):
            Webhook(secret).verify(receiver.messages[-1].body, dict(receiver.messages[-1].headers))

        assert data(api.post(place + "/disable"))["status"] == "disabled"
        refused = api.post(place + "/test")
        assert (refused.status_code, refused.json()["current_state"]) == (409, "disabled")
        assert data(api.post(place + "/enable"))["status"] == "enabled"
        assert data(api.delete(place)) == {"id": made["id"], "deleted": True}
        assert api.get(place).status_code == 404
        assert api.delete(place).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/url", "/event_types"]),
        ({"url": "http://127.0.0.1/", "event_types": ["*"]}, ["/url"]),
        ({"url": "http://[::ffff:10.0.0.1]/", "event_types": ["*"]}, ["/url"]),
        ({"url": "https://example.com/", "event_types": []}, ["/event_types"]),
        ({"url": "https://example.com/", "event_types": ["ods.nothing"]}, ["/event_types/0"]),
        ({"url": "https://example.com/", "event_types": "*"}, ["/event_types"]),
        ({"url": "https://example.com/", "event_types": ["*"], "secret": "x"}, ["/secret"]),
    ],
)
def test_a_bad_endpoint_is_refused_at_its_place(api: httpx.Client, body: Any, pointers: list[str]) -> None:
    refused = api.post("/webhook-endpoints", json=body)
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == pointers


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/event_id"),
        ({"to": "2026-04-15T10:00:00Z"}, "/event_id"),
        ({"event_id": "EVT-26-000001", "from": "2026-04-15T10:00:00Z"}, "/from"),
        ({"from": "yesterday"}, "/from"),
        ({"from": "0001-01-01T00:00:00+01:00"}, "/from"),
        ({"from": "2026-04-15T10:00:00"}, "/from"),
        ({"from": 5}, "/from"),
        ({"from": "2026-04-15T10:00:00Z", "to": "2026-04-14T10:00:00Z"}, "/to"),
        ({"event_id": "EVT-26-999999"}, "/event_id"),
    ],
)
def test_a_bad_replay_is_refused_at_its_place(api: httpx.Client, body: Any, pointer: str) -> None:
    given = {"url": "https://8.8.8.8:9/", "event_types": ["ods.payment.due"]}
    made = data(api.post("/webhook-endpoints", json=given), 201)
    refused = api.post(f"/webhook-endpoints/{made['id']}/replay", json=body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
    api.delete(f"/webhook-endpoints/{made['id']}")


def test_sent_twice_under_one_key_an_endpoint_is_made_once_and_its_secret_is_not_kept(inside: StartedServer) -> None:
    """Inside the transaction that keeps the answer, too, what was planned is sent once it is committed."""
    with receiving() as receiver, inside.client() as api:
        given = {"url": receiver.url + "/once", "event_types": ["ods.payment.due"]}
        first = data(api.post("/webhook-endpoints", json=given, headers={"Idempotency-Key": "add-1"}), 201)
        again = data(api.post("/webhook-endpoints", json=given, headers={"Idempotency-Key": "add-1"}), 201)
        assert again == first | {"secret": None}
        place = f"/webhook-endpoints/{first['id']}"
        tested = data(api.post(place + "/test", headers={"Idempotency-Key": "test-1"}), 202)
        assert data(api.post(place + "/test", headers={"Idempotency-Key": "test-1"}), 202) == tested
        until(lambda: receiver.ids() == [tested["event_id"]])
        for verb, status in (("disable", "disabled"), ("enable", "enabled")):
            assert data(api.post(f"{place}/{verb}", headers={"Idempotency-Key": verb}))["status"] == status
        api.delete(place)


def test_what_is_not_there_is_not_found(api: httpx.Client) -> None:
    for method, tail in [("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test"), ("POST", "/enable")]:
        assert api.request(method, f"/webhook-endpoints/WHK-26-999999{tail}").status_code == 404
