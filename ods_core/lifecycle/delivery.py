"""From a confirmed scope to its last acceptance: confirm, start, submit, accept, reject, terminate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.events import EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.records import Attempt, Cycle, Deliverable, Milestone, Scope, ServiceLine
from ods_core.basics.resources import due_date
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    Kind,
    PaymentStatus,
    ScopeStatus,
    ServiceLineStatus,
)
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.lifecycle.commands import Accept, Confirm, Reject, Submit, Terminate
from ods_core.lifecycle.mover import Change
from ods_core.lifecycle.permission import working_cycle
from ods_core.lifecycle.proposals import cancel_work
from ods_core.lifecycle.reviewing import check_verdicts, not_met
from ods_core.lifecycle.validation import check_confirmation, check_reason, check_review, check_submission

REJECTIONS_BEFORE_ESCALATION = 3
FAILURES_OF_ONE_CRITERION = 2


def confirm(change: Change, scope: Scope, given: Confirm) -> None:
    """Activate the engagement: service line, payment schedule, first payment, first cycle."""
    check_confirmation(given)
    moment = change.moment
    shift = _shift_cycles(change, scope)
    scope = change.move(
        scope,
        ScopeStatus.ACTIVE,
        None,
        confirmed_at=moment.now,
        confirmed_by=given.accepted_by or moment.actor.id,
        shifted_days=shift,
        criteria_score=given.criteria_score,
    )
    line = ServiceLine(
        moment.next_id(Prefix.SERVICE_LINE), scope.request_id, scope.id, ServiceLineStatus.ACTIVE, moment.now
    )
    change.create(line, None)
    change.tell(Kind.SCOPE, scope.id, EventType.SCOPE_CONFIRMED)
    change.tell(Kind.SERVICE_LINE, line.id, EventType.SERVICE_LINE_OPENED)
    _fix_schedule(change, scope)
    release(change, scope.id, Trigger(TriggerKind.CONFIRMATION))
    _start_cycle(change, change.engagement.delivery_cycles(scope.id)[0])


def _shift_cycles(change: Change, scope: Scope) -> int:
    """Move every cycle by as many days as confirmation is late for cycle 1; the baseline keeps the first plan."""
    cycles = change.engagement.delivery_cycles(scope.id)
    late = max((change.moment.today - cycles[0].planned_start).days, 0)
    by = timedelta(days=late)
    for cycle in cycles if late else ():
        change.amend(cycle, planned_start=cycle.planned_start + by, planned_end=cycle.planned_end + by)
    return late


def _fix_schedule(change: Change, scope: Scope) -> None:
    for planned in scope.schedule:
        milestone = Milestone(
            id=change.moment.next_id(Prefix.PAYMENT),
            request_id=scope.request_id,
            scope_id=scope.id,
            position=planned.position,
            kind=planned.kind,
            trigger=planned.trigger,
            status=PaymentStatus.SCHEDULED,
            amount=planned.amount,
            currency=planned.currency,
            paid=Decimal(0),
            net_days=planned.net_days,
            description=planned.description,
        )
        change.create(milestone, EventType.PAYMENT_SCHEDULED)


def release(change: Change, scope_id: str, trigger: Trigger) -> None:
    """Make due whatever waits for this trigger; nothing to pay is paid at once."""
    now = change.moment.now
    for m in change.engagement.milestones:
        if m.scope_id == scope_id and m.trigger == trigger and m.status == PaymentStatus.SCHEDULED:
            due_at = due_date(now, m.net_days)
            due = change.move(m, PaymentStatus.DUE, EventType.PAYMENT_DUE, triggered_at=now, due_at=due_at)
            if not due.amount:
                change.move(due, PaymentStatus.PAID, EventType.PAYMENT_PAID, paid_at=now)


def _start_cycle(change: Change, cycle: Cycle) -> None:
    change.move(cycle, CycleStatus.IN_PROGRESS, EventType.CYCLE_STARTED, started_at=change.moment.now)


def start(change: Change, deliverable: Deliverable) -> None:
    """Begin work on the deliverable's next attempt."""
    now = change.moment.now
    number = _next_attempt(deliverable)
    cycle = working_cycle(change.engagement, deliverable)
    change.put_attempt(Attempt(deliverable.id, deliverable.request_id, number, cycle.id, started_at=now))
    change.move(
        deliverable,
        DeliverableStatus.IN_PROGRESS,
        EventType.DELIVERABLE_STARTED,
        attempt=number,
        started_at=now,
        submitted_at=None,
        ready_at=None,
        decided_at=None,
    )


def _next_attempt(deliverable: Deliverable) -> int:
    return deliverable.attempt + (deliverable.status == DeliverableStatus.REJECTED)


