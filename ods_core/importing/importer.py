"""Importing a history: read, check, and only if nothing is wrong write, in batches of whole engagements.

Each batch is one transaction, and says in the store's journal how far it has come. Whoever is stopped begins again with
the same files: they are read and checked anew, and writing goes on behind the last batch that was committed.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select, update

from ods_core.basics.clock import Clock
from ods_core.basics.errors import NotAllowed
from ods_core.basics.ids import Prefix
from ods_core.importing.building import Numbers, build, number
from ods_core.importing.files import Finding, fingerprint, found_in
from ods_core.importing.rules import check_keys, check_rules
from ods_core.importing.staging import CATALOG, QUIET, Staging, read_files, staged
from ods_core.importing.telling import ACTOR_ID, ACTOR_KIND, events_sql
from ods_core.lifecycle import Policy
from ods_core.queries.facts import keep_up
from ods_core.store import Store
from ods_core.store import tables as t
from ods_core.store.database import UnitOfWork

BATCH = 10_000
"""Engagements that are written in one transaction."""

Progress = Callable[[float, str], None]
"""Told the share done, from 0 to 1, and the step."""

_WRITTEN = (t.requests, t.scopes, t.cycles, t.deliverables, t.attempts, t.service_lines, t.payments, t.receipts)
_CHECKED = 0.35
"""The share of the work that reading and checking is."""
_WRITTEN_SHARE = 0.97
"""The share of it once all is written: what is left is the rows that the figures are read from."""

_one_at_a_time = threading.Lock()


def silent(share: float, step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: how many engagements the files have, what is wrong with them, and what was written.

    `findings` are the first ones, `found` is how many there are. `done` counts the engagements of these files that are
    in the store, `before` those of them that an earlier run had brought there.
    """

    engagements: int
    rows: int
    found: int
    findings: tuple[Finding, ...]
    done: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Importer:
    """Brings histories into a store, `batch` engagements in one transaction; none: `BATCH`."""

    store: Store
    clock: Clock
    policy: Policy
    batch: int | None = None

    def check(
        self, folder: Path, *, most: int = 20, report: Path | None = None, progress: Progress = silent
    ) -> Outcome:
        """Look whether a folder's files could be imported; nothing is written to the store.

        Raises:
            Invalid: there is nothing to import at that place.
            NotAllowed: another import is under way, or the store is none of DuckDB's.
        """
        return self._go(folder, most, report, progress, write=False)

    def run(self, folder: Path, *, most: int = 20, report: Path | None = None, progress: Progress = silent) -> Outcome:
        """Import a folder's files, or go on where an earlier run was stopped; with any finding nothing is written.

        Raises:
            Invalid: there is nothing to import at that place.
            NotAllowed: another import is under way, these very files were imported already, or the store is none of
                DuckDB's.
        """
        return self._go(folder, most, report, progress, write=True)

    def _go(self, folder: Path, most: int, report: Path | None, progress: Progress, *, write: bool) -> Outcome:
        if self.store.is_shared:
            raise NotAllowed("a history is imported into a DuckDB database; this one is in PostgreSQL")
        with _alone(), staged(self.store, self.clock()) as staging:
            progress(0.0, "Reading the files")
            mark = fingerprint([*found_in(folder).values()])
            before = self._refuse_twice(mark) if write else 0
            reserve = self.store.reserve if write else _made_up
            outcome = self._checked(staging, folder, most, progress, lambda: number(staging, before, reserve))
            _write_report(staging, report)
            if write and not outcome.found:
                self._write(staging, mark, before, outcome.engagements, progress)
                progress(_WRITTEN_SHARE, "Bringing the figures up to date")
                keep_up(self.store, wait=True)
                outcome = Outcome(outcome.engagements, outcome.rows, 0, (), outcome.engagements, before)
            progress(1.0, "Done")
            return outcome

    def _refuse_twice(self, mark: str) -> int:
        """How many engagements of these files are in the store already, if they are not all there."""
        with self.store.read() as connection:
            row = connection.execute(select(t.imports).where(t.imports.c.fingerprint == mark)).mappings().first()
        if row and row["finished_at"]:
            raise NotAllowed(f"these files were imported already, on {row['finished_at']:%Y-%m-%d at %H:%M} UTC")
        return int(row["done"]) if row else 0

    def _checked(
        self, staging: Staging, folder: Path, most: int, progress: Progress, numbers: Callable[[], Numbers]
    ) -> Outcome:
        """Three looks, each of which needs that the one before found nothing: forms, keys, rules."""
        names = read_files(staging, folder)
        rows = 0
        if not staging.findings():
            progress(_CHECKED * 0.3, "Checking keys and references")
            check_keys(staging, names)
        if not staging.findings():
            progress(_CHECKED * 0.4, "Working out what follows")
            build(staging, numbers(), self.policy)
            progress(_CHECKED * 0.7, "Checking the rules")
            check_rules(staging, names)
            rows = sum(staging.value(f"SELECT count(*) FROM {table.name}") for table in _WRITTEN)
        shown = staging.connection.exec_driver_sql(
            f"SELECT file, row, col, expected, found FROM findings ORDER BY file, row, col LIMIT {most}"
        ).all()
        known = "given_requests" if staging.has("given_requests") else ""
        engagements = staging.value(f"SELECT count(*) FROM {known}") if known else 0
        return Outcome(engagements, rows, staging.findings(), tuple(Finding(*row) for row in shown))

    def _write(self, staging: Staging, mark: str, before: int, total: int, progress: Progress) -> None:
        began, batch = self.clock(), self.batch or BATCH
        for low in range(before + 1, total + 1, batch):
            high = min(low + batch - 1, total)
            share = _CHECKED + (_WRITTEN_SHARE - _CHECKED) * (low - 1) / total
            progress(share, f"Writing engagements {low:,} to {high:,}")
            with self.store.write() as unit:
                _write_batch(unit, low, high)
                _note(unit, mark, total, high, began, self.clock())


