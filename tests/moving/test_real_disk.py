"""A disk that is really full, one that can really only be read, and a file that is damaged somewhere inside.

Each is a file system in memory of its own, which only root may make: elsewhere these say so and skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from ods_core.basics.errors import StoreError
from ods_core.queries.invariants import check
from ods_core.store import Store, migrate
from ods_core.store import tables as t
from tests.api.conftest import request_body
from tests.databases import duckdb_only
from tests.seed import SUBMITTED
from tests.started import StartedServer

pytestmark = duckdb_only

MEBI = 1024 * 1024


@dataclass
class Disk:
    """A file system of its own."""

    path: Path
    size: int

    @property
    def database(self) -> Path:
        """Where the database is on it."""
        return self.path / "ods.duckdb"

    @property
    def url(self) -> str:
        """The database's address."""
        return f"duckdb:///{self.database}"

    def fill(self, leave: int) -> None:
        """Take all of the room but so many bytes."""
        free = os.statvfs(self.path)
        with (self.path / "ballast").open("wb") as ballast:
            ballast.write(b"x" * (free.f_bavail * free.f_frsize - leave))

    def make_room(self) -> None:
        """Give it back."""
        (self.path / "ballast").unlink()

    def freeze(self) -> None:
        """Let nothing be written any more."""
        self._mount("remount,ro")

    def mount(self) -> bool:
        """Whether it could be made."""
        return os.getuid() == 0 and self._mount(f"size={self.size}")

    def unmount(self) -> None:
        """Take it away, whoever still has files open on it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=False)

    def _mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """64 MiB."""
    made = Disk(tmp_path / "disk", 64 * MEBI)
    made.path.mkdir()
    if shutil.which("mount") is None or not made.mount():
        pytest.skip("a file system of its own can only be made by root")
    yield made
    made.unmount()


def called(disk: Disk, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line on the disk's database; never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "ods_core", *words],
        env=os.environ | {"ODS_DATABASE_URL": disk.url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def requests_in(url: str) -> list[str]:
    """The ids of all requests of a database that is in order."""
    store = Store(url)
    with store.read() as connection:
        assert check(connection) == []
        found = connection.execute(text("SELECT id FROM requests ORDER BY id")).scalars().all()
    store.close()
    return [*found]


def test_a_server_on_a_full_disk_says_so_and_goes_on_once_there_is_room(disk: Disk) -> None:
    server = StartedServer(disk.path, SUBMITTED, ODS_DATABASE_URL=disk.url)
    try:
        server.start()
        with server.client() as api:
            acknowledged = [posted(api, 201)["data"]["id"]]
            disk.fill(leave=256 * 1024)
            refusal = None
            while refusal is None:
                answer = api.post("/requests", json=long_request())
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["data"]["id"])
                else:
                    refusal = answer.json()
            assert (refusal["status"], refusal["code"]) == (503, "store_unavailable")
            assert "Make room" in refusal["detail"]
            disk.make_room()
            if "start the program again" in refusal["detail"]:
                server.stop()
                server.start()
            acknowledged.append(posted(api, 201)["data"]["id"])
    finally:
        server.stop()
    kept = requests_in(disk.url)
    if "whole or not at all" in refusal["detail"]:
        assert set(acknowledged) <= set(kept)
        assert len(kept) <= len(acknowledged) + 1
    else:
        assert kept == acknowledged


def long_request() -> dict[str, object]:
    """One that takes room."""
    return request_body(description="Long. " * 1_500)


def posted(api: httpx.Client, status: int) -> dict[str, dict[str, str]]:
    """What a request comes to."""
    answer = api.post("/requests", json=request_body())
    assert answer.status_code == status, answer.text
    told: dict[str, dict[str, str]] = answer.json()
    return told


def test_a_migration_on_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(disk: Disk) -> None:
    """Each migration is whole or not there; the next call takes up where this one stopped."""
    engine = create_engine(disk.url)
    migrate.migrate(engine, SUBMITTED, only=[1])
    with engine.begin() as connection:
        for statement in FILLED:
            connection.execute(text(statement))
    engine.dispose()
    disk.fill(leave=8 * 1024)
    said = called(disk, "migrate")
    assert said.returncode == 1, said.stdout
    assert "Make room" in said.stderr
    disk.make_room()
    done = called(disk, "migrate")
    assert done.returncode == 0, done.stderr
    assert len(requests_in(disk.url)) == 2_000
    assert called(disk, "check").returncode == 0


FILLED = (
    """
INSERT INTO requests
SELECT 'OREQ-26-' || lpad(CAST(n AS VARCHAR), 6, '0'), n, 'ORG-26-090500', 'WS-26-000021', 'scoping', NULL, '[]',
       'Title', md5(CAST(n AS VARCHAR)), 'Outcome', '[]', 3, 1000, 'USD', TIMESTAMP '2026-04-15 10:00:00', 'local',
       TIMESTAMP '2026-04-15 10:00:00', NULL, NULL, NULL, NULL, NULL, NULL
FROM range(1, 2001) AS numbers (n)
""",
    """
INSERT INTO events
SELECT number, 'EVT-26-' || lpad(CAST(number AS VARCHAR), 6, '0'), 'ods.request.submitted', created_at, 'local',
       'local', 'request', id, id, NULL, organization_id, workspace_id, '{"status": "scoping"}'
FROM requests
""",
)


def test_a_disk_that_can_only_be_read_is_told_as_such(disk: Disk, kept: Path) -> None:
    shutil.copy(kept, disk.database)
    before = disk.database.read_bytes()
    disk.freeze()
    for words in (("check",), ("migrate",), ("backup", str(disk.path.parent / "backup.zip"))):
        done = called(disk, *words)
        assert done.returncode == 1, done.stdout
        assert "can be read but not written" in done.stderr
        assert "Let this user write to it" in done.stderr
    assert disk.database.read_bytes() == before


def test_damage_anywhere_inside_is_told_with_what_to_do_and_left_as_it_is(database: Path) -> None:
    """Where nothing is stored a byte may be any; everywhere else it is found, on opening or on reading."""
    whole = database.read_bytes()
    said = []
    for place in range(3 * 4096 + 100, len(whole), len(whole) // 14):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        database.write_bytes(damaged)
        try:
            read_all(f"duckdb:///{database}")
        except StoreError as error:
            said.append(error.detail)
        assert database.read_bytes() == damaged
    assert len(said) >= 3
    assert [told for told in said if "is damaged" not in told or "restore FILE --replace" not in told] == []


def read_all(url: str) -> None:
    """Read every row; nothing may be wrong with what is read."""
    store = Store(url)
    try:
        with store.read() as connection:
            for name in t.metadata.tables:
                connection.execute(text(f"SELECT * FROM {name}")).all()
            assert check(connection) == []
    finally:
        store.close()
