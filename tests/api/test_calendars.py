"""A calendar over HTTP: a link made, read by whoever has it, and ended."""

from __future__ import annotations

import httpx
import pytest
from icalendar import Calendar

from tests.api.conftest import Engagement
from tests.started import StartedServer

pytestmark = pytest.mark.server

OTHER = "ORG-26-000077"


def link(api: httpx.Client, **body: object) -> dict[str, str]:
    """A new link."""
    answer = api.post("/calendar-links", json={"name": "Ours"} | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/calendar-links/{answer.json()['data']['id']}")
    assert answer.headers["cache-control"] == "no-store"
    made: dict[str, str] = answer.json()["data"]
    return made


def test_a_link_is_read_by_a_program_and_ended(
    server: StartedServer, api: httpx.Client, engagement: Engagement
) -> None:
    engagement.confirmed()
    made = link(api, name="Ours, 🎉;\nand yours", organization_id="ORG-26-090500")
    answer = httpx.get(server.url + made["path"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert any(engagement.scope["id"] in str(event["description"]) for event in events)
    listed = api.get("/calendar-links").json()["data"]
    shown = next(one for one in listed if one["id"] == made["id"])
    assert shown["last_read_at"]
    assert "path" not in shown
    assert "digest" not in shown
    ended = api.delete(f"/calendar-links/{made['id']}").json()["data"]
    assert ended["status"] == "revoked"
    gone = httpx.get(server.url + made["path"])
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert made["path"].rsplit("/", 1)[1].removesuffix(".ics") not in gone.text
    assert api.get(f"/calendar-links/{made['id']}").json()["data"]["status"] == "revoked"


def test_another_organisations_link_shows_nothing_of_it(
    server: StartedServer, api: httpx.Client, engagement: Engagement
) -> None:
    engagement.confirmed()
    theirs = httpx.get(server.url + link(api, organization_id=OTHER)["path"])
    assert Calendar.from_ical(theirs.content).walk("VEVENT") == []
    everything = httpx.get(server.url + link(api)["path"])
    assert engagement.scope["id"] in everything.text


@pytest.mark.parametrize("token", ["nobody-has-this", "..", "%20", "a" * 500, "x.ics"])
def test_an_unknown_link_is_not_there(api: httpx.Client, token: str) -> None:
    answer = api.get(f"/calendar/{token}.ics")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_the_same_command_sent_again_shows_no_path(api: httpx.Client) -> None:
    """What is kept for whoever sends it again has no secret in it."""
    headers = {"Idempotency-Key": "calendar-link-once"}
    first, again = (
        api.post("/calendar-links", json={"name": "Once"}, headers=headers).json()["data"] for _ in range(2)
    )
    assert first["path"]
    assert again == first | {"path": None}


def test_a_bad_link_is_refused_by_place(api: httpx.Client) -> None:
    answer = api.post("/calendar-links", json={"name": " ", "organization_id": "acme", "colour": "red"})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/colour"]
    answer = api.post("/calendar-links", json={"name": " ", "organization_id": "acme"})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/name", "/organization_id"]
