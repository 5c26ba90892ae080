"""A store goes from one database into another: the same rows by checksum, all or none, and no webhooks twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from sqlalchemy import Connection

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import StoreError, StoreHeld
from ods_core.basics.events import EventType
from ods_core.basics.roles import LOCAL
from ods_core.cli import main
from ods_core.moving import DamagedExport, NotMovable, back_up, checksums, copy, copying, export, load, restore
from ods_core.service import Service, WebhookPolicy, Webhooks
from ods_core.service.courier import COURIERS
from ods_core.store import Store, outbox
from tests.databases import postgres_url
from tests.moving.conftest import LONG_AFTER, counts, in_order
from tests.moving.test_restore import held
from tests.seed import SUBMITTED, seed_request
from tests.webhooks.conftest import at_work, events_of, request
from tests.webhooks.receiver import receiving

TARGETS = ("duckdb", "postgresql")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    return f"duckdb:///{tmp_path / 'target.duckdb'}" if request.param == "duckdb" else postgres_url()


@pytest.fixture
def postgres() -> str:
    """An empty PostgreSQL database."""
    return postgres_url()


@pytest.fixture
def told(source: Store) -> Webhooks:
    """The source has an endpoint that is told of everything, and one that somebody disabled."""
    webhooks = Webhooks(source, MovingClock(LONG_AFTER), WebhookPolicy(allow_private=True))
    webhooks.add(LOCAL, "http://127.0.0.1:9/one", ["*"])
    disabled = webhooks.add(LOCAL, "http://127.0.0.1:9/two", ["*"])[0]
    webhooks.disable(LOCAL, disabled.id)
    return webhooks


def checksum(store: Store) -> str:
    """What the rows of a store come to."""
    with store.read() as connection:
        return checksums(connection, SUBMITTED).checksum


def test_there_and_back_is_the_same_by_checksum(source: Store, postgres: str, tmp_path: Path) -> None:
    """From a file to a server, into another server, and back into a file; numbering goes on behind what came in."""
    steps: list[tuple[float, str]] = []
    first = copy(source, postgres, LONG_AFTER, progress=lambda share, step: steps.append((share, step)))
    assert first.checksum == checksum(source)
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert (steps[0][0], steps[-1][0]) == (0.0, 1.0)
    there, second = Store(postgres), postgres_url()
    assert copy(there, second, LONG_AFTER).checksum == first.checksum
    also, back = Store(second), f"duckdb:///{tmp_path / 'back.duckdb'}"
    assert copy(also, back, LONG_AFTER).checksum == first.checksum
    came = Store(back)
    assert checksum(came) == checksum(source)
    assert counts(came) == counts(source)
    for store in (there, also, came):
        assert in_order(store)
        made = Service(store).submit_request(LOCAL, seed_request())
        assert made.subject_id.endswith(f"-{first.manifest.counters['OREQ'] + 1:06d}")
        store.close()


def test_a_single_digit_changes_the_checksum(source: Store) -> None:
    before = checksum(source)
    with source.write() as unit:
        unit.connection.exec_driver_sql("UPDATE receipts SET amount = amount + 0.0001 WHERE amount = 0.25")
    assert checksum(source) != before


def test_a_database_with_something_in_it_is_left_as_it_is(source: Store, target: str) -> None:
    other = Store(target)
    Service(other).submit_request(LOCAL, seed_request())
    before = checksum(other)
    other.close()
    with pytest.raises(NotMovable, match=r"there is a database at .*target|the database is not empty: [a-z]+ has rows"):
        copy(source, target, LONG_AFTER)
    other = Store(target)
    assert checksum(other) == before
    other.close()


def test_a_database_is_not_copied_into_itself(source: Store, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(database.parent)
    for url in (source.url, f"duckdb:///{database.name}"):
        with pytest.raises(NotMovable, match="cannot be copied into itself"):
            copy(source, url, LONG_AFTER)
    with pytest.raises(NotMovable, match="one in memory does not"):
        copy(source, "duckdb:///:memory:", LONG_AFTER)


def test_a_file_that_a_process_holds_is_not_copied(database: Path, tmp_path: Path) -> None:
    """Whatever is acknowledged meanwhile would be left behind."""
    with held(database):
        said = CliRunner().invoke(
            main,
            ["copy", "--to", f"duckdb:///{tmp_path / 'target.duckdb'}"],
            env={"ODS_DATABASE_URL": f"duckdb:///{database}"},
        )
    assert said.exit_code == 1
    assert "another process holds the database" in said.output
    assert not (tmp_path / "target.duckdb").exists()


def test_a_server_at_either_postgresql_is_refused(source: Store, postgres: str, tmp_path: Path) -> None:
    there = Store(postgres)
    with there.turns.alone(COURIERS), pytest.raises(StoreHeld, match="a server works with the database"):
        copy(source, postgres, LONG_AFTER)
    copy(source, postgres, LONG_AFTER)
    back, reader = f"duckdb:///{tmp_path / 'back.duckdb'}", Store(postgres)
    with there.turns.alone(COURIERS), pytest.raises(StoreHeld, match="a server works with the database"):
        copy(reader, back, LONG_AFTER)
    copy(reader, back, LONG_AFTER)
    there.close()
    reader.close()


def altered(batches: Callable[[Connection], copying.Batches]) -> Callable[[Connection], copying.Batches]:
    """The rows of a store, the titles of its scopes all changed to another one."""

    def read(connection: Connection) -> copying.Batches:
        for table, batch in batches(connection):
            if table.name == "scopes":
                place = batch.schema.get_field_index("title")
                changed = pa.array(["Something else"] * batch.num_rows, pa.string())
                yield table, batch.set_column(place, batch.schema.field(place), changed)
            else:
                yield table, batch

    return read


def test_rows_that_are_not_the_same_there_are_not_kept(
    source: Store, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of them is left, and the very database can be filled afterwards."""
    with monkeypatch.context() as patched:
        patched.setattr(copying, "batches_of", altered(copying.batches_of))
        with pytest.raises(DamagedExport, match=r"scopes-0001\.parquet: expected rows with the SHA-256"):
            copy(source, target, LONG_AFTER)
    empty = Store(target)
    assert empty.is_empty()
    empty.close()
    assert copy(source, target, LONG_AFTER).checksum == checksum(source)


