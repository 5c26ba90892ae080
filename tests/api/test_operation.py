"""What those who run the server rely on: health, figures, logs without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ods_core.basics.logs import masked
from tests.api.conftest import Engagement
from tests.started import ODS, StartedServer, started

pytestmark = pytest.mark.server


def figures(server: StartedServer, **headers: str) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels."""
    answer = httpx.get(f"{server.url}/v1/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_a_server_that_serves_says_so(server: StartedServer) -> None:
    answer = httpx.get(f"{server.url}/v1/health", timeout=30)
    assert answer.status_code == 200
    told = answer.json()["data"]
    assert (told["live"], told["ready"], told["database"]) == (True, True, "answers")


def test_a_server_without_a_database_lives_and_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    url = f"duckdb:///{tmp_path / 'file' / 'below.duckdb'}"
    with started(tmp_path, ODS_DATABASE_URL=url) as server:
        answer = httpx.get(f"{server.url}/v1/health", timeout=30)
        assert (answer.status_code, answer.json()["data"]["live"], answer.json()["data"]["ready"]) == (503, True, False)


def test_calls_are_counted_by_their_route(server: StartedServer, api: httpx.Client, engagement: Engagement) -> None:
    counted = ("ods_http_requests_total", "GET", "/capabilities/ods/requests/{id}", "200")
    before = figures(server).get(counted, 0)
    id = engagement.submitted().request["id"]
    for _ in range(3):
        api.get(f"/requests/{id}")
    after = figures(server)
    assert after[counted] == before + 3
    assert after["ods_last_event_sequence",] >= 1
    assert not [name for name in after if id in str(name)], "no series for a single thing"


def test_who_asks_through_a_proxy_is_who_asks_the_proxy(server: StartedServer) -> None:
    """Or else everybody behind it would share one address' limit, and count as of this machine."""
    told = {"X-Forwarded-For": "203.0.113.9"}
    assert httpx.get(f"{server.url}{ODS}/requests", timeout=30).status_code == 200
    answer = httpx.get(f"{server.url}{ODS}/requests", headers=told, timeout=30)
    assert answer.status_code == 403, "without sign-in, this machine alone is answered"


def test_figures_are_not_for_everybody_once_there_are_keys(tmp_path: Path) -> None:
    with started(tmp_path) as server, server.client() as api:
        keys = {}
        first = api.post("/keys", json={"name": "a", "roles": ["admin"]}).json()["data"]["key"]
        for name, body in (
            ("ours", {"roles": ["viewer"]}),
            ("theirs", {"roles": ["viewer", "admin"], "organization_id": "ORG-26-000001"}),
        ):
            headers = {"Authorization": f"Bearer {first}"}
            keys[name] = api.post("/keys", json={"name": name} | body, headers=headers).json()["data"]["key"]
        url = f"{server.url}/v1/metrics"
        assert httpx.get(url, timeout=30).status_code == 401
        assert httpx.get(url, timeout=30, headers={"Authorization": f"Bearer {keys['theirs']}"}).status_code == 403
        assert httpx.get(url, timeout=30, headers={"Authorization": f"Bearer {keys['ours']}"}).status_code == 200
        assert httpx.get(f"{server.url}/v1/health", timeout=30).status_code == 200


def test_logs_tell_of_each_call_and_hold_no_secret(tmp_path: Path) -> None:
    with started(tmp_path, ODS_LOG_FORMAT="json") as server, server.client() as api:
        made = api.post("/keys", json={"name": "Jane Roe's", "roles": ["viewer"]}, headers={"X-Request-Id": "r-1"})
        key = made.json()["data"]["key"]
        api.get("/requests", headers={"Authorization": f"Bearer {key}"})
        api.get("/requests", headers={"Authorization": f"Bearer {key[:-1]}"})
        server.stop()
        lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    calls = [line for line in lines if line["event"] == "call" and line["route"].endswith(("/keys", "/requests"))]
    assert [(c["method"], c["status"]) for c in calls] == [("POST", 201), ("GET", 200), ("GET", 401)]
    assert calls[0]["request_id"] == "r-1"
    assert calls[1]["actor"] == made.json()["data"]["id"]
    written = server.log()
    assert key.split("_", 2)[2] not in written
    assert "Jane Roe" not in written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key ods_0123456789abcdef_" + "x" * 43 + " was", "key ods_0123456789abcdef_… was"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret whsec_…"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer …"),
        ("postgresql+psycopg://ods:hunter2@db/ods", "postgresql+psycopg://ods:…@db/ods"),
        ("GET /calendar/AbCdEfGhIjKl.ics", "GET /calendar/….ics"),
        ("nothing to hide: 7.750,00 at 10:00", "nothing to hide: 7.750,00 at 10:00"),
    ],
)
def test_what_opens_a_door_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
