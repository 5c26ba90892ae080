"""A backup taken while eight writers are at work: all that was acknowledged before it is in it, and it is in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from ods_core.basics.roles import LOCAL
from ods_core.cli import main
from ods_core.lifecycle import Confirm
from ods_core.moving import back_up, restore
from ods_core.service import Service, presence
from ods_core.store import Store
from ods_core.store import tables as t
from tests.api.conftest import proposal_body, request_body
from tests.databases import duckdb_only
from tests.moving.conftest import in_order
from tests.seed import SUBMITTED, seed_proposal, seed_request
from tests.started import StartedServer, started

WRITERS = 8


@contextmanager
def writing(confirm_one: Callable[[], str]) -> Iterator[list[str]]:
    """Eight writers at work; the list grows by what was acknowledged, and they wait until each has written once."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            acknowledged.append(confirm_one())

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        while len(acknowledged) < 2 * WRITERS and all(thread.is_alive() for thread in threads):
            stop.wait(0.01)
        yield acknowledged
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def active(path: Path) -> set[str]:
    """The scopes that are active in a database, which is in order."""
    store = Store(f"duckdb:///{path}")
    assert in_order(store)
    with store.read() as connection:
        found = set(connection.execute(select(t.scopes.c.id).where(t.scopes.c.status == "active")).scalars())
    store.close()
    return found


def test_a_backup_of_a_store_that_is_written_to(tmp_path: Path) -> None:
    store = Store(f"duckdb:///{tmp_path / 'ods.duckdb'}")
    service = Service(store)

    def confirm_one() -> str:
        request = service.submit_request(LOCAL, seed_request()).subject_id
        scope = service.propose(LOCAL, request, seed_proposal()).subject_id
        service.confirm(LOCAL, scope, Confirm())
        return scope

    with writing(confirm_one) as acknowledged:
        before = [*acknowledged]
        back_up(store, tmp_path / "backup.zip", SUBMITTED)
        after = len(acknowledged)
        for _ in range(1_000):
            if len(acknowledged) > after + WRITERS:
                break
            time.sleep(0.01)
    store.close()
    restore(f"duckdb:///{tmp_path / 'restored.duckdb'}", tmp_path / "backup.zip", SUBMITTED)
    restored = active(tmp_path / "restored.duckdb")
    assert {*before} <= restored <= {*acknowledged}
    assert len(restored) < len(acknowledged), "the writers went on behind it"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    with started(tmp_path_factory.mktemp("served")) as running:
        yield running


def call(server: StartedServer, *words: str) -> Result:
    return CliRunner().invoke(main, words, env={"ODS_DATABASE_URL": f"duckdb:///{server.folder / 'ods.duckdb'}"})


@duckdb_only
@pytest.mark.server
def test_the_command_asks_the_server_that_holds_the_database(server: StartedServer, tmp_path: Path) -> None:
    def confirm_one() -> str:
        with server.client() as api:
            request = api.post("/requests", json=request_body()).json()["data"]["id"]
            scope: str = api.post(f"/requests/{request}/scope", json=proposal_body()).json()["data"]["id"]
            api.post(f"/scopes/{scope}", json={"confirm": True}).raise_for_status()
            return scope

    with writing(confirm_one) as acknowledged:
        before = [*acknowledged]
        told = call(server, "backup", str(tmp_path / "backup.zip"))
    assert told.exit_code == 0, told.output
    assert f"Asking the server at {server.url}" in told.output
    path = tmp_path / "restored.duckdb"
    there = {"ODS_DATABASE_URL": f"duckdb:///{path}"}
    restored = CliRunner().invoke(main, ["restore", str(tmp_path / "backup.zip")], env=there)
    assert restored.exit_code == 0, restored.output
    assert "every invariant holds" in restored.output
    assert {*before} <= active(path) <= {*acknowledged}


@duckdb_only
@pytest.mark.server
def test_an_export_says_what_to_do_while_a_server_holds_the_database(server: StartedServer, tmp_path: Path) -> None:
    told = call(server, "export", str(tmp_path / "export"))
    assert told.exit_code == 1
    assert "another process holds the database" in told.output
    assert "backup FILE" in told.output
    assert not (tmp_path / "export").exists()


@duckdb_only
@pytest.mark.server
def test_a_server_that_holds_another_database_gives_nothing(server: StartedServer, tmp_path: Path) -> None:
    """The note was left by one that has gone; another listens at its port now."""
    answer = httpx.get(f"{server.url}/v1/capabilities/ods/held/backup.zip", headers={presence.HEADER: "another's"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")
    assert "this server holds another database" in answer.json()["detail"]


@duckdb_only
@pytest.mark.server
def test_a_program_takes_a_backup_over_rest(server: StartedServer, tmp_path: Path) -> None:
    answer = httpx.get(f"{server.url}/v1/capabilities/ods/backup.zip", timeout=60)
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    (tmp_path / "backup.zip").write_bytes(answer.content)
    restore(f"duckdb:///{tmp_path / 'restored.duckdb'}", tmp_path / "backup.zip", SUBMITTED)
    active(tmp_path / "restored.duckdb")


@duckdb_only
@pytest.mark.server
def test_where_keys_are_asked_for_the_command_still_gets_its_backup(tmp_path: Path) -> None:
    """The word beside the database lets it in; over REST it needs an administrator's key, the provider's."""
    with started(tmp_path) as running, running.client() as api:

        def key(**changes: object) -> dict[str, str]:
            body = {"name": "test", "roles": ["admin"]} | changes
            made = api.post("/keys", json=body, headers=admin).json()["data"]
            return {"Authorization": f"Bearer {made['key']}"}

        admin: dict[str, str] = {}
        admin = key()
        clients = key(organization_id="ORG-26-090500")
        viewer = key(roles=["viewer"])
        statuses = [api.get("/backup.zip", headers=headers).status_code for headers in ({}, clients, viewer, admin)]
        assert statuses == [401, 403, 403, 200]
        told = call(running, "backup", str(tmp_path / "backup.zip"))
        assert told.exit_code == 0, told.output
        taken = api.get("/security-events", params={"kind": "export_taken"}, headers=admin).json()["data"]
        assert [event["subject"][:4] for event in taken] == ["ods-", "ods-"]


@duckdb_only
@pytest.mark.server
def test_the_note_of_a_server_is_its_owners_and_goes_with_it(tmp_path: Path) -> None:
    """Stopped properly it takes the note away; killed it leaves one that the next replaces."""
    note = tmp_path / "ods.duckdb.server"
    with started(tmp_path) as running:
        assert note.stat().st_mode & 0o777 == 0o600
        first = presence.found(f"duckdb:///{tmp_path / 'ods.duckdb'}")
        assert first is not None
        assert first.url == running.url
    assert not note.exists()


def test_a_note_that_was_left_behind_is_told_as_such(tmp_path: Path) -> None:
    """A process that is no server holds the database, and a note of a server that was killed lies beside it."""
    from tests.moving.test_restore import held

    path = tmp_path / "ods.duckdb"
    Store(f"duckdb:///{path}").close()
    presence.announce(f"duckdb:///{path}", presence.Presence("http://127.0.0.1:9", "word"))
    with held(path):
        told = CliRunner().invoke(
            main, ["backup", str(tmp_path / "backup.zip")], env={"ODS_DATABASE_URL": f"duckdb:///{path}"}
        )
    assert told.exit_code == 1
    assert "The server that was at http://127.0.0.1:9 does not answer" in told.output
    assert not (tmp_path / "backup.zip").exists()
