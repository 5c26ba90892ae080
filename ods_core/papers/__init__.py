"""What people take away: lists as CSV and as XLSX, invoices and statements as PDF.

Rows or records in, a file out; nothing here knows where they come from.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import BinaryIO

from ods_core.papers.board import BoardReport, Told, board_pdf
from ods_core.papers.certificate import deliverable_certificate_pdf, service_line_certificate_pdf
from ods_core.papers.comma import safe, write_csv
from ods_core.papers.invoice import invoice_pdf
from ods_core.papers.paper import Amount, Cell, Column, Form, Paper, Progress, Row, Sheet, Stopped, unwatched
from ods_core.papers.statement import statement_pdf
from ods_core.papers.workbook import write_xlsx


class Format(StrEnum):
    """A kind of file; the value is how its name ends."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return _MEDIA[self]

    @property
    def write(self) -> Callable[[Paper, BinaryIO, Progress], int]:
        """What writes a paper in this format."""
        return _WRITERS[self]


_MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WRITERS: dict[Format, Callable[[Paper, BinaryIO, Progress], int]] = {Format.CSV: write_csv, Format.XLSX: write_xlsx}

__all__ = [
    "Amount",
    "BoardReport",
    "Cell",
    "Column",
    "Form",
    "Format",
    "Paper",
    "Progress",
    "Row",
    "Sheet",
    "Stopped",
    "Told",
    "board_pdf",
    "deliverable_certificate_pdf",
    "invoice_pdf",
    "safe",
    "service_line_certificate_pdf",
    "statement_pdf",
    "unwatched",
    "write_csv",
    "write_xlsx",
]
