"""The database: opened once a process, read by many, written through one door.

`Store.write()` is the one place that makes writers of one engagement take turns; how, is the database's business
(`turns.py`). The event sequence rises in the order of commits, which is what a feed's reader relies on.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ods_core.basics.clock import Clock, system_clock
from ods_core.basics.errors import NotFound, StoreError
from ods_core.basics.events import Event
from ods_core.basics.ids import PREFIX_OF, Prefix, format_id
from ods_core.basics.records import Engagement
from ods_core.store import review_lag, rows, unfinished
from ods_core.store import tables as t
from ods_core.store.migrate import migrate
from ods_core.store.mishaps import opening, plainly
from ods_core.store.turns import ManyProcesses, OneProcess, Turns

NUMBERED = {
    Prefix.REQUEST: t.requests,
    Prefix.SCOPE: t.scopes,
    Prefix.CYCLE: t.cycles,
    Prefix.DELIVERABLE: t.deliverables,
    Prefix.SERVICE_LINE: t.service_lines,
    Prefix.PAYMENT: t.payments,
    Prefix.RECEIPT: t.receipts,
    Prefix.INVOICE: t.invoices,
    Prefix.API_KEY: t.api_keys,
    Prefix.CALENDAR_LINK: t.calendar_links,
    Prefix.WEBHOOK_ENDPOINT: t.webhook_endpoints,
}
"""The tables whose identifiers are numbered, by their prefix."""

_memories = itertools.count()


class Store:
    """One database.

    Args:
        url: a SQLAlchemy URL; `duckdb:///PATH`, `duckdb:///:memory:` or `postgresql+psycopg://…`.
        clock: dates the migrations.
        to_fill: open it also where it is half filled, to fill it.

    Raises:
        StoreError: it cannot be opened; says why and what to do.
    """

    def __init__(self, url: str, clock: Clock = system_clock, *, to_fill: bool = False) -> None:
        self.url = url
        self.engine = _engine(url)
        self._open = threading.local()
        self._listeners: list[Callable[[Sequence[Event]], None]] = []
        self._usual_review: tuple[date, int | None] | None = None
        with opening(url):
            if self.is_shared and not to_fill:
                unfinished.refuse(self.engine)
            self.migrated = migrate(self.engine, clock())
            self.recount()

    def recount(self) -> None:
        """Go on numbering behind what is in the store: after rows came in past the commands, with no one else at it."""
        self.turns: Turns = _TURNS[self.engine.dialect.name](self.engine, NUMBERED)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; what is read within one block is of one moment."""
        with plainly(self.url), self.engine.connect() as connection:
            # What is of one moment in DuckDB of itself needs to be asked for in PostgreSQL.
            yield connection.execution_options(isolation_level="REPEATABLE READ") if self.is_shared else connection

    @property
    def is_shared(self) -> bool:
        """Whether other processes may be at this database too."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """One transaction: everything saved within the block is committed at its end, or nothing is.

        A block within a block of the same thread joins it: one transaction, from the outer one's begin to its end.
        """
        joined: UnitOfWork | None = getattr(self._open, "unit", None)
        if joined is not None:
            yield joined
            return
        with self.turns.writing():
            with plainly(self.url), self.engine.begin() as connection:
                unit = self._open.unit = UnitOfWork(self, connection)
                try:
                    yield unit
                    events = unit.flush()
                finally:
                    self._open.unit = None
            self.turns.committed()
            self._forget_usual_review(events)
            for then in unit.afterwards:
                then()
            # Told after the commit, still in turn: whoever listens hears of events in their order.
            if events:
                for listener in self._listeners:
                    listener(events)

    @contextmanager
    def write_aside(self) -> Iterator[Connection]:
        """A transaction that takes no turn, for tables that no command writes; commands do not wait for it."""
        with plainly(self.url), self.engine.begin() as connection:
            yield connection

    def on_commit(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Call `listener(events)` after each commit."""
        self._listeners.append(listener)

    def next_id(self, prefix: Prefix, now: datetime) -> str:
        """The next identifier of a prefix; asked for within `write`."""
        return format_id(prefix, self.turns.number(self._open.unit.connection, prefix), now)

    def reserve(self, prefix: Prefix, count: int) -> int:
        """Set `count` numbers of a prefix aside; the one before the first of them."""
        with self.write() as unit:
            return self.turns.reserve(unit.connection, prefix, count)

    @property
    def last_sequence(self) -> int:
        """The sequence of the last event committed: a cheap sign that something changed."""
        return self.turns.last_place()

    def usual_review(self, today: date) -> int | None:
        """How many days a review usually takes, by the decisions made before `today`; None: too few to say.

        What was decided before a day does not change any more, so it is asked once a day, however many decisions
        there are.
        """
        known = self._usual_review
        if known is None or known[0] != today:
            with self.read() as connection:
                known = self._usual_review = (today, review_lag.usual_review(connection, today))
        return known[1]

    def forget_usual_review(self) -> None:
        """Ask again at next need: decisions of days gone by have come in."""
        self._usual_review = None

    def _forget_usual_review(self, events: Sequence[Event]) -> None:
        """A commit that began before midnight brings decisions of a day that was thought to be complete."""
        known = self._usual_review
        if known and any(event.occurred_at.date() < known[0] for event in events):
            self._usual_review = None

    def is_empty(self) -> bool:
        """Whether nothing was ever asked for here."""
        with self.read() as connection:
            return connection.execute(select(t.requests.c.id).limit(1)).first() is None

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        if self.engine.dialect.name == "duckdb":
            with self.turns.writing(), self.engine.connect() as connection:
                connection.execute(text("CHECKPOINT"))

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


