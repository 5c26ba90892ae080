"""What must hold between values: keys and references, then the lifecycle's and the money's rules, row by row.

Each rule is written from the contract and names the column at which a person would look. What they leave, the
invariants of the whole store find, asked of the staged rows as they are asked of a store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ods_core.importing.files import quoted
from ods_core.importing.staging import SHOWN_TEXT, Staging
from ods_core.queries.invariants import INVARIANTS


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of one file's rows `x`: `broken` is the SQL condition under which a row breaks it.

    `found` is what to show of such a row, `join` what else the condition looks at.
    """

    entity: str
    column: str
    expected: str
    broken: str
    found: str = ""
    join: str = ""

    def sql(self, file: str) -> str:
        """The SELECT of its findings."""
        shown = self.found or f'x."{self.column}"'
        return (
            f"SELECT {quoted(file)}, x.row, {quoted(self.column)}, {quoted(self.expected)}, "
            f"coalesce(left(CAST({shown} AS VARCHAR), {SHOWN_TEXT}), 'nothing') "
            f"FROM {self.entity} x {self.join} WHERE {self.broken}"
        )


_REFERENCES = (
    ("scopes", "request", "requests"),
    ("cycles", "scope", "scopes"),
    ("cycles", "parent", "cycles"),
    ("deliverables", "cycle", "cycles"),
    ("attempts", "deliverable", "deliverables"),
    ("attempts", "remediation_cycle", "cycles"),
    ("payments", "scope", "scopes"),
    ("receipts", "payment", "payments"),
    ("receipts", "reverses", "receipts"),
)
_KEYS = (
    *(("external_id", entity) for entity in ("requests", "scopes", "cycles", "deliverables", "payments", "receipts")),
    ("revision", "scopes", "request"),
    ("attempt", "attempts", "deliverable"),
    ("position", "payments", "scope"),
)


def _keys() -> Iterator[Rule]:
    for column, entity, *within in _KEYS:
        by = ", ".join(f'x."{name}"' for name in (*within, column))
        once = f"once within its {within[0]}" if within else "once"
        yield Rule(
            f"given_{entity}",
            column,
            f"each value {once}",
            f"true QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY x.row) > 1",
        )


def _references() -> Iterator[Rule]:
    for entity, column, target in _REFERENCES:
        yield Rule(
            f"given_{entity}",
            column,
            f"the external_id of a row of {target}",
            f'x."{column}" IS NOT NULL AND x."{column}" NOT IN (SELECT external_id FROM given_{target} '
            "WHERE external_id IS NOT NULL)",
        )


def check_keys(staging: Staging, names: Mapping[str, str]) -> None:
    """Keys that stand twice, and references to what is not there."""
    for rule in (*_keys(), *_references()):
        entity = rule.entity.removeprefix("given_")
        if entity in names:
            staging.find(rule.sql(names[entity]))
    staging.connection.commit()


def _agree(entity: str, column: str, state: str, shown: str = "") -> Rule:
    """A value that is there exactly in one state."""
    return Rule(
        entity,
        column,
        f"a value exactly where status is {state}",
        f"(x.status = '{state}') <> (x.{column} IS NOT NULL)",
        shown,
    )


def _after(entity: str, column: str, earlier: str, what: str, join: str = "") -> Rule:
    """A time that is not before another one."""
    return Rule(entity, column, f"a time not before {what}", f"x.{column} < {earlier}", "", join)


def _decimals(entity: str, *columns: str) -> Iterator[Rule]:
    for column in columns:
        rounded = " ".join(f"WHEN {places} THEN round(x.{column}, {places})" for places in range(4))
        expected = "no more decimals than its currency has"
        yield Rule(entity, column, expected, f"CASE x.places {rounded} ELSE x.{column} END <> x.{column}")


_LIVE = "s.status <> 'cancelled' OR s.confirmed_at IS NOT NULL"

