"""The import format: which files there are, which columns each has, and what may stand in them.

The reader checks by these tables and the documentation prints them; there is no second place that knows a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ods_core.basics.checks import LONG_TEXT, SHORT_TEXT
from ods_core.basics.states import (
    CycleKind,
    CycleStatus,
    Decision,
    DeliverableStatus,
    PaymentStatus,
    RequestStatus,
    ScopeStatus,
    SilencePolicy,
)
from ods_core.lifecycle.validation import MAX_WEEKS

CRITERION_TEXT = 2_000


class Form(StrEnum):
    """What a value is."""

    TEXT = "text"
    REFERENCE = "reference"
    WHOLE = "whole number"
    AMOUNT = "amount"
    CURRENCY = "currency"
    TIME = "time"
    DAY = "date"
    WORD = "word"
    FLAG = "true or false"
    TEXTS = "list of texts"
    EVIDENCE = "list of links"
    CRITERIA = "list of criteria"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `required`: every row has a value, and every file the column.

    `longest` bounds a text in characters, `low` and `high` a whole number, `words` are those that may stand here, and
    `prefix` that of a reference.
    """

    name: str
    form: Form
    meaning: str
    required: bool = False
    longest: int = SHORT_TEXT
    low: int = 1
    high: int = 1_000_000
    words: tuple[str, ...] = ()
    prefix: str = ""
    negative: bool = False
    zero: bool = False

    @property
    def expected(self) -> str:
        """What stands here, in words, for the documentation and for findings."""
        return _EXPECTED[self.form].format(
            longest=f"{self.longest:,}",
            prefix=self.prefix,
            low=f"{self.low:,}",
            high=f"{self.high:,}",
            words=", ".join(self.words),
            sign="other than 0" if self.negative else "from 0" if self.zero else "above 0",
        )


_EXPECTED = {
    Form.TEXT: "a text of 1 to {longest} characters",
    Form.REFERENCE: "a reference such as {prefix}-26-000001",
    Form.WHOLE: "a whole number from {low} to {high}",
    Form.AMOUNT: "an amount {sign} and below 1,000,000,000,000, with no more decimals than its currency has",
    Form.CURRENCY: "an ISO 4217 currency code such as USD",
    Form.WORD: "one of {words}",
    Form.TIME: "a UTC time that has passed, such as 2026-04-15T10:00:00Z",
    Form.DAY: "a date between 2000 and 2199, such as 2026-04-15",
    Form.FLAG: "true or false",
    Form.TEXTS: 'a JSON list of texts such as ["Tests pass"], each of 1 to 2,000 characters',
    Form.EVIDENCE: 'a JSON list such as [{{"title": "Report", "url": "https://…"}}], links http or https',
    Form.CRITERIA: 'a JSON list such as [{{"criterion": 1, "evidence": "…"}}], criteria counted from 1',
}


def _key(name: str, meaning: str) -> Column:
    return Column(name, Form.TEXT, meaning, required=True)


def _text(name: str, meaning: str, *, required: bool = False, longest: int = SHORT_TEXT) -> Column:
    return Column(name, Form.TEXT, meaning, required, longest=longest)


def _time(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Form.TIME, meaning, required)


def _word(name: str, of: type[StrEnum], meaning: str, *, required: bool = False) -> Column:
    return Column(name, Form.WORD, meaning, required, words=tuple(word.value for word in of))


_EXTERNAL = _key("external_id", "Your own key of this row; each once in its file.")
_CURRENCY = Column("currency", Form.CURRENCY, "The same as the request's.", required=True)

