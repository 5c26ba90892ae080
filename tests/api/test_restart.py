"""What was acknowledged is there after a stop and a start, and after a kill."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Engagement
from tests.databases import duckdb_only
from tests.started import ODS, StartedServer

pytestmark = pytest.mark.server

COLLECTIONS = ("requests", "scopes", "cycles", "deliverables", "service-lines", "payments")


def everything(server: StartedServer) -> dict[str, Any]:
    """All that the API shows, by collection."""
    shown = {}
    for path in (*(f"{ODS}/{name}" for name in COLLECTIONS), "/v1/events"):
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = httpx.get(server.url + path, params={"limit": 100, **cursor}, timeout=30).json()
            rows += page["data"]
            if not page["meta"]["has_more"]:
                break
            cursor = {"cursor": page["meta"]["cursor"]}
        shown[path] = rows
    return shown


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, signal.SIGKILL] if os.environ.get("ODS_TEST_FULL") else [signal.SIGKILL]
)
def test_everything_is_there_after_the_server_is_stopped_and_started_again(tmp_path: Path, how: signal.Signals) -> None:
    server = StartedServer(tmp_path).start()
    try:
        with server.client() as api:
            Engagement(api).ready()
            Engagement(api).proposed()
            walk = Engagement(api).ready()
            walk.post(f"/deliverables/{walk.deliverable_ids[0]}/accept", {"accepted": True})
        before = everything(server)
        server.stop(how)
        server.start()
        after = everything(server)
        assert after == before
        assert len(after["/v1/events"]) > 30

        with server.client() as api:
            later = Engagement(api).submitted().request["id"]
        assert later not in {r["id"] for r in before[f"{ODS}/requests"]}
    finally:
        server.stop()


@duckdb_only
def test_a_second_server_on_the_same_file_says_who_holds_it(tmp_path: Path, server: StartedServer) -> None:
    second = StartedServer(tmp_path, ODS_DATABASE_URL=server.environment["ODS_DATABASE_URL"])
    try:
        second.start()
        answer = httpx.get(f"{second.url}{ODS}/requests", timeout=30)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "store_unavailable"
        assert "another process holds the database" in answer.json()["detail"]
    finally:
        second.stop()