_OF_REQUESTS = (
    *_decimals("requests", "budget_max", "negotiation_price"),
    _agree("requests", "cancelled_at", "cancelled"),
    _agree("requests", "cancellation_reason", "cancelled"),
    _agree("requests", "negotiation_reason", "requires_negotiation"),
    Rule(
        "requests",
        "negotiation_price",
        "a price, weeks or both exactly where status is requires_negotiation",
        "(x.status = 'requires_negotiation') <> (x.negotiation_price IS NOT NULL OR x.negotiation_weeks IS NOT NULL)",
    ),
    Rule(
        "requests",
        "updated_at",
        "the time of the negotiation, where status is requires_negotiation",
        "x.status = 'requires_negotiation' AND x.given_update IS NULL",
        "x.given_update",
    ),
    _after("requests", "updated_at", "x.derived_update", "its last proposal, decline or cancellation"),
    _after("requests", "cancelled_at", "greatest(x.created_at, x.scoped_at)", "its submission and its proposals"),
    Rule(
        "requests",
        "status",
        "scoped exactly where it has a scope that is pending, active, completed or was terminated",
        "(x.status = 'scoped') <> (s.request_id IS NOT NULL)",
        join=f"LEFT JOIN (SELECT DISTINCT request_id FROM scopes s WHERE {_LIVE}) s ON s.request_id = x.id",
    ),
)

_WITH_REQUEST = "JOIN requests r ON r.id = x.request_id"
_BOUND = f"({_LIVE.replace('s.', 'x.')})"

_OF_SCOPES = (
    *_decimals("scopes", "fixed_price"),
    Rule("scopes", "currency", "the currency of its request", "x.currency <> r.currency", join=_WITH_REQUEST),
    Rule(
        "scopes",
        "fixed_price",
        "at most budget_max of its request",
        f"x.fixed_price > r.budget_max AND x.currency = r.currency AND {_BOUND}",
        join=_WITH_REQUEST,
    ),
    Rule(
        "scopes",
        "timeline_weeks",
        "at most timeline_weeks of its request",
        f"x.timeline_weeks > r.timeline_weeks AND {_BOUND}",
        join=_WITH_REQUEST,
    ),
    Rule("scopes", "payment_terms", "terms that come to the price", "x.problem IS NOT NULL", "x.problem"),
    Rule(
        "scopes",
        "revision",
        "1, 2, 3 … among the scopes of its request",
        "true QUALIFY row_number() OVER (PARTITION BY x.e ORDER BY x.revision, x.row) <> x.revision",
    ),
    Rule(
        "scopes",
        "status",
        "one scope of a request that is not cancelled, the last one",
        "x.superseded_at IS NOT NULL AND (x.status <> 'cancelled' OR x.confirmed_at IS NOT NULL)",
    ),
    _after(
        "scopes",
        "proposed_at",
        "greatest(r.created_at, x.free_at)",
        "its request and the end of the scope before",
        _WITH_REQUEST,
    ),
    Rule("scopes", "valid_until", "a day from that of proposed_at on", "x.valid_until < CAST(x.proposed_at AS DATE)"),
    Rule(
        "scopes",
        "review_window_days",
        "a window, where silence is to decide",
        "x.silence_policy <> 'none' AND x.review_window_days IS NULL",
    ),
    _after("scopes", "reminded_at", "x.proposed_at", "proposed_at"),
    _after("scopes", "confirmed_at", "x.proposed_at", "proposed_at"),
    Rule(
        "scopes",
        "confirmed_at",
        "a time up to valid_until",
        "CAST(x.confirmed_at AS DATE) > x.valid_until",
    ),
    Rule(
        "scopes",
        "confirmed_at",
        "a time where status is active or completed, none where it is pending_confirmation",
        "x.status IN ('active', 'completed') AND x.confirmed_at IS NULL "
        "OR x.status = 'pending_confirmation' AND x.confirmed_at IS NOT NULL",
    ),
    Rule(
        "scopes",
        "confirmed_by",
        "a value exactly where confirmed_at has one",
        "(x.confirmed_by IS NULL) <> (x.confirmed_at IS NULL)",
    ),
    Rule(
        "scopes",
        "shifted_days",
        "0 before the confirmation, and no score",
        "x.confirmed_at IS NULL AND (x.shifted_days > 0 OR x.criteria_score IS NOT NULL)",
    ),
    _agree("scopes", "completed_at", "completed"),
    _after("scopes", "completed_at", "x.confirmed_at", "confirmed_at"),
    _agree("scopes", "cancelled_at", "cancelled"),
    _after("scopes", "cancelled_at", "coalesce(x.confirmed_at, x.proposed_at)", "its confirmation or proposal"),
    _agree("scopes", "cancelled_by", "cancelled"),
    _agree("scopes", "cancellation_reason", "cancelled"),
    Rule(
        "scopes",
        "external_id",
        "as many rows of payments as its terms have payments once it is confirmed, and none before",
        "coalesce(p.payments, 0) <> CASE WHEN x.confirmed_at IS NULL THEN 0 ELSE x.milestones END "
        "AND x.problem IS NULL",
        "coalesce(p.payments, 0) || ' of ' || x.milestones",
        "LEFT JOIN (SELECT scope_id, count(*) AS payments FROM payments GROUP BY scope_id) p ON p.scope_id = x.id",
    ),
    Rule(
        "scopes",
        "external_id",
        "at least one row of cycles and of deliverables",
        "x.cycles = 0 OR x.deliverables = 0",
    ),
)