class UnitOfWork:
    """What one transaction reads and changes; engagements are held until the end, then written once."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self.store = store
        self.connection = connection
        self._before: dict[str, Engagement | None] = {}
        self._now: dict[str, Engagement] = {}
        self._places: dict[str, str] = {}
        self._events: list[Event] = []
        self._announced: list[Event] = []
        self.afterwards: list[Callable[[], None]] = []
        """Called once the transaction is committed."""

    def engagement(self, request_id: str) -> Engagement:
        """The engagement of a request, as it is in this transaction.

        Raises:
            NotFound: there is none.
        """
        if request_id not in self._now:
            self.store.turns.hold(self.connection, request_id)
            found = rows.load(self.connection, [request_id])
            if request_id not in found:
                raise NotFound("request", request_id)
            self._before[request_id] = self._now[request_id] = found[request_id]
        return self._now[request_id]

    def engagement_of(self, prefix: Prefix, id: str) -> Engagement:
        """The engagement that something belongs to.

        Raises:
            NotFound: there is no such thing.
        """
        request_id = self._places.get(id) or find_request(self.connection, prefix, id)
        return self.engagement(request_id)

    def save(self, engagement: Engagement, events: Sequence[Event]) -> None:
        """Hold a changed engagement and its events, to be written at the end of the transaction."""
        id = engagement.request.id
        self._before.setdefault(id, None)
        self._now[id] = engagement
        self._places |= dict.fromkeys(engagement.ids(), id)
        self._events += events

    def announce(self, event: Event) -> Event:
        """Write an event that belongs to no engagement; it, with its place in the log."""
        self._announced += (placed := self._placed([event]))
        return placed[0]

    def follow(self, engagement: Engagement) -> None:
        """Hold an engagement as another server tells it; the difference from what is kept is written."""
        try:
            self.engagement(engagement.request.id)
        except NotFound:
            self._before[engagement.request.id] = None
        self.save(engagement, ())

    def tell(self, events: Sequence[Event]) -> None:
        """Hold events that another server told, ids and all."""
        self._events += events

    def place_events(self, write: Callable[[int], int]) -> None:
        """Have many events written at once: `write` is told the last place taken in the log, and says how many."""
        turns = self.store.turns
        turns.place(self.connection, write(turns.place(self.connection, 0)))
        self.afterwards.append(self.store.forget_usual_review)

    def next_serial(self, organization_id: str) -> int:
        """The number of an organisation's next invoice; taken back with the transaction, so that none is skipped."""
        self.store.turns.queue(self.connection, f"invoices of {organization_id}")
        counter = t.invoice_serials
        of = counter.c.organization_id == organization_id
        if self.connection.execute(update(counter).where(of).values(last_serial=counter.c.last_serial + 1)).rowcount:
            return int(self.connection.execute(select(counter.c.last_serial).where(of)).scalar_one())
        self.connection.execute(insert(counter).values(organization_id=organization_id, last_serial=1))
        return 1

    def flush(self) -> list[Event]:
        """Write what was saved; the events, with their places."""
        changes = rows.Changes.between((self._before[id], now) for id, now in self._now.items())
        changes.write(self.connection)
        return [*self._announced, *self._placed(self._events)]

    def _placed(self, events: Sequence[Event]) -> list[Event]:
        """Write events behind all that are in the log; they, with their places."""
        if not events:
            return []
        first = self.store.turns.place(self.connection, len(events)) + 1
        numbered = [
            # One that another server told keeps the id it has there.
            replace(e, sequence=n, id=e.id or format_id(Prefix.EVENT, n, e.occurred_at))
            for n, e in enumerate(events, first)
        ]
        rows.write_events(self.connection, numbered)
        return numbered


_KINDS = {prefix: kind for kind, prefix in PREFIX_OF.items()}


def find_request(connection: Connection, prefix: Prefix, id: str) -> str:
    """The id of the request that something belongs to.

    Raises:
        NotFound: there is no such thing.
    """
    table = NUMBERED[prefix]
    column = table.c.id if prefix == Prefix.REQUEST else table.c.request_id
    found = connection.execute(select(column).where(table.c.id == id)).scalar()
    if found is None:
        raise NotFound(_KINDS[prefix], id)
    return str(found)


_TURNS: Mapping[str, Callable[[Engine, Mapping[Prefix, Table]], Turns]] = {
    "duckdb": OneProcess,
    "postgresql": ManyProcesses,
}


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"ODS_DATABASE_URL cannot be read: {error}") from None
    if parsed.drivername == "postgresql+psycopg":
        return create_engine(parsed, pool_size=16, max_overflow=64, pool_pre_ping=True)
    if parsed.get_backend_name() != "duckdb":
        raise StoreError(
            f"ODS_DATABASE_URL names {parsed.drivername!r}; expected duckdb:///PATH or postgresql+psycopg://…"
        )
    path = parsed.database or ":memory:"
    if path == ":memory:":
        # A name makes every pooled connection see the same memory; a new one each time keeps stores apart.
        parsed = parsed.set(database=f":memory:ods{next(_memories)}")
    else:
        _make_room(Path(path))
    # As many connections as the server has request threads, and some for the pages.
    return create_engine(parsed, pool_size=16, max_overflow=64)


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {path.parent} cannot be made: {error.strerror}") from None


__all__ = ["NUMBERED", "Store", "UnitOfWork", "find_request"]
