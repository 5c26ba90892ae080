"""How much there is of each kind."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ods_core.basics.roles import Caller
from ods_core.queries.lists import TABLES
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t


def counts(connection: Connection, caller: Caller) -> dict[str, int]:
    """The number of things of each kind that the caller sees, and of events."""
    every = {kind.value: table for kind, table in TABLES.items()} | {"event": t.events}
    return {
        name: int(connection.execute(narrowed(select(func.count()).select_from(table), table, caller)).scalar_one())
        for name, table in every.items()
    }
