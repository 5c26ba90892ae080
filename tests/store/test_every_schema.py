"""From every schema that there was, full of data, to the present one: nothing is lost, and the program goes on with it.

The data is that of a store of today with something in each of its tables, cut to the tables and columns that a schema
had, without what its program could not have come to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from ods_core.api import build
from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.basics.states import ScopeStatus
from ods_core.lifecycle import Accept, Confirm, RecordReceipt, Submit
from ods_core.queries.invariants import check
from ods_core.service import NewRow, Runtime, Service, using
from ods_core.store import Store, migrate
from ods_core.store import tables as t
from tests.api.every_call import Walk
from tests.databases import kept_url, memory_url
from tests.seed import SUBMITTED
from tests.started import started

SCHEMAS = [number for number, _ in migrate.available()]
RECEIPTS, INVOICES = 2, 3
"""The schemas that had these first."""

NOT_BY_CALLS: dict[str, dict[str, Any]] = {
    "webhook_lanes": {
        "id": "lane-1",
        "course_id": "course-1",
        "lane": "OREQ-26-000001",
        "sequence": 3,
        "failures": 2,
        "failing_since": SUBMITTED,
        "next_at": SUBMITTED,
        "generation": 1,
    },
    "webhook_attempts": {
        "number": 1,
        "endpoint_id": "WHK-26-000001",
        "event_id": "EVT-26-000001",
        "event_type": "ods.request.submitted",
        "sequence": 1,
        "attempt": 1,
        "is_replay": False,
        "status": "failed",
        "response_status": 500,
        "error": "",
        "duration_ms": 12,
        "attempted_at": SUBMITTED,
        "next_attempt_at": SUBMITTED,
    },
    "imports": {"fingerprint": "ab12", "engagements": 3, "done": 3, "started_at": SUBMITTED, "finished_at": SUBMITTED},
    "mirror": {"url": "https://ods.example.com", "way": "log", "cursor": "bjE", "followed_at": SUBMITTED},
    "mirror_requests": {
        "request_id": "OREQ-26-000001",
        "read_through": 3,
        "is_over": False,
        "read_at": SUBMITTED,
        "untold": None,
        "told": None,
    },
    "first_answers": {
        "holder": "key:KEY-26-000001",
        "idempotency_key": "k",
        "fingerprint": "ab12",
        "status": 201,
        "headers": "{}",
        "body": "{}",
        "answered_at": SUBMITTED,
    },
}
"""A row of each table that is filled by what works beside the calls."""

Rows = dict[str, Counter[tuple[Any, ...]]]
"""Of each table, how often each row is in it."""


@pytest.fixture(scope="module")
def full() -> Iterator[Runtime]:
    """A store of today, after every call of the API."""
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    run = Runtime(Settings(database_url=memory_url(), demo=False), store, Service(store, clock), clock)
    run.people.add(LOCAL, NewRow("groups", "approvers", ("approver",), "ORG-26-090500"))
    with using(run):
        Walk(run, clock, build(), with_keys=True).go()
    with store.write() as unit:
        for name, row in NOT_BY_CALLS.items():
            unit.connection.execute(t.metadata.tables[name].insert().values(row))
    yield run
    store.close()


def made_as(number: int, full: Runtime, url: str) -> Rows:
    """A database as the program of a schema left it; what is in it."""
    engine = create_engine(url)
    migrate.migrate(engine, SUBMITTED, only=[n for n in SCHEMAS if n <= number])
    with full.store.read() as source, engine.begin() as target:
        for table in t.metadata.sorted_tables:
            if inspect(target).has_table(table.name):
                _copy(source, target, table.name)
        if number < RECEIPTS:
            target.execute(text("UPDATE payments SET status = 'due', paid = 0, paid_at = NULL WHERE paid > 0"))
            target.execute(text("DELETE FROM events WHERE type LIKE 'ods.receipt.%' OR type = 'ods.payment.paid'"))
        if number < INVOICES:
            target.execute(text("DELETE FROM events WHERE type LIKE 'ods.invoice.%'"))
    with engine.connect() as connection:
        found = rows_of(connection, columns_of(engine))
    engine.dispose()
    return found


def _copy(source: Connection, target: Connection, table: str) -> None:
    names = [column["name"] for column in inspect(target).get_columns(table)]
    rows = source.execute(text(f"SELECT {', '.join(names)} FROM {table}")).mappings().all()
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
    for row in rows:
        target.execute(text(insert), dict(row))


def columns_of(engine: Engine) -> dict[str, list[str]]:
    """The tables of a database, and their columns."""
    tables = inspect(engine).get_table_names()
    return {table: sorted(c["name"] for c in inspect(engine).get_columns(table)) for table in tables}


def rows_of(connection: Connection, columns: dict[str, list[str]]) -> Rows:
    """What is in these columns of these tables."""
    return {
        table: Counter(map(tuple, connection.execute(text(f"SELECT {', '.join(names)} FROM {table}")).all()))
        for table, names in columns.items()
        if table != "schema_version"
    }


def test_the_store_of_today_has_something_in_each_table(full: Runtime) -> None:
    with full.store.read() as connection:
        empty = [name for name in t.metadata.tables if not connection.execute(text(f"SELECT 1 FROM {name}")).first()]
    assert empty == []


@pytest.mark.parametrize("number", SCHEMAS)
def test_a_full_store_of_every_schema_is_brought_up_to_date(tmp_path: Path, full: Runtime, number: int) -> None:
    url = kept_url(tmp_path, "earlier")
    before = made_as(number, full, url)
    engine = create_engine(url)
    had = columns_of(engine)
    engine.dispose()

    clock = MovingClock(full.clock())
    store = Store(url, clock)
    assert store.migrated == [n for n in SCHEMAS if n > number]
    with store.read() as connection:
        assert rows_of(connection, had) == before
        assert check(connection) == []
    _goes_on(Service(store, clock), store)
    with store.read() as connection:
        assert check(connection) == []
    store.close()


def _goes_on(service: Service, store: Store) -> None:
    """What waited in the earlier database is decided: a proposal is confirmed, delivered and paid for."""
    with store.read() as connection:
        waiting = connection.execute(text("SELECT id FROM scopes WHERE status = 'pending_confirmation'")).scalar_one()
    confirmed = service.confirm(LOCAL, waiting, Confirm()).engagement
    ids = [d.id for d in confirmed.deliverables if d.scope_id == waiting]
    for id in ids:
        service.submit(LOCAL, id, Submit())
    for id in ids:
        decided = service.accept(LOCAL, id, Accept())
    assert decided.engagement.scope(waiting).status == ScopeStatus.COMPLETED
    due = [p for p in decided.engagement.milestones if p.scope_id == waiting]
    for payment in due:
        service.record_receipt(LOCAL, payment.id, RecordReceipt(payment.amount, SUBMITTED.date(), payment.id))


def test_what_comes_of_the_first_schema_is_the_present_one(tmp_path: Path, full: Runtime) -> None:
    """Table by table and column by column, whichever way a database came."""
    urls = [kept_url(tmp_path, name) for name in ("earlier", "new")]
    made_as(SCHEMAS[0], full, urls[0])
    found = []
    for url in urls:
        engine = create_engine(url)
        migrate.migrate(engine, SUBMITTED)
        found.append(columns_of(engine))
        engine.dispose()
    assert found[0] == found[1]
    assert {name: sorted(table.columns.keys()) for name, table in t.metadata.tables.items()}.items() <= found[1].items()


def test_the_server_starts_on_the_first_schema(tmp_path: Path, full: Runtime) -> None:
    made_as(SCHEMAS[0], full, kept_url(tmp_path))
    with started(tmp_path, full.clock()) as server, server.client() as api:
        assert api.get(f"{server.url}/v1/health").json()["data"]["ready"] is True
        requests = api.get("/requests", params={"limit": 100}).json()["data"]
        with full.store.read() as connection:
            ids = {row.id for row in connection.execute(text("SELECT id FROM requests"))}
        assert {row["id"] for row in requests} == ids
        assert api.get("/metrics/outcomes").status_code == 200
