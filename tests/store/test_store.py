"""The database: opened, written in whole transactions, numbered for good, refused in plain words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Double, Numeric, Table, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import NotFound, StoreError
from ods_core.basics.events import Event
from ods_core.basics.ids import Prefix, number_of
from ods_core.basics.quotes import EstimatedDeliverable, QuoteRequest
from ods_core.basics.records import CriterionNotMet, Engagement, Evidence
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import ROOT
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    InvoiceStatus,
    ReceiptStatus,
    SilencePolicy,
)
from ods_core.lifecycle import Accept, Cancel, Confirm, RecordReceipt, Reject, ReverseReceipt, Submit, VoidInvoice
from ods_core.payments import quote, read_rate_card
from ods_core.queries.activity import EventFilter, feed
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from ods_core.store.migrate import available, statements
from ods_core.store.rows import MAPPED, load
from tests.databases import ON_POSTGRESQL, duckdb_only, kept_url, memory_url
from tests.seed import SUBMITTED, seed_proposal, seed_request, two_cycle_proposal

LATER = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)


def reviewed(service: Service) -> Engagement:
    """An engagement with something in each of its tables: two cycles, a rejection, a remediation, payments."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = service.propose(LOCAL, request_id, two_cycle_proposal()).subject_id
    fix, suite, _ = (d.id for d in service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables)
    evidence = (Evidence("Load test", "https://example.com/load"), Evidence("", "https://example.com/log"))
    service.submit(LOCAL, fix, Submit("Ready “as agreed”.", evidence))
    service.submit(LOCAL, suite, Submit())
    not_met = (CriterionNotMet(1, "Coverage is 84% in the report."),)
    service.reject(LOCAL, suite, Reject("Below 90%.", criteria_not_met=not_met))
    due = service.accept(LOCAL, fix, Accept(notes="Read.")).engagement.milestones[0]
    wrong = service.record_receipt(LOCAL, due.id, RecordReceipt(Decimal("1.50"), SUBMITTED.date(), "R1")).subject_id
    service.reverse_receipt(LOCAL, wrong, ReverseReceipt("Another payment's."))
    service.record_receipt(LOCAL, due.id, RecordReceipt(Decimal("0.25"), SUBMITTED.date(), "R1"))
    wrong = service.issue_invoice(LOCAL, due.id).subject_id
    service.void_invoice(LOCAL, wrong, VoidInvoice("Another address."))
    return service.issue_invoice(LOCAL, due.id).engagement


def loaded(store: Store, request_id: str) -> Engagement:
    with store.read() as connection:
        return load(connection, [request_id])[request_id]


def test_a_whole_engagement_comes_back_as_it_was_saved(service: Service, store: Store) -> None:
    engagement = reviewed(service)
    groups = [getattr(engagement, f.name) for f in fields(engagement)]
    assert all(groups), "every kind of record takes part"
    assert loaded(store, engagement.request.id) == engagement


MADE_BY_HAND = QuoteRequest((EstimatedDeliverable("The “fix”", {"engineer": Decimal("2.25")}),), "USD")
FILLED = {
    "int": 3,
    "str": "Text with a “quote”, a 'prime' and a \n new line; 日本語.",
    "Decimal": Decimal("12345678901234567890.1234"),
    "datetime": LATER,
    "date": date(2026, 6, 1),
    "SilencePolicy": SilencePolicy.DEEMED_REJECTED,
    "Quote": quote(MADE_BY_HAND, read_rate_card()),
}
KEPT = {
    "parent_cycle_id",
    "rejection_reason",
    "decision",
    "trigger_number",
    "remediation_cycle_id",
    "reverses",
    "ended_at",
    "reason",
}


def filled(record: Any) -> Any:
    """The record with a value in each of its empty fields, as far as its constraints allow."""
    empty = [f for f in fields(record) if getattr(record, f.name) is None and f.name not in KEPT]
    return replace(record, **{f.name: FILLED[str(f.type).removesuffix(" | None")] for f in empty})


