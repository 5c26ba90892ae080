"""The kept facts: what is read is exact however far they go, whoever writes meanwhile, and whatever was kept before."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, func, insert, select, update

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.cli import main
from ods_core.lifecycle import Cancel, Submit
from ods_core.queries import facts
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.queries.rejections import rejections
from ods_core.service import Service
from ods_core.store import Store
from ods_core.store import tables as t
from tests.databases import kept_url
from tests.queries.history import RandomHistory, Teller, at, ids
from tests.seed import SUBMITTED, seed_request


def answer(connection: Connection, clock: MovingClock, **wanted: Any) -> dict[str, Any]:
    """All figures."""
    return outcomes(connection, LOCAL, OutcomeFilter(**wanted), clock())


def kept(store: Store) -> tuple[int, int]:
    """How many rows are kept of work and of money."""
    with store.read() as connection:
        work, money = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (t.fact_work, t.fact_money)
        )
    return work, money


def test_facts_are_kept_up_to_the_last_event_by_replacing_only_what_changed(
    teller: Teller, store: Store, clock: MovingClock
) -> None:
    engagements = [teller.running(at(4, day)) for day in range(1, 9)]
    first = facts.keep_up(store)
    assert first is not None
    assert (first.anew, first.engagements) == (True, 8)
    before = kept(store)
    one = ids(engagements[3])
    teller.submit(at(4, 12), *one)
    teller.accept(at(4, 13), *one)
    then = facts.keep_up(store)
    assert then is not None
    assert (then.anew, then.engagements) == (False, 1)
    assert then.sequence == store.last_sequence
    # Three decisions, a cycle completed and accepted, a scope completed.
    assert kept(store)[0] == before[0] + 6
    assert facts.keep_up(store) is None
    with store.read() as connection:
        assert facts.check(connection) == []


def test_a_figure_is_as_new_as_the_read_though_nobody_keeps_the_facts_up(
    teller: Teller, store: Store, clock: MovingClock
) -> None:
    engagements = [teller.running(at(4, day)) for day in range(1, 9)]
    facts.keep_up(store)
    before = kept(store)
    teller.submit(at(4, 12), *ids(engagements[3]))
    teller.reject(at(4, 13), ids(engagements[3])[0])
    assert kept(store) == before
    with store.read() as connection:
        behind = answer(connection, clock)
        found, _ = rejections(connection, LOCAL, OutcomeFilter(), clock())
        assert facts.check(connection) == []
    facts.keep_up(store)
    with store.read() as connection:
        assert answer(connection, clock) == behind
    (rate,) = [m for m in behind["metrics"] if m["key"] == "rejection_rate"]
    assert (rate["value"], rate["n"]) == (1.0, 1)
    assert len(found) == 1


def test_a_request_without_facts_of_its_own_is_no_obstacle(service: Service, store: Store) -> None:
    assert facts.keep_up(store) is not None
    request = service.submit_request(LOCAL, seed_request()).subject_id
    assert facts.keep_up(store)
    service.cancel(LOCAL, request, Cancel("Not now."))
    assert facts.keep_up(store)
    assert kept(store) == (0, 0)


def test_rows_of_another_definition_are_not_read_and_are_made_anew(
    teller: Teller, store: Store, clock: MovingClock
) -> None:
    teller.running(at(4, 1))
    facts.keep_up(store)
    with store.read() as connection:
        right = answer(connection, clock)
    with store.engine.begin() as connection:
        connection.execute(update(t.fact_work).values(days=99))
        connection.execute(update(t.fact_mark).values(definition="an older one"))
    with store.read() as connection:
        assert answer(connection, clock) == right
    done = facts.keep_up(store)
    assert done is not None
    assert done.anew
    with store.read() as connection:
        assert answer(connection, clock) == right
        assert facts.check(connection) == []


def test_where_another_server_is_followed_nothing_kept_is_read(
    teller: Teller, store: Store, clock: MovingClock
) -> None:
    """What is read of another server changes engagements without an event, so no mark says which."""
    engagement = teller.running(at(4, 1))
    facts.keep_up(store)
    with store.engine.begin() as connection:
        connection.execute(insert(t.mirror).values(url="http://127.0.0.1:8501", way="polling"))
        read = update(t.scopes).where(t.scopes.c.id == engagement.scopes[-1].id)
        connection.execute(read.values(proposed_at=clock() - timedelta(days=2)))
    with store.read() as connection:
        (waited,) = [m for m in answer(connection, clock)["metrics"] if m["key"] == "confirmation_time_median"]
        assert facts.check(connection) == []
    assert waited["value"] == 2.0
    assert facts.keep_up(store) is None


@pytest.mark.parametrize("table", [t.fact_work, t.fact_money], ids=lambda table: table.name)
def test_the_check_names_the_engagement_whose_rows_are_not_what_the_store_comes_to(
    teller: Teller, store: Store, table: Any
) -> None:
    engagements = [teller.running(at(4, day)) for day in (1, 2, 3)]
    facts.keep_up(store)
    request = engagements[1].request
    with store.engine.begin() as connection:
        connection.execute(delete(table).where(table.c.request == int(request.id.split("-")[2])))
    with store.read() as connection:
        (finding,) = facts.check(connection)
    assert finding.startswith(f"{request.id}: ")
    assert table.name in finding
    facts.keep_up(store, anew=True)
    with store.read() as connection:
        assert facts.check(connection) == []


def test_facts_are_kept_up_while_a_command_holds_the_writers_turn(
    teller: Teller, service: Service, store: Store, clock: MovingClock
) -> None:
    engagement = teller.running(at(4, 1))
    facts.keep_up(store)
    teller.submit(at(4, 2), *ids(engagement)[:1])
    done: list[Any] = []
    with service.store.write():
        service.submit(LOCAL, ids(engagement)[1], Submit())
        beside = threading.Thread(target=lambda: done.append(facts.keep_up(store)))
        beside.start()
        beside.join(60)
        assert len(done) == 1
    assert done[0].sequence < store.last_sequence
    with store.read() as connection:
        assert facts.check(connection) == []


def test_readers_are_right_while_others_write_and_keep_up(store: Store, clock: MovingClock) -> None:
    """In every snapshot the facts come to what that snapshot's own tables come to."""
    service, stop, wrong = Service(store, clock), threading.Event(), list[Any]()

    def keep() -> None:
        while not stop.wait(0.01):
            facts.keep_up(store, wait=True)

    def read() -> None:
        while not stop.wait(0.01):
            with store.read() as connection:
                work = facts.facts(connection).work
                counted = select(func.count()).select_from(work).where(work.c.kind == facts.Work.DECIDED)
                seen = connection.execute(counted).scalar_one()
                there = connection.execute(select(func.count(t.attempts.c.decided_at))).scalar_one()
                if seen != there:
                    wrong.append((seen, there))

    beside = [threading.Thread(target=target) for target in (keep, read, read)]
    for thread in beside:
        thread.start()
    teller = Teller(service, clock)
    try:
        for day in range(1, 5):
            engagement = teller.running(at(4, day))
            teller.submit(at(4, day, 11), *ids(engagement))
            teller.reject(at(4, day, 12), ids(engagement)[0])
            teller.accept(at(4, day, 12), *ids(engagement)[1:])
    finally:
        stop.set()
        for thread in beside:
            thread.join(60)
    assert wrong == []
    facts.keep_up(store)
    with store.read() as connection:
        assert facts.check(connection) == []
        assert connection.execute(select(func.count()).select_from(t.fact_mark)).scalar_one() == 1


def test_operators_can_rebuild_and_check_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = kept_url(tmp_path, "facts")
    monkeypatch.setenv("ODS_DATABASE_URL", url)
    clock = MovingClock(SUBMITTED)
    store = Store(url, clock)
    RandomHistory(Service(store, clock), clock, 3).run(engagements=6, steps=60)
    store.close()
    called = CliRunner().invoke(main, ["facts", "rebuild"])
    assert (called.exit_code, called.output) == (0, "made anew for 6 engagements\n")
    called = CliRunner().invoke(main, ["facts", "check"])
    assert called.exit_code == 0
    assert "they are what the store comes to" in called.output
    store = Store(url, clock)
    with store.engine.begin() as connection:
        connection.execute(update(t.fact_work).values(days=t.fact_work.c.days + 1))
    store.close()
    called = CliRunner().invoke(main, ["facts", "check"])
    assert called.exit_code == 1
    assert "run python -m ods_core facts rebuild" in called.output
    assert CliRunner().invoke(main, ["check"]).exit_code == 1
    assert CliRunner().invoke(main, ["facts", "rebuild"]).exit_code == 0
    assert CliRunner().invoke(main, ["facts", "check"]).exit_code == 0
