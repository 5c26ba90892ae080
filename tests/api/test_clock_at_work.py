"""A running server decides what lapses, exactly once each, also when it is killed half-way and started again.

ODS_TEST_FULL=1 makes it 1,000 scopes.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import SYSTEM, EventType
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import SilencePolicy
from ods_core.lifecycle import Confirm, Submit
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.invariants import check
from ods_core.service import Service
from ods_core.store import Store
from tests.api.conftest import Engagement
from tests.databases import kept_url
from tests.seed import FIX, SUBMITTED, seed_proposal, seed_request
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

SCOPES = 1_000 if os.environ.get("ODS_TEST_FULL") == "1" else 60
DECISIONS = [EventType.DELIVERABLE_ACCEPTED, EventType.DELIVERABLE_REJECTED]


def waiting_scopes(folder: Path, count: int) -> set[str]:
    """Scopes in review, windows of one day, silence accepting and rejecting in turn; the deliverables' ids."""
    clock = MovingClock(SUBMITTED)
    store = Store(kept_url(folder), clock)
    service = Service(store, clock)
    ids = set()
    with service.store.write():
        for n in range(count):
            policy = (SilencePolicy.DEEMED_ACCEPTED, SilencePolicy.DEEMED_REJECTED)[n % 2]
            cycle = seed_proposal().cycles[0]
            proposal = seed_proposal(
                deliverables=(FIX,),
                cycles=(cycle.__class__("Cycle 1", cycle.planned_start, cycle.planned_end, ("fix",)),),
                review_window_days=1,
                silence_policy=policy,
            )
            request_id = service.submit_request(LOCAL, seed_request()).subject_id
            scope_id = service.propose(LOCAL, request_id, proposal).subject_id
            (d,) = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
            service.submit(LOCAL, d.id, Submit())
            ids.add(d.id)
    store.close()
    return ids


def decided(server: StartedServer) -> Counter[str]:
    """How often each deliverable was decided, as the feed tells it; every decision is the system's, and deemed."""
    told: Counter[str] = Counter()
    for kind in DECISIONS:
        cursor: dict[str, str] = {}
        while True:
            asked = {"type": kind.value, "limit": 100, **cursor}
            page = httpx.get(f"{server.url}/v1/events", params=asked, timeout=30).json()
            for event in page["data"]:
                assert event["actor"] == SYSTEM.as_json()
                assert event["data"]["deemed"] is True
                told[event["subject"]["id"]] += 1
            if not page["meta"]["has_more"]:
                break
            cursor = {"cursor": page["meta"]["cursor"]}
    return told


def wait_until(reached: Callable[[], Any], seconds: float) -> Any:
    """What `reached` answers, once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = reached()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come about")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StartedServer]:
    made = StartedServer(tmp_path, SUBMITTED, ODS_SCHEDULER_SECONDS="1")
    yield made
    made.stop()


def test_every_lapsed_review_is_decided_once_though_the_server_is_killed_half_way(
    server: StartedServer, tmp_path: Path
) -> None:
    ids = waiting_scopes(tmp_path, SCOPES)
    server.start()
    assert decided(server) == {}, "no window has passed yet"
    server.move_to(SUBMITTED + timedelta(days=1))
    wait_until(lambda: len(decided(server)) >= SCOPES // 4, 120)
    server.stop(signal.SIGKILL)

    at_the_kill = told_in(tmp_path)
    assert 0 < len(at_the_kill) < SCOPES
    assert set(at_the_kill.values()) == {1}

    server.start()
    wait_until(lambda: len(decided(server)) == SCOPES, 300)
    assert decided(server) == dict.fromkeys(ids, 1)
    server.stop()
    assert told_in(tmp_path) == dict.fromkeys(ids, 1)


def told_in(folder: Path) -> Counter[str]:
    """How often each deliverable was decided, read from the file of a server that is gone; the store is in order."""
    store = Store(kept_url(folder))
    with store.read() as connection:
        found = feed(connection, LOCAL, EventFilter(types=DECISIONS), limit=2 * SCOPES)
        assert check(connection) == []
    store.close()
    return Counter(event.subject_id for event in found.events)


def test_a_server_reminds_decides_and_says_by_whom(tmp_path: Path) -> None:
    with started(tmp_path, SUBMITTED, ODS_SCHEDULER_SECONDS="1") as server, server.client() as api:
        walk = Engagement(api).submitted()
        walk.proposed(review_window_days=4, silence_policy="deemed_accepted").confirmed()
        for id in walk.deliverable_ids:
            walk.post(f"/deliverables/{id}/submit", {})
        first = walk.deliverable_ids[0]
        shown = api.get(f"/deliverables/{first}").json()["data"]
        assert shown["decide_by"] == f"{SUBMITTED + timedelta(days=4):%Y-%m-%dT%H:%M:%SZ}"
        assert shown["deemed"] is False
        server.move_to(SUBMITTED + timedelta(days=2))
        wait_until(lambda: api.get(f"/deliverables/{first}").json()["data"]["reminded_at"], 60)
        server.move_to(SUBMITTED + timedelta(days=4))
        wait_until(lambda: api.get(f"/scopes/{walk.scope['id']}").json()["data"]["status"] == "completed", 60)
        shown = api.get(f"/deliverables/{first}").json()["data"]
        assert (shown["status"], shown["deemed"]) == ("accepted", True)
        late = api.post(f"/deliverables/{first}/accept", json={"accepted": False, "rejection_reason": "Too late."})
        assert late.status_code == 409
        assert late.json()["current_state"] == "accepted"
