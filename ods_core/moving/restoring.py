"""A backup, put where the database is: made whole and checked beside it, then put in its place in one step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ods_core.basics.errors import StoreError, StoreHeld
from ods_core.moving.manifest import Manifest
from ods_core.moving.places import sync_folder, unpack
from ods_core.moving.plain import DERIVED
from ods_core.moving.reading import load
from ods_core.moving.refusals import NotMovable
from ods_core.moving.writing import Progress, silent
from ods_core.store import Store
from ods_core.store.mishaps import refusal


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where the database that stood there is kept."""

    manifest: Manifest
    kept: Path | None


def restore(url: str, archive: Path, now: datetime, *, replace: bool = False, progress: Progress = silent) -> Restored:
    """Put a backup in the place of the database that `url` names.

    A database that is no file has to be empty.

    Args:
        replace: also where there is one with something in it, or one that cannot be read; it is kept aside.

    Raises:
        StoreHeld: a process works with the database.
        NotMovable: there is one with something in it, and `replace` is not given.
        DamagedExport: the backup is not whole; the database stays as it is.
    """
    path = _file_of(url)
    if path is None:
        return Restored(_brought_in(url, archive, now, replace, progress), None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _watched(path, url) as is_empty:
        if not (is_empty or replace):
            raise NotMovable(
                f"there is a database at {path}; --replace puts the backup in its place, and keeps it aside"
            )
        with tempfile.TemporaryDirectory(prefix=".ods-restoring-", dir=path.parent) as scratch:
            made, whole = _made(archive, Path(scratch), now, progress)
            kept = _put(made, path, path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"))
    return Restored(whole, kept)


def _file_of(url: str) -> Path | None:
    """The file of a database, if it is one that is a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "duckdb":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise NotMovable("a backup is restored into a database that lasts, and one in memory does not")
    return Path(str(parsed.database))


def _brought_in(url: str, archive: Path, now: datetime, replace: bool, progress: Progress) -> Manifest:
    """A backup brought into a database of a server."""
    if replace:
        raise NotMovable("--replace is for a database that is a file; name an empty database in ODS_DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="ods-restoring-") as scratch:
        unpack(archive, Path(scratch))
        store = Store(url, lambda: now)
        try:
            return load(store, Path(scratch), now, progress)
        finally:
            store.close()


@contextmanager
def _watched(path: Path, url: str) -> Iterator[bool]:
    """Keep others from the database within the block; whether there is nothing in it, or none at all.

    One that cannot be read counts as filled: something in it may be saved yet.
    """
    if not path.exists():
        yield True
        return
    engine = create_engine(f"duckdb:///{path}", connect_args={"read_only": True}, poolclass=NullPool)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        reason = refusal(url, str(error.orig))
        if isinstance(reason, StoreHeld):
            raise reason from None
        yield False
        return
    with connection:
        yield not any(
            connection.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first()
            for name in inspect(connection).get_table_names()
            if name not in (*DERIVED, "schema_version")
        )


def _made(archive: Path, scratch: Path, now: datetime, progress: Progress) -> tuple[Path, Manifest]:
    """A database of what is in a backup, complete and checked."""
    unpacked, made = scratch / "export", scratch / "made.duckdb"
    unpacked.mkdir()
    try:
        unpack(archive, unpacked)
        store = Store(f"duckdb:///{made}", lambda: now)
        try:
            whole = load(store, unpacked, now, progress)
            store.checkpoint()
        finally:
            store.close()
    except OSError as error:
        raise StoreError(f"the backup could not be restored beside the database: {error.strerror or error}") from error
    return made, whole


def _put(made: Path, path: Path, aside: Path) -> Path | None:
    """Put a file in its place; where the one that stood there is now. It has one of the two names at every moment."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    if path.exists():
        os.link(path, aside)
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        # It belongs to the old database: the new one would take it for its own.
        log.rename(aside.with_name(f"{aside.name}.wal"))
    made.replace(path)
    sync_folder(path.parent)
    return aside if aside.exists() else None
