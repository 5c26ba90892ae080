"""Reading papers back, as whoever was given one does."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook, load_workbook

from ods_core.papers import Column, Form, Paper, Row, Sheet, write_csv, write_xlsx

MOMENT = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


def paper(columns: Sequence[Column], rows: Iterable[Row], **more: Any) -> Paper:
    """A paper with one sheet."""
    return Paper("A list", MOMENT, {"Organisation": "all"}, [Sheet("List", columns, rows)], **more)


def of_texts(*texts: str, **more: Any) -> Paper:
    """A paper of one column of texts."""
    return paper([Column("Title", Form.TEXT)], [(text,) for text in texts], **more)


def opened(made: Paper) -> Workbook:
    """The workbook of a paper."""
    out = io.BytesIO()
    write_xlsx(made, out)
    out.seek(0)
    return load_workbook(out)


def cells(made: Paper, column: int = 1) -> list[Any]:
    """The cells of a column of the first sheet, without its head."""
    sheet = opened(made).worksheets[1]
    return [sheet.cell(row, column) for row in range(2, sheet.max_row + 1)]


def cover(book: Workbook) -> dict[str, list[Any]]:
    """The lines of the cover, by what stands first."""
    lines = book["Cover"].iter_rows(values_only=True)
    return {str(line[0]): [cell for cell in line[1:] if cell is not None] for line in lines if line[0] is not None}


def lines(made: Paper) -> list[list[str]]:
    """The lines of the CSV of a paper."""
    out = io.BytesIO()
    write_csv(made, out)
    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    return [*csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""))]


def time_in_cell(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A time as a cell holds it, which has no zone."""
    return datetime(year, month, day, hour, tzinfo=UTC).replace(tzinfo=None)
