"""A store with many payment milestones in every state, made once and kept: a random history is told, and multiplied.

Sixty engagements of three organisations and currencies are told through the real commands: paid, due, overdue,
scheduled and terminated ones, with receipts, remediations and all. The copies differ in their identifiers, lie up to a
year later, and belong to up to three hundred organisations. Proposals that came to nothing and the event log are left
out: nothing that is measured here reads them. Nothing is written to it afterwards, so it has no foreign keys.
"""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.population import ID_COLUMNS, STRIDE
from ods_core.basics.clock import MovingClock
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store.migrate import available, statements
from tests.queries.history import RandomHistory

ENGAGEMENTS, STEPS = 60, 1_500
NOW = datetime(2028, 6, 1, 9, tzinfo=UTC)
"""The moment that is asked about: in the middle of what the copies are planned for."""

ORGANIZATIONS = 100
"""So many sets of the three organisations of the history."""

TABLES = ("requests", "scopes", "cycles", "deliverables", "attempts", "service_lines", "payments", "receipts")


def milestones_store(count: int, folder: Path | None = None) -> Path:
    """A database file with about `count` payment milestones; made at first need, and kept for the next run."""
    folder = folder or Path(tempfile.gettempdir())
    path, making = folder / f"ods-milestones-{count}.duckdb", folder / f"ods-milestones-{count}.making"
    told = folder / "ods-milestones-told.duckdb"
    if not path.exists():
        making.unlink(missing_ok=True)
        if not told.exists():
            _tell(told)
        _multiply(told, making, count)
        making.rename(path)
    return path


def _tell(path: Path) -> None:
    clock = MovingClock(datetime(2026, 1, 5, 10, tzinfo=UTC))
    store = Store(f"duckdb:///{path}", clock)
    RandomHistory(Service(store, clock), clock, seed=11).run(ENGAGEMENTS, STEPS)
    store.close()


def _multiply(told: Path, path: Path, count: int) -> None:
    with duckdb.connect(str(path)) as connection:
        _make_tables(connection)
        connection.execute(f"ATTACH '{told}' AS told (READ_ONLY)")
        (there,) = connection.execute("SELECT count(*) FROM told.payments").fetchone() or (0,)
        for table in TABLES:
            _copy(connection, table, -(-count // there))
        connection.execute("INSERT INTO schema_version SELECT * FROM told.schema_version")
        connection.execute("DETACH told")
        connection.execute("CHECKPOINT")


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables as the migrations make them, without foreign keys: to check them takes longer than all the rest."""
    connection.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TIMESTAMP NOT NULL)")
    for _, script in available():
        for statement in statements(script.read_text(encoding="utf-8")):
            connection.execute(re.sub(r"REFERENCES \w+ \(id\)", "", statement))


def _copy(connection: duckdb.DuckDBPyConnection, table: str, copies: int) -> None:
    columns = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    chosen = ", ".join(_copied(name, kind) for name, kind in columns)
    confirmed = "(SELECT {} FROM told.scopes WHERE confirmed_at IS NOT NULL)"
    wanted = {"requests": f"id IN {confirmed.format('request_id')}", "scopes": "confirmed_at IS NOT NULL"}
    where = wanted.get(table, f"scope_id IN {confirmed.format('id')}")
    source = f"(SELECT * FROM told.{table} WHERE {where}) AS t, range({copies}) AS r(n)"
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
