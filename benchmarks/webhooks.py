"""What webhooks promise and what they cost, with a started server and a receiver in a process of its own.

    python -m benchmarks.webhooks [--events 10000] [--commands 60] [--blocks 10]

Delivery: a receiver that fails 30 % of the messages, hangs at 5 % and answers 10 % twice as late as the timeout is told
of so many events, most of them there before the server starts and the others given while it delivers; the server is
killed (-9) twice in between. Every event must arrive, signed, and in order within its engagement.

Cost: decisions over HTTP in blocks, in turn with no endpoint and with 50 that hear of every event.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from benchmarks.population import finished_store, ready_engagements
from ods_core.basics.clock import system_clock
from ods_core.basics.roles import LOCAL
from ods_core.service import Service, WebhookPolicy, Webhooks
from ods_core.store import Store
from ods_core.store import tables as t
from tests.api.conftest import Engagement
from tests.databases import bring_over
from tests.started import ROOT, StartedServer, free_port

READ_SECONDS, CONNECT_SECONDS = 0.3, 0.2
UNRELIABLE = {"fail": 0.3, "hang": 0.05, "late": 0.1, "late_seconds": 2 * (READ_SECONDS + CONNECT_SECONDS)}
SETTINGS = {
    "ODS_WEBHOOK_ALLOW_PRIVATE": "1",
    "ODS_WEBHOOK_READ_SECONDS": str(READ_SECONDS),
    "ODS_WEBHOOK_CONNECT_SECONDS": str(CONNECT_SECONDS),
    "ODS_WEBHOOK_FIRST_RETRY_SECONDS": "0.02",
    "ODS_WEBHOOK_RETRY_DAYS": "0.002",
    "ODS_RATE_PER_ADDRESS": "1000000",
}
ENDPOINTS = 50
EVENTS_EACH = 22
"""Of an engagement of three deliverables that goes well."""


@contextlib.contextmanager
def receiving(port: int, told: dict[str, Any]) -> Iterator[httpx.Client]:
    """A receiver for the length of the block; a client to ask it for its report."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.receiver", str(port), json.dumps(told)], cwd=ROOT)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
    try:
        for _ in range(100):
            try:
                client.get("/report")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield client
    finally:
        client.close()
        process.kill()
        process.wait(10)


def prepare(database: Path, engagements: int, url: str) -> str:
    """A store of finished engagements and an endpoint that was there before all of them; its secret."""
    finished_store(database, engagements)
    store = Store(f"duckdb:///{database}", system_clock)
    _, secret = Webhooks(store, system_clock, WebhookPolicy(True)).add(LOCAL, url, ["*"])
    with store.write_aside() as connection:
        connection.execute(update(t.webhook_courses).values(position=0))
    store.close()
    return secret


@dataclass
class Delivered:
    """What came of a delivery."""

    events: int
    missing: int
    messages: int
    wrong_signatures: int
    out_of_order: int
    seconds: float
    fates: dict[str, int]
    given_up: int

    @property
    def is_right(self) -> bool:
        """Whether all of it was as promised."""
        return not (self.missing or self.wrong_signatures or self.out_of_order)