def test_every_field_of_every_record_is_kept(service: Service, store: Store) -> None:
    engagement = reviewed(service)
    full = Engagement(
        filled(engagement.request),
        *(tuple(filled(r) for r in getattr(engagement, f.name)) for f in fields(engagement)[1:]),
    )
    # What DuckDB must not rewrite are columns that foreign keys point at; all the others change here.
    with store.write() as unit:
        unit.engagement(engagement.request.id)
        unit.save(full, ())
    back = loaded(store, engagement.request.id)
    assert back == full
    unset = {f.name for r in full.scopes + full.deliverables for f in fields(r) if getattr(r, f.name) is None}
    assert not unset - KEPT, "the test must set them all"


def test_every_field_of_a_record_has_a_column_and_every_column_a_source() -> None:
    for mapped in MAPPED:
        record_columns = {mapped.renamed.get(f.name, f.name) for f in fields(mapped.record) if f.name != "trigger"}
        extra = {c.name for c in mapped.table.columns} - record_columns
        owner = {
            "number",
            "organization_id",
            "workspace_id",
            "scope_id",
            "trigger_kind",
            "trigger_number",
            "awaited_on",
        }
        assert is_dataclass(mapped.record)
        assert record_columns <= {c.name for c in mapped.table.columns}
        assert extra <= owner, mapped.table.name


def test_an_event_comes_back_as_it_was_told(service: Service, store: Store) -> None:
    told: list[Event] = []
    store.on_commit(lambda events: told.extend(events))
    reviewed(service)
    with store.read() as connection:
        kept = feed(connection, LOCAL, EventFilter(), limit=100).events
    assert [replace(e, data={}) for e in kept] == [replace(e, data={}) for e in told]
    money = [e.data["amount"] for e in kept if "amount" in e.data]
    assert money
    assert money == [e.data["amount"] for e in told if "amount" in e.data]
    assert all(isinstance(amount, Decimal) for amount in money)


def test_every_state_of_a_receipt_is_kept(service: Service, store: Store) -> None:
    """A receipt's state, sign and reversal belong together, so they come by the commands alone."""
    kept = loaded(store, reviewed(service).request.id).receipts
    assert [(r.status, r.amount, bool(r.reverses)) for r in kept] == [
        (ReceiptStatus.REVERSED, Decimal("1.50"), False),
        (ReceiptStatus.REVERSAL, Decimal("-1.50"), True),
        (ReceiptStatus.RECORDED, Decimal("0.25"), False),
    ]


def test_every_state_of_an_invoice_is_kept(service: Service, store: Store) -> None:
    """Its state and its end belong together, so they come by the commands alone."""
    kept = loaded(store, reviewed(service).request.id).invoices
    assert [(i.serial, i.status, i.paid, i.reason) for i in kept] == [
        (1, InvoiceStatus.VOID, Decimal("0.25"), "Another address."),
        (2, InvoiceStatus.OPEN, Decimal("0.25"), None),
    ]


STATEFUL = [m for m in MAPPED if "status" in m.table.c and m.table not in (t.receipts, t.invoices)]


def as_row(store: Store, table: Table, **changes: Any) -> dict[str, Any]:
    with store.read() as connection:
        return dict(connection.execute(select(table).order_by(*table.primary_key).limit(1)).mappings().one()) | changes


