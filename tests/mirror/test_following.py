"""Following: by the log, by the seven calls, over cuts, and for no store that has engagements of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import StoreError
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.lifecycle import Cancel
from ods_core.mirror import FEED, POLLING
from ods_core.queries.facts import check as check_facts
from ods_core.queries.facts import keep_up
from ods_core.queries.invariants import check
from ods_core.service import Runtime, Service
from ods_core.store import Store, mirrored
from tests.databases import kept_url, memory_url
from tests.mirror.comparing import engagements, log, metrics, told
from tests.mirror.conftest import Line, Pair, follow
from tests.queries.history import RandomHistory, Teller, at, ids, pay
from tests.seed import seed_request


def same(pair: Pair) -> bool:
    """Whether both stores have the same engagements and the same log."""
    mine, theirs = engagements(pair.store), engagements(pair.running.store)
    assert {id: told(one) for id, one in mine.items()} == {id: told(one) for id, one in theirs.items()}
    assert log(pair.store) == log(pair.running.store)
    return True


def test_a_history_is_kept_as_it_is_with_its_ids_its_log_and_its_figures(pair: Pair, clock: MovingClock) -> None:
    began = clock()
    RandomHistory(pair.service, clock, 5).run(6, 150)
    assert pair.follower.look()
    assert same(pair)
    months = f"{began:%Y-%m}", f"{clock():%Y-%m}"
    assert metrics(pair.store, clock, *months) == metrics(pair.running.store, clock, *months)
    assert pair.follower.mirror.way == FEED
    assert pair.follower.mirror.requests == 6
    with pair.store.read() as connection:
        assert check(connection) == []


def test_only_what_changed_is_read_again(pair: Pair, teller: Teller) -> None:
    first, second = teller.running(at(4, 15)), teller.running(at(4, 16))
    pair.follower.look()
    pair.line.calls.clear()
    teller.submit(at(4, 20), ids(second)[0])
    pair.follower.look()
    assert same(pair)
    assert any(call.endswith(second.request.id) for call in pair.line.calls)
    assert not any(call.endswith(first.request.id) for call in pair.line.calls)
    pair.line.calls.clear()
    pair.follower.look()
    assert pair.line.calls == ["GET /v1/events"]


def test_a_cut_at_any_call_loses_nothing_and_writes_nothing_twice(
    pair: Pair, teller: Teller, clock: MovingClock
) -> None:
    """Every call of a look is cut once, each time on an empty store; the look after it makes up for all."""
    engagement = teller.running(at(4, 15))
    pay(pair.service, engagement.milestones[0].id, at(4, 16))
    teller.submit(at(4, 20), *ids(engagement))
    teller.reject(at(4, 21), ids(engagement)[0])
    teller.request(at(4, 22))
    pair.follower.look()
    for number in range(1, len(pair.line.calls) + 1):
        line, store = Line(cuts={number}), Store(memory_url(), clock)
        follower = follow(store, line, clock)
        assert not follower.look()
        assert follower.mirror.unreachable_since == clock()
        assert "cut" in follower.mirror.problem
        assert len(log(store)) in (0, len(log(pair.running.store)))
        assert follower.look()
        assert follower.mirror.unreachable_since is None
        assert same(Pair(pair.running, line, store, follower, pair.commands))
        store.close()


def test_a_follower_that_ends_in_the_middle_goes_on_where_it_was(
    pair: Pair, teller: Teller, clock: MovingClock
) -> None:
    """As after a kill: the store is all that the next one knows. What was read before the end is not read again."""
    for day in range(1, 6):
        teller.running(at(5, day))
    pair.line.cuts = {20}
    pair.follower.look()
    assert log(pair.store) == []
    assert 0 < len(engagements(pair.store)) < 5
    kept = set(engagements(pair.store))
    line = Line()
    again = follow(pair.store, line, clock)
    assert again.look()
    assert same(pair)
    assert not [call for call in line.calls if call.rsplit("/", 1)[1] in kept]


def test_the_log_told_once_more_is_kept_once(pair: Pair, teller: Teller, clock: MovingClock) -> None:
    teller.running(at(4, 15))
    pair.follower.look()
    with pair.store.write() as unit:
        mirrored.move(unit.connection, cursor=None)
    again = follow(pair.store, Line(), clock)
    assert again.look()
    assert same(pair)


def test_without_a_log_the_seven_calls_tell_all_but_money(pair: Pair, teller: Teller, clock: MovingClock) -> None:
    pair.only_seven()
    began = clock()
    RandomHistory(pair.service, clock, 8).run(5, 160)
    assert pair.follower.look()
    assert pair.follower.mirror.way == POLLING
    assert not pair.follower.mirror.tells_money
    for id, engagement in engagements(pair.running.store).items():
        mine, theirs = told(engagements(pair.store)[id]), told(engagement)
        for name in ("request", "scopes", "cycles", "deliverables", "attempts", "service_lines"):
            assert getattr(mine, name) == getattr(theirs, name)
        assert mine.milestones == mine.receipts == mine.invoices == ()
    months = f"{began:%Y-%m}", f"{clock():%Y-%m}"
    expected = metrics(pair.running.store, clock, *months, money=False)
    assert metrics(pair.store, clock, *months, money=False) == expected
    assert log(pair.store) == []


def test_figures_keep_up_with_a_server_that_has_no_log(pair: Pair, teller: Teller, clock: MovingClock) -> None:
    """No event says that the rows which figures are read from are old; so none are kept."""
    pair.only_seven()
    engagement = teller.running(at(4, 15))
    pair.follower.look()
    keep_up(pair.store, wait=True)
    teller.submit(at(4, 20), *ids(engagement))
    teller.accept(at(4, 21), *ids(engagement))
    pair.follower.look()
    assert metrics(pair.store, clock, "2026-04", "2026-04", money=False) == metrics(
        pair.running.store, clock, "2026-04", "2026-04", money=False
    )


def test_figures_are_of_what_is_kept_also_before_the_first_reading_has_ended(
    pair: Pair, teller: Teller, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known yet which way the server is followed, and nothing has happened that a log would tell of."""
    engagement = teller.running(at(4, 15))
    teller.submit(at(4, 20), *ids(engagement))
    teller.accept(at(4, 21), *ids(engagement))
    keep_up(pair.store, wait=True)
    pair.only_seven()

    def not_yet(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(mirrored, "move", not_yet)
    assert not pair.follower.look()
    assert len(engagements(pair.store)) == 1
    assert metrics(pair.store, clock, "2026-04", "2026-04", money=False) == metrics(
        pair.running.store, clock, "2026-04", "2026-04", money=False
    )


def test_what_is_over_is_not_asked_for_any_more(pair: Pair, teller: Teller) -> None:
    pair.only_seven()
    over = teller.running(at(4, 15))
    teller.submit(at(4, 20), *ids(over))
    teller.accept(at(4, 21), *ids(over))
    running = teller.running(at(4, 22))
    pair.follower.look()
    pair.line.calls.clear()
    pair.follower.look()
    assert not any(call.endswith(over.request.id) for call in pair.line.calls)
    assert any(call.endswith(running.request.id) for call in pair.line.calls)


def test_a_log_that_comes_later_is_followed_from_its_beginning(pair: Pair, teller: Teller) -> None:
    pair.only_seven()
    engagement = teller.running(at(4, 15))
    pair.follower.look()
    pair.everything()
    teller.submit(at(4, 20), *ids(engagement))
    pair.follower.look()
    assert pair.follower.mirror.way == FEED
    assert same(pair)
    keep_up(pair.store, wait=True)
    with pair.store.read() as connection:
        assert check_facts(connection) == []


def test_a_log_that_goes_away_is_a_trouble_and_not_a_reason_to_know_less(pair: Pair, teller: Teller) -> None:
    teller.running(at(4, 15))
    pair.follower.look()
    pair.only_seven()
    assert not pair.follower.look()
    assert "gone" in pair.follower.mirror.problem
    pair.everything()
    assert pair.follower.look()
    assert same(pair)


def test_since_when_it_cannot_be_reached_stays_until_it_can(pair: Pair, clock: MovingClock) -> None:
    pair.line.is_down = True
    since = clock()
    pair.follower.look()
    clock.advance(minutes=5)
    pair.follower.look()
    assert pair.follower.mirror.unreachable_since == since
    assert clock() - since == timedelta(minutes=5)
    pair.line.is_down = False
    pair.follower.look()
    assert (pair.follower.mirror.unreachable_since, pair.follower.mirror.problem) == (None, "")


def test_an_engagement_that_a_later_reading_has_kept_is_not_set_back(pair: Pair, teller: Teller) -> None:
    """A slow reading that began before a command, and ends after the command was read back, is thrown away."""
    engagement = teller.running(at(4, 15))
    pair.follower.look()
    slow = pair.follower.remote.whole(engagement.request.id, set())
    teller.submit(at(4, 20), *ids(engagement))
    pair.follower.refresh(engagement.request.id)
    pair.follower._keep(slow, 0.0, 0)
    assert told(engagements(pair.store)[engagement.request.id]) == told(
        engagements(pair.running.store)[engagement.request.id]
    )


@pytest.fixture
def own(tmp_path: Path, clock: MovingClock) -> str:
    """A database with an engagement of its own."""
    url = kept_url(tmp_path, "own")
    store = Store(url, clock)
    request = Service(store, clock).submit_request(LOCAL, seed_request()).subject_id
    Service(store, clock).cancel(LOCAL, request, Cancel("Not needed."))
    store.close()
    return url


def test_a_store_with_engagements_of_its_own_follows_nobody(own: str) -> None:
    with pytest.raises(StoreError, match=r"engagements of its own.*ODS_DATABASE_URL") as refused:
        Runtime.open(Settings(database_url=own, mirror_url="http://127.0.0.1:1"))
    assert "ODS_MIRROR_URL" in refused.value.detail
    opened = Runtime.open(Settings(database_url=own))
    assert opened.follower is None
    opened.close()


def test_a_mirror_follows_one_server_for_good(tmp_path: Path) -> None:
    url = kept_url(tmp_path, "mirror")
    Runtime.open(Settings(database_url=url, mirror_url="http://127.0.0.1:1/")).close()
    with pytest.raises(StoreError, match=r"follows http://127.0.0.1:1,.*another database"):
        Runtime.open(Settings(database_url=url, mirror_url="http://127.0.0.1:2"))
    with pytest.raises(StoreError, match=r"ODS_MIRROR_URL=http://127.0.0.1:1,"):
        Runtime.open(Settings(database_url=url))
    Runtime.open(Settings(database_url=url, mirror_url="http://127.0.0.1:1")).close()


def test_the_key_is_shown_nowhere() -> None:
    settings = Settings(mirror_url="https://ods.example.com", mirror_key="ods_secret")
    assert "ods_secret" not in f"{settings!r} {settings} {settings.mirror_key}"
