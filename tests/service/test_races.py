"""Two at once on one engagement: one wins, the other sees what the first one did, and nothing is done twice.

ODS_TEST_FULL=1 makes it 200 meetings of each pair.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import Event, EventType
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Kind
from ods_core.lifecycle import Accept, Confirm, Decline, Propose, Reject, Submit
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.invariants import check
from ods_core.queries.lists import engagement_of
from ods_core.service import Result, Service
from ods_core.store import Store
from tests.databases import kept_url, memory_url
from tests.seed import FIX, SUBMITTED, seed_proposal, seed_request

FULL = os.environ.get("ODS_TEST_FULL") == "1"
MEETINGS = 200 if FULL else 20

Answer = Result | NotAllowed


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Store]:
    """A database in memory; in a full run in a file, where each commit waits for the disk."""
    store = Store(kept_url(tmp_path, "races") if FULL else memory_url(), MovingClock(SUBMITTED))
    yield store
    store.close()


@pytest.fixture
def racing(arena: Store) -> Iterator[Service]:
    """The commands on it; whatever was raced, the store is in order afterwards."""
    yield Service(arena, MovingClock(SUBMITTED))
    with arena.read() as connection:
        assert check(connection) == []


def small() -> Propose:
    """One deliverable in one cycle."""
    cycle = seed_proposal().cycles[0]
    return seed_proposal(
        deliverables=(FIX,), cycles=(cycle.__class__("Cycle 1", cycle.planned_start, cycle.planned_end, ("fix",)),)
    )


def offered(service: Service, proposal: Propose | None = None) -> str:
    """The id of a scope that waits for confirmation."""
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    return service.propose(LOCAL, request_id, proposal or small()).subject_id


def confirmed(service: Service, proposal: Propose | None = None) -> list[str]:
    """The ids of the deliverables of a confirmed scope."""
    engagement = service.confirm(LOCAL, offered(service, proposal), Confirm()).engagement
    return [d.id for d in engagement.deliverables]


def reviewable(service: Service) -> str:
    """The id of a deliverable that waits for a decision."""
    (id,) = confirmed(service)
    service.submit(LOCAL, id, Submit())
    return id


def confirm(service: Service, id: str) -> Result:
    return service.confirm(LOCAL, id, Confirm())


def decline(service: Service, id: str) -> Result:
    return service.decline(LOCAL, id, Decline("No."))


def submit(service: Service, id: str) -> Result:
    return service.submit(LOCAL, id, Submit())


def accept(service: Service, id: str) -> Result:
    return service.accept(LOCAL, id, Accept())


def reject(service: Service, id: str) -> Result:
    return service.reject(LOCAL, id, Reject("Not met."))


Give = Callable[[Service, str], Result]


def meet(service: Service, *commands: tuple[Give, str]) -> list[Answer]:
    """Give all commands at the same moment, each in a thread of its own; what each of them came to."""
    gate = threading.Barrier(len(commands))

    def give(command: tuple[Give, str]) -> Answer:
        gate.wait()
        try:
            return command[0](service, command[1])
        except NotAllowed as refused:
            return refused

    with ThreadPoolExecutor(len(commands)) as threads:
        return list(threads.map(give, commands))


def one_won(answers: list[Answer]) -> tuple[Result, list[NotAllowed]]:
    won = [answer for answer in answers if isinstance(answer, Result)]
    lost = [answer for answer in answers if isinstance(answer, NotAllowed)]
    assert len(won) == 1, answers
    assert all(refusal.status == 409 and refusal.current_state for refusal in lost)
    return won[0], lost


def events_of(store: Store, engagement: Engagement) -> list[Event]:
    with store.read() as connection:
        found = feed(connection, LOCAL, EventFilter(request_id=engagement.request.id), limit=100)
        assert engagement_of(connection, LOCAL, Kind.REQUEST, engagement.request.id) == engagement
    return list(found.events)


def count(events: list[Event], *types: EventType) -> int:
    return sum(event.type in types for event in events)


def test_accept_against_reject_leaves_one_decision(racing: Service, arena: Store) -> None:
    for n in range(MEETINGS):
        id = reviewable(racing)
        pair = [(accept, id), (reject, id)]
        won, (refused,) = one_won(meet(racing, *(pair if n % 2 else pair[::-1])))
        (attempt,) = won.engagement.attempts
        assert refused.current_state == attempt.decision
        events = events_of(arena, won.engagement)
        assert count(events, EventType.DELIVERABLE_ACCEPTED, EventType.DELIVERABLE_REJECTED) == 1
        assert count(events, EventType.PAYMENT_DUE) == (2 if attempt.decision == "accepted" else 1)


def test_two_confirmations_open_one_service_line_and_ask_for_one_payment(racing: Service, arena: Store) -> None:
    for _ in range(MEETINGS):
        id = offered(racing)
        won, (refused,) = one_won(meet(racing, *[(confirm, id)] * 2))
        assert refused.current_state == "active"
        assert len(won.engagement.service_lines) == 1
        assert len(won.engagement.milestones) == 2
        assert count(events_of(arena, won.engagement), EventType.PAYMENT_DUE) == 1


def test_confirm_against_decline_ends_in_one_of_the_two(racing: Service, arena: Store) -> None:
    for n in range(MEETINGS):
        id = offered(racing)
        pair = [(confirm, id), (decline, id)]
        won, (refused,) = one_won(meet(racing, *(pair if n % 2 else pair[::-1])))
        scope = won.engagement.scopes[0]
        assert refused.current_state == scope.status
        assert bool(won.engagement.service_lines) == (scope.status == "active")
        events = events_of(arena, won.engagement)
        assert count(events, EventType.SCOPE_CONFIRMED, EventType.SCOPE_DECLINED) == 1


def test_one_deliverable_is_handed_in_once(racing: Service, arena: Store) -> None:
    for _ in range(MEETINGS):
        (id,) = confirmed(racing)
        won, (refused,) = one_won(meet(racing, *[(submit, id)] * 2))
        assert refused.current_state == "ready_for_acceptance"
        assert len(won.engagement.attempts) == 1
        events = events_of(arena, won.engagement)
        assert count(events, EventType.DELIVERABLE_SUBMITTED, EventType.CYCLE_COMPLETED) == 2


def test_two_last_submissions_complete_their_cycle_once(racing: Service, arena: Store) -> None:
    for _ in range(MEETINGS):
        ids = confirmed(racing, seed_proposal())
        answers = meet(racing, *((submit, id) for id in ids))
        assert all(isinstance(answer, Result) for answer in answers), "they are about different things: both are heard"
        last = max(answers, key=lambda answer: len(answer.events))
        events = events_of(arena, last.engagement)
        assert count(events, EventType.CYCLE_COMPLETED) == 1
        assert count(events, EventType.DELIVERABLE_READY) == len(ids)


def test_two_last_acceptances_end_the_scope_once(racing: Service, arena: Store) -> None:
    for _ in range(MEETINGS):
        ids = confirmed(racing, seed_proposal())
        for id in ids:
            racing.submit(LOCAL, id, Submit())
        answers = meet(racing, *((accept, id) for id in ids))
        assert all(isinstance(answer, Result) for answer in answers)
        last = max(answers, key=lambda answer: len(answer.events))
        assert last.engagement.scopes[0].status == "completed"
        events = events_of(arena, last.engagement)
        assert count(events, EventType.SCOPE_COMPLETED) == 1
        assert count(events, EventType.PAYMENT_DUE) == 2


def test_engagements_that_have_nothing_to_do_with_each_other_all_go_on(racing: Service, arena: Store) -> None:
    crowd = 8
    for _ in range(max(MEETINGS // 10, 2)):
        ids = [offered(racing) for _ in range(crowd)]
        answers = meet(racing, *((confirm, id) for id in ids))
        assert all(isinstance(answer, Result) for answer in answers)


def test_sequences_rise_in_the_order_in_which_a_reader_sees_them(racing: Service, arena: Store) -> None:
    ended = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        cursor = None
        while True:
            last_look = ended.is_set()
            with arena.read() as connection:
                page = feed(connection, LOCAL, EventFilter(), limit=100, cursor=cursor)
            seen.extend(event.sequence for event in page.events)
            cursor = page.cursor
            if last_look and not page.has_more:
                return

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        for _ in range(MEETINGS // 4):
            meet(racing, *((confirm, offered(racing)) for _ in range(4)))
    finally:
        ended.set()
        reader.join(timeout=60)
    assert not reader.is_alive()
    assert seen == list(range(1, arena.last_sequence + 1)), "no gap, no repetition"
