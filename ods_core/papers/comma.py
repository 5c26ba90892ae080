"""A paper as CSV: the first sheet, and above it what it is, what it is of and what must be known."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

from ods_core.papers.paper import EVERY, Amount, Cell, Form, Paper, Progress, unwatched

# What a spreadsheet would take for the beginning of a formula, the full-width signs of East Asian keyboards included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(text: str) -> str:
    """A person's text as a cell that no spreadsheet runs: what could be a formula gets a leading apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_csv(paper: Paper, out: BinaryIO, progress: Progress = unwatched) -> int:
    """Write a paper in UTF-8 with a byte order mark, which is what spreadsheets ask for; the number of rows.

    Amounts are plain digits with the decimals of their currency, dates `2026-04-15`, moments `2026-04-15T10:00:00Z`.

    Raises:
        Stopped: when `progress` says so.
    """
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", errors="replace")
    try:
        return _write(paper, csv.writer(text), progress)
    finally:
        # The file is the caller's: it stays open.
        text.detach()


def _write(paper: Paper, writer: Any, progress: Progress) -> int:
    sheet = paper.sheets[0]
    writer.writerow([f"{paper.title} as of", _moment(paper.moment)])
    writer.writerows([safe(label), safe(value)] for label, value in paper.filters.items())
    writer.writerows(["Note", safe(note)] for note in paper.notes)
    if paper.rates:
        forms = [column.form for column in paper.rates.columns]
        writer.writerow([column.label for column in paper.rates.columns])
        writer.writerows([_told(form, cell) for form, cell in zip(forms, row, strict=True)] for row in paper.rates.rows)
    writer.writerow([])
    writer.writerow([column.label for column in sheet.columns])
    tellers = [_TOLD[column.form] for column in sheet.columns]
    count = 0
    for count, row in enumerate(sheet.rows, 1):
        writer.writerow(["" if c is None else tell(c) for tell, c in zip(tellers, row, strict=True)])
        if count % EVERY == 0:
            progress(count)
    progress(count)
    return count


def _told(form: Form, cell: Cell) -> str:
    return "" if cell is None else _TOLD[form](cell)


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _amount(cell: Amount) -> str:
    return f"{cell.value:f}"


def _rate(cell: Decimal) -> str:
    return f"{cell:f}"


_TOLD: Mapping[Form, Callable[[Any], str]] = {
    Form.TEXT: safe,
    Form.AMOUNT: _amount,
    Form.COUNT: str,
    Form.RATE: _rate,
    Form.DATE: lambda cell: cell.isoformat(),
    Form.MOMENT: _moment,
}
