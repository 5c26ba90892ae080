"""Every page opens, for everybody, from the entry point: on the demo engagements and on an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ods_core import demo
from ods_core.basics.clock import MovingClock, parse_time
from ods_core.basics.errors import StoreError
from ods_core.basics.roles import LOCAL, PERSONAS
from ods_core.basics.settings import Settings
from ods_core.basics.states import Kind
from ods_core.lifecycle import Confirm
from ods_core.queries.lists import TABLES
from ods_core.service import Runtime, using
from ods_core.ui.places import PLACE_OF, PLACES
from tests.databases import memory_url

ENTRY = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
EVERYBODY = [persona.key for persona in PERSONAS]
NOW = "2026-05-20T09:00:00Z"


@pytest.fixture(scope="module")
def filled() -> Iterator[Runtime]:
    """A runtime with the demo engagements, at one moment."""
    runtime = Runtime.open(Settings(database_url=memory_url(), clock=NOW))
    demo.load(runtime)
    with using(runtime):
        yield runtime
    runtime.close()


@pytest.fixture
def empty() -> Iterator[Runtime]:
    """A runtime with nothing in it."""
    runtime = Runtime.open(Settings(database_url=memory_url(), clock=NOW))
    with using(runtime):
        yield runtime
    runtime.close()


def opened(place: str, **params: str) -> AppTest:
    """The app with one page open at an address."""
    app = AppTest.from_file(ENTRY, default_timeout=30).run()
    app.switch_page(PLACES[place].file)
    for name, value in params.items():
        app.query_params[name] = value
    return app.run()


def said_in_the_address(app: AppTest, name: str) -> str:
    """A parameter of the address as it stands now."""
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def titles(app: AppTest) -> list[str]:
    assert not app.exception, [error.message for error in app.exception]
    return [title.value for title in app.title]


@pytest.mark.parametrize("persona", EVERYBODY)
@pytest.mark.parametrize("place", PLACES)
def test_each_page_opens_for_each_persona_on_demo_data(filled: Runtime, place: str, persona: str) -> None:
    app = opened(place, **{"as": persona})
    assert titles(app) == [PLACES[place].title]
    assert not app.error


@pytest.mark.parametrize("persona", EVERYBODY)
@pytest.mark.parametrize("place", PLACES)
def test_each_page_opens_for_each_persona_on_an_empty_store(empty: Runtime, place: str, persona: str) -> None:
    app = opened(place, **{"as": persona})
    assert titles(app) == [PLACES[place].title]
    assert not app.error


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.SCOPE, Kind.CYCLE, Kind.DELIVERABLE])
def test_a_link_to_one_thing_in_each_state_opens_it(filled: Runtime, kind: Kind) -> None:
    """One of each state is opened by its address, and the page is about it."""
    place, name = PLACE_OF[kind]
    table = TABLES[kind]
    with filled.store.read() as connection:
        rows = connection.execute(table.select()).mappings().all()
    one_each = {row["status"]: row["id"] for row in rows}
    assert len(one_each) >= 4
    for id in one_each.values():
        app = opened(place, **{name: id, "as": "administrator"})
        assert titles(app) != [PLACES[place].title]
        assert not app.error


@pytest.mark.parametrize(("place", "name"), [PLACE_OF[k] for k in (Kind.REQUEST, Kind.SCOPE)])
def test_a_link_to_nothing_says_so(filled: Runtime, place: str, name: str) -> None:
    app = opened(place, **{name: "NOSUCH-26-999999"})
    assert titles(app) == ["There is nothing here"]


def test_the_persona_in_the_address_stays_over_a_refresh_and_another_page(filled: Runtime) -> None:
    app = opened("scopes", **{"as": "provider"})
    assert app.sidebar.selectbox(key="choose_as").value == "provider"
    app.run()
    assert app.sidebar.selectbox(key="choose_as").value == "provider"
    app.sidebar.selectbox(key="choose_as").select("finance").run()
    assert said_in_the_address(app, "as") == "finance"


def test_a_place_in_a_list_and_its_filter_live_in_the_address(filled: Runtime) -> None:
    app = opened("requests")
    app.button(key="pager_next").click().run()
    assert said_in_the_address(app, "after")
    app.selectbox(key="choose_status").select("cancelled").run()
    assert said_in_the_address(app, "status") == "cancelled"
    assert "after" not in app.query_params
    assert not app.exception


def test_a_draft_survives_a_refresh(filled: Runtime) -> None:
    """A refresh is a new session with the same address."""
    app = opened("requests", view="new")
    app.text_input[0].set_value("Half a thought").run()
    draft = said_in_the_address(app, "draft")
    again = opened("requests", view="new", draft=draft)
    assert again.text_input[0].value == "Half a thought"


def test_an_incomplete_request_is_refused_at_its_fields_and_kept(empty: Runtime) -> None:
    app = opened("requests", view="new")
    app.text_input[0].set_value("Half a thought").run()
    app.button(key="submit_request").click().run()
    said = [element.value for element in app.markdown if "material/error" in element.value]
    assert len(said) == 4, "description, outcome, organisation and workspace are missing"
    assert app.text_input[0].value == "Half a thought"
    assert empty.store.is_empty()


def pending(runtime: Runtime) -> str:
    """A proposal that can be confirmed today."""
    table = TABLES[Kind.SCOPE]
    with runtime.store.read() as connection:
        wanted = table.select().where(table.c.status == "pending_confirmation").order_by(table.c.valid_until.desc())
        return str(connection.execute(wanted).mappings().first()["id"])  # type: ignore[index]


def test_confirming_says_the_amount_asks_once_and_tells_what_it_caused() -> None:
    runtime = Runtime.open(Settings(database_url=memory_url(), clock=NOW))
    demo.load(runtime)
    with using(runtime):
        scope = pending(runtime)
        before = runtime.store.last_sequence
        app = opened("scopes", scope=scope)
        said = " ".join(element.value for element in app.markdown)
        assert "If you confirm today" in said
        app.button(key=f"confirm-{scope}").click().run()
        assert runtime.store.last_sequence == before, "asking changes nothing"
        app.button(key=f"confirm-{scope}_yes").click().run()
        assert not app.exception
        told = " ".join(element.value for element in app.markdown)
        assert "Confirmed for" in told
        assert "was confirmed for" in told
        assert runtime.store.last_sequence > before
    runtime.close()


def test_a_decision_taken_meanwhile_is_told_with_who_and_when() -> None:
    runtime = Runtime.open(Settings(database_url=memory_url(), clock=NOW))
    demo.load(runtime)
    with using(runtime):
        scope = pending(runtime)
        app = opened("scopes", scope=scope)
        app.button(key=f"confirm-{scope}").click().run()
        runtime.service.confirm(LOCAL, scope, Confirm("USR-26-000044"))
        before = runtime.store.last_sequence
        app.button(key=f"confirm-{scope}_yes").click().run()
        assert not app.exception
        assert runtime.store.last_sequence == before
        assert any("was confirmed for" in info.value and "20 May 2026" in info.value for info in app.info)
    runtime.close()


def test_a_database_that_cannot_be_used_is_told_calmly(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Runtime:
        raise StoreError("another process holds the database")

    monkeypatch.setattr("ods_core.ui.shell.runtime", refuse)
    app = AppTest.from_file(ENTRY, default_timeout=30).run()
    assert titles(app) == ["The database cannot be used"]
    assert "Another process holds the database." in [text.value for text in app.text]


def test_the_first_filling_is_shown_until_it_is_done(empty: Runtime) -> None:
    empty.filling.share, empty.filling.step = 0.4, "Telling the stories"
    app = AppTest.from_file(ENTRY, default_timeout=30).run()
    assert titles(app) == ["Getting ready"]
    empty.filling.share = 1.0
    assert titles(app.run()) == ["Today"]


def test_time_on_the_pages_is_the_programs_clock() -> None:
    clock = MovingClock(parse_time("2031-02-03T04:05:00Z"))
    made = Runtime.open(Settings(database_url=memory_url()))
    moved = Runtime(made.settings, made.store, made.service, clock)
    with using(moved):
        app = opened("settings")
        assert "3 Feb 2031, 04:05 UTC" in [text.value for text in app.text]
    made.close()
