"""Importing a history against DuckDB's own COPY of the same rows.

    python -m benchmarks.importing [--engagements 100000] [--kill]

Engagements of every kind of turn are told through the real commands, exported to the import format, multiplied with
keys of their own, and written as Parquet. The import reads, checks and writes them into an empty store. The floor is
COPY from Parquet files of the very rows that are then in the store, events included, into the tables of another empty
store, with all their keys and indexes; both may hold as much in memory. `--kill` ends an import several times with
SIGKILL, each time within a batch drawn by lot, and compares what the last run makes of it with the store that was not
interrupted: every column of every row, identifiers and places in the log among them.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from sqlalchemy import select

from ods_core.basics.clock import MovingClock, system_clock
from ods_core.importing import ENTITIES, Importer
from ods_core.importing.importer import BATCH
from ods_core.importing.staging import MEMORY
from ods_core.lifecycle import Policy
from ods_core.service import Service
from ods_core.store import Store, rows
from ods_core.store import tables as t
from tests.importing.exporter import export
from tests.queries.history import RandomHistory
from tests.seed import SUBMITTED

TOLD = 50
"""Engagements that are told; the rest are multiples of them."""
KEYS = {"external_id", "request", "scope", "parent", "cycle", "deliverable", "remediation_cycle", "payment", "reverses"}
COPIED = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts", "events")
KILLS = 2


def history(folder: Path, count: int) -> Path:
    """A folder of Parquet files with that many engagements."""
    clock = MovingClock(SUBMITTED.replace(year=2024))
    store = Store("duckdb:///:memory:", clock)
    RandomHistory(Service(store, clock), clock, 7).run(engagements=TOLD, steps=TOLD * 25)
    with store.read() as connection:
        ids = [*connection.execute(select(t.requests.c.id)).scalars()]
        told = export(rows.load(connection, ids).values(), folder / "told")
    made = folder / "history"
    made.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}B'")
        for entity, columns in ENTITIES.items():
            values = ", ".join(f"{c.name} || '-' || n AS {c.name}" if c.name in KEYS else c.name for c in columns)
            source = f"read_csv('{told / entity}.csv', all_varchar = true, header = true)"
            connection.execute(
                f"COPY (SELECT {values} FROM {source}, range({count // TOLD}) AS r(n) ORDER BY n) "
                f"TO '{made / entity}.parquet'"
            )
    return made


def imported(path: Path, made: Path) -> tuple[float, float, int]:
    """Seconds of an import, those of the processors, and the engagements that came of it."""
    store = Store(f"duckdb:///{path}")
    began = time.perf_counter()

    def say(share: float, step: str) -> None:
        print(f"  {time.perf_counter() - began:7.2f} s  {step}", file=sys.stderr, flush=True)

    spent = time.process_time()
    outcome = Importer(store, system_clock, Policy()).run(made, progress=say)
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    store.close()
    assert not outcome.found, outcome.findings
    return seconds, spent, outcome.engagements


def copied(folder: Path, source: Path) -> tuple[float, float, int]:
    """Seconds of COPY of a store's rows into another one's tables, those of the processors, and how many rows."""
    with duckdb.connect(str(source), read_only=True) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}B'")
        for table in COPIED:
            connection.execute(f"COPY (SELECT * FROM {table}) TO '{folder / table}.rows.parquet'")
    target = folder / "copied.duckdb"
    Store(f"duckdb:///{target}").close()
    with duckdb.connect(str(target)) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET memory_limit = '{MEMORY}B'")
        began, spent = time.perf_counter(), time.process_time()
        for table in COPIED:
            connection.execute(f"COPY {table} FROM '{folder / table}.rows.parquet' (FORMAT parquet)")
        connection.execute("CHECKPOINT")
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
        counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in COPIED]
        return seconds, spent, sum(count[0] for count in counts if count)


def killed_and_resumed(folder: Path, made: Path, count: int) -> dict[str, tuple[int, int]]:
    """End an import with SIGKILL within batches drawn by lot, and run it to its end; what the store holds then."""
    target = folder / "killed.duckdb"
    call = [sys.executable, "-m", "ods_core", "import-history", str(made)]
    environment = os.environ | {"ODS_DATABASE_URL": f"duckdb:///{target}"}
    lots = random.Random(5)
    batches = range(1, count, BATCH)
    for within in sorted(lots.sample(batches, min(KILLS, len(batches)))):
        print(f"  killed within the batch of {killed_within(call, environment, within, lots):,}", flush=True)
    again = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    print(f"  then: {again.stdout.strip()}")
    held = subprocess.run([*call[:3], "check"], env=environment, capture_output=True, text=True, check=True)
    print(f"  python -m ods_core check: {held.stdout.strip()}")
    assert not Path(f"{target}.import").exists()
    return digest(target)


def killed_within(call: list[str], environment: dict[str, str], within: int, lots: random.Random) -> int:
    """Let an import come to the batch that begins with an engagement, or a later one, and end it there."""
    with subprocess.Popen(call, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "Writing engagements" in line and (first := int(line.split()[3].replace(",", ""))) >= within:
                time.sleep(lots.uniform(0, 3))
                process.send_signal(signal.SIGKILL)
                process.wait()
                return first
    raise AssertionError("it was done before it could be ended")


def digest(path: Path) -> dict[str, tuple[int, int]]:
    """All that a store holds: of each table how many rows, and the sum of their hashes."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = {}
        for table in COPIED:
            row = connection.execute(f"SELECT count(*), sum(hash(t)) FROM {table} t").fetchone()
            assert row
            found[table] = row
        return found


def main() -> None:
    """Make the history, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engagements", type=int, default=100_000)
    parser.add_argument("--kill", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = history(folder, asked.engagements)
        ours, ours_spent, count = imported(folder / "imported.duckdb", made)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        floor, floor_spent, written = copied(folder, folder / "imported.duckdb")
        print(f"{count:,} engagements, {written:,} rows with their events")
        print("| | seconds | rows a second | processor seconds |\n|---|---:|---:|---:|")
        print(f"| import | {ours:.1f} | {written / ours:,.0f} | {ours_spent:.1f} |")
        print(f"| COPY | {floor:.1f} | {written / floor:,.0f} | {floor_spent:.1f} |")
        print(f"most memory that the import held: {most:.1f} GiB")
        print(f"throughput of COPY's: {floor / ours:.2f}, by processor time {floor_spent / ours_spent:.2f}")
        if asked.kill:
            same = killed_and_resumed(folder, made, count) == digest(folder / "imported.duckdb")
            print(f"killed and resumed: {'exact' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
