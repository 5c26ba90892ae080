"""A key is looked up in the store once, and what ends it counts from that moment on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Unauthenticated
from ods_core.basics.keys import ApiKey
from ods_core.basics.roles import LOCAL, Role
from ods_core.service.access import Access, NewKey
from ods_core.store import Store
from ods_core.store import access as rows
from tests.databases import memory_url

NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def door() -> Access:
    return Access(Store(memory_url()), MovingClock(NOW))


def made(door: Access) -> tuple[ApiKey, str]:
    key, text = door.make_key(LOCAL, NewKey("for a test", ["viewer"], "ORG-26-000001"))
    return key, f"Bearer {text}"


def count_look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    find = rows.key_by_lookup

    def noted(connection: Any, lookup: str) -> ApiKey | None:
        asked.append(lookup)
        return find(connection, lookup)

    monkeypatch.setattr(rows, "key_by_lookup", noted)
    return asked


def test_a_key_is_looked_up_once_where_no_other_process_can_end_it(
    door: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, authorization = made(door)
    door.caller(authorization, "here")  # notes its first use, which changes it
    asked = count_look_ups(monkeypatch)
    for _ in range(5):
        assert door.caller(authorization, "here").roles == {Role.VIEWER}
    assert len(asked) == (5 if door.store.is_shared else 1)


def test_a_key_that_was_known_is_refused_once_it_is_revoked(door: Access) -> None:
    key, authorization = made(door)
    for _ in range(3):
        door.caller(authorization, "here")
    door.revoke_key(LOCAL, key.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        door.caller(authorization, "here")


def test_a_key_that_was_known_is_refused_once_it_has_expired() -> None:
    clock = MovingClock(NOW)
    door = Access(Store(memory_url()), clock)
    _, text = door.make_key(LOCAL, NewKey("short", ["viewer"], "ORG-26-000001", expires_at=NOW + timedelta(hours=1)))
    door.caller(f"Bearer {text}", "here")
    door.caller(f"Bearer {text}", "here")
    clock.advance(hours=1, seconds=1)
    with pytest.raises(Unauthenticated, match="expired"):
        door.caller(f"Bearer {text}", "here")


def test_what_was_read_while_the_key_was_being_revoked_is_not_remembered(
    door: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, authorization = made(door)
    door.caller(authorization, "here")
    find = rows.key_by_lookup

    def revoked_after_it_was_read(connection: Any, lookup: str) -> ApiKey | None:
        found = find(connection, lookup)
        monkeypatch.setattr(rows, "key_by_lookup", find)
        door.revoke_key(LOCAL, key.id)
        return found

    monkeypatch.setattr(rows, "key_by_lookup", revoked_after_it_was_read)
    door.caller(authorization, "here")  # came in before it was revoked
    with pytest.raises(Unauthenticated, match="revoked"):
        door.caller(authorization, "here")
