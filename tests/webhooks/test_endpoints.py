"""The commands on endpoints: who may give them, what they refuse, and what they leave in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from sqlalchemy import event, select

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, NotFound
from ods_core.basics.events import ENDPOINT_EVENTS, Actor, ActorKind
from ods_core.basics.roles import ALL_ROLES, LOCAL, Caller, Role
from ods_core.basics.webhooks import endpoint_resource
from ods_core.queries.invariants import check
from ods_core.queries.webhooks import attempt_page, endpoint, endpoint_page
from ods_core.service import Service, WebhookPolicy, Webhooks
from ods_core.service.webhooks import MOST_ENDPOINTS
from ods_core.store import Store
from ods_core.store import tables as t
from ods_core.store.outbox import endpoint_row
from ods_core.webhooks.sending import Address
from tests.seed import SUBMITTED
from tests.webhooks.conftest import events_of, request

URL = "https://example.com/hooks/ods"
MINE, THEIRS = "ORG-26-090500", "ORG-26-000007"
KEY = Actor(ActorKind.KEY, "KEY-26-000001")
ADMIN = Caller(KEY, frozenset({Role.ADMIN}), MINE)


@pytest.fixture
def webhooks(store: Store, clock: MovingClock) -> Webhooks:
    """With a resolver that knows one name inside and one outside."""
    known = {
        "example.com": ["93.184.216.34"],
        "inside.example.com": ["10.0.0.7"],
        "both.example.com": ["8.8.8.8", "::1"],
    }

    async def resolver(host: str, port: int) -> Sequence[Address]:
        if host not in known:
            raise OSError("no such name")
        return [ip_address(text) for text in known[host]]

    return Webhooks(store, clock, WebhookPolicy(), resolver)


def types(store: Store) -> list[str]:
    return [e.type.removeprefix("ods.webhook_endpoint.") for e in events_of(store, lambda e: e.type in ENDPOINT_EVENTS)]


def test_a_new_endpoint_has_its_identifier_and_shows_its_secret_once(webhooks: Webhooks, store: Store) -> None:
    made, secret = webhooks.add(LOCAL, URL, ["ods.payment.due", "ods.payment.due"])
    assert made.id == "WHK-26-000001"
    assert secret.startswith("whsec_")
    assert endpoint_resource(made, secret=secret) == {
        "id": "WHK-26-000001",
        "url": URL,
        "event_types": ["ods.payment.due"],
        "status": "enabled",
        "organization_id": None,
        "created_at": SUBMITTED,
        "created_by": "local",
        "disabled_at": None,
        "disabled_reason": None,
        "previous_secret_until": None,
        "secret": secret,
    }
    with store.read() as connection:
        found, health = endpoint(connection, LOCAL, made.id)
    assert "secret" not in endpoint_resource(found, health)
    assert secret not in str([e.data for e in events_of(store)])


def test_every_change_is_told_in_the_log_by_whom(webhooks: Webhooks, store: Store) -> None:
    made, _ = webhooks.add(ADMIN, URL, ["*"])
    webhooks.disable(ADMIN, made.id)
    webhooks.enable(ADMIN, made.id)
    webhooks.rotate_secret(ADMIN, made.id)
    webhooks.send_test(ADMIN, made.id)
    webhooks.shut_off(made.id, "nobody there")
    webhooks.delete(ADMIN, made.id)
    assert types(store) == ["created", "disabled", "enabled", "secret_rotated", "test", "disabled", "deleted"]
    told = events_of(store)
    assert [e.actor.id for e in told] == [KEY.id] * 5 + ["system", KEY.id]
    assert {(e.subject_id, e.organization_id, e.request_id) for e in told} == {(made.id, MINE, "")}
    with store.read() as connection:
        assert check(connection) == []


@pytest.mark.parametrize(
    ("url", "event_types", "organization", "pointers"),
    [
        ("http://10.0.0.1/", ["*"], None, ["/url"]),
        ("nonsense", [], "ACME", ["/organization_id", "/event_types", "/url"]),
        (URL, ["ods.payment.late", "*", "ods"], None, ["/event_types/0", "/event_types/2"]),
        (URL, ["*"] * 101, None, ["/event_types"]),
        ("https://inside.example.com/", ["*"], None, ["/url"]),
        ("https://both.example.com/", ["*"], None, ["/url"]),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_place(
    url: str, event_types: list[str], organization: str | None, pointers: list[str], webhooks: Webhooks, store: Store
) -> None:
    with pytest.raises(Invalid) as refused:
        webhooks.add(LOCAL, url, event_types, organization)
    assert [p.pointer for p in refused.value.problems] == pointers
    assert events_of(store) == []


def test_a_name_that_is_not_known_yet_is_taken_since_each_connection_looks_again(webhooks: Webhooks) -> None:
    assert webhooks.add(LOCAL, "https://soon.example.com/", ["*"])[0].is_enabled


def test_an_organisation_sees_and_makes_its_own_endpoints_alone(webhooks: Webhooks, store: Store) -> None:
    everybodys, _ = webhooks.add(LOCAL, URL, ["*"])
    theirs, _ = webhooks.add(LOCAL, URL, ["*"], THEIRS)
    own, _ = webhooks.add(ADMIN, URL, ["*"])
    assert (everybodys.organization_id, theirs.organization_id, own.organization_id) == (None, THEIRS, MINE)
    with pytest.raises(Forbidden):
        webhooks.add(ADMIN, URL, ["*"], THEIRS)
    with store.read() as connection:
        assert [e.id for e, _ in endpoint_page(connection, ADMIN).items] == [own.id]
        assert len(endpoint_page(connection, LOCAL).items) == 3
        for id in (theirs.id, everybodys.id, "WHK-26-999999"):
            with pytest.raises(NotFound):
                endpoint(connection, ADMIN, id)
            with pytest.raises(NotFound):
                attempt_page(connection, ADMIN, id)
            for verb in (webhooks.delete, webhooks.disable, webhooks.rotate_secret, webhooks.send_test):
                with pytest.raises(NotFound):
                    verb(ADMIN, id)


@pytest.mark.parametrize(
    "caller",
    [Caller(KEY, ALL_ROLES - {Role.ADMIN}, MINE), Caller(KEY, ALL_ROLES, MINE, "WS-26-000021")],
    ids=["not an admin", "narrowed to a workspace"],
)
def test_webhooks_are_for_admins_of_a_whole_organisation(caller: Caller, webhooks: Webhooks, store: Store) -> None:
    made, _ = webhooks.add(ADMIN, URL, ["*"])
    with pytest.raises(Forbidden):
        webhooks.add(caller, URL, ["*"])
    for verb in (webhooks.delete, webhooks.disable, webhooks.enable, webhooks.rotate_secret, webhooks.send_test):
        with pytest.raises(Forbidden):
            verb(caller, made.id)
    with pytest.raises(Forbidden):
        webhooks.replay_range(caller, made.id, SUBMITTED)
    with store.read() as connection, pytest.raises(Forbidden):
        endpoint_page(connection, caller)


def test_a_state_is_changed_once_and_what_is_disabled_is_sent_nothing(webhooks: Webhooks) -> None:
    made, _ = webhooks.add(LOCAL, URL, ["*"])
    with pytest.raises(NotAllowed):
        webhooks.enable(LOCAL, made.id)
    assert webhooks.disable(LOCAL, made.id).disabled_reason == "by local"
    for act in (
        lambda: webhooks.disable(LOCAL, made.id),
        lambda: webhooks.send_test(LOCAL, made.id),
        lambda: webhooks.replay_range(LOCAL, made.id, SUBMITTED),
    ):
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.current_state == "disabled"
    again = webhooks.enable(LOCAL, made.id)
    assert (again.is_enabled, again.disabled_at, again.generation) == (True, None, 2)


def test_a_deleted_endpoint_is_as_good_as_not_there_and_its_secrets_are_gone(webhooks: Webhooks, store: Store) -> None:
    made, secret = webhooks.add(LOCAL, URL, ["*"])
    _, second = webhooks.rotate_secret(LOCAL, made.id)
    webhooks.delete(LOCAL, made.id)
    with store.read() as connection:
        with pytest.raises(NotFound):
            endpoint(connection, LOCAL, made.id)
        kept = connection.execute(select(t.webhook_endpoints)).mappings().one()
    assert not {secret, second} & {kept["secret"], kept["previous_secret"]}
    with pytest.raises(NotFound):
        webhooks.enable(LOCAL, made.id)
    assert webhooks.add(LOCAL, URL, ["*"])[0].id == "WHK-26-000002", "a number never repeats"


def test_a_secret_overlaps_for_a_day_and_only_the_last_one(webhooks: Webhooks, clock: MovingClock) -> None:
    made, first = webhooks.add(LOCAL, URL, ["*"])
    changed, second = webhooks.rotate_secret(LOCAL, made.id)
    assert changed.secrets(clock()) == [second, first]
    assert changed.previous_until == clock() + timedelta(hours=24)
    changed, third = webhooks.rotate_secret(LOCAL, made.id)
    assert changed.secrets(clock()) == [third, second]
    clock.advance(hours=24)
    assert changed.secrets(clock()) == [third]


def test_a_replay_is_of_what_the_endpoint_may_see(webhooks: Webhooks, service: Service, store: Store) -> None:
    request(service)
    (told,) = events_of(store)
    theirs, _ = webhooks.add(LOCAL, URL, ["*"], THEIRS)
    own, _ = webhooks.add(ADMIN, URL, ["*"])
    for id in (told.id, "EVT-26-999999", "nonsense", "EVT-25-000001"):
        with pytest.raises(Invalid) as refused:
            webhooks.replay_event(LOCAL, theirs.id, id)
        assert refused.value.problems[0].pointer == "/event_id"
    assert webhooks.replay_event(ADMIN, own.id, told.id).events == 1
    assert webhooks.replay_range(LOCAL, theirs.id, SUBMITTED).events == 1, "that it was added itself"
    with pytest.raises(Invalid) as refused:
        webhooks.replay_range(ADMIN, own.id, SUBMITTED, SUBMITTED)
    assert refused.value.problems[0].pointer == "/to"


def test_there_is_an_end_to_how_many_there_can_be(webhooks: Webhooks, store: Store) -> None:
    made, _ = webhooks.add(LOCAL, URL, ["*"])
    rows = [endpoint_row(replace(made, id=f"WHK-26-{n:06d}")) for n in range(2, MOST_ENDPOINTS + 1)]
    with store.write() as unit:
        unit.connection.execute(t.webhook_endpoints.insert(), rows)
    with pytest.raises(NotAllowed, match="200"):
        webhooks.add(LOCAL, URL, ["*"])


def test_endpoints_are_paged_newest_first(webhooks: Webhooks, store: Store) -> None:
    for _ in range(5):
        webhooks.add(LOCAL, URL, ["*"])
    seen: list[str] = []
    cursor = None
    with store.read() as connection:
        while True:
            page = endpoint_page(connection, LOCAL, limit=2, cursor=cursor)
            seen += [e.id for e, _ in page.items]
            cursor = page.cursor
            if cursor is None:
                break
    assert seen == [f"WHK-26-{n:06d}" for n in (5, 4, 3, 2, 1)]


def test_a_command_does_the_same_however_many_endpoints_there_are(
    webhooks: Webhooks, service: Service, store: Store
) -> None:
    """The log is the outbox: not one statement more, with none and with fifty."""
    statements: list[str] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        statements.append(statement)

    def asked() -> list[str]:
        statements.clear()
        request(service)
        return list(statements)

    asked()
    before = asked()
    for _ in range(50):
        webhooks.add(LOCAL, URL, ["*"])
    assert asked() == before
    assert before
