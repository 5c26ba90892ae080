"""What a long export costs in time and memory, against a short one.

    python -m benchmarks.exports [--rows 10000 1000000] [--formats csv xlsx]

A store with just as many payments for each export; each runs in a process of its own, which opens the store and writes
the whole schedule to a temporary file. Resident memory is looked at every 20 ms; what it grew by is its peak less what
it was with the store open, before the export began. It includes the database's own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.population import finished_store
from ods_core.basics.roles import LOCAL
from ods_core.papers import Format, unwatched
from ods_core.queries.exports import schedule_paper
from ods_core.queries.payments import PaymentFilter
from ods_core.store import Store

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
FILLED = ("requests", "scopes", "cycles", "deliverables", "payments")
PAYMENTS_EACH = 2


def exported(store: Store, format: Format, rows: int) -> tuple[float, int]:
    """Seconds and bytes of one export."""
    began = time.perf_counter()
    with store.read() as connection, tempfile.TemporaryFile() as file:
        written = format.write(schedule_paper(connection, LOCAL, PaymentFilter(), NOW), file, unwatched)
        assert written == rows
        return time.perf_counter() - began, file.seek(0, 2)


class Watch:
    """The peak of this process's memory while it is open."""

    def __init__(self) -> None:
        self.process, self.done = psutil.Process(), threading.Event()
        self.before = self.peak = self.process.memory_info().rss

    def __enter__(self) -> Watch:
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.done.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.done.wait(0.02):
            self.peak = max(self.peak, self.process.memory_info().rss)


def measure(database: Path, format: Format, rows: int) -> None:
    """One export, told as a row of a table."""
    store = Store(f"duckdb:///{database}")
    with Watch() as watch:
        seconds, size = exported(store, format, rows)
    store.close()
    grown = (watch.peak - watch.before) / 1e6
    print(f"| {format} | {rows:,} | {seconds:.1f} s | {rows / seconds:,.0f} | {size / 1e6:,.1f} MB | {grown:,.0f} MB |")


def main() -> None:
    """Make the store, then measure each export in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", choices=[*Format], default=[*Format])
    parser.add_argument("--folder", type=Path, help="where stores made before are, and new ones go")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        print("| format | rows | time | rows a second | file | peak memory grew by |\n|---|---:|---:|---:|---:|---:|")
        for rows in asked.rows:
            database = folder / f"exports-{rows}.duckdb"
            if not database.exists():
                finished_store(database, rows // PAYMENTS_EACH, FILLED)
            for format in asked.formats:
                call = f"measure(Path({str(database)!r}), Format({str(format)!r}), {rows})"
                subprocess.run([sys.executable, "-c", f"from benchmarks.exports import *; {call}"], check=True)


if __name__ == "__main__":
    main()
