"""Out, in, and out again: the same bytes, the same numbers, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, inspect, select

from ods_core.basics.ids import Prefix
from ods_core.basics.roles import LOCAL
from ods_core.moving import NotMovable, export, load, plain, writing
from ods_core.moving.places import Folder
from ods_core.moving.plain import DERIVED, moved_tables, order_of, pages, schema_of
from ods_core.queries import facts
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.service import Service
from ods_core.store import NUMBERED, Store, migrate
from ods_core.store import tables as t
from tests.moving.conftest import LONG_AFTER, counts, in_order, sums
from tests.seed import SUBMITTED, seed_request


def test_every_table_of_the_database_is_moved_or_known_to_follow_from_others(store: Store) -> None:
    """A table that a migration adds is one or the other: here is where that is decided."""
    with store.read() as connection:
        there = set(inspect(connection).get_table_names()) - {"schema_version"}
    assert there - DERIVED == {table.name for table in moved_tables()}


def test_every_column_of_the_database_is_moved_with_an_exact_type(store: Store) -> None:
    with store.read() as connection:
        for table in moved_tables():
            there = [column["name"] for column in inspect(connection).get_columns(table.name)]
            assert sorted(there) == sorted(schema_of(table).names), table.name
            assert order_of(table)


def test_an_export_comes_back_to_the_byte(exported: Path, empty: Callable[[], Store], tmp_path: Path) -> None:
    store = empty()
    whole = load(store, exported, SUBMITTED)
    again = export(store, tmp_path / "again", SUBMITTED)
    assert sums(tmp_path / "again") == sums(exported)
    assert again == whole, "the manifest, too, where the clock stands"
    assert in_order(store)
    filled = {name for name, rows in counts(store).items() if rows}
    assert filled >= {m.name for m in (t.requests, t.attempts, t.receipts, t.invoices, t.invoice_serials, t.imports)}
    store.close()


def test_values_are_kept_as_the_database_keeps_them(source: Store, exported: Path) -> None:
    """Read by pyarrow alone: amounts with their digits, times with their microseconds, JSON texts as they are."""
    for table in moved_tables():
        with source.read() as connection:
            expected = [tuple(row) for page in pages(connection, table) for row in page]
        read = pq.read_table(exported / f"{table.name}-0001.parquet")
        assert [tuple(row.values()) for row in read.to_pylist()] == expected
    found = pq.read_table(exported / "receipts-0001.parquet")["amount"].to_pylist()
    assert Decimal("0.2500") in found
    (started,) = pq.read_table(exported / "imports-0001.parquet")["started_at"].to_pylist()
    assert started.microsecond == 123456


def test_numbering_goes_on_behind_what_came_in(exported: Path, empty: Callable[[], Store]) -> None:
    """The very store that was filled gives the next numbers, and so does one that is opened later."""
    store = empty()
    whole = load(store, exported, SUBMITTED)
    first = Service(store).submit_request(LOCAL, seed_request())
    assert first.subject_id.endswith(f"-{whole.counters[Prefix.REQUEST] + 1:06d}")
    assert first.events[0].sequence == 0
    assert store.last_sequence == whole.counters[Prefix.EVENT] + len(first.events)
    store.close()
    opened = empty()
    second = Service(opened).submit_request(LOCAL, seed_request())
    assert second.subject_id.endswith(f"-{whole.counters[Prefix.REQUEST] + 2:06d}")
    assert in_order(opened)
    opened.close()


def test_outcomes_are_measured_anew_from_what_came_in(
    source: Store, exported: Path, empty: Callable[[], Store]
) -> None:
    """What is made from other tables stays behind, and figures are the same."""
    wanted = OutcomeFilter("2025-01", "2026-06")
    told = []
    target = empty()
    facts.keep_up(target, wait=True)
    load(target, exported, SUBMITTED)
    for store in (source, target):
        with store.read() as connection:
            told.append(outcomes(connection, LOCAL, wanted, LONG_AFTER))
    target.close()
    assert told[0] == told[1]
    assert any(metric["n"] for metric in told[0]["metrics"])


@pytest.mark.parametrize(("page", "most"), [(2, 4), (7, 3)])
def test_large_tables_are_read_in_pages_and_written_in_parts(
    source: Store, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int, most: int
) -> None:
    """Wherever the pages end, each row is there once; parts hold as many as they may."""
    monkeypatch.setattr(plain, "PAGE", page)
    monkeypatch.setattr(writing, "MOST_PAGES", most)
    whole = export(source, tmp_path / "parts", SUBMITTED)
    for entry in whole.tables:
        parts = [pq.read_table(tmp_path / "parts" / file.name) for file in entry.files]
        rows = [row for part in parts for row in part.to_pylist()]
        assert rows == pq.read_table(exported / f"{entry.name}-0001.parquet").to_pylist()
        assert all(file.rows == page * most for file in entry.files[:-1])
        assert entry.rows == len(rows)
    assert len(next(entry for entry in whole.tables if entry.name == "events").files) > 3


def test_parts_are_brought_in_again(
    source: Store, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Callable[[], Store]
) -> None:
    target = empty()
    with monkeypatch.context() as patched:
        patched.setattr(plain, "PAGE", 7)
        patched.setattr(writing, "MOST_PAGES", 3)
        export(source, tmp_path / "parts", SUBMITTED)
    load(target, tmp_path / "parts", SUBMITTED)
    export(target, tmp_path / "again", SUBMITTED)
    assert sums(tmp_path / "again") == sums(exported)
    target.close()


def test_an_export_of_an_earlier_schema_is_brought_up_to_date(
    kept: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Callable[[], Store]
) -> None:
    """Made by the program as it was before the review clock; its windows are worked out as on an upgrade."""
    _export_as_before(kept, tmp_path, monkeypatch)
    store = empty()
    whole = load(store, tmp_path / "earlier", SUBMITTED)
    assert whole.schema_version == 5
    assert "imports" not in {entry.name for entry in whole.tables}
    export(store, tmp_path / "now", SUBMITTED)
    same = {name for name, total in sums(tmp_path / "now").items() if total == sums(exported)[name]}
    assert same == {*sums(exported)} - {"imports-0001.parquet"}, "the imports were noted later, all else is as it was"
    store.close()


def _export_as_before(kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program as it was with five migrations would have exported of these engagements."""
    engine = create_engine(f"duckdb:///{folder / 'earlier.duckdb'}")
    migrate.migrate(engine, SUBMITTED, only=range(1, 6))
    with engine.begin() as connection, create_engine(f"duckdb:///{kept}").connect() as source:
        tables = [
            _as_it_was(connection, table) for table in moved_tables() if inspect(connection).has_table(table.name)
        ]
        for table in tables:
            connection.execute(insert(table), [dict(row) for row in source.execute(select(table)).mappings()])
        with monkeypatch.context() as patched:
            patched.setattr(writing, "moved_tables", lambda: tables)
            numbered = {p: table for p, table in NUMBERED.items() if inspect(connection).has_table(table.name)}
            patched.setattr(writing, "NUMBERED", numbered)
            (folder / "earlier").mkdir()
            writing.write(connection, Folder(folder / "earlier"), SUBMITTED)
    engine.dispose()


