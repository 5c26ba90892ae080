"""The courier: brings events to webhook endpoints, in the server, beside everything else.

One thread with an event loop of its own. The log of events is the outbox, so a command does nothing for it: the
courier looks at the log, and gives way while commands are given. A receiver that hangs holds up a few messages of its
own endpoint and nothing else. What was taken and what waits is written down a few times a second, in transactions that
take no turn; killed in between, it sends some messages again.

Retries and signatures go by this machine's time whatever clock the program was given: receivers refuse a signature
that is not of now.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ods_core.basics.background import Background
from ods_core.basics.events import Event
from ods_core.basics.settings import Settings
from ods_core.basics.states import DeliveryStatus
from ods_core.basics.webhooks import DeliveryAttempt, Endpoint
from ods_core.service.courses import REFILL, Course, Parcel
from ods_core.service.webhooks import Webhooks
from ods_core.store import Store, outbox
from ods_core.webhooks import Answer, RetrySchedule, Sender, Target, read_target, retry_after, signed_headers

log = logging.getLogger("ods.webhooks")

GONE = 410
MOST_IN_FLIGHT = 16
"""Messages on their way to one endpoint; one that does not answer gets fewer, down to one."""
MOST_STARTED = 32
"""Messages that are begun in one turn of the loop, all endpoints together."""
READ_AT_ONCE = 200
IDLE_SECONDS = 0.05
GATHER_SECONDS = 0.003
WRITE_SECONDS = 0.25
FORGET_SECONDS = 3600.0
REFRESH_SECONDS = 2.0
COURIERS = "webhooks"
ASK_SECONDS = 5.0
"""Between two looks whether the server that delivers is gone, where there are several."""
KEPT_EVENTS = 2_000


def real_time() -> datetime:
    """Now, to the microsecond."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CourierPolicy:
    """How messages are sent: times to connect and to answer, when to try again, how long attempts are kept."""

    connect_seconds: float = 5
    read_seconds: float = 10
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    keep: timedelta = timedelta(days=30)
    allow_private: bool = False

    @classmethod
    def of(cls, settings: Settings) -> CourierPolicy:
        """As the settings have it."""
        return cls(
            settings.webhook_connect_seconds,
            settings.webhook_read_seconds,
            RetrySchedule(
                timedelta(seconds=settings.webhook_first_retry_seconds), timedelta(days=settings.webhook_retry_days)
            ),
            timedelta(days=settings.webhook_log_days),
            settings.webhook_allow_private,
        )


def load_per_processor() -> float:
    """How many programs share each processor, as of the last minute; at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Newest:
    """The place of the last event committed, asked of a database that others write to no more than twice a second.

    What this process commits is known at once; what another server does, half a second later.
    """

    ASK_SECONDS = 0.5

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._known, self._asked = 0, float("-inf")
        store.on_commit(self._hear)

    def __call__(self) -> int:
        """The place."""
        if not self._store.is_shared:
            return self._store.last_sequence
        if self._clock() - self._asked >= self.ASK_SECONDS:
            self._asked = self._clock()
            self._known = max(self._known, self._store.last_sequence)
        return self._known

    def _hear(self, events: Sequence[Event]) -> None:
        self._known = max(self._known, events[-1].sequence)


class Courtesy:
    """Gives way to commands: at work all the time while none are given, now and then while many are.

    What it may do then, it does in one go: of many commands few are given while it works, and most find the machine
    as if there was nothing to send. What it may do at once grows while more is waiting than that.
    """

    QUIET = 0.4
    """Seconds without a commit after which nobody is taken to be giving commands."""
    REST = 0.6
    """Seconds between two turns while somebody is, at least, on a machine with nothing else to do."""
    SHARE = 1 / 8
    """Of a processor's time at most, then; less where many programs share it, since each second lasts longer there."""
    FEWEST, MORE, MOST = 24, 8, 96
    """Messages of such a turn: at first, how many more each time, at most."""

    def __init__(
        self,
        committed: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
        load: Callable[[], float] = load_per_processor,
    ) -> None:
        self._committed, self._clock, self._used, self._load = committed, clock, used, load
        self.seen = committed()
        """The last event committed, as of the last look."""
        self._last_change = self._turn_began = float("-inf")
        self._used_before = 0.0
        self._is_busy = False
        self._share = self.FEWEST

    def may_work(self) -> bool:
        """Whether it is its turn."""
        now, committed = self._clock(), self._committed()
        if committed != self.seen:
            self.seen, self._last_change = committed, now
        was_busy, self._is_busy = self._is_busy, now - self._last_change <= self.QUIET
        if not self._is_busy:
            self._share = self.FEWEST
            return True
        if was_busy and now - self._turn_began >= self._rest():
            self._begin_turn(now)
            return True
        if not was_busy:
            self._begin_turn(now)
        return False

    def _begin_turn(self, now: float) -> None:
        self._turn_began, self._used_before = now, self._used()

    def _rest(self) -> float:
        """Seconds from the beginning of a turn to the next one: the longer, the more work its answers made."""
        return self._load() * max(self.REST, (self._used() - self._used_before) / self.SHARE)

    def share(self) -> int:
        """How many messages may be begun in this turn."""
        return self._share if self._is_busy else MOST_STARTED

    def was_used(self, begun: int) -> None:
        """Note how many were begun: where it was all that it might, more are waiting."""
        if self._is_busy and begun >= self._share:
            self._share = min(self._share + self.MORE, self.MOST)


