"""A moved store, brought into an empty one: checked first, then in one transaction, and checked again at its end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, inspect, select
from sqlalchemy.exc import DataError, IntegrityError

from ods_core.moving import manifest
from ods_core.moving.manifest import Manifest, TableEntry
from ods_core.moving.places import check_files
from ods_core.moving.plain import DERIVED, PAGE, as_batch, moved_tables, pages, schema_of
from ods_core.moving.quiet import disable_webhooks
from ods_core.moving.refusals import DamagedExport, NotMovable
from ods_core.moving.writing import Progress, last_numbers, silent
from ods_core.queries.invariants import check
from ods_core.store import Store, UnitOfWork
from ods_core.store.bulk import insert_batch, learn
from ods_core.store.migrate import available, migrate

_MOST_TOLD = 5


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder, once every file in it is what the manifest says.

    Raises:
        NotMovable: there is no such folder, or a newer program wrote it.
        DamagedExport: it is unfinished, or something in it was altered; says what.
    """
    if not folder.is_dir():
        raise NotMovable(f"expected a folder with an export, found none at {folder}")
    place = folder / manifest.NAME
    if not place.is_file():
        raise DamagedExport(f"{folder}: expected a {manifest.NAME}, found none: the export was not finished")
    whole = Manifest.of(place.read_bytes(), str(place))
    _refuse_newer(whole, place)
    check_files(folder, whole)
    return whole


def _refuse_newer(whole: Manifest, place: Path) -> None:
    known = {number for number, _ in available()}
    if not set(whole.migrations) <= known:
        raise NotMovable(
            f"{place}: schema version {whole.schema_version}, this program knows {max(known)}: "
            f"import it with version {whole.program_version} of the program, or a newer one"
        )


def nothing_more(unit: UnitOfWork) -> None:
    """All is done."""


def load(
    store: Store,
    folder: Path,
    now: datetime,
    progress: Progress = silent,
    *,
    keep_webhooks: bool = False,
    last: Callable[[UnitOfWork], None] = nothing_more,
) -> Manifest:
    """Bring an export into an empty store.

    Args:
        keep_webhooks: leave webhook endpoints enabled; what the export is of sends no more.
        last: what else to do in the transaction that brings the rows.

    Raises:
        NotMovable: the store is not empty, or a newer program wrote the export.
        DamagedExport: it is unfinished, or something in it was altered, or is not what a store holds.
    """
    progress(0.0, "Checking the files")
    whole = read_manifest(folder)

    def then(unit: UnitOfWork) -> None:
        if not keep_webhooks and (count := disable_webhooks(unit, whole, now)):
            progress(0.99, f"{count} webhook endpoints are left disabled: enable those that this store is to serve")
        last(unit)

    if set(whole.migrations) == {number for number, _ in available()}:
        _check_columns(folder, whole)
        bring(store, whole, _from_files(folder, whole), progress, then)
    else:
        with tempfile.TemporaryDirectory(prefix="ods-migrating-") as scratch:
            progress(0.0, f"Bringing schema version {whole.schema_version} up to date")
            raised = _raised(Path(scratch) / "earlier.duckdb", folder, whole, now)
            try:
                with raised.read() as connection:
                    bring(store, whole, batches_of(connection), progress, then)
            finally:
                raised.close()
    progress(1.0, "Done")
    return whole


Batches = Iterator[tuple[Table, pa.RecordBatch]]


def bring(
    store: Store, whole: Manifest, batches: Batches, progress: Progress, then: Callable[[UnitOfWork], None]
) -> None:
    """All rows, or none; what comes of it is looked at before it is kept.

    Args:
        then: done last, in the same transaction.

    Raises:
        NotMovable: the store is not empty.
        DamagedExport: the rows are not what a store holds.
    """
    done = 0
    with store.write() as unit:
        refuse_filled(unit.connection)
        for table, batch in batches:
            progress(0.9 * min(done / (whole.rows or 1), 1.0), f"Bringing in {table.name}")
            _insert(unit.connection, table, batch)
            done += batch.num_rows
        learn(unit.connection)
        progress(0.9, "Checking that every invariant holds")
        _check_whole(unit.connection, whole)
        then(unit)
    store.recount()


