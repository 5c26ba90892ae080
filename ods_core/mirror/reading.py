"""What another server tells, as the records that are kept here.

Fields that it tells are taken as they are, fields that it does not tell stay what they were or are unknown (None).
Where the store cannot do without one, the whole engagement is `Untold`: a made-up time or owner would be in every
figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from ods_core.basics import records as r
from ods_core.basics.clock import working_days_before
from ods_core.basics.ids import PREFIX_OF, is_id, number_of
from ods_core.basics.parties import Party
from ods_core.basics.quotes import Quote, quote_of
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentKind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
    SilencePolicy,
    Verdict,
)
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.client import models as m

LONGEST_LEAD = 366
_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


class Untold(Exception):
    """Something that cannot be done without is not told, or not in words that are known here."""


class Torn(Untold):
    """What was read is not of one moment; read again, it will be."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that a server tells of one engagement; None where it has no call for something."""

    request: m.Request
    scopes: Sequence[m.Scope] = ()
    cycles: Sequence[m.Cycle] = ()
    deliverables: Sequence[m.Deliverable] = ()
    service_lines: Sequence[m.ServiceLine] | None = None
    payments: Sequence[m.Payment] = ()
    receipts: Sequence[m.Receipt] = ()
    invoices: Sequence[m.Invoice] = ()


def engagement_of(told: Told, kept: r.Engagement | None = None) -> r.Engagement:
    """The engagement, with what was kept of it where the server does not tell.

    Raises:
        Untold: something that cannot be done without.
    """
    request = request_of(told.request, kept.request if kept else None)
    scopes = tuple(_scope(one, kept) for one in _ordered(told.scopes, Kind.SCOPE))
    cycles = tuple(_cycle(one, request.id) for one in _ordered(told.cycles, Kind.CYCLE))
    deliverables = tuple(_deliverable(one, request.id) for one in _ordered(told.deliverables, Kind.DELIVERABLE))
    known = {one.id for one in deliverables}
    missing = {id for cycle in cycles for id in cycle.deliverable_ids} - known
    if missing or {d.cycle_id for d in deliverables} - {c.id for c in cycles}:
        raise Torn("its cycles and its deliverables, of one moment")
    return r.Engagement(
        request,
        scopes,
        cycles,
        deliverables,
        tuple(
            _attempt(attempt, d, request.id)
            for d in _ordered(told.deliverables, Kind.DELIVERABLE)
            for attempt in sorted(d.attempts, key=lambda a: a.attempt)
        ),
        _service_lines(told, scopes),
        tuple(_milestone(one, request.id) for one in _ordered(told.payments, Kind.PAYMENT)),
        tuple(_receipt(one) for one in _ordered(told.receipts, Kind.RECEIPT)),
        tuple(_invoice(one) for one in _ordered(told.invoices, Kind.INVOICE)),
    )


def request_of(told: m.Request, kept: r.Request | None = None) -> r.Request:
    """A request."""
    negotiation = told.negotiation if "negotiation" in told.model_fields_set else None
    given: dict[str, Any] = {"status": _word(RequestStatus, told.status)}
    if "negotiation" in told.model_fields_set:
        given |= {
            "negotiation_reason": negotiation.reason if negotiation else None,
            "negotiation_price": negotiation.fixed_price if negotiation else None,
            "negotiation_weeks": negotiation.timeline_weeks if negotiation else None,
        }
    return _record(r.Request, told, kept, given)


def _scope(told: m.Scope, kept: r.Engagement | None) -> r.Scope:
    before = next((s for s in kept.scopes if s.id == told.id), None) if kept else None
    given: dict[str, Any] = {
        "status": _word(ScopeStatus, told.status),
        "lead_time_days": _lead_time(told),
        "silence_policy": _word(SilencePolicy, _needed(told, "silence_policy")),
        "schedule": tuple(_planned(p) for p in _needed(told, "payment_schedule")),
    }
    if "quote" in told.model_fields_set:
        given["quote"] = _quote(told.quote)
    return _record(r.Scope, told, before, given)


def _quote(told: m.KeptQuote | None) -> Quote | None:
    return quote_of(told.model_dump()) if told else None


def _lead_time(told: m.Scope) -> int:
    """The working days between the last safe day to confirm and the first start as proposed."""
    last, cycles = _needed(told, "last_safe_confirmation"), told.cycles
    if not cycles:
        raise Untold(f"the cycles of {told.id}")
    start = _proposed_start(told)
    for days in range(LONGEST_LEAD):
        if working_days_before(start, days) <= last:
            return days
    raise Untold(f"a last_safe_confirmation of {told.id} that lies before its first cycle")


def _proposed_start(told: m.Scope) -> date:
    return told.cycles[0].planned_start - timedelta(days=told.shifted_days or 0)


def _planned(told: m.PlannedPayment) -> r.PlannedMilestone:
    return r.PlannedMilestone(
        told.position,
        _word(PaymentKind, told.kind),
        _trigger(told.trigger),
        told.amount,
        told.currency,
        told.net_days,
        told.description,
    )


def _trigger(told: m.Trigger) -> Trigger:
    return Trigger(_word(TriggerKind, told.kind), told.number)


