"""A database that a whole store is being brought into: it says so from before the first row until after the last.

The sign is a table of its own, committed first and taken away by the very transaction that brings the rows. Whoever
finds it has found a database that is empty and was meant not to be.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, Engine, MetaData, String, Table, inspect, select

from ods_core.basics.errors import StoreError

_sign = Table(
    "filling", MetaData(), Column("begun_at", DateTime, nullable=False), Column("origin", String, nullable=False)
)
NAME = _sign.name
"""No migration knows it: it is in no database that anybody works with."""


def begin(engine: Engine, origin: str, now: datetime) -> None:
    """Say that what is in `origin` is being brought into this database; also where that was begun before."""
    with engine.begin() as connection:
        _sign.drop(connection, checkfirst=True)
        _sign.create(connection)
        connection.execute(_sign.insert().values(begun_at=now.replace(tzinfo=None), origin=origin))


def end(connection: Connection) -> None:
    """All of it is in, once this transaction is committed."""
    _sign.drop(connection)


def refuse(engine: Engine) -> None:
    """Keep everybody from a database that is not whole.

    Raises:
        StoreError: it is being filled, or was left half filled; says since when, from where, and what to do.
    """
    with engine.connect() as connection:
        if not inspect(connection).has_table(NAME):
            return
        begun_at, origin = connection.execute(select(_sign)).one()
    raise StoreError(
        f"the database is half filled: {origin} was begun to be brought into it at {begun_at:%Y-%m-%d %H:%M} UTC, and "
        "nothing of it is kept until all is. Let that end; if it was stopped, give the same command again"
    )
