"""The feed while writers are at work: no gap, no repetition, in the order in which readers came to see it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Confirm
from ods_core.queries.activity import EventFilter, feed
from ods_core.service import Service
from ods_core.store import Store
from tests.databases import kept_url
from tests.seed import SUBMITTED, seed_proposal, seed_request

WRITERS, ENGAGEMENTS = 3, 6


def write(service: Service) -> None:
    """Some engagements up to their confirmation: transactions of one event and of many."""
    for _ in range(ENGAGEMENTS):
        request = service.submit_request(LOCAL, seed_request()).subject_id
        scope = service.propose(LOCAL, request, seed_proposal()).subject_id
        service.confirm(LOCAL, scope, Confirm())


def follow(store: Store, limit: int, done: threading.Event, seen: list[tuple[int, str]]) -> None:
    """Follow the feed from its beginning until the writers are done and nothing more comes."""
    cursor: str | None = None
    while True:
        finished = done.is_set()
        with store.read() as connection:
            page = feed(connection, LOCAL, EventFilter(), limit=limit, cursor=cursor)
        seen += [(event.sequence, event.id) for event in page.events]
        cursor = page.cursor
        if finished and not page.events:
            return
        if not page.events:
            time.sleep(0.002)


def test_a_follower_sees_each_event_once_and_in_order_while_others_write(tmp_path: Path) -> None:
    store = Store(kept_url(tmp_path), MovingClock(SUBMITTED))
    service = Service(store, MovingClock(SUBMITTED))
    done = threading.Event()
    followers: list[list[tuple[int, str]]] = [[], [], []]
    reading = [
        threading.Thread(target=follow, args=(store, limit, done, seen))
        for limit, seen in zip((2, 7, 100), followers, strict=True)
    ]
    writing = [threading.Thread(target=write, args=(service,)) for _ in range(WRITERS)]
    for thread in (*reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    for thread in reading:
        thread.join(60)
        assert not thread.is_alive()
    with store.read() as connection:
        everything = feed(connection, LOCAL, EventFilter(), limit=100_000)
    expected = [(event.sequence, event.id) for event in everything.events]
    assert len(expected) == WRITERS * ENGAGEMENTS * 8
    assert [sequence for sequence, _ in expected] == sorted({sequence for sequence, _ in expected})
    for seen in followers:
        assert seen == expected
    store.close()
