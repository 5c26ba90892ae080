"""Who may come in by signing in: what claims lead to, and who may say so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ods_core.basics.errors import Forbidden, Invalid, NotFound
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.keys import SecurityKind
from ods_core.basics.openid import faults, providers
from ods_core.basics.people import PeopleRow, identity, memberships, values_of
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.service import NewRow, Runtime

ORG, OTHER, WS = "ORG-26-090500", "ORG-26-090600", "WS-26-000021"
MARA = {"sub": "s-1", "email": "Mara@Example.com", "email_verified": True, "groups": ["ods", "approvers"]}


def row(number: int, claim: str, value: str, *roles: str, org: str | None = ORG, ws: str | None = None) -> PeopleRow:
    given = frozenset(Role(role) for role in roles)
    return PeopleRow(number, claim, value, org, ws, given, datetime(2026, 1, 1, tzinfo=UTC), "local")


def told(claims: dict[str, Any], *rows: PeopleRow, admins: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Whom the claims can act for, and with which roles, in order."""
    return {one.key: {role.value for role in one.roles} for one in memberships(claims, rows, admins)}


@pytest.mark.parametrize(
    ("claims", "name", "values"),
    [
        ({"groups": ["a", "b"]}, "groups", ["a", "b"]),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"https://acme.example/roles": "a"}, "https://acme.example/roles", ["a"]),
        ({"staff": True, "level": 3}, "staff", ["true"]),
        ({"level": 3}, "level", ["3"]),
        ({"groups": None}, "groups", []),
        ({"groups": {"a": 1}}, "groups", []),
        ({"groups": "a"}, "groups.a", []),
        ({}, "groups", []),
    ],
)
def test_the_values_of_a_claim(claims: dict[str, Any], name: str, values: list[str]) -> None:
    assert values_of(claims, name) == values


def test_rows_of_one_organisation_add_their_roles() -> None:
    rows = row(1, "groups", "ods", "viewer"), row(2, "groups", "approvers", "approver"), row(3, "sub", "s-2", "finance")
    assert told(MARA, *rows) == {ORG: {"viewer", "approver"}}


def test_rows_of_several_organisations_are_chosen_between_the_oldest_first() -> None:
    rows = row(2, "groups", "ods", "viewer"), row(1, "sub", "s-1", "finance", org=OTHER)
    assert list(told(MARA, *rows).items()) == [(OTHER, {"finance"}), (ORG, {"viewer"})]


def test_what_is_given_for_a_workspace_never_counts_outside_of_it() -> None:
    rows = row(1, "groups", "ods", "viewer"), row(2, "sub", "s-1", "approver", ws=WS)
    assert told(MARA, *rows) == {ORG: {"viewer"}, f"{ORG}:{WS}": {"viewer", "approver"}}


@pytest.mark.parametrize("verified", [False, None, "false", 1.5])
def test_an_address_that_is_not_verified_counts_for_nothing(verified: object) -> None:
    claims = MARA | {"email_verified": verified}
    assert told(claims, row(1, "email", "mara@example.com", "viewer"), admins=("mara@example.com",)) == {}
    assert identity(claims) == "s-1"


def test_a_verified_address_counts_whatever_its_case() -> None:
    assert told(MARA, row(1, "email", "MARA@example.com", "viewer")) == {ORG: {"viewer"}}
    assert identity(MARA) == "mara@example.com"


@pytest.mark.parametrize("admin", ["mara@EXAMPLE.com", "s-1"])
def test_administrators_of_the_installation_need_no_row(admin: str) -> None:
    assert told(MARA, admins=(admin,)) == {"provider": {"admin"}}
    both = told(MARA, row(1, "sub", "s-1", "finance"), row(2, "sub", "s-1", "provider", org=None), admins=(admin,))
    assert both == {"provider": {"admin", "provider"}, ORG: {"finance"}}


def test_a_text_that_is_no_address_is_not_compared_with_addresses() -> None:
    assert told({"sub": "", "email": "x"}, admins=("", "x")) == {}


def admin_of(organization_id: str | None, workspace_id: str | None = None) -> Caller:
    return Caller(Actor(ActorKind.USER, "admin@example.com"), frozenset({Role.ADMIN}), organization_id, workspace_id)


