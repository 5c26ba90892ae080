"""What the courier promises: each event at least once, in order within an engagement, whatever receivers do."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import Event, EventType
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import DeliveryStatus, EndpointStatus
from ods_core.basics.webhooks import DeliveryAttempt, Endpoint
from ods_core.queries.webhooks import attempt_page, endpoint
from ods_core.service import Courier, CourierPolicy, Service, Webhooks
from ods_core.service.courier import MOST_STARTED, Courtesy
from ods_core.store import Store, outbox
from ods_core.webhooks import RetrySchedule
from tests.webhooks.conftest import at_work, events_of, request, whole_engagement
from tests.webhooks.receiver import Message, Receiver, Reply, receiving, until

ALL = ["*"]


def attempts(store: Store, id: str) -> list[DeliveryAttempt]:
    """The log of an endpoint, oldest first."""
    found: list[DeliveryAttempt] = []
    cursor = None
    while True:
        with store.read() as connection:
            page = attempt_page(connection, LOCAL, id, limit=100, cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found[::-1]


def shown(store: Store, id: str) -> Endpoint:
    with store.read() as connection:
        return endpoint(connection, LOCAL, id)[0]


def first_arrivals(receiver: Receiver, path: str) -> dict[str, list[int]]:
    """The sequences of an endpoint's messages by engagement, each where it came first."""
    by: dict[str, list[int]] = defaultdict(list)
    for message in list(receiver.messages):
        if message.path == path:
            event = message.event
            if event["sequence"] not in by[event["request_id"]]:
                by[event["request_id"]].append(event["sequence"])
    return by


def told_of_engagements(receiver: Receiver, path: str) -> set[str]:
    """What came at an endpoint, apart from what it hears of other endpoints."""
    return {m.headers["webhook-id"] for m in list(receiver.messages) if m.path == path and m.event["request_id"]}


def wanted_ids(store: Store) -> set[str]:
    """What an endpoint that asked for everything is to hear of: all but what is about itself."""
    return {e.id for e in events_of(store, lambda e: bool(e.request_id))}


