"""Records as callers see them: one function per kind, used by the API, the event log and the exports alike.

Each takes the whole engagement, since a resource names its neighbours, and returns a plain dict whose values are
texts, numbers, `Decimal`, `date` and `datetime`. The seed's fields come first, under the seed's names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.clock import midnight, working_days_before
from ods_core.basics.money import exponent
from ods_core.basics.quotes import quote_resource
from ods_core.basics.records import (
    Attempt,
    CriterionVerdict,
    Cycle,
    Deliverable,
    Engagement,
    Invoice,
    Milestone,
    PlannedMilestone,
    Receipt,
    Scope,
    ServiceLine,
    invoice_number,
)
from ods_core.basics.roles import Caller
from ods_core.basics.states import CycleKind, Kind, PaymentStatus
from ods_core.basics.triggers import Trigger, TriggerKind

Resource = dict[str, Any]


def amount_json(amount: Decimal, currency: str) -> Decimal:
    """An amount with exactly the decimals its currency has."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)))


def _maybe_amount(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else amount_json(amount, currency)


def request_resource(engagement: Engagement) -> Resource:
    """A request with its current scope proposal, if it has one."""
    r, scope = engagement.request, presented_scope(engagement)
    negotiation = r.negotiation_reason and {
        "reason": r.negotiation_reason,
        "fixed_price": _maybe_amount(r.negotiation_price, r.currency),
        "timeline_weeks": r.negotiation_weeks,
    }
    return {
        "id": r.id,
        "status": r.status.value,
        "title": r.title,
        "created_at": r.created_at,
        "scope_id": scope.id if scope else None,
        "scope_summary": scope_summary(engagement, scope) if scope else None,
        "organization_id": r.organization_id,
        "workspace_id": r.workspace_id,
        "subscription_id": r.subscription_id,
        "project_tags": list(r.project_tags),
        "description": r.description,
        "desired_outcome": r.desired_outcome,
        "acceptance_criteria": list(r.acceptance_criteria),
        "timeline_weeks": r.timeline_weeks,
        "budget_max": _maybe_amount(r.budget_max, r.currency),
        "currency": r.currency,
        "created_by": r.created_by,
        "updated_at": r.updated_at,
        "scoped_at": r.scoped_at,
        "negotiation": negotiation or None,
        "cancelled_at": r.cancelled_at,
        "cancellation_reason": r.cancellation_reason,
        "scope_ids": [s.id for s in engagement.scopes],
    }


def presented_scope(engagement: Engagement) -> Scope | None:
    """The scope that a request points at: the live proposal or the confirmed one, never a declined one."""
    return engagement.current_scope


def scope_summary(engagement: Engagement, scope: Scope) -> Resource:
    """The few figures of a scope that a request shows."""
    return {
        "deliverables": len(engagement.scope_deliverables(scope.id)),
        "cycles": len(engagement.delivery_cycles(scope.id)),
        "timeline_weeks": scope.timeline_weeks,
        "fixed_price": amount_json(scope.fixed_price, scope.currency),
        "currency": scope.currency,
    }


def scope_resource(engagement: Engagement, scope: Scope) -> Resource:
    """The whole proposal and, once confirmed, the engagement's specification."""
    cycles = engagement.delivery_cycles(scope.id)
    line = engagement.service_line
    return {
        "id": scope.id,
        "request_id": scope.request_id,
        "status": scope.status.value,
        "title": scope.title,
        "deliverables": [_scoped_deliverable(d) for d in engagement.scope_deliverables(scope.id)],
        "cycles": [_scoped_cycle(c) for c in cycles],
        "fixed_price": amount_json(scope.fixed_price, scope.currency),
        "currency": scope.currency,
        "timeline_weeks": scope.timeline_weeks,
        "payment_terms": scope.payment_terms,
        "payment_schedule": [planned_milestone_resource(m) for m in scope.schedule],
        "revision": scope.revision,
        "valid_until": scope.valid_until,
        "last_safe_confirmation": last_safe_day(engagement, scope),
        "review_window_days": scope.review_window_days,
        "silence_policy": scope.silence_policy.value,
        "proposed_at": scope.proposed_at,
        "proposed_by": scope.proposed_by,
        "remind_on": scope.remind_on,
        "reminded_at": scope.reminded_at,
        "confirmed_at": scope.confirmed_at,
        "confirmed_by": scope.confirmed_by,
        "shifted_days": scope.shifted_days,
        "criteria_score": scope.criteria_score,
        "completed_at": scope.completed_at,
        "cancelled_at": scope.cancelled_at,
        "cancelled_by": scope.cancelled_by,
        "cancellation_reason": scope.cancellation_reason,
        "service_line_id": line.id if line and line.scope_id == scope.id else None,
        "remediation_cycles": [_scoped_cycle(r) for c in cycles for r in engagement.remediations(c.id)],
        "organization_id": engagement.request.organization_id,
        "workspace_id": engagement.request.workspace_id,
        "request_status": engagement.request.status.value,
    }


def last_safe_day(engagement: Engagement, scope: Scope) -> date:
    """The last day on which a confirmation leaves the provider its lead time before cycle 1 starts."""
    return working_days_before(engagement.delivery_cycles(scope.id)[0].baseline_start, scope.lead_time_days)


def _criteria(deliverable: Deliverable) -> str | list[str]:
    return deliverable.acceptance_criteria[0] if deliverable.criteria_as_text else list(deliverable.acceptance_criteria)


def _scoped_deliverable(d: Deliverable) -> Resource:
    return {
        "id": d.id,
        "title": d.title,
        "description": d.description,
        "acceptance_criteria": _criteria(d),
        "status": d.status.value,
        "cycle_id": d.cycle_id,
        "key": d.key,
    }


def _scoped_cycle(c: Cycle) -> Resource:
    return {
        "id": c.id,
        "name": c.name,
        "planned_start": c.planned_start,
        "planned_end": c.planned_end,
        "deliverable_ids": list(c.deliverable_ids),
        "kind": c.kind.value,
        "status": c.status.value,
        "parent_cycle_id": c.parent_cycle_id,
    }


def planned_milestone_resource(m: PlannedMilestone) -> Resource:
    """One payment of a schedule that is not fixed yet."""
    return {
        "position": m.position,
        "kind": m.kind.value,
        "trigger": m.trigger.as_json(),
        "amount": amount_json(m.amount, m.currency),
        "currency": m.currency,
        "net_days": m.net_days,
        "description": m.description,
    }


def cycle_resource(engagement: Engagement, cycle: Cycle) -> Resource:
    """A cycle with the present state of every deliverable on its list."""
    line = engagement.service_line
    deliverables = [engagement.deliverable(id) for id in cycle.deliverable_ids]
    remediation = {"price": amount_json(Decimal(0), engagement.scope(cycle.scope_id).currency)}
    return {
        "id": cycle.id,
        "scope_id": cycle.scope_id,
        "service_line_id": line.id if line and line.scope_id == cycle.scope_id else None,
        "status": cycle.status.value,
        "planned_start": cycle.planned_start,
        "planned_end": cycle.planned_end,
        "deliverables": [_cycle_deliverable(d) for d in deliverables],
        "name": cycle.name,
        "kind": cycle.kind.value,
        "parent_cycle_id": cycle.parent_cycle_id,
        "number": cycle.number,
        **(remediation if cycle.kind == CycleKind.REMEDIATION else {}),
        "baseline_start": cycle.baseline_start,
        "baseline_end": cycle.baseline_end,
        "started_at": cycle.started_at,
        "completed_at": cycle.completed_at,
        "accepted_at": cycle.accepted_at,
        "cancelled_at": cycle.cancelled_at,
        "request_id": cycle.request_id,
        "organization_id": engagement.request.organization_id,
    }


def _cycle_deliverable(d: Deliverable) -> Resource:
    submitted = {"submitted_at": d.submitted_at} if d.submitted_at else {}
    return {"id": d.id, "title": d.title, "status": d.status.value, **submitted, "attempt": d.attempt}


def deliverable_resource(engagement: Engagement, d: Deliverable) -> Resource:
    """A deliverable with its criteria and the history of its attempts.

    `decide_by`, `reminded_at` and `deemed` are those of its present attempt: the end of its review window, and whether
    silence has decided it.
    """
    attempt = engagement.attempt_on(d)
    return {
        "id": d.id,
        "scope_id": d.scope_id,
        "title": d.title,
        "description": d.description,
        "acceptance_criteria": _criteria(d),
        "status": d.status.value,
        "attempt": d.attempt,
        "cycle_id": d.cycle_id,
        "cycle_ids": [c.id for c in engagement.cycles_of(d.id)],
        "request_id": d.request_id,
        "organization_id": engagement.request.organization_id,
        "position": d.position,
        "key": d.key,
        "started_at": d.started_at,
        "submitted_at": d.submitted_at,
        "ready_at": d.ready_at,
        "decide_by": attempt.decide_by if attempt else None,
        "reminded_at": attempt.reminded_at if attempt else None,
        "silence_policy": engagement.scope(d.scope_id).silence_policy.value,
        "decided_at": d.decided_at,
        "deemed": attempt.deemed if attempt else False,
        "escalated_at": d.escalated_at,
        "cancelled_at": d.cancelled_at,
        "attempts": [_attempt(a, len(d.acceptance_criteria)) for a in engagement.attempts_of(d.id)],
    }


def _attempt(a: Attempt, criteria: int) -> Resource:
    return {
        "attempt": a.number,
        "cycle_id": a.cycle_id,
        "started_at": a.started_at,
        "submitted_at": a.submitted_at,
        "submitted_by": a.submitted_by,
        "notes": a.notes,
        "evidence": [{"title": e.title, "url": e.url} for e in a.evidence],
        "ready_at": a.ready_at,
        "decide_by": a.decide_by,
        "reminded_at": a.reminded_at,
        "decision": a.decision.value if a.decision else None,
        "decided_at": a.decided_at,
        "reviewer_id": a.reviewer_id,
        "review_notes": a.review_notes,
        "rejection_reason": a.rejection_reason,
        "criteria_not_met": [{"criterion": c.criterion, "evidence": c.evidence} for c in a.criteria_not_met],
        "verdicts": verdicts_resource(a, criteria) if a.decision else [],
        "deemed": a.deemed,
        "remediation_cycle_id": a.remediation_cycle_id,
    }


def verdicts_resource(a: Attempt, criteria: int) -> list[Resource]:
    """What a decision says of each of a deliverable's criteria, in their order."""
    return [_verdict(a.verdict_on(place)) for place in range(1, criteria + 1)]


def _verdict(given: CriterionVerdict) -> Resource:
    return {"criterion": given.criterion, "verdict": given.verdict.value, "evidence": given.evidence}


def service_line_resource(engagement: Engagement, line: ServiceLine) -> Resource:
    """A service line: what a confirmed scope opened."""
    return {
        "id": line.id,
        "scope_id": line.scope_id,
        "request_id": line.request_id,
        "status": line.status.value,
        "execution_model": ServiceLine.EXECUTION_MODEL,
        "billing_model": ServiceLine.BILLING_MODEL,
        "title": engagement.scope(line.scope_id).title,
        "organization_id": engagement.request.organization_id,
        "workspace_id": engagement.request.workspace_id,
        "opened_at": line.opened_at,
        "closed_at": line.closed_at,
    }


def payment_resource(engagement: Engagement, m: Milestone, now: datetime, review_days: int) -> Resource:
    """A payment milestone; `expected_on` is when a scheduled one should become payable, `overdue_days` is as of now."""
    return {
        "id": m.id,
        "scope_id": m.scope_id,
        "position": m.position,
        "kind": m.kind.value,
        "trigger": m.trigger.as_json(),
        "status": m.status.value,
        "amount": amount_json(m.amount, m.currency),
        "paid": amount_json(m.paid, m.currency),
        "open": amount_json(m.open, m.currency),
        "currency": m.currency,
        "description": m.description,
        "due_at": m.due_at,
        "expected_on": expected_on(engagement, m, review_days),
        "overdue_days": overdue_days(m, now),
        "net_days": m.net_days,
        "request_id": m.request_id,
        "organization_id": engagement.request.organization_id,
        "triggered_at": m.triggered_at,
        "paid_at": m.paid_at,
        "voided_at": m.voided_at,
    }


def receipt_resource(engagement: Engagement, r: Receipt) -> Resource:
    """Money that came in, or the entry that takes it back."""
    return {
        "id": r.id,
        "payment_id": r.payment_id,
        "amount": amount_json(r.amount, r.currency),
        "currency": r.currency,
        "received_on": r.received_on,
        "reference": r.reference,
        "status": r.status.value,
        "reverses": r.reverses,
        "reason": r.reason,
        "recorded_at": r.recorded_at,
        "recorded_by": r.recorded_by,
        "scope_id": r.scope_id,
        "request_id": r.request_id,
        "organization_id": engagement.request.organization_id,
    }


def invoice_resource(engagement: Engagement, i: Invoice) -> Resource:
    """An invoice as it was issued, and its state now; what is open now is a matter of its payment."""
    scope, m = engagement.scope(i.scope_id), engagement.milestone(i.payment_id)
    return {
        "id": i.id,
        "number": invoice_number(engagement.request.organization_id, i.serial),
        "status": i.status.value,
        "payment_id": i.payment_id,
        "scope_id": i.scope_id,
        "amount": amount_json(i.amount, i.currency),
        "paid": amount_json(i.paid, i.currency),
        "claimed": amount_json(i.claimed, i.currency),
        "currency": i.currency,
        "issued_on": i.issued_at.date(),
        "due_on": i.due_on,
        "title": scope.title,
        "description": m.description,
        "payment_terms": scope.payment_terms,
        "seller": i.seller.as_json(),
        "buyer": i.buyer.as_json(),
        "note": i.note,
        "issued_at": i.issued_at,
        "issued_by": i.issued_by,
        "ended_at": i.ended_at,
        "reason": i.reason,
        "request_id": i.request_id,
        "organization_id": engagement.request.organization_id,
    }


def overdue_days(m: Milestone, now: datetime) -> int:
    """Whole days past `due_at` while something is still open; 0 otherwise."""
    if not m.open or m.due_at is None or now <= m.due_at:
        return 0
    return (now - m.due_at).days


def expected_on(engagement: Engagement, m: Milestone, review_days: int) -> date | None:
    """The day a scheduled milestone should be payable by: the end of what it waits for, a usual review, its net days.

    Args:
        review_days: how long a review usually takes, in whole days; as of today, `Service.review_days` tells.

    A day that has passed stays as it is: it says by how much the plan is late.
    """
    if m.status != PaymentStatus.SCHEDULED:
        return None
    return awaited_end(engagement, m) + timedelta(days=review_days + m.net_days)


def awaited_end(engagement: Engagement, m: Milestone) -> date:
    """The planned end of the cycle that a milestone waits for; of the last one where it waits for none or for all."""
    return _awaited_cycle(engagement, m.scope_id, m.trigger).planned_end


def _awaited_cycle(engagement: Engagement, scope_id: str, trigger: Trigger) -> Cycle:
    cycles = engagement.delivery_cycles(scope_id)
    if trigger.kind == TriggerKind.CYCLE_ACCEPTANCE and trigger.number:
        return cycles[trigger.number - 1]
    if trigger.kind == TriggerKind.DELIVERABLE_ACCEPTANCE and trigger.number:
        return engagement.cycle(engagement.scope_deliverables(scope_id)[trigger.number - 1].cycle_id)
    return cycles[-1]


def due_date(triggered_at: datetime, net_days: int) -> datetime:
    """Midnight UTC of the trigger's date, plus the net days."""
    return midnight(triggered_at.date() + timedelta(days=net_days))


def resource(
    engagement: Engagement, kind: Kind, id: str, now: datetime, review_days: int, caller: Caller | None = None
) -> Resource:
    """The resource of one thing in the engagement, whatever it is.

    Without a caller it is what both parties may see, as events tell it; a caller of the provider's sees a scope's
    `quote` beside it.

    Args:
        review_days: how long a review usually takes, in whole days.

    Raises:
        NotFound: the engagement has no such thing.
    """
    shown = _SHOW[kind](engagement, id, now, review_days)
    if kind == Kind.SCOPE and caller and caller.calculates:
        shown["quote"] = scope_quote(engagement.scope(id))
    return shown


def scope_quote(scope: Scope) -> Resource | None:
    """How a scope's price came about, and by what a person then changed it; None if it was not calculated."""
    if scope.quote is None:
        return None
    adjusted = amount_json(scope.fixed_price, scope.currency) - scope.quote.price.amount
    return quote_resource(scope.quote) | {"adjusted_by": adjusted}


_SHOW: Mapping[Kind, Callable[[Engagement, str, datetime, int], Resource]] = {
    Kind.REQUEST: lambda e, id, now, review: request_resource(e),
    Kind.SCOPE: lambda e, id, now, review: scope_resource(e, e.scope(id)),
    Kind.CYCLE: lambda e, id, now, review: cycle_resource(e, e.cycle(id)),
    Kind.DELIVERABLE: lambda e, id, now, review: deliverable_resource(e, e.deliverable(id)),
    Kind.SERVICE_LINE: lambda e, id, now, review: service_line_resource(e, e.service_lines[-1]),
    Kind.PAYMENT: lambda e, id, now, review: payment_resource(e, e.milestone(id), now, review),
    Kind.RECEIPT: lambda e, id, now, review: receipt_resource(e, e.receipt(id)),
    Kind.INVOICE: lambda e, id, now, review: invoice_resource(e, e.invoice(id)),
}


def statement(engagement: Engagement, scope: Scope) -> Resource:
    """The identity finance relies on: price = received + open + scheduled + void, in figures, to the minor unit.

    `received` is summed over the receipts, not over what the milestones say of them.
    """
    milestones = [m for m in engagement.milestones if m.scope_id == scope.id]

    def total(amounts: list[Decimal]) -> Decimal:
        return amount_json(sum(amounts, Decimal(0)), scope.currency)

    return {
        "fixed_price": amount_json(scope.fixed_price, scope.currency),
        "received": total([r.amount for r in engagement.receipts if r.scope_id == scope.id]),
        "open": total([m.open for m in milestones]),
        "scheduled": total([m.amount - m.paid for m in milestones if m.status == PaymentStatus.SCHEDULED]),
        "void": total([m.amount - m.paid for m in milestones if m.status == PaymentStatus.VOID]),
        "currency": scope.currency,
    }


__all__ = [
    "amount_json",
    "awaited_end",
    "cycle_resource",
    "deliverable_resource",
    "due_date",
    "expected_on",
    "invoice_resource",
    "last_safe_day",
    "overdue_days",
    "payment_resource",
    "planned_milestone_resource",
    "presented_scope",
    "receipt_resource",
    "request_resource",
    "resource",
    "scope_quote",
    "scope_resource",
    "scope_summary",
    "service_line_resource",
    "statement",
    "verdicts_resource",
]
