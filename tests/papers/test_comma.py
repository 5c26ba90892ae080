"""A CSV: exact, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ods_core.papers import Amount, Column, Form, Sheet, safe, write_csv
from tests.papers.reading import MOMENT, lines, of_texts, paper


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x"])
def test_what_a_spreadsheet_would_run_arrives_as_text(text: str) -> None:
    assert safe(text) == "'" + text


@pytest.mark.parametrize("text", ["50% on confirmation, =1", "", " x", "a-b"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe(text) == text


@settings(deadline=None)
@given(some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_texts_come_back_as_they_were(text: str) -> None:
    assert lines(of_texts(text, "last"))[-2:] == [[safe(text)] if safe(text) else [""], ["last"]]


def test_amounts_are_plain_and_exact_and_a_negative_one_is_no_formula() -> None:
    columns = [Column("A", Form.AMOUNT), Column("D", Form.DATE), Column("M", Form.MOMENT), Column("N", Form.COUNT)]
    huge = Amount(Decimal("123456789012345678.125"), "KWD")
    rows = [(huge, date(2026, 4, 22), MOMENT, 3), (Amount(Decimal("-1.00"), "USD"), None, None, None)]
    assert lines(paper(columns, rows))[-2:] == [
        ["123456789012345678.125", "2026-04-22", "2026-06-01T10:00:00Z", "3"],
        ["-1.00", "", "", ""],
    ]


def test_filters_notes_and_rates_stand_above_the_rows() -> None:
    rates = Sheet("Rates", [Column("Currency"), Column("Rate", Form.RATE)], [("USD", Decimal("1.1720"))])
    assert lines(of_texts("x", notes=["=note"], rates=rates)) == [
        ["A list as of", "2026-06-01T10:00:00Z"],
        ["Organisation", "all"],
        ["Note", "'=note"],
        ["Currency", "Rate"],
        ["USD", "1.1720"],
        [],
        ["Title"],
        ["x"],
    ]


def test_the_file_it_is_written_to_stays_open_and_counts_its_rows() -> None:
    out = io.BytesIO()
    seen: list[int] = []
    assert write_csv(of_texts(*["x"] * 501), out, seen.append) == 501
    assert seen == [500, 501]
    assert not out.closed
