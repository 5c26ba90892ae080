"""What other sites can do to a server that asks nobody to sign in, through the browser of whoever uses it: nothing.

A page of another origin tries every way that a browser has to reach it, and a foreign name is made to point at this
machine, so that the browser takes the server for that site. Each is refused, and the log of events is what it was. The
same attempts of a page of the server's own succeed: it is the origin that is refused, not the attempt.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, Response

from tests.api.conftest import Engagement, request_body
from tests.browser.conftest import launched
from tests.started import ODS, StartedServer, started

pytestmark = pytest.mark.browser

FOREIGN = "evil.example"
"""Resolved to this machine by the browser, as by a name server in the hands of an attacker."""

FETCHES = """
async ({target, requests, body}) => {
  const json = {"content-type": "application/json"};
  const text = {"content-type": "text/plain"};
  const ways = {
    "read": {},
    "read unseen": {mode: "no-cors"},
    "read with cookies": {credentials: "include"},
    "post plain": {method: "POST", headers: text, body},
    "post plain unseen": {method: "POST", mode: "no-cors", headers: text, body},
    "post JSON": {method: "POST", headers: json, body},
    "post with a key": {method: "POST", headers: {...json, "Idempotency-Key": "k"}, body},
    "delete": {method: "DELETE"},
  };
  const told = {};
  for (const [name, how] of Object.entries(ways)) {
    try {
      const answer = await fetch(target + requests, how);
      told[name] = answer.type === "opaque" ? "unseen" : answer.status;
    } catch { told[name] = "failed"; }
  }
  told["beacon"] = navigator.sendBeacon(target + requests, new Blob([body], {type: "text/plain"})) ? "sent" : "failed";
  return told;
}
"""
"""Every kind of request that a script can make, one after the other, and what it is told."""

FORMS = """
async ({target, requests, body}) => {
  for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    const frame = document.createElement("iframe");
    frame.name = "f" + Math.random();
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, {action: target + requests, method: "POST", enctype, target: frame.name});
    const field = document.createElement("input");
    // As text this is JSON, with the `=` of a form within a value.
    field.name = body.slice(0, -1) + ', "subscription_id": "';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    const done = new Promise((loaded) => frame.addEventListener("load", loaded));
    form.submit();
    await done;
  }
}
"""

SOCKET = """
(address) => new Promise((told) => {
  const socket = new WebSocket(address, ["streamlit"]);
  socket.onopen = () => { socket.close(); told("open"); };
  socket.onerror = () => told("refused");
})
"""

STREAM = """
(address) => new Promise((told) => {
  const stream = new EventSource(address);
  stream.onopen = () => { stream.close(); told("open"); };
  stream.onerror = () => { stream.close(); told("refused"); };
})
"""

FRAME = """
(address) => new Promise((told) => {
  const frame = document.createElement("iframe");
  frame.addEventListener("load", told);
  frame.src = address;
  document.body.append(frame);
})
"""


class Elsewhere(BaseHTTPRequestHandler):
    """The other site: an empty page at every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title><body></body>")

    def log_message(self, *_: Any) -> None:
        """Not told."""


