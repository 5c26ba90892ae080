"""Idempotency keys at a mirror: the command is carried out elsewhere, and nobody waits here until it is."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from starlette.testclient import TestClient

from ods_core.basics.clock import MovingClock
from ods_core.mirror import key_of_command
from ods_core.service import Runtime, using
from tests.api.conftest import request_body
from tests.mirror.comparing import engagements
from tests.mirror.conftest import URL, Pair, served

REQUESTS = "/v1/capabilities/ods/requests"
KEY = {"Idempotency-Key": "order-4711"}


@pytest.fixture
def client(pair: Pair, clock: MovingClock) -> Iterator[TestClient]:
    pair.follower.remote.commands.keys = key_of_command
    pair.follower.look()
    running = Runtime(pair.running.settings, pair.store, pair.commands, clock, follower=pair.follower)
    with using(running):
        yield TestClient(served(), base_url=URL, client=("127.0.0.1", 50_000))


def posts(pair: Pair) -> int:
    return sum(call == f"POST {REQUESTS}" for call in pair.line.calls)


def test_the_first_answer_is_given_again_without_asking_there(pair: Pair, client: TestClient) -> None:
    first = client.post(REQUESTS, json=request_body(), headers=KEY)
    again = client.post(REQUESTS, json=request_body(), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert posts(pair) == 1
    other = client.post(REQUESTS, json=request_body(title="Something else"), headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert list(engagements(pair.running.store)) == [first.json()["data"]["id"]]


def test_a_refusal_is_kept_too(pair: Pair, client: TestClient) -> None:
    submitted = client.post(REQUESTS, json=request_body()).json()["data"]["id"]
    path = f"{REQUESTS}/{submitted}/cancel"
    assert client.post(path, json={"reason": "No."}).status_code == 200
    first, again = (client.post(path, json={"reason": "No."}, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json()["detail"] == first.json()["detail"]
    assert again.headers["idempotent-replayed"] == "true"


def test_no_other_writer_waits_while_it_is_on_its_way(pair: Pair, client: TestClient) -> None:
    waited: list[bool] = []

    def write() -> None:
        with pair.store.write():
            pass

    def on_its_way(call: str) -> bool:
        if call.startswith("POST"):
            writer = Thread(target=write, daemon=True)
            writer.start()
            writer.join(5)
            waited.append(writer.is_alive())
        return True

    pair.line.lets_through = on_its_way
    assert client.post(REQUESTS, json=request_body(), headers=KEY).status_code == 201
    assert waited == [False]


def test_without_an_answer_nothing_is_kept_and_the_same_may_be_sent_again(pair: Pair, client: TestClient) -> None:
    pair.line.cuts = {len(pair.line.calls) + 1}
    assert client.post(REQUESTS, json=request_body(), headers=KEY).json()["code"] == "remote_unreachable"
    assert client.post(REQUESTS, json=request_body(), headers=KEY).status_code == 201
    assert len(engagements(pair.running.store)) == 1
