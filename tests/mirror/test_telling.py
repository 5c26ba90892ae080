"""What is not told is unknown, on the pages too; and a server that does not answer is told with its time."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.states import RequestStatus
from ods_core.service import Runtime, using
from ods_core.store import mirrored
from ods_core.ui.places import PLACES
from tests.mirror.comparing import engagements
from tests.mirror.conftest import URL, Pair
from tests.mirror.relay import SEVEN, seven_calls
from tests.pages.test_every_page import opened, titles
from tests.queries.history import RandomHistory, Teller, at
from tests.seed import CLIENT, PROVIDER, seed_proposal, seed_request


@pytest.fixture
def mirroring(pair: Pair, clock: MovingClock) -> Runtime:
    """A runtime of the server that follows, to be opened with `using`."""
    return Runtime(pair.running.settings, pair.store, pair.commands, clock, follower=pair.follower)


def said(app: AppTest) -> str:
    """The boxes that stand above a page."""
    assert not app.exception, [error.message for error in app.exception]
    return " ".join(box.value.replace("\\", "") for box in (*app.warning, *app.info))


def confirm(app: AppTest, scope: str) -> None:
    """Press the button, and say yes."""
    app.button(key=f"confirm-{scope}").click().run()
    app.button(key=f"confirm-{scope}_yes").click().run()


@pytest.mark.parametrize("place", PLACES)
def test_each_page_opens_without_money_and_says_so(
    pair: Pair, mirroring: Runtime, clock: MovingClock, place: str
) -> None:
    pair.only_seven()
    RandomHistory(pair.service, clock, 2).run(3, 80)
    pair.follower.look()
    with using(mirroring):
        app = opened(place)
        assert titles(app) == [PLACES[place].title]
        tells = place in {"today", "scopes", "cycles", "payments", "outcomes"}
        assert ("does not tell payments" in said(app)) == tells


@pytest.mark.parametrize("place", PLACES)
def test_each_page_says_since_when_the_server_does_not_answer(
    pair: Pair, mirroring: Runtime, teller: Teller, clock: MovingClock, place: str
) -> None:
    teller.running(at(4, 15))
    pair.follower.look()
    clock.advance(hours=3)
    pair.line.is_down = True
    pair.follower.look()
    clock.advance(hours=1)
    with using(mirroring):
        warned = said(opened(place))
    assert f"{URL} cannot be followed" in warned
    assert "since 15 Apr 2026, 13:00 UTC. What is shown is as of 15 Apr 2026, 10:00 UTC" in warned


def test_a_first_reading_says_how_far_it_has_come(pair: Pair, teller: Teller, mirroring: Runtime) -> None:
    with using(mirroring):
        assert "read for the first time: 0 requests so far" in said(opened("today"))
    engagement = teller.running(at(4, 15))
    pair.follower.refresh(engagement.request.id)
    with using(mirroring):
        assert "read for the first time: 1 request so far" in said(opened("today"))
    pair.follower.look()
    with using(mirroring):
        assert "first time" not in said(opened("today"))


def test_settings_tell_how_the_server_is_followed(pair: Pair, teller: Teller, mirroring: Runtime) -> None:
    teller.running(at(4, 15))
    pair.follower.look()
    with using(mirroring):
        shown = " ".join(text.value.replace("\\", "") for text in opened("settings").text)
    for expected in (URL, "its log, event by event", "15 Apr 2026, 10:00 UTC"):
        assert expected in shown


def test_a_command_on_a_page_that_cannot_be_passed_on_is_told_there(
    pair: Pair, teller: Teller, mirroring: Runtime
) -> None:
    scope = teller.propose(at(4, 15), teller.request(at(4, 15)))
    pair.follower.look()
    with using(mirroring):
        app = opened("scopes", **{"as": "delivery_lead", "scope": scope})
        pair.line.is_down = True
        confirm(app, scope)
        assert "did not answer" in said(app)
        pair.line.is_down = False
        confirm(app.run(), scope)
        assert "was confirmed for" in " ".join(text.value for text in app.markdown)
    (engagement,) = engagements(pair.running.store).values()
    assert engagement.scope(scope).confirmed_at


def test_with_the_published_fields_alone_nothing_is_made_up(pair: Pair, mirroring: Runtime, clock: MovingClock) -> None:
    """A request that was asked for here is known by what was asked; its proposal, by the few fields that are told."""
    pair.only_seven()
    pair.line.bare = True
    pair.follower.look()
    request = pair.commands.submit_request(CLIENT, seed_request()).subject_id
    stranger = pair.service.submit_request(CLIENT, seed_request()).subject_id
    scope = pair.service.propose(PROVIDER, request, seed_proposal()).subject_id
    assert pair.follower.look()
    kept = engagements(pair.store)
    assert list(kept) == [request]
    assert kept[request].request.status == RequestStatus.SCOPED
    assert kept[request].scopes == ()
    assert kept[request].request.description == seed_request().description
    with pair.store.read() as connection:
        (part,) = mirrored.told_in_part(connection)
    assert (part.request_id, part.told["scope_id"], str(part.told["fixed_price"])) == (request, scope, "15500.00")
    assert part.untold
    assert stranger not in kept
    with using(mirroring):
        for place in PLACES:
            assert titles(opened(place)) == [PLACES[place].title]
        assert titles(opened("requests", request=request))
        tables = [frame.value.to_csv().replace("\\", "") for frame in opened("settings").table]
    assert any(request in table for table in tables)


def test_a_request_that_is_told_in_part_is_kept_whole_once_more_is_told(pair: Pair, teller: Teller) -> None:
    pair.only_seven()
    engagement = teller.running(at(4, 15))
    pair.line.bare = True
    with pair.store.write() as unit:
        mirrored.note_request(unit.connection, engagement.request.id, read_through=0, is_over=False, read_at=at(4, 15))
    pair.follower.look()
    assert engagements(pair.store) == {}
    pair.line.bare = False
    pair.follower.look()
    assert list(engagements(pair.store)) == [engagement.request.id]
    with pair.store.read() as connection:
        assert mirrored.told_in_part(connection) == []


def test_seven_calls_are_seven(pair: Pair) -> None:
    """GET and POST of a scope stand in one pattern."""
    assert len(SEVEN) == 6
    assert not seven_calls("GET /v1/events")
    assert not seven_calls("GET /v1/capabilities/ods/deliverables/DLV-26-000001")
