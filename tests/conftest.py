"""What all tests share: a clock that is moved by hand, a database in memory, the commands on it, a running program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.settings import Settings
from ods_core.service import Runtime, Service, using
from ods_core.store import Store
from tests.databases import memory_url
from tests.seed import SUBMITTED


@pytest.fixture
def clock() -> MovingClock:
    """Stands at the moment of the documented example's request until it is moved."""
    return MovingClock(SUBMITTED)


@pytest.fixture
def store(clock: MovingClock) -> Iterator[Store]:
    """An empty database in memory."""
    opened = Store(memory_url(), clock)
    yield opened
    opened.close()


@pytest.fixture
def service(store: Store, clock: MovingClock) -> Service:
    """The commands, on `store` and `clock`."""
    return Service(store, clock)


@pytest.fixture
def running(store: Store, service: Service, clock: MovingClock) -> Iterator[Runtime]:
    """The parts of a running program; `runtime()` answers with them for as long as the test runs."""
    settings = Settings(database_url=memory_url(), demo=False)
    with using(Runtime(settings, store, service, clock)) as replacement:
        yield replacement
