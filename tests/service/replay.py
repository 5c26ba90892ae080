"""The event log, replayed: what each thing is, from what was told of it and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ods_core.basics.events import Event
from ods_core.basics.records import Engagement
from ods_core.basics.resources import resource
from ods_core.basics.states import Kind

Facts = dict[tuple[Kind, str], dict[str, Any]]

DERIVED = {
    Kind.REQUEST: {"updated_at", "scope_id", "scope_summary", "scope_ids"},
    Kind.SCOPE: {"deliverables", "cycles", "remediation_cycles", "request_status", "service_line_id"},
    Kind.CYCLE: {"deliverables", "deliverable_ids", "service_line_id"},
    Kind.PAYMENT: {"expected_on", "overdue_days"},
}
"""What a resource says of its neighbours, or as of now: to be found with them, not replayed."""


def replay(facts: Facts, events: Iterable[Event]) -> Facts:
    """The facts, with what these events tell."""
    for event in events:
        for kind, data in told(event):
            facts.setdefault((kind, data["id"]), {}).update(data)
    return facts


def told(event: Event) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """What an event tells, of its subject and of what came with it."""
    data = dict(event.data)
    receipt = data.pop("receipt", None)
    if receipt:
        yield Kind.RECEIPT, receipt
        if receipt["reverses"]:
            yield Kind.RECEIPT, {"id": receipt["reverses"], "status": "reversed"}
    scope = data.pop("scope", None) or (data if event.subject_kind == Kind.SCOPE else None)
    yield event.subject_kind, data
    if scope:
        yield Kind.SCOPE, scope
        yield Kind.REQUEST, {"id": event.request_id, "status": scope["request_status"]}
        yield from ((Kind.CYCLE, cycle) for cycle in scope["cycles"] + scope["remediation_cycles"])
        yield from ((Kind.DELIVERABLE, deliverable) for deliverable in scope["deliverables"])


def differences(engagement: Engagement, facts: Facts, now: datetime) -> list[str]:
    """Where an engagement is not what its events say; empty when they agree."""
    return list(_differences(engagement, facts, now))


def _differences(engagement: Engagement, facts: Facts, now: datetime) -> Iterator[str]:
    things = dict(_things(engagement))
    if set(things) != {id for _, id in facts}:
        yield f"told of {sorted(id for _, id in facts)}, there are {sorted(things)}"
    for id, kind in things.items():
        stored, replayed = resource(engagement, kind, id, now, 0), facts.get((kind, id), {})
        for name in stored.keys() & replayed.keys() - DERIVED.get(kind, set()):
            if stored[name] != replayed[name]:
                yield f"{id}: {name} is {stored[name]!r}, the events say {replayed[name]!r}"


def _things(engagement: Engagement) -> Iterator[tuple[str, Kind]]:
    yield engagement.request.id, Kind.REQUEST
    groups = {
        Kind.SCOPE: engagement.scopes,
        Kind.CYCLE: engagement.cycles,
        Kind.DELIVERABLE: engagement.deliverables,
        Kind.SERVICE_LINE: engagement.service_lines,
        Kind.PAYMENT: engagement.milestones,
        Kind.RECEIPT: engagement.receipts,
        Kind.INVOICE: engagement.invoices,
    }
    for kind, group in groups.items():
        yield from ((record.id, kind) for record in group)