REFUSED = [
    (t.scopes, {"id": "OSCOPE-26-000050", "request_id": "OREQ-26-999999"}, "foreign key"),
    (t.scopes, {"id": "OSCOPE-26-000050", "fixed_price": Decimal(0)}, "CHECK"),
    (t.scopes, {"id": "OSCOPE-26-000050", "revision": 0}, "CHECK"),
    (t.scopes, {"id": "OSCOPE-26-000050", "valid_until": None}, "NOT NULL"),
    (t.scopes, {}, "primary key"),
    (t.requests, {"id": "OREQ-26-000050", "timeline_weeks": 0}, "CHECK"),
    (t.requests, {"id": "OREQ-26-000050", "budget_max": Decimal(-1)}, "CHECK"),
    (t.requests, {"id": "OREQ-26-000050", "title": None}, "NOT NULL"),
    (t.cycles, {"id": "OCYCLE-26-000050", "scope_id": "OSCOPE-26-999999"}, "foreign key"),
    (t.cycles, {"id": "OCYCLE-26-000050", "planned_end": date(2026, 4, 1)}, "CHECK"),
    (t.cycles, {"id": "OCYCLE-26-000050", "kind": CycleKind.REMEDIATION, "parent_cycle_id": None}, "CHECK"),
    (t.deliverables, {"id": "DLV-26-000050", "cycle_id": "OCYCLE-26-999999"}, "foreign key"),
    (t.deliverables, {"id": "DLV-26-000050", "attempt": 0}, "CHECK"),
    (t.attempts, {"attempt": 9, "deliverable_id": "DLV-26-999999"}, "foreign key"),
    (t.attempts, {"attempt": 9, "remediation_cycle_id": "OCYCLE-26-999999"}, "foreign key"),
    (t.attempts, {"attempt": 9, "decision": Decision.REJECTED, "decided_at": None}, "CHECK"),
    (t.attempts, {"attempt": 9, "decision": Decision.REJECTED, "rejection_reason": None}, "CHECK"),
    (t.attempts, {}, "primary key"),
    (t.service_lines, {"id": "LIN-26-000050", "scope_id": "OSCOPE-26-999999"}, "foreign key"),
    (t.payments, {"id": "PAY-26-000050", "scope_id": "OSCOPE-26-999999"}, "foreign key"),
    (t.payments, {"id": "PAY-26-000050", "amount": Decimal(-1)}, "CHECK"),
    (t.payments, {"id": "PAY-26-000050", "paid": Decimal(10**9)}, "CHECK"),
    (t.payments, {"id": "PAY-26-000050", "net_days": -1}, "CHECK"),
    (t.receipts, {"id": "RCT-26-000050", "payment_id": "PAY-26-999999"}, "foreign key"),
    (t.receipts, {"id": "RCT-26-000050", "amount": Decimal(0)}, "CHECK"),
    (t.receipts, {"id": "RCT-26-000050", "amount": Decimal(-1)}, "CHECK"),
    (t.invoices, {"id": "INV-26-000050", "payment_id": "PAY-26-999999"}, "foreign key"),
    (t.invoices, {"id": "INV-26-000050", "serial": 0}, "CHECK"),
    (t.invoices, {"id": "INV-26-000050", "paid": Decimal(10**9)}, "CHECK"),
    (t.events, {}, "primary key"),
]
IN_POSTGRESQL = {"NOT NULL": "not-null", "primary key": "_pkey"}
"""How it says it."""


@pytest.mark.parametrize(
    ("table", "changes", "reason"), REFUSED, ids=lambda v: v.name if isinstance(v, Table) else None
)
def test_the_database_itself_refuses_what_cannot_be(
    service: Service, store: Store, table: Table, changes: dict[str, Any], reason: str
) -> None:
    reviewed(service)
    row = as_row(store, table, **changes)
    said = re.compile(IN_POSTGRESQL.get(reason, reason) if ON_POSTGRESQL else reason, re.IGNORECASE)
    with store.engine.connect() as connection, pytest.raises(DBAPIError, match=said):
        connection.execute(insert(table), row)


@pytest.mark.parametrize("mapped", [m for m in MAPPED if "status" in m.table.c], ids=lambda m: m.table.name)
def test_a_state_that_is_none_is_refused_by_the_database(service: Service, store: Store, mapped: Any) -> None:
    reviewed(service)
    with store.engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)check"):
        connection.execute(text(f"UPDATE {mapped.table.name} SET status = 'lost'"))


@pytest.mark.parametrize(
    "mapped",
    [m for m in MAPPED if "status" in m.table.c and m.table not in (t.receipts, t.invoices)],
    ids=lambda m: m.table.name,
)
def test_every_state_that_there_is_can_be_kept(service: Service, store: Store, mapped: Any) -> None:
    reviewed(service)
    for state in mapped.table.c.status.type.enumeration:
        with store.engine.connect() as connection:
            connection.execute(text(f"UPDATE {mapped.table.name} SET status = '{state}'"))
            assert set(connection.execute(select(mapped.table.c.status)).scalars()) == {state}
            connection.rollback()


