"""How writers take turns, and where numbers come from: by a lock of the process, or by locks of the server.

DuckDB lets one process at a file, so one lock there makes all writers take turns and counters in memory are the truth.
PostgreSQL serves several processes: writers of one engagement meet at its row, numbers come from sequences, and the
event log's order is an advisory lock that a writer holds from giving its events their places until its commit.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.sql import literal

from ods_core.basics.ids import Prefix
from ods_core.store import tables as t

EVENTS = "events"
MIGRATIONS = "migrations"


class Turns(Protocol):
    """What a store asks of its database beside reading and writing."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held around a whole write transaction."""

    def hold(self, connection: Connection, request_id: str) -> None:
        """Wait until nobody else writes to an engagement, and keep others from it until the transaction ends."""

    def queue(self, connection: Connection, what: str) -> None:
        """Wait for all others who are at `what`, and keep them from it until the transaction ends."""

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """Whether this process alone is at `what`; it stays so within the block.

        Nothing to those who `queue` for the same word: who is alone at something may queue for it, too.
        """

    def number(self, connection: Connection, prefix: Prefix) -> int:
        """The next number of a prefix."""

    def reserve(self, connection: Connection, prefix: Prefix, count: int) -> int:
        """Set `count` numbers of a prefix aside; the one before the first of them."""

    def place(self, connection: Connection, count: int) -> int:
        """The last place that is taken in the event log, when `count` events are about to be written behind it."""

    def last_place(self) -> int:
        """The place of the last event committed."""

    def committed(self) -> None:
        """A transaction of this store was committed."""


class OneProcess:
    """DuckDB: turns by a lock, taken before the transaction begins, since the second writer at a row would fail."""

    def __init__(self, engine: Engine, numbered: Mapping[Prefix, Table]) -> None:
        self._turn = threading.RLock()
        with engine.connect() as connection:
            self._numbers = {prefix: _last(connection, table.c.number) for prefix, table in numbered.items()}
            self._sequence = self._committed = _last(connection, t.events.c.sequence)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One writer at a time; what it listens to comes in the order of commits."""
        with self._turn:
            yield

    def hold(self, connection: Connection, request_id: str) -> None:
        """Held already, by the one lock there is."""

    def queue(self, connection: Connection, what: str) -> None:
        """In turn already, by the one lock there is."""

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """There is no other process."""
        yield True

    def number(self, connection: Connection, prefix: Prefix) -> int:
        """Rises in the order of commits."""
        self._numbers[prefix] += 1
        return self._numbers[prefix]

    def reserve(self, connection: Connection, prefix: Prefix, count: int) -> int:
        """Numbers of a row."""
        before = self._numbers[prefix]
        self._numbers[prefix] += count
        return before

    def place(self, connection: Connection, count: int) -> int:
        """Places of a row."""
        before = self._sequence
        self._sequence += count
        return before

    def last_place(self) -> int:
        """Known without asking."""
        return self._committed

    def committed(self) -> None:
        """What was placed is now to be read."""
        self._committed = self._sequence


class ManyProcesses:
    """PostgreSQL: turns by locks of the server, which end with the transaction, also of a process that was killed."""

    def __init__(self, engine: Engine, numbered: Mapping[Prefix, Table]) -> None:
        self.engine = engine
        with engine.begin() as connection:
            self.queue(connection, MIGRATIONS)
            for prefix, table in numbered.items():
                _keep_sequence(connection, _sequence_of(prefix), _last(connection, table.c.number))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Writers of different engagements go on side by side."""
        yield

    def hold(self, connection: Connection, request_id: str) -> None:
        """By the row of its request."""
        requests = t.requests.c
        connection.execute(select(requests.id).where(requests.id == request_id).with_for_update())

    def queue(self, connection: Connection, what: str) -> None:
        """By an advisory lock, released by the server once the commit can be seen."""
        connection.execute(select(func.pg_advisory_xact_lock(_lock_of(what))))

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """By an advisory lock that hangs on a connection of its own, so a killed process lets go of it."""
        lock = _lock_of(f"alone at {what}")
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            got = bool(connection.execute(select(func.pg_try_advisory_lock(lock))).scalar_one())
            try:
                yield got
            finally:
                if got:
                    connection.execute(select(func.pg_advisory_unlock(lock)))

    def number(self, connection: Connection, prefix: Prefix) -> int:
        """Rises; a transaction that is given up leaves a gap."""
        return int(connection.execute(select(func.nextval(_sequence_of(prefix)))).scalar_one())

    def reserve(self, connection: Connection, prefix: Prefix, count: int) -> int:
        """Numbers of a row: the sequence is moved while others wait for it."""
        if count == 0:
            return 0
        self.queue(connection, _sequence_of(prefix))
        first = self.number(connection, prefix)
        connection.execute(select(func.setval(_sequence_of(prefix), first + count - 1)))
        return first - 1

    def place(self, connection: Connection, count: int) -> int:
        """Behind all that is committed: whoever places events keeps others from it until its commit."""
        self.queue(connection, EVENTS)
        return _last(connection, t.events.c.sequence)

    def last_place(self) -> int:
        """Asked of the database: other processes write too."""
        with self.engine.connect() as connection:
            return _last(connection, t.events.c.sequence)

    def committed(self) -> None:
        """The database knows."""


def _sequence_of(prefix: Prefix) -> str:
    return f"ods_{prefix.value.lower()}"


def _keep_sequence(connection: Connection, name: str, last: int) -> None:
    """Have a sequence that stands behind every number there is; one that is ahead stays where it is."""
    connection.execute(text(f"CREATE SEQUENCE IF NOT EXISTS {name}"))
    connection.execute(
        text(f"SELECT setval('{name}', :last) FROM {name} WHERE last_value < :last OR (:last > 0 AND NOT is_called)"),
        {"last": last},
    )


def _lock_of(what: str) -> Any:
    """A lock's number: the same for the same word in every process."""
    digest = hashlib.sha256(f"ods {what}".encode()).digest()
    return literal(int.from_bytes(digest[:8], "big", signed=True))


def _last(connection: Connection, column: Any) -> int:
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
