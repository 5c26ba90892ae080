"""A paper as an XLSX workbook: numbers, dates and texts as what they are, and a cover that says what it is.

Rows go to a temporary file as they come, so a long paper costs no more memory than a short one. A text is never read
as a formula, a link or a number, whatever it looks like. A spreadsheet's number has fifteen significant digits: an
amount with more of them stands as text, to the last digit, and the cover says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from ods_core.basics.money import exponent
from ods_core.papers.paper import EVERY, Amount, Cell, Column, Form, Paper, Progress, Row, Sheet, unwatched

EXACT_DIGITS = 15
MOST_ROWS = 1_048_575
"""Rows of a sheet below its head; more go on a further sheet."""
LONGEST = 32_767
"""Characters of a cell."""
COVER = "Cover"
TOO_LONG_FOR_A_NUMBER = (
    "{} amounts have more than 15 significant digits, which no spreadsheet keeps in a number; they stand as text."
)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}


def write_xlsx(paper: Paper, out: BinaryIO, progress: Progress = unwatched) -> int:
    """Write a paper as a workbook; the number of rows of its first sheet.

    Raises:
        Stopped: when `progress` says so.
    """
    with tempfile.TemporaryDirectory(prefix="ods-workbook-") as folder:
        book = xlsxwriter.Workbook(out, _OPTIONS | {"tmpdir": folder})
        book.use_zip64()
        try:
            count = _Writer(book, paper, progress).write()
        except BaseException:
            _abandon(book)
            raise
        book.close()
        return count


def _abandon(book: Any) -> None:
    """Let go of the temporary files of a workbook that is not finished, before their folder goes."""
    for sheet in book.worksheets():
        if sheet.row_data_fh and not sheet.row_data_fh.closed:
            sheet.row_data_fh.close()
    book.fileclosed = True


class _Writer:
    """Writes one paper into one workbook."""

    def __init__(self, book: Any, paper: Paper, progress: Progress) -> None:
        self.book, self.paper, self.progress = book, paper, progress
        self.as_text = 0
        self.amounts: dict[str, Any] = {}
        created = paper.moment.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": paper.title, "created": created})
        self.bold = book.add_format({"bold": True})
        self.large = book.add_format({"bold": True, "font_size": 16})
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self.count = book.add_format({"num_format": "#,##0"})
        self.digits = book.add_format({"align": "right"})
        self.cells: Mapping[Form, Callable[[Worksheet, int, int, Any], None]] = {
            Form.TEXT: self._text,
            Form.AMOUNT: self._amount,
            Form.COUNT: lambda ws, row, column, cell: ws.write_number(row, column, cell, self.count),
            Form.RATE: self._rate,
            Form.DATE: lambda ws, row, column, cell: ws.write_datetime(row, column, cell, self.day),
            Form.MOMENT: self._moment,
        }

    def write(self) -> int:
        """The cover stands first and is written last, when all rows are counted."""
        cover = self.book.add_worksheet(COVER)
        first, *others = self.paper.sheets
        count = self._sheet(first, self.progress)
        for sheet in (*others, self.paper.rates):
            if sheet:
                self._sheet(sheet, unwatched)
        self._cover(cover, count)
        return count

    def _sheet(self, sheet: Sheet, progress: Progress) -> int:
        """All rows of a sheet, on as many worksheets as they need."""
        rows, count, part = iter(sheet.rows), 0, 0
        while True:
            part += 1
            ws = self.book.add_worksheet(sheet.name if part == 1 else f"{sheet.name} {part}")
            self._head(ws, sheet.columns)
            written = self._rows(ws, sheet.columns, rows, count, progress)
            count += written
            ws.autofilter(0, 0, max(written, 1), len(sheet.columns) - 1)
            if written < MOST_ROWS:
                progress(count)
                return count

    def _head(self, ws: Worksheet, columns: Any) -> None:
        for place, column in enumerate(columns):
            ws.set_column(place, place, column.width)
        ws.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            ws.write_string(0, place, column.label, self.head)

    def _rows(self, ws: Worksheet, columns: Any, rows: Iterator[Row], before: int, progress: Progress) -> int:
        writers = [self.cells[column.form] for column in columns]
        number = 0
        for number in range(1, MOST_ROWS + 1):
            row = next(rows, None)
            if row is None:
                return number - 1
            for place, (write, cell) in enumerate(zip(writers, row, strict=True)):
                if cell is not None:
                    write(ws, number, place, cell)
            if number % EVERY == 0:
                progress(before + number)
        return number

    def _text(self, ws: Worksheet, row: int, column: int, cell: str, format: Any = None) -> None:
        ws.write_string(row, column, written(cell), format)

    def _amount(self, ws: Worksheet, row: int, column: int, cell: Amount) -> None:
        format = self.amounts.get(cell.currency) or self._amount_format(cell.currency)
        if fits_a_number(cell.value):
            ws.write_number(row, column, cell.value, format)
        else:
            self.as_text += 1
            ws.write_string(row, column, f"{cell.value:f}", self.digits)

    def _amount_format(self, currency: str) -> Any:
        made = self.book.add_format({"num_format": amount_format(currency)})
        self.amounts[currency] = made
        return made

    def _rate(self, ws: Worksheet, row: int, column: int, cell: Decimal) -> None:
        ws.write_number(row, column, cell)

    def _moment(self, ws: Worksheet, row: int, column: int, cell: datetime) -> None:
        ws.write_datetime(row, column, cell.astimezone(UTC).replace(tzinfo=None), self.time)

    def _cover(self, ws: Worksheet, count: int) -> None:
        paper, totals = self.paper, self.paper.totals
        ws.set_column(0, 0, 30)
        ws.set_column(1, 12, 24)
        line = _Line(ws)
        line.put((self._text, paper.title, self.large))
        line.put((self._text, "As of (UTC)", self.bold), (self._moment, paper.moment))
        line.put((self._text, "Rows", self.bold), (self.cells[Form.COUNT], count))
        line.skip()
        for label, value in paper.filters.items():
            line.put((self._text, label, self.bold), (self._text, value))
        if totals:
            line.skip()
            line.put(*[(self._text, column.label, self.head) for column in totals.columns])
            for row in totals.rows:
                line.put(*[self._placed(c, cell) for c, cell in zip(totals.columns, row, strict=True)])
        for label, text in paper.definitions.items():
            line.skip_once("definitions")
            line.put((self._text, label, self.bold), (self._text, text))
        too_long = [TOO_LONG_FOR_A_NUMBER.format(f"{self.as_text:,}")] if self.as_text else []
        for note in (*paper.notes, *too_long):
            line.skip_once("notes")
            line.put((self._text, "Note", self.bold), (self._text, note))

    def _placed(self, column: Column, cell: Cell) -> Any:
        return (self._text, "") if cell is None else (self.cells[column.form], cell)


class _Line:
    """Writes a sheet from the top, a line at a time, as constant memory asks for."""

    def __init__(self, ws: Worksheet) -> None:
        self.ws, self.row = ws, 0
        self.skipped: set[str] = set()

    def put(self, *cells: Any) -> None:
        """One line; each cell is its writer and what that takes."""
        for place, (write, *given) in enumerate(cells):
            write(self.ws, self.row, place, *given)
        self.row += 1

    def skip(self) -> None:
        """An empty line."""
        self.row += 1

    def skip_once(self, before: str) -> None:
        """An empty line before the first of several."""
        if before not in self.skipped:
            self.skipped.add(before)
            self.skip()


def fits_a_number(amount: Decimal) -> bool:
    """Whether a spreadsheet's number holds the amount: fifteen digits from the first to the last that is not 0."""
    if amount.adjusted() < EXACT_DIGITS + int(amount.as_tuple().exponent):
        return True
    return len(str(abs(int(amount.scaleb(-int(amount.as_tuple().exponent))))).rstrip("0")) <= EXACT_DIGITS


def amount_format(currency: str) -> str:
    """The number format of a currency: its code, and the decimals that ISO 4217 gives it."""
    digits = "#,##0" + ("." + "0" * exponent(currency) if exponent(currency) else "")
    return f"[${currency}] {digits};-[${currency}] {digits}"


def written(text: str) -> str:
    """A text as a cell takes it: at most 32,767 characters, nothing that is not a character.

    The library takes a text within `<r>…</r>` for markup of its own and writes it into the file as it is; a space
    after it makes it a text like others.
    """
    # Counted as the file counts: a character beyond the basic plane is two.
    if len(text) * 2 > LONGEST and len(text.encode("utf-16-le", "replace")) // 2 > LONGEST:
        text = text.encode("utf-16-le", "replace")[: (LONGEST - 1) * 2].decode("utf-16-le", "ignore") + "…"
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "
    return text.encode("utf-8", "replace").decode("utf-8")
