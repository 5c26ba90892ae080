"""From a confirmed scope to its last acceptance: dates, payments, reviews, remediation, the end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import EventType
from ods_core.basics.ids import is_id
from ods_core.basics.records import CriterionNotMet, Evidence
from ods_core.basics.resources import (
    cycle_resource,
    deliverable_resource,
    expected_on,
    overdue_days,
    service_line_resource,
    statement,
)
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    PaymentKind,
    PaymentStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
    SilencePolicy,
)
from ods_core.lifecycle import Accept, Confirm, Policy, Reject, Submit, Terminate
from tests.lifecycle.play import Play, active, at, completed, in_review, proposed, terminated
from tests.seed import seed_proposal, two_cycle_proposal

P = PaymentStatus


def statuses(play: Play) -> list[PaymentStatus]:
    return [m.status for m in play.milestones]


def test_confirming_opens_the_service_line_and_makes_the_first_payment_due() -> None:
    play = proposed().confirm()
    line = play.engagement.service_line
    assert line
    shown = service_line_resource(play.engagement, line)
    assert (shown["execution_model"], shown["billing_model"]) == ("timeboxed_outcome", "fixed_scope")
    assert (line.status, line.scope_id) == (ServiceLineStatus.ACTIVE, play.scope.id)
    assert is_id(line.id, "LIN")
    upfront, final = play.milestones
    assert (upfront.amount, upfront.status, upfront.kind) == (Decimal("7750.00"), P.DUE, PaymentKind.UPFRONT)
    assert upfront.description == "50% upfront on scope confirmation"
    assert upfront.due_at == datetime(2026, 4, 22, tzinfo=UTC)
    assert (final.status, final.due_at, final.kind) == (P.SCHEDULED, None, PaymentKind.FINAL)
    assert play.cycle(1).status == CycleStatus.IN_PROGRESS
    assert play.cycle(1).started_at == play.now
    assert play.engagement.request.status == RequestStatus.SCOPED


def test_without_an_upfront_clause_nothing_is_due_on_confirmation() -> None:
    play = Play().propose(seed_proposal(payment_terms="100% on final acceptance")).confirm()
    assert statuses(play) == [P.SCHEDULED]
    assert EventType.PAYMENT_DUE not in play.told


def test_the_caller_confirms_unless_somebody_else_is_named() -> None:
    assert proposed().confirm().scope.confirmed_by == "USR-26-000044"
    play = proposed()
    assert play.do(Confirm("USR-26-000099"), play.scope.id).scope.confirmed_by == "USR-26-000099"


@pytest.mark.parametrize("days", [0, 1, 6, 16])
def test_confirming_by_the_planned_start_moves_nothing(days: int) -> None:
    play = Play().propose(two_cycle_proposal(valid_until=date(2026, 6, 30))).wait(days=days).confirm()
    assert play.scope.shifted_days == 0
    assert [c.planned_start for c in play.engagement.cycles] == [date(2026, 5, 1), date(2026, 5, 15)]


@pytest.mark.parametrize("late", [1, 2, 3, 40])
def test_confirming_late_moves_every_cycle_by_the_same_days_and_keeps_the_baseline(late: int) -> None:
    play = Play().propose(two_cycle_proposal(valid_until=date(2026, 6, 30))).until(at(5, 1)).wait(days=late).confirm()
    by = timedelta(days=late)
    assert play.scope.shifted_days == late
    assert play.cycle(1).planned_start == play.now.date()
    for cycle, start, end in (
        (play.cycle(1), date(2026, 5, 1), date(2026, 5, 14)),
        (play.cycle(2), date(2026, 5, 15), date(2026, 5, 21)),
    ):
        assert (cycle.planned_start, cycle.planned_end) == (start + by, end + by)
        assert (cycle.baseline_start, cycle.baseline_end) == (start, end)
    told = {e.type: e.data for e in play.events}[EventType.SCOPE_CONFIRMED]
    assert told["cycles"][1]["planned_end"] == date(2026, 5, 21) + by


def test_starting_is_optional_and_both_clocks_are_kept() -> None:
    play = active().until(at(5, 2)).start(1).until(at(5, 10)).submit(1)
    started, submitted = play.deliverable(1), play.until(at(5, 12)).submit(2).deliverable(2)
    assert (started.started_at, started.submitted_at) == (at(5, 2), at(5, 10))
    assert (submitted.started_at, submitted.submitted_at) == (at(5, 12), at(5, 12))
    play.until(at(5, 20)).accept(1)
    (attempt,) = play.engagement.attempts_of(started.id)
    assert attempt.ready_at == at(5, 12), "reviewable once the whole cycle is submitted"
    assert attempt.decided_at == at(5, 20)
    assert attempt.ready_at - attempt.started_at == timedelta(days=10), "the provider's time"
    assert attempt.decided_at - attempt.ready_at == timedelta(days=8), "the client's time"
    assert play.cycle(1).completed_at == at(5, 12), "a slow review does not make a cycle late"


def test_a_cycle_is_completed_by_its_last_submission_and_then_all_of_it_is_reviewable() -> None:
    play = active().submit(2)
    assert (play.cycle(1).status, play.deliverable(2).status) == (CycleStatus.IN_PROGRESS, DeliverableStatus.COMPLETED)
    play.wait(days=1).submit(1)
    assert play.cycle(1).status == CycleStatus.COMPLETED
    assert {play.deliverable(n).status for n in (1, 2)} == {DeliverableStatus.READY_FOR_ACCEPTANCE}
    assert play.deliverable(3).status == DeliverableStatus.PENDING
    assert play.deliverable(1).ready_at == play.deliverable(2).ready_at == play.now


def test_a_submission_keeps_its_notes_and_evidence() -> None:
    evidence = (Evidence("Load test", "https://example.com/load"),)
    play = active()
    play.do(Submit("As agreed.", evidence), play.deliverable(1).id)
    (attempt,) = play.engagement.attempts
    assert (attempt.notes, attempt.evidence, attempt.submitted_by) == ("As agreed.", evidence, "USR-26-000044")


def test_accepting_a_whole_cycle_pays_for_it_and_starts_the_next() -> None:
    play = in_review().until(at(5, 13)).accept(1)
    assert play.cycle(1).status == CycleStatus.COMPLETED
    assert statuses(play) == [P.DUE, P.SCHEDULED, P.SCHEDULED, P.SCHEDULED]
    play.accept(2)
    assert (play.cycle(1).status, play.cycle(1).accepted_at) == (CycleStatus.ACCEPTED, at(5, 13))
    assert (play.cycle(2).status, play.cycle(2).started_at) == (CycleStatus.IN_PROGRESS, at(5, 13))
    assert statuses(play) == [P.DUE, P.DUE, P.SCHEDULED, P.SCHEDULED]
    assert play.milestones[1].due_at == datetime(2026, 5, 20, tzinfo=UTC)
    assert play.scope.status == ScopeStatus.ACTIVE


def test_the_last_acceptance_ends_the_scope_and_makes_the_final_payment_due() -> None:
    play = in_review().accept(1, 2).submit(3).until(at(5, 25)).accept(3)
    assert (play.scope.status, play.scope.completed_at) == (ScopeStatus.COMPLETED, at(5, 25))
    line = play.engagement.service_line
    assert line
    assert (line.status, line.closed_at) == (ServiceLineStatus.CLOSED, at(5, 25))
    assert statuses(play) == [P.DUE] * 4
    assert play.milestones[2].triggered_at == at(5, 25), "the deliverable's own milestone"
    assert statement(play.engagement, play.scope)["open"] == Decimal("15500.00")


def test_net_days_count_from_the_day_of_the_trigger() -> None:
    play = Play().propose(seed_proposal(payment_terms="100% on final acceptance net 30")).confirm().submit(1, 2, 3)
    play.until(at(5, 22, 23)).accept(1, 2, 3)
    assert play.milestones[0].due_at == datetime(2026, 6, 21, tzinfo=UTC)


def test_the_reviewer_is_the_caller_unless_somebody_else_is_named() -> None:
    play = in_review().accept(1)
    play.do(Accept("USR-26-000099", "Read."), play.deliverable(2).id)
    first, second = play.engagement.attempts
    assert (first.reviewer_id, first.decision) == ("USR-26-000044", Decision.ACCEPTED)
    assert (second.reviewer_id, second.review_notes) == ("USR-26-000099", "Read.")


def test_a_decision_is_final_for_its_attempt() -> None:
    play = in_review().accept(1)
    for decide in (lambda: play.accept(1), lambda: play.reject(1)):
        with pytest.raises(NotAllowed):
            decide()
    assert len(play.engagement.attempts_of(play.deliverable(1).id)) == 1


def test_a_rejection_opens_a_remediation_cycle_that_costs_nothing() -> None:
    play = in_review()
    before = play.milestones
    play.until(at(5, 16)).reject(2, 1)
    (remediation,) = play.remediations
    assert remediation.name == "Cycle 1 · Remediation 1"
    assert (remediation.kind, remediation.parent_cycle_id) == (CycleKind.REMEDIATION, play.cycle(1).id)
    assert (remediation.planned_start, remediation.planned_end) == (date(2026, 5, 16), date(2026, 5, 22))
    assert remediation.status == CycleStatus.IN_PROGRESS
    assert remediation.deliverable_ids == (play.deliverable(2).id,)
    assert cycle_resource(play.engagement, remediation)["price"] == Decimal("0.00")
    assert play.milestones == before
    assert play.cycle(1).status == CycleStatus.COMPLETED
    assert play.deliverable(1).status == DeliverableStatus.READY_FOR_ACCEPTANCE


def test_the_length_of_a_remediation_is_the_installations_choice() -> None:
    play = Play(Policy(remediation_days=3)).propose().confirm().submit(1, 2, 3).reject(1)
    (remediation,) = play.remediations
    assert (remediation.planned_end - remediation.planned_start).days == 2


def test_a_second_rejection_joins_the_remediation_that_is_still_running() -> None:
    play = in_review().reject(1).wait(days=1).reject(2)
    (remediation,) = play.remediations
    assert remediation.deliverable_ids == (play.deliverable(1).id, play.deliverable(2).id)
    assert {a.remediation_cycle_id for a in play.engagement.attempts} == {remediation.id}
    play.submit(1)
    assert play.remediations[0].status == CycleStatus.IN_PROGRESS
    assert play.deliverable(1).status == DeliverableStatus.COMPLETED, "not reviewable before the other is in"
    play.submit(2)
    assert play.remediations[0].status == CycleStatus.COMPLETED


def test_a_rejection_after_the_remediation_was_handed_in_opens_another() -> None:
    play = in_review().reject(1).submit(1).reject(2)
    assert [c.name for c in play.remediations] == ["Cycle 1 · Remediation 1", "Cycle 1 · Remediation 2"]
    assert play.remediations[1].deliverable_ids == (play.deliverable(2).id,)
    play.reject(1)
    assert play.remediations[1].deliverable_ids == (play.deliverable(2).id, play.deliverable(1).id)


def test_a_deliverable_stands_on_its_delivery_cycle_and_on_its_remediations() -> None:
    play = in_review().reject(1).submit(1).reject(1)
    shown = deliverable_resource(play.engagement, play.deliverable(1))
    assert shown["cycle_ids"] == [play.cycle(1).id, *(c.id for c in play.remediations)]
    assert shown["cycle_id"] == play.cycle(1).id
    for cycle in (play.cycle(1), *play.remediations):
        states = {d["id"]: d["status"] for d in cycle_resource(play.engagement, cycle)["deliverables"]}
        assert states[play.deliverable(1).id] == "rejected", "everywhere with its present state"


def test_a_remediated_cycle_is_accepted_with_its_remediation() -> None:
    play = in_review().accept(2).reject(1).wait(days=3).start(1).wait(days=1).submit(1)
    deliverable = play.deliverable(1)
    assert (deliverable.attempt, deliverable.decided_at) == (2, None)
    play.wait(days=1).accept(1)
    assert play.cycle(1).status == play.remediations[0].status == CycleStatus.ACCEPTED
    assert play.cycle(1).accepted_at == play.now
    assert play.cycle(2).status == CycleStatus.IN_PROGRESS
    first, second = play.engagement.attempts_of(deliverable.id)
    assert (first.decision, second.decision) == (Decision.REJECTED, Decision.ACCEPTED)
    assert (first.cycle_id, second.cycle_id) == (play.cycle(1).id, play.remediations[0].id)


def test_a_remediation_never_changes_price_or_milestones() -> None:
    straight, mended = completed(), in_review().reject(1).submit(1).reject(1).submit(1).accept(1, 2).submit(3).accept(3)
    assert [(m.amount, m.status, m.due_at) for m in mended.milestones] == [
        (m.amount, m.status, m.due_at) for m in straight.milestones
    ]
    assert mended.scope == straight.scope


def test_the_same_criterion_failed_twice_is_going_in_circles() -> None:
    play = in_review().reject(1, 2).submit(1)
    assert EventType.DELIVERABLE_ESCALATED not in play.told
    play.wait(days=1).reject(1, 1, 2)
    assert play.deliverable(1).escalated_at == play.now
    assert play.told[-1] == EventType.DELIVERABLE_ESCALATED


def test_different_criteria_are_not_a_circle_until_the_third_rejection() -> None:
    play = in_review().reject(1, 1).submit(1).reject(1, 2).submit(1)
    assert play.deliverable(1).escalated_at is None
    play.reject(1, 3)
    assert play.deliverable(1).escalated_at == play.now


def test_a_circle_is_told_once() -> None:
    play = in_review()
    for _ in range(5):
        play.reject(1, 1).wait(days=1).submit(1)
    told = [event.type for event in play.history]
    assert told.count(EventType.DELIVERABLE_ESCALATED) == 1
    assert told.count(EventType.DELIVERABLE_REJECTED) == 5


def test_a_rejection_keeps_its_reason_its_criteria_and_their_evidence() -> None:
    play = in_review()
    not_met = (CriterionNotMet(1, "Coverage report, page 2: 84%."),)
    play.do(Reject("Coverage is below 90%.", "USR-26-000099", not_met, "Please look."), play.deliverable(2).id)
    attempt = deliverable_resource(play.engagement, play.deliverable(2))["attempts"][0]
    assert attempt["rejection_reason"] == "Coverage is below 90%."
    assert attempt["criteria_not_met"] == [{"criterion": 1, "evidence": "Coverage report, page 2: 84%."}]
    assert (attempt["reviewer_id"], attempt["review_notes"]) == ("USR-26-000099", "Please look.")
    assert attempt["remediation_cycle_id"] == play.remediations[0].id


def test_terminating_keeps_what_was_due_and_voids_the_rest() -> None:
    play = in_review().accept(1, 2).start(3).until(at(5, 18))
    play.do(Terminate("The project was sold."), play.scope.id)
    assert (play.scope.status, play.scope.cancelled_at) == (ScopeStatus.CANCELLED, at(5, 18))
    assert play.scope.cancellation_reason == "The project was sold."
    assert statuses(play) == [P.DUE, P.DUE, P.VOID, P.VOID]
    assert [c.status for c in play.engagement.cycles] == [CycleStatus.ACCEPTED, CycleStatus.CANCELLED]
    assert [d.status.value for d in play.engagement.deliverables] == ["accepted", "accepted", "cancelled"]
    line = play.engagement.service_line
    assert line
    assert (line.status, line.closed_at) == (ServiceLineStatus.CLOSED, at(5, 18))
    shown = statement(play.engagement, play.scope)
    assert (shown["open"], shown["void"], shown["scheduled"]) == (Decimal("7750.00"), Decimal("7750.00"), Decimal(0))


def test_a_terminated_engagement_can_be_looked_at_and_nothing_else() -> None:
    play = terminated()
    assert play.engagement.current_scope == play.scope
    assert play.engagement.request.status == RequestStatus.SCOPED
    for again in (lambda: play.submit(1), lambda: play.confirm(), lambda: play.accept(1)):
        with pytest.raises(NotAllowed):
            again()


def test_price_is_received_open_scheduled_and_void_at_every_step() -> None:
    play = Play().propose(two_cycle_proposal()).confirm()
    steps = [
        lambda: play.submit(1, 2),
        lambda: play.accept(1),
        lambda: play.reject(2),
        lambda: play.submit(2),
        lambda: play.accept(2),
        lambda: play.submit(3),
        lambda: play.accept(3),
    ]
    for step in steps:
        step()
        shown = statement(play.engagement, play.scope)
        parts = (shown["received"], shown["open"], shown["scheduled"], shown["void"])
        assert sum(parts) == shown["fixed_price"] == Decimal("15500.00")


def test_a_milestone_of_nothing_is_paid_as_soon_as_it_is_due() -> None:
    terms = "50% on confirmation, 50% on final acceptance"
    play = Play(currency="JPY", budget_max=None)
    play.propose(seed_proposal(currency="JPY", fixed_price=Decimal(1), payment_terms=terms)).confirm()
    assert [(m.amount, m.status) for m in play.milestones] == [(Decimal(1), P.DUE), (Decimal(0), P.SCHEDULED)]
    play.submit(1, 2, 3).accept(1, 2, 3)
    assert statuses(play) == [P.DUE, P.PAID]
    assert play.told[-2:] == [EventType.PAYMENT_DUE, EventType.PAYMENT_PAID]


def test_overdue_is_a_fact_and_not_a_state() -> None:
    play = proposed().confirm()
    upfront = play.milestones[0]
    assert overdue_days(upfront, datetime(2026, 4, 22, tzinfo=UTC)) == 0
    assert overdue_days(upfront, datetime(2026, 4, 22, 23, tzinfo=UTC)) == 0
    assert overdue_days(upfront, datetime(2026, 4, 25, 1, tzinfo=UTC)) == 3
    assert overdue_days(play.milestones[1], at(12, 1)) == 0
    assert upfront.status == P.DUE


def test_a_scheduled_payment_is_expected_at_the_end_of_what_it_hangs_on() -> None:
    play = active()
    days = [expected_on(play.engagement, m, 3) for m in play.milestones]
    assert days == [None, date(2026, 5, 24), date(2026, 5, 31), date(2026, 5, 31)]


def test_the_review_window_and_what_silence_means_are_kept_with_the_scope() -> None:
    play = Play().propose(seed_proposal(review_window_days=10, silence_policy=SilencePolicy.DEEMED_ACCEPTED))
    assert (play.scope.review_window_days, play.scope.silence_policy) == (10, SilencePolicy.DEEMED_ACCEPTED)
    assert proposed().scope.silence_policy == SilencePolicy.NONE


def test_a_scope_is_frozen_once_it_is_confirmed() -> None:
    play = active()
    before = play.scope
    play.submit(1, 2).reject(1, 1).submit(1).accept(1, 2)
    assert play.scope == before
    for at_start, now in zip(active().engagement.deliverables, play.engagement.deliverables, strict=True):
        assert (at_start.acceptance_criteria, at_start.title) == (now.acceptance_criteria, now.title)
    with pytest.raises(NotAllowed):
        play.propose(two_cycle_proposal())
