"""A store copied from DuckDB to PostgreSQL and back: what it takes, and whether it is the same.

    python -m benchmarks.copying [--engagements 10000]

Engagements of every kind of turn, with their events, in a DuckDB file. Each copy runs in a process of its own, as
operators call it: its time from start to end, the starting of Python included, and the most memory it had. PostgreSQL
is the one of the tests, on this machine. At the end the checksums that the three databases come to are compared, and
the invariants.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.moving import called, filled, size
from ods_core.basics.clock import system_clock
from ods_core.moving import checksums
from ods_core.queries.invariants import check
from ods_core.store import Store
from tests.databases import postgres_url


def told(name: str, url: str) -> str:
    """Print what a database comes to; its checksum."""
    store = Store(url)
    with store.read() as connection:
        whole, findings = checksums(connection, system_clock()), check(connection)
    store.close()
    print(f"{name}: {whole.rows:,} rows, {len(findings)} findings, {whole.checksum}", flush=True)
    return whole.checksum


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--engagements", type=int, default=10_000)
    count = parser.parse_args().engagements
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        here, back, there = folder / "here.duckdb", folder / "back.duckdb", postgres_url()
        filled(here, folder, count)
        print(f"{count:,} engagements, a database of {size(here) / 1e6:.1f} MB", flush=True)
        for name, source, target in (
            ("DuckDB to PostgreSQL", f"duckdb:///{here}", there),
            ("PostgreSQL to DuckDB", there, f"duckdb:///{back}"),
        ):
            seconds, memory = called(source, "copy", "--to", target)
            print(f"{name}: {seconds:.1f} s, {memory / 1e6:,.0f} MB of memory", flush=True)
        stores = (("DuckDB", f"duckdb:///{here}"), ("PostgreSQL", there), ("DuckDB again", f"duckdb:///{back}"))
        same = len({told(name, url) for name, url in stores}) == 1
        print("all three are the same" if same else "THEY DIFFER")


if __name__ == "__main__":
    main()