def test_a_new_database_is_migrated_from_nothing_and_an_old_one_is_left_alone(tmp_path: Path) -> None:
    url = kept_url(tmp_path, "new")
    first = Store(url)
    assert first.migrated == [number for number, _ in available()]
    first.close()
    second = Store(url)
    assert second.migrated == []
    second.close()


def test_a_migration_is_cut_into_its_statements_without_its_comments() -> None:
    script = "-- a; comment\nCREATE TABLE a (x INTEGER);\n\nCREATE INDEX i ON a (x);\n"
    assert statements(script) == ["CREATE TABLE a (x INTEGER)", "CREATE INDEX i ON a (x)"]


TYPES = {
    "TEXT": "VARCHAR",
    "CHARACTER VARYING": "VARCHAR",
    "STRING": "VARCHAR",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
    "SMALL_INTEGER": "SMALLINT",
    "BIG_INTEGER": "BIGINT",
    "DOUBLE PRECISION": "DOUBLE",
}
"""How types are called here, by how the databases and SQLAlchemy call them."""


def declared(table: Table) -> list[tuple[str, str, bool]]:
    def type_of(column: Any) -> str:
        kind = getattr(column.type, "impl", column.type)
        if isinstance(kind, Numeric):
            return f"DECIMAL({kind.precision},{kind.scale})"
        name = str(kind.__visit_name__).upper()
        return TYPES.get(name, name)

    return sorted((c.name, type_of(c), bool(c.nullable)) for c in table.columns)


Made = tuple[list[tuple[str, str, bool]], list[str], set[tuple[str, str]]]
"""Columns with type and whether they may be empty, the primary key, the foreign keys' columns with their tables."""


def in_duckdb(connection: Connection, table: Table) -> Made:
    of = f"WHERE table_name = '{table.name}' AND database_name = current_database()"
    columns = connection.execute(text(f"SELECT column_name, data_type, is_nullable FROM duckdb_columns() {of}")).all()
    keys = f"SELECT constraint_column_names, referenced_table FROM duckdb_constraints() {of} AND constraint_type = "
    primary = connection.execute(text(keys + "'PRIMARY KEY'")).all()
    foreign = connection.execute(text(keys + "'FOREIGN KEY'")).all()
    return (
        [(name, kind, null) for name, kind, null in columns],
        list(primary[0][0]) if primary else [],
        {(names[0], target) for names, target in foreign},
    )


def in_postgresql(connection: Connection, table: Table) -> Made:
    inspector = inspect(connection)

    def type_of(kind: Any) -> str:
        if isinstance(kind, Numeric) and not isinstance(kind, Double):
            return f"DECIMAL({kind.precision},{kind.scale})"
        name = str(kind.compile(connection.dialect)).upper()
        return TYPES.get(name, name)

    columns = [(c["name"], type_of(c["type"]), c["nullable"]) for c in inspector.get_columns(table.name)]
    foreign = {(key["constrained_columns"][0], key["referred_table"]) for key in inspector.get_foreign_keys(table.name)}
    return columns, inspector.get_pk_constraint(table.name)["constrained_columns"], foreign


@pytest.mark.parametrize("table", t.metadata.sorted_tables, ids=lambda table: table.name)
def test_the_tables_that_migrations_make_are_the_tables_that_the_code_knows(store: Store, table: Table) -> None:
    with store.read() as connection:
        columns, primary, foreign = (in_postgresql if ON_POSTGRESQL else in_duckdb)(connection, table)
    assert sorted(columns) == declared(table)
    assert sorted(primary) == sorted(c.name for c in table.primary_key)
    assert foreign == {(c.name, fk.column.table.name) for c in table.columns for fk in c.foreign_keys}


def test_no_table_is_made_that_the_code_does_not_know(store: Store) -> None:
    with store.read() as connection:
        made = set(inspect(connection).get_table_names())
    assert made - {"schema_version"} == set(t.metadata.tables)


