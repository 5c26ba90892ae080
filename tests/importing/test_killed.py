"""An import that is ended with SIGKILL, again and again: what the last run makes of it is what one run makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ods_core.basics.clock import MovingClock
from ods_core.importing import importer
from ods_core.queries.invariants import check
from ods_core.store import Store
from tests.databases import duckdb_only
from tests.importing.conftest import run

pytestmark = duckdb_only
TABLES = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts", "events")
LATER = "2029-01-01T00:00:00Z"
ONE_BY_ONE = """
import sys
from ods_core.cli import main
from ods_core.importing import importer

importer.BATCH = 1
main(sys.argv[1:])
"""


def call(*words: str | Path) -> list[str]:
    """The command line, with one engagement in each transaction."""
    return [sys.executable, "-c", ONE_BY_ONE, *map(str, words)]


def surroundings(database: Path) -> dict[str, str]:
    return os.environ | {"ODS_DATABASE_URL": f"duckdb:///{database}", "ODS_CLOCK": LATER}


def run_whole(folder: Path, database: Path, clock: MovingClock) -> int:
    """Import to the end; how many an earlier run had written. Every invariant holds then."""
    store = Store(f"duckdb:///{database}", clock)
    outcome = run(folder, store, clock)
    with store.read() as connection:
        assert check(connection) == []
    store.close()
    assert outcome.done == outcome.engagements
    return outcome.before


def kill_at(folder: Path, database: Path, batches: int) -> int:
    """End an import as its n-th batch of that run begins; the signal that it ended by."""
    words = call("import-history", folder)
    with subprocess.Popen(words, env=surroundings(database), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            batches -= "Writing engagements" in line
            if not batches:
                process.send_signal(signal.SIGKILL)
                break
        return -process.wait(timeout=60)


def held(database: Path) -> dict[str, tuple[int, int]]:
    """Of each table how many rows, and the sum of the hashes of all their columns, identifiers among them."""
    with duckdb.connect(str(database), read_only=True) as connection:
        found = {}
        for table in TABLES:
            row = connection.execute(f"SELECT count(*), sum(hash(t)) FROM {table} t").fetchone()
            assert row
            found[table] = row
        return found


def done(database: Path) -> tuple[int, int]:
    """How many engagements are written, and how many the journal says."""
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM requests), (SELECT sum(done) FROM imports)").fetchone()
        assert row
        return row


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signal")
def test_killed_and_resumed_is_the_same_as_not_killed(
    history: Path, tmp_path: Path, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every column of every row, also those that the system numbers; nothing twice, nothing half, nothing left over."""
    monkeypatch.setattr(importer, "BATCH", 1)
    clock.advance(days=900)
    whole, stopped = tmp_path / "whole.duckdb", tmp_path / "stopped.duckdb"
    assert run_whole(history, whole, clock) == 0
    total = done(whole)[0]
    before = 0
    for batches in (3, 2):
        assert kill_at(history, stopped, batches) == signal.SIGKILL
        written, noted = done(stopped)
        assert before + batches - 1 <= written == noted < total
        assert (tmp_path / "stopped.duckdb.import").exists()
        before = written
    assert run_whole(history, stopped, clock) == before
    assert held(stopped) == held(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.duckdb", "stopped.duckdb"}