def test_rows_are_made_changed_and_removed_and_each_is_written_down(running: Runtime) -> None:
    people = running.people
    made = people.add(LOCAL, NewRow("groups", "ods", ("viewer",), ORG))
    assert [m.key for m in people.memberships(MARA)] == [ORG]
    people.change(LOCAL, made.number, ("viewer", "finance"))
    assert people.memberships(MARA)[0].roles == {Role.VIEWER, Role.FINANCE}
    people.remove(LOCAL, made.number)
    assert people.memberships(MARA) == []
    events = running.access.security_events(LOCAL, kinds=(SecurityKind.ROLES_CHANGED,))
    assert [(e.subject, e.organization_id, e.data["before"], e.data["roles"]) for e in events] == [
        ("groups = ods", ORG, ["finance", "viewer"], []),
        ("groups = ods", ORG, ["viewer"], ["finance", "viewer"]),
        ("groups = ods", ORG, [], ["viewer"]),
    ]


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        (NewRow("", "ods", ("viewer",), ORG), "/claim"),
        (NewRow("groups", " ", ("viewer",), ORG), "/value"),
        (NewRow("groups", "ods", (), ORG), "/roles"),
        (NewRow("groups", "ods", ("boss",), ORG), "/roles/0"),
        (NewRow("groups", "ods", ("viewer",), "acme"), "/organization_id"),
        (NewRow("groups", "ods", ("viewer",), None, WS), "/workspace_id"),
    ],
)
def test_a_row_that_cannot_be_is_refused_at_its_place(running: Runtime, wanted: NewRow, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        running.people.add(LOCAL, wanted)
    assert [p.pointer for p in refused.value.problems] == [pointer]
    assert running.people.rows(LOCAL) == []


def test_the_same_row_twice_is_refused(running: Runtime) -> None:
    running.people.add(LOCAL, NewRow("groups", "ods", ("viewer",), ORG))
    with pytest.raises(Invalid, match="row 1 maps this already"):
        running.people.add(LOCAL, NewRow("groups", "ods", ("finance",), ORG))


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_nobody_but_administrators_looks_after_people(running: Runtime, role: Role) -> None:
    somebody = Caller(Actor(ActorKind.USER, "x"), frozenset({role}))
    with pytest.raises(Forbidden):
        running.people.rows(somebody)
    with pytest.raises(Forbidden):
        running.people.add(somebody, NewRow("sub", "x", ("admin",)))
    with pytest.raises(Forbidden):
        running.people.change(somebody, 1, ("admin",))
    with pytest.raises(Forbidden):
        running.people.remove(somebody, 1)


def test_an_administrator_of_one_organisation_stays_within_it(running: Runtime) -> None:
    foreign = running.people.add(LOCAL, NewRow("sub", "x", ("viewer",), OTHER))
    ours = running.people.add(admin_of(ORG), NewRow("sub", "x", ("viewer",)))
    assert (ours.organization_id, running.people.rows(admin_of(ORG))) == (ORG, [ours])
    with pytest.raises(Forbidden, match=OTHER):
        running.people.add(admin_of(ORG), NewRow("sub", "y", ("viewer",), OTHER))
    with pytest.raises(Forbidden, match="provider"):
        running.people.add(admin_of(ORG), NewRow("sub", "y", ("provider",)))
    with pytest.raises(Forbidden, match="provider"):
        running.people.change(admin_of(ORG), ours.number, ("provider",))
    for act in (
        lambda n: running.people.remove(admin_of(ORG), n),
        lambda n: running.people.change(admin_of(ORG), n, ()),
    ):
        with pytest.raises((NotFound, Invalid)):
            act(foreign.number)
    assert len(running.people.rows(LOCAL)) == 2


def test_an_administrator_of_one_workspace_stays_within_it(running: Runtime) -> None:
    whole = running.people.add(LOCAL, NewRow("sub", "x", ("viewer",), ORG))
    ours = running.people.add(admin_of(ORG, WS), NewRow("sub", "x", ("viewer",)))
    assert (ours.workspace_id, running.people.rows(admin_of(ORG, WS))) == (WS, [ours])
    with pytest.raises(NotFound):
        running.people.remove(admin_of(ORG, WS), whole.number)


def test_a_sign_in_is_written_down_once_however_often_it_is_seen(running: Runtime) -> None:
    who = Caller(Actor(ActorKind.USER, "mara@example.com"), frozenset({Role.VIEWER}), ORG)
    for occasion in ("1", "1", "2"):
        running.people.note_sign_in(who, occasion, "192.0.2.7")
        running.people.note_stranger(Actor(ActorKind.USER, "eve"), occasion, "192.0.2.8")
    found = running.access.security_events(LOCAL)
    assert [(e.kind.value, e.actor.id, e.address) for e in reversed(found)] == [
        ("signed_in", "mara@example.com", "192.0.2.7"),
        ("denied", "eve", "192.0.2.8"),
        ("signed_in", "mara@example.com", "192.0.2.7"),
        ("denied", "eve", "192.0.2.8"),
    ]


GOOD = {
    "redirect_uri": "https://ods.example.com/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "ods",
    "client_secret": "s",
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redirect_uri": "https://ods.example.com/"}, "redirect_uri"),
        ({"cookie_secret": "xxx"}, "cookie_secret"),
        ({"client_secret": ""}, r"\[auth\] client_secret is missing"),
        ({"server_metadata_url": ""}, "server_metadata_url is missing"),
        ({"client_id": ""}, "client_id is missing"),
    ],
)
def test_a_sign_in_that_cannot_work_is_told_by_what_is_missing(changes: dict[str, str], said: str) -> None:
    from ods_core.server import refuse_faulty_sign_in

    refuse_faulty_sign_in(GOOD)
    with pytest.raises(SystemExit, match=said):
        refuse_faulty_sign_in(GOOD | changes)


def test_named_providers_have_a_section_each() -> None:
    shared = {key: GOOD[key] for key in ("redirect_uri", "cookie_secret")}
    each = {key: GOOD[key] for key in ("client_id", "client_secret", "server_metadata_url")}
    assert providers(shared | {"acme": each, "globex": each}) == ["acme", "globex"]
    assert faults(shared | {"acme": each}) == []
    assert faults(shared | {"acme": {"client_id": "ods"}}) == [
        "[auth.acme] client_secret is missing",
        "[auth.acme] server_metadata_url is missing",
    ]
    assert providers(GOOD) == [None]
    assert len(faults({})) == 5
