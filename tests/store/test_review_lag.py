"""How long a review usually takes: as of a day, from the decisions before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Accept, Confirm, Policy, Reject, Submit
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.seed import SUBMITTED, seed_proposal, seed_request


def reviewed(service: Service, clock: MovingClock, *lags: timedelta) -> None:
    """Engagements of three deliverables, each of which waits so long for its decision."""
    for lag in lags:
        request_id = service.submit_request(LOCAL, seed_request()).subject_id
        scope_id = service.propose(LOCAL, request_id, seed_proposal()).subject_id
        three = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
        for d in three:
            service.submit(LOCAL, d.id, Submit())
        clock.advance(seconds=lag.total_seconds())
        for d in three[1:]:
            service.accept(LOCAL, d.id, Accept())
        service.reject(LOCAL, three[0].id, Reject("Coverage is 84 %."))


def tomorrow(clock: MovingClock) -> date:
    return clock().date() + timedelta(days=1)


def test_with_fewer_than_eight_decisions_the_setting_holds(store: Store, service: Service, clock: MovingClock) -> None:
    reviewed(service, clock, timedelta(days=1), timedelta(days=1))
    clock.advance(days=1)
    assert store.usual_review(clock().date()) is None
    assert service.review_days() == 3
    assert Service(store, clock, Policy(review_days=6)).review_days() == 6


@pytest.mark.parametrize(
    ("lags", "days"),
    [
        ((1.0, 1.0, 5.0), 1),
        ((1.0, 1.01, 5.0), 2),
        ((5.0, 4.0, 1.0), 4),
        ((1.0, 2.0, 3.0, 9.0), 3),
        ((0.01, 0.01, 30.0), 1),
    ],
)
def test_it_is_the_median_of_all_decisions_in_whole_days_rounded_up(
    store: Store, service: Service, clock: MovingClock, lags: tuple[float, ...], days: int
) -> None:
    reviewed(service, clock, *(timedelta(days=lag) for lag in lags))
    assert store.usual_review(tomorrow(clock)) == days


def test_what_is_decided_today_counts_from_tomorrow(store: Store, service: Service, clock: MovingClock) -> None:
    reviewed(service, clock, *[timedelta(days=2)] * 3)
    assert service.review_days() == 3
    reviewed(service, clock, *[timedelta(hours=1)] * 9)
    clock.move_to(datetime.combine(tomorrow(clock), datetime.min.time(), UTC))
    assert service.review_days() == 1


def test_decisions_of_yesterday_that_come_late_still_count(store: Store, service: Service, clock: MovingClock) -> None:
    """A transaction that began before midnight is committed when somebody has asked for the new day already."""
    with service.store.write():
        assert store.usual_review(SUBMITTED.date() + timedelta(days=3)) is None
        reviewed(service, clock, *[timedelta(hours=4)] * 3)
    assert store.usual_review(SUBMITTED.date() + timedelta(days=3)) == 1


def expected_days(store: Store) -> list[object]:
    """When the payments that events tell of are expected, those that are scheduled, in the order of the events."""
    with store.read() as connection:
        told = connection.execute(select(t.events.c.data).order_by(t.events.c.sequence)).scalars()
        return [data["expected_on"] for data in told if data.get("expected_on")]


def test_an_event_keeps_the_date_that_was_expected_when_it_was_written(
    store: Store, service: Service, clock: MovingClock
) -> None:
    reviewed(service, clock, timedelta(hours=1))
    plan = seed_proposal().cycles[-1].planned_end
    first = expected_days(store)
    assert set(first) == {(plan + timedelta(days=3 + 7)).isoformat()}
    reviewed(service, clock, *[timedelta(days=9)] * 3)
    clock.advance(days=1)
    assert service.review_days() == 9
    expected = (
        plan + timedelta(days=(clock().date() - seed_proposal().cycles[0].planned_start).days + 9 + 7)
    ).isoformat()
    reviewed(service, clock, timedelta(hours=1))
    told = expected_days(store)
    assert told[: len(first)] == first
    assert told[-1] == expected
