"""Private links: made by administrators, kept as digests, opened by their token, ended for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, Invalid, NotFound
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.service import NewLink, Runtime
from tests.seed import CLIENT, ORGANIZATION, PROVIDER, WORKSPACE

ADMIN = Caller(Actor(ActorKind.USER, "USR-26-000001"), frozenset({Role.ADMIN}), ORGANIZATION)
OF_A_WORKSPACE = Caller(Actor(ActorKind.USER, "USR-26-000002"), frozenset({Role.ADMIN}), ORGANIZATION, WORKSPACE)
OF_OTHERS = Caller(Actor(ActorKind.USER, "USR-26-000003"), frozenset({Role.ADMIN}), "ORG-26-000002")


def test_a_link_opens_until_it_is_revoked(running: Runtime) -> None:
    link, token = running.calendars.make(ADMIN, NewLink("Ours"))
    assert running.calendars.open(token).caller.organization_id == ORGANIZATION
    ended = running.calendars.revoke(ADMIN, link.id)
    assert ended.revoked_by == ADMIN.actor.id
    with pytest.raises(NotFound) as revoked:
        running.calendars.open(token)
    with pytest.raises(NotFound) as unknown:
        running.calendars.open("nobody-has-this-token")
    assert revoked.value.detail == unknown.value.detail, "nobody learns that there was one"
    assert running.calendars.revoke(LOCAL, link.id) == ended, "ending it again changes nothing"


def test_whoever_comes_by_a_link_may_read_and_nothing_else(running: Runtime) -> None:
    _, token = running.calendars.make(ADMIN, NewLink("Ours"))
    caller = running.calendars.open(token).caller
    assert caller.roles == {Role.VIEWER}
    assert not caller.sees("ORG-26-000002", WORKSPACE)


def test_a_token_is_kept_nowhere(running: Runtime) -> None:
    """Neither in the link's row nor in any other text of the database."""
    _, token = running.calendars.make(ADMIN, NewLink("Ours"))
    with running.store.read() as connection:
        for table in ("calendar_links", "security_events", "events"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                assert token not in str(tuple(row))
    assert len(token) == 43


def test_no_two_tokens_are_alike(running: Runtime) -> None:
    assert len({running.calendars.make(LOCAL, NewLink("All"))[1] for _ in range(20)}) == 20


@pytest.mark.parametrize("caller", [CLIENT, PROVIDER])
def test_only_administrators_look_after_links(running: Runtime, caller: Caller) -> None:
    link, _ = running.calendars.make(LOCAL, NewLink("All"))
    calls: tuple[Callable[[], object], ...] = (
        lambda: running.calendars.make(caller, NewLink("Mine")),
        lambda: running.calendars.newest(caller, limit=10),
        lambda: running.calendars.link(caller, link.id),
        lambda: running.calendars.revoke(caller, link.id),
    )
    for call in calls:
        with pytest.raises(Forbidden, match="needs the role admin"):
            call()


def test_an_organisations_administrator_gives_no_more_than_its_own(running: Runtime) -> None:
    mine, _ = running.calendars.make(ADMIN, NewLink("Ours"))
    all_of_it, _ = running.calendars.make(LOCAL, NewLink("All"))
    for caller, wanted in (
        (ADMIN, NewLink("Theirs", "ORG-26-000002")),
        (OF_A_WORKSPACE, NewLink("Next door", ORGANIZATION, "WS-26-000099")),
    ):
        with pytest.raises(Forbidden, match="makes links for"):
            running.calendars.make(caller, wanted)
    assert running.calendars.make(OF_A_WORKSPACE, NewLink("Ours"))[0].workspace_id == WORKSPACE
    assert all_of_it not in running.calendars.newest(ADMIN, limit=10)
    assert running.calendars.newest(OF_OTHERS, limit=10) == []
    for other in (OF_OTHERS, OF_A_WORKSPACE):
        with pytest.raises(NotFound):
            running.calendars.revoke(other, mine.id)
    assert running.calendars.link(ADMIN, mine.id).revoked_at is None


def test_a_bad_link_is_refused_with_its_places(running: Runtime) -> None:
    with pytest.raises(Invalid) as refused:
        running.calendars.make(LOCAL, NewLink("", "acme", "here"))
    assert [p.pointer for p in refused.value.problems] == ["/name", "/organization_id", "/workspace_id"]
    with pytest.raises(Invalid, match="expected an organisation beside it"):
        running.calendars.make(LOCAL, NewLink("One room of all", None, WORKSPACE))


def test_reading_is_noted_by_the_hour(running: Runtime, clock: MovingClock) -> None:
    link, token = running.calendars.make(LOCAL, NewLink("All"))
    began = clock()
    for minutes, noted in ((0, 0), (59, 0), (1, 60), (30, 60)):
        clock.advance(minutes=minutes)
        running.calendars.open(token)
        assert running.calendars.link(LOCAL, link.id).last_read_at == began + timedelta(minutes=noted)


def test_what_became_of_links_is_written_down(running: Runtime) -> None:
    link, _ = running.calendars.make(ADMIN, NewLink("Ours"))
    running.calendars.revoke(ADMIN, link.id)
    found = running.access.security_events(LOCAL)
    assert [(e.kind, e.subject) for e in found] == [
        (SecurityKind.LINK_REVOKED, link.id),
        (SecurityKind.LINK_MADE, link.id),
    ]
