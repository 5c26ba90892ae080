"""The tables are complete: a look for each state, a label for each event, a page that shows them as they are."""

from __future__ import annotations

from enum import StrEnum

import pytest

from ods_core.basics.events import ENDPOINT_EVENTS, EVENT_LABELS, EventType
from ods_core.basics.roles import Side
from ods_core.basics.states import (
    LOOKS,
    CycleStatus,
    DeliverableStatus,
    DeliveryStatus,
    EndpointStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
    look,
)
from ods_core.lifecycle import RULES, TRANSITIONS, Verb, commands, verb_of
from ods_core.lifecycle.document import TARGET, document
from tests.lifecycle.play import COMMANDS
from tests.seed import seed_request

STATES = (
    RequestStatus,
    ScopeStatus,
    CycleStatus,
    DeliverableStatus,
    ServiceLineStatus,
    PaymentStatus,
    ReceiptStatus,
    InvoiceStatus,
)
BEYOND = (EndpointStatus, DeliveryStatus)
"""States of what belongs to no engagement."""
COLOURS = {"red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"}


@pytest.mark.parametrize("states", [*STATES, *BEYOND])
def test_every_state_has_a_look_of_its_own(states: type[StrEnum]) -> None:
    looks = [look(state) for state in states]
    assert len({shown.label for shown in looks}) == len(looks)
    assert len({(shown.colour, shown.icon) for shown in looks}) == len(looks), "told apart without their labels, too"
    assert {shown.colour for shown in looks} <= COLOURS


def test_no_look_is_left_without_its_state() -> None:
    every = (*STATES, *BEYOND)
    assert {state for looks in LOOKS.values() for state in looks} == {state for states in every for state in states}
    assert set(LOOKS) == set(every)


@pytest.mark.parametrize("states", STATES)
def test_every_state_can_be_reached_and_only_ends_are_never_left(states: type[StrEnum]) -> None:
    arrows = next(ts for ts in TRANSITIONS.values() if isinstance(ts[0].target, states))
    assert {t.target for t in arrows} == set(states)
    ends = {
        RequestStatus: {"cancelled"},
        ScopeStatus: {"completed", "cancelled"},
        CycleStatus: {"accepted", "cancelled"},
        DeliverableStatus: {"accepted", "cancelled"},
        ServiceLineStatus: {"closed"},
        PaymentStatus: {"void"},
        ReceiptStatus: {"reversed", "reversal"},
        InvoiceStatus: {"void"},
    }
    assert set(states) - {t.source for t in arrows} == ends[states]


def test_every_event_has_a_label_of_its_own() -> None:
    assert set(EVENT_LABELS) == set(EventType)
    assert len(set(EVENT_LABELS.values())) == len(EventType)


def test_every_event_is_on_an_arrow_or_belongs_to_money_a_circle_the_clock_or_an_endpoint() -> None:
    drawn = {t.event for ts in TRANSITIONS.values() for t in ts if t.event}
    assert (
        set(EventType) - drawn
        == {
            EventType.DELIVERABLE_ESCALATED,
            EventType.DELIVERABLE_REVIEW_REMINDER,
            EventType.SCOPE_EXPIRING,
            EventType.PAYMENT_RECEIVED,
        }
        | ENDPOINT_EVENTS
    )


def test_no_arrow_is_drawn_twice() -> None:
    for kind, ts in TRANSITIONS.items():
        keys = [(t.source, t.target, t.event) for t in ts]
        assert len(keys) == len(set(keys)), kind
    assert set(TRANSITIONS) == set(Kind) - {Kind.WEBHOOK_ENDPOINT}, "an endpoint belongs to no engagement"


def test_every_command_has_a_verb_and_every_verb_a_rule() -> None:
    assert set(RULES) == set(Verb)
    given = {verb: command for verb, command in COMMANDS.items() if verb_of(command) == verb}
    assert set(given) | {verb_of(seed_request())} == set(Verb)
    assert {type(command) for command in given.values()} | {commands.SubmitRequest} == set(commands.Command.__args__)


@pytest.mark.parametrize("verb", Verb)
def test_a_rule_speaks_of_the_states_of_its_subject(verb: Verb) -> None:
    rule = RULES[verb]
    of = {
        Kind.REQUEST: RequestStatus,
        Kind.SCOPE: ScopeStatus,
        Kind.DELIVERABLE: DeliverableStatus,
        Kind.PAYMENT: PaymentStatus,
        Kind.RECEIPT: ReceiptStatus,
        Kind.INVOICE: InvoiceStatus,
    }[rule.subject]
    assert all(type(state) is of for state in rule.states)
    assert rule.label
    assert bool(rule.roles) != (Side.SYSTEM in rule.sides), "a command is a role's, or the system's"


def test_the_page_about_the_lifecycle_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == document(), "run python -m ods_core.lifecycle.document"


def test_the_page_names_every_state_every_event_and_every_command() -> None:
    page = document()
    assert all(f"`{word}`" in page for word in (*EventType, *Verb, *(s for states in STATES for s in states)))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == (
        len(Verb)
        + len(EventType)
        + sum(map(len, STATES))
        + sum(map(len, TRANSITIONS.values()))
        + 2 * (2 + 2 * len(TRANSITIONS))
    )


def test_a_table_row_has_as_many_cells_as_its_head() -> None:
    widths = None
    for line in document().splitlines():
        if not line.startswith("|"):
            widths = None
            continue
        widths = widths or line.count("|")
        assert line.count("|") == widths, line
