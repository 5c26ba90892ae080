"""Events as sentences: what happened, with the amounts and dates that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ods_core.basics.clock import parse_time
from ods_core.basics.events import ActorKind, Event, EventType
from ods_core.ui.formats import count, day, money

Data = Mapping[str, Any]


def sentence(event: Event) -> str:
    """One event as a sentence, a plain text."""
    return _SENTENCES[event.type](event.data)


def actor(event: Event) -> str:
    """Who did it."""
    names = {ActorKind.LOCAL: "this machine's user", ActorKind.SYSTEM: "the system"}
    kind = {ActorKind.KEY: "API key "}.get(event.actor.kind, "")
    return names.get(event.actor.kind) or f"{kind}{event.actor.id}"


def icon(event: Event) -> str:
    """The icon of an event's kind of news, as Streamlit writes one."""
    return f":material/{_ICONS.get(event.type.split('.')[1], 'circle')}:"


_ICONS = {
    "request": "inbox",
    "scope": "description",
    "service_line": "hub",
    "cycle": "view_timeline",
    "remediation": "build",
    "deliverable": "fact_check",
    "payment": "payments",
    "invoice": "receipt_long",
    "webhook_endpoint": "webhook",
}


def _title(data: Data) -> str:
    return f"“{data['title']}”"


def _amount(data: Data, key: str = "amount") -> str:
    return money(Decimal(str(data[key])), data["currency"])


def _day(value: Any) -> str:
    """A date or time, as an event just made has it or as the log keeps it."""
    if not isinstance(value, str):
        return day(value)
    return day(parse_time(value) if "T" in value else date.fromisoformat(value))


def _scoped(data: Data) -> str:
    summary = data["scope_summary"]
    parts = f"{count(summary['deliverables'], 'deliverable')} in {count(summary['cycles'], 'cycle')}"
    return f"A proposal for {_title(data)} was presented: {parts} for {_amount(summary, 'fixed_price')}."


def _negotiation(data: Data) -> str:
    fits = data["negotiation"] or {}
    price, weeks = fits.get("fixed_price"), fits.get("timeline_weeks")
    would = [money(Decimal(str(price)), data["currency"])] if price is not None else []
    would += [count(weeks, "week")] if weeks else []
    return f"{_title(data)} does not fit its bounds; {' and '.join(would)} would. {fits.get('reason', '')}".strip()


def _confirmed(data: Data) -> str:
    by = data["shifted_days"]
    moved = f" The cycles moved by {count(by, 'day')}." if by else ""
    return f"The scope {_title(data)} was confirmed for {_amount(data, 'fixed_price')}.{moved}"


def _ended(words: str) -> Callable[[Data], str]:
    return lambda data: f"The {words}: {data['cancellation_reason']}"


def _rejected(data: Data) -> str:
    last = data["attempts"][-1]
    named = [str(c["criterion"]) for c in last["criteria_not_met"]]
    which = f" Not met: criterion {', '.join(named)}." if named else ""
    deemed = " by silence" if last["deemed"] else ""
    return f"{_title(data)} was rejected{deemed} on attempt {data['attempt']}: {last['rejection_reason']}{which}"


def _review_reminder(data: Data) -> str:
    said = f"{_title(data)} waits for its decision since {_day(data['ready_at'])}"
    silence = {"deemed_accepted": "accepted", "deemed_rejected": "rejected"}.get(data["silence_policy"])
    if data["decide_by"] and silence:
        return f"{said}; it counts as {silence} on {_day(data['decide_by'])}."
    return f"{said}; its review window ends on {_day(data['decide_by'])}." if data["decide_by"] else f"{said}."


def _accepted(data: Data) -> str:
    deemed = " by silence" if data["attempts"][-1]["deemed"] else ""
    return f"{_title(data)} was accepted{deemed} on attempt {data['attempt']}."


def _due(data: Data) -> str:
    return f"{_amount(data)} is due on {_day(data['due_at'])}: {data['description']}."


def _scheduled(data: Data) -> str:
    return f"{_amount(data)} was scheduled: {data['description']}."


def _received(data: Data) -> str:
    entry = data["receipt"]
    if entry["reverses"]:
        taken, left = money(-Decimal(str(entry["amount"])), entry["currency"]), _amount(data, "open")
        return f"{taken} was taken back ({entry['reason']}): {left} is open for {data['description']}."
    came = f"{money(Decimal(str(entry['amount'])), entry['currency'])} came in on {_day(entry['received_on'])}"
    return (
        f"{came} ({entry['reference']}): {_amount(data, 'paid')} of {_amount(data)} is paid for {data['description']}."
    )


