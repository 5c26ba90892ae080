"""Many rows into one table at once."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

_OFFERED = "ods_offered"


def insert_batch(connection: Connection, into: Table, batch: pa.RecordBatch) -> None:
    """Insert rows whose columns are those of the table, as the database keeps them.

    DuckDB reads the columns where they are, PostgreSQL copies rows from a stream: many times as fast as inserting.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, into, batch)
        return
    driver: Any = connection.connection.driver_connection
    driver.register(_OFFERED, pa.Table.from_batches([batch]))
    try:
        names = ", ".join(f'"{name}"' for name in batch.schema.names)
        connection.exec_driver_sql(f'INSERT INTO "{into.name}" ({names}) SELECT {names} FROM {_OFFERED}')
    finally:
        driver.unregister(_OFFERED)


def learn(connection: Connection) -> None:
    """Have the database look at what came in, before much is asked of it within the same transaction.

    PostgreSQL does so by itself some time after the commit; until then it takes each table for a small one.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE")


def _copy(connection: Connection, into: Table, batch: pa.RecordBatch) -> None:
    driver: Any = connection.connection.driver_connection
    names = sql.SQL(", ").join(map(sql.Identifier, batch.schema.names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(into.name), names)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row(row)
    except psycopg.Error as error:
        # As SQLAlchemy says it of every other statement.
        raise DBAPIError.instance(into.name, None, error, psycopg.Error, dialect=connection.dialect) from error
