"""Who may talk to a server that asks nobody to sign in: this machine, and no page of another origin.

Without sign-in pages and API are open to whoever reaches them, so they must not be reached by a browser that was sent
here from elsewhere: by a form, a script or a frame of another origin, or by a foreign name that was made to point at
this machine. And however the server was started, it answers to this machine's own addresses alone.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ods_core.api.problems import problem

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_POLICY_VIOLATION = 1008


class LocalOnly:
    """Refuses an API other machines, a foreign `Host` and a foreign `Origin`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await _refuse(refusal, scope, receive, send)


class LocalPages:
    """Refuses the pages, and the socket they live on, what `LocalOnly` refuses an API.

    A link of another site may lead to a page: by itself that changes nothing, and the page then speaks for itself.

    Args:
        api: where the API hangs, which has a guard of its own.
    """

    def __init__(self, app: ASGIApp, api: str) -> None:
        self.app, self.api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mine = scope["type"] in ("http", "websocket") and not f"{scope['path']}/".startswith(f"{self.api}/")
        refusal = _refusal(scope, links=True) if mine else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await _refuse(refusal, scope, receive, send)


class Unframed:
    """Forbids other sites to show a page inside of theirs, where a click could be meant for something else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_forbidding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
                headers.setdefault("X-Frame-Options", "SAMEORIGIN")
            await send(message)

        await self.app(scope, receive, send_forbidding if scope["type"] == "http" else send)


async def _refuse(refusal: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal[:100]})
        return
    await problem(403, "foreign_origin", refusal)(scope, receive, send)


def is_loopback(address: str) -> bool:
    """Whether an address or name is this machine's own, which no other machine can reach."""
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False


def _refusal(scope: Scope, *, links: bool = False) -> str | None:
    """Why a request is refused, None if it is not; with `links` a link of another site may lead here."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not is_loopback((scope.get("client") or ("127.0.0.1", 0))[0]):
        return "this server answers to its own machine alone: no sign-in is configured"
    if _name(f"//{host}") not in LOOPBACK_NAMES:
        return f"this server answers to localhost, not to {host[:100]!r}: no sign-in is configured"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return f"a page of {origin[:100]!r} may not use this server: no sign-in is configured"
    elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site") and origin is None
    if elsewhere and not (links and _is_link(scope, headers)):
        return "a page of another site may not use this server: no sign-in is configured"
    return None


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether a whole page is asked for, to be shown in a window of its own."""
    wanted = (scope.get("method"), headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return wanted == ("GET", "navigate", "document")


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