_IN_SCOPE = "JOIN scopes s ON s.n = x.scope_n"

_OF_CYCLES = (
    Rule(
        "cycles",
        "parent",
        "a delivery cycle of the same scope exactly where kind is remediation",
        "(x.kind = 'remediation') <> (x.parent IS NOT NULL) OR x.parent_kind <> 'delivery' "
        "OR x.parent_scope_id <> x.scope_id",
    ),
    Rule("cycles", "planned_end", "a day from planned_start on", "x.planned_end < x.planned_start"),
    Rule(
        "cycles",
        "planned_start",
        "the day of baseline_start and as many later as its scope was shifted",
        "x.kind = 'delivery' AND (x.planned_start <> x.baseline_start + s.shifted_days "
        "OR x.planned_end <> x.baseline_end + s.shifted_days)",
        join=_IN_SCOPE,
    ),
    Rule(
        "cycles",
        "planned_start",
        "for cycle 1: not before the day of the confirmation",
        "x.kind = 'delivery' AND x.ordinal = 1 AND x.planned_start < CAST(s.confirmed_at AS DATE)",
        join=_IN_SCOPE,
    ),
    Rule(
        "cycles",
        "number",
        "1, 2, 3 … in date order without overlap, among the delivery cycles of a scope",
        "x.kind = 'delivery' QUALIFY row_number() OVER (PARTITION BY x.scope_n ORDER BY x.ordinal, x.row) <> x.ordinal "
        "OR lag(x.planned_end) OVER (PARTITION BY x.scope_n ORDER BY x.ordinal, x.row) >= x.planned_start",
        "x.ordinal",
    ),
    Rule(
        "cycles",
        "external_id",
        "at least one deliverable, for a remediation a rejected one",
        "x.deliverable_ids = '[]'",
    ),
    Rule(
        "cycles",
        "started_at",
        "a time exactly where it has begun",
        "x.status IN ('in_progress', 'completed', 'accepted') AND x.started_at IS NULL "
        "OR x.status = 'planned' AND x.started_at IS NOT NULL OR x.kind = 'remediation' AND x.started_at IS NULL",
    ),
    _after(
        "cycles",
        "started_at",
        "coalesce(s.confirmed_at, TIMESTAMP '2999-01-01')",
        "its scope's confirmation",
        _IN_SCOPE,
    ),
    Rule(
        "cycles",
        "started_at",
        "a time not before the acceptance of the delivery cycle before",
        "x.kind = 'delivery' AND x.ordinal > 1 AND x.started_at IS NOT NULL "
        "AND coalesce(x.started_at < x.free_at, true)",
    ),
    Rule(
        "cycles",
        "completed_at",
        "a time from started_at on where status is completed or accepted, none where it is planned or in_progress",
        "x.status IN ('completed', 'accepted') AND x.completed_at IS NULL "
        "OR x.status IN ('planned', 'in_progress') AND x.completed_at IS NOT NULL "
        "OR x.completed_at IS NOT NULL AND coalesce(x.completed_at < x.started_at, true)",
    ),
    _agree("cycles", "accepted_at", "accepted"),
    _after("cycles", "accepted_at", "x.completed_at", "completed_at"),
    _agree("cycles", "cancelled_at", "cancelled"),
    Rule(
        "cycles",
        "cancelled_at",
        "the time at which its scope was cancelled",
        "x.cancelled_at <> s.cancelled_at OR x.cancelled_at IS NOT NULL AND s.cancelled_at IS NULL",
        join=_IN_SCOPE,
    ),
    Rule(
        "cycles",
        "accepted_at",
        "a time not after its scope ended",
        "x.accepted_at > coalesce(s.completed_at, s.cancelled_at)",
        join=_IN_SCOPE,
    ),
)