def submit(change: Change, deliverable: Deliverable, given: Submit) -> None:
    """Hand in an attempt; the last one of a cycle completes it, and all of its deliverables become reviewable."""
    check_submission(given)
    now = change.moment.now
    number = _next_attempt(deliverable)
    cycle = working_cycle(change.engagement, deliverable)
    begun = _open_attempt(change, deliverable.id, number)
    attempt = begun or Attempt(deliverable.id, deliverable.request_id, number, cycle.id, started_at=now)
    by = change.moment.actor.id
    change.put_attempt(replace(attempt, submitted_at=now, submitted_by=by, notes=given.notes, evidence=given.evidence))
    change.move(
        deliverable,
        DeliverableStatus.COMPLETED,
        EventType.DELIVERABLE_SUBMITTED,
        attempt=number,
        started_at=attempt.started_at,
        submitted_at=now,
        ready_at=None,
        decided_at=None,
    )
    _complete_if_submitted(change, cycle)


def _open_attempt(change: Change, deliverable_id: str, number: int) -> Attempt | None:
    return next((a for a in change.engagement.attempts_of(deliverable_id) if a.number == number), None)


def _attempt(change: Change, deliverable: Deliverable) -> Attempt:
    return next(a for a in change.engagement.attempts_of(deliverable.id) if a.number == deliverable.attempt)


_SUBMITTED = (DeliverableStatus.COMPLETED, DeliverableStatus.READY_FOR_ACCEPTANCE, DeliverableStatus.ACCEPTED)


def _complete_if_submitted(change: Change, cycle: Cycle) -> None:
    now = change.moment.now
    members = [change.engagement.deliverable(id) for id in cycle.deliverable_ids]
    if any(d.status not in _SUBMITTED for d in members):
        return
    change.move(cycle, CycleStatus.COMPLETED, EventType.CYCLE_COMPLETED, completed_at=now)
    for d in members:
        if d.status == DeliverableStatus.COMPLETED:
            change.put_attempt(_under_review(change, d))
            change.move(d, DeliverableStatus.READY_FOR_ACCEPTANCE, EventType.DELIVERABLE_READY, ready_at=now)


def _under_review(change: Change, d: Deliverable) -> Attempt:
    """The present attempt with its review clock running: the window, if there is one, and the reminder before its end.

    A reminder comes at the latest half-way through a window, so that a short one is not over before it.
    """
    now, policy = change.moment.now, change.moment.policy
    window = change.engagement.scope(d.scope_id).review_window_days
    if window is None:
        waits = timedelta(days=policy.review_reminder_days)
        return replace(_attempt(change, d), ready_at=now, remind_at=now + waits)
    length = timedelta(days=window)
    ahead = min(timedelta(days=policy.reminder_days), length / 2)
    return replace(_attempt(change, d), ready_at=now, decide_by=now + length, remind_at=now + length - ahead)


def accept(change: Change, deliverable: Deliverable, given: Accept, *, deemed: bool = False) -> None:
    """Accept; what follows (payments, cycles, the end) follows in the same transaction. `deemed`: by silence."""
    check_review(given)
    check_verdicts(given, deliverable)
    _decide(change, deliverable, Decision.ACCEPTED, given, deemed=deemed)
    change.move(
        change.engagement.deliverable(deliverable.id),
        DeliverableStatus.ACCEPTED,
        EventType.DELIVERABLE_ACCEPTED,
        decided_at=change.moment.now,
    )
    release(change, deliverable.scope_id, Trigger(TriggerKind.DELIVERABLE_ACCEPTANCE, deliverable.position))
    _accept_cycles(change, deliverable)


def _decide(change: Change, d: Deliverable, decision: Decision, given: Accept | Reject, **more: Any) -> None:
    attempt = replace(
        _attempt(change, d),
        decision=decision,
        decided_at=change.moment.now,
        reviewer_id=given.reviewer_id or change.moment.actor.id,
        review_notes=given.notes,
        verdicts=given.verdicts,
        **more,
    )
    change.put_attempt(attempt)


def _accept_cycles(change: Change, deliverable: Deliverable) -> None:
    """Accept the cycles that this acceptance finishes: remediations first, their delivery cycle last."""
    for cycle in reversed(change.engagement.cycles_of(deliverable.id)):
        members = [change.engagement.deliverable(id) for id in cycle.deliverable_ids]
        finished = all(d.status == DeliverableStatus.ACCEPTED for d in members)
        if finished and cycle.status == CycleStatus.COMPLETED:
            now = change.moment.now
            accepted = change.move(cycle, CycleStatus.ACCEPTED, EventType.CYCLE_ACCEPTED, accepted_at=now)
            if accepted.kind == CycleKind.DELIVERY:
                _go_on(change, accepted)


