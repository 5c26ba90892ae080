"""The tables, as SQLAlchemy sees them; `migrations/` makes them.

One table a record type. Each row carries the engagement (`request_id`) and the owner (`organization_id`,
`workspace_id`) it belongs to: they never change, loading an engagement needs no join, and a list narrowed to one
organisation reads one table. Lists inside a record that no query takes apart (evidence, schedule, criteria) are JSON
texts. Times are UTC without a zone, money is DECIMAL(24, 4), which holds every currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
)

from ods_core.basics.events import EventType
from ods_core.basics.jsonio import dumps, loads
from ods_core.basics.keys import SecurityKind
from ods_core.basics.parties import Party
from ods_core.basics.quotes import Quote, quote_of, quote_resource
from ods_core.basics.records import CriterionNotMet, CriterionVerdict, Evidence, PlannedMilestone
from ods_core.basics.roles import Role
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    DeliveryStatus,
    EndpointStatus,
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

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time in Python, a TIMESTAMP that means UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration, kept as its word."""

    impl = String
    cache_ok = True

    def __init__(self, enumeration: type[StrEnum]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: StrEnum | str | None, dialect: Any) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Any) -> StrEnum | None:
        return None if value is None else self.enumeration(value)


class JsonTuple(TypeDecorator[tuple[Any, ...]]):
    """A tuple of texts or small records, kept as a JSON array."""

    impl = Text
    cache_ok = True

    def __init__(self, read: Callable[[Any], Any] | None = None, write: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.read, self.write = read, write

    def process_bind_param(self, value: tuple[Any, ...] | None, dialect: Any) -> str | None:
        if value is None:
            return None
        return dumps([self.write(item) for item in value] if self.write else list(value)).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[Any, ...] | None:
        if value is None:
            return None
        return tuple(self.read(item) for item in loads(value)) if self.read else tuple(loads(value))


class JsonObject(TypeDecorator[dict[str, Any]]):
    """A dict, kept as a JSON object."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Any) -> str | None:
        return None if value is None else dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> dict[str, Any] | None:
        return None if value is None else loads(value)


class JsonQuote(TypeDecorator[Quote]):
    """A quote, kept as its own resource with every digit."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Quote | None, dialect: Any) -> str | None:
        return None if value is None else dumps(quote_resource(value)).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Quote | None:
        return None if value is None else quote_of(loads(value))


class PartyText(TypeDecorator[Party]):
    """Who an invoice is from or to, kept as a JSON object."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Party | None, dialect: Any) -> str | None:
        return None if value is None else dumps(value.as_json()).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Party | None:
        return None if value is None else Party.of(loads(value))


def _read_evidence(item: Any) -> Evidence:
    return Evidence(item["title"], item["url"])


def _write_evidence(item: Evidence) -> Any:
    return {"title": item.title, "url": item.url}


def _read_criterion(item: Any) -> CriterionNotMet:
    return CriterionNotMet(item["criterion"], item["evidence"])


def _write_criterion(item: CriterionNotMet) -> Any:
    return {"criterion": item.criterion, "evidence": item.evidence}


def _read_verdict(item: Any) -> CriterionVerdict:
    return CriterionVerdict(item["criterion"], Verdict(item["verdict"]), item["evidence"])


def _write_verdict(item: CriterionVerdict) -> Any:
    return {"criterion": item.criterion, "verdict": item.verdict.value, "evidence": item.evidence}


def _read_milestone(item: Any) -> PlannedMilestone:
    return PlannedMilestone(
        item["position"],
        PaymentKind(item["kind"]),
        Trigger(TriggerKind(item["trigger"]["kind"]), item["trigger"].get("number")),
        Decimal(item["amount"]),
        item["currency"],
        item["net_days"],
        item["description"],
    )


def _write_milestone(item: PlannedMilestone) -> Any:
    return {
        "position": item.position,
        "kind": item.kind.value,
        "trigger": item.trigger.as_json(),
        "amount": str(item.amount),
        "currency": item.currency,
        "net_days": item.net_days,
        "description": item.description,
    }


def _id() -> list[Column[Any]]:
    """The identifier, and its number by which lists are ordered and continued."""
    return [Column("id", String, primary_key=True), Column("number", BigInteger, nullable=False)]


def _owner() -> list[Column[Any]]:
    return [
        Column("request_id", String, ForeignKey("requests.id"), nullable=False),
        Column("organization_id", String, nullable=False),
        Column("workspace_id", String, nullable=False),
    ]


def _scope_id() -> Column[Any]:
    return Column("scope_id", String, ForeignKey("scopes.id"), nullable=False)


def _time(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, UtcTime, nullable=nullable)


Money = Numeric(24, 4)

requests = Table(
    "requests",
    metadata,
    *_id(),
    Column("organization_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("status", Word(RequestStatus), nullable=False),
    Column("subscription_id", String),
    Column("project_tags", JsonTuple(), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("desired_outcome", Text, nullable=False),
    Column("acceptance_criteria", JsonTuple(), nullable=False),
    Column("timeline_weeks", Integer),
    Column("budget_max", Money),
    Column("currency", String, nullable=False),
    _time("created_at", nullable=False),
    Column("created_by", String, nullable=False),
    _time("updated_at", nullable=False),
    _time("scoped_at"),
    Column("negotiation_reason", Text),
    Column("negotiation_price", Money),
    Column("negotiation_weeks", Integer),
    _time("cancelled_at"),
    Column("cancellation_reason", Text),
)

scopes = Table(
    "scopes",
    metadata,
    *_id(),
    *_owner(),
    Column("revision", Integer, nullable=False),
    Column("status", Word(ScopeStatus), nullable=False),
    Column("title", Text, nullable=False),
    Column("fixed_price", Money, nullable=False),
    Column("currency", String, nullable=False),
    Column("timeline_weeks", Integer, nullable=False),
    Column("payment_terms", Text, nullable=False),
    Column("schedule", JsonTuple(_read_milestone, _write_milestone), nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("lead_time_days", Integer, nullable=False),
    Column("review_window_days", Integer),
    Column("silence_policy", Word(SilencePolicy), nullable=False),
    _time("proposed_at", nullable=False),
    Column("proposed_by", String, nullable=False),
    # Not NOT NULL: added to tables that have rows, where DuckDB takes no constraint.
    Column("remind_on", Date),
    _time("reminded_at"),
    _time("confirmed_at"),
    Column("confirmed_by", String),
    Column("shifted_days", Integer, nullable=False),
    _time("completed_at"),
    _time("cancelled_at"),
    Column("cancelled_by", String),
    Column("cancellation_reason", Text),
    Column("quote", JsonQuote()),
    Column("criteria_score", Integer),
)

cycles = Table(
    "cycles",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("kind", Word(CycleKind), nullable=False),
    Column("parent_cycle_id", String),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Word(CycleStatus), nullable=False),
    Column("planned_start", Date, nullable=False),
    Column("planned_end", Date, nullable=False),
    Column("baseline_start", Date, nullable=False),
    Column("baseline_end", Date, nullable=False),
    Column("deliverable_ids", JsonTuple(), nullable=False),
    _time("started_at"),
    _time("completed_at"),
    _time("accepted_at"),
    _time("cancelled_at"),
)

deliverables = Table(
    "deliverables",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("cycle_id", String, ForeignKey("cycles.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("acceptance_criteria", JsonTuple(), nullable=False),
    Column("criteria_as_text", Boolean, nullable=False),
    Column("status", Word(DeliverableStatus), nullable=False),
    Column("attempt", Integer, nullable=False),
    _time("started_at"),
    _time("submitted_at"),
    _time("ready_at"),
    _time("decided_at"),
    _time("escalated_at"),
    _time("cancelled_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("deliverable_id", String, ForeignKey("deliverables.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    *_owner(),
    _scope_id(),
    Column("cycle_id", String, ForeignKey("cycles.id"), nullable=False),
    _time("started_at", nullable=False),
    _time("submitted_at"),
    Column("submitted_by", String),
    Column("notes", Text),
    Column("evidence", JsonTuple(_read_evidence, _write_evidence), nullable=False),
    _time("ready_at"),
    _time("decide_by"),
    _time("remind_at"),
    _time("reminded_at"),
    Column("decision", Word(Decision)),
    _time("decided_at"),
    Column("reviewer_id", String),
    Column("review_notes", Text),
    Column("rejection_reason", Text),
    Column("criteria_not_met", JsonTuple(_read_criterion, _write_criterion), nullable=False),
    Column("verdicts", JsonTuple(_read_verdict, _write_verdict)),
    Column("deemed", Boolean, nullable=False),
    Column("remediation_cycle_id", String, ForeignKey("cycles.id")),
)

service_lines = Table(
    "service_lines",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("status", Word(ServiceLineStatus), nullable=False),
    _time("opened_at", nullable=False),
    _time("closed_at"),
)

payments = Table(
    "payments",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("position", Integer, nullable=False),
    Column("kind", Word(PaymentKind), nullable=False),
    Column("trigger_kind", Word(TriggerKind), nullable=False),
    Column("trigger_number", Integer),
    Column("status", Word(PaymentStatus), nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", String, nullable=False),
    Column("paid", Money, nullable=False),
    Column("net_days", Integer, nullable=False),
    # The planned end of the cycle it waits for, so that a schedule is put in order without asking for its cycles.
    Column("awaited_on", Date),
    Column("description", Text, nullable=False),
    _time("triggered_at"),
    _time("due_at"),
    _time("paid_at"),
    _time("voided_at"),
)

receipts = Table(
    "receipts",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("payment_id", String, ForeignKey("payments.id"), nullable=False),
    Column("status", Word(ReceiptStatus), nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", String, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("reference", Text, nullable=False),
    _time("recorded_at", nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("reverses", String),
    Column("reason", Text),
)

invoices = Table(
    "invoices",
    metadata,
    *_id(),
    *_owner(),
    _scope_id(),
    Column("payment_id", String, ForeignKey("payments.id"), nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("status", Word(InvoiceStatus), nullable=False),
    Column("amount", Money, nullable=False),
    Column("paid", Money, nullable=False),
    Column("currency", String, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("seller", PartyText, nullable=False),
    Column("buyer", PartyText, nullable=False),
    Column("note", Text, nullable=False),
    _time("issued_at", nullable=False),
    Column("issued_by", String, nullable=False),
    _time("ended_at"),
    Column("reason", Text),
)

invoice_serials = Table(
    "invoice_serials",
    metadata,
    Column("organization_id", String, primary_key=True),
    Column("last_serial", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False),
    Column("type", Word(EventType), nullable=False),
    _time("occurred_at", nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("actor_id", String, nullable=False),
    Column("subject_kind", Word(Kind), nullable=False),
    Column("subject_id", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("scope_id", String),
    Column("organization_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("data", JsonObject, nullable=False),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    *_id(),
    Column("organization_id", String),
    Column("url", Text, nullable=False),
    Column("event_types", JsonTuple(), nullable=False),
    Column("status", Word(EndpointStatus), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("secret", String, nullable=False),
    Column("previous_secret", String),
    _time("previous_until"),
    _time("created_at", nullable=False),
    Column("created_by", String, nullable=False),
    _time("disabled_at"),
    Column("disabled_reason", Text),
    _time("deleted_at"),
)

webhook_courses = Table(
    "webhook_courses",
    metadata,
    Column("id", String, primary_key=True),
    Column("endpoint_id", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("last_sequence", BigInteger),
    _time("occurred_from"),
    _time("occurred_until"),
    Column("any_type", Boolean, nullable=False),
    _time("created_at", nullable=False),
)

webhook_lanes = Table(
    "webhook_lanes",
    metadata,
    Column("id", String, primary_key=True),
    Column("course_id", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    _time("failing_since"),
    _time("next_at", nullable=False),
    Column("generation", Integer, nullable=False),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("endpoint_id", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("event_type", Word(EventType), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("is_replay", Boolean, nullable=False),
    Column("status", Word(DeliveryStatus), nullable=False),
    Column("response_status", Integer),
    Column("error", Text, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    _time("attempted_at", nullable=False),
    _time("next_attempt_at"),
)

imports = Table(
    "imports",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("engagements", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    _time("started_at", nullable=False),
    _time("finished_at"),
)

# What the outcomes are measured from (queries/facts.py): made from the tables above, scanned and never looked up.


def _fact(*more: Column[Any]) -> list[Column[Any]]:
    return [
        Column("kind", SmallInteger, nullable=False),
        Column("request", BigInteger, nullable=False),
        *more,
        Column("organization_id", String, nullable=False),
        Column("workspace_id", String, nullable=False),
        Column("currency", String, nullable=False),
    ]


fact_work = Table(
    "fact_work",
    metadata,
    *_fact(Column("scope", BigInteger)),
    Column("ended_on", Date, nullable=False),
    Column("days", Double, nullable=False),
    Column("hit", SmallInteger),
    Column("first", SmallInteger),
    Column("ratio", Double),
    Column("remediations", Integer),
    Column("deliverables", Integer),
    Column("score", Integer),
)

fact_money = Table(
    "fact_money",
    metadata,
    *_fact(),
    Column("ended_on", Date),
    _time("due_at"),
    Column("amount", Numeric(18, 4), nullable=False),
    Column("days", Integer),
)

fact_mark = Table(
    "fact_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("definition", String, nullable=False),
)

mirror = Table(
    "mirror",
    metadata,
    Column("url", String, primary_key=True),
    # How it is followed: `feed`, `polling`, or empty until it first answered.
    Column("way", String, nullable=False),
    Column("cursor", String),
    _time("followed_at"),
)

mirror_requests = Table(
    "mirror_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    # The place in the other server's log of the event that what is kept is at least as new as.
    Column("read_through", BigInteger, nullable=False),
    # Nothing more can happen to it that polling could see.
    Column("is_over", Boolean, nullable=False),
    _time("read_at", nullable=False),
    # What its server does not tell and could not be done without; then `told` is all that is known of it.
    Column("untold", Text),
    Column("told", JsonObject),
)

api_keys = Table(
    "api_keys",
    metadata,
    *_id(),
    Column("name", Text, nullable=False),
    Column("lookup", String, nullable=False, unique=True),
    Column("digest", String, nullable=False),
    Column("roles", JsonTuple(Role, str), nullable=False),
    Column("organization_id", String),
    Column("workspace_id", String),
    _time("created_at", nullable=False),
    Column("created_by", String, nullable=False),
    _time("expires_at"),
    _time("last_used_at"),
    _time("revoked_at"),
    Column("revoked_by", String),
)

first_answers = Table(
    "first_answers",
    metadata,
    Column("holder", String, primary_key=True),
    Column("idempotency_key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JsonObject, nullable=False),
    Column("body", Text, nullable=False),
    _time("answered_at", nullable=False),
)

security_events = Table(
    "security_events",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Word(SecurityKind), nullable=False),
    _time("occurred_at", nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("actor_id", String, nullable=False),
    Column("organization_id", String),
    Column("subject", Text, nullable=False),
    Column("address", String, nullable=False),
    Column("data", JsonObject, nullable=False),
)

calendar_links = Table(
    "calendar_links",
    metadata,
    *_id(),
    Column("name", Text, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("organization_id", String),
    Column("workspace_id", String),
    _time("created_at", nullable=False),
    Column("created_by", String, nullable=False),
    _time("last_read_at"),
    _time("revoked_at"),
    Column("revoked_by", String),
)

people = Table(
    "people",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("claim", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("organization_id", String),
    Column("workspace_id", String),
    Column("roles", JsonTuple(Role, str), nullable=False),
    _time("created_at", nullable=False),
    Column("created_by", String, nullable=False),
)