_OF_DELIVERABLES = (
    Rule(
        "deliverables",
        "position",
        "1, 2, 3 … among the deliverables of its scope",
        "true QUALIFY row_number() OVER (PARTITION BY x.scope_n ORDER BY x.position, x.row) <> x.position",
    ),
    Rule(
        "deliverables",
        "key",
        "each key once within its scope",
        "true QUALIFY row_number() OVER (PARTITION BY x.scope_n, x.key ORDER BY x.position) > 1",
    ),
    Rule(
        "deliverables", "cycle", "a delivery cycle", "c.kind <> 'delivery'", join="JOIN cycles c ON c.id = x.cycle_id"
    ),
    Rule(
        "deliverables",
        "criteria_as_text",
        "true for one criterion only",
        "x.criteria_as_text AND json_array_length(x.acceptance_criteria) <> 1",
    ),
    Rule(
        "deliverables",
        "status",
        "the state that its last attempt is in",
        """NOT CASE x.status
          WHEN 'pending' THEN a.attempt IS NULL
          WHEN 'in_progress' THEN a.attempt IS NOT NULL AND a.submitted_at IS NULL
          WHEN 'completed' THEN a.submitted_at IS NOT NULL AND a.ready_at IS NULL
          WHEN 'ready_for_acceptance' THEN a.ready_at IS NOT NULL AND a.decision IS NULL
          WHEN 'cancelled' THEN coalesce(a.decision, '') <> 'accepted'
          ELSE coalesce(a.decision, '') = x.status END""",
        join="LEFT JOIN attempts a ON a.deliverable_n = x.n AND a.attempt = x.attempt",
    ),
    _agree("deliverables", "cancelled_at", "cancelled"),
    Rule(
        "deliverables",
        "cancelled_at",
        "the time at which its scope was cancelled",
        "x.cancelled_at <> s.cancelled_at OR x.cancelled_at IS NOT NULL AND s.cancelled_at IS NULL",
        join=_IN_SCOPE,
    ),
)

_IN_CYCLE = "JOIN cycles c ON c.id = x.cycle_id"

