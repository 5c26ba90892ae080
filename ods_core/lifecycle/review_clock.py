"""What time alone brings about: reminders, and the decision that silence means once a review window has passed.

The system gives these commands; the rules judge each of them by the state and the time, as they judge a person's. So it
does not matter how often, by how many servers, or how late it is tried: what was decided is decided once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ods_core.basics.clock import midnight
from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import EventType
from ods_core.basics.records import Attempt, Deliverable, Engagement, Scope
from ods_core.basics.states import DeliverableStatus, Kind, ScopeStatus, SilencePolicy
from ods_core.lifecycle import delivery
from ods_core.lifecycle.commands import Accept, Command, Lapse, Reject, RemindApprover, RemindReviewer
from ods_core.lifecycle.mover import Change

DEEMING = (SilencePolicy.DEEMED_ACCEPTED, SilencePolicy.DEEMED_REJECTED)
"""The policies under which silence decides."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A command that the system has to give on a thing, from `when` on, unless somebody acts before."""

    when: datetime
    command: Command
    subject_id: str


def alarms(engagement: Engagement) -> list[Alarm]:
    """What the clock has yet to do on an engagement, the next first."""
    found = [*_of_scopes(engagement), *_of_reviews(engagement)]
    return sorted(found, key=lambda alarm: alarm.when)


def _of_scopes(engagement: Engagement) -> Iterator[Alarm]:
    for scope in engagement.scopes:
        if scope.status == ScopeStatus.PENDING_CONFIRMATION and scope.reminded_at is None:
            yield Alarm(midnight(scope.remind_on), RemindApprover(), scope.id)


def _of_reviews(engagement: Engagement) -> Iterator[Alarm]:
    for d in engagement.deliverables:
        attempt = engagement.attempt_on(d)
        if d.status != DeliverableStatus.READY_FOR_ACCEPTANCE or attempt is None:
            continue
        if attempt.remind_at and attempt.reminded_at is None:
            yield Alarm(attempt.remind_at, RemindReviewer(), d.id)
        if attempt.decide_by and engagement.scope(d.scope_id).silence_policy in DEEMING:
            yield Alarm(attempt.decide_by, Lapse(), d.id)


def lapse(change: Change, deliverable: Deliverable) -> None:
    """Decide as the scope provides for silence: the same decision as a person's, by the system, and marked as deemed.

    Raises:
        NotAllowed: the window has not passed, or silence decides nothing here.
    """
    scope = change.engagement.scope(deliverable.scope_id)
    attempt = _attempt(change, deliverable)
    if attempt.decide_by is None or scope.silence_policy not in DEEMING:
        raise _too_early(deliverable, f"in scope {scope.id} silence decides nothing")
    if change.moment.now < attempt.decide_by:
        raise _too_early(deliverable, f"its reviewer has until {_written(attempt.decide_by)}")
    if scope.silence_policy == SilencePolicy.DEEMED_ACCEPTED:
        delivery.accept(change, deliverable, Accept(), deemed=True)
    else:
        delivery.reject(change, deliverable, Reject(_reason(scope, attempt.decide_by)), deemed=True)


def _reason(scope: Scope, ended: datetime) -> str:
    days = scope.review_window_days
    return (
        f"The review window of {days} {'day' if days == 1 else 'days'} passed on {_written(ended)} without a decision; "
        "by the scope's silence policy that rejects. No criterion was judged."
    )


def remind_reviewer(change: Change, deliverable: Deliverable) -> None:
    """Say once for each attempt that its decision is waited for.

    Raises:
        NotAllowed: it was said already, or it is not time yet.
    """
    attempt = _attempt(change, deliverable)
    now = change.moment.now
    if attempt.reminded_at:
        raise _too_early(deliverable, f"its reviewer was reminded at {_written(attempt.reminded_at)}")
    if attempt.remind_at is None or now < attempt.remind_at:
        raise _too_early(deliverable, "it is not time to remind its reviewer")
    change.put_attempt(replace(attempt, reminded_at=now))
    change.tell(Kind.DELIVERABLE, deliverable.id, EventType.DELIVERABLE_REVIEW_REMINDER)


def remind_approver(change: Change, scope: Scope) -> None:
    """Say once that a proposal is about to expire, while it can still be confirmed.

    Raises:
        NotAllowed: it was said already, it is not time yet, or the proposal has expired.
    """
    today = change.moment.today
    if scope.reminded_at:
        raise _too_early(scope, f"its approver was reminded at {_written(scope.reminded_at)}")
    if not scope.remind_on <= today <= scope.valid_until:
        raise _too_early(scope, f"its reminder is for the days from {scope.remind_on} to {scope.valid_until}")
    change.amend(scope, reminded_at=change.moment.now)
    change.tell(Kind.SCOPE, scope.id, EventType.SCOPE_EXPIRING)


def _attempt(change: Change, deliverable: Deliverable) -> Attempt:
    attempt = change.engagement.attempt_on(deliverable)
    assert attempt, "what is ready for acceptance was handed in"
    return attempt


def _too_early(subject: Deliverable | Scope, why: str) -> NotAllowed:
    kind = "deliverable" if isinstance(subject, Deliverable) else "scope"
    return NotAllowed(f"{kind} {subject.id} is `{subject.status}`: {why}", current_state=subject.status.value)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
