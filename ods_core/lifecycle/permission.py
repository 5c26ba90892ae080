"""Is it allowed? The one answer, asked by the rules before they act and by pages before they offer a button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from ods_core.basics.errors import NotAllowed, ScopeExpired
from ods_core.basics.records import Cycle, Deliverable, Engagement, Invoice, Milestone, Receipt, Request, Scope
from ods_core.basics.states import CycleStatus, DeliverableStatus, Kind, RequestStatus, look
from ods_core.lifecycle.rules import RULES, Rule, Verb

Subject = Request | Scope | Deliverable | Milestone | Receipt | Invoice


def subject_of(engagement: Engagement, verb: Verb, id: str) -> Subject:
    """The thing a command is about.

    Raises:
        NotFound: the engagement has no such thing.
    """
    match RULES[verb].subject:
        case Kind.SCOPE:
            return engagement.scope(id)
        case Kind.DELIVERABLE:
            return engagement.deliverable(id)
        case Kind.PAYMENT:
            return engagement.milestone(id)
        case Kind.RECEIPT:
            return engagement.receipt(id)
        case Kind.INVOICE:
            return engagement.invoice(id)
        case _:
            return engagement.request


def why_not(engagement: Engagement, verb: Verb, id: str, today: date) -> NotAllowed | None:
    """Why a command cannot be given now, or None if it can; the current state is in the answer."""
    subject = subject_of(engagement, verb, id)
    rule = RULES[verb]
    if subject.status not in rule.states:
        return _wrong_state(rule, subject)
    return _CONDITIONS.get(verb, _no_condition)(engagement, subject, today)


def can(engagement: Engagement, verb: Verb, id: str, today: date) -> bool:
    """Whether a command can be given now; roles apart."""
    return why_not(engagement, verb, id, today) is None


def _wrong_state(rule: Rule, subject: Subject) -> NotAllowed:
    wanted = " or ".join(f"`{state}`" for state in rule.states)
    done = _decided(subject)
    return NotAllowed(
        f"{rule.subject.replace('_', ' ')} {subject.id} is `{subject.status}`{done}; "
        f"to {rule.verb.replace('_', ' ')} it, it must be {wanted}",
        current_state=subject.status.value,
    )


def _decided(subject: Subject) -> str:
    """Who came first, for the one who came second."""
    if isinstance(subject, Scope) and subject.confirmed_at and subject.cancelled_at is None:
        return f" (confirmed by {subject.confirmed_by} at {subject.confirmed_at:%Y-%m-%dT%H:%M:%SZ})"
    if isinstance(subject, Scope) and subject.cancelled_at:
        return f" (by {subject.cancelled_by} at {subject.cancelled_at:%Y-%m-%dT%H:%M:%SZ})"
    if isinstance(subject, Deliverable) and subject.decided_at and subject.status in _DECIDED:
        return f" (decided at {subject.decided_at:%Y-%m-%dT%H:%M:%SZ})"
    return ""


_DECIDED = (DeliverableStatus.ACCEPTED, DeliverableStatus.REJECTED)


def _no_condition(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    return None


def _only_over_expired(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    scope = engagement.current_scope
    if subject.status == RequestStatus.SCOPING or (scope and scope.is_expired(today)):
        return None
    state = f"its scope {scope.id} is `{scope.status}`" if scope else "it has no scope"
    return NotAllowed(
        f"request {subject.id} is `scoped`: {state}; a further proposal needs the present one declined or expired",
        current_state=subject.status.value,
    )


def _never_confirmed(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    confirmed = next((s for s in engagement.scopes if s.confirmed_at), None)
    if confirmed is None:
        return None
    return NotAllowed(
        f"request {subject.id} cannot be cancelled: its scope {confirmed.id} was confirmed and is "
        f"`{confirmed.status}`; an active scope can be terminated",
        current_state=subject.status.value,
        scope_status=confirmed.status.value,
    )


def _not_expired(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    if isinstance(subject, Scope) and subject.is_expired(today):
        return ScopeExpired(
            f"scope {subject.id} could be confirmed until {subject.valid_until}; ask the provider to re-issue it",
            current_state=subject.status.value,
            valid_until=subject.valid_until,
        )
    return None


def _only_expired(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    if isinstance(subject, Scope) and not subject.is_expired(today):
        return NotAllowed(
            f"scope {subject.id} is still valid until {subject.valid_until}; only an expired proposal is re-issued",
            current_state=subject.status.value,
        )
    return None


def working_cycle(engagement: Engagement, deliverable: Deliverable) -> Cycle:
    """The cycle in which a deliverable's next work happens: its delivery cycle, or its latest remediation."""
    return engagement.cycles_of(deliverable.id)[-1]


def _cycle_runs(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    assert isinstance(subject, Deliverable)
    cycle = working_cycle(engagement, subject)
    if cycle.status == CycleStatus.IN_PROGRESS:
        return None
    return NotAllowed(
        f"deliverable {subject.id} belongs to {cycle.name}, which is {look(cycle.status).label.lower()}; "
        "work on it needs a cycle in progress",
        current_state=subject.status.value,
        cycle_status=cycle.status.value,
    )


def _not_invoiced(engagement: Engagement, subject: Subject, today: date) -> NotAllowed | None:
    standing = engagement.standing_invoice(subject.id)
    if standing is None:
        return None
    return NotAllowed(
        f"payment {subject.id} has invoice {standing.id}, which is `{standing.status}`; another one needs that voided",
        current_state=subject.status.value,
        invoice_id=standing.id,
    )


_CONDITIONS: Mapping[Verb, Callable[[Engagement, Subject, date], NotAllowed | None]] = {
    Verb.PROPOSE: _only_over_expired,
    Verb.CANCEL: _never_confirmed,
    Verb.CONFIRM: _not_expired,
    Verb.REISSUE: _only_expired,
    Verb.START: _cycle_runs,
    Verb.SUBMIT: _cycle_runs,
    Verb.ISSUE_INVOICE: _not_invoiced,
}
