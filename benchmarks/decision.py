"""What a decision over HTTP costs, against the floor measured in the same run, and as the store grows.

    python -m benchmarks.decision [--decisions 150] [--finished 100 100000] [--open]

For each number of finished engagements in the store: our server accepts deliverables one by one over one kept-alive
connection; in turn with it, the floor (benchmarks/floor: a bare FastAPI route on the same kind of server) writes the
very same row changes as plain SQL in one DuckDB transaction on a copy of the same file. A third of the decisions are
the last ones of their engagements, which also close the cycle, the scope and the service line and release a payment.

Every decision comes with an API key, which is looked up, counted and noted, and with an idempotency key, under which
its answer is kept in the same transaction; `--open` leaves both away, as on a machine where nobody made a key.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event

from benchmarks.population import finished_store, ready_engagements
from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Accept
from ods_core.service import Service
from ods_core.store import Store
from tests.started import ROOT, StartedServer, free_port

WARM_UP = 15


def recorded(path: Path, deliverables: list[str]) -> list[list[Any]]:
    """The writes of each decision, as statements and values, taken from the real commands on a throw-away copy."""
    store = Store(f"duckdb:///{path}")
    service = Service(store, MovingClock(datetime(2026, 5, 20, 9, 0, tzinfo=UTC)))
    writes: list[Any] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if not statement.lstrip().upper().startswith("SELECT"):
            writes.append([statement, [v.isoformat() if isinstance(v, datetime) else v for v in parameters]])

    decisions = []
    for id in deliverables:
        writes.clear()
        service.accept(LOCAL, id, Accept())
        decisions.append(list(writes))
    store.close()
    return decisions


class Floor:
    """The bare server, in a process of its own."""

    def __init__(self, database: Path, decisions: list[Any]) -> None:
        self.port = free_port()
        statements = database.with_suffix(".json")
        statements.write_text(json.dumps(decisions), encoding="utf-8")
        environment = os.environ | {"FLOOR_DATABASE": str(database), "FLOOR_DECISIONS": str(statements)}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        command += ["--server.headless", "true", "--server.address", "127.0.0.1"]
        folder = ROOT / "benchmarks" / "floor"
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/v1", timeout=30)
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            try:
                if self.client.get("/openapi.json").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError("the floor did not come up")

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def timed(call: Callable[[], httpx.Response]) -> float:
    """Milliseconds of one call, which must succeed."""
    start = time.perf_counter()
    answer = call()
    took = (time.perf_counter() - start) * 1000
    assert answer.status_code == 200, answer.text
    return took


def reviewer(server: StartedServer) -> dict[str, str]:
    """The header of somebody who may decide; from now on nobody is answered without a key."""
    headers: dict[str, str] = {}
    for role in ("admin", "reviewer"):
        # The first key opens the door for the second: it is made while nobody needs one.
        with server.client(headers=headers) as api:
            answer = api.post("/keys", json={"name": role, "roles": [role]})
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['data']['key']}"}
    return headers


def measure(folder: Path, finished: int, decisions: int, *, keyed: bool) -> tuple[float, float]:
    """Median milliseconds of our decision and of the floor, taken in turn."""
    database = folder / "ods.duckdb"
    finished_store(database, finished)
    store = Store(f"duckdb:///{database}")
    service = Service(store, MovingClock(datetime(2026, 5, 20, 9, 0, tzinfo=UTC)))
    made = ready_engagements(service, -(-(decisions + WARM_UP) // 3))
    store.checkpoint()
    store.close()
    deliverables = [id for ids in made for id in ids]
    twin, throwaway = folder / "floor.duckdb", folder / "record.duckdb"
    shutil.copy(database, twin)
    shutil.copy(database, throwaway)
    writes = recorded(throwaway, deliverables)
    throwaway.unlink()

    server = StartedServer(folder).start()
    floor = Floor(twin, writes)
    ours, bare = [], []
    try:
        with server.client(headers=reviewer(server) if keyed else {}) as api:
            for number, id in enumerate(deliverables):
                once = {"Idempotency-Key": f"decision-{number}"} if keyed else {}
                decide = partial(api.post, f"/deliverables/{id}/accept", json={"accepted": True}, headers=once)
                ours.append(timed(decide))
                bare.append(timed(lambda number=number: floor.client.post(f"/write/{number}")))
    finally:
        floor.stop()
        server.stop()
    return statistics.median(ours[WARM_UP:]), statistics.median(bare[WARM_UP:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int, default=150)
    parser.add_argument("--finished", type=int, nargs="+", default=[100, 100_000])
    parser.add_argument("--open", action="store_true", help="without API keys and idempotency keys")
    given = parser.parse_args()
    first = None
    print(f"{'finished engagements':>22} {'decision':>12} {'floor':>12} {'ratio':>8} {'growth':>8}")
    for finished in given.finished:
        with tempfile.TemporaryDirectory() as folder:
            ours, bare = measure(Path(folder), finished, given.decisions, keyed=not given.open)
        first = first or ours
        print(f"{finished:>22,} {ours:>9.2f} ms {bare:>9.2f} ms {ours / bare:>7.2f}x {ours / first:>7.2f}x", flush=True)


if __name__ == "__main__":
    main()
