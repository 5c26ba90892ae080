"""Pages where people sign in: nobody without, strangers get a word, and the mapping decides at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import LOCAL, Role
from ods_core.basics.settings import ROOT, Settings
from ods_core.service import NewRow, Runtime, Service, using
from ods_core.store import Store
from ods_core.ui.places import PLACES
from tests.databases import memory_url
from tests.pages.everything import everything
from tests.seed import ORGANIZATION, TITLE, seed_proposal, seed_request

OTHER = "ORG-26-090600"
MARA = {"is_logged_in": True, "sub": "s-1", "email": "mara@example.com", "email_verified": True}


@pytest.fixture
def signing_in(store: Store, service: Service, clock: MovingClock) -> Iterator[Runtime]:
    """A program that people sign in to, administered by ada@example.com."""
    settings = Settings(database_url=memory_url(), demo=False, admins="ada@example.com")
    with using(Runtime(settings, store, service, clock, signs_in=True)) as replacement:
        yield replacement


def opened(place: str, claims: dict[str, Any] | None, **params: str) -> AppTest:
    """A page, opened by somebody; None: by nobody who signed in."""
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    app.user = {"iat": time.time()} | claims if claims else {"is_logged_in": False}
    app.run()
    app.switch_page(PLACES[place].file)
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def titles(app: AppTest) -> list[str]:
    return [title.value.replace("\\", "") for title in app.title]


def map_mara(running: Runtime, *roles: str, organization_id: str | None = ORGANIZATION) -> int:
    return running.people.add(LOCAL, NewRow("email", "mara@example.com", roles, organization_id)).number


def each_page(app: AppTest) -> Iterator[AppTest]:
    """Every page, one after the other, in one window."""
    for place in PLACES.values():
        app.switch_page(place.file).run()
        assert not app.exception, [e.message for e in app.exception]
        yield app


def test_every_page_asks_for_sign_in_first(signing_in: Runtime) -> None:
    signing_in.service.submit_request(LOCAL, seed_request())
    for app in each_page(opened("today", None, **{"as": "administrator"})):
        assert titles(app) == ["On-demand sprints"]
        assert [b.label for b in app.button] == ["Sign in"]
        assert TITLE not in everything(app)
        assert not app.selectbox


def test_a_stranger_sees_what_was_looked_at_and_nothing_else(signing_in: Runtime) -> None:
    signing_in.service.submit_request(LOCAL, seed_request())
    signing_in.people.add(LOCAL, NewRow("groups", "approvers", ("approver",), ORGANIZATION))
    for app in each_page(opened("today", MARA | {"groups": ["sales"]}, **{"as": "administrator"})):
        assert titles(app) == ["You have no access yet"]
        assert [b.label for b in app.button] == ["Sign out"]
        told = everything(app)
        assert "sales" in told
        assert "mara@example.com" in told
        assert TITLE not in told
        assert ORGANIZATION not in told
    (denied,) = signing_in.access.security_events(LOCAL, kinds=(SecurityKind.DENIED,))
    assert denied.actor.id == "mara@example.com"


@pytest.mark.parametrize(
    "claims", [MARA | {"iat": 0}, MARA | {"iat": None}, MARA | {"is_logged_in": False}, {"is_logged_in": True}]
)
def test_who_signed_in_too_long_ago_or_has_no_name_signs_in_again(
    signing_in: Runtime, claims: dict[str, object]
) -> None:
    map_mara(signing_in, "viewer")
    assert titles(opened("today", claims)) == ["On-demand sprints"]


def test_a_person_reads_and_decides_as_the_mapping_says(signing_in: Runtime) -> None:
    """The event that follows names the person."""
    map_mara(signing_in, "approver")
    request_id = signing_in.service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = signing_in.service.propose(LOCAL, request_id, seed_proposal()).subject_id
    app = opened("scopes", MARA, scope=scope_id)
    assert not any(s.key == "choose_as" for s in app.selectbox), "there is no role switch"
    app.button(key=f"confirm-{scope_id}").click().run()
    app.button(key=f"confirm-{scope_id}_yes").click().run()
    assert not app.exception
    with signing_in.store.read() as connection:
        from ods_core.queries.activity import latest_about

        event = latest_about(connection, LOCAL, scope_id)
    assert event is not None
    assert (event.type.value, event.actor.as_json()) == (
        "ods.scope.confirmed",
        {"kind": "user", "id": "mara@example.com"},
    )


def test_who_may_only_read_is_offered_no_decision(signing_in: Runtime) -> None:
    map_mara(signing_in, "viewer")
    request_id = signing_in.service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = signing_in.service.propose(LOCAL, request_id, seed_proposal()).subject_id
    app = opened("scopes", MARA, scope=scope_id, **{"as": "administrator"})
    assert titles(app) == [TITLE]
    assert not any(str(b.key).startswith("confirm") for b in app.button)


def test_a_changed_row_counts_from_the_next_run_also_of_a_question_that_is_open(signing_in: Runtime) -> None:
    number = map_mara(signing_in, "approver")
    request_id = signing_in.service.submit_request(LOCAL, seed_request()).subject_id
    scope_id = signing_in.service.propose(LOCAL, request_id, seed_proposal()).subject_id
    app = opened("scopes", MARA, scope=scope_id)
    app.button(key=f"confirm-{scope_id}").click().run()
    before = signing_in.store.last_sequence
    signing_in.people.change(LOCAL, number, ("viewer",))
    app.button(key=f"confirm-{scope_id}_yes").click().run()
    assert not app.exception
    assert signing_in.store.last_sequence == before, "nothing was confirmed"
    signing_in.people.remove(LOCAL, number)
    app.run()
    assert titles(app) == ["You have no access yet"]


def test_a_callback_of_somebody_whose_row_has_gone_does_nothing(signing_in: Runtime) -> None:
    """A button's callback runs before the script does."""
    number = map_mara(signing_in, "admin", organization_id=None)
    app = opened("settings", MARA, view="keys")
    app.text_input(key="key_name").input("Back door")
    app.multiselect(key="key_roles").set_value(["admin"])
    signing_in.people.remove(LOCAL, number)
    next(b for b in app.button if b.label == "Make the key").click().run()
    assert signing_in.access.keys(LOCAL) == []