def test_an_event_arrives_signed_and_as_the_feed_shows_it(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    with receiving() as receiver:
        made, secret = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        request(service)
        receiver.wait_for(1)
    (message,) = receiver.messages
    (event,) = events_of(store, lambda e: bool(e.request_id))
    body = Webhook(secret).verify(message.body, dict(message.headers))
    assert body["type"] == "ods.request.submitted"
    assert body["timestamp"] == "2026-04-15T10:00:00Z"
    assert body["data"]["id"] == message.headers["webhook-id"] == event.id
    assert body["data"]["data"]["title"] == event.data["title"]
    until(lambda: len(attempts(store, made.id)) == 1)
    (attempt,) = attempts(store, made.id)
    assert (attempt.status, attempt.response_status, attempt.attempt) == (DeliveryStatus.DELIVERED, 204, 1)
    assert (attempt.event_id, attempt.next_attempt_at, attempt.error) == (event.id, None, "")


def test_only_what_was_asked_for_is_sent_and_only_from_then_on(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    whole_engagement(service)
    with receiving() as receiver:
        webhooks.add(LOCAL, receiver.url + "/paid", ["ods.payment.due", "ods.scope.confirmed"])
        webhooks.add(LOCAL, receiver.url + "/other", ALL, "ORG-26-000001")
        webhooks.add(LOCAL, receiver.url + "/all", ALL, "ORG-26-090500")
        id = whole_engagement(service)
        later = events_of(store, lambda e: e.request_id == id)
        until(lambda: set(receiver.ids("/all")) == {e.id for e in later})
        chosen = [e.id for e in later if e.type in ("ods.payment.due", "ods.scope.confirmed")]
        until(lambda: receiver.ids("/paid") == chosen)
    assert receiver.ids("/other") == []


@pytest.mark.parametrize("seed", [1, 2])
def test_each_event_arrives_and_in_order_at_receivers_that_fail_hang_and_answer_late(
    seed: int, webhooks: Webhooks, service: Service, store: Store
) -> None:
    chance = random.Random(seed)

    def answer(message: Message) -> Reply:
        fate = chance.random()
        if fate < 0.3:
            return Reply(500)
        return Reply(204, wait=0.8 if fate < 0.4 else 0)

    with receiving(answer) as receiver, at_work(webhooks, read_seconds=0.3, connect_seconds=0.1):
        _, secret = webhooks.add(LOCAL, receiver.url + "/one", ALL)
        webhooks.add(LOCAL, receiver.url + "/two", ALL)
        for _ in range(2):
            whole_engagement(service)
        expected = wanted_ids(store)
        until(lambda: told_of_engagements(receiver, "/one") == told_of_engagements(receiver, "/two") == expected, 40)
    assert len(expected) > 40
    for path in ("/one", "/two"):
        for sequences in first_arrivals(receiver, path).values():
            assert sequences == sorted(sequences)
    for message in receiver.messages:
        if message.path == "/one":
            Webhook(secret).verify(message.body, dict(message.headers))


def test_a_failing_event_holds_back_its_engagement_and_no_other(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    held: list[str] = []

    def answer(message: Message) -> Reply:
        return Reply(500) if message.event["request_id"] in held else Reply(204)

    with receiving(answer) as receiver:
        webhooks.add(LOCAL, receiver.url + "/a", ALL)
        first = request(service)
        receiver.wait_for(1)
        held.append(first)
        service_events = [whole_engagement(service) for _ in range(2)]
        from ods_core.lifecycle import Cancel

        service.cancel(LOCAL, first, Cancel("Not needed."))
        until(lambda: Counter(m.event["request_id"] for m in receiver.messages)[first] > 2)
        others = {e.id for e in events_of(store, lambda e: e.request_id in service_events)}
        until(lambda: others <= set(receiver.ids()))
        held.clear()
        until(lambda: set(receiver.ids()) == wanted_ids(store))
    assert first_arrivals(receiver, "/a")[first] == sorted(first_arrivals(receiver, "/a")[first])


def test_later_events_of_a_failing_engagement_wait_for_it(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    """All events of one engagement while its first one fails: nothing else of it is sent until that is taken."""
    failing = threading.Event()
    failing.set()
    with receiving(lambda message: Reply(503 if failing.is_set() else 204)) as receiver:
        webhooks.add(LOCAL, receiver.url + "/a", ALL)
        whole_engagement(service)
        until(lambda: len(receiver.messages) >= 3)
        assert len(set(receiver.ids())) == 1
        failing.clear()
        until(lambda: set(receiver.ids()) == wanted_ids(store))
        taken = [m.headers["webhook-id"] for m, reply in receiver.replies if reply.status == 204]
    assert taken == [e.id for e in events_of(store, lambda e: bool(e.request_id))]


def test_a_receiver_that_hangs_does_not_hold_up_others(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    with receiving(lambda m: Reply(204, wait=30 if m.path == "/hangs" else 0)) as receiver:
        webhooks.add(LOCAL, receiver.url + "/hangs", ALL)
        webhooks.add(LOCAL, receiver.url + "/well", ALL)
        for _ in range(3):
            whole_engagement(service)
        until(lambda: told_of_engagements(receiver, "/well") == wanted_ids(store), 8)
        assert len(receiver.ids("/hangs")) < 30


def test_nothing_is_lost_when_the_courier_is_stopped_and_another_goes_on(
    webhooks: Webhooks, service: Service, store: Store
) -> None:
    chance = random.Random(3)
    with receiving(lambda message: Reply(500 if chance.random() < 0.3 else 204)) as receiver:
        webhooks.add(LOCAL, receiver.url + "/a", ALL)
        for part in range(3):
            with at_work(webhooks):
                whole_engagement(service)
                until(lambda part=part: len(receiver.messages) > 12 * (part + 1))
        with at_work(webhooks):
            until(lambda: set(receiver.ids()) == wanted_ids(store), 30)
    for sequences in first_arrivals(receiver, "/a").values():
        assert sequences == sorted(sequences)


def test_what_was_taken_and_written_down_is_not_sent_again(webhooks: Webhooks, service: Service, store: Store) -> None:
    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        with at_work(webhooks):
            whole_engagement(service)
            until(lambda: set(receiver.ids()) == wanted_ids(store))
        before = len(receiver.messages)
        with at_work(webhooks):
            request(service)
            until(lambda: set(receiver.ids()) == wanted_ids(store))
    assert len(receiver.messages) == before + 1
    assert len(attempts(store, made.id)) == before + 1


def test_gone_disables_an_endpoint_at_once_and_says_so_in_the_log(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    with receiving(lambda message: Reply(410 if message.path == "/gone" else 204)) as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/gone", ALL)
        webhooks.add(LOCAL, receiver.url + "/watcher", ["ods.webhook_endpoint.disabled"])
        request(service)
        until(lambda: shown(store, made.id).status == EndpointStatus.DISABLED)
        until(lambda: len(receiver.ids("/watcher")) == 1)
        request(service)
        time.sleep(0.5)
    assert len(told_of_engagements(receiver, "/gone")) <= 1
    assert len(receiver.ids("/gone")) <= 2, "the first, and one that was on its way with it"
    (told,) = events_of(store, lambda e: e.type == EventType.ENDPOINT_DISABLED)
    assert (told.subject_id, told.actor.id) == (made.id, "system")
    assert "410" in told.data["disabled_reason"]
    assert told.as_json()["request_id"] is None


def test_failing_for_the_whole_time_disables_and_enabling_sends_what_waited(
    webhooks: Webhooks, service: Service, store: Store
) -> None:
    short = RetrySchedule(timedelta(milliseconds=20), timedelta(seconds=0.6))
    failing = threading.Event()
    failing.set()
    with receiving(lambda message: Reply(500 if failing.is_set() else 204)) as receiver, at_work(webhooks, short):
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        whole_engagement(service)
        until(lambda: shown(store, made.id).status == EndpointStatus.DISABLED)
        assert "nothing got through" in str(shown(store, made.id).disabled_reason)
        assert len(set(receiver.ids())) == 1
        until(lambda: len(attempts(store, made.id)) >= 2)
        count = len(receiver.messages)
        whole_engagement(service)
        time.sleep(0.4)
        assert len(receiver.messages) == count, "nothing is sent while it is disabled"
        failing.clear()
        webhooks.enable(LOCAL, made.id)
        until(lambda: set(receiver.ids()) == wanted_ids(store))
    for sequences in first_arrivals(receiver, "/a").values():
        assert sequences == sorted(sequences)


def test_enabled_again_an_endpoint_has_its_whole_time_again(webhooks: Webhooks, service: Service, store: Store) -> None:
    short = RetrySchedule(timedelta(milliseconds=20), timedelta(seconds=0.5))
    with receiving(lambda message: Reply(500)) as receiver, at_work(webhooks, short):
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        request(service)
        until(lambda: not shown(store, made.id).is_enabled)
        before = len(receiver.messages)
        webhooks.enable(LOCAL, made.id)
        until(lambda: not shown(store, made.id).is_enabled)
        assert len(receiver.messages) >= before + 2
    assert len(events_of(store, lambda e: e.type == EventType.ENDPOINT_DISABLED)) == 2


def test_one_event_that_is_never_taken_while_others_are_is_given_up_and_its_engagement_goes_on(
    webhooks: Webhooks, service: Service, store: Store
) -> None:
    short = RetrySchedule(timedelta(milliseconds=20), timedelta(seconds=1.2))
    bad: list[str] = []

    def answer(message: Message) -> Reply:
        with_id = message.headers["webhook-id"]
        if not bad:
            bad.append(with_id)
        return Reply(500 if with_id in bad else 204)

    with receiving(answer) as receiver, at_work(webhooks, short):
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        id = whole_engagement(service)
        receiver.wait_for(1)
        given_up: list[Event] = []
        while not given_up:
            other = request(service)
            until(lambda other=other: other in {m.event["request_id"] for m in receiver.messages})
            given_up = events_of(store, lambda e: e.type == EventType.ENDPOINT_GAVE_UP)
        until(lambda: set(receiver.ids()) == wanted_ids(store))
    assert shown(store, made.id).is_enabled
    (told,) = events_of(store, lambda e: e.type == EventType.ENDPOINT_GAVE_UP)
    assert told.data["event_id"] == bad[0]
    assert [a.status for a in attempts(store, made.id) if a.event_id == bad[0]][-1] == DeliveryStatus.GIVEN_UP
    assert first_arrivals(receiver, "/a")[id] == sorted(first_arrivals(receiver, "/a")[id])


def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    replies = iter([Reply(429, {"Retry-After": "1"})])
    with receiving(lambda message: next(replies, Reply(204))) as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        request(service)
        receiver.wait_for(2)
    first, second = receiver.messages
    assert second.at - first.at >= 1.0
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    until(lambda: len(attempts(store, made.id)) == 2)
    failed, taken = attempts(store, made.id)
    assert (failed.status, failed.response_status, taken.attempt) == (DeliveryStatus.FAILED, 429, 2)
    assert failed.next_attempt_at is not None
    assert failed.next_attempt_at - failed.attempted_at >= timedelta(seconds=1)


def test_a_new_secret_signs_beside_the_old_one_until_the_overlap_is_over(
    webhooks: Webhooks, courier: Courier, service: Service, clock: MovingClock
) -> None:
    with receiving() as receiver:
        made, old = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        _, new = webhooks.rotate_secret(LOCAL, made.id)
        request(service)
        receiver.wait_for(1)
        clock.advance(hours=24)
        request(service)
        receiver.wait_for(2)
    during, after = receiver.messages
    for secret in (old, new):
        Webhook(secret).verify(during.body, dict(during.headers))
    Webhook(new).verify(after.body, dict(after.headers))
    assert len(after.headers["webhook-signature"].split()) == 1
    assert old != new


def test_a_test_event_goes_to_its_endpoint_alone_whatever_it_asked_for(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ["ods.payment.due"])
        webhooks.add(LOCAL, receiver.url + "/b", ALL)
        event = webhooks.send_test(LOCAL, made.id)
        request(service)
        until(lambda: len(receiver.ids("/a")) == 1 and told_of_engagements(receiver, "/b") == wanted_ids(store))
    assert receiver.ids("/a") == [event.id]
    assert event.id not in receiver.ids("/b")
    (message,) = [m for m in receiver.messages if m.path == "/a"]
    assert message.event["type"] == "ods.webhook_endpoint.test"
    assert message.event["subject"] == {"kind": "webhook_endpoint", "id": made.id}


def test_one_event_or_a_range_is_sent_again(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store, clock: MovingClock
) -> None:
    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ["ods.request.submitted"])
        ids = []
        for _ in range(3):
            clock.advance(days=1)
            request(service)
        ids = [e.id for e in events_of(store, lambda e: bool(e.request_id))]
        until(lambda: sorted(receiver.ids()) == ids)
        start = clock() - timedelta(days=1)

        assert webhooks.replay_range(LOCAL, made.id, start).events == 2
        until(lambda: sorted(receiver.ids()[3:]) == ids[1:])
        assert webhooks.replay_range(LOCAL, made.id, start, clock()).events == 1
        until(lambda: receiver.ids()[5:] == [ids[1]])
        assert webhooks.replay_event(LOCAL, made.id, ids[0]).events == 1
        until(lambda: receiver.ids()[6:] == [ids[0]])
        assert (
            webhooks.replay_range(LOCAL, made.id, clock() + timedelta(days=1), clock() + timedelta(days=2)).events == 0
        )
        until(lambda: len(attempts(store, made.id)) == 7)
    assert [a.is_replay for a in attempts(store, made.id)] == [False] * 3 + [True] * 4
    until(lambda: courses_of(store) == 1)


def courses_of(store: Store) -> int:

    with store.read() as connection:
        return len(outbox.courses(connection))


def test_a_replay_keeps_trying_like_everything_else(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store, clock: MovingClock
) -> None:
    chance, failing = random.Random(5), threading.Event()

    def answer(message: Message) -> Reply:
        return Reply(500 if failing.is_set() and chance.random() < 0.5 else 204)

    with receiving(answer) as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        whole_engagement(service)
        until(lambda: set(receiver.ids()) == wanted_ids(store))
        failing.set()
        count = len(receiver.replies)
        webhooks.replay_range(LOCAL, made.id, clock() - timedelta(days=1))
        until(
            lambda: (
                {m.headers["webhook-id"] for m, r in receiver.replies[count:] if r.status == 204} == wanted_ids(store)
            )
        )
        taken = [m.headers["webhook-id"] for m, r in receiver.replies[count:] if r.status == 204]
    assert taken == [e.id for e in events_of(store, lambda e: bool(e.request_id))]


def test_a_deleted_endpoint_hears_no_more_and_leaves_nothing_behind(
    webhooks: Webhooks, courier: Courier, service: Service, store: Store
) -> None:
    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        request(service)
        receiver.wait_for(1)
        webhooks.delete(LOCAL, made.id)
        request(service)
        until(lambda: courses_of(store) == 0)
        time.sleep(0.3)
    assert len(receiver.messages) == 1


def test_a_receiver_inside_is_not_connected_to_where_that_is_not_allowed(
    webhooks: Webhooks, service: Service, store: Store
) -> None:
    """Added while it was allowed; the guard looks again at each connection."""

    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        courier = Courier(webhooks, CourierPolicy(1, 1, RetrySchedule(timedelta(seconds=0.02), timedelta(seconds=60))))
        courier.start()
        request(service)
        until(lambda: len(attempts(store, made.id)) >= 2)
        courier.stop()
    assert receiver.messages == []
    assert "not a public address" in attempts(store, made.id)[0].error


def test_old_attempts_are_forgotten(webhooks: Webhooks, courier: Courier, service: Service, store: Store) -> None:
    with receiving() as receiver:
        made, _ = webhooks.add(LOCAL, receiver.url + "/a", ALL)
        request(service)
        until(lambda: len(attempts(store, made.id)) == 1)
    courier.now = lambda: datetime.now(UTC) + timedelta(days=31)
    courier._forget_old()
    assert attempts(store, made.id) == []


class TestCourtesy:
    """It gives way while commands are given."""

    @pytest.fixture
    def given(self) -> tuple[Courtesy, list[float], Callable[[], None]]:
        now, committed = [100.0], [5]
        courtesy = Courtesy(lambda: committed[0], lambda: now[0], lambda: 0.0, lambda: 1.0)

        def commit() -> None:
            committed[0] += 1

        return courtesy, now, commit

    def test_it_works_while_nobody_else_does(self, given: tuple[Courtesy, list[float], Callable[[], None]]) -> None:
        courtesy, now, commit = given
        assert courtesy.may_work()
        assert courtesy.share() == MOST_STARTED
        commit()
        assert not courtesy.may_work()
        now[0] += 0.2
        assert not courtesy.may_work()
        now[0] += 0.3
        assert courtesy.may_work()

    def test_of_many_commands_few_are_given_while_it_works(
        self, given: tuple[Courtesy, list[float], Callable[[], None]]
    ) -> None:
        courtesy, now, commit = given
        turns = 0
        for _ in range(6_000):
            now[0] += 0.01
            commit()
            turns += courtesy.may_work()
        assert 95 <= turns <= 100, "one in 0.6 seconds, of one minute"

    def test_it_rests_the_longer_the_more_its_work_took_and_the_more_programs_there_are(self) -> None:
        now, committed, used = [100.0], [5], [0.0]
        courtesy = Courtesy(lambda: committed[0], lambda: now[0], lambda: used[0], lambda: 2.0)
        turns = 0
        for _ in range(6_400):
            now[0] += 0.01
            committed[0] += 1
            if courtesy.may_work():
                turns += 1
                used[0] += 0.2
        assert 19 <= turns <= 21, "0.2 seconds of two that share a processor, every 3.2 seconds"

    def test_what_it_may_do_at_once_grows_while_more_is_waiting_and_is_little_again_after_a_rest(
        self, given: tuple[Courtesy, list[float], Callable[[], None]]
    ) -> None:
        courtesy, now, commit = given
        shares = []
        for _ in range(2_000):
            now[0] += 0.01
            commit()
            if courtesy.may_work():
                shares.append(courtesy.share())
                courtesy.was_used(courtesy.share())
        assert shares[:3] == [24, 32, 40]
        assert max(shares) == shares[-1] == 96
        now[0] += 1
        assert courtesy.may_work()
        commit()
        courtesy.may_work()
        assert courtesy.share() == 24