_REQUESTS = (
    _EXTERNAL,
    Column("organization_id", Form.REFERENCE, "Whose request it is.", required=True, prefix="ORG"),
    Column("workspace_id", Form.REFERENCE, "In which workspace.", required=True, prefix="WS"),
    Column("subscription_id", Form.REFERENCE, "Under which subscription.", prefix="SUB"),
    Column("project_tags", Form.TEXTS, "References such as PROJ-26-000001.", prefix="PROJ"),
    _word("status", RequestStatus, "Where it stands.", required=True),
    _text("title", "Its title.", required=True),
    _text("description", "What is asked for.", required=True, longest=LONG_TEXT),
    _text("desired_outcome", "What is to be true afterwards.", required=True, longest=LONG_TEXT),
    Column("acceptance_criteria", Form.TEXTS, "The request's own criteria."),
    Column("timeline_weeks", Form.WHOLE, "The weeks that it may take; none: not bound.", high=MAX_WEEKS),
    Column("budget_max", Form.AMOUNT, "What it may cost; none: not bound."),
    Column("currency", Form.CURRENCY, "Of everything in the engagement.", required=True),
    _time("created_at", "When it was submitted.", required=True),
    _text("created_by", "Who submitted it.", required=True),
    _time("updated_at", "When the request last changed; none: its last proposal, decline or cancellation."),
    _text("negotiation_reason", "Why it does not fit; for requires_negotiation.", longest=LONG_TEXT),
    Column("negotiation_price", Form.AMOUNT, "What price would fit."),
    Column("negotiation_weeks", Form.WHOLE, "How many weeks would fit.", high=MAX_WEEKS),
    _time("cancelled_at", "For cancelled."),
    _text("cancellation_reason", "For cancelled.", longest=LONG_TEXT),
)

_SCOPES = (
    _EXTERNAL,
    _key("request", "The external_id of its request."),
    Column("revision", Form.WHOLE, "1 for the first proposal of the request, and so on.", required=True, high=1_000),
    _word("status", ScopeStatus, "Where it stands; a terminated one is cancelled and has confirmed_at.", required=True),
    _text("title", "Its title; none: the request's."),
    Column("fixed_price", Form.AMOUNT, "What the outcome costs.", required=True),
    _CURRENCY,
    Column("timeline_weeks", Form.WHOLE, "The weeks that it takes.", required=True, high=MAX_WEEKS),
    _text("payment_terms", "A sentence of payment terms; the schedule follows from it.", required=True, longest=2_000),
    Column("valid_until", Form.DAY, "The last day on which it can be confirmed.", required=True),
    Column("lead_time_days", Form.WHOLE, "Working days before cycle 1; none: this installation's.", low=0, high=365),
    Column("review_window_days", Form.WHOLE, "Days a reviewer has; none: no window.", high=365),
    _word("silence_policy", SilencePolicy, "What silence means after the window; none: none."),
    _time("proposed_at", "When it was presented.", required=True),
    _text("proposed_by", "Who presented it.", required=True),
    _time("reminded_at", "When its approver was reminded that it expires."),
    _time("confirmed_at", "When it was confirmed."),
    _text("confirmed_by", "Who confirmed it."),
    Column("shifted_days", Form.WHOLE, "By how many days confirming late moved the cycles.", low=0, high=10_000),
    Column("criteria_score", Form.WHOLE, "How good its criteria were found at confirmation.", low=0, high=100),
    _time("completed_at", "For completed."),
    _time("cancelled_at", "For cancelled: declined, withdrawn, or terminated."),
    _text("cancelled_by", "Who declined, withdrew or terminated it."),
    _text("cancellation_reason", "Why.", longest=LONG_TEXT),
)

_CYCLES = (
    _EXTERNAL,
    _key("scope", "The external_id of its scope."),
    _word("kind", CycleKind, "None: delivery."),
    _text("parent", "The external_id of the delivery cycle that a remediation belongs to."),
    Column("number", Form.WHOLE, "Its place, from 1: in its scope, or among its parent's.", required=True),
    _text("name", "Its name.", required=True, longest=SHORT_TEXT + 40),
    _word("status", CycleStatus, "Where it stands.", required=True),
    Column("planned_start", Form.DAY, "Its first day, as confirmed.", required=True),
    Column("planned_end", Form.DAY, "Its last day, as confirmed.", required=True),
    Column("baseline_start", Form.DAY, "Its first day, as proposed; none: as confirmed."),
    Column("baseline_end", Form.DAY, "Its last day, as proposed; none: as confirmed."),
    _time("started_at", "When it started."),
    _time("completed_at", "When all its deliverables were submitted."),
    _time("accepted_at", "When all its deliverables were accepted."),
    _time("cancelled_at", "For cancelled."),
)