class Tail:
    """The newest events, read once for all endpoints: those behind `low` and up to `high`, in order."""

    def __init__(self) -> None:
        self.low = self.high = 0
        self.parcels: list[Parcel] = []

    def after(self, place: int, limit: int) -> list[Parcel] | None:
        """What follows a place; None where it has to be asked of the database."""
        if not self.low <= place < self.high:
            return None
        first = bisect_right(self.parcels, place, key=lambda parcel: parcel.sequence)
        return self.parcels[first : first + limit]

    def add(self, place: int, parcels: Sequence[Parcel]) -> None:
        """Keep what was read behind a place, if it goes on from what is kept or is newer than that."""
        if not parcels or parcels[-1].sequence <= self.high:
            return
        if place != self.high:
            self.parcels.clear()
            self.low = place
        self.parcels.extend(parcels)
        self.high = parcels[-1].sequence
        if len(self.parcels) > 2 * KEPT_EVENTS:
            self.low = self.parcels[-KEPT_EVENTS - 1].sequence
            del self.parcels[:-KEPT_EVENTS]


@dataclass(slots=True)
class Route:
    """One endpoint at work."""

    endpoint: Endpoint
    target: Target | None
    courses: list[Course]
    in_flight: int = 0
    allowed: int = 4
    last_taken: datetime | None = None
    is_stopped: bool = False
    """It asked for no more, or nothing got through: waits until that is written down."""

    @property
    def is_open(self) -> bool:
        """Whether messages may be begun."""
        return self.endpoint.is_enabled and not self.is_stopped and self.target is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt, to be noted in the order in which they came."""

    route: Route
    course: Course
    parcel: Parcel
    attempt: int
    began: datetime
    answer: Answer


@dataclass(slots=True)
class _Duties:
    """What is to be done with the database or by the facade, outside the loop's thread."""

    shut_off: list[tuple[Route, str]] = field(default_factory=list)
    given_up: list[tuple[Route, Parcel, int]] = field(default_factory=list)


