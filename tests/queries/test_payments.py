"""The schedule, its totals and the ageing, on payments whose dates are known."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.resources import expected_on, overdue_days
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import PaymentStatus
from ods_core.lifecycle import Terminate
from ods_core.queries.payments import (
    PaymentFilter,
    PaymentRow,
    Totals,
    ageing,
    currencies,
    every,
    schedule_page,
    totals,
)
from ods_core.service import Service
from ods_core.store.rows import load
from tests.queries.history import RandomHistory, Teller, at, ids, pay
from tests.seed import two_cycle_proposal

TERMS = "20% on confirmation net 10, 80% on final acceptance net 30"


def rows(teller: Teller, now: datetime | None = None, **wanted: object) -> list[PaymentRow]:
    with teller.service.store.read() as connection:
        filters = PaymentFilter(**wanted)
        page = schedule_page(connection, LOCAL, filters, now or teller.clock(), 3, limit=1_000)
        whole = [*every(connection, LOCAL, filters, now or teller.clock(), 3)]
    assert page.cursor is None
    assert whole == sorted(page.rows, key=lambda row: row.number), "an export has the rows of the list"
    return list(page.rows)


def sums(teller: Teller, caller: Caller = LOCAL, **wanted: object) -> dict[str, Totals]:
    with teller.service.store.read() as connection:
        return {t.currency: t for t in totals(connection, caller, PaymentFilter(**wanted), teller.clock(), 3)}


def test_a_scheduled_payment_is_expected_at_the_planned_end_plus_a_review_plus_its_net_days(teller: Teller) -> None:
    teller.running(at(5, 1), payment_terms=TERMS)
    due, scheduled = rows(teller)
    assert (due.status, due.payable_on, due.expected_on) == (PaymentStatus.DUE, date(2026, 5, 11), None)
    assert scheduled.expected_on == date(2026, 5, 11) + timedelta(days=3 + 30)
    assert (due.open, scheduled.open) == (Decimal("3100.00"), Decimal(0))


def test_the_schedule_agrees_with_the_payment_itself_for_every_kind_of_trigger(teller: Teller) -> None:
    """The table's arithmetic and the record's are two; whatever a milestone waits for, they give one date."""
    proposal = two_cycle_proposal()
    request_id = teller.request(at(4, 15))
    scope_id = teller.propose(at(4, 26), request_id, cycles=proposal.cycles, payment_terms=proposal.payment_terms)
    engagement = teller.confirm(at(5, 3), scope_id)
    found = {row.id: row for row in rows(teller)}
    assert len(found) == 4
    for milestone in engagement.milestones:
        row = found[milestone.id]
        assert row.expected_on == expected_on(engagement, milestone, 3)
        assert row.trigger == milestone.trigger


def test_random_schedules_agree_with_the_records(service: Service, teller: Teller) -> None:
    history = RandomHistory(service, teller.clock, seed=5)
    history.run(engagements=15, steps=300)
    teller.clock.advance(days=20)
    with service.store.read() as connection:
        engagements = load(connection, history.requests)
        shown = {row.id: row for row in every(connection, LOCAL, PaymentFilter(), teller.clock(), 3)}
    milestones = [(e, m) for e in engagements.values() for m in e.milestones]
    assert {m.id for _, m in milestones} == set(shown)
    for e, m in milestones:
        row = shown[m.id]
        assert (row.amount, row.paid, row.open) == (m.amount, m.paid, m.open)
        assert (row.expected_on, row.overdue_days) == (expected_on(e, m, 3), overdue_days(m, teller.clock()))


def test_the_soonest_payable_comes_first_and_pages_neither_repeat_nor_skip(teller: Teller) -> None:
    for day in (3, 1, 2):
        teller.running(at(5, day + 3), payment_terms=TERMS)
    whole = rows(teller)
    assert [r.payable_on for r in whole] == sorted(r.payable_on for r in whole)
    paged, cursor = [], None
    with teller.service.store.read() as connection:
        while True:
            page = schedule_page(connection, LOCAL, PaymentFilter(), teller.clock(), 3, limit=1, cursor=cursor)
            paged += page.rows
            cursor = page.cursor
            if cursor is None:
                break
    assert paged == whole


@pytest.mark.parametrize("cursor", ["", "x", "bjQy", "MjAyNi0wNS0wMSB4"])
def test_a_cursor_of_ones_own_making_is_refused(teller: Teller, cursor: str) -> None:
    with teller.service.store.read() as connection, pytest.raises(Invalid):
        schedule_page(connection, LOCAL, PaymentFilter(), teller.clock(), 3, cursor=cursor)


def test_amount_is_always_paid_plus_open_plus_scheduled_plus_void(teller: Teller) -> None:
    teller.running(at(5, 1), payment_terms=TERMS)
    terminated = teller.running(at(5, 2), payment_terms=TERMS)
    teller.running(at(5, 2), currency="KWD", fixed_price=Decimal("4321.125"))
    pay(teller.service, "PAY-26-000001", at(5, 8), paid=Decimal("1000.01"))
    teller.service.terminate(LOCAL, terminated.scopes[0].id, Terminate("The need is gone."))
    found = sums(teller)
    for total in found.values():
        assert total.amount == total.paid + total.open + total.scheduled + total.void
    assert found["USD"] == Totals(
        "USD",
        4,
        Decimal("31000.00"),
        Decimal("1000.01"),
        Decimal("5199.99"),
        Decimal("0.00"),
        Decimal("12400.00"),
        Decimal("12400.00"),
    )
    assert found["KWD"].amount == Decimal("4321.125")


def test_filters_narrow_rows_and_totals_alike(teller: Teller) -> None:
    teller.running(at(5, 1), payment_terms=TERMS)
    teller.running(at(5, 1), organization_id="ORG-26-000002", currency="JPY", fixed_price=Decimal(1_200_001))
    teller.clock.move_to(at(5, 20))
    wanted: list[tuple[dict[str, object], int]] = [
        ({"organization_id": "ORG-26-000002"}, 2),
        ({"currency": "JPY"}, 2),
        ({"statuses": (PaymentStatus.SCHEDULED,)}, 2),
        ({"overdue": True, "currency": "USD"}, 1),
        ({"overdue": False}, 2),
        ({"first": date(2026, 6, 1)}, 1),
        ({"last": date(2026, 5, 31)}, 3),
        ({"scope_id": "OSCOPE-26-000001"}, 2),
    ]
    for filters, n in wanted:
        assert len(rows(teller, **filters)) == n, filters
        assert sum(t.count for t in sums(teller, **filters).values()) == n, filters


def test_another_organisations_payments_are_not_seen(teller: Teller) -> None:
    teller.running(at(5, 1))
    stranger = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.FINANCE}), "ORG-26-000002")
    assert sums(teller, stranger) == {}
    with teller.service.store.read() as connection:
        assert currencies(connection, stranger) == []
        assert currencies(connection, LOCAL) == ["USD"]


@pytest.mark.parametrize(
    ("after_due", "bucket"),
    [
        (timedelta(0), "not_yet_due"),
        (timedelta(seconds=1), "1_30"),
        (timedelta(days=30, hours=23), "1_30"),
        (timedelta(days=31), "31_60"),
        (timedelta(days=60, hours=23), "31_60"),
        (timedelta(days=61), "61_90"),
        (timedelta(days=90, hours=23), "61_90"),
        (timedelta(days=91), "over_90"),
    ],
)
def test_open_money_ages_by_whole_days_past_due(teller: Teller, after_due: timedelta, bucket: str) -> None:
    teller.running(at(5, 1), payment_terms=TERMS)
    now = midnight(date(2026, 5, 11)) + after_due
    with teller.service.store.read() as connection:
        (found,) = ageing(connection, LOCAL, PaymentFilter(), now)
        (total,) = totals(connection, LOCAL, PaymentFilter(), now, 3)
    assert found.amounts == {bucket: Decimal("3100.00")}
    assert found.counts == {bucket: 1}
    assert total.overdue == (Decimal(0) if bucket == "not_yet_due" else found.total)


def test_ageing_is_by_organisation_and_currency_and_leaves_out_what_is_paid(teller: Teller) -> None:
    first = teller.running(at(5, 1), payment_terms=TERMS)
    teller.running(at(5, 1), organization_id="ORG-26-000002", currency="JPY", fixed_price=Decimal(1_200_001))
    teller.submit(at(5, 9), *ids(first))
    teller.accept(at(5, 9), *ids(first))
    pay(teller.service, first.milestones[0].id, at(5, 10))
    teller.clock.move_to(at(7, 1))
    with teller.service.store.read() as connection:
        found = {
            (a.organization_id, a.currency): a.amounts for a in ageing(connection, LOCAL, PaymentFilter(), at(7, 1))
        }
    assert found == {
        ("ORG-26-090500", "USD"): {"1_30": Decimal("12400.00")},
        ("ORG-26-000002", "JPY"): {"31_60": Decimal(600_001)},
    }
