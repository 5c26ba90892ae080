"""State + command + time → new state + events. Pure: no database, clock or network is in reach."""

from __future__ import annotations

from dataclasses import dataclass

from ods_core.basics.events import Event
from ods_core.basics.records import Deliverable, Engagement, Invoice, Milestone, Receipt, Scope
from ods_core.lifecycle import delivery, invoices, proposals, receipts, review_clock
from ods_core.lifecycle.commands import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    IssueInvoice,
    Lapse,
    Negotiate,
    Propose,
    RecordReceipt,
    Reissue,
    Reject,
    RemindApprover,
    RemindReviewer,
    ReverseReceipt,
    Revise,
    Start,
    Submit,
    SubmitRequest,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)
from ods_core.lifecycle.mover import Change, Moment
from ods_core.lifecycle.permission import subject_of, why_not
from ods_core.lifecycle.rules import verb_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to: the engagement as it is now, and the events that tell how it got there."""

    engagement: Engagement
    events: tuple[Event, ...]


def open_engagement(command: SubmitRequest, moment: Moment) -> Outcome:
    """Begin an engagement with its request.

    Raises:
        Invalid: values that cannot be right.
    """
    return _outcome(proposals.submit_request(command, moment))


def decide(engagement: Engagement, command: Command, subject_id: str, moment: Moment) -> Outcome:
    """Carry out a command on a part of an engagement (`subject_id`: a request, scope or deliverable of it).

    Raises:
        NotFound: the engagement has no such part.
        NotAllowed: the state does not allow it; nothing has changed.
        Invalid: values that cannot be right; nothing has changed.
    """
    verb = verb_of(command)
    subject = subject_of(engagement, verb, subject_id)
    refusal = why_not(engagement, verb, subject_id, moment.today)
    if refusal:
        raise refusal
    change = Change(engagement, moment)
    _carry_out(change, command, subject)
    return _outcome(change)


def _outcome(change: Change) -> Outcome:
    return Outcome(change.engagement, tuple(change.events))


def _carry_out(change: Change, command: Command, subject: object) -> None:
    if isinstance(subject, Scope):
        _on_scope(change, command, subject)
    elif isinstance(subject, Deliverable):
        _on_deliverable(change, command, subject)
    elif isinstance(subject, Milestone | Receipt | Invoice):
        _on_money(change, command, subject)
    else:
        _on_request(change, command)


def _on_money(change: Change, command: Command, subject: Milestone | Receipt | Invoice) -> None:
    match command, subject:
        case RecordReceipt(), Milestone():
            receipts.record_receipt(change, subject, command)
        case ReverseReceipt(), Receipt():
            receipts.reverse_receipt(change, subject, command)
        case IssueInvoice(), Milestone():
            invoices.issue(change, subject)
        case VoidInvoice(), Invoice():
            invoices.void(change, subject, command)
        case WriteOffInvoice(), Invoice():
            invoices.write_off(change, subject, command)


def _on_request(change: Change, command: Command) -> None:
    match command:
        case Propose():
            proposals.propose(change, command)
        case Negotiate():
            proposals.negotiate(change, command)
        case Revise():
            proposals.revise(change, command)
        case Cancel():
            proposals.cancel(change, command)


def _on_scope(change: Change, command: Command, scope: Scope) -> None:
    match command:
        case Confirm():
            delivery.confirm(change, scope, command)
        case Decline():
            proposals.decline(change, scope, command)
        case Reissue():
            proposals.reissue(change, scope, command)
        case Terminate():
            delivery.terminate(change, scope, command)
        case RemindApprover():
            review_clock.remind_approver(change, scope)


def _on_deliverable(change: Change, command: Command, deliverable: Deliverable) -> None:
    match command:
        case Start():
            delivery.start(change, deliverable)
        case Submit():
            delivery.submit(change, deliverable, command)
        case Accept():
            delivery.accept(change, deliverable, command)
        case Reject():
            delivery.reject(change, deliverable, command)
        case Lapse():
            review_clock.lapse(change, deliverable)
        case RemindReviewer():
            review_clock.remind_reviewer(change, deliverable)
