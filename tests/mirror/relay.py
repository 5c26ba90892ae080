"""Stands between a mirror and the server that it follows: lets only some calls through, and cuts connections."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from ods_core.basics.jsonio import dumps, loads

ODS = "/v1/capabilities/ods"
SEVEN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"POST {ODS}/requests",
        rf"GET {ODS}/requests/[^/]+",
        rf"(GET|POST) {ODS}/scopes/[^/.]+",
        rf"GET {ODS}/cycles/[^/]+",
        rf"GET {ODS}/deliverables",
        rf"POST {ODS}/deliverables/[^/]+/accept",
    )
)
"""The seven calls of the published contract."""

SEED_FIELDS: dict[str, set[str]] = {
    "requests": {"id", "status", "title", "created_at", "scope_id", "scope_summary"},
    "scopes": {
        "id", "request_id", "status", "title", "deliverables", "cycles", "fixed_price", "currency", "timeline_weeks",
        "payment_terms", "scope_id", "service_line_id", "cycle_id", "payment_due",
    },
    "cycles": {
        "id", "scope_id", "service_line_id", "status", "planned_start", "planned_end", "deliverables",
    },
    "deliverables": {"id", "title", "status", "description", "acceptance_criteria"},
}  # fmt: skip
"""What the published contract shows of each."""
INNER_FIELDS: dict[str, dict[str, set[str]]] = {
    "scopes": {
        "deliverables": {"id", "title", "description", "acceptance_criteria"},
        "cycles": {"id", "name", "planned_start", "planned_end", "deliverable_ids"},
    },
    "cycles": {"deliverables": {"id", "title", "status", "submitted_at"}},
}
"""And of what they list."""


def seven_calls(call: str) -> bool:
    """Whether a call (`GET /path`) is one of the published contract."""
    return any(pattern.fullmatch(call) for pattern in SEVEN)


def stripped(path: str, answer: httpx.Response) -> httpx.Response:
    """An answer with the published fields alone; money stays as it was written."""
    kind = path.removeprefix(ODS).strip("/").split("/")[0].split("?")[0]
    data = loads(answer.content)["data"]
    kept = [_only(one, SEED_FIELDS[kind]) for one in data] if isinstance(data, list) else _only(data, SEED_FIELDS[kind])
    if isinstance(kept, dict):
        for name, fields in INNER_FIELDS.get(kind, {}).items():
            kept[name] = [_only(one, fields) for one in kept.get(name, [])]
            if not kept[name]:
                del kept[name]
    return httpx.Response(answer.status_code, content=dumps({"data": kept}))


def _only(thing: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name in fields}


class Relay:
    """A relay to a server, at an address of its own.

    `lets_through(call)` decides by verb and path, everything else is 404; `cuts` is the share of calls whose
    connection breaks: before the server hears of it, after, or in the middle of the answer. `bare` leaves only the
    published fields in answers.
    """

    def __init__(self, target: str, seed: int = 1) -> None:
        self.target = target
        self.lets_through: Callable[[str], bool] = lambda call: True
        self.cuts = 0.0
        self.bare = False
        self.calls: list[str] = []
        self.cut = 0
        self._random, self._lock = random.Random(seed), threading.Lock()
        self._http = httpx.Client(base_url=target, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Let nothing through any more."""
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    def break_here(self) -> int | None:
        """Where the present call breaks: 0 before, 1 after, 2 within the answer; None: nowhere."""
        with self._lock:
            if self._random.random() >= self.cuts:
                return None
            self.cut += 1
            return self._random.randrange(3)

    def passed_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """What the server answers, or that there is no such call."""
        call = f"{method} {path.partition('?')[0]}"
        with self._lock:
            self.calls.append(call)
        if not self.lets_through(call):
            return httpx.Response(404, json={"code": "not_found", "detail": "no such call"})
        kept = {name: value for name, value in headers.items() if name.lower() in KEPT}
        answer = self._http.request(method, path, content=body or None, headers=kept)
        return stripped(path, answer) if self.bare and answer.is_success else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                where = relay.break_here()
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if where == 0:
                    return self.break_off()
                answer = relay.passed_on(self.command, self.path, body, dict(self.headers))
                if where == 1:
                    return self.break_off()
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", "application/json"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                if where == 2:
                    self.wfile.write(answer.content[: len(answer.content) // 2])
                    return self.break_off()
                self.wfile.write(answer.content)
                return None

            do_POST = do_GET

            def break_off(self) -> None:
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


KEPT = frozenset({"content-type", "accept", "authorization", "idempotency-key", "user-agent"})
