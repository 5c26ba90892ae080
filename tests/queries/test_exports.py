"""The CSV that finance takes away."""

from __future__ import annotations

import csv
import io

import pytest

from ods_core.basics.roles import LOCAL
from ods_core.queries.exports import HEAD, safe, schedule_csv
from ods_core.queries.payments import PaymentFilter, every
from tests.queries.history import Teller, at


def read(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return [*csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_arrives_as_text(text: str) -> None:
    assert safe(text) == "'" + text


def test_other_text_is_left_alone() -> None:
    assert safe("50% on confirmation, =1") == "50% on confirmation, =1"


def test_the_file_says_what_it_is_and_holds_every_row_to_the_cent(teller: Teller) -> None:
    hostile = '=HYPERLINK("http://x.example","pay here")'
    engagement = teller.running(at(5, 1), title=hostile, payment_terms="20% on confirmation net 10, 80% on completion")
    with teller.service.store.read() as connection:
        rows = [*every(connection, LOCAL, PaymentFilter(currency="USD"), at(6, 1))]
    table = read(schedule_csv(rows, {"Currency": "USD", "Organisation": "all"}, at(6, 1)))
    assert table[:4] == [
        ["Payment schedule as of", "2026-06-01T10:00:00Z"],
        ["Currency", "USD"],
        ["Organisation", "all"],
        [],
    ]
    assert table[4] == list(HEAD)
    first, second = (dict(zip(HEAD, row, strict=True)) for row in table[5:])
    assert first["Title"] == "'" + hostile
    assert (first["Amount"], first["Open"], first["Due on"], first["Days overdue"]) == (
        "3100.00",
        "3100.00",
        "2026-05-11",
        "21",
    )
    assert (second["Amount"], second["Open"], second["Expected on"]) == ("12400.00", "0.00", "2026-05-18")
    assert first["Scope"] == engagement.scopes[0].id
