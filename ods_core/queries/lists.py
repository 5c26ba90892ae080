"""Single things and paged lists of them, as engagements with the id of what was asked for.

Pages run newest first and are continued by the number of their last row, so that rows added meanwhile neither repeat
nor hide any, and a deep page costs what the first one does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from ods_core.basics.errors import Invalid, NotFound
from ods_core.basics.ids import PREFIX_OF, number_of
from ods_core.basics.records import Engagement
from ods_core.basics.roles import Caller
from ods_core.basics.states import Kind, PaymentStatus
from ods_core.queries.visibility import narrowed
from ods_core.store import find_request
from ods_core.store import tables as t
from ods_core.store.rows import load

TABLES: Mapping[Kind, Table] = {
    Kind.REQUEST: t.requests,
    Kind.SCOPE: t.scopes,
    Kind.CYCLE: t.cycles,
    Kind.DELIVERABLE: t.deliverables,
    Kind.SERVICE_LINE: t.service_lines,
    Kind.PAYMENT: t.payments,
    Kind.RECEIPT: t.receipts,
    Kind.INVOICE: t.invoices,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list: each with its engagement, and where to go on (None at the end)."""

    items: Sequence[tuple[Engagement, str]]
    cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there are further rows."""
        return self.cursor is not None


def engagement_of(connection: Connection, caller: Caller, kind: Kind, id: str) -> Engagement:
    """The engagement that something belongs to.

    Raises:
        NotFound: there is no such thing, or it is another organisation's.
    """
    request_id = find_request(connection, PREFIX_OF[kind], id)
    engagement = load(connection, [request_id])[request_id]
    if not caller.sees(engagement.request.organization_id, engagement.request.workspace_id):
        raise NotFound(kind, id)
    return engagement


def page(
    connection: Connection,
    caller: Caller,
    kind: Kind,
    where: Sequence[ColumnElement[bool]] = (),
    *,
    limit: int = 25,
    cursor: str | None = None,
) -> Page:
    """One page of a list, newest first.

    Args:
        where: further conditions on the kind's table, as `conditions` makes them.
        limit: rows, 1 to 100.
        cursor: where the page before ended.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    table = TABLES[kind]
    statement = narrowed(select(table.c.id, table.c.request_id if kind != Kind.REQUEST else table.c.id), table, caller)
    statement = statement.where(*where).order_by(table.c.number.desc()).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(table.c.number < read_cursor(cursor))
    found = [(row[0], row[1]) for row in connection.execute(statement)]
    shown = found[:limit]
    engagements = load(connection, sorted({request_id for _, request_id in shown}))
    more = len(found) > limit
    return Page(
        [(engagements[request_id], id) for id, request_id in shown],
        write_cursor(number_of(shown[-1][0])) if more else None,
    )


def conditions(kind: Kind, filters: Mapping[str, Any], now: datetime | None = None) -> list[ColumnElement[bool]]:
    """Filters by name (`status`, `scope_id`, `overdue`, …; None: not filtered) as conditions on the kind's table."""
    table = TABLES[kind]
    made = [table.c[name] == value for name, value in filters.items() if value is not None and name != "overdue"]
    if filters.get("overdue") is not None and now is not None:
        late = (table.c.status == PaymentStatus.DUE) & (table.c.due_at < now)
        made.append(late if filters["overdue"] else ~late)
    return made


def write_cursor(number: int) -> str:
    """A place in a list, as callers see it."""
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The place that a cursor marks.

    Raises:
        Invalid: a cursor that was not handed out here.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if text[:1] == "n" and text[1:].isascii() and text[1:].isdigit() and len(text) < 20:
            return int(text[1:])
    except (ValueError, binascii.Error):
        pass
    raise Invalid.at("/cursor", "expected the `cursor` of an earlier answer, unchanged")
