"""What waits for finance: overdue, paid in part, due; each with what is open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import Kind
from ods_core.lifecycle import ReverseReceipt, VoidInvoice
from ods_core.queries.today import PILES, Pile
from tests.queries.history import Teller, at, pay

TERMS = "20% on confirmation net 10, 80% on final acceptance"


def pile(teller: Teller, name: str, caller: Caller = LOCAL) -> Pile:
    with teller.service.store.read() as connection:
        return PILES[name](connection, caller, teller.clock())


def told(teller: Teller, name: str) -> list[tuple[str, Decimal | None, Decimal | None]]:
    return [(item.id, item.amount, item.paid) for item in pile(teller, name).items]


def test_finance_sees_what_is_late_what_came_in_part_and_what_is_due(teller: Teller) -> None:
    late, both, part, due = (teller.running(at(5, day), payment_terms=TERMS).milestones[0].id for day in (1, 2, 8, 9))
    for id in (both, part):
        pay(teller.service, id, at(5, 10), paid=Decimal("1000.01"))
    teller.clock.move_to(at(5, 13))
    whole = Decimal("3100.00")
    assert told(teller, "overdue") == [(late, whole, 0), (both, Decimal("2099.99"), Decimal("1000.01"))]
    assert told(teller, "partly_paid") == [(part, Decimal("2099.99"), Decimal("1000.01"))]
    assert told(teller, "due") == [(due, whole, 0)]
    (item,) = pile(teller, "due").items
    assert (item.kind, item.until, item.currency) == (Kind.PAYMENT, date(2026, 5, 19), "USD")


def test_what_is_paid_waits_no_longer_until_it_is_taken_back(teller: Teller) -> None:
    payment = teller.running(at(5, 1), payment_terms=TERMS).milestones[0].id
    pay(teller.service, payment, at(5, 3), paid=Decimal("100.00"))
    rest = pay(teller.service, payment, at(5, 4))
    assert [pile(teller, name).count for name in ("overdue", "partly_paid", "due")] == [0, 0, 0]
    teller.service.reverse_receipt(LOCAL, rest, ReverseReceipt("Another payment's."))
    assert [pile(teller, name).count for name in ("overdue", "partly_paid", "due")] == [0, 1, 0]


def test_what_is_due_waits_for_its_invoice_until_one_stands(teller: Teller) -> None:
    payment = teller.running(at(5, 1), payment_terms=TERMS).milestones[0].id
    assert told(teller, "to_invoice") == [(payment, Decimal("3100.00"), 0)]
    invoice = teller.service.issue_invoice(LOCAL, payment).subject_id
    assert pile(teller, "to_invoice").count == 0
    teller.service.void_invoice(LOCAL, invoice, VoidInvoice("Another address."))
    assert pile(teller, "to_invoice").count == 1


def test_a_pile_is_counted_whole_and_shown_by_its_first(teller: Teller) -> None:
    for day in range(1, 11):
        teller.running(at(5, day), payment_terms=TERMS)
    found = pile(teller, "due")
    assert (found.count, len(found.items)) == (10, 8)
    untils = [item.until for item in found.items if item.until]
    assert untils == sorted(untils)


def test_another_organisations_payments_wait_for_somebody_else(teller: Teller) -> None:
    teller.running(at(5, 1))
    stranger = Caller(LOCAL.actor, frozenset({Role.FINANCE}), "ORG-26-000002")
    assert pile(teller, "due", stranger).count == 0
    assert pile(teller, "due").count == 1