def _gave_up(data: Data) -> str:
    tried = count(data["attempts"], "attempt")
    return f"{data['event_id']} ({data['event_type']}) was given up after {tried}: {data['url']} did not take it."


def _remediation(data: Data) -> str:
    return f"{data['name']} began, at no cost, and is planned to end on {_day(data['planned_end'])}."


_SENTENCES: Mapping[EventType, Callable[[Data], str]] = {
    EventType.REQUEST_SUBMITTED: lambda d: f"{_title(d)} was asked for.",
    EventType.REQUEST_SCOPED: _scoped,
    EventType.REQUEST_REQUIRES_NEGOTIATION: _negotiation,
    EventType.REQUEST_REVISED: lambda d: f"The request {_title(d)} was revised.",
    EventType.REQUEST_CANCELLED: _ended("request was cancelled"),
    EventType.SCOPE_CONFIRMED: _confirmed,
    EventType.SCOPE_DECLINED: _ended("proposal was declined"),
    EventType.SCOPE_CANCELLED: _ended("proposal was withdrawn"),
    EventType.SCOPE_EXPIRING: lambda d: f"The proposal {_title(d)} can be confirmed until {_day(d['valid_until'])}.",
    EventType.SCOPE_COMPLETED: lambda d: f"The scope {_title(d)} is complete: everything is accepted.",
    EventType.SCOPE_TERMINATED: _ended("scope was terminated"),
    EventType.SERVICE_LINE_OPENED: lambda d: f"Service line {d['id']} was opened.",
    EventType.SERVICE_LINE_CLOSED: lambda d: f"Service line {d['id']} was closed.",
    EventType.CYCLE_STARTED: lambda d: f"{d['name']} started; it is planned to end on {_day(d['planned_end'])}.",
    EventType.CYCLE_COMPLETED: lambda d: f"{d['name']} is complete: all its deliverables are submitted for review.",
    EventType.CYCLE_ACCEPTED: lambda d: f"{d['name']} was accepted.",
    EventType.CYCLE_CANCELLED: lambda d: f"{d['name']} was cancelled.",
    EventType.REMEDIATION_STARTED: _remediation,
    EventType.DELIVERABLE_STARTED: lambda d: f"Work on {_title(d)} started, attempt {d['attempt']}.",
    EventType.DELIVERABLE_SUBMITTED: lambda d: f"{_title(d)} was submitted, attempt {d['attempt']}.",
    EventType.DELIVERABLE_READY: lambda d: f"{_title(d)} is ready for acceptance.",
    EventType.DELIVERABLE_REVIEW_REMINDER: _review_reminder,
    EventType.DELIVERABLE_ACCEPTED: _accepted,
    EventType.DELIVERABLE_REJECTED: _rejected,
    EventType.DELIVERABLE_ESCALATED: lambda d: f"{_title(d)} is going in circles and was escalated.",
    EventType.DELIVERABLE_CANCELLED: lambda d: f"{_title(d)} was cancelled.",
    EventType.PAYMENT_SCHEDULED: _scheduled,
    EventType.PAYMENT_DUE: _due,
    EventType.PAYMENT_RECEIVED: _received,
    EventType.PAYMENT_PAID: lambda d: f"{_amount(d)} is paid in full: {d['description']}.",
    EventType.PAYMENT_VOIDED: lambda d: f"{_amount(d)} will not come due: {d['description']}.",
    EventType.INVOICE_ISSUED: lambda d: f"Invoice {d['number']} of {_amount(d, 'claimed')} was issued.",
    EventType.INVOICE_PAID: lambda d: f"Invoice {d['number']} is paid.",
    EventType.INVOICE_REOPENED: lambda d: f"Invoice {d['number']} is open again: a receipt was taken back.",
    EventType.INVOICE_VOIDED: lambda d: f"Invoice {d['number']} was voided: {d['reason']}",
    EventType.ENDPOINT_CREATED: lambda d: f"{d['url']} is told of {', '.join(d['event_types'])} from now on.",
    EventType.ENDPOINT_ENABLED: lambda d: f"{d['url']} is told of events again.",
    EventType.ENDPOINT_DISABLED: lambda d: f"{d['url']} is not told of events any more: {d['disabled_reason']}.",
    EventType.ENDPOINT_SECRET_ROTATED: lambda d: f"{d['url']} has a new secret.",
    EventType.ENDPOINT_GAVE_UP: _gave_up,
    EventType.ENDPOINT_TEST: lambda d: f"A test was sent to {d['url']}.",
    EventType.ENDPOINT_DELETED: lambda d: f"{d['url']} was deleted.",
    EventType.INVOICE_UNCOLLECTIBLE: lambda d: f"Invoice {d['number']} was given up: {d['reason']}",
}
