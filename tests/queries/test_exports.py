"""What finance takes away: every row of the list, exact, with what it is of and what it comes to."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest

from ods_core.basics.errors import NotFound
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import PaymentStatus
from ods_core.lifecycle import RecordReceipt, ReverseReceipt
from ods_core.payments import RateTable
from ods_core.queries import ledger, payments
from ods_core.queries.exports import (
    SCHEDULE,
    ageing_paper,
    receipts_paper,
    schedule_paper,
    statement_paper,
)
from ods_core.queries.ledger import ReceiptFilter
from ods_core.queries.payments import PaymentFilter
from ods_core.service import Service
from tests.papers.reading import cover, lines, opened, time_in_cell
from tests.queries.history import RandomHistory, Teller, at

HOSTILE = '=HYPERLINK("http://x.example","pay here")'
TERMS = "20% on confirmation net 10, 80% on completion"
STRANGER = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.FINANCE}), "ORG-26-000002")
RATES = RateTable(
    base="EUR", as_of=date(2026, 1, 2), source="A test", rates={"USD": Decimal("1.25"), "JPY": Decimal(160)}
)
HEAD = [column.label for column in SCHEDULE]


@pytest.fixture
def told(teller: Teller) -> Teller:
    """Three engagements in three currencies, one of them without a rate, and money that came in and went back."""
    teller.running(at(5, 1), title=HOSTILE, payment_terms=TERMS)
    teller.running(at(5, 2), organization_id="ORG-26-000002", currency="JPY", fixed_price=Decimal(1_000_001))
    teller.running(at(5, 3), currency="KWD", fixed_price=Decimal("4321.125"))
    teller.clock.move_to(at(5, 20))
    receipt = teller.service.record_receipt(
        LOCAL, "PAY-26-000001", RecordReceipt(Decimal("1000.01"), date(2026, 5, 19), "=SEPA 1")
    )
    teller.service.record_receipt(LOCAL, "PAY-26-000001", RecordReceipt(Decimal("99.99"), date(2026, 5, 20), "SEPA 2"))
    teller.service.reverse_receipt(LOCAL, receipt.subject_id, ReverseReceipt("Another payment was meant."))
    teller.clock.move_to(at(6, 1))
    return teller


def test_the_csv_says_what_it_is_and_holds_every_row_to_the_cent(told: Teller) -> None:
    with told.service.store.read() as connection:
        table = lines(schedule_paper(connection, LOCAL, PaymentFilter(currency="USD"), at(6, 1), 3))
    assert table[0] == ["Payment schedule as of", "2026-06-01T10:00:00Z"]
    assert ["Currency", "USD"] in table[:8]
    head = table.index(HEAD)
    assert table[head - 1] == []
    first, second = (dict(zip(HEAD, row, strict=True)) for row in table[head + 1 :])
    assert first["Title"] == "'" + HOSTILE
    assert (first["Amount"], first["Paid"], first["Open"]) == ("3100.00", "99.99", "3000.01")
    assert (first["Due on"], first["Days overdue"], first["Expected on"]) == ("2026-05-11", "21", "")
    assert (second["Amount"], second["Open"], second["Expected on"]) == ("12400.00", "0.00", "2026-05-21")
    assert first["Trigger"] == "confirmation"


def test_the_workbook_has_numbers_dates_and_formats_and_the_title_stays_text(told: Teller) -> None:
    with told.service.store.read() as connection:
        book = opened(schedule_paper(connection, LOCAL, PaymentFilter(), at(6, 1), 3))
    assert book.sheetnames == ["Cover", "Schedule"]
    rows = [dict(zip(HEAD, row, strict=True)) for row in book["Schedule"].iter_rows(min_row=2)]
    assert len(rows) == 6
    dollars, yen, dinars = rows[0], rows[2], rows[4]
    assert (dollars["Title"].data_type, dollars["Title"].value) == ("s", HOSTILE)
    assert (dollars["Amount"].value, dollars["Amount"].number_format.split(";")[0]) == (3100, "[$USD] #,##0.00")
    assert (yen["Amount"].value, yen["Amount"].number_format.split(";")[0]) == (500_001, "[$JPY] #,##0")
    assert (dinars["Amount"].value, dinars["Amount"].number_format.split(";")[0]) == (2160.563, "[$KWD] #,##0.000")
    assert dollars["Due on"].value == time_in_cell(2026, 5, 11)
    assert dollars["Due on"].is_date
    assert dollars["Expected on"].value is None
    found = cover(book)
    assert found["Rows"] == [6]
    assert found["USD"][:4] == [2, 15500, 99.99, 3000.01]
    assert "Overdue" in found


def test_the_reporting_currency_brings_columns_a_total_the_rates_and_what_was_left_out(told: Teller) -> None:
    reporting = RATES.into("EUR")
    with told.service.store.read() as connection:
        paper = schedule_paper(connection, LOCAL, PaymentFilter(), at(6, 1), 3, reporting)
        book = opened(paper)
    head = [cell.value for cell in book["Schedule"][1]]
    assert head[len(HEAD) :] == ["Amount in EUR", "Open in EUR"]
    rows = [dict(zip(head, row, strict=True)) for row in book["Schedule"].iter_rows(min_row=2, values_only=True)]
    assert [row["Amount in EUR"] for row in rows] == [2480, 9920, 3125.01, 3125, None, None]
    assert rows[0]["Open in EUR"] == 2400.01
    found = cover(book)
    assert found["All in EUR"][:3] == [4, 18650.01, 79.99]
    rates = list(book["Rates"].iter_rows(min_row=2, values_only=True))
    assert (time_in_cell(2026, 1, 2), "JPY", 160, 0.00625, "A test") in rates
    notes = [row[1] for row in book["Cover"].iter_rows(values_only=True) if row[0] == "Note"]
    assert "2026-01-02 (A test)" in notes[0]
    assert notes[1] == "No rate for KWD: left out of every sum in EUR."


def test_without_a_reporting_currency_nothing_is_added_across(told: Teller) -> None:
    with told.service.store.read() as connection:
        book = opened(schedule_paper(connection, LOCAL, PaymentFilter(), at(6, 1), 3))
    assert "Rates" not in book.sheetnames
    assert not any(str(name).startswith("All in") for name in cover(book))


def test_the_receipts_show_what_came_in_and_what_was_taken_back(told: Teller) -> None:
    with told.service.store.read() as connection:
        paper = receipts_paper(connection, LOCAL, ReceiptFilter(currency="USD"), at(6, 1))
        book = opened(paper)
    head = [cell.value for cell in book["Receipts"][1]]
    rows = [dict(zip(head, row, strict=True)) for row in book["Receipts"].iter_rows(min_row=2, values_only=True)]
    assert [row["Amount"] for row in rows] == [1000.01, 99.99, -1000.01]
    assert rows[0]["Reference"] == "=SEPA 1"
    assert rows[0]["Received on"] == time_in_cell(2026, 5, 19)
    assert (rows[2]["Takes back"], rows[2]["Reason"]) == (rows[0]["Receipt"], "Another payment was meant.")
    assert cover(book)["USD"] == [3, 99.99]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (ReceiptFilter(), 3),
        (ReceiptFilter(organization_id="ORG-26-000002"), 0),
        (ReceiptFilter(currency="JPY"), 0),
        (ReceiptFilter(first=date(2026, 5, 20)), 2),
        (ReceiptFilter(last=date(2026, 5, 19)), 1),
        (ReceiptFilter(scope_id="OSCOPE-26-000002"), 0),
    ],
)
def test_filters_narrow_receipts_and_their_totals_alike(told: Teller, wanted: ReceiptFilter, count: int) -> None:
    with told.service.store.read() as connection:
        assert len([*ledger.every(connection, LOCAL, wanted)]) == count
        assert sum(t.count for t in ledger.totals(connection, LOCAL, wanted)) == count
        assert ledger.count(connection, LOCAL, wanted) == count


def test_the_ageing_adds_up(told: Teller) -> None:
    with told.service.store.read() as connection:
        table = lines(ageing_paper(connection, LOCAL, PaymentFilter(), at(6, 1), RATES.into("USD")))
    head = next(row for row in table if row[:2] == ["Organisation", "Currency"])
    rows = [dict(zip(head, row, strict=True)) for row in table[table.index(head) + 1 :]]
    found = {row["Currency"]: row for row in rows}
    assert found["USD"]["1–30 days"] == found["USD"]["Total"] == "3000.01"
    assert found["USD"]["Total in USD"] == "3000.01"
    assert found["JPY"]["Total in USD"] == "3906.26"
    assert found["KWD"]["Total in USD"] == ""
    assert ["Note", "No rate for KWD: left out of every sum in USD."] in table


def test_a_statement_shows_the_identity_its_payments_and_its_receipts(told: Teller) -> None:
    with told.service.store.read() as connection:
        book = opened(statement_paper(connection, LOCAL, "OSCOPE-26-000001", at(6, 1), 3))
    assert book.sheetnames == ["Cover", "Payments", "Receipts"]
    found = cover(book)
    assert found["Engagement"] == [HOSTILE]
    assert found["Received"] == ["99.99 USD"]
    count, price, received, open, scheduled, void = found["USD"]
    assert (count, price) == (2, 15500)
    assert Decimal(str(price)) == sum(Decimal(str(part)) for part in (received, open, scheduled, void))
    assert book["Receipts"].max_row == 4


def test_another_organisation_takes_nothing_of_it_away(told: Teller) -> None:
    with told.service.store.read() as connection:
        assert [row.currency for row in payments.every(connection, STRANGER, PaymentFilter(), at(6, 1), 3)] == [
            "JPY",
            "JPY",
        ]
        assert [*ledger.every(connection, STRANGER, ReceiptFilter())] == []
        with pytest.raises(NotFound):
            statement_paper(connection, STRANGER, "OSCOPE-26-000001", at(6, 1), 3)


def test_every_payment_of_a_random_history_is_exported_once(service: Service, teller: Teller) -> None:
    history = RandomHistory(service, teller.clock, seed=11)
    history.run(engagements=10, steps=150)
    now = teller.clock()
    filters = [
        PaymentFilter(),
        PaymentFilter(statuses=(PaymentStatus.DUE,)),
        PaymentFilter(first=now.date()),
        PaymentFilter(overdue=False),
    ]
    with service.store.read() as connection:
        for wanted in filters:
            ids = [row.id for row in payments.every(connection, LOCAL, wanted, now, 3)]
            listed = payments.schedule_page(connection, LOCAL, wanted, now, 3, limit=10_000).rows
            assert sorted(ids) == sorted(row.id for row in listed)
            assert len(ids) == payments.count(connection, LOCAL, wanted, now, 3)


def test_stretches_neither_repeat_nor_skip(told: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    with told.service.store.read() as connection:
        whole = [*payments.every(connection, LOCAL, PaymentFilter(), at(6, 1), 3)]
        booked = [*ledger.every(connection, LOCAL, ReceiptFilter())]
        for size in (1, 2, 4):
            monkeypatch.setattr(payments, "_STRETCH", size)
            monkeypatch.setattr(ledger, "_STRETCH", size)
            assert [*payments.every(connection, LOCAL, PaymentFilter(), at(6, 1), 3)] == whole
            assert [*ledger.every(connection, LOCAL, ReceiptFilter())] == booked


def test_a_long_export_keeps_no_writer_waiting_and_is_of_one_moment(
    told: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While rows are being read, a receipt is booked by somebody else; the export does not see it."""
    monkeypatch.setattr(payments, "_STRETCH", 1)
    with told.service.store.read() as connection:
        rows = payments.every(connection, LOCAL, PaymentFilter(), at(6, 1), 3)
        first = next(rows)
        command = RecordReceipt(Decimal("3000.01"), date(2026, 6, 1), "SEPA 3")
        writer = threading.Thread(target=told.service.record_receipt, args=(LOCAL, first.id, command))
        writer.start()
        writer.join(30)
        assert not writer.is_alive()
        rest = [*rows]
        again = next(payments.every(connection, LOCAL, PaymentFilter(), at(6, 1), 3))
    assert len(rest) == 5
    assert again.paid == first.paid, "one read block is one moment"
    with told.service.store.read() as connection:
        assert next(payments.every(connection, LOCAL, PaymentFilter(), at(6, 1), 3)).status == PaymentStatus.PAID
