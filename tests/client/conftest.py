"""A started server, and transports that stand in for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ods_core.client import Client, Retry
from tests.api.conftest import server

__all__ = ["QUICK", "Played", "problem", "server"]

QUICK = Retry(attempts=4, wait_initial=0.001, wait_max=2.0)

Answer = httpx.Response | Exception


class Played:
    """A transport that gives one answer after the other, and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()
        self.transport = httpx.MockTransport(self._next)

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def played() -> Iterator[Callable[..., tuple[Client, Played]]]:
    """Makes a client whose server gives these answers, one after the other."""
    clients = []

    def make(*answers: Answer, **options: Any) -> tuple[Client, Played]:
        play = Played(*answers)
        client = Client("http://ods.test", retry=QUICK, transport=play.transport, **options)
        clients.append(client)
        return client, play

    yield make
    for client in clients:
        client.close()


def problem(status: int, code: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    """A refusal as the server writes it."""
    body = {"type": f"urn:ods:problem:{code}", "title": "No", "status": status, "detail": "Because.", "code": code}
    body |= {"request_id": "r-1"} | more
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"} | (headers or {}))
