"""Following: looks at the other server again and again, and keeps what it tells.

Two ways. Where it has a log (`/v1/events`), the log says which engagements changed; each is read whole, and then the
log's events and the place up to which they go are written in one transaction. A look that ends early, by a cut or a
kill, leaves that place where it was: the next one reads the same events, keeps what it has not kept, and nothing
twice. Where there is no log, the known requests are read one by one by the seven calls that the contract documents.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ods_core.basics.background import Background
from ods_core.basics.clock import Clock
from ods_core.basics.errors import NotFound
from ods_core.basics.events import EventType
from ods_core.basics.records import Engagement
from ods_core.basics.states import RequestStatus, ScopeStatus
from ods_core.client import ClientError, Refused
from ods_core.client import models as m
from ods_core.mirror.passing import event_of
from ods_core.mirror.reading import Told, Torn, Untold, engagement_of, request_of
from ods_core.mirror.remote import ABSENT, Remote
from ods_core.store import Store, UnitOfWork, mirrored

log = logging.getLogger("ods.mirror")

FEED, POLLING = "feed", "polling"
TURN = "the mirror"
EVENTS_A_LOOK = 5_000
TRIES = 4
"""Times that an engagement is read again whose parts were not of one moment."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """How the following goes.

    `way` is `feed`, `polling` or empty before the first answer. `unreachable_since` and `problem` are set while the
    other server cannot be used. `unknown_events` are of kinds that a newer version writes.
    """

    url: str
    way: str = ""
    followed_at: datetime | None = None
    unreachable_since: datetime | None = None
    problem: str = ""
    requests: int = 0
    unknown_events: int = 0
    changes: int = 0

    @property
    def tells_money(self) -> bool:
        """Whether payments are told; the seven calls tell none."""
        return self.way != POLLING


class Follower(Background):
    """Follows one server.

    Args:
        store: where its engagements are kept; it has none of its own.
        remote: the server.
        clock: dates what is noted.
        seconds: between two looks.

    Raises:
        StoreError: the store has engagements of its own, or follows another server.
    """

    def __init__(self, store: Store, remote: Remote, clock: Clock, seconds: float) -> None:
        self.store, self.remote, self.clock, self.seconds = store, remote, clock, seconds
        with store.write() as unit:
            store.turns.queue(unit.connection, TURN)
            mirrored.claim(unit.connection, remote.url)
            known = mirrored.following(unit.connection)
        self._mirror = Mirror(remote.url, followed_at=known.followed_at if known else None)
        self._cursor: str | None = None
        self._recall()
        self._kept_at: dict[str, float] = {}
        self._looking = threading.Lock()
        self._nudged = threading.Event()
        super().__init__("ods-mirror")

    @property
    def mirror(self) -> Mirror:
        """How it goes."""
        return self._mirror

    def stop(self, patience: float = 10.0) -> None:
        """End after the reading at hand; waits at most `patience` seconds for it."""
        # It rests by the nudge, and looks at whether to end when it wakes.
        self._stopped.set()
        self._nudged.set()
        super().stop(patience)

    def nudge(self) -> None:
        """Look soon: something happened there."""
        self._nudged.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._nudged.wait(self.seconds)
            self._nudged.clear()

    def look(self) -> bool:
        """Look once, and keep what is new; whether that went well. Never raises: what fails is told by `mirror`."""
        with self._looking:
            try:
                with self.store.turns.alone(TURN) as mine:
                    self._recall()
                    # Another process of the same database is at it; what it keeps is there for this one, too.
                    if mine:
                        self._follow()
            except ClientError as error:
                self._is_unreachable(str(error))
            except Exception as error:
                log.exception("could not keep what %s tells; trying again in %s s", self.remote.url, self.seconds)
                self._is_unreachable(f"what it tells could not be kept: {type(error).__name__}")
            else:
                self._is_reached()
                return True
        return False

    def _note(self, **values: object) -> None:
        self._mirror = replace(self._mirror, **values)  # type: ignore[arg-type]

    def _recall(self) -> None:
        """How far the following has come, by what is kept."""
        with self.store.read() as connection:
            known, requests = mirrored.following(connection), mirrored.counted(connection)
        assert known is not None
        self._cursor = known.cursor
        self._note(way=known.way, requests=requests)

    def _is_reached(self) -> None:
        if self._mirror.unreachable_since is not None:
            self._note(changes=self._mirror.changes + 1)
        self._note(followed_at=self.clock(), unreachable_since=None, problem="")

    def _is_unreachable(self, problem: str) -> None:
        if self._mirror.unreachable_since is None:
            log.warning("%s cannot be followed: %s", self.remote.url, problem)
            self._note(changes=self._mirror.changes + 1)
        self._note(unreachable_since=self._mirror.unreachable_since or self.clock(), problem=problem[:500])

    def _follow(self) -> None:
        """By the log, as far as it goes, or by the calls there are."""
        while not self._stopped.is_set():
            found = self.remote.log_after(self._cursor)
            if found is None:
                self._poll()
                return
            events = list(found.events)
            while found.has_more and len(events) < EVENTS_A_LOOK:
                found = self.remote.log_after(found.cursor)
                if found is None:
                    raise Refused(404, {"detail": "the log went away while it was read"})
                events += found.events
            self._take(events, found.cursor)
            if not found.has_more:
                return

    # By the log

    def _take(self, told: Sequence[m.Event], cursor: str | None) -> None:
        """Keep what some events are about, then the events and the place after them."""
        last: dict[str, int] = {one.request_id: one.sequence for one in told if one.request_id}
        money = {one.subject.id for one in told if one.type == EventType.PAYMENT_RECEIVED}
        for request_id, sequence in last.items():
            if self._stopped.is_set():
                return
            with self.store.read() as connection:
                done = mirrored.read_through(connection, request_id) >= sequence
            if not done:
                self._read_whole(request_id, money, sequence)
        self._write_events(told, cursor)

    def _read_whole(self, request_id: str, money: set[str], sequence: int) -> None:
        """Read one engagement by every call, again if it changed meanwhile, and keep it."""
        with self.store.read() as connection:
            received = money | mirrored.received_payments(connection, request_id)
        self._read(lambda: self.remote.whole(request_id, received), sequence)

    def _write_events(self, told: Sequence[m.Event], cursor: str | None) -> None:
        """The events that are not in the log yet, and how far it was read: in one transaction."""
        events = [event for one in told if (event := event_of(one))]
        unknown = sum(1 for one in told if one.request_id) - len(events)
        if not told and cursor == self._cursor and self._mirror.way == FEED:
            return
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, TURN)
            known = mirrored.known_events(unit.connection, [event.id for event in events])
            unit.tell([event for event in events if event.id not in known])
            mirrored.move(unit.connection, way=FEED, cursor=cursor, followed_at=self.clock())
            requests = mirrored.counted(unit.connection)
        self._cursor = cursor
        self._note(way=FEED, requests=requests, unknown_events=self._mirror.unknown_events + unknown)

    # By the seven calls

    def _poll(self) -> None:
        """Read what is known and not over, and what is met on the way."""
        if self._mirror.way == FEED:
            raise Refused(404, {"detail": "the log that was followed so far is gone"})
        with self.store.read() as connection:
            wanted = mirrored.open_requests(connection)
            scopes = mirrored.known_scopes(connection)
        wanted += [id for id in self.remote.unknown_requests(scopes) if id not in wanted]
        for request_id in wanted:
            if self._stopped.is_set():
                return
            self._read_known(request_id)
        with self.store.write() as unit:
            mirrored.move(unit.connection, way=POLLING, followed_at=self.clock())
            requests = mirrored.counted(unit.connection)
        self._note(way=POLLING, requests=requests)

    def _read_known(self, request_id: str) -> None:
        kept = self._kept(request_id)
        try:
            self._read(lambda: self.remote.by_seven_calls(request_id, kept), 0)
        except Refused as error:
            if error.status not in ABSENT:
                raise
            log.warning("%s does not tell all of %s: %s", self.remote.url, request_id, error)

    # Keeping

    def _read(self, read: Callable[[], Told], sequence: int) -> None:
        """Read an engagement, again if it changed meanwhile, and keep it, or as much of it as can be kept."""
        for left in reversed(range(TRIES)):
            began = time.monotonic()
            told = read()
            try:
                self._keep(told, began, sequence)
            except Untold as untold:
                if isinstance(untold, Torn) and left:
                    continue
                self._keep_in_part(told, str(untold), sequence)
            return

    def refresh(self, request_id: str) -> Engagement:
        """Read one engagement now, keep it, and answer with it.

        Raises:
            ClientError: the other server cannot be reached.
            NotFound: too little is told of it to be kept.
        """
        if self._mirror.way == FEED:
            self._read_whole(request_id, set(), 0)
        else:
            self._read_known(request_id)
        self.nudge()
        found = self._kept(request_id)
        if found is None:
            raise NotFound("request", request_id)
        return found

    def learn(self, told: m.Request) -> Engagement:
        """Keep a request that was submitted through here, by all that its answer tells.

        Raises:
            Untold: too little to be kept.
        """
        engagement = Engagement(request_of(told))
        with self.store.write() as unit:
            unit.follow(engagement)
            mirrored.note_request(unit.connection, told.id, read_through=0, is_over=False, read_at=self.clock())
        self._note(changes=self._mirror.changes + 1)
        self.nudge()
        return engagement

    def _kept(self, request_id: str) -> Engagement | None:
        # Within a transaction of the same thread, what was kept in it a moment ago is not on disk yet.
        with self.store.write() as unit:
            return _held(unit, request_id)

    def _keep(self, told: Told, began: float, sequence: int) -> None:
        """Keep an engagement, unless a reading that began later was kept.

        Raises:
            Untold: it cannot be kept.
        """
        id = told.request.id
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, TURN)
            if self._kept_at.get(id, 0) > began:
                return
            kept = _held(unit, id)
            engagement = engagement_of(told, kept)
            unit.follow(engagement)
            self._note_read(unit, id, sequence, _is_over(engagement))
            self._kept_at[id] = began
            requests = mirrored.counted(unit.connection)
        if engagement != kept:
            self._note(changes=self._mirror.changes + 1, requests=requests)

    def _keep_in_part(self, told: Told, reason: str, sequence: int) -> None:
        """Note what is told of an engagement that cannot be kept, for people to see; its request goes on if it can."""
        request, shown = told.request, _shown(told)
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, TURN)
            kept = _held(unit, request.id)
            if kept:
                unit.follow(replace(kept, request=request_of(request, kept.request)))
            is_over = request.status == RequestStatus.CANCELLED
            self._note_read(unit, request.id, sequence, is_over, untold=reason, told=shown)
        self._note(changes=self._mirror.changes + 1)

    def _note_read(
        self,
        unit: UnitOfWork,
        id: str,
        sequence: int,
        is_over: bool,
        untold: str | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        through = max(sequence, mirrored.read_through(unit.connection, id))
        mirrored.note_request(
            unit.connection,
            id,
            read_through=through,
            is_over=is_over,
            read_at=self.clock(),
            untold=untold,
            told=told,
        )


def _held(unit: UnitOfWork, request_id: str) -> Engagement | None:
    try:
        return unit.engagement(request_id)
    except NotFound:
        return None


def _shown(told: Told) -> dict[str, Any]:
    """The little that people are shown of an engagement that is told in part."""
    shown = {name: getattr(told.request, name) for name in ("title", "status", "scope_id", "created_at")}
    if told.scopes:
        scope = told.scopes[-1]
        shown |= {"scope_status": scope.status, "fixed_price": scope.fixed_price, "currency": scope.currency}
    return {name: value for name, value in shown.items() if value is not None}


def _is_over(engagement: Engagement) -> bool:
    """Whether no call of the seven could tell anything new: cancelled before it began, or ended."""
    if engagement.request.status == RequestStatus.CANCELLED:
        return True
    ended = {ScopeStatus.COMPLETED, ScopeStatus.CANCELLED}
    return any(scope.confirmed_at for scope in engagement.scopes) and all(s.status in ended for s in engagement.scopes)


__all__ = ["FEED", "POLLING", "Follower", "Mirror"]
