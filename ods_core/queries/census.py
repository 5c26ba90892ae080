"""How much there is of each kind, and what it stands on."""

from __future__ import annotations

import platform
from importlib import metadata

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url

from ods_core.basics.roles import Caller
from ods_core.queries.lists import TABLES
from ods_core.queries.visibility import narrowed
from ods_core.store import tables as t
from ods_core.store.migrate import version


def counts(connection: Connection, caller: Caller) -> dict[str, int]:
    """The number of things of each kind that the caller sees, and of events."""
    every = {kind.value: table for kind, table in TABLES.items()} | {"event": t.events}
    return {
        name: int(connection.execute(narrowed(select(func.count()).select_from(table), table, caller)).scalar_one())
        for name, table in every.items()
    }


def schema_version(connection: Connection) -> int:
    """The number of the last migration applied to the database."""
    return version(connection)


def versions() -> dict[str, str]:
    """The versions of what the program runs on, by name."""
    libraries = {"Streamlit": "streamlit", "DuckDB": "duckdb", "SQLAlchemy": "sqlalchemy"}
    return {"Python": platform.python_version()} | {name: metadata.version(key) for name, key in libraries.items()}


def shown_address(url: str) -> str:
    """A database's address, its password hidden."""
    return make_url(url).render_as_string(hide_password=True)


def kind_and_place(url: str) -> tuple[str, str]:
    """What kind of database an address names, and where it is."""
    parsed = make_url(url)
    return parsed.get_backend_name(), parsed.database or "memory"
