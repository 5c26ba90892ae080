"""A backup is put in the place of a database in one step, and never in that of one that was not to be touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ods_core.basics.errors import StoreError, StoreHeld
from ods_core.basics.roles import LOCAL
from ods_core.moving import DamagedExport, NotMovable, back_up, restore
from ods_core.service import Service
from ods_core.store import Store
from tests.moving.conftest import LONG_AFTER, counts, in_order
from tests.seed import SUBMITTED, seed_request


@pytest.fixture
def backup(source: Store, tmp_path: Path) -> Path:
    """A backup of a store with something in each table."""
    file = tmp_path / "backup.zip"
    back_up(source, file, SUBMITTED)
    return file


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another database, with one engagement."""
    path = tmp_path / "home" / "other.duckdb"
    store = Store(f"duckdb:///{path}")
    Service(store).submit_request(LOCAL, seed_request())
    store.close()
    return path


def url(path: Path) -> str:
    return f"duckdb:///{path}"


def left(path: Path) -> list[str]:
    """What there is beside a database."""
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_backup_becomes_a_database_where_there_is_none(source: Store, backup: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "place" / "ods.duckdb"
    done = restore(url(path), backup, SUBMITTED)
    assert done.kept is None
    assert left(path) == ["ods.duckdb"]
    store = Store(url(path))
    assert counts(store) == counts(source)
    assert in_order(store)
    store.close()


def test_an_empty_database_is_replaced_and_one_with_something_in_it_is_not(backup: Path, other: Path) -> None:
    before = other.read_bytes()
    with pytest.raises(NotMovable, match="--replace puts the backup in its place, and keeps it aside"):
        restore(url(other), backup, SUBMITTED)
    assert other.read_bytes() == before
    assert left(other) == ["other.duckdb"]
    bare = other.with_name("bare.duckdb")
    Store(url(bare)).close()
    restore(url(bare), backup, SUBMITTED)
    store = Store(url(bare))
    assert counts(store)["requests"] > 3
    store.close()


def test_the_database_that_stood_there_is_kept_aside_to_the_byte(backup: Path, other: Path) -> None:
    before = other.read_bytes()
    done = restore(url(other), backup, LONG_AFTER, replace=True)
    assert done.kept == other.with_name("other.duckdb.before-20261201T093000Z")
    assert done.kept.read_bytes() == before
    store, old = Store(url(other)), Store(url(done.kept))
    assert counts(store)["requests"] > counts(old)["requests"] == 1
    store.close()
    old.close()


def test_a_damaged_backup_leaves_the_database_as_it_is(backup: Path, other: Path) -> None:
    content, before = bytearray(backup.read_bytes()), other.read_bytes()
    content[content.index(b"payments-0001.parquet") + 400] ^= 1
    backup.write_bytes(content)
    with pytest.raises(DamagedExport, match=r"backup.zip.*payments-0001.parquet"):
        restore(url(other), backup, SUBMITTED, replace=True)
    assert other.read_bytes() == before
    assert left(other) == ["other.duckdb"]


def test_a_damaged_database_is_told_as_such_and_replaced_with_its_log(backup: Path, other: Path) -> None:
    """What a restore is for. It and its write-ahead log are kept, as something in them may be saved yet."""
    broken = bytearray(other.read_bytes())
    broken[100] ^= 1
    other.write_bytes(broken)
    log = other.with_name("other.duckdb.wal")
    log.write_bytes(b"of the old one")
    with pytest.raises(StoreError, match=r"it is damaged, and was left as it is: .* restore FILE --replace"):
        Store(url(other))
    with pytest.raises(NotMovable):
        restore(url(other), backup, LONG_AFTER)
    assert other.read_bytes() == broken
    done = restore(url(other), backup, LONG_AFTER, replace=True)
    assert done.kept is not None
    assert done.kept.read_bytes() == broken
    assert done.kept.with_name(f"{done.kept.name}.wal").read_bytes() == b"of the old one"
    assert not log.exists()
    store = Store(url(other))
    assert in_order(store)
    store.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process works with a database."""
    script = "import sys; from ods_core.store import Store; Store(sys.argv[1]); print('held', flush=True); input()"
    command = [sys.executable, "-c", script, url(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate("\n", timeout=30)


def test_a_database_that_a_process_works_with_is_not_replaced(backup: Path, other: Path) -> None:
    with held(other), pytest.raises(StoreHeld, match="another process holds the database"):
        restore(url(other), backup, SUBMITTED, replace=True)
    assert left(other) == ["other.duckdb"]


def test_nobody_can_open_the_database_while_it_is_replaced(
    backup: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a server that starts meanwhile would write into the file that is moved aside."""
    from ods_core.moving import filling

    said = []

    def put(made: Path, path: Path, aside: Path) -> None:
        script = "import sys; from ods_core.store import Store; Store(sys.argv[1])"
        command = [sys.executable, "-c", script, url(path)]
        said.append(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr)

    monkeypatch.setattr(filling, "_put", put)
    restore(url(other), backup, SUBMITTED, replace=True)
    assert "another process holds the database" in said[0]


def test_what_ends_it_at_the_last_moment_leaves_the_old_database(
    backup: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = other.read_bytes()

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="Read-only"):
            restore(url(other), backup, LONG_AFTER, replace=True)
    assert other.read_bytes() == before
    Store(url(other)).close()


def test_a_database_in_memory_is_no_place_for_a_backup(backup: Path) -> None:
    with pytest.raises(NotMovable, match="one in memory does not"):
        restore("duckdb:///:memory:", backup, SUBMITTED)


def test_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotMovable, match=r"there is no file .*nowhere.zip"):
        restore(url(tmp_path / "ods.duckdb"), tmp_path / "nowhere.zip", SUBMITTED)
