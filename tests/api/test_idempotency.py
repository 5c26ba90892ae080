"""The same command sent again has one effect; a command meant for another state has none."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.basics.clock import MovingClock
from ods_core.service import Runtime
from ods_core.store import access
from ods_core.store.access import FirstAnswer
from tests.api.conftest import Engagement, request_body
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

COMMANDS = 1_000 if os.environ.get("ODS_TEST_FULL") else 60


def sent(api: httpx.Client, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    """A command with an idempotency key."""
    return api.post(path, json=body, headers={"Idempotency-Key": key})


def test_the_first_answer_is_given_again(api: httpx.Client) -> None:
    first, second = (sent(api, "/requests", request_body(), "first-answer") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_another_body_or_call_with_the_same_key_is_refused(api: httpx.Client, engagement: Engagement) -> None:
    sent(api, "/requests", request_body(), "one-body")
    id = engagement.submitted().request["id"]
    for path, body in (
        ("/requests", request_body(title="Something else")),
        (f"/requests/{id}/cancel", {"reason": "No need any more."}),
    ):
        answer = sent(api, path, body, "one-body")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert engagement.get(f"/requests/{id}")["status"] == "scoping"


def test_a_refusal_is_a_first_answer_too(api: httpx.Client, engagement: Engagement) -> None:
    id = engagement.confirmed().deliverable_ids[0]
    early = sent(api, f"/deliverables/{id}/accept", {"accepted": True}, "too-early")
    assert early.status_code == 409
    for each in engagement.deliverable_ids:
        engagement.post(f"/deliverables/{each}/submit", {})
    again = sent(api, f"/deliverables/{id}/accept", {"accepted": True}, "too-early")
    assert (again.status_code, again.content) == (409, early.content)
    assert sent(api, f"/deliverables/{id}/accept", {"accepted": True}, "in-time").status_code == 200


def test_bad_values_use_no_key_up(api: httpx.Client) -> None:
    assert sent(api, "/requests", {"title": 7}, "corrected").status_code == 422
    assert sent(api, "/requests", request_body(), "corrected").status_code == 201


@pytest.mark.parametrize("key", ["", "with blank", "x" * 256, "ü"])
def test_a_key_that_cannot_be_one_is_refused(api: httpx.Client, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode(), b"Content-Type": b"application/json"}
    answer = api.post("/requests", json=request_body(), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


def test_after_a_day_a_key_is_a_new_one(tmp_path: Path) -> None:
    start = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)
    with started(tmp_path, start) as server, server.client() as api:
        first = sent(api, "/requests", request_body(), "daily").json()["data"]["id"]
        server.move_to(start + timedelta(hours=23, minutes=59))
        assert sent(api, "/requests", request_body(), "daily").json()["data"]["id"] == first
        server.move_to(start + timedelta(hours=24))
        assert sent(api, "/requests", request_body(), "daily").json()["data"]["id"] != first


def test_three_at_once_and_a_restart_between_have_one_effect_each(tmp_path: Path) -> None:
    """`COMMANDS` commands, each three times at once; killed half-way, what was not answered is sent again."""
    server = StartedServer(tmp_path).start()
    try:
        half = COMMANDS // 2
        before = _in_threes(server, range(half))
        server.stop(signal.SIGKILL)
        server.start()
        after = _in_threes(server, range(COMMANDS))
        with server.client() as api:
            count = _count(api)
    finally:
        server.stop()
    for n in range(COMMANDS):
        ids = before.get(n, set()) | after[n]
        assert len(ids) == 1, f"command {n} had {len(ids)} effects"
    assert count == COMMANDS


def _in_threes(server: StartedServer, commands: range) -> dict[int, set[str]]:
    """Each command three times at once; the ids of what it made, by its number."""
    found: dict[int, set[str]] = {}
    with server.client() as api, ThreadPoolExecutor(12) as pool:
        jobs = [
            (n, pool.submit(sent, api, "/requests", request_body(title=f"Outcome {n}"), f"k{n}"))
            for n in commands
            for _ in range(3)
        ]
        for n, job in jobs:
            answer = job.result()
            assert answer.status_code == 201, answer.text
            found.setdefault(n, set()).add(answer.json()["data"]["id"])
    return found


def _count(api: httpx.Client) -> int:
    count, cursor = 0, None
    while True:
        page = api.get("/requests", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
        count += len(page["data"])
        cursor = page["meta"]["cursor"]
        if cursor is None:
            return count


def test_a_scope_and_a_deliverable_have_a_tag_that_changes_with_them(engagement: Engagement, api: httpx.Client) -> None:
    id = engagement.confirmed().deliverable_ids[0]
    for path, change in (
        (f"/deliverables/{id}", (f"/deliverables/{id}/start", {})),
        (f"/scopes/{engagement.scope['id']}", (f"/scopes/{engagement.scope['id']}/terminate", {"reason": "Over."})),
    ):
        first = api.get(path)
        assert api.get(path).headers["etag"] == first.headers["etag"]
        same = api.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        engagement.post(*change)
        assert api.get(path).headers["etag"] != first.headers["etag"]
        assert api.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_decision_on_what_has_changed_is_refused(engagement: Engagement, api: httpx.Client) -> None:
    engagement.proposed()
    path = f"/scopes/{engagement.scope['id']}"
    seen = api.get(path).headers["etag"]
    wrong = api.post(path, json={"confirm": True}, headers={"If-Match": '"something else"'})
    assert (wrong.status_code, wrong.json()["code"]) == (412, "precondition_failed")
    assert wrong.json()["etag"] == seen
    assert api.get(path).json()["data"]["status"] == "pending_confirmation"
    assert api.post(path, json={"confirm": True}, headers={"If-Match": f'"other", {seen}'}).status_code == 200
    late = api.post(f"{path}/terminate", json={"reason": "Over."}, headers={"If-Match": seen})
    assert late.status_code == 412
    any_state = api.post(f"{path}/terminate", json={"reason": "Over."}, headers={"If-Match": "*"})
    assert any_state.status_code == 200


def test_what_is_not_there_is_not_found_whatever_the_tag(api: httpx.Client) -> None:
    answer = api.post("/scopes/OSCOPE-26-999999", json={"confirm": True}, headers={"If-Match": '"x"'})
    assert answer.status_code == 404


def test_old_answers_are_let_go(running: Runtime, clock: MovingClock) -> None:
    answer = FirstAnswer("f", 200, {}, "{}", clock())
    with running.store.write() as unit:
        access.keep_answer(unit.connection, "local:local", "k", answer, again=False)
    running.access.forget_old_answers()
    assert _kept(running) == answer
    clock.advance(hours=24, seconds=1)
    running.access.forget_old_answers()
    assert _kept(running) is None


def _kept(running: Runtime) -> FirstAnswer | None:
    with running.store.read() as connection:
        return access.first_answer(connection, "local:local", "k")