KILLED = """
import os, sys
from datetime import UTC, datetime
from ods_core.moving import copy
from ods_core.store import Store
def die(share, step):
    if step.startswith(sys.argv[3]): os._exit(9)
copy(Store(sys.argv[1]), sys.argv[2], datetime(2026, 12, 1, tzinfo=UTC), progress=die)
"""


@pytest.mark.parametrize("step", ["Bringing in events", "Comparing payments"])
def test_a_copy_that_is_killed_leaves_nothing_that_passes_for_a_store(
    database: Path, target: str, step: str, tmp_path: Path
) -> None:
    """A server's database says what it is and is refused; a file is not there at all. Given again, it is done."""
    command = [sys.executable, "-c", KILLED, f"duckdb:///{database}", target, step]
    ended = subprocess.run(command, env=os.environ, timeout=120, check=False, capture_output=True, text=True)
    assert ended.returncode == 9, ended.stderr
    if target.startswith("duckdb"):
        assert not (tmp_path / "target.duckdb").exists()
    else:
        with pytest.raises(StoreError, match=r"the database is half filled: a copy of duckdb:.* 2026-12-01 00:00 UTC"):
            Store(target)
    source = Store(f"duckdb:///{database}")
    assert copy(source, target, LONG_AFTER).checksum == checksum(source)
    whole = Store(target)
    assert counts(whole) == counts(source)
    whole.close()
    source.close()


def statuses(store: Store) -> list[tuple[str, str | None]]:
    """How the endpoints of a store stand, and why."""
    with store.read() as connection:
        return [(endpoint.status, endpoint.disabled_reason) for endpoint in outbox.endpoints(connection)]