def _insert(connection: Connection, table: Table, batch: pa.RecordBatch) -> None:
    try:
        insert_batch(connection, table, batch)
    except (IntegrityError, DataError) as error:
        reason = str(error.orig).splitlines()[0]
        raise DamagedExport(f"{table.name}: a row that the database refuses: {reason}") from error


def refuse_filled(connection: Connection) -> None:
    """Raises NotMovable where anything is in a store."""
    for table in moved_tables():
        if connection.execute(select(table).limit(1)).first() is not None:
            raise NotMovable(
                f"the database is not empty: {table.name} has rows. Name another; "
                "a server fills an empty one with the demo unless ODS_DEMO=0"
            )


def _check_whole(connection: Connection, whole: Manifest) -> None:
    found = last_numbers(connection)
    for prefix, last in whole.counters.items():
        if found.get(prefix) != last:
            raise DamagedExport(f"{prefix}: expected {last:,} as its last number, found {found.get(prefix)}")
    findings = check(connection)
    if findings:
        told = "; ".join(findings[:_MOST_TOLD])
        raise DamagedExport(f"what is in it is not in order, {len(findings)} findings: {told}")


def _check_columns(folder: Path, whole: Manifest) -> None:
    """The files hold the tables and columns of this program, with their types."""
    tables = {table.name: table for table in moved_tables()}
    _refuse_other("table", tables, [entry.name for entry in whole.tables], str(folder))
    for entry in whole.tables:
        expected = schema_of(tables[entry.name])
        for file in entry.files:
            path = folder / file.name
            found = _schema(path)
            _refuse_other("column", expected.names, found.names, str(path))
            for field in expected:
                if found.field(field.name).type != field.type:
                    kind = found.field(field.name).type
                    raise DamagedExport(f"{path}: expected {field.name} of the type {field.type}, found {kind}")


def _refuse_other(what: str, expected: Collection[str], found: Collection[str], where: str) -> None:
    for name in found:
        if name not in expected:
            raise DamagedExport(f"{where}: a {what} that no store has: {name}")
    for name in expected:
        if name not in found:
            raise DamagedExport(f"{where}: expected the {what} {name}, found none")


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DamagedExport(f"{path}: expected a Parquet file: {str(error).splitlines()[0]}") from None


def _from_files(folder: Path, whole: Manifest) -> Batches:
    entries = {entry.name: entry for entry in whole.tables}
    for table in moved_tables():
        for batch in _batches(folder, entries[table.name]):
            yield table, batch


def _batches(folder: Path, entry: TableEntry) -> Iterator[pa.RecordBatch]:
    for file in entry.files:
        with pq.ParquetFile(folder / file.name) as opened:
            yield from opened.iter_batches(batch_size=PAGE)


def batches_of(connection: Connection) -> Batches:
    """Every row of a store, what is pointed at before what points at it."""
    for table in moved_tables():
        for page in pages(connection, table):
            yield table, as_batch(page, schema_of(table))


def _raised(path: Path, folder: Path, whole: Manifest, now: datetime) -> Store:
    """An export of an earlier schema in a database of its own, brought up to date as that program's own would be."""
    engine = create_engine(f"duckdb:///{path}")
    migrate(engine, now, only=whole.migrations)
    with engine.begin() as connection:
        there = {n for n in inspect(connection).get_table_names() if n not in DERIVED and n != "schema_version"}
        _refuse_other("table", there, [entry.name for entry in whole.tables], str(folder))
        for entry in whole.tables:
            names = [column["name"] for column in inspect(connection).get_columns(entry.name)]
            _refuse_other("column", names, [*entry.columns], f"{folder}, {entry.name}")
            table = Table(entry.name, MetaData(), *(Column(name) for name in names))
            for batch in _batches(folder, entry):
                _insert(connection, table, batch)
    engine.dispose()
    return Store(f"duckdb:///{path}", lambda: now)


__all__ = ["batches_of", "bring", "load", "read_manifest", "refuse_filled"]