def _made_up(prefix: Prefix, count: int) -> int:
    """Of a look alone, numbers stand for none."""
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    if not _one_at_a_time.acquire(blocking=False):
        raise NotAllowed("another import is under way; wait until it is done")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _write_batch(unit: UnitOfWork, low: int, high: int) -> None:
    """The rows of some engagements, and the events that tell of them."""
    run = unit.connection.exec_driver_sql
    run(QUIET)
    for table in _WRITTEN:
        columns = ", ".join(column.name for column in table.columns)
        source = f"{CATALOG}.main.{table.name}"
        run(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {source} WHERE e BETWEEN {low} AND {high}")
    events = events_sql().replace("$low", str(low)).replace("$high", str(high))

    def write(last: int) -> int:
        place = f"{last} + row_number() OVER (ORDER BY occurred_at, e, rank, tie)"
        identifier = f"{CATALOG}.main.identifier('{Prefix.EVENT}', occurred_at, place)"
        written = run(
            f"INSERT INTO events SELECT place, {identifier}, type, occurred_at, '{ACTOR_KIND}', '{ACTOR_ID}', "
            "subject_kind, subject_id, request_id, scope_id, organization_id, workspace_id, data "
            f"FROM (SELECT *, {place} AS place FROM ({events})) ORDER BY place"
        )
        return int(written.scalar_one())

    unit.place_events(write)


def _note(unit: UnitOfWork, mark: str, total: int, done: int, began: datetime, now: datetime) -> None:
    """How far it has come, in the transaction that brought it there."""
    journal = t.imports
    known = unit.connection.execute(
        update(journal)
        .where(journal.c.fingerprint == mark)
        .values(done=done, finished_at=now if done == total else None)
    ).rowcount
    if not known:
        finished = now if done == total else None
        row = {"fingerprint": mark, "engagements": total, "done": done, "started_at": began, "finished_at": finished}
        unit.connection.execute(insert(journal).values(row))


def _write_report(staging: Staging, report: Path | None) -> None:
    """Every finding as a CSV file, if there is any."""
    if report is None or not staging.findings():
        return
    found = staging.connection.exec_driver_sql("SELECT * FROM findings ORDER BY file, row, col")
    with report.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "row", "column", "expected", "found"))
        while rows := found.fetchmany(1_000):
            writer.writerows(rows)


__all__ = ["BATCH", "Importer", "Outcome", "Progress", "silent"]