def _as_it_was(connection: Connection, table: Table) -> Table:
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    columns = (Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable) for c in table.c)
    return Table(table.name, MetaData(), *(column for column in columns if column.name in there))


def test_a_folder_with_something_in_it_is_left_alone(source: Store, tmp_path: Path, exported: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("Dear all")
    with pytest.raises(NotMovable, match="is not empty; expected an empty folder"):
        export(source, tmp_path / "taken", SUBMITTED)
    with pytest.raises(NotMovable, match="it holds an export"):
        export(source, exported, SUBMITTED)
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["letter.txt"]


def test_only_the_owner_can_read_what_is_written(exported: Path) -> None:
    """It holds everything."""
    assert {path.stat().st_mode & 0o777 for path in exported.iterdir()} == {0o600}
    assert exported.stat().st_mode & 0o777 == 0o700


def test_an_export_that_is_killed_is_never_taken_for_one(kept: Path, tmp_path: Path) -> None:
    """Ended without warning after its third file: there is no manifest, and both ways are refused."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from datetime import UTC, datetime\n"
        "from ods_core.moving import export\n"
        "from ods_core.store import Store\n"
        "steps = []\n"
        "def die(share, step):\n"
        "    steps.append(step)\n"
        "    if len(steps) == 4: os._exit(9)\n"
        "export(Store(sys.argv[1]), Path(sys.argv[2]), datetime.now(UTC), die)\n"
    )
    command = [sys.executable, "-c", script, f"duckdb:///{kept}", str(tmp_path / "killed")]
    assert subprocess.run(command, env=os.environ, timeout=120, check=False).returncode == 9
    assert len([*(tmp_path / "killed").glob("*.parquet")]) == 3
    store = Store(f"duckdb:///{kept}")
    with pytest.raises(NotMovable, match="it holds an unfinished export"):
        export(store, tmp_path / "killed", SUBMITTED)
    store.close()
