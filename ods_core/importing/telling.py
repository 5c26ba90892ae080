"""The events of what was imported: each state change one, at its own time, by the actor `system`/`import`.

`data` has what the figures, the sentences of the activity and the filters need of the thing as it was right after the
change; the whole resource as it was then cannot be known from a history. docs/decisions/0004 says which fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ods_core.importing.staging import CATALOG

ACTOR_KIND, ACTOR_ID = "system", "import"

# Where an event stands among those of one engagement at one instant, as the commands would have told them: by
# revision, within it the proposal, the work by cycle and attempt, the end, the money, an early end.
_REVISION = "CAST(x.revision AS BIGINT) * 1000000000"
_END, _MONEY, _EARLY_END = 700_000_000, 800_000_000, 900_000_000
_CYCLE, _ATTEMPT, _CYCLE_END = 1_000_000, 1_000, 990_000
_LAST = "9000000000000000000"


def _text(column: str) -> str:
    """JSON of a column that holds plain words: identifiers, states, currencies."""
    return f"coalesce('\"' || {column} || '\"', 'null')"


def _time(column: str) -> str:
    return f"{CATALOG}.main.json_time({column})"


def _amount(column: str, places: str = "x.places") -> str:
    return f"{CATALOG}.main.json_amount({column}, {places})"


def _number(column: str) -> str:
    return f"coalesce(CAST({column} AS VARCHAR), 'null')"


def _free(column: str) -> str:
    """JSON of a column that holds what a person wrote."""
    return f"{CATALOG}.main.json_text({column})"


def _word(word: str) -> str:
    return f"'\"{word}\"'"


def _object(fields: Mapping[str, str]) -> str:
    """The SQL of a JSON object with these members, each given as the SQL of its JSON."""
    members = ", ".join(
        f"'{',' if place else '{'}\"{name}\":', {value}" for place, (name, value) in enumerate(fields.items())
    )
    return f"concat({members}, '}}')"


def _told(
    kind: str,
    type: str,
    at: str,
    rank: str,
    source: str,
    fields: Mapping[str, str],
    where: str = "true",
    id: str = "x.id",
) -> str:
    """The events of one type. `source` is a FROM clause whose rows `x` name their engagement and owner."""
    tie = "x.deliverable_n" if source.startswith("attempts ") else "x.number"
    scope = {"scope": "x.id", "request": "CAST(NULL AS VARCHAR)"}.get(kind, "x.scope_id")
    request = "x.id" if source.startswith("requests ") else "x.request_id"
    if type == "ods.request.scoped":
        scope = "x.id"
    data = _object(
        {"id": _text(id), **fields, "request_id": _text(request), "organization_id": _text("x.organization_id")}
        | ({} if kind in ("scope", "request") else {"scope_id": _text(scope)})
    )
    return (
        f"SELECT x.e, {at} AS occurred_at, CAST({rank} AS BIGINT) AS rank, {tie} AS tie, '{type}' AS type, "
        f"'{kind}' AS subject_kind, {id} AS subject_id, {request} AS request_id, {scope} AS scope_id, "
        f"x.organization_id, x.workspace_id, {data} AS data "
        f"FROM {CATALOG}.main.{source} WHERE x.e BETWEEN $low AND $high AND {where}"
    )


def _requests() -> Iterator[str]:
    common = {"title": "x.json_title", "currency": _text("x.currency"), "workspace_id": _text("x.workspace_id")}
    asked = {
        "project_tags": "x.project_tags",
        "budget_max": f"coalesce({_amount('x.budget_max')}, 'null')",
        "timeline_weeks": _number("x.timeline_weeks"),
        "created_by": _free("x.created_by"),
    }
    source = "requests x"
    status = {"status": _word("scoping")}
    yield _told("request", "ods.request.submitted", "x.created_at", "0", source, status | common | asked)
    fits = _object(
        {
            "reason": _free("x.negotiation_reason"),
            "fixed_price": f"coalesce({_amount('x.negotiation_price')}, 'null')",
            "timeline_weeks": _number("x.negotiation_weeks"),
        }
    )
    negotiation = {"status": _word("requires_negotiation"), "negotiation": fits}
    yield _told(
        "request",
        "ods.request.requires_negotiation",
        "x.updated_at",
        _LAST,
        source,
        negotiation | common,
        "x.status = 'requires_negotiation'",
    )
    cancelled = {"status": _word("cancelled"), "cancellation_reason": _free("x.cancellation_reason")}
    yield _told(
        "request",
        "ods.request.cancelled",
        "x.cancelled_at",
        _LAST,
        source,
        cancelled | common,
        "x.cancelled_at IS NOT NULL",
    )


def _scopes() -> Iterator[str]:
    source = "scopes x"
    price = {"fixed_price": _amount("x.fixed_price"), "currency": _text("x.currency")}
    common = {
        "title": "x.json_title",
        "revision": _number("x.revision"),
        **price,
        "workspace_id": _text("x.workspace_id"),
    }
    proposal = _object(
        {
            "id": _text("x.id"),
            "status": _word("pending_confirmation"),
            "request_status": _word("scoped"),
            **common,
            "valid_until": _text("CAST(x.valid_until AS VARCHAR)"),
            "cycles": "'[]'",
            "deliverables": "'[]'",
            "remediation_cycles": "'[]'",
        }
    )
    summary = _object(
        {
            "deliverables": _number("x.deliverables"),
            "cycles": _number("x.cycles"),
            "timeline_weeks": _number("x.timeline_weeks"),
        }
        | price
    )
    scoped = {
        "status": _word("scoped"),
        "title": "x.json_title",
        "currency": _text("x.currency"),
        "scope_id": _text("x.id"),
        "scope_summary": summary,
        "scope": proposal,
    }
    yield _told("request", "ods.request.scoped", "x.proposed_at", f"{_REVISION} + 8", source, scoped, id="x.request_id")
    until = {"status": _word("pending_confirmation"), "valid_until": _text("CAST(x.valid_until AS VARCHAR)")} | common
    yield _told(
        "scope", "ods.scope.expiring", "x.reminded_at", f"{_REVISION} + 9", source, until, "x.reminded_at IS NOT NULL"
    )
    confirmed = {
        "status": _word("active"),
        "request_status": _word("scoped"),
        "shifted_days": _number("x.shifted_days"),
        "criteria_score": _number("x.criteria_score"),
        "payment_terms": _free("x.payment_terms"),
    }
    yield _told(
        "scope", "ods.scope.confirmed", "x.confirmed_at", f"{_REVISION} + 10", source, confirmed | common,
        "x.confirmed_at IS NOT NULL",
    )  # fmt: skip
    completed = {"status": _word("completed"), "request_status": _word("scoped"), "deliverables": "x.listed"} | common
    yield _told(
        "scope",
        "ods.scope.completed",
        "x.completed_at",
        f"{_REVISION} + {_END}",
        source,
        completed,
        "x.completed_at IS NOT NULL",
    )
    ended = {"status": _word("cancelled"), "cancellation_reason": _free("x.cancellation_reason")} | common
    at, rank = "x.cancelled_at", f"{_REVISION} + {_EARLY_END}"
    for type, status, where in (
        ("ods.scope.terminated", _word("scoped"), "x.confirmed_at IS NOT NULL"),
        ("ods.scope.declined", _word("scoping"), "x.confirmed_at IS NULL AND NOT x.withdrawn"),
        ("ods.scope.cancelled", _word("scoped"), "x.withdrawn"),
    ):
        yield _told(
            "scope",
            type,
            at,
            rank,
            source,
            ended | {"request_status": status},
            f"x.cancelled_at IS NOT NULL AND {where}",
        )


def _lines() -> Iterator[str]:
    source, title = "service_lines x", {"title": "x.json_title"}
    opened, closed = {"status": _word("active")} | title, {"status": _word("closed")} | title
    yield _told("service_line", "ods.service_line.opened", "x.opened_at", f"{_REVISION} + 11", source, opened)
    rank = f"{_REVISION} + {_END} + 1"
    yield _told(
        "service_line", "ods.service_line.closed", "x.closed_at", rank, source, closed, "x.closed_at IS NOT NULL"
    )


def _cycles() -> Iterator[str]:
    source = "cycles x"
    place = f"{_REVISION} + x.delivery_ordinal * {_CYCLE}"
    common = {
        "name": _free("x.name"),
        "kind": _text("x.kind"),
        "number": _number("x.ordinal"),
        "parent_cycle_id": _text("x.parent_cycle_id"),
        "planned_start": _text("CAST(x.planned_start AS VARCHAR)"),
        "planned_end": _text("CAST(x.planned_end AS VARCHAR)"),
    }

    def told(type: str, at: str, rank: str, status: str, where: str) -> str:
        return _told(
            "cycle",
            type,
            f"x.{at}",
            rank,
            source,
            {"status": _word(status)} | common,
            f"x.{at} IS NOT NULL AND {where}",
        )

    delivery, remediation = "x.kind = 'delivery'", "x.kind = 'remediation'"
    opened = f"{place} + (x.first_attempt - 1) * {_ATTEMPT} + 7"
    yield told("ods.cycle.started", "started_at", place, "in_progress", delivery)
    yield told("ods.remediation.started", "started_at", opened, "in_progress", remediation)
    submitted = f"{place} + CASE WHEN {delivery} THEN 1 ELSE x.last_attempt END * {_ATTEMPT} + 3"
    yield told("ods.cycle.completed", "completed_at", submitted, "completed", "true")
    accepted = f"{place} + {_CYCLE_END} + CASE WHEN {delivery} THEN 1 ELSE 0 END"
    yield told("ods.cycle.accepted", "accepted_at", accepted, "accepted", "true")
    yield told("ods.cycle.cancelled", "cancelled_at", f"{_REVISION} + {_EARLY_END} + 1", "cancelled", "true")


def _work() -> Iterator[str]:
    place = f"{_REVISION} + x.cycle_ordinal * {_CYCLE} + x.attempt * {_ATTEMPT}"
    common = {"title": "x.json_title", "attempt": _number("x.attempt"), "cycle_id": _text("x.delivery_cycle_id")}

    def told(type: str, at: str, rank: int, status: str, more: dict[str, str], where: str = "true") -> str:
        data = {"status": _word(status)} | common | more
        source = "attempts x"
        return _told(
            "deliverable",
            type,
            f"x.{at}",
            f"{place} + {rank}",
            source,
            data,
            f"x.{at} IS NOT NULL AND {where}",
            "x.deliverable_id",
        )

    yield told(
        "ods.deliverable.started",
        "started_at",
        1,
        "in_progress",
        {},
        "(x.submitted_at IS NULL OR x.submitted_at > x.started_at)",
    )
    yield told("ods.deliverable.submitted", "submitted_at", 2, "completed", {"submitted_by": _free("x.submitted_by")})
    yield told("ods.deliverable.ready_for_acceptance", "ready_at", 4, "ready_for_acceptance", {})
    clock = {
        "silence_policy": _text("x.silence_policy"),
        "decide_by": _time("x.decide_by"),
        "ready_at": _time("x.ready_at"),
    }
    yield told("ods.deliverable.review_reminder", "reminded_at", 5, "ready_for_acceptance", clock)
    decided = {
        "attempt": _number("x.attempt"),
        "decision": _text("x.decision"),
        "decided_at": _time("x.decided_at"),
        "reviewer_id": _free("x.reviewer_id"),
        "rejection_reason": _free("x.rejection_reason"),
        "criteria_not_met": "x.criteria_not_met",
        "deemed": "CAST(x.deemed AS VARCHAR)",
        "remediation_cycle_id": _text("x.remediation_cycle_id"),
    }
    more = {"deemed": "CAST(x.deemed AS VARCHAR)", "attempts": f"concat('[', {_object(decided)}, ']')"}
    judged = more | {"acceptance_criteria": "x.json_criteria"}
    for decision, said in (("accepted", more), ("rejected", judged)):
        yield told(f"ods.deliverable.{decision}", "decided_at", 6, decision, said, f"x.decision = '{decision}'")
    circles = f"{_REVISION} + x.cycle_ordinal * {_CYCLE} + x.escalated_attempt * {_ATTEMPT} + 8"
    data = {"title": "x.json_title", "attempt": _number("x.escalated_attempt"), "cycle_id": _text("x.cycle_id")}
    yield _told(
        "deliverable", "ods.deliverable.escalated", "x.escalated_at", circles, "deliverables x",
        {"status": _word("rejected")} | data, "x.escalated_at IS NOT NULL",
    )  # fmt: skip
    data = data | {"attempt": _number("x.attempt"), "status": _word("cancelled")}
    rank = f"{_REVISION} + {_EARLY_END} + 2"
    yield _told(
        "deliverable",
        "ods.deliverable.cancelled",
        "x.cancelled_at",
        rank,
        "deliverables x",
        data,
        "x.cancelled_at IS NOT NULL",
    )


def _payments() -> Iterator[str]:
    source = "payments x"
    common = {
        "amount": _amount("x.amount"),
        "currency": _text("x.currency"),
        "description": "x.json_description",
        "position": _number("x.position"),
        "kind": _text("x.kind"),
        "net_days": _number("x.net_days"),
    }
    nothing = {"paid": _amount("0"), "open": _amount("0")}
    scheduled = {"status": _word("scheduled"), "due_at": "'null'"} | common | nothing
    yield _told(
        "payment", "ods.payment.scheduled", "x.confirmed_at", f"{_REVISION} + 100 + x.position", source, scheduled
    )
    rank = f"""{_REVISION} + CASE x.trigger_kind WHEN 'confirmation' THEN 20000
      WHEN 'cycle_acceptance' THEN x.trigger_number * {_CYCLE} + {_CYCLE_END} + 2
      WHEN 'deliverable_acceptance' THEN x.trigger_cycle * {_CYCLE} + x.trigger_attempt * {_ATTEMPT} + 9
      ELSE {_END} + 2 END"""
    due = {
        "status": _word("due"),
        "due_at": _time("x.due_at"),
        "paid": _amount("0"),
        "open": _amount("x.amount"),
    } | common
    yield _told("payment", "ods.payment.due", "x.triggered_at", rank, source, due, "x.triggered_at IS NOT NULL")
    paid = {"status": _word("paid"), "due_at": _time("x.due_at")} | common | nothing
    yield _told(
        "payment",
        "ods.payment.paid",
        "x.triggered_at",
        f"{rank} + 1",
        source,
        paid,
        "x.triggered_at IS NOT NULL AND x.amount = 0",
    )
    void = {"status": _word("void"), "due_at": "'null'"} | common | nothing
    rank = f"{_REVISION} + {_EARLY_END} + 4"
    yield _told("payment", "ods.payment.voided", "x.voided_at", rank, source, void, "x.voided_at IS NOT NULL")


def _receipts() -> Iterator[str]:
    source = "receipts x"
    entry = _object(
        {
            "id": _text("x.id"),
            "payment_id": _text("x.payment_id"),
            "amount": _amount("x.amount"),
            "currency": _text("x.currency"),
            "received_on": _text("CAST(x.received_on AS VARCHAR)"),
            "reference": _free("x.reference"),
            "status": "CASE WHEN x.reverses IS NULL THEN '\"recorded\"' ELSE '\"reversal\"' END",
            "reverses": _text("x.reverses"),
            "reason": _free("x.reason"),
            "recorded_at": _time("x.recorded_at"),
            "recorded_by": _free("x.recorded_by"),
        }
    )
    common = {
        "amount": _amount("x.of_amount"),
        "currency": _text("x.payment_currency"),
        "description": "x.json_",
        "due_at": _time("x.due_at_"),
        "paid": _amount("x.running"),
        "open": _amount("x.of_amount - x.running"),
    }
    rank = f"{_REVISION} + {_MONEY} + x.place * 2"
    received = {"status": _word("due")} | common | {"receipt": entry}
    yield _told("payment", "ods.payment.received", "x.recorded_at", rank, source, received, id="x.payment_id")
    paid = {"status": _word("paid")} | common
    yield _told(
        "payment", "ods.payment.paid", "x.recorded_at", f"{rank} + 1", source, paid,
        "x.amount > 0 AND x.running = x.of_amount", "x.payment_id",
    )  # fmt: skip


def events_sql() -> str:
    """The SELECT of the events of the engagements from `$low` to `$high`, without their places in the log."""
    branches = (*_requests(), *_scopes(), *_lines(), *_cycles(), *_work(), *_payments(), *_receipts())
    return " UNION ALL ".join(f"({branch})" for branch in branches)
