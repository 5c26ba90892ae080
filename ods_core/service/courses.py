"""What is to be sent next: courses through the log of events, and the lanes in which an engagement waits.

No network and no database here: the courier brings events in and takes messages out, and writes down what `progress`
says. A course may be forgotten at any moment and begun again from what was written: it then sends some messages
twice, never one not at all, and none before an earlier one of its engagement.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ods_core.basics.events import Event, EventType
from ods_core.basics.webhooks import Endpoint, is_history, is_its_own, lane_of, message_body
from ods_core.store.outbox import CourseRow, LaneRow, Progress, new_row_id

WINDOW = 200
"""Events of a course that are read and not yet sent: what is sent again after a kill is no more than that."""
MOST_LANES = 500
"""Engagements that wait behind a failure before a course reads no further: then the receiver is down, not an event."""
REFILL = 20


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event, ready to be sent."""

    event: Event
    lane: str
    body: str

    @classmethod
    def of(cls, event: Event) -> Parcel:
        """Wrap an event; the same for every endpoint."""
        return cls(event, lane_of(event), message_body(event))

    @property
    def sequence(self) -> int:
        """Its place in the log."""
        return self.event.sequence


@dataclass(slots=True)
class Lane:
    """An engagement whose next event has failed; `queue` holds that event and some that follow."""

    row: LaneRow
    after: int
    """Everything of the engagement up to this place was taken, or is in the queue."""
    reached: int
    """The last place that it has come to: it ends only once its course has read so far."""
    queue: deque[Parcel] = field(default_factory=deque)
    is_stored: bool = False
    is_in_flight: bool = False


def wants(endpoint: Endpoint, course: CourseRow, event: Event) -> bool:
    """Whether an event is to be sent on a course."""
    if endpoint.organization_id not in (None, event.organization_id):
        return False
    if course.any_type:
        return True
    if event.type == EventType.ENDPOINT_TEST or is_its_own(event, endpoint.id) or not endpoint.wants(event.type):
        return False
    if course.last_sequence is None:
        return not is_history(event)
    return _is_within(course, event.occurred_at)


def _is_within(course: CourseRow, when: datetime) -> bool:
    return (course.occurred_from is None or when >= course.occurred_from) and (
        course.occurred_until is None or when < course.occurred_until
    )


