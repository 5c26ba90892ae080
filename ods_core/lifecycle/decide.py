"""State + command + time → new state + events. Pure: no database, clock or network is in reach."""

from __future__ import annotations

from dataclasses import dataclass

from ods_core.basics.events import Event
from ods_core.basics.records import Deliverable, Engagement, Scope
from ods_core.lifecycle import delivery, proposals
from ods_core.lifecycle.commands import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    Negotiate,
    Propose,
    Reissue,
    Reject,
    Revise,
    Start,
    Submit,
    SubmitRequest,
    Terminate,
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
    match subject, command:
        case Scope(), Confirm():
            delivery.confirm(change, subject, command)
        case Scope(), Decline():
            proposals.decline(change, subject, command)
        case Scope(), Reissue():
            proposals.reissue(change, subject, command)
        case Scope(), Terminate():
            delivery.terminate(change, subject, command)
        case Deliverable(), Start():
            delivery.start(change, subject)
        case Deliverable(), Submit():
            delivery.submit(change, subject, command)
        case Deliverable(), Accept():
            delivery.accept(change, subject, command)
        case Deliverable(), Reject():
            delivery.reject(change, subject, command)
        case _, Propose():
            proposals.propose(change, command)
        case _, Negotiate():
            proposals.negotiate(change, command)
        case _, Revise():
            proposals.revise(change, command)
        case _, Cancel():
            proposals.cancel(change, command)
        case _:
            raise TypeError(f"no rule for {type(command).__name__}")