_OF_ATTEMPTS = (
    Rule(
        "attempts",
        "attempt",
        "1, 2, 3 … of its deliverable, each after the rejection of the one before",
        "true QUALIFY row_number() OVER (PARTITION BY x.deliverable_n ORDER BY x.attempt, x.row) <> x.attempt "
        "OR coalesce(lag(x.decision) OVER (PARTITION BY x.deliverable_n ORDER BY x.attempt, x.row), '') "
        "<> CASE WHEN x.attempt > 1 THEN 'rejected' ELSE '' END",
    ),
    Rule(
        "attempts",
        "started_at",
        "a time not before its cycle's start and the decision before",
        "coalesce(x.started_at < greatest(c.started_at, x.free_at), true)",
        join=_IN_CYCLE,
    ),
    _after("attempts", "submitted_at", "x.started_at", "started_at"),
    Rule(
        "attempts",
        "submitted_by",
        "a value exactly where submitted_at has one",
        "(x.submitted_by IS NULL) <> (x.submitted_at IS NULL)",
    ),
    Rule(
        "attempts",
        "ready_at",
        "the time at which its cycle was completed, once it is",
        "x.ready_at IS DISTINCT FROM c.completed_at OR x.ready_at < x.submitted_at "
        "OR x.ready_at IS NOT NULL AND x.submitted_at IS NULL",
        join=_IN_CYCLE,
    ),
    Rule(
        "attempts",
        "reminded_at",
        "a time between ready_at and the decision",
        "x.reminded_at IS NOT NULL AND coalesce(x.reminded_at < x.ready_at, true) OR x.reminded_at > x.decided_at",
    ),
    Rule(
        "attempts",
        "decided_at",
        "a time from ready_at on, exactly where there is a decision",
        "(x.decided_at IS NULL) <> (x.decision IS NULL) "
        "OR x.decided_at IS NOT NULL AND coalesce(x.decided_at < x.ready_at, true)",
    ),
    Rule(
        "attempts",
        "reviewer_id",
        "a value exactly where there is a decision",
        "(x.reviewer_id IS NULL) <> (x.decision IS NULL)",
    ),
    Rule(
        "attempts",
        "rejection_reason",
        "a reason exactly where decision is rejected",
        "(x.rejection_reason IS NOT NULL) <> (coalesce(x.decision, '') = 'rejected')",
    ),
    Rule(
        "attempts",
        "remediation_cycle",
        "a remediation cycle of the deliverable's own delivery cycle, exactly where decision is rejected",
        "(x.remediation_cycle IS NOT NULL) <> (coalesce(x.decision, '') = 'rejected') "
        "OR x.remediation_cycle IS NOT NULL AND coalesce(x.remediation_of <> x.delivery_cycle, true)",
    ),
    Rule(
        "attempts",
        "criteria_not_met",
        "criteria that the deliverable has, for a rejection only",
        "x.criteria_not_met <> '[]' AND (coalesce(x.decision, '') <> 'rejected' OR list_max(list_transform("
        "json_extract_string(x.criteria_not_met, '$[*].criterion'), lambda p: CAST(p AS INTEGER))) > x.criteria)",
    ),
    Rule(
        "attempts",
        "deemed",
        "true exactly where the reviewer is `system`, and only as the scope provides, at the end of its review window",
        "x.deemed <> (coalesce(x.reviewer_id, '') = 'system') OR x.deemed AND (x.decide_by IS NULL "
        "OR x.decided_at < x.decide_by OR x.silence_policy <> 'deemed_' || x.decision)",
    ),
    Rule(
        "attempts",
        "decided_at",
        "a time not after its delivery cycle was accepted or its scope ended",
        "x.decided_at > coalesce(c.accepted_at, s.completed_at, s.cancelled_at)",
        join="JOIN cycles c ON c.id = x.delivery_cycle_id JOIN scopes s ON s.id = x.scope_id",
    ),
)

