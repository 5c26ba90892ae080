"""A decision says what it was made on: one that was made on what has changed meanwhile is refused, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from ods_core import client as c
from ods_core.client import AsyncClient, Client
from tests.api.conftest import Engagement
from tests.client.conftest import problem
from tests.client.test_asking import Make, scope
from tests.started import StartedServer

CONFIRMED = {"scope_id": "OSCOPE-26-000009", "status": "active"}


@pytest.fixture
def ods(server: StartedServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def test_what_is_read_has_its_etag_and_a_decision_names_it(played: Make) -> None:
    read = scope()
    read.headers["ETag"] = '"abc"'
    ods, play = played(read, httpx.Response(200, json={"data": CONFIRMED}))
    found = ods.get_scope("OSCOPE-26-000009")
    assert found.etag == '"abc"'
    assert ods.confirm_scope(found.id, confirm=True, if_match=found.etag).etag is None
    assert play.asked[1].headers["if-match"] == '"abc"'


def test_without_one_none_is_sent(played: Make) -> None:
    ods, play = played(httpx.Response(200, json={"data": CONFIRMED}))
    ods.confirm_scope("OSCOPE-26-000009", confirm=True)
    assert "if-match" not in play.asked[0].headers


def test_the_refusal_has_the_etag_of_the_present_state(played: Make) -> None:
    ods, _ = played(problem(412, "precondition_failed", etag='"new"'), problem(412, "precondition_failed", etag=None))
    for told in ('"new"', None):
        with pytest.raises(c.ChangedMeanwhile) as caught:
            ods.confirm_scope("OSCOPE-26-000009", confirm=True, if_match='"old"')
        assert caught.value.etag == told


@pytest.mark.server
def test_a_decision_on_what_was_decided_meanwhile_is_refused(server: StartedServer, ods: Client) -> None:
    with server.client() as api:
        walk = Engagement(api).ready()
        seen = ods.get_deliverable(walk.deliverable_ids[0])
        assert ods.get_deliverable(seen.id).etag == seen.etag, "the same as long as nothing is decided"
        walk.post(f"/deliverables/{seen.id}/accept", {"accepted": False, "rejection_reason": "Criterion 1 is not met."})
        walk.post(f"/deliverables/{seen.id}/submit", {"notes": "Again."})

        before = httpx.get(f"{server.url}/v1/events?request_id={walk.request['id']}&limit=100").json()["data"]
        with pytest.raises(c.ChangedMeanwhile) as caught:
            ods.decide_deliverable(seen.id, accepted=True, if_match=seen.etag)
        assert httpx.get(f"{server.url}/v1/events?request_id={walk.request['id']}&limit=100").json()["data"] == before
        now = ods.get_deliverable(seen.id)
        assert caught.value.etag == now.etag != seen.etag
        assert ods.decide_deliverable(seen.id, accepted=True, if_match=now.etag).status == "accepted"


@pytest.mark.server
def test_the_awaited_client_does_the_same(server: StartedServer) -> None:
    async def decide(scope_id: str) -> str:
        async with AsyncClient(server.url) as ods:
            seen = await ods.get_scope(scope_id)
            with pytest.raises(c.ChangedMeanwhile):
                await ods.confirm_scope(scope_id, confirm=True, if_match='"of another state"')
            return (await ods.confirm_scope(scope_id, confirm=True, if_match=seen.etag)).status

    with server.client() as api:
        proposed = Engagement(api).proposed().scope["id"]
    assert asyncio.run(decide(proposed)) == "active"
