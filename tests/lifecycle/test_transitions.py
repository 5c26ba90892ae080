"""Every command in every state: which may be given is written here from the contract, and nothing else may."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import pytest

from ods_core.basics.errors import NotAllowed, NotFound, ScopeExpired
from ods_core.basics.events import EventType
from ods_core.basics.roles import Role
from ods_core.basics.states import (
    CycleStatus,
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
)
from ods_core.lifecycle import (
    RULES,
    TRANSITIONS,
    Cancel,
    IllegalTransition,
    Reissue,
    Terminate,
    Verb,
    can,
    why_not,
)
from ods_core.lifecycle.mover import Change
from tests.lifecycle.play import (
    COMMANDS,
    DELIVERABLES,
    INVOICES,
    PAYMENTS,
    RECEIPTS,
    REQUESTS,
    SCOPES,
    Play,
    active,
    completed,
    declined,
    expired,
    in_review,
    negotiating,
    paying,
    proposed,
    subject_id,
    taken_back,
    terminated,
)
from tests.seed import seed_proposal

R, S, D = RequestStatus, ScopeStatus, DeliverableStatus

ALLOWED: dict[Verb, set[StrEnum]] = {
    Verb.PROPOSE: {R.SCOPING},
    Verb.NEGOTIATE: {R.SCOPING},
    Verb.REVISE: {R.REQUIRES_NEGOTIATION},
    Verb.CANCEL: {R.SCOPING, R.SCOPED, R.REQUIRES_NEGOTIATION},
    Verb.CONFIRM: {S.PENDING_CONFIRMATION},
    Verb.DECLINE: {S.PENDING_CONFIRMATION},
    Verb.REISSUE: set(),
    Verb.TERMINATE: {S.ACTIVE},
    Verb.START: {D.PENDING, D.REJECTED},
    Verb.SUBMIT: {D.PENDING, D.IN_PROGRESS, D.REJECTED},
    Verb.ACCEPT: {D.READY_FOR_ACCEPTANCE},
    Verb.REJECT: {D.READY_FOR_ACCEPTANCE},
    Verb.RECORD_RECEIPT: {PaymentStatus.DUE},
    Verb.REVERSE_RECEIPT: {ReceiptStatus.RECORDED},
    Verb.ISSUE_INVOICE: {PaymentStatus.DUE},
    Verb.VOID_INVOICE: {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE},
    Verb.WRITE_OFF_INVOICE: {InvoiceStatus.OPEN},
}
BY_THE_CLOCK = {Verb.LAPSE, Verb.REMIND_REVIEWER, Verb.REMIND_APPROVER}
"""Allowed by time as much as by state: test_review_clock has them."""

"""With a proposal that has not expired; an expired one has tests of its own."""

PLAYS: dict[Kind, dict[StrEnum, Callable[[], Play]]] = {
    Kind.REQUEST: {**REQUESTS},
    Kind.SCOPE: {**SCOPES},
    Kind.DELIVERABLE: {**DELIVERABLES},
    Kind.PAYMENT: {**PAYMENTS},
    Kind.RECEIPT: {**RECEIPTS},
    Kind.INVOICE: {**INVOICES},
}

CASES = [
    (verb, state)
    for verb in ALLOWED
    for state in PLAYS[RULES[verb].subject]
    # Nothing is open on a paid payment, which is not a matter of its state; test_receipts has it.
    if (verb, state) != (Verb.RECORD_RECEIPT, PaymentStatus.PAID)
]


@pytest.mark.parametrize(("verb", "state"), CASES)
def test_a_command_is_obeyed_in_its_states_and_refused_in_all_others(verb: Verb, state: StrEnum) -> None:
    kind = RULES[verb].subject
    play = PLAYS[kind][state]()
    id = subject_id(play, kind)
    before = play.engagement
    if state in ALLOWED[verb]:
        assert can(before, verb, id, play.now.date())
        assert play.do(COMMANDS[verb], id).events
        return
    with pytest.raises(NotAllowed) as refused:
        play.do(COMMANDS[verb], id)
    assert play.engagement is before
    assert refused.value.status == 409
    assert refused.value.current_state == state
    assert id in refused.value.detail
    assert not can(before, verb, id, play.now.date())


def test_every_verb_is_tried_and_every_state_reached() -> None:
    assert set(ALLOWED) == set(Verb) - {Verb.SUBMIT_REQUEST} - BY_THE_CLOCK
    for kind, plays in PLAYS.items():
        assert set(plays) == set(type(next(iter(plays)))), kind
        for state, play in plays.items():
            made = play()
            status = {
                Kind.REQUEST: made.engagement.request.status,
                Kind.SCOPE: made.engagement.scopes[-1].status if made.engagement.scopes else None,
                Kind.DELIVERABLE: made.deliverable(1).status if made.engagement.scopes else None,
                Kind.PAYMENT: made.milestones[0].status if made.milestones else None,
                Kind.RECEIPT: made.engagement.receipts[0].status if made.engagement.receipts else None,
                Kind.INVOICE: made.engagement.invoices[0].status if made.engagement.invoices else None,
            }[kind]
            assert status == state


CLIENT_ROLES = {
    Verb.SUBMIT_REQUEST: {Role.REQUESTER},
    Verb.REVISE: {Role.REQUESTER},
    Verb.CANCEL: {Role.REQUESTER, Role.PROVIDER},
    Verb.CONFIRM: {Role.APPROVER},
    Verb.DECLINE: {Role.APPROVER},
    Verb.TERMINATE: {Role.APPROVER, Role.PROVIDER},
    Verb.ACCEPT: {Role.REVIEWER},
    Verb.REJECT: {Role.REVIEWER},
    Verb.RECORD_RECEIPT: {Role.FINANCE},
    Verb.REVERSE_RECEIPT: {Role.FINANCE},
    Verb.ISSUE_INVOICE: {Role.FINANCE},
    Verb.VOID_INVOICE: {Role.FINANCE},
    Verb.WRITE_OFF_INVOICE: {Role.FINANCE},
    **{verb: set() for verb in BY_THE_CLOCK},
}


@pytest.mark.parametrize("verb", Verb)
def test_each_command_belongs_to_the_roles_of_the_contract(verb: Verb) -> None:
    assert set(RULES[verb].roles) == CLIENT_ROLES.get(verb, {Role.PROVIDER})


EXPIRED = {Verb.PROPOSE: True, Verb.CANCEL: True, Verb.CONFIRM: False, Verb.DECLINE: True, Verb.REISSUE: True}


@pytest.mark.parametrize(("verb", "allowed"), EXPIRED.items())
def test_an_expired_proposal_can_be_replaced_declined_or_cancelled_but_not_confirmed(verb: Verb, allowed: bool) -> None:
    play = expired()
    id = subject_id(play, RULES[verb].subject)
    assert can(play.engagement, verb, id, play.now.date()) is allowed
    if allowed:
        assert play.do(COMMANDS[verb], id).events
        return
    with pytest.raises(ScopeExpired, match="re-issue") as refused:
        play.do(COMMANDS[verb], id)
    assert refused.value.code == "scope_expired"


def test_a_proposal_can_still_be_confirmed_on_its_last_day() -> None:
    play = proposed()
    play.until(play.now.replace(day=29, hour=23))
    assert play.scope.valid_until == play.now.date()
    assert play.confirm().scope.status == S.ACTIVE


@pytest.mark.parametrize("play", [active, completed, terminated])
def test_a_request_whose_scope_was_confirmed_is_neither_cancelled_nor_scoped_again(play: Callable[[], Play]) -> None:
    made = play()
    assert made.engagement.request.status == R.SCOPED
    with pytest.raises(NotAllowed, match="was confirmed") as refused:
        made.do(Cancel("Too late."))
    assert refused.value.extra["scope_status"] == made.scope.status
    with pytest.raises(NotAllowed, match="declined or expired"):
        made.do(seed_proposal())


@pytest.mark.parametrize("verb", [Verb.START, Verb.SUBMIT])
def test_work_on_a_cycle_that_has_not_begun_is_refused(verb: Verb) -> None:
    play = active()
    assert play.cycle(2).status == CycleStatus.PLANNED
    with pytest.raises(NotAllowed, match="needs a cycle in progress") as refused:
        play.do(COMMANDS[verb], play.deliverable(3).id)
    assert refused.value.current_state == D.PENDING
    assert refused.value.extra["cycle_status"] == CycleStatus.PLANNED


@pytest.mark.parametrize("verb", [Verb.START, Verb.SUBMIT])
def test_work_on_a_proposal_that_nobody_confirmed_is_refused(verb: Verb) -> None:
    play = proposed()
    with pytest.raises(NotAllowed, match="needs a cycle in progress"):
        play.do(COMMANDS[verb], play.deliverable(1).id)


@pytest.mark.parametrize("verb", [v for v in Verb if v in COMMANDS and RULES[v].subject != Kind.REQUEST])
def test_what_the_engagement_does_not_have_is_not_found(verb: Verb) -> None:
    play = active()
    with pytest.raises(NotFound, match="there is no"):
        play.do(COMMANDS[verb], "XYZ-26-999999")


def test_whoever_comes_second_is_told_what_came_first() -> None:
    play = in_review().accept(1)
    with pytest.raises(NotAllowed, match="is `accepted` \\(decided at 2026-04-15T10:00:00Z\\)"):
        play.reject(1)
    with pytest.raises(NotAllowed, match=r"is `active` \(confirmed by USR-26-000044 at 2026-04-15T10:00:00Z\)"):
        play.confirm()
    play = declined()
    with pytest.raises(NotAllowed, match=r"is `cancelled` \(by USR-26-000044 at 2026-04-15T10:00:00Z\)"):
        play.confirm()


def test_asking_whether_is_the_same_as_being_told_why_not() -> None:
    play = expired()
    refusal = why_not(play.engagement, Verb.CONFIRM, play.scope.id, play.now.date())
    assert isinstance(refusal, ScopeExpired)
    assert why_not(play.engagement, Verb.DECLINE, play.scope.id, play.now.date()) is None


def tour() -> list[Play]:
    """Plays that between them go every way there is."""
    cancelled = [play().do(Cancel("No.")) for play in (Play, negotiating, proposed)]
    again = [expired().do(seed_proposal()), expired()]
    again[1].do(Reissue(), again[1].scope.id)
    mended = in_review().reject(1).reject(2).start(1).submit(1, 2)
    stopped = [
        active().start(1),
        active().submit(1),
        in_review(),
        in_review().reject(1).accept(2),
        in_review().reject(1).start(1),
    ]
    for play in stopped:
        play.do(Terminate("Over."), play.scope.id)
    free = Play(currency="JPY", budget_max=None).propose(
        seed_proposal(currency="JPY", fixed_price=Decimal(1), payment_terms="50% on confirmation, 50% on completion")
    )
    free.confirm().submit(1, 2, 3).accept(1, 2, 3)
    revised = negotiating().do(COMMANDS[Verb.REVISE])
    return [
        *cancelled,
        *again,
        mended.accept(1, 2).submit(3).accept(3),
        *stopped,
        free,
        revised,
        declined(),
        completed(),
        PAYMENTS[PaymentStatus.PAID](),
        RECEIPTS[ReceiptStatus.REVERSAL](),
        taken_back(INVOICES[InvoiceStatus.PAID](), then=0),
        paying(INVOICES[InvoiceStatus.UNCOLLECTIBLE]()),
        INVOICES[InvoiceStatus.VOID](),
        _voided_after_all(INVOICES[InvoiceStatus.UNCOLLECTIBLE]()),
    ]


def _voided_after_all(play: Play) -> Play:
    return play.do(COMMANDS[Verb.VOID_INVOICE], play.engagement.invoices[0].id)


def test_every_arrow_that_is_drawn_is_gone_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: set[tuple[Kind, StrEnum | None, StrEnum]] = set()
    with_event: set[tuple[Kind, StrEnum | None, StrEnum, EventType]] = set()
    allow = Change._allow

    def watched(change: Change, record: object, source: StrEnum | None, to: StrEnum, event: EventType | None) -> Kind:
        kind = allow(change, record, source, to, event)
        gone.add((kind, source, to))
        if event:
            with_event.add((kind, source, to, event))
        return kind

    monkeypatch.setattr(Change, "_allow", watched)
    told = {event.type for play in tour() for event in play.history}
    drawn = {(kind, t.source, t.target) for kind, ts in TRANSITIONS.items() for t in ts}
    assert gone == drawn
    assert {t.event for ts in TRANSITIONS.values() for t in ts if t.event} <= told
    silent = {Kind.REQUEST, Kind.SCOPE, Kind.SERVICE_LINE, Kind.CYCLE}
    for kind, ts in TRANSITIONS.items():
        for t in ts:
            if t.event and kind not in silent:
                assert (kind, t.source, t.target, t.event) in with_event


def test_an_arrow_that_is_not_drawn_cannot_be_gone() -> None:
    play = active()
    change = Change(play.engagement, play.moment)
    with pytest.raises(IllegalTransition):
        change.move(play.deliverable(1), D.ACCEPTED, EventType.DELIVERABLE_ACCEPTED)
    with pytest.raises(IllegalTransition):
        change.move(play.deliverable(1), D.ACCEPTED, None)
    with pytest.raises(IllegalTransition):
        change.move(play.milestones[1], PaymentStatus.DUE, EventType.PAYMENT_PAID)
    with pytest.raises(IllegalTransition):
        change.create(play.deliverable(1).__class__(**_as_accepted(play)), None)


def _as_accepted(play: Play) -> dict[str, object]:
    d = play.deliverable(1)
    return {name: getattr(d, name) for name in d.__dataclass_fields__} | {"status": D.ACCEPTED}


def test_a_record_of_before_cannot_be_put_back() -> None:
    play = active()
    stale = play.deliverable(1)
    change = Change(play.start(1).engagement, play.moment)
    with pytest.raises(IllegalTransition, match="stale"):
        change.amend(stale, escalated_at=play.now)


STARTED, SUBMITTED, READY = EventType.DELIVERABLE_STARTED, EventType.DELIVERABLE_SUBMITTED, EventType.DELIVERABLE_READY
GONE, CYCLE_GONE = EventType.DELIVERABLE_CANCELLED, EventType.CYCLE_CANCELLED

TOLD: list[tuple[str, Callable[[], Play], list[EventType]]] = [
    ("submit a request", Play, [EventType.REQUEST_SUBMITTED]),
    ("propose", proposed, [EventType.REQUEST_SCOPED]),
    ("negotiate", negotiating, [EventType.REQUEST_REQUIRES_NEGOTIATION]),
    ("revise", lambda: negotiating().do(COMMANDS[Verb.REVISE]), [EventType.REQUEST_REVISED]),
    ("cancel", lambda: Play().do(Cancel("No.")), [EventType.REQUEST_CANCELLED]),
    (
        "cancel with a proposal",
        lambda: proposed().do(Cancel("No.")),
        [EventType.REQUEST_CANCELLED, EventType.SCOPE_CANCELLED, CYCLE_GONE, GONE, GONE, GONE],
    ),
    ("decline", declined, [EventType.SCOPE_DECLINED, CYCLE_GONE, GONE, GONE, GONE]),
    (
        "propose over an expired proposal",
        lambda: expired().do(seed_proposal()),
        [EventType.SCOPE_CANCELLED, CYCLE_GONE, GONE, GONE, GONE, EventType.REQUEST_SCOPED],
    ),
    (
        "confirm",
        active,
        [
            EventType.SCOPE_CONFIRMED,
            EventType.SERVICE_LINE_OPENED,
            *[EventType.PAYMENT_SCHEDULED] * 4,
            EventType.PAYMENT_DUE,
            EventType.CYCLE_STARTED,
        ],
    ),
    ("start", lambda: active().start(1), [STARTED]),
    ("submit one of two", lambda: active().submit(1), [SUBMITTED]),
    ("submit the last", in_review, [SUBMITTED, EventType.CYCLE_COMPLETED, READY, READY]),
    ("accept one of two", lambda: in_review().accept(2), [EventType.DELIVERABLE_ACCEPTED]),
    (
        "accept a cycle's last",
        lambda: in_review().accept(1, 2),
        [
            EventType.DELIVERABLE_ACCEPTED,
            EventType.CYCLE_ACCEPTED,
            EventType.PAYMENT_DUE,
            EventType.CYCLE_STARTED,
        ],
    ),
    (
        "accept the scope's last",
        completed,
        [
            EventType.DELIVERABLE_ACCEPTED,
            EventType.PAYMENT_DUE,
            EventType.CYCLE_ACCEPTED,
            EventType.SCOPE_COMPLETED,
            EventType.SERVICE_LINE_CLOSED,
            EventType.PAYMENT_DUE,
        ],
    ),
    ("reject", lambda: in_review().reject(1), [EventType.DELIVERABLE_REJECTED, EventType.REMEDIATION_STARTED]),
    ("reject into the same remediation", lambda: in_review().reject(1).reject(2), [EventType.DELIVERABLE_REJECTED]),
    (
        "reject for the same criterion again",
        lambda: in_review().reject(1, 1).submit(1).reject(1, 1),
        [EventType.DELIVERABLE_REJECTED, EventType.REMEDIATION_STARTED, EventType.DELIVERABLE_ESCALATED],
    ),
    (
        "accept what was remediated",
        lambda: in_review().accept(2).reject(1).submit(1).accept(1),
        [
            EventType.DELIVERABLE_ACCEPTED,
            EventType.CYCLE_ACCEPTED,
            EventType.CYCLE_ACCEPTED,
            EventType.PAYMENT_DUE,
            EventType.CYCLE_STARTED,
        ],
    ),
    (
        "terminate",
        terminated,
        [
            EventType.SCOPE_TERMINATED,
            CYCLE_GONE,
            CYCLE_GONE,
            GONE,
            GONE,
            GONE,
            EventType.SERVICE_LINE_CLOSED,
            *[EventType.PAYMENT_VOIDED] * 3,
        ],
    ),
]


@pytest.mark.parametrize(("play", "events"), [case[1:] for case in TOLD], ids=[case[0] for case in TOLD])
def test_a_command_tells_its_events_in_their_order(play: Callable[[], Play], events: list[EventType]) -> None:
    assert play().told == events


@pytest.mark.parametrize("play", [case[1] for case in TOLD], ids=[case[0] for case in TOLD])
def test_every_event_names_its_engagement_its_actor_and_its_moment(play: Callable[[], Play]) -> None:
    made = play()
    request = made.engagement.request
    for event in made.events:
        assert event.request_id == request.id
        assert (event.organization_id, event.workspace_id) == (request.organization_id, request.workspace_id)
        assert event.actor == made.moment.actor
        assert event.occurred_at == made.now
        assert event.data["id"] == event.subject_id
        if event.subject_kind not in (Kind.REQUEST, Kind.SCOPE):
            assert event.scope_id == event.data["scope_id"]


def test_the_log_alone_holds_the_proposal() -> None:
    play = proposed()
    scope = play.events[0].data["scope"]
    assert scope["deliverables"][0]["acceptance_criteria"] == "Failure rate <0.1% in staging load test."
    assert scope["cycles"][0]["planned_end"].isoformat() == "2026-05-21"
    assert scope["fixed_price"] == Decimal("15500.00")


def test_a_decline_tells_that_its_request_is_scoping_again() -> None:
    assert declined().events[0].data["request_status"] == R.SCOPING
