"""Killed at any moment: what was acknowledged is there afterwards, nothing is there twice, and the store is in order.

Sixteen clients walk engagements through the server, each command with a key of its own. The server is killed at a
random moment, the store is checked, the server is started again, and every client sends its last, unanswered command
once more. `ODS_TEST_FULL=1`: a hundred rounds on one database.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.queries.invariants import check
from ods_core.store import Store
from tests.api.conftest import proposal_body, request_body
from tests.databases import kept_url
from tests.started import StartedServer

pytestmark = pytest.mark.server

ROUNDS = 100 if os.environ.get("ODS_TEST_FULL") else 2
CLIENTS = 16
SLOWEST = 4.0 if ROUNDS > 2 else 1.5
"""Seconds after which a round's server is dead at the latest."""

Told = tuple[str, dict[str, Any], str]
"""A command: its path, its body, its idempotency key."""


@dataclass
class Writer:
    """One client, who remembers what it was told, over all rounds."""

    number: int
    chance: random.Random
    acknowledged: dict[str, str] = field(default_factory=dict)
    """By the title that only this command gave: the id it was answered with."""
    states: dict[str, str] = field(default_factory=dict)
    """By the path of a thing: the state that the last acknowledged command brought it to."""
    pending: Told | None = None
    count: int = 0

    def write(self, api: httpx.Client, stop: threading.Event) -> None:
        """Walk engagements until the server is gone."""
        try:
            if self.pending:
                self._send(api, *self.pending)
            while not stop.is_set():
                self._walk(api)
        except httpx.HTTPError:
            return

    def _walk(self, api: httpx.Client) -> None:
        title = f"Outcome {self.number}.{self.count}"
        request = self._give(api, "/requests", request_body(title=title))
        scope = self._give(api, f"/requests/{request['id']}/scope", proposal_body())
        self._give(api, f"/scopes/{scope['id']}", {"confirm": True})
        for d in scope["deliverables"]:
            self._give(api, f"/deliverables/{d['id']}/submit", {"notes": "Done."})
        for d in scope["deliverables"]:
            if self.chance.random() < 0.2:
                return
            self._give(api, f"/deliverables/{d['id']}/accept", {"accepted": True})

    def _give(self, api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        return self._send(api, path, body, f"{self.number}-{self.count}")

    def _send(self, api: httpx.Client, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        self.pending = (path, body, key)
        answer = api.post(path, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code in (200, 201), (path, answer.text)
        data: dict[str, Any] = answer.json()["data"]
        self.pending = None
        self._remember(path, body, data)
        return data

    def _remember(self, path: str, body: dict[str, Any], data: dict[str, Any]) -> None:
        if path == "/requests":
            self.acknowledged[body["title"]] = data["id"]
        elif path.startswith("/scopes/"):
            self.states[path] = "confirmed"
        elif path.endswith("/submit"):
            self.states[path.removesuffix("/submit")] = "submitted"
        elif path.endswith("/accept"):
            self.states[path.removesuffix("/accept")] = "accepted"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StartedServer]:
    """One that is killed and started again on its database."""
    made = StartedServer(tmp_path)
    yield made
    made.stop()


def test_killed_at_any_moment_nothing_acknowledged_is_lost(server: StartedServer, tmp_path: Path) -> None:
    chance = random.Random(int(time.time()) if ROUNDS > 2 else 20260415)
    writers = [Writer(n, random.Random(n)) for n in range(CLIENTS)]
    for _ in range(ROUNDS):
        server.start()
        _round(server, writers, chance.uniform(0.05, SLOWEST))
        _require_order(tmp_path)
    server.start()
    _send_what_was_pending(server, writers)
    with server.client() as api:
        titles = _titles(api)
        for writer in writers:
            for title, id in writer.acknowledged.items():
                assert titles.get(title) == [id], f"{title} was acknowledged as {id}, there is {titles.get(title)}"
            for path, state in writer.states.items():
                _require_state(api, path, state)
    made = sum(len(ids) for ids in titles.values())
    assert made == len(titles), "nothing is there twice"
    assert sum(len(writer.acknowledged) for writer in writers) >= ROUNDS, "the rounds wrote something"


def _round(server: StartedServer, writers: list[Writer], seconds: float) -> None:
    stop, failures = threading.Event(), list[BaseException]()

    def run(writer: Writer) -> None:
        try:
            with server.client() as api:
                writer.write(api, stop)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    server.stop(signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[0]


def _require_order(folder: Path) -> None:
    store = Store(kept_url(folder))
    with store.read() as connection:
        assert check(connection) == []
    store.close()


def _send_what_was_pending(server: StartedServer, writers: list[Writer]) -> None:
    stop = threading.Event()
    stop.set()
    with server.client() as api:
        for writer in writers:
            writer.write(api, stop)
            assert writer.pending is None


def _titles(api: httpx.Client) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    cursor = None
    while True:
        page = api.get("/requests", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
        for row in page["data"]:
            found.setdefault(row["title"], []).append(row["id"])
        cursor = page["meta"]["cursor"]
        if cursor is None:
            return found


def _require_state(api: httpx.Client, path: str, state: str) -> None:
    now = api.get(path).json()["data"]["status"]
    later = {
        "confirmed": ("active", "completed"),
        "submitted": ("completed", "ready_for_acceptance", "accepted"),
        "accepted": ("accepted",),
    }
    assert now in later[state], f"{path} was acknowledged as {state} and is {now}"
