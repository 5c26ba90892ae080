"""A workbook opened with another program's reader: numbers are numbers, dates are dates, and texts stay texts."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ods_core.basics.money import currencies, exponent
from ods_core.papers import Amount, Column, Form, Row, Sheet, Stopped, workbook, write_xlsx
from ods_core.papers.workbook import LONGEST, amount_format, fits_a_number
from tests.papers.reading import MOMENT, cells, cover, of_texts, opened, paper, time_in_cell

HOSTILE = (
    '=HYPERLINK("http://x.example","pay here")',
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "{=SUM(A1)}",
    "https://x.example",
    "mailto:a@x.example",
    "007",
    "1e5",
    "<r><t>bold</t></r>",
    "<r>&</r>",
    "_x0041_",
    "\x01 control",
    "Zürich 東京 🎉 שלום",
    "  spaces  ",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_text_whatever_it_looks_like(text: str) -> None:
    (cell,) = cells(of_texts(text))
    assert cell.data_type == "s"
    assert cell.hyperlink is None
    # The reader leaves the format's own escapes as they are; what is within `<r>` gets a space after it.
    told = cell.value.replace("_x0001_", "\x01").replace("_x005F_", "_")
    assert told.rstrip(" ") == text.rstrip(" ")


@settings(deadline=None, max_examples=60)
@given(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_makes_a_file_that_opens_and_no_formula(text: str) -> None:
    (cell,) = cells(of_texts(text))
    assert cell.data_type == "s"


@pytest.mark.parametrize("unit", ["x", "🎉"])
def test_a_text_that_no_cell_takes_is_cut_and_says_so(unit: str) -> None:
    (cell,) = cells(of_texts(unit * 40_000))
    assert cell.value.endswith(unit + "…")
    assert len(cell.value.encode("utf-16-le")) // 2 <= LONGEST


def test_half_a_character_does_not_break_the_file() -> None:
    (cell,) = cells(of_texts("half \ud800 of one"))
    assert cell.value == "half ? of one"


AMOUNTS = [
    ("7750.00", "USD", "[$USD] #,##0.00;-[$USD] #,##0.00"),
    ("33", "JPY", "[$JPY] #,##0;-[$JPY] #,##0"),
    ("1.250", "KWD", "[$KWD] #,##0.000;-[$KWD] #,##0.000"),
    ("0.0001", "CLF", "[$CLF] #,##0.0000;-[$CLF] #,##0.0000"),
    ("-100.10", "EUR", "[$EUR] #,##0.00;-[$EUR] #,##0.00"),
    ("9999999999999.99", "USD", "[$USD] #,##0.00;-[$USD] #,##0.00"),
    ("999999999999.999", "KWD", "[$KWD] #,##0.000;-[$KWD] #,##0.000"),
    ("100000000000000000.00", "USD", "[$USD] #,##0.00;-[$USD] #,##0.00"),
    ("0.00", "USD", "[$USD] #,##0.00;-[$USD] #,##0.00"),
]


@pytest.mark.parametrize(("amount", "currency", "format"), AMOUNTS)
def test_an_amount_is_a_number_in_the_format_of_its_currency(amount: str, currency: str, format: str) -> None:
    (cell,) = cells(paper([Column("Amount", Form.AMOUNT)], [(Amount(Decimal(amount), currency),)]))
    assert (cell.data_type, cell.number_format) == ("n", format)
    assert Decimal(str(cell.value)) == Decimal(amount)


@pytest.mark.parametrize("currency", currencies())
def test_every_currency_has_a_format_with_its_own_decimals(currency: str) -> None:
    positive = amount_format(currency).split(";")[0]
    assert positive.startswith(f"[${currency}] #,##0")
    assert len(positive.partition(".")[2]) == exponent(currency)


minor_units = some.integers(-(10**20), 10**20)


@settings(deadline=None, max_examples=60)
@given(minor_units, some.sampled_from(["JPY", "USD", "KWD", "CLF"]))
def test_a_cell_holds_the_amount_to_the_minor_unit_or_says_it_as_text(minor: int, currency: str) -> None:
    amount = Decimal(minor).scaleb(-exponent(currency))
    (cell,) = cells(paper([Column("Amount", Form.AMOUNT)], [(Amount(amount, currency),)]))
    if fits_a_number(amount):
        assert cell.data_type == "n"
        assert Decimal(f"{float(cell.value):.15g}") == amount
    else:
        assert (cell.data_type, cell.value) == ("s", f"{amount:f}")


def test_the_cover_says_how_many_amounts_stand_as_text() -> None:
    rows = [(Amount(Decimal("1234567890123456.78"), "USD"),), (Amount(Decimal("1.00"), "USD"),)]
    book = opened(paper([Column("Amount", Form.AMOUNT)], rows))
    assert cover(book)["Note"][0].startswith("1 amounts have more than 15 significant digits")


def test_dates_and_moments_are_what_they_are() -> None:
    columns = [Column("Day", Form.DATE), Column("Moment", Form.MOMENT), Column("Count", Form.COUNT)]
    sheet = opened(paper(columns, [(date(2026, 4, 22), MOMENT, 12)])).worksheets[1]
    day, moment, count = sheet[2]
    assert (day.value, day.is_date, day.number_format) == (time_in_cell(2026, 4, 22), True, "yyyy-mm-dd")
    assert (moment.value, moment.number_format) == (time_in_cell(2026, 6, 1, 10), "yyyy-mm-dd hh:mm:ss")
    assert (count.value, count.data_type) == (12, "n")


def test_an_empty_cell_is_empty() -> None:
    sheet = opened(paper([Column("Day", Form.DATE), Column("Text")], [(None, "x")])).worksheets[1]
    assert sheet["A2"].value is None


def test_a_sheet_can_be_worked_with_at_once() -> None:
    sheet = opened(paper([Column("Title", width=44), Column("Day", Form.DATE)], [("a", None), ("b", None)])).worksheets[
        1
    ]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert 44 <= sheet.column_dimensions["A"].width < 46
    assert [cell.value for cell in sheet[1]] == ["Title", "Day"]


def test_the_cover_says_what_it_is() -> None:
    totals = Sheet(
        "Totals", [Column("Currency"), Column("Open", Form.AMOUNT)], [("USD", Amount(Decimal("2.50"), "USD"))]
    )
    made = of_texts("a", "b", "c", totals=totals, definitions={"Open": "Due and not paid."}, notes=["Mind the gap."])
    book = opened(made)
    assert book.sheetnames == ["Cover", "List"]
    told = cover(book)
    assert book["Cover"]["A1"].value == "A list"
    assert told["As of (UTC)"] == [time_in_cell(2026, 6, 1, 10)]
    assert told["Rows"] == [3]
    assert told["Organisation"] == ["all"]
    assert told["USD"] == [2.5]
    assert told["Open"] == ["Due and not paid."]
    assert told["Note"] == ["Mind the gap."]


def test_hostile_filters_are_text_on_the_cover_too() -> None:
    made = paper([Column("Title")], [])
    book = opened(type(made)("A list", MOMENT, {"Scope": "=1+1"}, made.sheets))
    assert book["Cover"]["B5"].value == "=1+1"
    assert book["Cover"]["B5"].data_type == "s"


def test_more_rows_than_a_sheet_takes_go_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    book = opened(of_texts(*"abcdefg"))
    assert book.sheetnames == ["Cover", "List", "List 2", "List 3"]
    found = [row[0] for name in book.sheetnames[1:] for row in book[name].iter_rows(min_row=2, values_only=True)]
    assert found == list("abcdefg")
    assert cover(book)["Rows"] == [7]


def counted(rows: int, taken: list[int]) -> Iterator[Row]:
    for number in range(rows):
        taken.append(number)
        yield (f"row {number}",)


def test_progress_is_told_and_whoever_watches_can_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[int] = []
    write_xlsx(paper([Column("Title")], counted(1_200, [])), io.BytesIO(), seen.append)
    assert seen == [500, 1_000, 1_200]
    taken: list[int] = []

    def stop(rows: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        write_xlsx(paper([Column("Title")], counted(5_000, taken)), io.BytesIO(), stop)
    assert len(taken) == 500, "no row is read after that"
    assert list(tmp_path.iterdir()) == [], "nothing is left on the disk"