_DELIVERABLES = (
    _EXTERNAL,
    _key("cycle", "The external_id of the delivery cycle that delivers it."),
    Column("position", Form.WHOLE, "Its place in its scope, from 1.", required=True, high=200),
    _text("key", "Its short name in the proposal; none: d and its position.", longest=64),
    _text("title", "Its title.", required=True),
    _text("description", "What it is.", required=True, longest=LONG_TEXT),
    Column("acceptance_criteria", Form.TEXTS, "Its criteria, at least one.", required=True),
    Column("criteria_as_text", Form.FLAG, "Whether its one criterion is shown as a text; none: false."),
    _word("status", DeliverableStatus, "Where it stands.", required=True),
    _time("cancelled_at", "For cancelled."),
)

_ATTEMPTS = (
    _key("deliverable", "The external_id of the deliverable."),
    Column("attempt", Form.WHOLE, "1 for its first delivery, and so on.", required=True, high=1_000),
    _time("started_at", "When work on it began.", required=True),
    _time("submitted_at", "When it was handed in."),
    _text("submitted_by", "Who handed it in."),
    _text("notes", "What was said with it.", longest=LONG_TEXT),
    Column("evidence", Form.EVIDENCE, "What shows that the criteria are met."),
    _time("ready_at", "When it could be reviewed."),
    _time("reminded_at", "When its reviewer was reminded."),
    _word("decision", Decision, "What was decided."),
    _time("decided_at", "When it was decided."),
    _text("reviewer_id", "Who decided; `system` where silence did."),
    _text("review_notes", "What was said with the decision.", longest=LONG_TEXT),
    _text("rejection_reason", "Why it was rejected.", longest=LONG_TEXT),
    Column("criteria_not_met", Form.CRITERIA, "Which criteria a rejection found not met."),
    Column("deemed", Form.FLAG, "Whether silence decided; none: false."),
    _text("remediation_cycle", "The external_id of the remediation cycle that a rejection led to."),
)

_PAYMENTS = (
    _EXTERNAL,
    _key("scope", "The external_id of a confirmed scope."),
    Column("position", Form.WHOLE, "Its place in the schedule that the terms come to, from 1.", required=True),
    _word("status", PaymentStatus, "Where it stands; receipts and trigger must say the same.", required=True),
    Column("amount", Form.AMOUNT, "As the terms split the price, to the minor unit.", required=True, zero=True),
    _CURRENCY,
)

_RECEIPTS = (
    _EXTERNAL,
    _key("payment", "The external_id of the payment."),
    Column("amount", Form.AMOUNT, "Negative for an entry that takes another one back.", required=True, negative=True),
    _CURRENCY,
    Column("received_on", Form.DAY, "The day the money came.", required=True),
    _text("reference", "The bank's reference.", required=True),
    _time("recorded_at", "When it was entered.", required=True),
    _text("recorded_by", "Who entered it.", required=True),
    _text("reverses", "The external_id of the receipt that this entry takes back."),
    _text("reason", "Why it is taken back.", longest=LONG_TEXT),
)

ENTITIES: Mapping[str, tuple[Column, ...]] = {
    "requests": _REQUESTS,
    "scopes": _SCOPES,
    "cycles": _CYCLES,
    "deliverables": _DELIVERABLES,
    "attempts": _ATTEMPTS,
    "payments": _PAYMENTS,
    "receipts": _RECEIPTS,
}
"""Every file of an import, by its name without the suffix, in the order in which they build on each other."""
