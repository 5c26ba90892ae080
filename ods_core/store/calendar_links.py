"""Calendar links as rows. Each function works within a connection that it is given."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from ods_core.basics.calendar_links import CalendarLink
from ods_core.store.tables import calendar_links


def add(connection: Connection, link: CalendarLink) -> None:
    """Keep a new link."""
    connection.execute(insert(calendar_links).values(asdict(link)))


def by_id(connection: Connection, id: str) -> CalendarLink | None:
    """The link with this id."""
    return _first(connection, calendar_links.c.id == id)


def by_digest(connection: Connection, digest: str) -> CalendarLink | None:
    """The link with this token's digest."""
    return _first(connection, calendar_links.c.digest == digest)


def newest(
    connection: Connection,
    organization_id: str | None,
    workspace_id: str | None,
    *,
    limit: int,
    before: int | None = None,
) -> list[CalendarLink]:
    """The links of an organisation and workspace, newest first; None: all of them. `before`: with lower numbers."""
    c = calendar_links.c
    given = {c.organization_id: organization_id, c.workspace_id: workspace_id}
    statement = select(calendar_links).where(*(column == v for column, v in given.items() if v is not None))
    if before is not None:
        statement = statement.where(c.number < before)
    rows = connection.execute(statement.order_by(c.number.desc()).limit(limit)).mappings()
    return [CalendarLink(**row) for row in rows]


def change(connection: Connection, id: str, **values: Any) -> None:
    """Note what became of a link."""
    connection.execute(update(calendar_links).where(calendar_links.c.id == id).values(values))


def _first(connection: Connection, condition: ColumnElement[bool]) -> CalendarLink | None:
    row = connection.execute(select(calendar_links).where(condition)).mappings().first()
    return None if row is None else CalendarLink(**row)
