"""A store with many finished engagements, made quickly: one is told through the real commands, the rest are copies.

Copies differ in their identifiers alone; rows, columns and sizes are those of the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.lifecycle import Accept, Confirm, Submit
from ods_core.service import Service
from ods_core.store import Store
from tests.seed import seed_proposal, seed_request

TABLES = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "events")
ID_COLUMNS = frozenset(
    f"{name}id"
    for name in ("", "request_", "scope_", "cycle_", "deliverable_", "remediation_cycle_", "parent_cycle_", "subject_")
)
STRIDE = 1_000


def ready_engagements(service: Service, count: int) -> list[list[str]]:
    """Engagements whose deliverables all wait for a decision; the deliverables' ids of each."""
    made = []
    with service.store.write():
        for _ in range(count):
            request = service.submit_request(LOCAL, seed_request()).subject_id
            scope = service.propose(LOCAL, request, seed_proposal())
            service.confirm(LOCAL, scope.subject_id, Confirm())
            ids = [d.id for d in scope.engagement.deliverables]
            for id in ids:
                service.submit(LOCAL, id, Submit("Done."))
            made.append(ids)
    return made


def finished_store(path: Path, count: int, tables: Sequence[str] = TABLES) -> None:
    """A database file with `count` finished engagements of three deliverables each.

    Args:
        tables: those that are filled; what a benchmark never reads can stay as small as it is.
    """
    url = f"duckdb:///{path}"
    store = Store(url)
    service = Service(store, MovingClock(datetime(2026, 4, 15, 10, 0, tzinfo=UTC)))
    for id in ready_engagements(service, 1)[0]:
        service.accept(LOCAL, id, Accept())
    store.close()
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            _copy(connection, table, count - 1)
        connection.execute("CHECKPOINT")


def _copy(connection: duckdb.DuckDBPyConnection, table: str, copies: int) -> None:
    columns = [str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    chosen = ", ".join(_copied(column) for column in columns)
    source = f"(SELECT * FROM {table}) AS t, range(1, {copies + 1}) AS r(n)"
    connection.execute(f"INSERT INTO {table} SELECT {chosen} FROM {source} ORDER BY n")


def _copied(column: str) -> str:
    """A column of the copy: identifiers and numbers are moved on by a stride a copy, the rest stays."""
    if column in ID_COLUMNS:
        return moved(column)
    if column in ("number", "sequence"):
        return f"{column} + n * {STRIDE}"
    if column == "deliverable_ids":
        return copied_ids(column)
    return column


def copied_ids(column: str, stride: int = STRIDE) -> str:
    """A JSON list of identifiers in SQL, all of them moved on."""
    ids = f"from_json({column}, '[\"VARCHAR\"]')"
    return f"to_json(list_transform({ids}, lambda x: {moved('x', stride)}))::VARCHAR"


def moved(id: str, stride: int = STRIDE) -> str:
    """An identifier in SQL, its number moved on by `n` strides."""
    number = f"split_part({id}, '-', 3)::BIGINT + n * {stride}"
    return f"regexp_extract({id}, '^(.*-)', 1) || format('{{:06d}}', {number})"
