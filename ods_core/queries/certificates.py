"""Certificates: what was accepted, by whom, against which criteria, on which evidence, and what that released.

A certificate is made from the records and the event log each time it is asked for, and comes out the same each time:
what it tells of is final.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from ods_core.basics.clock import parse_time
from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import EventType
from ods_core.basics.records import Attempt, Deliverable, Engagement, Scope
from ods_core.basics.resources import Resource, amount_json, verdicts_resource
from ods_core.basics.roles import Caller
from ods_core.basics.states import DeliverableStatus, Kind, ScopeStatus
from ods_core.queries.lists import engagement_of
from ods_core.store import tables as t
from ods_core.store.rows import event_of

CONSEQUENCES = frozenset(
    {
        EventType.PAYMENT_DUE,
        EventType.PAYMENT_PAID,
        EventType.CYCLE_ACCEPTED,
        EventType.CYCLE_STARTED,
        EventType.SCOPE_COMPLETED,
        EventType.SERVICE_LINE_CLOSED,
    }
)
"""What an acceptance brings about in its own transaction; no command begins with any of these."""


def of_deliverable(connection: Connection, caller: Caller, id: str) -> Resource:
    """The certificate of one accepted deliverable.

    Raises:
        NotFound: there is no such deliverable for this caller.
        NotAllowed: it is not accepted.
    """
    engagement = engagement_of(connection, caller, Kind.DELIVERABLE, id)
    d = engagement.deliverable(id)
    if d.status != DeliverableStatus.ACCEPTED:
        raise NotAllowed(
            f"deliverable {id} is `{d.status}`; what is accepted has a certificate", current_state=d.status.value
        )
    return {**_accepted(connection, engagement, d), **_agreed(engagement, engagement.scope(d.scope_id))}


def of_service_line(connection: Connection, caller: Caller, id: str) -> Resource:
    """The certificate of a whole engagement, once everything in it is accepted.

    Raises:
        NotFound: there is no such service line for this caller.
        NotAllowed: something is not accepted, or the scope was terminated.
    """
    engagement = engagement_of(connection, caller, Kind.SERVICE_LINE, id)
    line = engagement.service_lines[-1]
    scope = engagement.scope(line.scope_id)
    if scope.status != ScopeStatus.COMPLETED:
        raise NotAllowed(
            f"service line {id} is `{line.status}` and its scope {scope.id} is `{scope.status}`; "
            "a completed scope has a certificate",
            current_state=line.status.value,
            scope_status=scope.status.value,
        )
    return {
        "service_line_id": line.id,
        "status": line.status.value,
        "opened_at": line.opened_at,
        "closed_at": line.closed_at,
        **_agreed(engagement, scope),
        **_delivered(engagement, scope),
        "deliverables": [_accepted(connection, engagement, d) for d in engagement.scope_deliverables(scope.id)],
    }


def _agreed(engagement: Engagement, scope: Scope) -> Resource:
    """What was bought, by whom, and when that was agreed."""
    request, line = engagement.request, engagement.service_line
    return {
        "service_line_id": line.id if line else None,
        "request_id": request.id,
        "organization_id": request.organization_id,
        "workspace_id": request.workspace_id,
        "scope": {
            "id": scope.id,
            "title": scope.title,
            "revision": scope.revision,
            "desired_outcome": request.desired_outcome,
            "fixed_price": amount_json(scope.fixed_price, scope.currency),
            "currency": scope.currency,
            "confirmed_at": scope.confirmed_at,
            "confirmed_by": scope.confirmed_by,
        },
    }


def _delivered(engagement: Engagement, scope: Scope) -> Resource:
    """When it was planned and completed, how often work was sent back, and every payment of it."""
    cycles = engagement.delivery_cycles(scope.id)
    return {
        "planned_start": cycles[0].planned_start,
        "planned_end": cycles[-1].planned_end,
        "completed_at": scope.completed_at,
        "remediation_cycles": sum(len(engagement.remediations(c.id)) for c in cycles),
        "released": [
            {
                "payment_id": m.id,
                "amount": amount_json(m.amount, m.currency),
                "currency": m.currency,
                "description": m.description,
                "due_at": m.due_at,
            }
            for m in engagement.milestones
            if m.scope_id == scope.id
        ],
    }


def _accepted(connection: Connection, engagement: Engagement, d: Deliverable) -> Resource:
    """One deliverable: the attempt that was accepted, and the verdict on each criterion."""
    attempt = engagement.attempt_on(d)
    assert attempt, "what is accepted was handed in"
    return {
        "deliverable_id": d.id,
        "title": d.title,
        "description": d.description,
        "cycle_id": d.cycle_id,
        "attempt": attempt.number,
        "submitted_at": attempt.submitted_at,
        "submitted_by": attempt.submitted_by,
        "submission_notes": attempt.notes,
        "evidence": [{"title": e.title, "url": e.url} for e in attempt.evidence],
        "accepted_at": attempt.decided_at,
        "accepted_by": attempt.reviewer_id,
        "deemed": attempt.deemed,
        "review_notes": attempt.review_notes,
        "criteria": _criteria(d, attempt),
        "released": [*_released(connection, engagement, d)],
    }


def _criteria(d: Deliverable, attempt: Attempt) -> list[Resource]:
    found = verdicts_resource(attempt, len(d.acceptance_criteria))
    return [
        {"criterion": v["criterion"], "text": text, "verdict": v["verdict"], "evidence": v["evidence"]}
        for text, v in zip(d.acceptance_criteria, found, strict=True)
    ]


def _released(connection: Connection, engagement: Engagement, d: Deliverable) -> Iterator[Resource]:
    """The payments that became due with an acceptance: told right after it, in the same transaction."""
    e = t.events.c
    accepted = select(e.sequence).where(e.subject_id == d.id, e.type == EventType.DELIVERABLE_ACCEPTED)
    after = select(t.events).where(e.request_id == d.request_id, e.sequence > accepted.scalar_subquery())
    rows: Any = connection.execute(after.order_by(e.sequence)).mappings()
    for row in rows:
        event = event_of(row)
        if event.type not in CONSEQUENCES:
            return
        if event.type == EventType.PAYMENT_DUE:
            m = engagement.milestone(event.subject_id)
            yield {
                "payment_id": m.id,
                "amount": amount_json(m.amount, m.currency),
                "currency": m.currency,
                "description": m.description,
                "due_at": parse_time(str(event.data["due_at"])),
            }


__all__ = ["of_deliverable", "of_service_line"]