def test_a_database_from_a_newer_program_is_refused_untouched(tmp_path: Path) -> None:
    url = kept_url(tmp_path, "newer")
    store = Store(url)
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES (9999, TIMESTAMP '2030-01-01')"))
    store.close()
    with pytest.raises(StoreError, match=r"schema version 9999.*use the newer program"):
        Store(url)


@duckdb_only
def test_a_second_process_is_told_who_holds_the_file(tmp_path: Path) -> None:
    url = kept_url(tmp_path, "held")
    store = Store(url)
    code = (
        "from ods_core.store import Store\nfrom ods_core.basics.errors import StoreError\n"
        f"try:\n    Store({url!r})\nexcept StoreError as error:\n    print(error.status, error.detail)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    store.close()
    assert ended.stdout.startswith("503 another process holds the database")
    assert "DuckDB lets one process at a file" in ended.stdout
    assert "talk to it over its REST API" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("no url at all", "cannot be read"),
        ("sqlite:///x.db", "names 'sqlite'; expected duckdb"),
        ("", "cannot be read"),
    ],
)
def test_a_database_of_another_make_is_refused(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        Store(url)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "letter.duckdb"
    path.write_text("Dear reader, this is not a database. " * 400, encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(f"duckdb:///{path}")
    assert path.read_text(encoding="utf-8").startswith("Dear reader")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match=r"folder .*file/below cannot be made"):
        Store(f"duckdb:///{tmp_path / 'file' / 'below' / 'x.duckdb'}")


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    store = Store(f"duckdb:///{tmp_path / 'a' / 'b' / 'x.duckdb'}")
    assert store.is_empty()
    store.close()


def test_stores_in_memory_do_not_see_each_other(clock: MovingClock) -> None:
    stores = [Store(memory_url(), clock) for _ in range(5)]
    Service(stores[0], clock).submit_request(LOCAL, seed_request())
    assert [s.is_empty() for s in stores] == [False, True, True, True, True]
    for s in stores:
        s.close()


def test_identifiers_rise_and_never_repeat_after_the_database_was_closed(tmp_path: Path, clock: MovingClock) -> None:
    url = kept_url(tmp_path, "ids")
    seen: list[str] = []
    sequences: list[int] = []
    for _ in range(3):
        store = Store(url, clock)
        engagement = reviewed(Service(store, clock))
        seen += engagement.ids()
        with store.read() as connection:
            sequences = list(connection.execute(select(t.events.c.sequence).order_by(t.events.c.sequence)).scalars())
        store.close()
        clock.advance(days=400)
    assert len(seen) == len(set(seen))
    for prefix in {id.split("-")[0] for id in seen}:
        numbers = [number_of(id) for id in seen if id.startswith(f"{prefix}-")]
        assert numbers == sorted(numbers), prefix
    assert {id.split("-")[1] for id in seen} == {"26", "27", "28"}
    assert len(sequences) == len(set(sequences))
    assert sequences == list(range(1, len(sequences) + 1))


def test_a_number_grows_past_six_digits(store: Store) -> None:
    store.reserve(Prefix.REQUEST, 999_999)
    with store.write():
        assert store.next_id(Prefix.REQUEST, SUBMITTED) == "OREQ-26-1000000"


class Broken(Exception):
    pass


def counts(store: Store) -> list[int]:
    with store.read() as connection:
        return [connection.execute(select(func.count()).select_from(x)).scalar_one() for x in t.metadata.sorted_tables]


def test_a_transaction_that_fails_leaves_nothing(service: Service, store: Store) -> None:
    reviewed(service)
    before, last, told = counts(store), store.last_sequence, []
    store.on_commit(told.append)

    def fail() -> None:
        with store.write() as unit:
            engagement = unit.engagement("OREQ-26-000001")
            unit.save(replace(engagement, request=replace(engagement.request, title="Other")), ())
            unit.flush()
            raise Broken

    with pytest.raises(Broken):
        fail()
    assert counts(store) == before
    assert store.last_sequence == last
    assert told == []
    assert loaded(store, "OREQ-26-000001").request.title == seed_request().title
    service.submit_request(LOCAL, seed_request())
    assert store.last_sequence > last, "the store goes on"


def test_a_row_the_database_refuses_takes_its_whole_transaction_with_it(service: Service, store: Store) -> None:
    engagement = reviewed(service)
    before = counts(store)

    def break_a_check() -> None:
        with store.write() as unit:
            now = unit.engagement(engagement.request.id)
            lost = replace(now.milestones[0], paid=now.milestones[0].amount + 1)
            again = replace(now.request, title="Other")
            unit.save(replace(now, request=again, milestones=(lost, *now.milestones[1:])), ())

    with pytest.raises(DBAPIError):
        break_a_check()
    assert counts(store) == before
    assert loaded(store, engagement.request.id) == engagement


def test_a_refused_command_amid_others_leaves_the_others_alone(service: Service, store: Store) -> None:
    with service.store.write():
        request_id = service.submit_request(LOCAL, seed_request()).subject_id
        with pytest.raises(NotFound):
            service.cancel(LOCAL, "OREQ-26-999999", Cancel("None such."))
        scope_id = service.propose(LOCAL, request_id, seed_proposal()).subject_id
    assert loaded(store, request_id).scopes[0].id == scope_id


def test_a_long_transaction_writes_what_many_short_ones_do(clock: MovingClock) -> None:
    def rows(together: bool) -> Iterator[Sequence[Any]]:
        store = Store(memory_url(), clock)
        service = Service(store, clock)
        if together:
            with service.store.write():
                reviewed(service)
        else:
            reviewed(service)
        with store.read() as connection:
            for table in t.metadata.sorted_tables:
                yield sorted(map(repr, connection.execute(select(table)).all()))
        store.close()

    assert list(rows(together=True)) == list(rows(together=False))


def test_listeners_hear_of_events_in_order_after_the_commit(service: Service, store: Store) -> None:
    heard: list[tuple[int, int]] = []

    def listen(events: Sequence[Event]) -> None:
        with store.read() as connection:
            committed = connection.execute(select(func.max(t.events.c.sequence))).scalar_one()
        heard.extend((event.sequence, committed) for event in events)

    store.on_commit(listen)
    reviewed(service)
    sequences = [sequence for sequence, _ in heard]
    assert sequences == list(range(1, len(sequences) + 1))
    assert all(sequence <= committed for sequence, committed in heard)


def test_what_a_file_holds_is_there_after_closing_and_folding_the_log(tmp_path: Path, clock: MovingClock) -> None:
    url = kept_url(tmp_path, "kept")
    store = Store(url, clock)
    engagement = reviewed(Service(store, clock))
    store.checkpoint()
    store.close()
    again = Store(url, clock)
    assert loaded(again, engagement.request.id) == engagement
    again.close()


def test_attempts_come_back_in_the_order_they_were_made_even_within_a_second(service: Service, store: Store) -> None:
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = service.propose(LOCAL, request_id, seed_proposal()).subject_id
    first, second, third = (d.id for d in service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables)
    for id in (third, first, second):
        engagement = service.submit(LOCAL, id, Submit()).engagement
    assert loaded(store, request_id) == engagement


def test_states_keep_their_type_on_the_way(service: Service, store: Store) -> None:
    engagement = reviewed(service)
    back = loaded(store, engagement.request.id)
    assert all(isinstance(d.status, DeliverableStatus) for d in back.deliverables)
    assert all(isinstance(c.status, CycleStatus) for c in back.cycles)
    assert all(m.amount.as_tuple().exponent == -4 and isinstance(m.amount, Decimal) for m in back.milestones)


def test_who_is_alone_at_something_may_queue_for_it_too(store: Store) -> None:
    # On another connection: a lock of the same name would wait for itself, and for ever.
    with store.turns.alone("the mirror") as mine:
        assert mine
        with store.write() as unit:
            if store.is_shared:
                unit.connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            store.turns.queue(unit.connection, "the mirror")
