"""Cycles as the Gantt shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import CycleKind, CycleStatus, ScopeStatus
from ods_core.lifecycle import Terminate
from ods_core.queries.timeline import Timeline, TimelineFilter, TimelineRow, confirmed_scopes, milestones, timeline
from tests.queries.history import Teller, at, ids
from tests.seed import two_cycle_proposal


def shown(teller: Teller, caller: Caller = LOCAL, newest: int = 500, **wanted: object) -> list[TimelineRow]:
    with teller.service.store.read() as connection:
        return [*timeline(connection, caller, TimelineFilter(**wanted), newest=newest).rows]


def test_a_proposal_nobody_confirmed_is_no_work(teller: Teller) -> None:
    teller.propose(at(4, 17), teller.request(at(4, 15)))
    assert shown(teller) == []


def test_a_late_confirmation_shows_as_drift_from_the_baseline(teller: Teller) -> None:
    scope_id = teller.propose(at(4, 17), teller.request(at(4, 15)), valid_until=date(2026, 5, 30))
    teller.confirm(at(5, 4), scope_id)
    (row,) = shown(teller)
    assert (row.planned_start, row.baseline_start) == (date(2026, 5, 4), date(2026, 5, 1))
    assert row.drift_days == 3


def test_lateness_is_counted_to_submission_and_while_it_runs_to_today(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    (row,) = shown(teller)
    assert row.late_days(date(2026, 5, 11)) == 0
    assert row.late_days(date(2026, 5, 14)) == 3
    teller.submit(at(5, 9), *ids(engagement))
    teller.accept(at(6, 30), *ids(engagement))
    (row,) = shown(teller)
    assert row.late_days(date(2026, 7, 1)) == -2
    assert row.finished_at == at(5, 9)


def test_a_cancelled_cycle_is_not_late(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.service.terminate(LOCAL, engagement.scopes[0].id, Terminate("The need is gone."))
    (row,) = shown(teller)
    assert row.status == CycleStatus.CANCELLED
    assert row.late_days(date(2027, 1, 1)) == 0


def test_a_remediation_stands_before_the_cycle_that_comes_next(teller: Teller) -> None:
    proposal = two_cycle_proposal()
    scope_id = teller.propose(at(4, 16), teller.request(at(4, 15)), cycles=proposal.cycles)
    fix, suite, _ = ids(teller.confirm(at(4, 17), scope_id))
    teller.submit(at(5, 9), fix, suite)
    teller.reject(at(5, 20), fix)
    assert [row.name for row in shown(teller)] == ["Cycle 1", "Cycle 1 · Remediation 1", "Cycle 2"]


def test_remediations_stand_after_the_cycle_they_mend(teller: Teller) -> None:
    engagement = teller.running(at(5, 1))
    teller.submit(at(5, 9), *ids(engagement))
    teller.reject(at(5, 12), ids(engagement)[0])
    delivery, remediation = shown(teller)
    assert (delivery.kind, remediation.kind) == (CycleKind.DELIVERY, CycleKind.REMEDIATION)
    assert remediation.parent_cycle_id == delivery.id
    assert shown(teller, kind=CycleKind.REMEDIATION) == [remediation]


def test_the_newest_are_shown_and_the_rest_is_counted(teller: Teller) -> None:
    for day in (1, 2, 3):
        teller.running(at(5, day))
    with teller.service.store.read() as connection:
        found = timeline(connection, LOCAL, TimelineFilter(), newest=2)
    assert [row.scope_id for row in found.rows] == ["OSCOPE-26-000002", "OSCOPE-26-000003"]
    assert found.left_out == 1


def test_filters_by_scope_owner_state_and_period(teller: Teller) -> None:
    early = teller.running(at(5, 1))
    teller.submit(at(5, 9), *ids(early))
    teller.accept(at(5, 10), *ids(early))
    teller.running(at(7, 1), organization_id="ORG-26-000002")
    assert [r.scope_id for r in shown(teller, scope_id="OSCOPE-26-000001")] == ["OSCOPE-26-000001"]
    assert [r.scope_id for r in shown(teller, organization_id="ORG-26-000002")] == ["OSCOPE-26-000002"]
    assert [r.scope_id for r in shown(teller, scope_status=ScopeStatus.COMPLETED)] == ["OSCOPE-26-000001"]
    assert [r.scope_id for r in shown(teller, first=date(2026, 6, 1))] == ["OSCOPE-26-000002"]
    assert [r.scope_id for r in shown(teller, last=date(2026, 6, 1))] == ["OSCOPE-26-000001"]
    assert shown(teller, first=date(2026, 5, 13), last=date(2026, 6, 1)) == []


def test_work_that_goes_on_reaches_into_later_months(teller: Teller) -> None:
    teller.running(at(5, 1))
    assert len(shown(teller, first=date(2026, 9, 1))) == 1


def test_another_organisations_work_is_not_seen(teller: Teller) -> None:
    teller.running(at(5, 1))
    stranger = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.VIEWER}), "ORG-26-000002")
    with teller.service.store.read() as connection:
        assert timeline(connection, stranger, TimelineFilter()).rows == []
        assert confirmed_scopes(connection, stranger) == []
        assert [id for id, _ in confirmed_scopes(connection, LOCAL)] == ["OSCOPE-26-000001"]


def page(teller: Teller, newest: int, before: int | None = None) -> Timeline:
    with teller.service.store.read() as connection:
        return timeline(connection, LOCAL, TimelineFilter(), newest=newest, before=before)


def test_pages_go_back_in_time_and_no_newer_cycle_moves_them(teller: Teller) -> None:
    made = [teller.running(at(5, day)).cycles[0].id for day in range(1, 6)]
    first = page(teller, 2)
    assert (first.total, first.left_out) == (5, 3)
    teller.running(at(5, 20))
    second = page(teller, 2, first.older)
    third = page(teller, 2, second.older)
    assert [{row.id for row in p.rows} for p in (first, second, third)] == [{*made[3:]}, {*made[1:3]}, {made[0]}]
    assert (third.total, third.left_out, third.older) == (6, 0, None)


def test_money_stands_at_the_cycle_that_releases_it(teller: Teller) -> None:
    terms = "20% on confirmation, 30% on cycle 1 acceptance, 50% on final acceptance"
    scope_id = teller.propose(
        at(4, 16), teller.request(at(4, 15)), cycles=two_cycle_proposal().cycles, payment_terms=terms
    )
    fix, suite, _ = ids(teller.confirm(at(4, 17), scope_id))
    teller.submit(at(5, 9), fix, suite)
    teller.reject(at(5, 10), fix)
    rows = shown(teller)
    with teller.service.store.read() as connection:
        found = milestones(connection, rows)
    names = {row.id: row.name for row in rows}
    assert {(names[m.cycle_id], m.status.value, m.amount, m.currency) for m in found} == {
        ("Cycle 1", "scheduled", Decimal("4650.00"), "USD"),
        ("Cycle 2", "scheduled", Decimal("7750.00"), "USD"),
    }