def test_with_two_organisations_one_is_chosen_and_stays_in_links(signing_in: Runtime) -> None:
    map_mara(signing_in, "viewer")
    map_mara(signing_in, "requester", organization_id=OTHER)
    signing_in.service.submit_request(LOCAL, seed_request())
    signing_in.service.submit_request(LOCAL, seed_request(organization_id=OTHER, title="Walrus"))
    app = opened("requests", MARA)
    assert TITLE in everything(app)
    assert "Walrus" not in everything(app)
    app.sidebar.selectbox(key="choose_for").select(OTHER).run()
    assert not app.exception
    assert app.query_params["for"] in (OTHER, [OTHER])
    assert TITLE not in everything(app)
    assert "Walrus" in everything(app)
    assert titles(opened("requests", MARA, **{"for": "ORG-26-999999"})) == ["Requests"], "one that is not theirs"
    assert "Walrus" not in everything(opened("requests", MARA, **{"for": "provider"}))


def test_sign_ins_are_written_down_once(signing_in: Runtime) -> None:
    map_mara(signing_in, "viewer")
    claims = MARA | {"iat": int(time.time())}
    for place in ("today", "requests"):
        opened(place, claims)
    (event,) = signing_in.access.security_events(LOCAL, kinds=(SecurityKind.SIGNED_IN,))
    assert (event.actor.id, event.organization_id, event.data) == (
        "mara@example.com",
        ORGANIZATION,
        {"roles": ["viewer"]},
    )


def test_an_administrator_of_the_settings_maps_people_on_the_page(signing_in: Runtime) -> None:
    ada = MARA | {"sub": "s-2", "email": "Ada@example.com"}
    app = opened("settings", ada, view="people")
    app.text_input(key="people_claim").input("groups")
    app.text_input(key="people_value").input("*reviewers*")
    app.text_input(key="people_organization").input("acme")
    app.multiselect(key="people_roles").set_value(["reviewer"])
    next(b for b in app.button if b.label == "Add the row").click().run()
    assert "such as ORG-26-000001" in everything(app)
    app.text_input(key="people_organization").input(ORGANIZATION)
    next(b for b in app.button if b.label == "Add the row").click().run()
    assert not app.exception
    (row,) = signing_in.people.rows(LOCAL)
    assert (row.value, row.organization_id, row.roles, row.created_by) == (
        "*reviewers*",
        ORGANIZATION,
        {Role.REVIEWER},
        "ada@example.com",
    )
    app.multiselect(key="people_roles_1").set_value(["reviewer", "viewer"]).run()
    app.button(key="people_save").click().run()
    assert signing_in.people.rows(LOCAL)[0].roles == {Role.REVIEWER, Role.VIEWER}
    app.button(key="people_remove").click().run()
    assert not app.exception
    assert signing_in.people.rows(LOCAL) == []


def test_an_administrator_of_one_organisation_sees_nothing_of_the_installation(signing_in: Runtime) -> None:
    map_mara(signing_in, "admin")
    signing_in.people.add(LOCAL, NewRow("sub", "a-foreigner", ("viewer",), OTHER))
    told = everything(opened("settings", MARA, view="people"))
    assert "mara@example.com" in told
    assert "a-foreigner" not in told
    wiring = everything(opened("settings", MARA))
    assert "ODS_ADMINS" not in wiring
    assert "Last event" not in wiring
    assert "administrator of the installation" in everything(opened("settings", MARA, view="import"))


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_nobody_else_sees_the_mapping(signing_in: Runtime, role: Role) -> None:
    map_mara(signing_in, role.value, organization_id=None)
    signing_in.people.add(LOCAL, NewRow("sub", "a-foreigner", ("viewer",), OTHER))
    told = everything(opened("settings", MARA, view="people"))
    assert "administrators" in told
    assert "a-foreigner" not in told


@pytest.mark.parametrize(
    ("roles", "mine"),
    [
        (("finance",), "payments"),
        (("viewer",), "outcomes"),
        (("requester", "finance"), "deliverables"),
        (("admin",), "activity"),
    ],
)
def test_the_pages_of_ones_work_follow_the_roles(signing_in: Runtime, roles: tuple[str, ...], mine: str) -> None:
    map_mara(signing_in, *roles)
    app = opened("today", MARA)
    links = [element.proto.label for element in app.sidebar.get("page_link")]
    captions = [c.value for c in app.sidebar.caption]
    assert PLACES[mine].title in links
    assert "Your work" in captions
    assert titles(app) == ["Today"]


def test_a_draft_is_its_owners_whoever_has_its_address(signing_in: Runtime) -> None:
    map_mara(signing_in, "requester")
    signing_in.people.add(LOCAL, NewRow("sub", "s-9", ("requester",), OTHER))
    app = opened("requests", MARA, view="new")
    app.text_input[0].set_value("Half a thought").run()
    draft = app.query_params["draft"]
    draft = draft[0] if isinstance(draft, list) else draft
    assert opened("requests", MARA, view="new", draft=draft).text_input[0].value == "Half a thought"
    other = opened("requests", {"is_logged_in": True, "sub": "s-9"}, view="new", draft=draft)
    assert other.text_input[0].value == ""
    assert opened("requests", MARA, view="new", draft=draft).text_input[0].value == "Half a thought"
