"""Whether two stores say the same of everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ods_core.basics.clock import Clock
from ods_core.basics.records import Attempt, Engagement
from ods_core.basics.resources import resource
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Kind, Verdict
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.store import Store
from ods_core.store import tables as t
from ods_core.store.rows import load

MONEY = frozenset({"received", "open", "overdue", "days_sales_outstanding"})
"""The metrics that are measured on payments and receipts."""


def engagements(store: Store) -> dict[str, Engagement]:
    """All of them, whole, by the ids of their requests."""
    with store.read() as connection:
        ids = list(connection.execute(select(t.requests.c.id)).scalars())
        return load(connection, ids)


def told(engagement: Engagement) -> Engagement:
    """An engagement without what no call tells: when a reviewer will be reminded, and a verdict that says nothing."""
    return replace(engagement, attempts=tuple(_told(a) for a in engagement.attempts))


def _told(attempt: Attempt) -> Attempt:
    verdicts = (v for v in attempt.verdicts if v.verdict != Verdict.NOT_TESTED or v.evidence)
    named = {v.criterion for v in attempt.verdicts}
    named_too = (attempt.verdict_on(c.criterion) for c in attempt.criteria_not_met if c.criterion not in named)
    said = sorted([*verdicts, *named_too], key=lambda v: v.criterion)
    return replace(attempt, remind_at=None, verdicts=tuple(said) if attempt.decision else ())


def resources(engagement: Engagement, clock: Clock, review_days: int) -> dict[str, Any]:
    """What the API shows of everything in an engagement."""
    groups = {
        Kind.SCOPE: engagement.scopes,
        Kind.CYCLE: engagement.cycles,
        Kind.DELIVERABLE: engagement.deliverables,
        Kind.SERVICE_LINE: engagement.service_lines,
        Kind.PAYMENT: engagement.milestones,
        Kind.RECEIPT: engagement.receipts,
        Kind.INVOICE: engagement.invoices,
    }
    named = [(Kind.REQUEST, engagement.request.id), *((k, one.id) for k, group in groups.items() for one in group)]
    return {id: resource(engagement, kind, id, clock(), review_days, LOCAL) for kind, id in named}


def log(store: Store) -> list[dict[str, Any]]:
    """All events as the feed shows them."""
    with store.read() as connection:
        found = feed(connection, LOCAL, EventFilter(), limit=1_000_000)
    return [event.as_json() for event in found.events]


def metrics(store: Store, clock: Clock, start: str, to: str, *, money: bool = True) -> list[Any]:
    """Every metric by month; without `money`, those alone that need no payments."""
    with store.read() as connection:
        found = outcomes(connection, LOCAL, OutcomeFilter(start, to), clock())["metrics"]
    return [one for one in found if money or one["key"] not in MONEY]
