"""A full disk, a file that cannot be written, a damaged one, one of a newer program: said in plain words, nothing lost.

The full disk is a limit on the size of files that the system sets on a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ods_core.basics.errors import StoreError
from ods_core.basics.roles import LOCAL
from ods_core.moving import Manifest
from ods_core.service import Service
from ods_core.store import Store
from tests.moving.conftest import counts, in_order
from tests.seed import seed_request

NOBODY = 65534


def limited(most: int, database: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call the command line where no file can grow beyond so many bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        [sys.executable, "-m", "ods_core", *words],
        env=os.environ | {"ODS_DATABASE_URL": f"duckdb:///{database}"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says; never a traceback."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_export_onto_a_full_disk_leaves_nothing(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    said = refused(limited(4_000, database, "export", str(tmp_path / "export")))
    assert f"the export to {tmp_path / 'export'} was given up: " in said
    assert "too large" in said
    assert [*(tmp_path / "export").iterdir()] == []
    assert database.read_bytes() == before


def test_a_backup_onto_a_full_disk_leaves_nothing(database: Path, tmp_path: Path) -> None:
    said = refused(limited(20_000, database, "backup", str(tmp_path / "backup.zip")))
    assert f"{tmp_path / 'backup.zip'} cannot be written: " in said
    assert not [path for path in tmp_path.iterdir() if "backup.zip" in path.name]


@pytest.mark.parametrize("room", [50_000, 400_000])
def test_an_import_onto_a_full_disk_is_there_whole_or_not_at_all(folder: Path, tmp_path: Path, room: int) -> None:
    """And where it is not, the same call brings it in once there is room."""
    path = tmp_path / "small" / "ods.duckdb"
    Store(f"duckdb:///{path}").close()
    said = refused(limited(path.stat().st_size + room, path, "import", str(folder)))
    assert "Make room, and " in said
    store = Store(f"duckdb:///{path}")
    is_empty = not any(counts(store).values())
    store.close()
    again = limited(resource.RLIM_INFINITY, path, "import", str(folder))
    assert again.returncode == (0 if is_empty else 1), again.stderr
    whole = Manifest.of((folder / "manifest.json").read_bytes(), "")
    store = Store(f"duckdb:///{path}")
    assert counts(store) == {table.name: table.rows for table in whole.tables}
    assert in_order(store)
    store.close()


def test_a_restore_onto_a_full_disk_leaves_the_database(database: Path, tmp_path: Path) -> None:
    assert limited(resource.RLIM_INFINITY, database, "backup", str(tmp_path / "backup.zip")).returncode == 0
    before = database.read_bytes()
    refused(limited(300_000, database, "restore", "--replace", str(tmp_path / "backup.zip")))
    assert database.read_bytes() == before
    assert not [path.name for path in tmp_path.iterdir() if "restoring" in path.name or "before" in path.name]


def _fill(url: str, most: int, told: multiprocessing.SimpleQueue[tuple[int, str]]) -> None:
    """Ask for outcomes until the disk is full, make room, and ask for one more."""
    store = Store(url)
    service = Service(store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    kept, said = 0, ""
    while not said:
        try:
            service.submit_request(LOCAL, seed_request(description="Long. " * 1_000))
            kept += 1
        except StoreError as error:
            said = error.detail
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    service.submit_request(LOCAL, seed_request())
    told.put((kept + 1, said))
    os._exit(0)  # no orderly end: what was acknowledged is on the disk already


def test_a_command_on_a_full_disk_is_refused_and_the_next_ones_go_on(tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, nothing that was refused is there, and no restart is needed."""
    url = f"duckdb:///{tmp_path / 'ods.duckdb'}"
    Store(url).close()
    kept, said = in_a_process(_fill, url, (tmp_path / "ods.duckdb").stat().st_size + 100_000)
    assert "is full: nothing of this was kept, all before it is. Make room, and do it again." in said
    store = Store(url)
    assert counts(store)["requests"] == kept > 1
    assert in_order(store)
    store.close()


def in_a_process(work: Callable[..., None], *given: object) -> tuple[int, str]:
    """What work says in a process that is a copy of this one."""
    context = multiprocessing.get_context("fork")
    told: multiprocessing.SimpleQueue[tuple[int, str]] = context.SimpleQueue()
    process = context.Process(target=work, args=(*given, told))
    process.start()
    process.join(100)
    assert not told.empty()
    return told.get()


def _open_as_nobody(url: str, told: multiprocessing.SimpleQueue[tuple[int, str]]) -> None:
    if os.getuid() == 0:
        os.setuid(NOBODY)
    try:
        Store(url)
    except StoreError as error:
        told.put((error.status, error.detail))


def test_a_file_that_can_only_be_read_is_told_as_such(database: Path) -> None:
    for folder in (database.parent, *database.parents[1:4]):
        folder.chmod(0o755)
    database.chmod(0o444)
    before = database.read_bytes()
    status, said = in_a_process(_open_as_nobody, f"duckdb:///{database}")
    assert status == 503
    assert "can be read but not written" in said
    assert database.read_bytes() == before


@pytest.mark.parametrize("place", [8, 100, 5_000, 9_000])
def test_a_damaged_file_is_told_as_such_and_left_as_it_is(database: Path, place: int) -> None:
    content = bytearray(database.read_bytes())
    content[place] ^= 1
    database.write_bytes(content)
    with pytest.raises(StoreError, match=r"it is damaged, and was left as it is: .*restore FILE --replace"):
        Store(f"duckdb:///{database}")
    assert database.read_bytes() == content


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all, " * 1_000, encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be opened: it is damaged, and was left as it is"):
        Store(f"duckdb:///{path}")
    assert path.read_text(encoding="utf-8") == "Dear all, " * 1_000


def test_a_database_of_a_newer_program_is_left_as_it_is(database: Path, tmp_path: Path) -> None:
    store = Store(f"duckdb:///{database}")
    with store.write() as unit:
        unit.connection.execute(text("INSERT INTO schema_version VALUES (9999, TIMESTAMP '2030-01-01')"))
    store.close()
    before = database.read_bytes()
    for words in (["check"], ["export", str(tmp_path / "out")], ["backup", str(tmp_path / "out.zip")], ["migrate"]):
        said = refused(limited(resource.RLIM_INFINITY, database, *words))
        assert "schema version 9999" in said
        assert "use the newer program it came from" in said
    assert database.read_bytes() == before
    assert not (tmp_path / "out").exists()
