"""Decisions that race over HTTP: exactly one wins, the other is told the state it came too late for."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.conftest import Engagement
from tests.started import StartedServer

pytestmark = pytest.mark.server

ROUNDS = 200 if os.environ.get("ODS_TEST_FULL") else 20

ACCEPT = {"accepted": True, "reviewer_id": "USR-26-000044"}
REJECT = {"accepted": False, "reviewer_id": "USR-26-000045", "rejection_reason": "Criterion 1 is not met: 0.4 %."}
CONFIRM = {"confirm": True, "accepted_by": "USR-26-000044"}
DECLINE = {"confirm": False, "reason": "Which load does the rate refer to?"}


class Rivals:
    """Two clients that let go at the same moment."""

    def __init__(self, server: StartedServer) -> None:
        self.clients = [server.client(), server.client()]
        self.pool = ThreadPoolExecutor(2)

    def race(self, path: str, first: dict[str, Any], second: dict[str, Any]) -> list[httpx.Response]:
        """The two answers."""
        gate = threading.Barrier(2)

        def give(client: httpx.Client, body: dict[str, Any]) -> httpx.Response:
            gate.wait()
            return client.post(path, json=body)

        return list(self.pool.map(give, self.clients, (first, second)))

    def close(self) -> None:
        """Let go of the connections."""
        for client in self.clients:
            client.close()
        self.pool.shutdown()


@pytest.fixture
def rivals(server: StartedServer) -> Any:
    """Two clients of one server."""
    pair = Rivals(server)
    yield pair
    pair.close()


def one_wins(answers: list[httpx.Response]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Assert one success and one 409 that names the state; both bodies."""
    statuses = sorted(a.status_code for a in answers)
    assert statuses == [200, 409], [a.text for a in answers]
    won, lost = sorted(answers, key=lambda a: a.status_code)
    assert lost.headers["content-type"] == "application/problem+json"
    assert lost.json()["code"] == "not_allowed"
    return won.json()["data"], lost.json()


def events_of(server: StartedServer, request_id: str) -> list[str]:
    """The types of a request's events, in order."""
    answer = httpx.get(f"{server.url}/v1/events", params={"request_id": request_id, "limit": 100}, timeout=30)
    return [event["type"] for event in answer.json()["data"]]


def test_of_accept_and_reject_one_wins(server: StartedServer, api: httpx.Client, rivals: Rivals) -> None:
    winners = set()
    for _ in range(ROUNDS):
        walk = Engagement(api).ready()
        id = walk.deliverable_ids[0]
        won, lost = one_wins(rivals.race(f"/deliverables/{id}/accept", ACCEPT, REJECT))
        assert lost["current_state"] == won["status"] == walk.get(f"/deliverables/{id}")["status"]
        assert [a["decision"] for a in won["attempts"]] == [won["status"]]
        types = events_of(server, walk.request["id"])
        assert types.count("ods.deliverable.accepted") + types.count("ods.deliverable.rejected") == 1
        assert types.count("ods.remediation.started") == (won["status"] == "rejected")
        winners.add(won["status"])
    assert winners <= {"accepted", "rejected"}


def test_of_two_confirmations_one_wins(server: StartedServer, api: httpx.Client, rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        walk = Engagement(api).proposed()
        won, lost = one_wins(rivals.race(f"/scopes/{walk.scope['id']}", CONFIRM, CONFIRM))
        assert (won["status"], lost["current_state"]) == ("active", "active")
        types = events_of(server, walk.request["id"])
        assert types.count("ods.scope.confirmed") == types.count("ods.service_line.opened") == 1
        payments = api.get("/payments", params={"scope_id": walk.scope["id"]}).json()["data"]
        assert sorted(p["status"] for p in payments) == ["due", "scheduled"]


def test_of_confirm_and_decline_one_wins(server: StartedServer, api: httpx.Client, rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        walk = Engagement(api).proposed()
        won, lost = one_wins(rivals.race(f"/scopes/{walk.scope['id']}", CONFIRM, DECLINE))
        assert lost["current_state"] == won["status"]
        payments = api.get("/payments", params={"scope_id": walk.scope["id"]}).json()["data"]
        assert len(payments) == (2 if won["status"] == "active" else 0)


def test_of_two_submissions_one_wins(server: StartedServer, api: httpx.Client, rivals: Rivals) -> None:
    for _ in range(ROUNDS):
        walk = Engagement(api).confirmed()
        id = walk.deliverable_ids[0]
        won, lost = one_wins(rivals.race(f"/deliverables/{id}/submit", {"notes": "a"}, {"notes": "b"}))
        assert (won["status"], lost["current_state"]) == ("completed", "completed")
        attempts = walk.get(f"/deliverables/{id}")["attempts"]
        assert [a["notes"] for a in attempts] == [won["attempts"][0]["notes"]]
        assert events_of(server, walk.request["id"]).count("ods.deliverable.submitted") == 1