class Course:
    """One way through the log for one endpoint.

    Args:
        row: as it is kept.
        lanes: what waited when it was written down last.
    """

    def __init__(self, row: CourseRow, lanes: Iterable[LaneRow] = ()) -> None:
        self.row = row
        self.scanned = row.position
        self.fresh: dict[str, deque[Parcel]] = {}
        self.lanes = {lane.lane: Lane(lane, lane.sequence - 1, lane.sequence, is_stored=True) for lane in lanes}
        self._count = 0
        self._ready: deque[str] = deque()
        self._due: list[tuple[datetime, str]] = []
        self._in_flight: set[str] = set()
        self._hungry = set(self.lanes)
        self._position = row.position
        self._changed: dict[str, Lane] = {}
        self._ended: list[str] = []

    @property
    def is_replay(self) -> bool:
        """Whether it has an end."""
        return self.row.last_sequence is not None

    @property
    def is_over(self) -> bool:
        """Whether everything of it was sent."""
        last = self.row.last_sequence
        return last is not None and self.scanned >= last and not self.fresh and not self.lanes

    @property
    def room(self) -> int:
        """How many more events it can take up now."""
        if self.row.last_sequence is not None and self.scanned >= self.row.last_sequence:
            return 0
        if len(self.lanes) >= MOST_LANES and self.failing >= MOST_LANES:
            return 0
        return max(0, WINDOW - self._count)

    @property
    def failing(self) -> int:
        """How many engagements wait behind an event that failed."""
        return sum(lane.row.failures > 0 for lane in self.lanes.values())

    def take_up(self, endpoint: Endpoint, parcels: Sequence[Parcel]) -> None:
        """Take up what follows in the log; those that wait in a lane are found there when it moves on."""
        last = self.row.last_sequence
        for parcel in parcels:
            if last is not None and parcel.sequence > last:
                self.scanned = last
                return
            self.scanned = parcel.sequence
            if parcel.lane not in self.lanes and wants(endpoint, self.row, parcel.event):
                self._add_fresh(parcel)

    def nothing_follows(self) -> None:
        """Note that the log has nothing behind what was taken up: a replay is at its end."""
        if self.row.last_sequence is not None:
            self.scanned = max(self.scanned, self.row.last_sequence)

    def _add_fresh(self, parcel: Parcel) -> None:
        queue = self.fresh.setdefault(parcel.lane, deque())
        queue.append(parcel)
        self._count += 1
        if len(queue) == 1:
            self._ready.append(parcel.lane)

    def hungry(self) -> list[tuple[str, int, int]]:
        """Lanes whose queue is empty: which engagement, and between which places its events are to be looked for."""
        found = []
        for name in list(self._hungry):
            lane = self.lanes.get(name)
            if lane is None or lane.queue:
                self._hungry.discard(name)
            else:
                found.append((name, lane.after, max(self.scanned, lane.row.sequence)))
        return found

    def feed(self, endpoint: Endpoint, name: str, until: int, parcels: Sequence[Parcel]) -> None:
        """Give a lane what was found for it; one with nothing left is let go."""
        lane = self.lanes[name]
        lane.queue.extend(p for p in parcels if wants(endpoint, self.row, p.event))
        lane.after = parcels[-1].sequence if len(parcels) == REFILL else max(lane.after, until)
        if lane.queue:
            self._hungry.discard(name)
            heapq.heappush(self._due, (lane.row.next_at, name))
        elif len(parcels) < REFILL and self.scanned >= lane.reached:
            self._end(name)

    def _end(self, name: str) -> None:
        lane = self.lanes.pop(name)
        self._hungry.discard(name)
        self._changed.pop(name, None)
        if lane.is_stored:
            self._ended.append(lane.row.id)

    def next_due(self) -> datetime | None:
        """When the next lane is to be tried."""
        return self._due[0][0] if self._due else None

    def start(self, now: datetime) -> tuple[Parcel, int] | None:
        """The next message to send, and how often it has failed; it is in flight until `taken` or `failed`."""
        while self._due and self._due[0][0] <= now:
            _, name = heapq.heappop(self._due)
            lane = self.lanes.get(name)
            if lane and lane.queue and not lane.is_in_flight and lane.row.next_at <= now:
                lane.is_in_flight = True
                self._in_flight.add(name)
                return lane.queue[0], lane.row.failures
        while self._ready:
            name = self._ready.popleft()
            if name in self.fresh and name not in self._in_flight:
                self._in_flight.add(name)
                return self.fresh[name][0], 0
        return None

    def taken(self, parcel: Parcel, now: datetime) -> None:
        """Note that a message was taken, or will not be sent any more: the engagement moves on."""
        self._in_flight.discard(parcel.lane)
        lane = self.lanes.get(parcel.lane)
        if lane is None:
            self._fresh_taken(parcel.lane)
            return
        lane.is_in_flight = False
        lane.queue.popleft()
        lane.reached = parcel.sequence
        following = lane.queue[0].sequence if lane.queue else parcel.sequence + 1
        self._change(lane, replace(lane.row, sequence=following, failures=0, failing_since=None, next_at=now))
        if lane.queue:
            heapq.heappush(self._due, (now, parcel.lane))
        else:
            self._hungry.add(parcel.lane)

    def _fresh_taken(self, name: str) -> None:
        queue = self.fresh[name]
        queue.popleft()
        self._count -= 1
        if queue:
            self._ready.append(name)
        else:
            del self.fresh[name]

    def failed(self, parcel: Parcel, failing_since: datetime, next_at: datetime, generation: int) -> None:
        """Note that a message failed: its engagement waits until `next_at`."""
        name = parcel.lane
        self._in_flight.discard(name)
        lane = self.lanes.get(name)
        if lane is None:
            queue = self.fresh.pop(name)
            self._count -= len(queue)
            row = LaneRow(new_row_id(), self.row.id, name, parcel.sequence, 0, None, next_at, generation)
            lane = self.lanes[name] = Lane(row, max(self.scanned, queue[-1].sequence), parcel.sequence, queue)
        lane.is_in_flight = False
        failures = lane.row.failures + 1
        self._change(lane, replace(lane.row, failures=failures, failing_since=failing_since, next_at=next_at))
        heapq.heappush(self._due, (next_at, name))

    def failing_since(self, parcel: Parcel) -> datetime | None:
        """Since when a message has failed; None: not before."""
        lane = self.lanes.get(parcel.lane)
        return lane.row.failing_since if lane else None

    def begin_anew(self, generation: int, now: datetime) -> None:
        """What failed under an earlier generation of the endpoint counts no longer, and is tried at once."""
        for name, lane in self.lanes.items():
            if lane.row.generation < generation:
                fresh = replace(lane.row, failures=0, failing_since=None, next_at=now, generation=generation)
                self._change(lane, fresh)
                if lane.queue and not lane.is_in_flight:
                    heapq.heappush(self._due, (now, name))

    def _change(self, lane: Lane, row: LaneRow) -> None:
        lane.row = row
        self._changed[row.lane] = lane

    def _settled(self) -> int:
        """The place up to which everything was taken or stands in a lane."""
        waiting = [queue[0].sequence for queue in self.fresh.values()]
        return min(waiting) - 1 if waiting else self.scanned

    def add_progress(self, progress: Progress) -> None:
        """Add what changed since it was last written down; to be called once for each writing."""
        position = self._settled()
        if self.is_over:
            progress.ended_courses.append(self.row.id)
        elif position != self._position:
            progress.positions[self.row.id] = self._position = position
        for lane in self._changed.values():
            (progress.changed_lanes if lane.is_stored else progress.new_lanes).append(lane.row)
            lane.is_stored = True
        progress.ended_lanes += self._ended
        self._changed, self._ended = {}, []