def _cycle(told: m.Cycle, request_id: str) -> r.Cycle:
    given = {
        "request_id": request_id,
        "status": _word(CycleStatus, told.status),
        "kind": _word(CycleKind, _needed(told, "kind")),
        "deliverable_ids": tuple(d.id for d in told.deliverables),
    }
    return _record(r.Cycle, told, None, given)


def _deliverable(told: m.Deliverable, request_id: str) -> r.Deliverable:
    criteria = _needed(told, "acceptance_criteria")
    given = {
        "request_id": request_id,
        "status": _word(DeliverableStatus, told.status),
        "acceptance_criteria": (criteria,) if isinstance(criteria, str) else tuple(criteria),
        "criteria_as_text": isinstance(criteria, str),
    }
    _needed(told, "attempts")
    return _record(r.Deliverable, told, None, given)


def _attempt(told: m.Attempt, deliverable: m.Deliverable, request_id: str) -> r.Attempt:
    given = {
        "deliverable_id": deliverable.id,
        "request_id": request_id,
        "number": told.attempt,
        "evidence": tuple(r.Evidence(e.title, e.url) for e in told.evidence),
        "decision": _word(Decision, told.decision) if told.decision else None,
        "criteria_not_met": tuple(r.CriterionNotMet(c.criterion, c.evidence) for c in told.criteria_not_met),
        # Those that were not tested need no saying: that is what a criterion without a verdict is.
        "verdicts": tuple(
            r.CriterionVerdict(v.criterion, _word(Verdict, v.verdict), v.evidence)
            for v in told.verdicts
            if v.verdict != Verdict.NOT_TESTED or v.evidence
        ),
    }
    return _record(r.Attempt, told, None, given)


def _service_lines(told: Told, scopes: Sequence[r.Scope]) -> tuple[r.ServiceLine, ...]:
    if told.service_lines is not None:
        lines = _ordered(told.service_lines, Kind.SERVICE_LINE)
        return tuple(
            _record(r.ServiceLine, one, None, {"status": _word(ServiceLineStatus, one.status)}) for one in lines
        )
    named = {one.id: one.service_line_id for one in told.scopes if one.service_line_id}
    return tuple(_line_of(scope, named[scope.id]) for scope in scopes if scope.id in named)


def _line_of(scope: r.Scope, id: str) -> r.ServiceLine:
    """A service line as its scope tells of it: it opens with the confirmation, and closes with the scope's end."""
    if scope.confirmed_at is None:
        raise Untold(f"confirmed_at of {scope.id}")
    closed_at = scope.completed_at or scope.cancelled_at
    status = ServiceLineStatus.CLOSED if closed_at else ServiceLineStatus.ACTIVE
    return r.ServiceLine(id, scope.request_id, scope.id, status, scope.confirmed_at, closed_at)


def _milestone(told: m.Payment, request_id: str) -> r.Milestone:
    given = {
        "request_id": request_id,
        "kind": _word(PaymentKind, told.kind),
        "status": _word(PaymentStatus, told.status),
        "trigger": _trigger(told.trigger),
    }
    return _record(r.Milestone, told, None, given)


def _receipt(told: m.Receipt) -> r.Receipt:
    return _record(r.Receipt, told, None, {"status": _word(ReceiptStatus, told.status)})


def _invoice(told: m.Invoice) -> r.Invoice:
    given = {
        "status": _word(InvoiceStatus, told.status),
        "serial": number_of(told.number),
        "seller": Party.of(told.seller.model_dump()),
        "buyer": Party.of(told.buyer.model_dump()),
    }
    return _record(r.Invoice, told, None, given)


def _record(of: type[_T], told: m.Answer, kept: object | None, given: dict[str, Any]) -> _T:
    """A record: what is given here, else what is told, else what was kept, else what is left out without harm."""
    values = {}
    for field in fields(of):  # type: ignore[arg-type]
        name = field.name
        if name in given:
            values[name] = given[name]
        elif name in told.model_fields_set:
            values[name] = _plain(getattr(told, name))
        elif kept is not None:
            values[name] = getattr(kept, name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Untold(f"{name} of {getattr(told, 'id', of.__name__.lower())}")
    for field in fields(of):  # type: ignore[arg-type]
        if values.get(field.name, "") is None and "None" not in str(field.type):
            raise Untold(f"{field.name} of {getattr(told, 'id', of.__name__.lower())}")
    return of(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    return tuple(value) if isinstance(value, list) else value


def _needed(told: m.Answer, name: str) -> Any:
    if name not in told.model_fields_set:
        raise Untold(f"{name} of {getattr(told, 'id', type(told).__name__)}")
    return getattr(told, name)


def _word(of: type[_E], value: str) -> _E:
    try:
        return of(value)
    except ValueError:
        raise Untold(f"a {of.__name__} that is known here instead of {value!r}") from None


def _ordered(told: Sequence[Any], kind: Kind) -> list[Any]:
    """In the order of creation, which the numbers of the identifiers tell."""
    for one in told:
        if not is_id(one.id, PREFIX_OF[kind]):
            raise Untold(f"an identifier such as {PREFIX_OF[kind]}-26-000001 instead of {one.id!r}")
    return sorted(told, key=lambda one: number_of(one.id))
