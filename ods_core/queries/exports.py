"""What finance takes away: the schedule as CSV, with the filters it was made with and its moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from ods_core.queries.payments import PaymentRow

HEAD = (
    "Payment",
    "Scope",
    "Title",
    "Organisation",
    "Position",
    "Description",
    "Trigger",
    "Status",
    "Currency",
    "Amount",
    "Paid",
    "Open",
    "Due on",
    "Expected on",
    "Days overdue",
    "Net days",
)
# What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """A person's text as a cell that no spreadsheet runs: what could be a formula gets a leading apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def schedule_csv(rows: Iterable[PaymentRow], filters: Mapping[str, str], moment: datetime) -> bytes:
    """The schedule as CSV in UTF-8 with a byte order mark, which is what spreadsheets ask for.

    Args:
        filters: what the rows were narrowed by, label to value; printed above them.
        moment: as of when.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["Payment schedule as of", f"{moment:%Y-%m-%dT%H:%M:%SZ}"])
    writer.writerows([safe(label), safe(value)] for label, value in filters.items())
    writer.writerow([])
    writer.writerow(HEAD)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cells(row: PaymentRow) -> list[str]:
    number = f" {row.trigger.number}" if row.trigger.number else ""
    return [
        row.id,
        row.scope_id,
        safe(row.scope_title),
        row.organization_id,
        str(row.position),
        safe(row.description),
        f"{row.trigger.kind}{number}",
        row.status.value,
        row.currency,
        f"{row.amount:f}",
        f"{row.paid:f}",
        f"{row.open:f}",
        _day(row.due_at.date() if row.due_at else None),
        _day(row.expected_on),
        str(row.overdue_days),
        str(row.net_days),
    ]


def _day(value: date | None) -> str:
    return value.isoformat() if value else ""