_OF_MONEY = (
    Rule("payments", "currency", "the currency of its scope", "x.currency <> x.scope_currency"),
    Rule("payments", "position", "a place that the schedule has", "x.planned_amount IS NULL"),
    Rule(
        "payments",
        "amount",
        "what the payment terms come to at this place",
        "x.amount <> x.planned_amount",
        "x.amount || ', the terms come to ' || x.planned_amount",
    ),
    Rule(
        "payments",
        "status",
        "due once what it waits for has happened, paid once receipts reach its amount, void where its scope was "
        "terminated before",
        "x.status <> x.derived_status AND x.planned_amount IS NOT NULL",
        "x.status || ', expected ' || x.derived_status",
    ),
    Rule("receipts", "currency", "the currency of its payment", "x.currency <> x.payment_currency"),
    *_decimals("receipts", "amount"),
    Rule(
        "receipts",
        "amount",
        "at most what is open on its payment",
        "x.running > x.of_amount OR x.running < 0",
        "x.amount || ', which makes ' || x.running || ' of ' || x.of_amount",
    ),
    Rule(
        "receipts",
        "amount",
        "an amount below 0 exactly for an entry that takes one back",
        "(x.amount < 0) <> (x.reverses_external IS NOT NULL)",
    ),
    Rule(
        "receipts",
        "recorded_at",
        "a time not before its payment was due to be asked for",
        "coalesce(x.recorded_at < x.triggered_at, true)",
    ),
    Rule(
        "receipts",
        "received_on",
        "a day not after recorded_at",
        "x.received_on > CAST(x.recorded_at AS DATE)",
    ),
    Rule(
        "receipts",
        "reverses",
        "an earlier receipt of the same payment and amount, each taken back once",
        "x.reverses_external IS NOT NULL AND (x.reverses_of <> x.payment_n OR x.reverses_amount <> -x.amount "
        "OR x.reverses_at > x.recorded_at OR x.reverses_amount < 0 OR d.entries > 1)",
        "x.reverses_external",
        "LEFT JOIN (SELECT reverses_external AS external, count(*) AS entries FROM receipts_ GROUP BY 1) d "
        "ON d.external = x.reverses_external",
    ),
    Rule(
        "receipts",
        "reason",
        "a reason exactly for an entry that takes one back",
        "(x.reason IS NULL) <> (x.reverses_external IS NULL)",
    ),
    Rule(
        "receipts",
        "reference",
        "each reference once on its payment, what was taken back apart",
        "x.status = 'recorded' QUALIFY row_number() OVER (PARTITION BY x.payment_n, "
        "lower(regexp_replace(trim(x.reference), '\\s+', ' ', 'g')) ORDER BY x.n) > 1",
    ),
)

RULES = (*_OF_REQUESTS, *_OF_SCOPES, *_OF_CYCLES, *_OF_DELIVERABLES, *_OF_ATTEMPTS, *_OF_MONEY)
"""Every rule of staged rows."""


def check_rules(staging: Staging, names: Mapping[str, str]) -> None:
    """The rules of the lifecycle and the money, row by row; and where nothing breaks them, the store's invariants."""
    for rule in RULES:
        if rule.entity in names:
            staging.find(rule.sql(names[rule.entity]))
    if not staging.findings():
        _check_invariants(staging, names)
    staging.connection.commit()


def _check_invariants(staging: Staging, names: Mapping[str, str]) -> None:
    """What must hold in every store, before the rows are in one."""
    rows = " UNION ALL ".join(
        f"SELECT {quoted(names[entity])} AS file, row, id FROM {entity}"
        for entity in ("requests", "scopes", "cycles", "deliverables", "payments", "receipts")
        if entity in names
    )
    for invariant in INVARIANTS:
        if " events" not in invariant.sql and " invoice" not in invariant.sql:
            staging.find(
                f"SELECT coalesce(r.file, {quoted(names['requests'])}), coalesce(r.row, 0), '', "
                f"{quoted(invariant.promise)}, left(detail, {SHOWN_TEXT}) "
                f"FROM ({invariant.sql}) b LEFT JOIN ({rows}) r ON r.id = b.thing"
            )
