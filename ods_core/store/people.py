"""Who acts for whom, as rows. Each function works within a connection that it is given."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection, delete, func, insert, select, update

from ods_core.basics.people import PeopleRow
from ods_core.basics.roles import Role
from ods_core.store import tables as t


def all_people(connection: Connection) -> list[PeopleRow]:
    """Every row, the oldest first."""
    rows = connection.execute(select(t.people).order_by(t.people.c.number)).mappings()
    return [PeopleRow(**(dict(row) | {"roles": frozenset(row["roles"])})) for row in rows]


def next_number(connection: Connection) -> int:
    """The number of the next row; to be asked in turn with all other writers of them."""
    return int(connection.execute(select(func.coalesce(func.max(t.people.c.number), 0))).scalar_one()) + 1


def add_row(connection: Connection, row: PeopleRow) -> None:
    """Keep a new row."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    connection.execute(insert(t.people).values(values | {"roles": tuple(sorted(row.roles))}))


def change_roles(connection: Connection, number: int, roles: frozenset[Role]) -> None:
    """Give a row other roles."""
    connection.execute(update(t.people).where(t.people.c.number == number).values(roles=tuple(sorted(roles))))


def remove_row(connection: Connection, number: int) -> None:
    """Take a row away."""
    connection.execute(delete(t.people).where(t.people.c.number == number))
