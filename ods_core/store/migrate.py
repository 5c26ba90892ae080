"""Forward migrations: numbered SQL files, each applied once, each in a transaction of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ods_core.basics.errors import StoreError

DIRECTORY = Path(__file__).parent / "migrations"
_MIGRATING = 718_281_828
"""The number of the advisory lock."""
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


def available() -> list[tuple[int, Path]]:
    """Every migration there is, by its number."""
    files = sorted(path for path in DIRECTORY.glob("*.sql") if _NAME.fullmatch(path.name))
    return [(int(path.name[:4]), path) for path in files]


def version(connection: Connection) -> int:
    """The highest number of the migrations applied; 0 for a new database."""
    return max(applied(connection), default=0)


def applied(connection: Connection) -> set[int]:
    """The numbers of the migrations applied: what was made side by side may have come in another order."""
    if not inspect(connection).has_table("schema_version"):
        return set()
    return {int(number) for number in connection.execute(text("SELECT version FROM schema_version")).scalars()}


def migrate(engine: Engine, now: datetime, *, only: Collection[int] | None = None) -> list[int]:
    """Bring a database up to date; the numbers of what was applied.

    Args:
        only: apply these alone, to make a database as an earlier program would have.

    Raises:
        StoreError: the database was made by a newer version of this program; nothing was changed.
    """
    with _alone(engine):
        with engine.connect() as connection:
            done = applied(connection)
        at = max(done, default=0)
        newest = available()[-1][0]
        if at > newest:
            raise StoreError(
                f"the database has schema version {at}, this program knows {newest}: use the newer program it came from"
            )
        missing = [(n, path) for n, path in available() if n not in done and (only is None or n in only)]
        return [number for number, path in missing if _apply(engine, number, path, now)]


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Of several servers that start at once, one migrates, and the others find it done."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_MIGRATING})"))
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({_MIGRATING})"))


def _apply(engine: Engine, number: int, path: Path, now: datetime) -> bool:
    with engine.begin() as connection:
        if number == 1:
            connection.execute(
                text("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TIMESTAMP NOT NULL)")
            )
        for statement in statements(path.read_text(encoding="utf-8")):
            connection.exec_driver_sql(statement)
        connection.execute(
            text("INSERT INTO schema_version VALUES (:version, :now)"),
            {"version": number, "now": now.replace(tzinfo=None)},
        )
    return True


def statements(script: str) -> list[str]:
    """A script's statements; comments stand on lines of their own, and no text in it holds a semicolon."""
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in code.split(";") if part.strip()]
