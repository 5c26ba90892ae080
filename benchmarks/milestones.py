"""A store with many payment milestones in every state, made once and kept: a random history is told, and multiplied.

Sixty engagements of three organisations and currencies are told through the real commands: paid, due, overdue,
scheduled and terminated ones, with receipts, remediations and all. The copies differ in their identifiers, lie up to a
year later, and belong to up to three hundred organisations. Proposals that came to nothing and the event log are left
out: nothing that is measured here reads them.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.population import ID_COLUMNS, STRIDE
from ods_core.basics.clock import MovingClock
from ods_core.service import Service
from ods_core.store import Store
from tests.queries.history import RandomHistory

ENGAGEMENTS, STEPS = 60, 1_500
NOW = datetime(2028, 6, 1, 9, tzinfo=UTC)
"""The moment that is asked about: in the middle of what the copies are planned for."""

ORGANIZATIONS = 100
"""So many sets of the three organisations of the history."""

TABLES = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts")
_CONFIRMED = "(SELECT {} FROM scopes WHERE confirmed_at IS NOT NULL)"


def milestones_store(count: int, folder: Path | None = None) -> Path:
    """A database file with about `count` payment milestones; made at first need, and kept for the next run."""
    folder = folder or Path(tempfile.gettempdir())
    path = folder / f"ods-milestones-{count}.duckdb"
    if not path.exists():
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        _tell(making)
        _multiply(making, count)
        making.rename(path)
    return path


def _tell(path: Path) -> None:
    clock = MovingClock(datetime(2026, 1, 5, 10, tzinfo=UTC))
    store = Store(f"duckdb:///{path}", clock)
    RandomHistory(Service(store, clock), clock, seed=11).run(ENGAGEMENTS, STEPS)
    store.close()


def _multiply(path: Path, count: int) -> None:
    with duckdb.connect(str(path)) as connection:
        (told,) = connection.execute("SELECT count(*) FROM payments").fetchone() or (0,)
        for table in TABLES:
            _copy(connection, table, -(-count // told) - 1)
        connection.execute("CHECKPOINT")


def _copy(connection: duckdb.DuckDBPyConnection, table: str, copies: int) -> None:
    columns = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    chosen = ", ".join(_copied(name, kind) for name, kind in columns)
    wanted = {"requests": f"id IN {_CONFIRMED.format('request_id')}", "scopes": "confirmed_at IS NOT NULL"}
    where = wanted.get(table, f"scope_id IN {_CONFIRMED.format('id')}")
    source = f"(SELECT * FROM {table} WHERE {where}) AS t, range(1, {copies + 1}) AS r(n)"
    connection.execute(f"INSERT INTO {table} SELECT {chosen} FROM {source} ORDER BY n")


def _copied(column: str, kind: str) -> str:
    if column in ID_COLUMNS | {"payment_id", "reverses"}:
        return _numbered(column, f"n * {STRIDE}")
    if column == "organization_id":
        return _numbered(column, f"n % {ORGANIZATIONS} * 3")
    if column == "number":
        return f"{column} + n * {STRIDE}"
    if kind in ("DATE", "TIMESTAMP"):
        return f"({column} + CAST(n % 365 AS INTEGER) * INTERVAL '1 day')::{kind}"
    if column == "deliverable_ids":
        moved = _numbered("x", f"n * {STRIDE}")
        return f"to_json(list_transform(from_json({column}, '[\"VARCHAR\"]'), lambda x: {moved}))::VARCHAR"
    return column


def _numbered(id: str, more: str) -> str:
    """An identifier with a higher number; NULL stays NULL."""
    number = f"split_part({id}, '-', 3)::BIGINT + {more}"
    return f"regexp_extract({id}, '^(.*-)', 1) || format('{{:06d}}', {number})"
