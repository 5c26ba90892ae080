"""The reviewer's inbox."""

from __future__ import annotations

import pytest

from ods_core.basics.errors import Invalid
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.queries.reviews import count_waiting, waiting
from tests.queries.history import Teller, at, ids


def test_the_longest_waiting_comes_first_and_decided_ones_are_gone(teller: Teller) -> None:
    later, sooner = teller.running(at(5, 1)), teller.running(at(5, 2))
    teller.submit(at(5, 5), *ids(sooner))
    teller.submit(at(5, 6), *ids(later))
    teller.accept(at(5, 7), ids(sooner)[0])
    with teller.service.store.read() as connection:
        page = waiting(connection, LOCAL)
        assert [id for _, id in page.items] == [*ids(sooner)[1:], *ids(later)]
        assert count_waiting(connection, LOCAL) == 5


def test_pages_go_on_where_the_one_before_ended(teller: Teller) -> None:
    engagements = [teller.running(at(5, day)) for day in (1, 2)]
    for day, engagement in enumerate(engagements, 5):
        teller.submit(at(5, day), *ids(engagement))
    found, cursor = [], None
    with teller.service.store.read() as connection:
        for _ in range(3):
            page = waiting(connection, LOCAL, limit=2, cursor=cursor)
            found += [id for _, id in page.items]
            cursor = page.cursor
    assert found == [*ids(engagements[0]), *ids(engagements[1])]
    assert cursor is None


def test_an_organisation_sees_its_own(teller: Teller) -> None:
    teller.submit(at(5, 5), *ids(teller.running(at(5, 1))))
    stranger = Caller(Actor(ActorKind.USER, "USR-26-000009"), frozenset({Role.REVIEWER}), "ORG-26-000002")
    with teller.service.store.read() as connection:
        assert not waiting(connection, stranger).items
        assert count_waiting(connection, stranger) == 0
        assert len(waiting(connection, LOCAL, "ORG-26-090500").items) == 3
        assert not waiting(connection, LOCAL, "ORG-26-000002").items


@pytest.mark.parametrize("cursor", ["", "x", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgMQ"])
def test_a_cursor_of_ones_own_making_is_refused(teller: Teller, cursor: str) -> None:
    with teller.service.store.read() as connection, pytest.raises(Invalid):
        waiting(connection, LOCAL, cursor=cursor)
