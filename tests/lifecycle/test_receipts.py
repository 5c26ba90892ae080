"""Money that comes in: in parts, never more than is open, once per reference, and taken back by an entry of its own."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import AmountExceedsOpen, DuplicateReceipt, Forbidden, Invalid, NotAllowed
from ods_core.basics.events import EventType
from ods_core.basics.records import Engagement
from ods_core.basics.resources import statement
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.lifecycle import Confirm, RecordReceipt, ReverseReceipt, Terminate
from ods_core.service import Service
from tests.seed import CLIENT, seed_proposal, seed_request

DAY = date(2026, 4, 15)


@pytest.fixture
def confirmed(service: Service) -> Engagement:
    """The example, confirmed: 7,750.00 due, 7,750.00 scheduled."""
    request = service.submit_request(LOCAL, seed_request()).subject_id
    scope = service.propose(LOCAL, request, seed_proposal()).subject_id
    return service.confirm(LOCAL, scope, Confirm()).engagement


def receipt(amount: str, reference: str = "R1", on: date = DAY) -> RecordReceipt:
    return RecordReceipt(D(amount), on, reference)


def sums(engagement: Engagement) -> tuple[D, D, D, D]:
    """Received, open, scheduled, void: together the price, always."""
    shown = statement(engagement, engagement.scopes[0])
    parts = tuple(shown[name] for name in ("received", "open", "scheduled", "void"))
    assert sum(parts) == shown["fixed_price"]
    return parts


def test_a_payment_is_paid_once_its_parts_reach_its_amount(service: Service, confirmed: Engagement) -> None:
    due = confirmed.milestones[0].id
    first = service.record_receipt(LOCAL, due, receipt("5000.00", "R1"))
    assert [e.type for e in first.events] == [EventType.PAYMENT_RECEIVED]
    assert first.resource()["amount"] == D("5000.00")
    assert sums(first.engagement) == (5000, 2750, 7750, 0)
    second = service.record_receipt(LOCAL, due, receipt("2750.00", "R2"))
    assert [e.type for e in second.events] == [EventType.PAYMENT_RECEIVED, EventType.PAYMENT_PAID]
    assert second.engagement.milestones[0].status == "paid"
    assert sums(second.engagement) == (7750, 0, 7750, 0)


def test_more_than_is_open_is_refused_with_what_is_open(service: Service, confirmed: Engagement) -> None:
    due = confirmed.milestones[0].id
    service.record_receipt(LOCAL, due, receipt("7000.00", "R1"))
    with pytest.raises(AmountExceedsOpen) as refused:
        service.record_receipt(LOCAL, due, receipt("750.01", "R2"))
    assert refused.value.extra["open"] == D("750.00")
    service.record_receipt(LOCAL, due, receipt("750.00", "R2"))
    with pytest.raises(AmountExceedsOpen):
        service.record_receipt(LOCAL, due, receipt("0.01", "R3"))


@pytest.mark.parametrize("again", ["R 1", "r 1", "  R  1 "])
def test_a_reference_counts_once_however_it_is_spelt(service: Service, confirmed: Engagement, again: str) -> None:
    due = confirmed.milestones[0].id
    first = service.record_receipt(LOCAL, due, receipt("100.00", "R 1")).subject_id
    with pytest.raises(DuplicateReceipt) as refused:
        service.record_receipt(LOCAL, due, receipt("100.00", again))
    assert refused.value.extra["receipt_id"] == first


def test_a_wrong_receipt_is_taken_back_and_can_be_entered_right(service: Service, confirmed: Engagement) -> None:
    due = confirmed.milestones[0].id
    wrong = service.record_receipt(LOCAL, due, receipt("7750.00"))
    back = service.reverse_receipt(LOCAL, wrong.subject_id, ReverseReceipt("Booked on the wrong payment."))
    entry = back.engagement.receipts[-1]
    assert (entry.amount, entry.reverses, entry.status) == (D("-7750.00"), wrong.subject_id, "reversal")
    assert back.engagement.receipt(wrong.subject_id).amount == D("7750.00")
    payment = back.engagement.milestones[0]
    assert (payment.status, payment.paid, payment.paid_at) == ("due", 0, None)
    assert payment.due_at == confirmed.milestones[0].due_at
    assert sums(back.engagement) == (0, 7750, 7750, 0)
    for id in (wrong.subject_id, back.subject_id):
        with pytest.raises(NotAllowed):
            service.reverse_receipt(LOCAL, id, ReverseReceipt("Again."))
    assert service.record_receipt(LOCAL, due, receipt("7750.00")).engagement.milestones[0].status == "paid"


def test_money_for_what_is_not_due_is_refused_with_the_state(service: Service, confirmed: Engagement) -> None:
    scheduled = confirmed.milestones[1].id
    with pytest.raises(NotAllowed) as refused:
        service.record_receipt(LOCAL, scheduled, receipt("1.00"))
    assert refused.value.current_state == "scheduled"
    service.terminate(LOCAL, confirmed.scopes[0].id, Terminate("No longer needed."))
    with pytest.raises(NotAllowed) as refused:
        service.record_receipt(LOCAL, scheduled, receipt("1.00"))
    assert refused.value.current_state == "void"


def test_what_was_due_at_a_termination_can_still_be_paid(service: Service, confirmed: Engagement) -> None:
    service.terminate(LOCAL, confirmed.scopes[0].id, Terminate("No longer needed."))
    paid = service.record_receipt(LOCAL, confirmed.milestones[0].id, receipt("7750.00")).engagement
    assert sums(paid) == (7750, 0, 0, 7750)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (receipt("0"), "/amount"),
        (receipt("-1.00"), "/amount"),
        (receipt("1.001"), "/amount"),
        (receipt("NaN"), "/amount"),
        (receipt("1.00", "  "), "/reference"),
        (receipt("1.00", "x" * 201), "/reference"),
        (receipt("1.00", on=DAY + timedelta(days=1)), "/received_on"),
        (receipt("1.00", on=date(1026, 4, 15)), "/received_on"),
    ],
)
def test_values_that_cannot_be_right_are_refused_at_their_place(
    service: Service, confirmed: Engagement, given: RecordReceipt, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        service.record_receipt(LOCAL, confirmed.milestones[0].id, given)
    assert [p.pointer for p in refused.value.problems] == [pointer]


def test_only_finance_books(service: Service, confirmed: Engagement) -> None:
    due = confirmed.milestones[0].id
    with pytest.raises(Forbidden):
        service.record_receipt(CLIENT, due, receipt("1.00"))
    finance = Caller(CLIENT.actor, frozenset({Role.FINANCE}), organization_id=CLIENT.organization_id)
    assert service.record_receipt(finance, due, receipt("1.00")).engagement.receipts[0].recorded_by == CLIENT.actor.id


def test_a_later_receipt_keeps_the_day_it_came(service: Service, clock: MovingClock, confirmed: Engagement) -> None:
    clock.advance(days=5)
    booked = service.record_receipt(LOCAL, confirmed.milestones[0].id, receipt("1.00")).engagement.receipts[0]
    assert (booked.received_on, booked.recorded_at.date()) == (DAY, DAY + timedelta(days=5))


def test_what_is_paid_in_full_is_told_as_not_overdue(
    service: Service, clock: MovingClock, confirmed: Engagement
) -> None:
    """Also in the event of the last receipt, which comes before the payment's own."""
    due = confirmed.milestones[0].id
    clock.advance(days=30)
    part = service.record_receipt(LOCAL, due, receipt("7000.00", "R1"))
    rest = service.record_receipt(LOCAL, due, receipt("750.00", "R2"))
    assert [event.data["overdue_days"] for event in (*part.events, *rest.events)] == [23, 0, 0]
