"""What it costs to move a whole store: out, in, out again, kept and brought back.

    python -m benchmarks.moving [--engagements 10000]

Engagements of every kind of turn are told through the real commands, multiplied and imported with their events. Each
command then runs in a process of its own, as operators call it: its time from start to end, the starting of Python
included, and the most memory it had. At the end the two exports are compared to the byte.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.importing import history
from ods_core.basics.clock import system_clock
from ods_core.importing import Importer
from ods_core.lifecycle import Policy
from ods_core.store import Store


def filled(path: Path, folder: Path, count: int) -> None:
    """A store with so many engagements."""
    store = Store(f"duckdb:///{path}")
    outcome = Importer(store, system_clock, Policy()).run(history(folder, count))
    assert outcome.done == outcome.engagements, outcome.findings
    store.checkpoint()
    store.close()


def called(url: str, *words: str) -> tuple[float, int]:
    """Seconds of a command on a database, and the most bytes of memory that it had."""
    environment = os.environ | {"ODS_DATABASE_URL": url}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ods_core", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, words
    return time.perf_counter() - began, used.ru_maxrss * 1024


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--engagements", type=int, default=10_000)
    count = parser.parse_args().engagements
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        here, there, back = (folder / f"{name}.duckdb" for name in ("here", "there", "back"))
        filled(here, folder, count)
        print(f"{count:,} engagements, a database of {size(here) / 1e6:.1f} MB\n")
        print("| command | time | most memory | written |\n|---|---:|---:|---:|")
        for database, words, written in (
            (here, ("check",), None),
            (here, ("export", str(folder / "out")), folder / "out"),
            (there, ("import", str(folder / "out")), there),
            (there, ("export", str(folder / "again")), folder / "again"),
            (here, ("backup", str(folder / "backup.zip")), folder / "backup.zip"),
            (back, ("restore", str(folder / "backup.zip")), back),
        ):
            seconds, memory = called(f"duckdb:///{database}", *words)
            bytes_written = f"{size(written) / 1e6:.1f} MB" if written else ""
            print(f"| `{words[0]}` | {seconds:.1f} s | {memory / 1e6:,.0f} MB | {bytes_written} |", flush=True)
        names = sorted(path.name for path in (folder / "out").glob("*.parquet"))
        same = [(folder / "out" / name).read_bytes() == (folder / "again" / name).read_bytes() for name in names]
        print(f"\n{sum(same)} of {len(names)} data files are the same to the byte")


if __name__ == "__main__":
    main()
