"""What the store tells a forecast, from engagements whose story is written out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.forecast import FinishedCycle, History, OpenCycle, OpenMilestone, OpenWork, TooLittleHistory, simulate
from ods_core.lifecycle import Terminate
from ods_core.queries.history import history, open_work
from ods_core.service import Service
from tests.queries.history import RandomHistory, Teller, at, ids, pay
from tests.seed import CLIENT, two_cycle_proposal

OTHER = {"organization_id": "ORG-26-000777", "workspace_id": "WS-26-000777"}


@pytest.fixture
def teller(service: Service, clock: MovingClock) -> Teller:
    """Commands at moments."""
    return Teller(service, clock)


def known(teller: Teller, **who: object) -> History:
    with teller.service.store.read() as connection:
        return history(connection, who.pop("caller", LOCAL), **who)


def ahead(teller: Teller, **who: object) -> OpenWork:
    with teller.service.store.read() as connection:
        return open_work(connection, who.pop("caller", LOCAL), **who)


def two_cycles(teller: Teller) -> list[str]:
    """The example in two cycles (1 to 14 May, 15 to 21 May), confirmed on 28 April; its deliverables."""
    proposal = two_cycle_proposal()
    request_id = teller.request(at(4, 15))
    scope_id = teller.propose(at(4, 20), request_id, cycles=proposal.cycles, payment_terms=proposal.payment_terms)
    return ids(teller.confirm(at(4, 28), scope_id))


def test_a_finished_cycle_tells_its_slip_its_review_and_its_acceptance(teller: Teller) -> None:
    fix, suite, _ = two_cycles(teller)
    teller.submit(at(5, 16), fix, suite)
    teller.accept(at(5, 17), suite)
    teller.reject(at(5, 18), fix)
    teller.submit(at(5, 22), fix)
    teller.accept(at(5, 23), fix)
    assert known(teller).cycles == [FinishedCycle(slip=2, review=2, acceptance=7, remediated=True)]


def test_a_cycle_that_began_late_is_not_blamed_for_it(teller: Teller) -> None:
    """The second cycle begins on the 20th instead of the 15th and takes one day more than its seven."""
    fix, suite, deploy = two_cycles(teller)
    teller.submit(at(5, 14), fix, suite)
    teller.accept(at(5, 20), fix, suite)
    teller.submit(at(5, 27), deploy)
    teller.accept(at(5, 27, 15), deploy)
    assert known(teller).cycles == [
        FinishedCycle(slip=1, review=0, acceptance=0, remediated=False),
        FinishedCycle(slip=0, review=6, acceptance=6, remediated=False),
    ]


def test_payments_tell_the_days_from_due_to_paid_and_unpaid_ones_nothing(teller: Teller) -> None:
    first = teller.running(at(5, 1), payment_terms="50% on confirmation net 10, 50% on final acceptance")
    teller.running(at(5, 2), payment_terms="50% on confirmation net 10, 50% on final acceptance")
    pay(teller.service, first.milestones[0].id, at(5, 14))
    assert known(teller).payment_delays == [3]


def test_open_work_is_the_cycles_that_are_not_accepted_and_the_money_that_is_not_here(teller: Teller) -> None:
    fix, suite, _ = two_cycles(teller)
    teller.submit(at(5, 14), fix, suite)
    teller.accept(at(5, 15), fix, suite)
    work = ahead(teller)
    (scope,) = work.scopes
    assert list(scope.cycles) == [OpenCycle(date(2026, 5, 15), date(2026, 5, 21), started_on=date(2026, 5, 15))]
    confirmation, first, deliverable, final = work.milestones
    assert (confirmation.minor, confirmation.due_on) == (310_000, date(2026, 5, 5))
    assert (first.minor, first.due_on) == (465_000, date(2026, 5, 22))
    assert (deliverable.minor, deliverable.cycle) == (155_000, 0)
    assert (final.minor, final.cycle, final.net_days) == (620_000, 0, 7)


def test_milestones_wait_for_the_cycle_that_releases_them(teller: Teller) -> None:
    two_cycles(teller)
    assert [m.cycle for m in ahead(teller).milestones] == [None, 0, 1, 1]


def test_a_cycle_under_remediation_says_so(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.submit(at(5, 9), *ids(engagement))
    teller.reject(at(5, 10), ids(engagement)[0])
    (scope,) = ahead(teller).scopes
    assert (scope.cycles[0].completed_on, scope.cycles[0].in_remediation) == (date(2026, 5, 9), True)


def test_what_is_paid_in_part_is_open_for_the_rest(teller: Teller) -> None:
    engagement = teller.running(at(5, 1), currency="JPY", fixed_price=Decimal(1001))
    pay(teller.service, engagement.milestones[0].id, at(5, 3), paid=Decimal(100))
    assert [m.minor for m in ahead(teller).milestones] == [401, 500]


def test_a_terminated_scope_leaves_only_what_was_due(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.service.terminate(LOCAL, engagement.scopes[0].id, Terminate("The need is gone."))
    work = ahead(teller)
    assert not work.scopes
    assert [m.id for m in work.milestones] == [engagement.milestones[0].id]


def test_nobody_sees_work_of_another_organisation(teller: Teller) -> None:
    mine, other = teller.running(at(5, 1)), teller.running(at(5, 1), **OTHER)
    for engagement in (mine, other):
        teller.submit(at(5, 11), *ids(engagement))
        teller.accept(at(5, 11), *ids(engagement))
    assert {m.scope_id for m in ahead(teller, caller=CLIENT).milestones} == {mine.scopes[0].id}
    assert len(known(teller, caller=CLIENT).cycles) == 1
    assert len(known(teller).cycles) == 2
    assert {m.scope_id for m in ahead(teller, organization_id=OTHER["organization_id"]).milestones} == {
        other.scopes[0].id
    }


def test_any_store_can_be_forecast(service: Service, teller: Teller) -> None:
    """Random engagements in every state: the open money is that of the records, to the minor unit."""
    RandomHistory(service, teller.clock, seed=11).run(engagements=30, steps=600)
    found, work = known(teller), ahead(teller)
    answer = simulate(found, work, now=teller.clock(), seed=1, runs=50)
    assert not isinstance(answer, TooLittleHistory)
    for currency, cash in answer.by_week.items():
        total = sum(m.minor for m in work.milestones if m.currency == currency)
        assert (cash.runs.sum(axis=1) == total).all()
    assert all(isinstance(m, OpenMilestone) and m.minor > 0 for m in work.milestones)
    assert len(answer.scopes) == len(work.scopes) > 0
