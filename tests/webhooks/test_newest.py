"""How the courier learns of events without asking the database each time it looks."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from ods_core.basics.clock import MovingClock
from ods_core.service import Service
from ods_core.service.courier import Newest
from ods_core.store import Store
from tests.databases import postgres_url
from tests.seed import SUBMITTED
from tests.webhooks.conftest import request


def test_own_commits_are_known_at_once_and_those_of_others_half_a_second_later() -> None:
    """On a database of several servers it is asked twice a second, however often the courier looks."""
    url, clock, now = postgres_url(), MovingClock(SUBMITTED), [0.0]
    store, other = Store(url, clock), Store(url, clock)
    asked: list[str] = []
    newest = Newest(store, lambda: now[0])
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert newest() == 0
    request(Service(store, clock))
    asked.clear()
    assert newest() == store.last_sequence == 1
    asked.clear()
    request(Service(other, clock))
    for now[0] in (0.1, 0.2, 0.3, 0.4, 0.49):
        assert newest() == 1
    assert asked == []
    now[0] = 0.5
    assert newest() == 2
    assert len(asked) == 1
    for closed in (store, other):
        closed.close()


@pytest.mark.parametrize("events", [1, 3])
def test_alone_at_its_database_it_knows_each_moment(store: Store, service: Service, events: int) -> None:
    if store.is_shared:
        pytest.skip("about a database of one process")
    newest = Newest(store, lambda: 0.0)
    for _ in range(events):
        request(service)
    assert newest() == store.last_sequence == events
