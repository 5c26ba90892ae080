"""A history told through commands, as the files of an import."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import Engagement
from ods_core.importing import Importer, Outcome
from ods_core.lifecycle import Policy
from ods_core.service import Service
from ods_core.store import Store, rows
from ods_core.store import tables as t
from tests.databases import memory_url
from tests.importing.exporter import export
from tests.queries.history import RandomHistory
from tests.seed import SUBMITTED

Edit = Callable[[list[dict[str, str]]], None]


def engagements(store: Store) -> list[Engagement]:
    """Every engagement of a store, in the order of its number."""
    with store.read() as connection:
        ids = [*connection.execute(select(t.requests.c.id).order_by(t.requests.c.number)).scalars()]
        found = rows.load(connection, ids)
    return [found[id] for id in ids]


def told(seed: int, count: int = 12, steps: int = 260) -> tuple[Store, MovingClock]:
    """A store with a random history, and its clock."""
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    RandomHistory(Service(store, clock), clock, seed).run(engagements=count, steps=steps)
    return store, clock


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that can be imported; tests that change something copy it."""
    store, _ = told(3)
    folder = export(engagements(store), tmp_path_factory.mktemp("history"))
    store.close()
    return folder


def run(folder: Path, store: Store, clock: MovingClock, **more: object) -> Outcome:
    """Import into a store."""
    return Importer(store, clock, Policy()).run(folder, **more)  # type: ignore[arg-type]


def change(folder: Path, entity: str, edit: Edit) -> None:
    """Change the rows of a file."""
    path = folder / f"{entity}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        found = [*csv.DictReader(file)]
    edit(found)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*found[0]])
        writer.writeheader()
        writer.writerows(found)