def deliver(folder: Path, events: int, *, kills: int = 2, seconds: float = 600, **settings: str) -> Delivered:
    """Have a server tell an unreliable receiver of events, and kill it in between."""
    port = free_port()
    secret = prepare(folder / "ods.duckdb", max(1, round(events * 0.8 / EVENTS_EACH)), f"http://127.0.0.1:{port}/hook")
    bring_over(folder / "ods.duckdb")
    server = StartedServer(folder, None, **SETTINGS | settings)
    with receiving(port, UNRELIABLE | {"secrets": {"/hook": secret}}) as receiver:
        began = time.monotonic()
        try:
            server.start()
            for part in range(kills):
                _wait(receiver, events * (part + 1) // (kills + 2), began + seconds)
                server.stop(signal.SIGKILL)
                server.start()
            _command(server, max(1, round(events * 0.2 / EVENTS_EACH)))
            expected = _feed(server)
            report = _wait(receiver, 0, began + seconds, expected)
            took = time.monotonic() - began
            given_up = _count(server, "ods.webhook_endpoint.gave_up")
        finally:
            server.stop()
    seen = report["/hook"]
    missing = len(set(expected) - set(seen["events"]))
    return Delivered(
        len(expected),
        missing,
        seen["messages"],
        seen["wrong_signatures"],
        seen["out_of_order"],
        took,
        report["fates"],
        given_up,
    )


def _wait(receiver: httpx.Client, count: int, end: float, expected: list[str] | None = None) -> dict[str, Any]:
    """Wait until so many events, or just these, came; at the end of the time, what came until then."""
    while True:
        report: dict[str, Any] = receiver.get("/report").json()
        seen = report.get("/hook", {"events": []})["events"]
        if (set(expected) <= set(seen)) if expected else len(seen) >= count:
            return report
        if time.monotonic() > end:
            return report
        time.sleep(0.5)


def _command(server: StartedServer, engagements: int) -> None:
    """Bring engagements from their request to their end, over HTTP."""
    with server.client() as api:
        for _ in range(engagements):
            walk = Engagement(api).ready()
            for id in walk.deliverable_ids:
                walk.post(f"/deliverables/{id}/accept", {"accepted": True})


def _feed(server: StartedServer) -> list[str]:
    """The ids of all events of engagements, followed through the feed."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while True:
            page = client.get("/v1/events", params={"limit": 100, **cursor}).json()
            found += [event["id"] for event in page["data"] if event["request_id"]]
            if not page["meta"]["has_more"]:
                return found
            cursor = {"cursor": page["meta"]["cursor"]}


def _count(server: StartedServer, type: str) -> int:
    return len(httpx.get(server.url + "/v1/events", params={"type": type, "limit": 100}, timeout=30).json()["data"])


@dataclass
class Cost:
    """Milliseconds of decisions: medians without and with endpoints, and how many messages were sent meanwhile."""

    bare: float
    told: float
    sent: int


def cost(folder: Path, commands: int, blocks: int) -> Cost:
    """Decisions in blocks, in turn without endpoints and with 50."""
    port = free_port()
    store = Store(f"duckdb:///{folder / 'ods.duckdb'}", system_clock)
    made = ready_engagements(Service(store), -(-commands * (blocks * 2 + 1) // 3))
    store.close()
    deliverables = iter([id for ids in made for id in ids])
    server = StartedServer(folder, None, **SETTINGS | {"ODS_WEBHOOK_READ_SECONDS": "5"})
    times: dict[bool, list[float]] = {False: [], True: []}
    with receiving(port, {}) as receiver:
        try:
            server.start()
            with server.client() as api:
                _decide(api, deliverables, commands)
                for block in range(blocks * 2):
                    with_endpoints = block % 2 == (block // 2) % 2
                    ids = _add(api, port, ENDPOINTS) if with_endpoints else []
                    time.sleep(2.0)
                    times[with_endpoints] += _decide(api, deliverables, commands)
                    for id in ids:
                        api.delete(f"/webhook-endpoints/{id}")
                    time.sleep(1.0)
            sent = sum(seen["messages"] for path, seen in receiver.get("/report").json().items() if path != "fates")
        finally:
            server.stop()
    return Cost(statistics.median(times[False]), statistics.median(times[True]), sent)


def _add(api: httpx.Client, port: int, count: int) -> list[str]:
    ids = []
    for number in range(count):
        given = {"url": f"http://127.0.0.1:{port}/{number}", "event_types": ["*"]}
        ids.append(api.post("/webhook-endpoints", json=given).json()["data"]["id"])
    return ids


def _decide(api: httpx.Client, deliverables: Iterator[str], count: int) -> list[float]:
    """Milliseconds of so many decisions, one right after the other."""
    took = []
    for _ in range(count):
        start = time.perf_counter()
        answer = api.post(f"/deliverables/{next(deliverables)}/accept", json={"accepted": True})
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.text
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000, help="0: leave delivery out")
    parser.add_argument("--commands", type=int, default=60, help="of a block; 0: leave cost out")
    parser.add_argument("--blocks", type=int, default=10, help="with endpoints, and as many without")
    given = parser.parse_args()
    if given.events:
        with tempfile.TemporaryDirectory() as folder:
            done = deliver(Path(folder), given.events)
        print(
            f"delivery: {done.events:,} events, {done.missing} missing, in {done.messages:,} messages, "
            f"{done.wrong_signatures} wrongly signed, {done.out_of_order} out of order, {done.given_up} given up, "
            f"2 kills, {done.seconds:.0f} s; the receiver: {done.fates}",
            flush=True,
        )
    if given.commands:
        with tempfile.TemporaryDirectory() as folder:
            paid = cost(Path(folder), given.commands, given.blocks)
        print(
            f"a decision: {paid.bare:.2f} ms without endpoints, {paid.told:.2f} ms with {ENDPOINTS}: "
            f"{paid.told / paid.bare:.2f}x; {paid.sent:,} messages were sent",
            flush=True,
        )


if __name__ == "__main__":
    main()
