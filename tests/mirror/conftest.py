"""A server that is followed, in this process: its runtime, its API behind a transport that can be cut, a follower."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from ods_core.api import build
from ods_core.basics.clock import MovingClock
from ods_core.client import Client, Retry
from ods_core.lifecycle import Policy
from ods_core.mirror import Follower, Remote
from ods_core.service import Runtime, Service, using
from ods_core.service.mirrored import MirroredService
from ods_core.store import Store
from tests.databases import memory_url
from tests.mirror.relay import seven_calls, stripped
from tests.queries.history import Teller

URL = "http://127.0.0.1:8501"


@cache
def served() -> Starlette:
    """The API where a server has it."""
    return Starlette(routes=[Mount("/v1", app=build())])


@dataclass
class Line(httpx.BaseTransport):
    """The way to the server in this process.

    `lets_through` decides which calls there are, `bare` leaves the published fields of their answers. The calls whose
    number stands in `cuts` break after the server has answered, the answer lost; while `is_down`, all of them do before
    it hears of them.
    """

    lets_through: Callable[[str], bool] = lambda call: True
    cuts: set[int] = field(default_factory=set)
    is_down: bool = False
    bare: bool = False
    running: Runtime | None = None
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = httpx.ASGITransport(served(), client=("127.0.0.1", 50_000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            raise httpx.ConnectError("nobody answers")
        call = f"{request.method} {request.url.path}"
        self.calls.append(call)
        if not self.lets_through(call):
            return httpx.Response(404, json={"code": "not_found", "detail": "no such call"})
        # The pages of a test may be those of the server that follows; the API is always the other one's.
        with using(self.running) if self.running else nullcontext():
            answer = asyncio.run(self._answer(request))
        if len(self.calls) in self.cuts:
            raise httpx.RemoteProtocolError("the connection was cut")
        return stripped(request.url.path, answer) if self.bare and answer.is_success else answer

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        inner = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self.server.handle_async_request(inner)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


@dataclass
class Pair:
    """The server that is followed (`running`, `service`), and the one that follows it."""

    running: Runtime
    line: Line
    store: Store
    follower: Follower
    commands: MirroredService

    @property
    def service(self) -> Service:
        """The commands, given at the server that is followed."""
        return self.running.service

    def only_seven(self) -> None:
        """Leave the server the seven calls of the published contract."""
        self.line.lets_through = seven_calls

    def everything(self) -> None:
        """Let the server answer all calls."""
        self.line.lets_through = lambda call: True


def follow(store: Store, line: Line, clock: MovingClock) -> Follower:
    """A follower that tries nothing twice, so that a test decides what breaks."""
    return Follower(store, Remote(Client(URL, retry=Retry(attempts=1), transport=line), URL), clock, 1)


@pytest.fixture
def pair(running: Runtime, clock: MovingClock) -> Iterator[Pair]:
    """Two servers in this process, both empty."""
    line = Line(running=running)
    store = Store(memory_url(), clock)
    follower = follow(store, line, clock)
    yield Pair(running, line, store, follower, MirroredService(store, clock, Policy(), follower))
    follower.stop()
    store.close()


@pytest.fixture
def teller(service: Service, clock: MovingClock) -> Teller:
    """Commands at moments, at the server that is followed."""
    return Teller(service, clock)
