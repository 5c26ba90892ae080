"""A request's id: taken from the caller or made here, in every answer, and in every line logged meanwhile."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_current: ContextVar[str] = ContextVar("ods_request_id", default="")
_SANE = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


def request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


class RequestIds:
    """Gives each request an id, and each answer the `X-Request-Id` header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        token = _current.set(id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _current.reset(token)
