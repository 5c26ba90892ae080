"""A teller of histories on the shared store and clock."""

from __future__ import annotations

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.service import Service
from tests.queries.history import Teller


@pytest.fixture
def teller(service: Service, clock: MovingClock) -> Teller:
    """Commands at moments."""
    return Teller(service, clock)
