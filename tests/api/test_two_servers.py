"""Several servers on one real PostgreSQL: the same promises, also when one of them is killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.queries.invariants import check
from ods_core.store import Store
from tests.api.conftest import Engagement, request_body
from tests.databases import postgres_url
from tests.started import StartedServer

pytestmark = pytest.mark.server

FULL = bool(os.environ.get("ODS_TEST_FULL"))
ENGAGEMENTS, CLIENTS = (40, 32) if FULL else (6, 16)


@pytest.fixture
def url() -> str:
    """One database."""
    return postgres_url()


@pytest.fixture
def pair(url: str, tmp_path: Path) -> Iterator[list[StartedServer]]:
    """Two servers on it."""
    servers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        servers.append(StartedServer(tmp_path / name, ODS_DATABASE_URL=url))
    # Both at once: one brings the empty database up, the other finds it done.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(StartedServer.start, servers))
    yield servers
    for server in servers:
        server.stop()


def feed(server: StartedServer) -> list[dict[str, Any]]:
    """Every event, followed with its cursor."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        parameters = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(f"{server.url}/v1/events", params=parameters, timeout=60).json()
        found += page["data"]
        cursor = page["meta"]["cursor"]
        if not page["meta"]["has_more"]:
            return found


def race(servers: list[StartedServer], ids: list[str]) -> list[tuple[str, int]]:
    """`CLIENTS` clients accept or reject each of these deliverables, through either server, all at once."""
    gate = threading.Barrier(CLIENTS)

    def decide(n: int) -> list[tuple[str, int]]:
        mine, told = random.Random(n), []
        with servers[n % len(servers)].client() as api:
            gate.wait()
            for id in mine.sample(ids, len(ids)):
                body = (
                    {"accepted": True}
                    if mine.random() < 0.5
                    else {"accepted": False, "rejection_reason": "Criterion 1 is not met: 0.4 %."}
                )
                told.append((id, api.post(f"/deliverables/{id}/accept", json=body).status_code))
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for told in pool.map(decide, range(CLIENTS)) for one in told]


def test_of_clients_at_two_servers_one_decides(pair: list[StartedServer], url: str) -> None:
    one, two = pair
    with one.client() as api:
        walks = [Engagement(api).ready() for _ in range(ENGAGEMENTS)]
    ids = [id for walk in walks for id in walk.deliverable_ids]
    told = race(pair, ids)
    assert {status for _, status in told} == {200, 409}
    for id in ids:
        assert [status for of, status in told if of == id].count(200) == 1, id
    assert feed(one) == feed(two), "both tell the same, in the same order"
    sequences = [event["sequence"] for event in feed(one)]
    assert sequences == list(range(1, len(sequences) + 1))
    store = Store(url)
    with store.read() as connection:
        assert check(connection) == []
    store.close()


def test_a_key_at_two_servers_at_once_has_one_effect(pair: list[StartedServer]) -> None:
    def send(n: int) -> str:
        with pair[n % 2].client() as api:
            answer = api.post("/requests", json=request_body(), headers={"Idempotency-Key": f"k{n // 4}"})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["data"]["id"])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(send, range(40)))
    assert len(set(made)) == 10


def test_one_is_killed_and_the_other_goes_on(pair: list[StartedServer], url: str) -> None:
    one, two = pair
    acknowledged: list[str] = []
    stop = threading.Event()

    def write(server: StartedServer) -> None:
        with server.client() as api:
            while not stop.is_set():
                try:
                    answer = api.post("/requests", json=request_body())
                except httpx.HTTPError:
                    return
                acknowledged.append(answer.json()["data"]["id"])

    writers = [threading.Thread(target=write, args=(server,)) for server in pair for _ in range(4)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 30:
        stop.wait(0.05)
    one.stop(signal.SIGKILL)
    after = len(acknowledged)
    while len(acknowledged) < after + 30:
        stop.wait(0.05)
    stop.set()
    for writer in writers:
        writer.join(60)
    store = Store(url)
    with store.read() as connection:
        assert check(connection) == []
    store.close()
    with two.client() as api:
        for id in acknowledged:
            assert api.get(f"/requests/{id}").status_code == 200
    assert len(set(acknowledged)) == len(acknowledged)
