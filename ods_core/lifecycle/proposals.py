"""From a request to a proposal the client can confirm: propose, decline, re-issue, negotiate, revise, cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from ods_core.basics.errors import DoesNotFit
from ods_core.basics.events import EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.records import Cycle, Deliverable, Engagement, Request, Scope
from ods_core.basics.resources import amount_json, scope_resource
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    DeliverableStatus,
    Kind,
    RequestStatus,
    ScopeStatus,
)
from ods_core.lifecycle.commands import (
    Cancel,
    Decline,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    Reissue,
    Revise,
    SubmitRequest,
)
from ods_core.lifecycle.mover import Change, Moment
from ods_core.lifecycle.validation import (
    check_negotiation,
    check_proposal,
    check_reason,
    check_reissue,
    check_request,
    check_revision,
    gaps,
)

SUPERSEDED = "Expired; superseded by the next revision."


def submit_request(given: SubmitRequest, moment: Moment) -> Change:
    """A new engagement, with its request `scoping`."""
    check_request(given)
    request = Request(
        id=moment.next_id(Prefix.REQUEST),
        status=RequestStatus.SCOPING,
        organization_id=given.organization_id,
        workspace_id=given.workspace_id,
        subscription_id=given.subscription_id,
        project_tags=given.project_tags,
        title=given.title,
        description=given.description,
        desired_outcome=given.desired_outcome,
        acceptance_criteria=given.acceptance_criteria,
        timeline_weeks=given.timeline_weeks,
        budget_max=given.budget_max,
        currency=given.currency,
        created_at=moment.now,
        created_by=moment.actor.id,
        updated_at=moment.now,
    )
    change = Change(Engagement(request), moment)
    change.create(request, EventType.REQUEST_SUBMITTED)
    return change


def propose(change: Change, given: Propose) -> None:
    """Present a proposal; one that has expired gives way to it."""
    request, moment = change.engagement.request, change.moment
    check_proposal(given, request, moment.today)
    refuse_misfit(given.fixed_price, given.timeline_weeks, request)
    _withdraw_pending(change, SUPERSEDED)
    _present(change, given)


def refuse_misfit(price: Decimal, weeks: int, request: Request) -> None:
    """Raise DoesNotFit, with both gaps, for a proposal outside its request's bounds."""
    over_price, over_weeks = gaps(price, weeks, request)
    if not over_price and not over_weeks:
        return
    parts = []
    if over_price:
        parts.append(f"{amount_json(over_price, request.currency)} {request.currency} over budget_max")
    if over_weeks:
        parts.append(f"{over_weeks} {'week' if over_weeks == 1 else 'weeks'} over timeline_weeks")
    raise DoesNotFit(
        f"the proposal is {' and '.join(parts)}; ask to negotiate, or propose less",
        current_state=request.status.value,
        price_gap=amount_json(over_price, request.currency),
        weeks_gap=over_weeks,
        currency=request.currency,
    )


def _present(change: Change, given: Propose) -> None:
    moment, request = change.moment, change.engagement.request
    valid_until = given.valid_until or moment.today + timedelta(days=moment.policy.proposal_days)
    scope = Scope(
        id=moment.next_id(Prefix.SCOPE),
        request_id=request.id,
        revision=len(change.engagement.scopes) + 1,
        status=ScopeStatus.PENDING_CONFIRMATION,
        title=given.title or request.title,
        fixed_price=given.fixed_price,
        currency=given.currency,
        timeline_weeks=given.timeline_weeks,
        payment_terms=given.payment_terms,
        schedule=given.schedule,
        valid_until=valid_until,
        lead_time_days=moment.policy.lead_time_days,
        review_window_days=given.review_window_days,
        silence_policy=given.silence_policy,
        proposed_at=moment.now,
        proposed_by=moment.actor.id,
        remind_on=reminder_day(moment.today, valid_until, moment.policy.reminder_days),
        quote=given.quote,
    )
    change.create(scope, None)
    _plan(change, scope, given)
    scoped_at = request.scoped_at or moment.now
    change.move(request, RequestStatus.SCOPED, None, scoped_at=scoped_at, updated_at=moment.now)
    # The event carries the proposal itself: the log alone must be enough to rebuild it.
    proposal = scope_resource(change.engagement, scope)
    change.tell(Kind.REQUEST, request.id, EventType.REQUEST_SCOPED, scope=proposal)


