"""The document that a browser opens at a page's own address."""

from __future__ import annotations

from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ods_core.ui.places import PLACES

_ROOT_SAID = (
    "<script>window.__streamlit={BACKEND_BASE_URL:location.origin+location.pathname.replace(/[^/]*$/,'')}</script>"
)
"""Where the server is: the folder that the page stands in, whatever a proxy puts before it."""


def entries() -> list[Route]:
    """A route for each page that has an address of its own.

    Streamlit's document looks for its server below the page's address first, is refused, and only then above: a seventh
    of a second on each link that is opened from outside. This one says where the server is.
    """
    text = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    document = text.replace("<head>", f"<head>{_ROOT_SAID}", 1)

    async def entry(_: Request) -> HTMLResponse:
        return HTMLResponse(document, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{place.url_path}", entry) for place in PLACES.values() if place.url_path]
