"""The tables as they are moved: plain columns, each with one exact type, in one order.

A value goes out and comes in as the database keeps it, past the records of this program: an amount keeps its digits, a
time its microseconds, a JSON text each of its characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Numeric,
    Row,
    Select,
    SmallInteger,
    String,
    Table,
    and_,
    collate,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from ods_core.store import tables as t

DERIVED = frozenset({"fact_money", "fact_mark", "fact_work"})
"""Tables that are made anew from the others, by whoever reads them next; they stay behind."""

PAGE = 20_000
"""Rows that are held in memory at once."""


def moved_tables() -> list[Table]:
    """Every table that is moved, what is pointed at before what points at it."""
    plain = MetaData()
    return [_plain(table, plain) for table in t.metadata.sorted_tables if table.name not in DERIVED]


def _plain(table: Table, metadata: MetaData) -> Table:
    columns = (Column(c.name, _kept_as(c.type), primary_key=c.primary_key, nullable=c.nullable) for c in table.columns)
    return Table(table.name, metadata, *columns)


def _kept_as(type: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type of the column itself, without what this program makes of it."""
    return type.impl_instance if isinstance(type, TypeDecorator) else type


def schema_of(table: Table) -> pa.Schema:
    """The types of a table's columns in a file."""
    return pa.schema([pa.field(c.name, _in_a_file(c.type), nullable=bool(c.nullable)) for c in table.columns])


def _in_a_file(type: TypeEngine[Any]) -> pa.DataType:
    if isinstance(type, Numeric) and not isinstance(type, Double):
        return pa.decimal128(type.precision or 38, type.scale or 0)
    for known, made in _TYPES:
        if isinstance(type, known):
            return made
    raise TypeError(f"a column of type {type!r} has no exact form in a file yet")


# The special ones before those they are a kind of.
_TYPES: tuple[tuple[Any, pa.DataType], ...] = (
    (BigInteger, pa.int64()),
    (SmallInteger, pa.int16()),
    (Integer, pa.int32()),
    (Boolean, pa.bool_()),
    (Date, pa.date32()),
    (DateTime, pa.timestamp("us")),
    (Double, pa.float64()),
    (String, pa.string()),
)


def order_of(table: Table) -> tuple[Column[Any], ...]:
    """The columns that put a table's rows in one order, whichever database they are in.

    Raises:
        TypeError: the table has no primary key, so there is no such order.
    """
    by_number = [table.c[name] for name in ("number", "sequence") if name in table.c]
    key = [column for column in table.primary_key if column not in by_number]
    if not table.primary_key:
        raise TypeError(f"{table.name} has no primary key to be ordered by")
    return (*by_number, *key)


def pages(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """All rows of a table in their order, a page at a time.

    Where each page ends is asked first, of the keys alone, so that the database sorts whole rows by the page.
    """
    # Texts by their bytes, since databases differ in how they sort words.
    by = [collate(column, "C") if isinstance(column.type, String) else column for column in order_of(table)]
    ends = [*_ends(connection, table, by), None]
    for start, end in zip([None, *ends], ends, strict=False):
        rows = connection.execute(_page(table, by, start, end)).all()
        if rows:
            yield rows


Key = Sequence[Any]


def _ends(connection: Connection, table: Table, by: Sequence[ColumnElement[Any]]) -> list[Key]:
    """The key of the last row of each whole page."""
    place = func.row_number().over(order_by=by).label("place")
    placed = select(*order_of(table), place).subquery()
    keys = [column for column in placed.c if column.name != "place"]
    return [tuple(row) for row in connection.execute(select(*keys).where(placed.c.place % PAGE == 0).order_by("place"))]


def _page(table: Table, by: Sequence[ColumnElement[Any]], start: Key | None, end: Key | None) -> Select[Any]:
    statement = select(table).order_by(*by)
    # The bounds of the first column follow from those of the key; a database skips blocks by a single value.
    if start is not None:
        statement = statement.where(by[0] >= start[0], _behind(by, start))
    if end is not None:
        statement = statement.where(by[0] <= end[0], not_(_behind(by, end)))
    return statement


def _behind(by: Sequence[ColumnElement[Any]], key: Key) -> ColumnElement[bool]:
    """Whether a row comes after a key: column by column, since DuckDB does not compare rows from two sides."""
    equal = [column == value for column, value in zip(by, key, strict=True)]
    return or_(*(and_(*equal[:place], by[place] > key[place]) for place in range(len(key))))


def as_batch(rows: Sequence[Row[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as columns."""
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
