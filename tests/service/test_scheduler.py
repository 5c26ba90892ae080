"""The clock at work: what is due is carried out once, whoever else decides, fails or looks at the same time."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, NotAllowed, NotFound
from ods_core.basics.events import EventType
from ods_core.basics.records import Engagement
from ods_core.basics.roles import ALL_ROLES, LOCAL
from ods_core.basics.states import DeliverableStatus, Kind, ScopeStatus, SilencePolicy
from ods_core.lifecycle import Accept, Confirm, Lapse, RemindApprover, Submit, Terminate, alarms
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.invariants import check
from ods_core.queries.lists import engagement_of
from ods_core.service import Result, Scheduler, Service
from ods_core.service.scheduler import DUTIES, Duty
from ods_core.store import Store, due
from ods_core.store import tables as t
from tests.seed import FIX, SUBMITTED, seed_proposal, seed_request

ACCEPTED, REJECTED, NONE = SilencePolicy.DEEMED_ACCEPTED, SilencePolicy.DEEMED_REJECTED, SilencePolicy.NONE


@pytest.fixture
def scheduler(service: Service, store: Store) -> Iterator[Scheduler]:
    """One that looks when it is asked to; whatever it did, the store is in order afterwards."""
    yield Scheduler(service, 60)
    with store.read() as connection:
        assert check(connection) == []


def offered(service: Service, policy: SilencePolicy = NONE, days: int | None = None, **more: Any) -> str:
    """The id of a proposal of one deliverable."""
    cycle = seed_proposal().cycles[0]
    whole = cycle.__class__("Cycle 1", cycle.planned_start, cycle.planned_end, ("fix",))
    proposal = seed_proposal(
        deliverables=(FIX,), cycles=(whole,), silence_policy=policy, review_window_days=days, **more
    )
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    return service.propose(LOCAL, request_id, proposal).subject_id


def in_review(service: Service, policy: SilencePolicy = NONE, days: int | None = None) -> str:
    """The id of a deliverable that waits for its decision."""
    (d,) = service.confirm(LOCAL, offered(service, policy, days), Confirm()).engagement.deliverables
    service.submit(LOCAL, d.id, Submit())
    return d.id


def of(store: Store, kind: Kind, id: str) -> Engagement:
    with store.read() as connection:
        return engagement_of(connection, LOCAL, kind, id)


def told(store: Store, *types: EventType) -> Counter[str]:
    """How often each thing was told of, in events of these types."""
    with store.read() as connection:
        found = feed(connection, LOCAL, EventFilter(types=[*types]), limit=5_000)
    return Counter(event.subject_id for event in found.events)


DECIDED = (EventType.DELIVERABLE_ACCEPTED, EventType.DELIVERABLE_REJECTED)


def test_a_look_decides_what_has_lapsed_and_leaves_the_rest(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    early, late = in_review(service, ACCEPTED, 3), in_review(service, REJECTED, 9)
    silent = in_review(service, NONE, 3)
    clock.advance(days=3, seconds=-1)
    assert scheduler.look()["lapsed reviews"] == 0
    clock.advance(seconds=1)
    assert scheduler.look()["lapsed reviews"] == 1
    states = [of(store, Kind.DELIVERABLE, id).deliverable(id).status for id in (early, late, silent)]
    assert states == ["accepted", "ready_for_acceptance", "ready_for_acceptance"]
    assert told(store, *DECIDED) == {early: 1}
    clock.advance(days=6)
    assert scheduler.look()["lapsed reviews"] == 1
    assert of(store, Kind.DELIVERABLE, late).deliverable(late).status == "rejected"
    assert scheduler.look() == {}


def test_a_look_reminds_once_however_often_it_looks(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    windowed, aged, pending = in_review(service, ACCEPTED, 10), in_review(service), offered(service)
    clock.advance(days=7)
    assert scheduler.look() == {"reminders to review": 1}, "the one without a window has waited for five days"
    clock.advance(days=1)
    assert scheduler.look() == {"reminders to review": 1}
    clock.advance(days=4)
    assert scheduler.look() == {"lapsed reviews": 1, "reminders to confirm": 1}
    assert scheduler.look() == {}
    again = Scheduler(service, 60)
    assert again.look() == {}, "nothing of it is kept in memory"
    assert told(store, EventType.DELIVERABLE_REVIEW_REMINDER) == {windowed: 1, aged: 1}
    assert told(store, EventType.SCOPE_EXPIRING) == {pending: 1}


def test_a_proposal_past_its_last_day_stays_pending_and_is_reminded_of_no_more(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    id = offered(service)
    clock.advance(days=15)
    assert scheduler.look() == {}
    assert of(store, Kind.SCOPE, id).scope(id).status == ScopeStatus.PENDING_CONFIRMATION


def test_a_terminated_scope_has_nothing_to_lapse(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    id = in_review(service, ACCEPTED, 2)
    service.terminate(LOCAL, of(store, Kind.DELIVERABLE, id).scopes[0].id, Terminate("Over."))
    clock.advance(days=9)
    assert scheduler.look() == {}


def test_more_than_a_batch_is_carried_out_in_one_look(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "BATCH", 3)
    monkeypatch.setattr(due.lapsed, "__defaults__", (3,))
    ids = [in_review(service, ACCEPTED, 1) for _ in range(7)]
    clock.advance(days=1)
    assert scheduler.look()["lapsed reviews"] == 7
    assert told(store, *DECIDED) == dict.fromkeys(ids, 1)


def test_one_that_fails_is_logged_left_alone_and_tried_again(
    service: Service,
    store: Store,
    clock: MovingClock,
    scheduler: Scheduler,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = in_review(service, ACCEPTED, 1), in_review(service, ACCEPTED, 1)
    clock.advance(days=1)
    give = Service.lapse

    def broken(self: Service, id: str) -> Result:
        if id == first:
            raise RuntimeError("the disk is full")
        return give(self, id)

    monkeypatch.setattr(scheduler, "duties", (_duty(broken),))
    with caplog.at_level(logging.ERROR, "ods.scheduler"):
        assert scheduler.look() == {"lapsed reviews": 1}
    assert "the disk is full" in caplog.text
    assert first in caplog.text
    assert told(store, *DECIDED) == {second: 1}
    monkeypatch.undo()
    assert scheduler.look()["lapsed reviews"] == 1
    assert told(store, *DECIDED) == {first: 1, second: 1}


def _duty(give: Any) -> Any:
    return Duty(DUTIES[0].name, DUTIES[0].find, give)


def test_a_database_that_cannot_be_asked_is_logged_and_asked_again(
    service: Service, clock: MovingClock, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    in_review(service, ACCEPTED, 1)
    clock.advance(days=1)

    def broken() -> Any:
        raise OSError("no file")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, "ods.scheduler"):
        patched.setattr(service, "clock", broken)
        assert scheduler.look() == {}
    assert caplog.text.count("could not look for") == 3
    assert scheduler.look()["lapsed reviews"] == 1


def test_nobody_but_the_system_gives_what_the_clock_gives(service: Service, clock: MovingClock) -> None:
    id, scope_id = in_review(service, ACCEPTED, 1), offered(service)
    clock.advance(days=13)
    assert LOCAL.roles == ALL_ROLES
    for subject, command in ((id, Lapse()), (scope_id, RemindApprover())):
        with pytest.raises(Forbidden, match="only the system can"):
            service._give(LOCAL, subject, command)


def test_what_is_not_there_is_not_found(service: Service) -> None:
    with pytest.raises(NotFound):
        service.lapse("DLV-26-999999")


def test_what_the_database_calls_due_is_what_the_rules_would_do(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    """Two ways to know what is due, from the alarms of each engagement and from SQL, agree at every moment."""
    for policy, days in ((ACCEPTED, 6), (REJECTED, 1), (NONE, 5), (NONE, None)):
        in_review(service, policy, days)
    offered(service, valid_until=SUBMITTED.date() + timedelta(days=5))
    finds = (due.lapsed, due.reviewers_to_remind, due.approvers_to_remind)
    for hour in range(0, 24 * 9, 12):
        clock.move_to(SUBMITTED + timedelta(hours=hour))
        with store.read() as connection:
            requests = [row[0] for row in connection.execute(select(t.requests.c.id))]
            found = sorted(id for find in finds for _, id in find(connection, clock(), 0))
        engagements = [of(store, Kind.REQUEST, id) for id in requests]
        ringing = [a for e in engagements for a in alarms(e) if a.when <= clock()]
        assert found == sorted(a.subject_id for a in ringing)
        if hour % 48 == 0:
            # Whoever is decided on needs no reminder any more: no more is done than rings, and nothing is left.
            assert len(set(found)) <= sum(scheduler.look().values()) <= len(ringing)
            with store.read() as connection:
                assert [find(connection, clock(), 0) for find in finds] == [[], [], []]


def meet(service: Service, id: str) -> tuple[list[Result], list[NotAllowed]]:
    """A person, and three clocks as of several servers, decide in the same moment."""
    gate = threading.Barrier(4)
    won: list[Result] = []
    lost: list[NotAllowed] = []

    def give(act: Any) -> None:
        gate.wait()
        try:
            won.append(act())
        except NotAllowed as refused:
            lost.append(refused)

    acts = [lambda: service.accept(LOCAL, id, Accept())] + [lambda: service.lapse(id)] * 3
    threads = [threading.Thread(target=give, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return won, lost


def test_a_person_and_the_clock_in_the_same_moment_leave_one_decision(
    service: Service, store: Store, clock: MovingClock, scheduler: Scheduler
) -> None:
    winners: Counter[bool] = Counter()
    for n in range(20):
        id = in_review(service, REJECTED, 1)
        clock.advance(days=1)
        won, lost = meet(service, id)
        assert len(won) == 1
        assert len(lost) == 3
        (attempt,) = won[0].engagement.attempts
        assert attempt.deemed == (attempt.decision == "rejected")
        assert all(refused.current_state == attempt.decision for refused in lost)
        assert told(store, *DECIDED)[id] == 1, f"meeting {n}"
        winners[attempt.deemed] += 1
    assert sum(winners.values()) == 20


def test_it_works_by_itself_and_ends_when_it_is_told_to(service: Service, store: Store, clock: MovingClock) -> None:
    id = in_review(service, ACCEPTED, 1)
    scheduler = Scheduler(service, 0.01)
    scheduler.start()
    try:
        clock.advance(days=1)
        for _ in range(1_000):
            if of(store, Kind.DELIVERABLE, id).deliverable(id).status == DeliverableStatus.ACCEPTED:
                break
            time.sleep(0.01)
        assert told(store, *DECIDED) == {id: 1}
    finally:
        scheduler.stop()
    assert not scheduler._thread.is_alive()
    later = in_review(service, ACCEPTED, 1)
    clock.advance(days=2)
    assert told(store, *DECIDED) == {id: 1}
    assert of(store, Kind.DELIVERABLE, later).deliverable(later).status == DeliverableStatus.READY_FOR_ACCEPTANCE


def test_told_to_end_it_leaves_the_rest_for_the_next_start(service: Service, store: Store, clock: MovingClock) -> None:
    ids = [in_review(service, ACCEPTED, 1) for _ in range(5)]
    clock.advance(days=1)
    scheduler = Scheduler(service, 60)
    store.on_commit(lambda events: scheduler.stop())
    assert scheduler.look() == {"lapsed reviews": 1}
    assert Scheduler(service, 60).look()["lapsed reviews"] == 4
    assert told(store, *DECIDED) == dict.fromkeys(ids, 1)


def test_while_it_works_people_get_their_turn(service: Service, store: Store, clock: MovingClock) -> None:
    """It rests between two commands, so that a person's command waits for one of its own, not for all of them."""
    ids = [in_review(service, ACCEPTED, 1) for _ in range(40)]
    mine = in_review(service)
    clock.advance(days=1)
    scheduler = Scheduler(service, 60)
    seen: list[str] = []
    store.on_commit(lambda events: seen.append(events[0].subject_id))
    store.on_commit(lambda events: began.set())
    began = threading.Event()
    working = threading.Thread(target=scheduler.look)
    working.start()
    assert began.wait(10)
    service.accept(LOCAL, mine, Accept())
    working.join(60)
    assert sorted(seen) == sorted([*ids, mine])
    assert seen.index(mine) < len(ids), "heard before the clock was through"
