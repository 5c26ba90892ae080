"""A database filled with a whole store: made beside its place and put there in one step, or in one transaction.

Whatever ends it early, nobody takes what there is for a store: a file has its name only once it is whole, and a
database of a server says that it is half filled until the transaction that brought all of it is committed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
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
from ods_core.moving.places import sync_folder
from ods_core.moving.plain import DERIVED
from ods_core.moving.reading import refuse_filled
from ods_core.moving.refusals import NotMovable
from ods_core.service.courier import COURIERS
from ods_core.store import Store, UnitOfWork, unfinished
from ods_core.store.mishaps import refusal

FILLING = "filling"

Last = Callable[[UnitOfWork], None]
"""What is to be done in the transaction that brings the rows, when all of them are in."""

Bring = Callable[[Store, Path, Last], Manifest]
"""Brings a whole store into an empty one, in one transaction; the folder is for what it needs meanwhile."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was brought in, and where the database that stood there is kept."""

    manifest: Manifest
    kept: Path | None


def fill(
    url: str, origin: str, bring: Bring, now: datetime, *, replace: bool = False, remedy: str = "name another"
) -> Filled:
    """Fill the database that `url` names.

    A database that is no file has to be empty.

    Args:
        origin: what it is filled with, in words, for whoever finds it half filled.
        replace: also where there is a file with something in it, or one that cannot be read; it is kept aside.
        remedy: what to do where there is.

    Raises:
        StoreHeld: a process works with the database.
        NotMovable: there is one with something in it, and `replace` is not given.
    """
    path = file_of(url)
    if path is None:
        if replace:
            raise NotMovable("--replace is for a database that is a file; name an empty database in ODS_DATABASE_URL")
        return Filled(_brought_in(url, origin, bring, now), None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _watched(path, url) as is_empty:
        if not (is_empty or replace):
            raise NotMovable(f"there is a database at {path}; {remedy}")
        with tempfile.TemporaryDirectory(prefix=".ods-filling-", dir=path.parent) as scratch:
            made, whole = _made(Path(scratch), bring, now)
            kept = _put(made, path, path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"))
    return Filled(whole, kept)


def file_of(url: str) -> Path | None:
    """The file of a database, if it is one that is a file.

    Raises:
        NotMovable: it is one in memory.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "duckdb":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise NotMovable("expected a database that lasts, and one in memory does not")
    return Path(str(parsed.database))


@contextmanager
def not_served(store: Store) -> Iterator[None]:
    """Refuse a database that a server works with; one of the servers at it always looks after the webhooks.

    Raises:
        StoreHeld: a server does.
    """
    with store.turns.alone(COURIERS) as nobody_does:
        if not nobody_does:
            raise StoreHeld(
                "a server works with the database: stop all that do, so that nothing it acknowledges is left behind"
            )
        yield


def _brought_in(url: str, origin: str, bring: Bring, now: datetime) -> Manifest:
    """Filled in one transaction, which takes away the sign that it is not whole."""
    store = Store(url, lambda: now, to_fill=True)
    try:
        with _alone(store), not_served(store), tempfile.TemporaryDirectory(prefix="ods-filling-") as scratch:
            with store.read() as connection:
                refuse_filled(connection)
            with _said(store, origin, now):
                return bring(store, Path(scratch), lambda unit: unfinished.end(unit.connection))
    finally:
        store.close()


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    with store.turns.alone(FILLING) as mine:
        if not mine:
            raise StoreHeld("another command is filling the database")
        yield


@contextmanager
def _said(store: Store, origin: str, now: datetime) -> Iterator[None]:
    """The sign stands until the end of the block, and stays where the process does not live to see it."""
    unfinished.begin(store.engine, origin, now)
    try:
        yield
    except BaseException:
        with store.write_aside() as connection:
            unfinished.end(connection)
        raise


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


def _made(scratch: Path, bring: Bring, now: datetime) -> tuple[Path, Manifest]:
    """A database of it, complete and checked."""
    needed, made = scratch / "needed", scratch / "made.duckdb"
    needed.mkdir()
    try:
        store = Store(f"duckdb:///{made}", lambda: now)
        try:
            whole = bring(store, needed, lambda unit: None)
            store.checkpoint()
        finally:
            store.close()
    except OSError as error:
        raise StoreError(f"it could not be made beside the database: {error.strerror or error}") from error
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
