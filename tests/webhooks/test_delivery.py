"""With a started server and a receiver that cannot be relied on: nothing is lost, whatever is killed in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.webhooks import deliver

FULL = bool(os.environ.get("ODS_TEST_FULL"))


@pytest.mark.server
def test_every_event_arrives_signed_and_in_order_though_the_receiver_fails_and_the_server_is_killed(
    tmp_path: Path,
) -> None:
    """The receiver fails 30 %, hangs at 5 %, answers 10 % too late; it checks signatures by library and by hand."""
    if FULL:
        done = deliver(tmp_path, 10_000, kills=2)
    else:
        done = deliver(tmp_path, 70, kills=1, seconds=90, ODS_WEBHOOK_RETRY_DAYS="0.0001")
    assert done.events >= (9_900 if FULL else 40)
    assert (done.missing, done.wrong_signatures, done.out_of_order) == (0, 0, 0)
    assert done.messages > done.events, "some came more than once"
    assert {"failed", "hung", "late", "answered"} == set(done.fates)
