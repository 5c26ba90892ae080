"""API keys: made, shown once, kept as a digest, ended at once; and the door they open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import proposal_body, request_body
from tests.started import ODS, StartedServer, started

pytestmark = pytest.mark.server

ORG, OTHER = "ORG-26-090500", "ORG-26-000002"
WORKSPACE = "WS-26-000021"
NOW = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)


class Door:
    """A server with keys: the provider's administrator holds `admin`."""

    def __init__(self, server: StartedServer) -> None:
        self.server = server
        self.key = ""
        self.admin = server.client()
        made = self.admin.post("/keys", json={"name": "first", "roles": ["admin", "provider", "viewer"]})
        assert made.status_code == 201, made.text
        self.key = made.json()["data"]["key"]
        self.admin = self.with_key(self.key)

    def with_key(self, key: str) -> httpx.Client:
        """A client that comes with a key."""
        return self.server.client(headers={"Authorization": f"Bearer {key}"})

    def made(self, *roles: str, **more: Any) -> dict[str, Any]:
        """A new key, as its maker is shown it."""
        answer = self.admin.post("/keys", json={"name": "for a test", "roles": list(roles)} | more)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One server for this page."""
    with started(tmp_path_factory.mktemp("door"), NOW, ODS_WRONG_KEYS_PER_ADDRESS="1000") as running:
        yield Door(running)


def test_without_a_key_nobody_is_answered_once_there_is_one(door: Door) -> None:
    for path in ("/requests", "/scopes/OSCOPE-26-000001", "/metrics/outcomes", "/keys"):
        answer = door.server.client().get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    feed = httpx.get(f"{door.server.url}/v1/events", timeout=30)
    assert feed.status_code == 401


def test_nobody_is_told_what_is_wrong_with_a_body_before_it_is_known_who_asks(door: Door) -> None:
    answer = door.server.client().post("/requests", content=b"{not json", headers={"content-type": "text/plain"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "Bearer ods_0000000000000000_" + "A" * 43, "bearer", "🙂"],
)
def test_a_key_that_is_none_is_refused(door: Door, authorization: str) -> None:
    raw = authorization.encode()
    answer = door.server.client().get("/requests", headers={b"Authorization": raw})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_one_letter_off_is_not_the_key(door: Door) -> None:
    key = door.made("viewer", organization_id=ORG)["key"]
    off = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert door.with_key(key).get("/requests").status_code == 200
    assert door.with_key(off).get("/requests").status_code == 401


def test_a_key_is_shown_once_and_kept_nowhere(door: Door) -> None:
    made = door.made("viewer", organization_id=ORG)
    again = door.admin.get(f"/keys/{made['id']}").json()["data"]
    assert "key" not in again
    assert again | {"key": made["key"]} == made
    assert made["key"].startswith(again["starts_with"])
    secret = made["key"].split("_", 2)[2].encode()
    written = [path for path in Path(door.server.folder).rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert secret not in path.read_bytes(), f"the key is readable in {path.name}"


def test_the_same_sent_again_makes_no_second_key_and_shows_none(door: Door) -> None:
    body, headers = {"name": "twice", "roles": ["viewer"], "organization_id": ORG}, {"Idempotency-Key": "twice-1"}
    first, second = (door.admin.post("/keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["data"] == first.json()["data"] | {"key": None}


def test_a_revoked_key_opens_nothing_from_that_moment_on(door: Door) -> None:
    made = door.made("viewer", organization_id=ORG)
    client = door.with_key(made["key"])
    assert client.get("/requests").status_code == 200
    ended = door.admin.delete(f"/keys/{made['id']}").json()["data"]
    assert (ended["status"], ended["revoked_at"]) == ("revoked", "2026-04-15T10:00:00Z")
    answer = client.get("/requests")
    assert (answer.status_code, answer.json()["detail"]) == (
        401,
        f"the key {made['id']} is revoked; an administrator makes another one",
    )
    assert door.admin.delete(f"/keys/{made['id']}").json()["data"] == ended


def test_a_key_ends_with_its_day(door: Door) -> None:
    until = NOW + timedelta(days=1)
    made = door.made("viewer", organization_id=ORG, expires_at=until.isoformat())
    client = door.with_key(made["key"])
    assert client.get("/requests").status_code == 200
    door.server.move_to(until)
    answer = client.get("/requests")
    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)
    door.server.move_to(NOW)


def test_the_last_use_is_noted(door: Door) -> None:
    made = door.made("viewer", organization_id=ORG)
    assert made["last_used_at"] is None
    door.with_key(made["key"]).get("/requests")
    assert door.admin.get(f"/keys/{made['id']}").json()["data"]["last_used_at"] == "2026-04-15T10:00:00Z"


def test_an_organisation_sees_itself_alone(door: Door) -> None:
    mine = door.with_key(door.made("requester", "approver", "viewer", organization_id=ORG)["key"])
    theirs = door.with_key(door.made("requester", "approver", "viewer", organization_id=OTHER)["key"])
    request = mine.post("/requests", json=request_body()).json()["data"]
    scope = door.admin.post(f"/requests/{request['id']}/scope", json=proposal_body()).json()["data"]
    assert mine.get(f"/scopes/{scope['id']}").status_code == 200
    for path in (f"/requests/{request['id']}", f"/scopes/{scope['id']}", f"/scopes/{scope['id']}/statement"):
        assert theirs.get(path).status_code == 404
    answer = theirs.post(f"/scopes/{scope['id']}", json={"confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert theirs.get("/requests").json()["data"] == []
    refused = theirs.post("/requests", json=request_body())
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    events = httpx.get(f"{door.server.url}/v1/events", headers=theirs.headers, timeout=30).json()["data"]
    assert events == []


def test_a_key_may_be_narrowed_to_a_workspace(door: Door) -> None:
    here = door.with_key(door.made("requester", organization_id=ORG, workspace_id=WORKSPACE)["key"])
    there = door.with_key(door.made("viewer", organization_id=ORG, workspace_id="WS-26-000099")["key"])
    request = here.post("/requests", json=request_body()).json()["data"]
    assert here.get(f"/requests/{request['id']}").status_code == 200
    assert there.get(f"/requests/{request['id']}").status_code == 404


def test_what_came_about_is_the_keys_doing(door: Door) -> None:
    made = door.made("requester", organization_id=ORG)
    client = door.with_key(made["key"])
    request = client.post("/requests", json=request_body()).json()["data"]
    parameters = {"request_id": request["id"]}
    url = f"{door.server.url}/v1/events"
    (event,) = httpx.get(url, params=parameters, headers=client.headers, timeout=30).json()["data"]
    assert event["actor"] == {"kind": "key", "id": made["id"]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "roles": ["viewer"]}, "/name"),
        ({"name": "x" * 201, "roles": ["viewer"]}, "/name"),
        ({"name": "x", "roles": []}, "/roles"),
        ({"name": "x", "roles": ["viewer", "owner"]}, "/roles/1"),
        ({"name": "x", "roles": ["viewer"], "organization_id": "090500"}, "/organization_id"),
        ({"name": "x", "roles": ["viewer"], "workspace_id": "WS-26-000021"}, "/workspace_id"),
        ({"name": "x", "roles": ["viewer"], "expires_at": "2026-04-15T10:00:00Z"}, "/expires_at"),
        ({"name": "x", "roles": ["viewer"], "expires_at": "tomorrow"}, "/expires_at"),
        ({"name": "x", "roles": ["viewer"], "secret": "mine"}, "/secret"),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_its_place(door: Door, body: dict[str, Any], pointer: str) -> None:
    answer = door.admin.post("/keys", json=body)
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, [pointer])


def test_an_organisations_administrator_gives_no_more_than_it_has(door: Door) -> None:
    made = door.made("admin", organization_id=ORG)
    admin = door.with_key(made["key"])
    own = admin.post("/keys", json={"name": "ours", "roles": ["viewer"]})
    assert (own.status_code, own.json()["data"]["organization_id"]) == (201, ORG)
    for body in (
        {"name": "theirs", "roles": ["viewer"], "organization_id": OTHER},
        {"name": "provider's", "roles": ["provider"]},
    ):
        assert admin.post("/keys", json=body).status_code == 403
    provider_key = door.made("viewer")
    assert admin.delete(f"/keys/{provider_key['id']}").status_code == 404
    assert {key["organization_id"] for key in admin.get("/keys", params={"limit": 100}).json()["data"]} == {ORG}


def test_what_happened_at_the_door_is_written_down(door: Door) -> None:
    made = door.made("viewer", organization_id=ORG)
    client = door.with_key(made["key"])
    assert client.post("/requests", json=request_body()).status_code == 403
    assert client.get("/security-events").status_code == 403
    door.admin.delete(f"/keys/{made['id']}")
    listed = door.admin.get("/security-events", params={"limit": 100}).json()["data"]
    about = [(e["kind"], e["actor"]["id"]) for e in listed if made["id"] in (e["subject"], e["actor"]["id"])]
    assert ("denied", made["id"]) in about
    assert [kind for kind, _ in about if kind.startswith("key_")] == ["key_revoked", "key_made"]
    assert made["key"] not in str(listed)


def test_keys_are_listed_page_by_page(door: Door) -> None:
    for _ in range(3):
        door.made("viewer", organization_id=ORG)
    first = door.admin.get("/keys", params={"limit": 2}).json()
    second = door.admin.get("/keys", params={"limit": 2, "cursor": first["meta"]["cursor"]}).json()
    ids = [key["id"] for key in first["data"] + second["data"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4


def test_a_key_has_its_share_of_a_minute(tmp_path: Path) -> None:
    with started(tmp_path, ODS_RATE_PER_KEY="5", ODS_WRONG_KEYS_PER_ADDRESS="3") as server:
        door = Door(server)
        other = door.made("viewer", organization_id=ORG)
        client = door.with_key(other["key"])
        answers = [client.get("/requests") for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json()["code"] == "too_many_requests"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert door.admin.get("/requests").status_code == 200
        wrong = [door.with_key("ods_wrong").get("/requests").status_code for _ in range(5)]
        assert wrong == [401] * 3 + [429] * 2
        assert door.admin.get(ODS).status_code in (404, 429)
