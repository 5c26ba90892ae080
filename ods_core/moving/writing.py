"""A whole store, written as Parquet files and a manifest.

The same rows give the same bytes: tables and rows have one order, and the writer's settings are fixed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq
from sqlalchemy import Connection, Row, Table, func, select

from ods_core import __version__
from ods_core.basics.ids import Prefix
from ods_core.moving.manifest import NAME, FileEntry, Manifest, TableEntry
from ods_core.moving.places import Archive, Counted, Place, check_archive, new_file, new_folder
from ods_core.moving.plain import as_batch, moved_tables, pages, schema_of
from ods_core.moving.refusals import NotMovable
from ods_core.store import NUMBERED, Store
from ods_core.store.migrate import applied
from ods_core.store.tables import events

MOST_PAGES = 50
"""Pages of one file; a table of more rows has several."""

_WRITER: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "data_page_version": "1.0",
    "use_dictionary": True,
    "write_statistics": True,
    "store_schema": False,
}

Progress = Callable[[float, str], None]
"""Told the share that is done, 0 to 1, and what is being done."""


def silent(share: float, step: str) -> None:
    """Tell nobody."""


def export(store: Store, path: Path, now: datetime, progress: Progress = silent) -> Manifest:
    """Write a whole store, as it is at this moment, into a new folder.

    Raises:
        NotMovable: the folder is not empty, or cannot be written to; nothing of it is left there.
    """
    folder = new_folder(path)
    try:
        with store.read() as connection:
            return write(connection, folder, now, progress)
    except BaseException as error:
        folder.forget()
        if isinstance(error, OSError):
            raise NotMovable(f"the export to {path} was given up: {error.strerror or error}") from error
        raise


def back_up(store: Store, path: Path, now: datetime, progress: Progress = silent) -> Manifest:
    """Write a whole store, as it is at this moment, into one new file; commands go on meanwhile.

    Raises:
        NotMovable: there is a file of that name, or it cannot be written.
    """
    with new_file(path) as file:
        whole = pack(store, file, now, progress)
        file.flush()
        check_archive(Path(file.name))
    return whole


def pack(store: Store, file: IO[bytes], now: datetime, progress: Progress = silent) -> Manifest:
    """Write a whole store into an open file."""
    with Archive(file) as archive, store.read() as connection:
        return write(connection, archive, now, progress)


def write(connection: Connection, place: Place, now: datetime, progress: Progress = silent) -> Manifest:
    """Write all tables and then the manifest; all of it is of one moment."""
    tables = moved_tables()
    sizes = {table: _size(connection, table) for table in tables}
    total, done, entries = sum(sizes.values()) or 1, 0, []
    for table in tables:
        progress(done / total, f"Writing {table.name}, {sizes[table]:,} rows")
        entries.append(_write_table(connection, place, table))
        done += sizes[table]
    migrations = tuple(sorted(applied(connection)))
    whole = Manifest(__version__, migrations, now.isoformat(), last_numbers(connection), tuple(entries))
    with place.file(NAME) as file:
        file.write(whole.to_bytes())
    progress(1.0, "Done")
    return whole


def last_numbers(connection: Connection) -> dict[str, int]:
    """The last number given out by prefix, of what is in the store."""
    of = {prefix: table.c.number for prefix, table in NUMBERED.items()} | {Prefix.EVENT: events.c.sequence}
    return {p.value: int(connection.execute(select(func.coalesce(func.max(c), 0))).scalar_one()) for p, c in of.items()}


def _size(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _write_table(connection: Connection, place: Place, table: Table) -> TableEntry:
    parts = enumerate(_parts(pages(connection, table)), 1)
    files = tuple(_write_file(place, f"{table.name}-{number:04d}.parquet", table, part) for number, part in parts)
    return TableEntry(table.name, {field.name: str(field.type) for field in schema_of(table)}, files)


Page = Sequence[Row[Any]]


def _parts(rest: Iterator[Page]) -> Iterator[Iterable[Page]]:
    """The pages of each file; a table without rows has one file, too."""
    first = next(rest, None)
    if first is None:
        yield ()
    while first is not None:
        yield chain([first], islice(rest, MOST_PAGES - 1))
        first = next(rest, None)


def _write_file(place: Place, name: str, table: Table, part: Iterable[Page]) -> FileEntry:
    """One file; each page is a row group of it."""
    schema, rows = schema_of(table), 0
    with place.file(name) as file:
        counted = Counted(file)
        with pq.ParquetWriter(counted, schema, **_WRITER) as writer:
            for page in part:
                writer.write_batch(as_batch(page, schema))
                rows += len(page)
    return FileEntry(name, rows, counted.bytes, counted.sha256)


__all__ = ["Progress", "back_up", "export", "last_numbers", "pack", "silent", "write"]