class Courier(Background):
    """A thread that sends what the log of events has for the endpoints.

    Args:
        webhooks: the endpoints and the store that they are in.
        policy: how to send.
        sender: makes what posts the messages, inside the loop; for tests.
        now: this machine's time; for tests.
        chance: a random number in [0, 1), to spread retries.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        policy: CourierPolicy,
        *,
        sender: Callable[[], Sender] | None = None,
        now: Callable[[], datetime] = real_time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.webhooks, self.store, self.policy = webhooks, webhooks.store, policy
        self._make_sender = sender or self._sender
        self.now, self.chance = now, chance
        super().__init__("ods-courier")
        self._routes: dict[str, Route] = {}
        self._courses: set[str] = set()
        self._version = -1
        self._number = 0
        self._tail = Tail()
        self._outcomes: list[Outcome] = []
        self._duties = _Duties()
        self._progress = outbox.Progress.none()
        self._courtesy = Courtesy(Newest(self.store))
        self._written = self._forgotten = self._refreshed = 0.0
        self._turn = 0

    def _sender(self) -> Sender:
        p = self.policy
        return Sender(p.connect_seconds, p.read_seconds, allow_private=p.allow_private)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            log.exception("webhooks are not delivered any more until the next start")

    async def _work(self) -> None:
        """Work whenever no other server at this database does."""
        while not self._stopped.is_set():
            with self.store.turns.alone(COURIERS) as got:
                if got:
                    await self._deliver()
                    return
            await asyncio.to_thread(self._stopped.wait, ASK_SECONDS)

    async def _deliver(self) -> None:
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        sender = self._make_sender()
        try:
            while not self._stopped.is_set():
                try:
                    await self._step(sender)
                except Exception:
                    log.exception("webhooks: a turn failed; trying again")
                    await asyncio.sleep(1)
                await self._rest()
            await self._finish()
        finally:
            await sender.aclose()

    async def _rest(self) -> None:
        """Wait for an answer, or a moment; answers that come together are noted together."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2.0)
            for task in self._tasks:
                task.cancel()
        self._note_outcomes()
        await self._write()

    async def _step(self, sender: Sender) -> None:
        """One turn: note what came back; and, when it is its turn, read, begin and write."""
        self._note_outcomes()
        await self._do_duties()
        if not self._courtesy.may_work():
            return
        if self._version != self.webhooks.version or self._is_stale():
            await self._refresh()
        if not self._routes:
            return
        await self._read()
        self._begin(sender)
        if time.monotonic() - self._written >= WRITE_SECONDS:
            await self._write()
            await self._forget()

    def _is_stale(self) -> bool:
        """Whether another server may have changed endpoints since they were read."""
        return self.store.is_shared and time.monotonic() - self._refreshed >= REFRESH_SECONDS

    async def _refresh(self) -> None:
        """Take up endpoints and courses that are new, changed or gone."""
        version = self.webhooks.version
        found, courses, lanes, taken, number = await asyncio.to_thread(self._load)
        self._number = max(self._number, number)
        for endpoint in found:
            self._take_up(endpoint, taken.get(endpoint.id))
        for row in courses:
            route = self._routes.get(row.endpoint_id)
            if route and row.id not in self._courses:
                self._courses.add(row.id)
                route.courses.append(Course(row, [lane for lane in lanes if lane.course_id == row.id]))
        known = {endpoint.id for endpoint in found}
        gone = [id for id in self._routes if id not in known]
        orphans = [row.id for row in courses if row.endpoint_id not in known]
        for id in gone:
            del self._routes[id]
        if orphans:
            await asyncio.to_thread(self._let_go, orphans)
        for route in self._routes.values():
            for course in route.courses:
                course.begin_anew(route.endpoint.generation, self.now())
        self._version, self._refreshed = version, time.monotonic()

    def _load(
        self,
    ) -> tuple[list[Endpoint], list[outbox.CourseRow], list[outbox.LaneRow], dict[str, datetime], int]:
        with self.store.read() as connection:
            return (
                outbox.endpoints(connection),
                outbox.courses(connection),
                outbox.lanes(connection) if self._version < 0 else [],
                outbox.last_deliveries(connection) if self._version < 0 else {},
                outbox.last_attempt_number(connection) if self._version < 0 else 0,
            )

    def _let_go(self, courses: Sequence[str]) -> None:
        with self.store.write_aside() as connection:
            outbox.forget_endpoint_progress(connection, courses)

    def _take_up(self, endpoint: Endpoint, last_taken: datetime | None) -> None:
        route = self._routes.get(endpoint.id)
        if route is None:
            # What was allowed as it was given is checked again at each connection; here only the text is read.
            target = read_target(endpoint.url, allow_private=True)
            self._routes[endpoint.id] = Route(endpoint, target, [], last_taken=last_taken)
            return
        if endpoint.generation > route.endpoint.generation:
            route.is_stopped, route.allowed = False, 4
        route.endpoint = endpoint

    async def _read(self) -> None:
        """Give each open course what follows for it."""
        for route in list(self._routes.values()):
            if route.is_open:
                for course in route.courses:
                    await self._read_for(route.endpoint, course)

    async def _read_for(self, endpoint: Endpoint, course: Course) -> None:
        for name, after, until in course.hungry():
            course.feed(endpoint, name, until, await asyncio.to_thread(self._of_lane, name, after, until))
        if not course.room or (not course.is_replay and course.scanned >= self._courtesy.seen):
            return
        parcels = self._tail.after(course.scanned, course.room)
        if parcels is None:
            parcels = await asyncio.to_thread(self._after, course.scanned)
            self._tail.add(course.scanned, parcels)
            if not parcels:
                course.nothing_follows()
        course.take_up(endpoint, parcels[: course.room])

    def _after(self, place: int) -> list[Parcel]:
        with self.store.read() as connection:
            return [Parcel.of(event) for event in outbox.events_after(connection, place, READ_AT_ONCE)]

    def _of_lane(self, lane: str, after: int, until: int) -> list[Parcel]:
        with self.store.read() as connection:
            return [Parcel.of(event) for event in outbox.events_of_lane(connection, lane, after, until, REFILL)]

    def _begin(self, sender: Sender) -> None:
        """Begin messages, endpoints in turn, each as many as it is allowed."""
        routes = [route for route in self._routes.values() if route.is_open]
        if not routes:
            return
        self._turn = (self._turn + 1) % len(routes)
        started, most, now = 0, self._courtesy.share(), self.now()
        for route in routes[self._turn :] + routes[: self._turn]:
            for course in route.courses:
                while started < most and route.in_flight < route.allowed and (next := course.start(now)):
                    parcel, failures = next
                    self._launch(sender, route, course, parcel, failures + 1)
                    started += 1
        self._courtesy.was_used(started)

    def _launch(self, sender: Sender, route: Route, course: Course, parcel: Parcel, attempt: int) -> None:
        route.in_flight += 1
        task = asyncio.create_task(self._send(sender, route, course, parcel, attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, sender: Sender, route: Route, course: Course, parcel: Parcel, attempt: int) -> None:
        began = self.now()
        try:
            assert route.target is not None
            keys = route.endpoint.secrets(self.webhooks.clock())
            headers = signed_headers(parcel.event.id, began, parcel.body, keys)
            answer = await sender.post(route.target, headers, parcel.body.encode())
        except Exception as error:
            log.exception("webhooks: %s could not be sent to %s", parcel.event.id, route.endpoint.id)
            answer = Answer(None, type(error).__name__, 0)
        self._outcomes.append(Outcome(route, course, parcel, attempt, began, answer))
        self._wake.set()

    def _note_outcomes(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        for outcome in outcomes:
            self._note(outcome)

    def _note(self, o: Outcome) -> None:
        now, route = self.now(), o.route
        route.in_flight -= 1
        route.allowed = min(route.allowed + 1, MOST_IN_FLIGHT) if o.answer.is_alive else max(route.allowed - 1, 1)
        if o.answer.is_taken:
            route.last_taken = now
            o.course.taken(o.parcel, now)
            self._log(o, DeliveryStatus.DELIVERED, None)
        else:
            self._note_failure(o, now)

    def _note_failure(self, o: Outcome, now: datetime) -> None:
        since = o.course.failing_since(o.parcel) or o.began
        asked = retry_after(o.answer.retry_after, self.now)
        next_at = self.policy.schedule.next_attempt(since, o.attempt, now, self.chance(), asked)
        if o.answer.status == GONE:
            self._stop(o.route, "the receiver answered 410 Gone")
        elif next_at is None and o.route.last_taken is not None and o.route.last_taken > since:
            # Other messages got through: it is this one that is not wanted.
            o.course.taken(o.parcel, now)
            self._log(o, DeliveryStatus.GIVEN_UP, None)
            self._duties.given_up.append((o.route, o.parcel, o.attempt))
            return
        elif next_at is None:
            self._stop(o.route, f"nothing got through since {since:%Y-%m-%d %H:%M} UTC")
        o.course.failed(o.parcel, since, next_at or now, o.route.endpoint.generation)
        self._log(o, DeliveryStatus.FAILED, None if o.route.is_stopped else next_at)

    def _stop(self, route: Route, reason: str) -> None:
        if not route.is_stopped:
            route.is_stopped = True
            self._duties.shut_off.append((route, reason))

    def _log(self, o: Outcome, status: DeliveryStatus, next_at: datetime | None) -> None:
        self._number += 1
        event = o.parcel.event
        self._progress.attempts.append(
            DeliveryAttempt(
                self._number,
                o.route.endpoint.id,
                event.id,
                event.type,
                event.sequence,
                o.attempt,
                o.course.is_replay,
                status,
                o.answer.status,
                o.answer.error,
                o.answer.milliseconds,
                o.began,
                next_at,
            )
        )

    async def _do_duties(self) -> None:
        """Have the facade write what is more than progress: endpoints that end, events that are given up."""
        duties = self._duties
        while duties.shut_off:
            route, reason = duties.shut_off[0]
            await asyncio.to_thread(self.webhooks.shut_off, route.endpoint.id, reason)
            del duties.shut_off[0]
        while duties.given_up:
            route, parcel, failures = duties.given_up[0]
            await asyncio.to_thread(self.webhooks.note_given_up, route.endpoint.id, parcel.event, failures)
            del duties.given_up[0]

    async def _write(self) -> None:
        """Write down what changed; what cannot be written now is kept for the next time."""
        for route in self._routes.values():
            for course in route.courses:
                course.add_progress(self._progress)
            route.courses = [course for course in route.courses if not course.is_over]
        progress = self._progress
        if progress:
            await asyncio.to_thread(self._write_down, progress)
            self._courses.difference_update(progress.ended_courses)
            self._progress = outbox.Progress.none()
        self._written = time.monotonic()

    def _write_down(self, progress: outbox.Progress) -> None:
        with self.store.write_aside() as connection:
            progress.write(connection)

    async def _forget(self) -> None:
        """Let go of old attempts, once an hour."""
        if time.monotonic() - self._forgotten >= FORGET_SECONDS:
            await asyncio.to_thread(self._forget_old)
            self._forgotten = time.monotonic()

    def _forget_old(self) -> None:
        with self.store.write_aside() as connection:
            outbox.forget_attempts_before(connection, self.now() - self.policy.keep)
