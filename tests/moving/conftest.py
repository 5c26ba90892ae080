"""A store with something in each of its tables, as a file to be moved."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ods_core.basics.clock import MovingClock
from ods_core.basics.settings import ROOT
from ods_core.importing import Importer
from ods_core.moving import export
from ods_core.moving.plain import moved_tables
from ods_core.queries.invariants import check
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.seed import SUBMITTED
from tests.store.test_store import reviewed

LONG_AFTER = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
"""When the imported history has happened."""


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with three engagements that were worked on, and an imported history."""
    path = tmp_path_factory.mktemp("kept") / "kept.duckdb"
    clock = MovingClock(SUBMITTED)
    store = Store(f"duckdb:///{path}", clock)
    service = Service(store, clock)
    for _ in range(3):
        reviewed(service)
        clock.advance(days=1.000001)
    clock.move_to(LONG_AFTER)
    assert not Importer(store, clock, service.policy).run(ROOT / "data" / "import-example").found
    with store.write() as unit:
        unit.connection.execute(update(t.imports).values(started_at=LONG_AFTER.replace(microsecond=123456)))
    store.checkpoint()
    store.close()
    return path


@pytest.fixture
def database(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to do with as one likes."""
    return Path(shutil.copy(kept, tmp_path / "ods.duckdb"))


@pytest.fixture
def source(database: Path) -> Iterator[Store]:
    """The store of that copy."""
    opened = Store(f"duckdb:///{database}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def exported(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("exported") / "export"
    store = Store(f"duckdb:///{kept}")
    export(store, folder, SUBMITTED)
    store.close()
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of the export, to do with as one likes."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


@pytest.fixture
def empty(tmp_path: Path) -> Callable[[], Store]:
    """Makes an empty store."""

    def made() -> Store:
        return Store(f"duckdb:///{tmp_path / 'empty.duckdb'}")

    return made


def sums(folder: Path) -> dict[str, str]:
    """What the data files of a folder come to."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


def counts(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in moved_tables()
        }


def in_order(store: Store) -> bool:
    """Whether every invariant holds."""
    with store.read() as connection:
        return check(connection) == []
