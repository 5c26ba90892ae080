"""Endpoints and a courier on a store in memory, and engagements that make events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import Event
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Accept, Confirm, Submit
from ods_core.service import Courier, CourierPolicy, Service, WebhookPolicy, Webhooks
from ods_core.store import Store
from ods_core.store.outbox import events_after
from ods_core.webhooks import RetrySchedule
from tests.seed import seed_proposal, seed_request

QUICK = RetrySchedule(timedelta(milliseconds=30), timedelta(seconds=18))


@pytest.fixture
def webhooks(store: Store, clock: MovingClock) -> Webhooks:
    """The commands on endpoints, with receivers on this machine allowed."""
    return Webhooks(store, clock, WebhookPolicy(allow_private=True))


@pytest.fixture
def courier(webhooks: Webhooks) -> Iterator[Courier]:
    """A courier at work, which tries again soon."""
    with at_work(webhooks) as made:
        yield made


@contextmanager
def at_work(
    webhooks: Webhooks, schedule: RetrySchedule = QUICK, read_seconds: float = 1.0, connect_seconds: float = 1.0
) -> Iterator[Courier]:
    """A courier for the length of the block."""
    policy = CourierPolicy(connect_seconds, read_seconds, schedule, allow_private=True)
    made = Courier(webhooks, policy)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def request(service: Service) -> str:
    """An engagement of one event."""
    return service.submit_request(LOCAL, seed_request()).subject_id


def whole_engagement(service: Service) -> str:
    """An engagement from its request to its end; the id of the request."""
    id = request(service)
    scope = service.propose(LOCAL, id, seed_proposal()).subject_id
    deliverables = service.confirm(LOCAL, scope, Confirm()).engagement.deliverables
    for d in deliverables:
        service.submit(LOCAL, d.id, Submit())
    for d in deliverables:
        service.accept(LOCAL, d.id, Accept())
    return id


def events_of(store: Store, wanted: Callable[[Event], bool] = lambda event: True) -> list[Event]:
    """Events of the log, in its order."""
    with store.read() as connection:
        return [event for event in events_after(connection, 0, 100_000) if wanted(event)]
