"""Many rows into one table at once."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, insert

_OFFERED = "ods_offered"


def insert_batch(connection: Connection, into: Table, batch: pa.RecordBatch) -> None:
    """Insert rows whose columns are those of the table, as the database keeps them.

    DuckDB reads the columns where they are, many times as fast as it takes rows; others are given rows.
    """
    if connection.dialect.name != "duckdb":
        connection.execute(insert(into), batch.to_pylist())
        return
    driver: Any = connection.connection.driver_connection
    driver.register(_OFFERED, pa.Table.from_batches([batch]))
    try:
        names = ", ".join(f'"{name}"' for name in batch.schema.names)
        connection.exec_driver_sql(f'INSERT INTO "{into.name}" ({names}) SELECT {names} FROM {_OFFERED}')
    finally:
        driver.unregister(_OFFERED)
