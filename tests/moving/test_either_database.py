"""From DuckDB to PostgreSQL and back: the same rows, to the byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ods_core.basics.roles import LOCAL
from ods_core.moving import NotMovable, back_up, export, load, restore
from ods_core.moving.plain import pages
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.databases import postgres_url
from tests.moving.conftest import counts, in_order, sums
from tests.seed import SUBMITTED, seed_request


@pytest.fixture
def postgresql() -> Iterator[Store]:
    """An empty store on PostgreSQL."""
    store = Store(postgres_url())
    yield store
    store.close()


def test_an_export_is_the_same_from_either_database(
    exported: Path, postgresql: Store, empty: Callable[[], Store], tmp_path: Path
) -> None:
    load(postgresql, exported, SUBMITTED)
    assert in_order(postgresql)
    export(postgresql, tmp_path / "there", SUBMITTED)
    assert sums(tmp_path / "there") == sums(exported)
    store = empty()
    load(store, tmp_path / "there", SUBMITTED)
    export(store, tmp_path / "back", SUBMITTED)
    assert sums(tmp_path / "back") == sums(exported)
    store.close()


def test_numbering_goes_on_in_postgresql(exported: Path, postgresql: Store) -> None:
    whole = load(postgresql, exported, SUBMITTED)
    made = Service(postgresql).submit_request(LOCAL, seed_request())
    assert made.subject_id.endswith(f"-{whole.counters['OREQ'] + 1:06d}")
    assert postgresql.last_sequence == whole.counters["EVT"] + len(made.events)


def test_texts_have_one_order_in_both(postgresql: Store, empty: Callable[[], Store]) -> None:
    """Databases sort words by the habits of a language unless told otherwise."""
    serials = [{"organization_id": name, "last_serial": 1} for name in ("b", "A", "a", "B", "é", "_", "Z", "10", "9")]
    found = []
    for store in (postgresql, empty()):
        with store.write() as unit:
            unit.connection.execute(t.invoice_serials.insert(), serials)
        with store.read() as connection:
            found.append([row[0] for page in pages(connection, t.invoice_serials) for row in page])
    assert found[0] == found[1] == sorted(serial["organization_id"] for serial in serials)
    store.close()


def test_a_backup_of_a_file_is_restored_into_a_server_and_the_other_way(
    source: Store, exported: Path, tmp_path: Path
) -> None:
    back_up(source, tmp_path / "backup.zip", SUBMITTED)
    address = postgres_url()
    with pytest.raises(NotMovable, match="name an empty database in ODS_DATABASE_URL"):
        restore(address, tmp_path / "backup.zip", SUBMITTED, replace=True)
    assert restore(address, tmp_path / "backup.zip", SUBMITTED).kept is None
    there = Store(address)
    assert counts(there) == counts(source)
    back_up(there, tmp_path / "there.zip", SUBMITTED)
    there.close()
    restore(f"duckdb:///{tmp_path / 'back.duckdb'}", tmp_path / "there.zip", SUBMITTED)
    back = Store(f"duckdb:///{tmp_path / 'back.duckdb'}")
    export(back, tmp_path / "back", SUBMITTED)
    assert sums(tmp_path / "back") == sums(exported)
    back.close()