def carried(way: str, source: Store, target: str, folder: Path, *, keep_webhooks: bool) -> None:
    """A store brought into another database by one of the three ways there are."""
    if way == "copy":
        copy(source, target, LONG_AFTER, keep_webhooks=keep_webhooks)
    elif way == "restore":
        back_up(source, folder / "backup.zip", LONG_AFTER)
        restore(target, folder / "backup.zip", LONG_AFTER, keep_webhooks=keep_webhooks)
    else:
        export(source, folder / "export", LONG_AFTER)
        store = Store(target)
        load(store, folder / "export", LONG_AFTER, keep_webhooks=keep_webhooks)
        store.close()


@pytest.mark.parametrize("way", ["copy", "restore", "import"])
def test_webhooks_wait_in_a_copy_until_somebody_enables_them(
    way: str, source: Store, told: Webhooks, target: str, tmp_path: Path
) -> None:
    """Each says why, in the log, too; all else is the same."""
    carried(way, source, target, tmp_path, keep_webhooks=False)
    there = Store(target)
    (first, why), second = statuses(there)
    assert first == "disabled"
    assert why is not None
    assert why.startswith("this store is a copy, taken 2026-12-01 09:30 UTC")
    assert second == statuses(source)[1], "one that was disabled keeps its own reason"
    assert statuses(source)[0][0] == "enabled"
    more = events_of(there)[len(events_of(source)) :]
    assert [(event.type, event.actor.id) for event in more] == [(EventType.ENDPOINT_DISABLED, "system")]
    assert [event.id for event in events_of(there)[: -len(more)]] == [event.id for event in events_of(source)]
    made = Service(there, MovingClock(LONG_AFTER)).submit_request(LOCAL, seed_request())
    assert made.events
    assert in_order(there)
    there.close()


@pytest.mark.parametrize("way", ["copy", "restore", "import"])
def test_webhooks_go_on_where_the_original_sends_no_more(
    way: str, source: Store, told: Webhooks, tmp_path: Path
) -> None:
    target = f"duckdb:///{tmp_path / 'target.duckdb'}"
    carried(way, source, target, tmp_path, keep_webhooks=True)
    there = Store(target)
    assert statuses(there) == statuses(source)
    assert checksum(there) == checksum(source), "every row, of endpoints too"
    there.close()


def test_a_copy_beside_its_original_sends_nothing_until_it_is_told_to(source: Store, postgres: str) -> None:
    """What happens in the copy waits; enabled there, it sends just that, and nothing that the original has sent."""
    with receiving() as receiver:
        clock = MovingClock(LONG_AFTER)
        webhooks = Webhooks(source, clock, WebhookPolicy(allow_private=True))
        webhooks.add(LOCAL, receiver.url, ["ods.request.submitted"])
        with at_work(webhooks):
            sent = request(Service(source, clock))
            receiver.wait_for(1)
        copy(source, postgres, LONG_AFTER)
        there = Store(postgres)
        copied = Webhooks(there, clock, WebhookPolicy(allow_private=True))
        endpoint = outbox.endpoints(there.engine.connect())[0]
        with at_work(copied):
            waits = request(Service(there, clock))
            with at_work(webhooks):
                goes_on = request(Service(source, clock))
                receiver.wait_for(2)
            assert waits == goes_on, "both give the next number, so what each sent is told apart by where it stands"
            assert [message.event["subject"]["id"] for message in receiver.messages] == [sent, goes_on]
            copied.enable(LOCAL, endpoint.id)
            receiver.wait_for(3)
        assert [message.event["subject"]["id"] for message in receiver.messages] == [sent, goes_on, waits]
        there.close()


def test_the_command_says_what_was_copied_and_what_waits(
    source: Store, told: Webhooks, database: Path, target: str
) -> None:
    expected = checksum(source)
    source.close()
    environment = {"ODS_DATABASE_URL": f"duckdb:///{database}"}
    done = CliRunner().invoke(main, ["copy", "--to", target], env=environment)
    assert done.exit_code == 0, done.output
    assert f"copied; every invariant holds, and both come to {expected}" in done.output
    assert "1 webhook endpoints are disabled in the copy" in done.output
    assert CliRunner().invoke(main, ["check"], env={"ODS_DATABASE_URL": target}).exit_code == 0
    again = CliRunner().invoke(main, ["copy", "--to", target], env=environment)
    assert again.exit_code == 1
