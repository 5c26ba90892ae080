"""Commands that are given here, passed on: each one as its call, and what that call's answer is about."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from ods_core.basics.errors import Forbidden
from ods_core.basics.events import Actor, ActorKind, Event, EventType
from ods_core.basics.jsonio import dumps, loads
from ods_core.basics.records import CriterionVerdict, Engagement, Evidence
from ods_core.basics.states import Kind
from ods_core.client import UNSET, Client
from ods_core.client import inputs as i
from ods_core.client import models as m
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    Estimate,
    IssueInvoice,
    Negotiate,
    Propose,
    RecordReceipt,
    Reissue,
    Reject,
    ReverseReceipt,
    Revise,
    Start,
    Submit,
    SubmitRequest,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)

Answered = m.Request | m.Scope | m.Confirmed | m.Deliverable | m.Receipt | m.Invoice

OWN_EVENT: dict[type, EventType] = {
    SubmitRequest: EventType.REQUEST_SUBMITTED,
    Propose: EventType.REQUEST_SCOPED,
    Reissue: EventType.REQUEST_SCOPED,
    Negotiate: EventType.REQUEST_REQUIRES_NEGOTIATION,
    Revise: EventType.REQUEST_REVISED,
    Cancel: EventType.REQUEST_CANCELLED,
    Confirm: EventType.SCOPE_CONFIRMED,
    Decline: EventType.SCOPE_DECLINED,
    Terminate: EventType.SCOPE_TERMINATED,
    Start: EventType.DELIVERABLE_STARTED,
    Submit: EventType.DELIVERABLE_SUBMITTED,
    Accept: EventType.DELIVERABLE_ACCEPTED,
    Reject: EventType.DELIVERABLE_REJECTED,
    RecordReceipt: EventType.PAYMENT_RECEIVED,
    ReverseReceipt: EventType.PAYMENT_RECEIVED,
    IssueInvoice: EventType.INVOICE_ISSUED,
    VoidInvoice: EventType.INVOICE_VOIDED,
    WriteOffInvoice: EventType.INVOICE_UNCOLLECTIBLE,
}
"""The event that says of each command that it was carried out."""


_sent_under: ContextVar[str | None] = ContextVar("ods_sent_under", default=None)


def sent_under(key: str | None) -> None:
    """Let the command that is given next in this context be passed on under one key, however often it is sent here."""
    _sent_under.set(key and sha256(key.encode()).hexdigest())


def key_of_command() -> str:
    """The idempotency key of a command that is passed on."""
    return _sent_under.get() or str(uuid4())


def pass_on(ods: Client, subject_id: str, command: Command, actor: Actor) -> Answered:
    """Give a command to the other server; its answer.

    A person who is named nowhere in it is named as its actor where the call can say so, since the other server knows
    the mirror's key alone.

    Raises:
        ClientError: it refuses, or cannot be reached.
        Forbidden: only the clock of the other server gives this command.
    """
    match command:
        case SubmitRequest() | Propose() | Negotiate() | Revise() | Cancel():
            return _about_request(ods, subject_id, command)
        case Confirm() | Decline() | Reissue() | Terminate():
            return _about_scope(ods, subject_id, command, actor)
        case Start() | Submit() | Accept() | Reject():
            return _about_deliverable(ods, subject_id, command, actor)
        case RecordReceipt() | ReverseReceipt() | IssueInvoice() | VoidInvoice() | WriteOffInvoice():
            return _about_money(ods, subject_id, command)
    raise Forbidden("the clock of the server that is followed carries this out")


def _about_request(ods: Client, id: str, command: SubmitRequest | Propose | Negotiate | Revise | Cancel) -> Answered:
    match command:
        case SubmitRequest():
            return _submit_request(ods, command)
        case Propose():
            return _propose(ods, id, command)
        case Negotiate():
            return ods.negotiate_request(
                id, reason=command.reason, fixed_price=command.fixed_price, timeline_weeks=command.timeline_weeks
            )
        case Revise():
            return _revise(ods, id, command)
        case Cancel():
            return ods.cancel_request(id, reason=command.reason)


def _submit_request(ods: Client, command: SubmitRequest) -> m.Request:
    return ods.submit_request(
        organization_id=command.organization_id,
        workspace_id=command.workspace_id,
        title=command.title,
        description=command.description,
        desired_outcome=command.desired_outcome,
        subscription_id=command.subscription_id,
        project_tags=list(command.project_tags),
        acceptance_criteria=list(command.acceptance_criteria),
        timeline_weeks=command.timeline_weeks,
        budget_max=command.budget_max,
        currency=command.currency,
    )


def _propose(ods: Client, id: str, command: Propose) -> m.Scope:
    deliverables: list[i.ProposedDeliverable] = [
        {
            "key": d.key,
            "title": d.title,
            "description": d.description,
            "acceptance_criteria": d.acceptance_criteria
            if isinstance(d.acceptance_criteria, str)
            else list(d.acceptance_criteria),
        }
        for d in command.deliverables
    ]
    cycles: list[i.ProposedCycle] = [
        {
            "name": c.name,
            "planned_start": c.planned_start,
            "planned_end": c.planned_end,
            "deliverables": list(c.deliverables),
        }
        for c in command.cycles
    ]
    return ods.propose_scope(
        id,
        deliverables=deliverables,
        cycles=cycles,
        fixed_price=command.fixed_price,
        currency=command.currency,
        timeline_weeks=command.timeline_weeks,
        payment_terms=command.payment_terms,
        title=command.title,
        valid_until=command.valid_until,
        review_window_days=command.review_window_days,
        silence_policy=command.silence_policy.value,
        quote=_estimate(command.estimate) if command.estimate else None,
    )


def _estimate(given: Estimate) -> i.Estimate:
    return {
        "deliverables": [{"key": w.key, "days": dict(w.days)} for w in given.deliverables],
        "contingency": given.contingency,
        "complexity": given.complexity,
        "discount": given.discount,
        "team_days_per_week": given.team_days_per_week,
    }


def _revise(ods: Client, id: str, command: Revise) -> m.Request:
    def bound(name: str, value: Any) -> Any:
        return None if name in command.lift else UNSET if value is None else value

    return ods.revise_request(
        id,
        title=command.title,
        description=command.description,
        desired_outcome=command.desired_outcome,
        acceptance_criteria=None if command.acceptance_criteria is None else list(command.acceptance_criteria),
        timeline_weeks=bound("timeline_weeks", command.timeline_weeks),
        budget_max=bound("budget_max", command.budget_max),
    )


def _about_scope(ods: Client, id: str, command: Confirm | Decline | Reissue | Terminate, actor: Actor) -> Answered:
    match command:
        case Confirm():
            return ods.confirm_scope(id, confirm=True, accepted_by=command.accepted_by or _person(actor))
        case Decline():
            return ods.confirm_scope(id, confirm=False, reason=command.reason)
        case Reissue():
            return ods.reissue_scope(id, valid_until=command.valid_until)
        case Terminate():
            return ods.terminate_scope(id, reason=command.reason)


def _about_deliverable(ods: Client, id: str, command: Start | Submit | Accept | Reject, actor: Actor) -> Answered:
    match command:
        case Start():
            return ods.start_deliverable(id)
        case Submit():
            return ods.submit_deliverable(id, notes=command.notes, evidence=[_link(e) for e in command.evidence])
        case Accept():
            return ods.decide_deliverable(
                id,
                accepted=True,
                reviewer_id=command.reviewer_id or _person(actor),
                notes=command.notes,
                verdicts=[_verdict(v) for v in command.verdicts] or None,
            )
        case Reject():
            return ods.decide_deliverable(
                id,
                accepted=False,
                reviewer_id=command.reviewer_id or _person(actor),
                notes=command.notes,
                rejection_reason=command.rejection_reason,
                criteria_not_met=[{"criterion": c.criterion, "evidence": c.evidence} for c in command.criteria_not_met]
                or None,
                verdicts=[_verdict(v) for v in command.verdicts] or None,
            )


def _link(evidence: Evidence) -> i.Evidence:
    return {"url": evidence.url, "title": evidence.title}


def _verdict(given: CriterionVerdict) -> i.VerdictOn:
    return {"criterion": given.criterion, "verdict": given.verdict.value, "evidence": given.evidence}


def _about_money(
    ods: Client, id: str, command: RecordReceipt | ReverseReceipt | IssueInvoice | VoidInvoice | WriteOffInvoice
) -> Answered:
    match command:
        case RecordReceipt():
            return ods.record_receipt(
                id, amount=command.amount, received_on=command.received_on, reference=command.reference
            )
        case ReverseReceipt():
            return ods.reverse_receipt(id, reason=command.reason)
        case IssueInvoice():
            return ods.issue_invoice(id)
        case VoidInvoice():
            return ods.void_invoice(id, reason=command.reason)
        case WriteOffInvoice():
            return ods.write_off_invoice(id, reason=command.reason)


def _person(actor: Actor) -> str | None:
    return actor.id if actor.kind == ActorKind.USER else None


def about(answer: Answered) -> tuple[Kind, str]:
    """What an answer is about."""
    if isinstance(answer, m.Confirmed):
        return Kind.SCOPE, answer.scope_id
    kinds = {
        m.Request: Kind.REQUEST,
        m.Scope: Kind.SCOPE,
        m.Receipt: Kind.RECEIPT,
        m.Invoice: Kind.INVOICE,
    }
    return kinds.get(type(answer), Kind.DELIVERABLE), answer.id


def followed(command: Command, answer: Answered, engagement: Engagement, actor: Actor, now: datetime) -> list[Event]:
    """What the answer itself says that the command caused, where no log tells it; kept nowhere."""
    request = engagement.request
    kind, id = about(answer)

    def event(type: EventType, kind: Kind, id: str, data: Any) -> Event:
        scope_id = getattr(answer, "scope_id", None)
        owner = (request.id, scope_id, request.organization_id, request.workspace_id)
        return Event(type, now, actor, kind, id, *owner, data)

    found = [event(OWN_EVENT[type(command)], kind, id, _dumped(answer))]
    if isinstance(answer, m.Confirmed) and answer.payment_due:
        found.append(event(EventType.PAYMENT_DUE, Kind.PAYMENT, answer.payment_due.id or "", _due(answer.payment_due)))
    started = answer.cycle_id if isinstance(answer, m.Confirmed) else getattr(answer, "next_cycle_id", None)
    if started:
        found.append(event(EventType.CYCLE_STARTED, Kind.CYCLE, started, _named(engagement, started)))
    if isinstance(answer, m.Decided):
        if answer.remediation_cycle_id:
            data = _named(engagement, answer.remediation_cycle_id)
            found.append(event(EventType.REMEDIATION_STARTED, Kind.CYCLE, answer.remediation_cycle_id, data))
        found += [event(EventType.PAYMENT_DUE, Kind.PAYMENT, p.id, _dumped(p)) for p in answer.payments_due]
    return found


def _due(told: m.PaymentDue) -> dict[str, Any]:
    return {"id": told.id} | _dumped(told)


def _named(engagement: Engagement, cycle_id: str) -> dict[str, Any]:
    found = next((c for c in engagement.cycles if c.id == cycle_id), None)
    if found is None:
        return {"id": cycle_id, "name": cycle_id}
    plan = {"planned_start": found.planned_start.isoformat(), "planned_end": found.planned_end.isoformat()}
    return {"id": cycle_id, "name": found.name, **plan}


def _dumped(answer: m.Answer) -> dict[str, Any]:
    """An answer as it was told: what was left out stays out."""
    found: dict[str, Any] = loads(dumps(answer.model_dump(exclude_unset=True)))
    return found


def event_of(told: m.Event) -> Event | None:
    """An event of the other server's log as one of this log; None for one of a kind that is not known here."""
    try:
        type, kind = EventType(told.type), Kind(told.subject.kind)
        actor = Actor(ActorKind(told.actor.kind), told.actor.id)
    except ValueError:
        return None
    if told.request_id is None:
        return None
    return Event(
        type,
        told.occurred_at.astimezone(UTC),
        actor,
        kind,
        told.subject.id,
        told.request_id,
        told.scope_id,
        told.organization_id or "",
        told.workspace_id or "",
        told.data,
        id=told.id,
    )


def caused_by(command: Command, story: Sequence[m.Event]) -> list[Event]:
    """The events of a command at the end of its engagement's story: its own, and those of the same moment after it."""
    own = OWN_EVENT[type(command)].value
    places = [n for n, told in enumerate(story) if told.type == own]
    if not places:
        return []
    first = story[places[-1]]
    found = [told for told in story[places[-1] :] if told.occurred_at == first.occurred_at]
    return [event for told in found if (event := event_of(told))]