def reminder_day(proposed_on: date, valid_until: date, ahead: int) -> date:
    """The day from which to remind that a proposal expires: `ahead` days before, at most half of its time."""
    return valid_until - timedelta(days=min(ahead, (valid_until - proposed_on).days // 2))


def _plan(change: Change, scope: Scope, given: Propose) -> None:
    """The proposal's cycles and deliverables, in their first states."""
    next_id = change.moment.next_id
    ids = {d.key: next_id(Prefix.DELIVERABLE) for d in given.deliverables}
    cycle_of: dict[str, str] = {}
    for number, cycle in enumerate(given.cycles, 1):
        made = _planned_cycle(next_id(Prefix.CYCLE), scope, number, cycle, tuple(ids[k] for k in cycle.deliverables))
        change.create(made, None)
        cycle_of |= dict.fromkeys(cycle.deliverables, made.id)
    for position, d in enumerate(given.deliverables, 1):
        change.create(_pending(ids[d.key], scope, cycle_of[d.key], position, d), None)


def _planned_cycle(id: str, scope: Scope, number: int, given: ProposedCycle, deliverables: tuple[str, ...]) -> Cycle:
    return Cycle(
        id=id,
        request_id=scope.request_id,
        scope_id=scope.id,
        kind=CycleKind.DELIVERY,
        parent_cycle_id=None,
        number=number,
        name=given.name,
        status=CycleStatus.PLANNED,
        planned_start=given.planned_start,
        planned_end=given.planned_end,
        baseline_start=given.planned_start,
        baseline_end=given.planned_end,
        deliverable_ids=deliverables,
    )


def _pending(id: str, scope: Scope, cycle_id: str, position: int, given: ProposedDeliverable) -> Deliverable:
    return Deliverable(
        id=id,
        request_id=scope.request_id,
        scope_id=scope.id,
        cycle_id=cycle_id,
        position=position,
        key=given.key,
        title=given.title,
        description=given.description,
        acceptance_criteria=given.criteria,
        criteria_as_text=isinstance(given.acceptance_criteria, str),
        status=DeliverableStatus.PENDING,
    )


def decline(change: Change, scope: Scope, given: Decline) -> None:
    """Send the proposal back; the request is `scoping` again and waits for the next revision."""
    check_reason(given)
    change.move(change.engagement.request, RequestStatus.SCOPING, None, updated_at=change.moment.now)
    _cancel_proposal(change, scope, EventType.SCOPE_DECLINED, given.reason)


def _withdraw_pending(change: Change, reason: str) -> None:
    for scope in change.engagement.scopes:
        if scope.status == ScopeStatus.PENDING_CONFIRMATION:
            _cancel_proposal(change, scope, EventType.SCOPE_CANCELLED, reason)


def _cancel_proposal(change: Change, scope: Scope, event: EventType, reason: str) -> None:
    moment = change.moment
    change.move(
        scope,
        ScopeStatus.CANCELLED,
        event,
        cancelled_at=moment.now,
        cancelled_by=moment.actor.id,
        cancellation_reason=reason,
    )
    cancel_work(change, scope.id)


def cancel_work(change: Change, scope_id: str) -> None:
    """Cancel whatever of a scope's cycles and deliverables is not accepted."""
    now = change.moment.now
    for cycle in change.engagement.cycles:
        if cycle.scope_id == scope_id and cycle.status not in (CycleStatus.ACCEPTED, CycleStatus.CANCELLED):
            change.move(cycle, CycleStatus.CANCELLED, EventType.CYCLE_CANCELLED, cancelled_at=now)
    finished = (DeliverableStatus.ACCEPTED, DeliverableStatus.CANCELLED)
    for d in change.engagement.scope_deliverables(scope_id):
        if d.status not in finished:
            change.move(d, DeliverableStatus.CANCELLED, EventType.DELIVERABLE_CANCELLED, cancelled_at=now)


def reissue(change: Change, scope: Scope, given: Reissue) -> None:
    """Present an expired proposal again; dates that have passed move on by whole days, past the lead time."""
    check_reissue(given, change.moment.today)
    again = _as_proposal(change.engagement, scope)
    earliest = change.moment.today + timedelta(days=_calendar_days(change))
    late = max((earliest - again.cycles[0].planned_start).days, 0)
    cycles = tuple(_later(cycle, late) for cycle in again.cycles)
    _withdraw_pending(change, SUPERSEDED)
    _present(change, replace(again, cycles=cycles, valid_until=given.valid_until))


def _calendar_days(change: Change) -> int:
    """The lead time in calendar days: enough of them to hold its working days, wherever weekends fall."""
    working = change.moment.policy.lead_time_days
    return working + 2 * -(-working // 5)


def _later(cycle: ProposedCycle, days: int) -> ProposedCycle:
    by = timedelta(days=days)
    return replace(cycle, planned_start=cycle.planned_start + by, planned_end=cycle.planned_end + by)


def _as_proposal(engagement: Engagement, scope: Scope) -> Propose:
    """A scope as the proposal it was made from."""
    deliverables = engagement.scope_deliverables(scope.id)
    keys = {d.id: d.key for d in deliverables}
    return Propose(
        deliverables=tuple(_as_proposed(d) for d in deliverables),
        cycles=tuple(
            ProposedCycle(c.name, c.baseline_start, c.baseline_end, tuple(keys[id] for id in c.deliverable_ids))
            for c in engagement.delivery_cycles(scope.id)
        ),
        fixed_price=scope.fixed_price,
        currency=scope.currency,
        timeline_weeks=scope.timeline_weeks,
        payment_terms=scope.payment_terms,
        title=scope.title,
        review_window_days=scope.review_window_days,
        silence_policy=scope.silence_policy,
        schedule=scope.schedule,
        quote=scope.quote,
    )


def _as_proposed(d: Deliverable) -> ProposedDeliverable:
    criteria = d.acceptance_criteria[0] if d.criteria_as_text else d.acceptance_criteria
    return ProposedDeliverable(d.key, d.title, d.description, criteria)


def negotiate(change: Change, given: Negotiate) -> None:
    """Say what would fit."""
    check_negotiation(given, change.engagement.request)
    change.move(
        change.engagement.request,
        RequestStatus.REQUIRES_NEGOTIATION,
        EventType.REQUEST_REQUIRES_NEGOTIATION,
        negotiation_reason=given.reason,
        negotiation_price=given.fixed_price,
        negotiation_weeks=given.timeline_weeks,
        updated_at=change.moment.now,
    )


def revise(change: Change, given: Revise) -> None:
    """Change the request; what was asked in the negotiation stays readable in the event log."""
    request = change.engagement.request
    check_revision(given, request)
    names = ("title", "description", "desired_outcome", "acceptance_criteria", "timeline_weeks", "budget_max")
    changed = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    changed |= dict.fromkeys(given.lift)
    change.move(
        request,
        RequestStatus.SCOPING,
        EventType.REQUEST_REVISED,
        updated_at=change.moment.now,
        negotiation_reason=None,
        negotiation_price=None,
        negotiation_weeks=None,
        **changed,
    )


def cancel(change: Change, given: Cancel) -> None:
    """Cancel the request, and with it a proposal that waits for confirmation."""
    check_reason(given)
    change.move(
        change.engagement.request,
        RequestStatus.CANCELLED,
        EventType.REQUEST_CANCELLED,
        cancelled_at=change.moment.now,
        cancellation_reason=given.reason,
        updated_at=change.moment.now,
    )
    _withdraw_pending(change, f"Request cancelled: {given.reason}")