def _go_on(change: Change, cycle: Cycle) -> None:
    """After an accepted delivery cycle: its payment, and the next cycle or the end."""
    release(change, cycle.scope_id, Trigger(TriggerKind.CYCLE_ACCEPTANCE, cycle.number))
    planned = [c for c in change.engagement.delivery_cycles(cycle.scope_id) if c.status == CycleStatus.PLANNED]
    if planned:
        _start_cycle(change, planned[0])
    else:
        _finish(change, change.engagement.scope(cycle.scope_id))


def _finish(change: Change, scope: Scope) -> None:
    now = change.moment.now
    change.move(scope, ScopeStatus.COMPLETED, EventType.SCOPE_COMPLETED, completed_at=now)
    _close_line(change)
    release(change, scope.id, Trigger(TriggerKind.FINAL_ACCEPTANCE))


def _close_line(change: Change) -> None:
    line = change.engagement.service_lines[-1]
    change.move(line, ServiceLineStatus.CLOSED, EventType.SERVICE_LINE_CLOSED, closed_at=change.moment.now)


def reject(change: Change, deliverable: Deliverable, given: Reject, *, deemed: bool = False) -> None:
    """Reject; the work goes into a remediation cycle at no cost. `deemed`: by silence."""
    check_review(given)
    check_verdicts(given, deliverable)
    cycle, is_new = _remediation_for(change, deliverable)
    _decide(
        change,
        deliverable,
        Decision.REJECTED,
        given,
        rejection_reason=given.rejection_reason,
        criteria_not_met=not_met(given),
        remediation_cycle_id=cycle.id,
        deemed=deemed,
    )
    change.move(
        change.engagement.deliverable(deliverable.id),
        DeliverableStatus.REJECTED,
        EventType.DELIVERABLE_REJECTED,
        decided_at=change.moment.now,
    )
    if is_new:
        change.tell(Kind.CYCLE, cycle.id, EventType.REMEDIATION_STARTED)
    _escalate_if_circling(change, change.engagement.deliverable(deliverable.id))


def _remediation_for(change: Change, deliverable: Deliverable) -> tuple[Cycle, bool]:
    """The remediation cycle that takes a rejected deliverable: the one still running, else a new one."""
    parent = change.engagement.cycle(deliverable.cycle_id)
    running = [c for c in change.engagement.remediations(parent.id) if c.status == CycleStatus.IN_PROGRESS]
    if running:
        joined = (*running[0].deliverable_ids, deliverable.id)
        return change.amend(running[0], deliverable_ids=joined), False
    return change.create(_new_remediation(change, parent, deliverable.id), None), True


def _new_remediation(change: Change, parent: Cycle, deliverable_id: str) -> Cycle:
    moment = change.moment
    number = len(change.engagement.remediations(parent.id)) + 1
    # `remediation_days` days, today among them, as a cycle's dates are both included.
    end = moment.today + timedelta(days=moment.policy.remediation_days - 1)
    return Cycle(
        id=moment.next_id(Prefix.CYCLE),
        request_id=parent.request_id,
        scope_id=parent.scope_id,
        kind=CycleKind.REMEDIATION,
        parent_cycle_id=parent.id,
        number=number,
        name=f"{parent.name} · Remediation {number}",
        status=CycleStatus.IN_PROGRESS,
        planned_start=moment.today,
        planned_end=end,
        baseline_start=moment.today,
        baseline_end=end,
        deliverable_ids=(deliverable_id,),
        started_at=moment.now,
    )


def _escalate_if_circling(change: Change, deliverable: Deliverable) -> None:
    """Say once that a deliverable goes in circles."""
    if deliverable.escalated_at or not is_circling(change.engagement.attempts_of(deliverable.id)):
        return
    change.amend(deliverable, escalated_at=change.moment.now)
    change.tell(Kind.DELIVERABLE, deliverable.id, EventType.DELIVERABLE_ESCALATED)


def is_circling(attempts: list[Attempt]) -> bool:
    """Three rejections of one deliverable, or the same criterion failed twice."""
    rejected = [a for a in attempts if a.decision == Decision.REJECTED]
    failed = [c.criterion for a in rejected for c in a.criteria_not_met]
    twice = any(failed.count(n) >= FAILURES_OF_ONE_CRITERION for n in set(failed))
    return twice or len(rejected) >= REJECTIONS_BEFORE_ESCALATION


def terminate(change: Change, scope: Scope, given: Terminate) -> None:
    """End the engagement early: what was due stays due, what was not becomes void."""
    check_reason(given)
    moment = change.moment
    change.move(
        scope,
        ScopeStatus.CANCELLED,
        EventType.SCOPE_TERMINATED,
        cancelled_at=moment.now,
        cancelled_by=moment.actor.id,
        cancellation_reason=given.reason,
    )
    cancel_work(change, scope.id)
    _close_line(change)
    for m in change.engagement.milestones:
        if m.scope_id == scope.id and m.status == PaymentStatus.SCHEDULED:
            change.move(m, PaymentStatus.VOID, EventType.PAYMENT_VOIDED, voided_at=moment.now)
