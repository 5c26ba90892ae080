"""The review clock: what silence means once a window has passed, and the reminders before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid, NotAllowed
from ods_core.basics.events import SYSTEM, EventType
from ods_core.basics.states import Decision, DeliverableStatus, ScopeStatus, SilencePolicy, Verdict
from ods_core.lifecycle import Lapse, Policy, RemindApprover, RemindReviewer, alarms, decide
from tests.lifecycle.play import DELIVERABLES, SCOPES, Play, at, expired, in_review, proposed, silent
from tests.seed import seed_proposal, two_cycle_proposal

ACCEPTED, REJECTED, NONE = SilencePolicy.DEEMED_ACCEPTED, SilencePolicy.DEEMED_REJECTED, SilencePolicy.NONE


def tick(play: Play, command: Lapse | RemindReviewer | RemindApprover, subject_id: str) -> Play:
    """Give a command as the system gives it."""
    moment = replace(play.moment, actor=SYSTEM)
    outcome = decide(play.engagement, command, subject_id, moment)
    play.engagement, play.events = outcome.engagement, outcome.events
    play.history += outcome.events
    return play


def lapse(play: Play, position: int = 1) -> Play:
    return tick(play, Lapse(), play.deliverable(position).id)


def remind(play: Play, position: int = 1) -> Play:
    return tick(play, RemindReviewer(), play.deliverable(position).id)


# Windows


def test_a_window_runs_from_ready_for_as_many_days_as_the_scope_says() -> None:
    play = silent(ACCEPTED, days=10)
    (attempt,) = play.engagement.attempts_of(play.deliverable(1).id)
    assert attempt.decide_by == play.now + timedelta(days=10)
    assert in_review().engagement.attempts[0].decide_by is None, "a scope without a window has none"


@pytest.mark.parametrize("policy", [ACCEPTED, REJECTED])
def test_silence_decides_at_the_end_of_the_window_and_not_a_second_before(policy: SilencePolicy) -> None:
    play = silent(policy, days=3).wait(days=3, seconds=-1)
    before = play.engagement
    with pytest.raises(NotAllowed, match="reviewer has until 2026-") as refused:
        lapse(play)
    assert refused.value.current_state == "ready_for_acceptance"
    assert play.engagement is before
    assert lapse(play.wait(seconds=1)).deliverable(1).status in (DeliverableStatus.ACCEPTED, DeliverableStatus.REJECTED)


def test_a_deemed_acceptance_is_the_same_event_as_a_persons_by_the_system_and_marked() -> None:
    play = lapse(silent(ACCEPTED).wait(days=10))
    assert play.told[0] == EventType.DELIVERABLE_ACCEPTED
    assert play.events[0].actor == SYSTEM
    assert play.events[0].data["deemed"] is True
    (attempt,) = play.engagement.attempts_of(play.deliverable(1).id)
    assert (attempt.decision, attempt.deemed, attempt.reviewer_id) == (Decision.ACCEPTED, True, "system")
    assert attempt.decided_at == play.now
    assert {v["verdict"] for v in play.events[0].data["attempts"][0]["verdicts"]} == {"not_tested"}
    by_hand = silent(ACCEPTED).wait(days=10).accept(1)
    assert play.told == by_hand.told
    assert by_hand.events[0].data["deemed"] is False


def test_the_last_deemed_acceptance_ends_the_scope_and_makes_its_payments_due() -> None:
    play = lapse(lapse(silent(ACCEPTED).wait(days=10)), 2)
    assert EventType.CYCLE_STARTED in play.told
    play.submit(3).wait(days=10)
    lapse(play, 3)
    assert play.scope.status == ScopeStatus.COMPLETED
    assert play.told[-1] == EventType.PAYMENT_DUE


def test_a_deemed_rejection_names_its_window_and_opens_a_remediation_like_any_other() -> None:
    play = lapse(silent(REJECTED, days=1).wait(days=1))
    assert play.told == [EventType.DELIVERABLE_REJECTED, EventType.REMEDIATION_STARTED]
    (attempt,) = play.engagement.attempts_of(play.deliverable(1).id)
    assert attempt.deemed
    assert attempt.rejection_reason is not None
    assert attempt.rejection_reason.startswith("The review window of 1 day passed on 2026-")
    assert attempt.criteria_not_met == ()
    assert attempt.remediation_cycle_id == play.remediations[0].id
    assert play.remediations[0].planned_start == play.now.date()


def test_the_next_attempt_has_a_window_of_its_own() -> None:
    play = lapse(silent(REJECTED, days=4).wait(days=4)).wait(days=2).submit(1)
    first, second = play.engagement.attempts_of(play.deliverable(1).id)
    assert second.decide_by == play.now + timedelta(days=4)
    assert not second.deemed
    assert first.deemed
    with pytest.raises(NotAllowed, match="reviewer has until"):
        lapse(play)


def test_three_windows_that_pass_are_three_rejections_and_go_in_circles() -> None:
    play = silent(REJECTED, days=1)
    for _ in range(3):
        lapse(play.wait(days=1))
        last = play.told
        play.submit(1)
    assert last[-1] == EventType.DELIVERABLE_ESCALATED


@pytest.mark.parametrize("decision", ["accept", "reject"])
def test_a_person_who_decides_first_leaves_nothing_to_the_clock(decision: str) -> None:
    play = silent(ACCEPTED).wait(days=10)
    getattr(play, decision)(1)
    with pytest.raises(NotAllowed, match=f"is `{decision}ed` .decided at") as refused:
        lapse(play)
    assert refused.value.current_state == f"{decision}ed"


def test_what_silence_decided_nobody_undoes() -> None:
    play = lapse(silent(ACCEPTED).wait(days=10))
    with pytest.raises(NotAllowed, match="is `accepted`"):
        play.reject(1)
    with pytest.raises(NotAllowed, match="is `accepted`"):
        lapse(play)


def test_where_silence_means_nothing_the_clock_only_reminds() -> None:
    play = silent(NONE, days=10).wait(days=400)
    with pytest.raises(NotAllowed, match="silence decides nothing"):
        lapse(play)
    with pytest.raises(NotAllowed, match="silence decides nothing"):
        lapse(in_review().wait(days=400))
    assert remind(play).deliverable(1).status == DeliverableStatus.READY_FOR_ACCEPTANCE


@pytest.mark.parametrize("state", [s for s in DeliverableStatus if s != DeliverableStatus.READY_FOR_ACCEPTANCE])
def test_the_clock_decides_and_reminds_only_while_a_decision_is_waited_for(state: DeliverableStatus) -> None:
    play = DELIVERABLES[state]().wait(days=400)
    for command in (Lapse(), RemindReviewer()):
        with pytest.raises(NotAllowed) as refused:
            tick(play, command, play.deliverable(1).id)
        assert refused.value.current_state == state


@pytest.mark.parametrize("policy", [ACCEPTED, REJECTED])
def test_silence_that_decides_needs_a_window(policy: SilencePolicy) -> None:
    with pytest.raises(Invalid) as refused:
        Play().propose(seed_proposal(silence_policy=policy))
    assert [p.pointer for p in refused.value.problems] == ["/review_window_days"]


# Reminders


@pytest.mark.parametrize(("days", "hours"), [(10, 8 * 24), (4, 2 * 24), (3, 36), (1, 12)])
def test_a_reminder_comes_two_days_before_the_window_ends_or_half_way_through(days: int, hours: int) -> None:
    play = silent(ACCEPTED, days=days).wait(hours=hours, seconds=-1)
    with pytest.raises(NotAllowed, match="not time"):
        remind(play)
    remind(play.wait(seconds=1))
    assert play.told == [EventType.DELIVERABLE_REVIEW_REMINDER]
    assert play.events[0].actor == SYSTEM
    assert play.events[0].data["reminded_at"] == play.now
    assert play.events[0].data["decide_by"] == play.now + timedelta(days=days) - timedelta(hours=hours)


def test_a_review_without_a_window_is_reminded_of_once_it_has_aged() -> None:
    play = in_review().wait(days=5, seconds=-1)
    with pytest.raises(NotAllowed, match="not time"):
        remind(play)
    assert remind(play.wait(seconds=1)).told == [EventType.DELIVERABLE_REVIEW_REMINDER]


def test_each_attempt_is_reminded_of_once() -> None:
    play = remind(in_review().wait(days=5))
    with pytest.raises(NotAllowed, match="was reminded at"):
        remind(play.wait(days=9))
    play.reject(1).submit(1).wait(days=5)
    assert remind(play).told == [EventType.DELIVERABLE_REVIEW_REMINDER]


def test_the_owner_of_an_installation_says_when_reminders_come() -> None:
    policy = Policy(reminder_days=4, review_reminder_days=1)
    windowed = Play(policy).propose(two_cycle_proposal(review_window_days=10)).confirm().submit(1, 2)
    open_ended = Play(policy).propose(two_cycle_proposal()).confirm().submit(1, 2)
    assert windowed.engagement.attempts[0].remind_at == windowed.now + timedelta(days=6)
    assert open_ended.engagement.attempts[0].remind_at == open_ended.now + timedelta(days=1)


def test_a_proposal_is_reminded_of_once_two_days_before_it_expires() -> None:
    play = proposed()
    day = play.scope.valid_until - timedelta(days=2)
    assert play.scope.remind_on == day
    play.until(midnight(day) - timedelta(seconds=1))
    with pytest.raises(NotAllowed, match="reminder is for the days"):
        tick(play, RemindApprover(), play.scope.id)
    tick(play.wait(seconds=1), RemindApprover(), play.scope.id)
    assert play.told == [EventType.SCOPE_EXPIRING]
    assert play.events[0].data["reminded_at"] == play.scope.reminded_at == play.now
    assert play.scope.status == ScopeStatus.PENDING_CONFIRMATION
    with pytest.raises(NotAllowed, match="was reminded at"):
        tick(play.wait(days=1), RemindApprover(), play.scope.id)


def test_an_expired_proposal_stays_pending_and_is_reminded_of_no_more() -> None:
    play = expired()
    assert play.scope.status == ScopeStatus.PENDING_CONFIRMATION
    with pytest.raises(NotAllowed, match="reminder is for the days"):
        tick(play, RemindApprover(), play.scope.id)


@pytest.mark.parametrize("state", [s for s in ScopeStatus if s != ScopeStatus.PENDING_CONFIRMATION])
def test_only_a_pending_proposal_is_reminded_of(state: ScopeStatus) -> None:
    play = SCOPES[state]()
    with pytest.raises(NotAllowed) as refused:
        tick(play, RemindApprover(), play.scope.id)
    assert refused.value.current_state == state


@pytest.mark.parametrize(("valid_days", "ahead"), [(14, 2), (4, 2), (3, 1), (1, 0), (0, 0)])
def test_a_short_proposal_is_reminded_of_half_way(valid_days: int, ahead: int) -> None:
    today = at(4, 15).date()
    play = Play().propose(seed_proposal(valid_until=today + timedelta(days=valid_days)))
    assert play.scope.remind_on == play.scope.valid_until - timedelta(days=ahead)


# What is to come


def test_the_alarms_of_an_engagement_are_what_the_clock_will_do_next() -> None:
    play = silent(ACCEPTED, days=10)
    one, two = (play.deliverable(n).id for n in (1, 2))
    ready = play.now
    assert [(a.when, a.command, a.subject_id) for a in alarms(play.engagement)] == [
        (ready + timedelta(days=8), RemindReviewer(), one),
        (ready + timedelta(days=8), RemindReviewer(), two),
        (ready + timedelta(days=10), Lapse(), one),
        (ready + timedelta(days=10), Lapse(), two),
    ]
    rung = 0
    while alarms(play.engagement):
        first = alarms(play.engagement)[0]
        tick(play.until(max(first.when, play.now)), first.command, first.subject_id)
        rung += 1
    assert rung == 4, "each rings once"
    assert play.cycle(2).status == "in_progress"
    assert [(type(a.command), a.subject_id) for a in alarms(proposed().engagement)] == [
        (RemindApprover, proposed().scope.id)
    ]
    assert alarms(in_review().accept(1, 2).engagement) == []
    assert [type(a.command) for a in alarms(in_review().engagement)] == [RemindReviewer, RemindReviewer]


def test_an_undecided_criterion_counts_as_not_tested() -> None:
    play = lapse(silent(ACCEPTED).wait(days=10))
    (attempt,) = play.engagement.attempts_of(play.deliverable(1).id)
    assert attempt.verdict_on(1).verdict == Verdict.NOT_TESTED
