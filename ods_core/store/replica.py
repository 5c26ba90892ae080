"""Where figures are read: a replica of the database, if one is named; the database itself where there is none, or while
it cannot be read.

A replica comes after the database by as much as it lags. What is read of it within one block is of one moment, and
`moment` says which: whoever shows a figure says as of when it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ods_core.basics.errors import StoreError
from ods_core.store import tables as t
from ods_core.store.database import Store
from ods_core.store.migrate import applied
from ods_core.store.mishaps import plainly

CONNECT_SECONDS = 3
REST_SECONDS = 10.0
"""Until a replica that could not be read is tried again."""
LOOK_SECONDS = 1.0
"""Between two looks how far it is, however many pages ask."""

log = logging.getLogger("ods.figures")


class Figures:
    """What metrics, outcomes and exports are read through.

    Args:
        store: the database.
        url: its replica, `postgresql+psycopg://…`; empty: there is none.
        seconds: a clock that only rises; for tests.

    Raises:
        StoreError: the address cannot be one of a replica.
    """

    def __init__(self, store: Store, url: str = "", seconds: Callable[[], float] = time.monotonic) -> None:
        self.store, self.url, self._seconds = store, url, seconds
        self._engine = _engine(store, url) if url else None
        self._lock = threading.Lock()
        self._known_good = False
        self._away_until = self._looked = float("-inf")
        self._place = 0

    @property
    def has_replica(self) -> bool:
        """Whether one is named."""
        return self._engine is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; what is read within one block is of one moment."""
        connection = self._connected()
        if connection is None:
            with self.store.read() as own:
                yield own
            return
        with plainly(self.url), connection:
            yield connection

    def moment(self, connection: Connection, now: datetime) -> datetime:
        """As of when that is which is read of a connection of `read`: `now`, unless something has happened since."""
        if connection.engine is not self._engine:
            return now
        last = _last_event(connection)
        if last is None or last.sequence >= self.store.last_sequence:
            return now
        at: datetime = last.occurred_at
        return min(at, now)

    @property
    def changes(self) -> int:
        """A number that is another one once something else is read, within a second; 0 without a replica."""
        if self._engine is None:
            return 0
        with self._lock:
            if self._seconds() - self._looked < LOOK_SECONDS:
                return self._place
            self._looked = self._seconds()
        connection = self._connected()
        if connection is None:
            self._place = -1
            return self._place
        with plainly(self.url), connection:
            last = _last_event(connection)
        self._place = last.sequence if last else 0
        return self._place

    def close(self) -> None:
        """Let go of the replica."""
        if self._engine:
            self._engine.dispose()

    def _connected(self) -> Connection | None:
        """A connection to the replica; None where there is none, or it cannot be read now."""
        if self._engine is None or self._seconds() < self._away_until:
            return None
        try:
            connection = self._engine.connect().execution_options(isolation_level="REPEATABLE READ")
        except DBAPIError as error:
            self._leave(str(error.orig).splitlines()[0])
            return None
        if self._known_good or self._is_good(connection):
            return connection
        connection.close()
        return None

    def _is_good(self, connection: Connection) -> bool:
        """Look, once after each absence, whether what answers is what it is taken for."""
        try:
            why = self._why_not(connection)
        except BaseException:
            connection.close()
            raise
        if why:
            self._leave(why)
            return False
        log.info("figures are read from the replica")
        self._known_good = True
        return True

    def _leave(self, why: str) -> None:
        """Read from the database itself for a while."""
        self._known_good, self._away_until = False, self._seconds() + REST_SECONDS
        log.warning("figures are read from the database itself, not from ODS_ANALYTICS_URL: %s", why)

    def _why_not(self, connection: Connection) -> str | None:
        """Why what answers there is no replica of this database; None where it is."""
        with self.store.read() as own:
            if missing := applied(own) - applied(connection):
                return f"the migrations {sorted(missing)} have not arrived there"
            last = _last_event(connection)
            if last is None:
                return None
            same = select(t.events.c.id, t.events.c.occurred_at).where(t.events.c.sequence == last.sequence)
            found = own.execute(same).first()
        if found is None or tuple(found) != (last.id, last.occurred_at):
            return f"it is another database: its last event, {last.id}, is not the one that is here"
        return None


def _last_event(connection: Connection) -> Any:
    """The place, the id and the time of the newest event; None where there is none."""
    e = t.events.c
    newest = select(func.max(e.sequence)).scalar_subquery()
    return connection.execute(select(e.sequence, e.id, e.occurred_at).where(e.sequence == newest)).first()


def _engine(store: Store, url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"ODS_ANALYTICS_URL cannot be read: {error}") from None
    if parsed.drivername != "postgresql+psycopg" or not store.is_shared:
        raise StoreError(
            "ODS_ANALYTICS_URL names a replica of a PostgreSQL database: expected postgresql+psycopg://… there and in "
            "ODS_DATABASE_URL; a DuckDB file has none"
        )
    # Nothing is ever written there, also where the server would let it.
    options = {"connect_timeout": CONNECT_SECONDS, "options": "-c default_transaction_read_only=on"}
    return create_engine(parsed, pool_size=8, max_overflow=24, pool_pre_ping=True, connect_args=options)


__all__ = ["Figures"]
