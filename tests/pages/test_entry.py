"""A page's own address: the document says where the server is, so that nothing is asked for in vain."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ods_core.ui.entry import entries
from ods_core.ui.places import PLACES

BROWSER = TestClient(Starlette(routes=entries()))


@pytest.mark.parametrize("path", sorted(place.url_path for place in PLACES.values() if place.url_path))
def test_the_document_says_where_the_server_is(path: str) -> None:
    answer = BROWSER.get(f"/{path}?as=executive")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    head = answer.text.split("<script", 2)
    assert "window.__streamlit={BACKEND_BASE_URL:" in head[1], "before Streamlit's own script, which reads it once"
    assert '<div id="root">' in answer.text


def test_the_first_page_is_streamlits_own() -> None:
    assert BROWSER.get("/").status_code == 404
