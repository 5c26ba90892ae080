"""A receiver of webhooks for tests: on a port of this machine, it remembers what came and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ods_core.basics.jsonio import loads


@dataclass(frozen=True)
class Message:
    """What came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> Any:
        """The event that it tells of."""
        return loads(self.body)["data"]


@dataclass
class Reply:
    """What to answer: a status with headers, `wait` seconds later."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    body: bytes = b""


@dataclass
class Receiver:
    """What it was told to answer, and what came so far."""

    url: str
    answer: Callable[[Message], Reply]
    messages: list[Message] = field(default_factory=list)
    replies: list[tuple[Message, Reply]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, path: str | None = None) -> list[str]:
        """The ids of the messages in the order in which they came."""
        return [m.headers["webhook-id"] for m in list(self.messages) if path in (None, m.path)]

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        """Wait until so many messages came."""
        until(lambda: len(self.messages) >= count, seconds)


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds; fails when it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


@contextmanager
def receiving(answer: Callable[[Message], Reply] = lambda message: Reply()) -> Iterator[Receiver]:
    """A receiver for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = Message(self.path, headers, body, time.time())
            with receiver.lock:
                receiver.messages.append(message)
                reply = receiver.answer(message)
                receiver.replies.append((message, reply))
            time.sleep(reply.wait)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A sender that gave up is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}", answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
