"""The staging database: the files as typed tables, then as the very rows that the store will hold.

It is a database file of its own beside the store's, attached for as long as an import takes. Everything of an import is
looked at here; nothing reaches the store before all of it was found to be right.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError

from ods_core.importing.columns import ENTITIES
from ods_core.importing.files import Finding, SourceFile, found_in, inspect, quoted, unreadable
from ods_core.importing.forms import is_wrong, read_as
from ods_core.store import Store

CATALOG = "ods_import"
QUIET = "SET enable_progress_bar = false"
"""The database would draw a bar of its own between what we say."""
MEMORY = 4 * 2**30
"""What the database may hold in memory during an import, in bytes; more waits on disk, however large the files are."""
_ROUNDED = 2**30 // 20
"""The database tells its limit in tenths of a gibibyte, rounded down: half of one, so that it does not wander."""
SHOWN_TEXT = 120
"""How much of a wrong value a finding shows, in characters."""


@dataclass(frozen=True, slots=True)
class Staging:
    """A connection that stands in the staging database, and the store's catalogue beside it."""

    connection: Connection
    store_catalog: str
    folder: Path
    now: datetime

    def run(self, sql: str) -> None:
        """Carry out statements; no text of them comes from outside unquoted."""
        self.connection.exec_driver_sql(sql)

    def value(self, sql: str) -> int:
        """The one number that a statement answers with."""
        return int(self.connection.exec_driver_sql(sql).scalar_one() or 0)

    def find(self, sql: str) -> int:
        """Keep what a SELECT of (file, row, column, expected, found) finds; how much it was."""
        rows = self.connection.exec_driver_sql(f"INSERT INTO findings {sql}")
        return int(rows.scalar_one())

    def note(self, findings: Sequence[Finding]) -> None:
        """Keep findings that were not made by SQL."""
        for f in findings:
            shown = ", ".join(quoted(text) for text in (f.column, f.expected, f.found))
            self.run(f"INSERT INTO findings VALUES ({quoted(f.file)}, {f.row}, {shown})")

    def findings(self) -> int:
        """How many there are."""
        return self.value("SELECT count(*) FROM findings")

    def has(self, table: str) -> bool:
        """Whether a table was made here."""
        known = (
            f"SELECT count(*) FROM duckdb_tables() WHERE database_name = '{CATALOG}' AND table_name = {quoted(table)}"
        )
        return bool(self.value(known))

    @property
    def now_sql(self) -> str:
        """The present moment as SQL."""
        return f"TIMESTAMP '{self.now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"


@contextmanager
def staged(store: Store, now: datetime) -> Iterator[Staging]:
    """A staging database that is there within the block."""
    with _folder(store) as folder, store.engine.connect() as connection, _bounded(connection):
        run = connection.exec_driver_sql
        home = str(run("SELECT current_database()").scalar_one())
        connection.commit()
        # Nobody goes on with a staging database after a stop: it needs no log of its own.
        run(f"ATTACH {quoted(str(folder / 'staging.duckdb'))} AS {CATALOG} (RECOVERY_MODE no_wal_writes)")
        try:
            run(QUIET)
            run(f"USE {CATALOG}")
            run("CREATE TABLE findings (file VARCHAR, row BIGINT, col VARCHAR, expected VARCHAR, found VARCHAR)")
            connection.commit()
            yield Staging(connection, home, folder, now)
        finally:
            connection.rollback()
            run(f'USE "{home}"')
            connection.commit()
            run(f"DETACH {CATALOG}")
            connection.commit()


@contextmanager
def _folder(store: Store) -> Iterator[Path]:
    """A folder beside the store's file; what an import that was ended without warning left there goes first."""
    if left := folder_of(store):
        clear(store)
        left.mkdir()
        try:
            yield left
        finally:
            clear(store)
    else:
        with tempfile.TemporaryDirectory(prefix="ods-import-") as name:
            yield Path(name)


def folder_of(store: Store) -> Path | None:
    """Where an import into this store keeps its staging database; None: the store itself is in memory."""
    file = file_of(store)
    return Path(f"{file}.import") if file else None


def file_of(store: Store) -> Path | None:
    """The file that the store is; None: it is in memory, or on a server."""
    database = make_url(store.url).database or ":memory:"
    return None if store.is_shared or database == ":memory:" else Path(database)


def clear(store: Store) -> None:
    """Remove what an import left that was ended without warning; not to be called while one is under way."""
    if folder := folder_of(store):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    """At most so much memory within the block, and what was allowed before after it."""
    run = connection.exec_driver_sql
    before = int(run("SELECT parse_formatted_bytes(current_setting('memory_limit'))").scalar_one())
    if before > MEMORY:
        run(f"SET memory_limit = '{MEMORY}B'")
    connection.commit()
    try:
        yield
    finally:
        if before > MEMORY:
            run(f"SET memory_limit = '{before + _ROUNDED}B'")
        connection.commit()


def read_files(staging: Staging, folder: Path) -> dict[str, str]:
    """Read a folder's files, checking each value's form; the names of the files, by what they hold.

    Raises:
        Invalid: there is nothing to import there.
    """
    names = {}
    for entity, path in found_in(folder).items():
        names[entity] = path.name
        source = inspect(staging.connection, entity, path)
        if isinstance(source, SourceFile):
            _read(staging, source)
        else:
            staging.note(source)
        # What one file is given up for takes nothing of the others with it.
        staging.connection.commit()
    for entity in ENTITIES.keys() - names.keys():
        _read_nothing(staging, entity)
    staging.connection.commit()
    return names


def _read(staging: Staging, source: SourceFile) -> None:
    values = ", ".join(f'{source.value(c)} AS "{c.name}"' for c in ENTITIES[source.entity])
    try:
        staging.run(f"CREATE TABLE given_{source.entity} AS SELECT row, {values} FROM {source.reader}")
    except DBAPIError as error:
        staging.connection.rollback()
        staging.note([unreadable(source.path, error)])
        return
    _check_forms(staging, source.entity, source.path.name)
    if source.entity == "requests" and not staging.value("SELECT count(*) FROM given_requests"):
        staging.note([Finding(source.path.name, 0, "", "at least one row", "none")])


def _check_forms(staging: Staging, entity: str, file: str) -> None:
    """One look over all columns, and another at those only in which something is wrong."""
    columns = ENTITIES[entity]
    conditions = [is_wrong(column, f'"{column.name}"', staging.now_sql) for column in columns]
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
    found = staging.connection.exec_driver_sql(f"SELECT {counts} FROM given_{entity}").one()
    for column, condition, count in zip(columns, conditions, found, strict=True):
        if count:
            name = f'"{column.name}"'
            staging.find(
                f"SELECT {quoted(file)}, row, {quoted(column.name)}, {quoted(column.expected)}, "
                f"coalesce(left({name}, {SHOWN_TEXT}), 'nothing') FROM given_{entity} WHERE {condition}"
            )


def _read_nothing(staging: Staging, entity: str) -> None:
    """A file that is not there has no rows."""
    columns = ", ".join(f'CAST(NULL AS VARCHAR) AS "{c.name}"' for c in ENTITIES[entity])
    staging.run(f"CREATE TABLE given_{entity} AS SELECT 0 AS row, {columns} WHERE false")


def typed(entity: str) -> str:
    """An entity's rows with their types, as a FROM clause."""
    columns = ", ".join(f'{read_as(c)} AS "{c.name}"' for c in ENTITIES[entity])
    return f"(SELECT row, {columns} FROM given_{entity})"
