"""A database that an earlier version made is brought up to date with all that is in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import CriterionNotMet, Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import SilencePolicy
from ods_core.lifecycle import Confirm, Propose, Reject, Submit
from ods_core.queries.invariants import check
from ods_core.service import Service
from ods_core.store import Store, migrate
from ods_core.store import tables as t
from ods_core.store.rows import load
from tests.databases import kept_url, memory_url
from tests.seed import SUBMITTED, seed_request, two_cycle_proposal

WITH_QUOTES = 4
WITH_A_CLOCK = 7
"""The migration that this page is about."""


def engagement(service: Service, **proposal: object) -> str:
    """One with a rejected and a waiting deliverable; the id of its request."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    given: Propose = two_cycle_proposal(**proposal)
    scope_id = service.propose(LOCAL, request_id, given).subject_id
    one, two, _ = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
    service.submit(LOCAL, one.id, Submit())
    service.submit(LOCAL, two.id, Submit())
    service.reject(LOCAL, one.id, Reject("No.", criteria_not_met=(CriterionNotMet(1, "log"),)))
    return request_id


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Engagement]]:
    """The address of a database as it was before, with three engagements, and these as they should come out."""
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    service = Service(store, clock)
    ids = [
        engagement(service, review_window_days=10, silence_policy=SilencePolicy.DEEMED_ACCEPTED),
        engagement(service, review_window_days=1),
        engagement(service),
    ]
    url = kept_url(tmp_path, "earlier")
    engine = create_engine(url)
    with monkeypatch.context() as patched:
        known = [m for m in migrate.available() if m[0] < WITH_A_CLOCK]
        patched.setattr(migrate, "available", lambda: known)
        migrate.migrate(engine, SUBMITTED)
    with store.read() as source:
        _copy(source, engine)
        expected = [*load(source, ids).values()]
    engine.dispose()
    store.close()
    return url, expected


def test_migrations_that_were_made_side_by_side_may_come_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that has the seventh already still gets the fourth, once."""
    engine = create_engine(kept_url(tmp_path, "gap"))
    with monkeypatch.context() as patched:
        known = [m for m in migrate.available() if m[0] != WITH_QUOTES]
        patched.setattr(migrate, "available", lambda: known)
        assert WITH_A_CLOCK in migrate.migrate(engine, SUBMITTED)
    assert migrate.migrate(engine, SUBMITTED) == [WITH_QUOTES]
    assert migrate.migrate(engine, SUBMITTED) == []
    assert "quote" in {c["name"] for c in inspect(engine).get_columns("scopes")}
    engine.dispose()


def _copy(source: Connection, engine: Engine) -> None:
    """All rows, with the columns that there were."""
    for table in t.metadata.sorted_tables:
        if not inspect(engine).has_table(table.name):
            continue
        names = [c["name"] for c in inspect(engine).get_columns(table.name)]
        rows = source.execute(text(f"SELECT {', '.join(names)} FROM {table.name}")).mappings().all()
        insert = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})"
        with engine.begin() as target:
            for row in rows:
                target.execute(text(insert), dict(row))


def test_a_database_from_before_the_review_clock_gets_its_windows_and_reminders(
    earlier: tuple[str, list[Engagement]],
) -> None:
    url, expected = earlier
    clock = MovingClock(SUBMITTED)
    store = Store(url, clock)
    assert WITH_A_CLOCK in store.migrated
    with store.read() as connection:
        found = [*load(connection, [e.request.id for e in expected]).values()]
        assert check(connection) == []
    assert found == expected
    assert [e.attempts[0].decide_by for e in found] == [
        SUBMITTED + timedelta(days=10),
        SUBMITTED + timedelta(days=1),
        None,
    ]
    clock.advance(days=10)
    waiting = found[0].deliverables[1].id
    assert Service(store, clock).lapse(waiting).resource()["deemed"] is True
    store.close()