@dataclass
class Watch:
    """What a page was answered by the server that is meant, by method."""

    target: str
    answers: list[tuple[str, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def on(self, page: Page) -> Watch:
        """Watch a page from now on."""
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        return self

    def _answered(self, answer: Response) -> None:
        if answer.url.startswith(self.target):
            self.answers.append((answer.request.method, answer.status))

    def _failed(self, request: Request) -> None:
        if request.url.startswith(self.target):
            self.failures.append(request.method)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched(f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """With something in it that could be read or decided."""
    with started(tmp_path_factory.mktemp("other-sites")) as running:
        with running.client() as api:
            Engagement(api).proposed()
        yield running


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of the other site."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site.server_port
    site.shutdown()
    site.server_close()


def written(server: StartedServer) -> list[dict[str, Any]]:
    """Everything that ever happened there."""
    told: list[dict[str, Any]] = httpx.get(f"{server.url}/v1/events?limit=100", timeout=30).json()["data"]
    return told


def asked(server: StartedServer, **target: str) -> dict[str, str]:
    """What the scripts are given."""
    with server.client() as api:
        body = api.build_request("POST", "/requests", json=request_body(subscription_id=None)).content.decode()
    body = body.replace('"subscription_id":null,', "")
    return {"target": server.url, "requests": f"{ODS}/requests", "body": body} | target


def attempts(page: Page, server: StartedServer) -> dict[str, Any]:
    """Try everything from where the page is."""
    given = asked(server)
    told = page.evaluate(FETCHES, given)
    page.evaluate(FORMS, given)
    socket = server.url.replace("http", "ws") + "/_stcore/stream"
    told["socket"] = page.evaluate(SOCKET, socket)
    told["stream"] = page.evaluate(STREAM, f"{server.url}/v1/events")
    page.evaluate(FRAME, f"{server.url}/requests")
    return dict(told)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", FOREIGN])
def test_a_page_of_another_origin_gets_nowhere(page: Page, server: StartedServer, elsewhere: int, name: str) -> None:
    before, watch = written(server), Watch(server.url).on(page)
    page.goto(f"http://{name}:{elsewhere}/")
    told = attempts(page, server)

    # What it is not told it could not use; what it may not see was refused all the same.
    assert {way: what for way, what in told.items() if what not in ("failed", "unseen", "refused", "sent")} == {}
    assert {status for _, status in watch.answers} == {403}
    sent = [method for method, _ in watch.answers]
    assert sent.count("POST") >= 5, "two of them unseen, and three forms"
    assert written(server) == before
    shown = [frame.url for frame in page.frames if frame.url.startswith(server.url)]
    assert "Create request" not in "".join(frame.content() for frame in page.frames), shown


def test_a_form_may_not_take_the_whole_window_there_either(page: Page, server: StartedServer, elsewhere: int) -> None:
    before, given = written(server), asked(server)
    page.goto(f"http://{FOREIGN}:{elsewhere}/")
    with page.expect_navigation() as navigation:
        page.evaluate(FORMS.replace(", target: frame.name", "").replace("await done;", "return;"), given)
    assert navigation.value.status == 403
    assert written(server) == before


def test_a_link_of_another_site_may_lead_here(page: Page, server: StartedServer, elsewhere: int) -> None:
    page.goto(f"http://{FOREIGN}:{elsewhere}/")
    with page.expect_navigation(url=f"{server.url}/**") as navigation:
        page.evaluate("(address) => { location.href = address; }", f"{server.url}/requests")
    assert navigation.value.status == 200


def test_a_foreign_name_for_this_machine_gets_nowhere(page: Page, server: StartedServer) -> None:
    """DNS rebinding: for the browser everything is of one origin, and the server is reached under the foreign name."""
    foreign = f"http://{FOREIGN}:{server.port}"
    before, watch = written(server), Watch(foreign).on(page)
    for path in ("/", "/requests", "/v1/docs", f"/v1{'/capabilities/ods'}/requests", "/v1/events", "/_stcore/health"):
        answer = page.goto(foreign + path)
        assert answer is not None
        assert answer.status == 403, path
        assert answer.json()["code"] == "foreign_origin"
    told = page.evaluate(FETCHES, asked(server, target=foreign))
    page.evaluate(FORMS, asked(server, target=foreign))
    assert {way: what for way, what in told.items() if what not in (403, "sent")} == {}
    assert page.evaluate(SOCKET, f"ws://{FOREIGN}:{server.port}/_stcore/stream") == "refused"
    assert page.evaluate(STREAM, f"{foreign}/v1/events") == "refused"
    assert {status for _, status in watch.answers} == {403}
    assert written(server) == before


def test_the_same_attempts_of_a_page_of_the_server_succeed(page: Page, server: StartedServer) -> None:
    before = len(written(server))
    page.goto(f"{server.url}/v1/docs")
    told = attempts(page, server)
    assert (told["read"], told["post JSON"], told["socket"]) == (200, 201, "open")
    assert len(written(server)) > before


def test_no_other_site_may_show_a_page_in_a_frame(server: StartedServer) -> None:
    for path in ("/", "/v1/docs"):
        headers = httpx.get(server.url + path, timeout=30).headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-frame-options"] == "SAMEORIGIN"
