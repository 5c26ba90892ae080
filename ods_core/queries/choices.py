"""What there is to choose from in a filter, and a list's free-text search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, or_, select

from ods_core.basics.roles import Caller
from ods_core.basics.states import Kind
from ods_core.queries.lists import TABLES
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t

MOST = 500


def organizations(connection: Connection, caller: Caller) -> list[str]:
    """The organisations that the caller sees something of, sorted; the first 500."""
    return _values(connection, caller, t.requests.c.organization_id)


def workspaces(connection: Connection, caller: Caller, organization_id: str | None = None) -> list[str]:
    """The workspaces that the caller sees something of, sorted; the first 500."""
    chosen = [t.requests.c.organization_id == organization_id] if organization_id else []
    return _values(connection, caller, t.requests.c.workspace_id, chosen)


def tags(connection: Connection, caller: Caller) -> list[str]:
    """The project tags in use, the most frequent first, of those as frequent the latest; the first 500."""
    column, number = t.requests.c.project_tags, t.requests.c.number
    statement = narrowed(select(column, func.count(), func.max(number)), t.requests, caller).group_by(column)
    counts: Counter[str] = Counter()
    latest: Counter[str] = Counter()
    for carried, count, last in connection.execute(statement):
        for tag in set(carried):
            counts[tag] += count
            latest[tag] = max(latest[tag], last)
    return sorted(counts, key=lambda tag: (-counts[tag], -latest[tag], tag))[:MOST]


def currencies(connection: Connection, caller: Caller) -> list[str]:
    """The currencies in which something was asked for, sorted."""
    return _values(connection, caller, t.requests.c.currency)


def _values(
    connection: Connection, caller: Caller, column: ColumnElement[str], where: Sequence[ColumnElement[bool]] = ()
) -> list[str]:
    statement = narrowed(select(column), t.requests, caller).where(*where).distinct().order_by(column).limit(MOST)
    return list(connection.execute(statement).scalars())


def matching(kind: Kind, text: str) -> list[ColumnElement[bool]]:
    """Conditions that hold where the title contains `text`, or the id is `text`; whatever the case of letters."""
    wanted = text.strip()
    if not wanted:
        return []
    table = TABLES[kind]
    return [or_(table.c.title.icontains(wanted, autoescape=True), table.c.id == wanted.upper())]
