"""Who may talk to an API that asks for no key: this machine, and no page of another origin.

Without sign-in the API is open to whoever reaches it, so it must not be reached by a browser that was sent here from
elsewhere: by a form or script of another origin, or by a foreign name that was made to point at this machine. And
however the server was started, it answers to this machine's own addresses alone.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ods_core.api.problems import problem

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class LocalOnly:
    """Refuses other machines, a foreign `Host` and a foreign `Origin`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await problem(403, "foreign_origin", refusal)(scope, receive, send)


def is_loopback(address: str) -> bool:
    """Whether an address or name is this machine's own, which no other machine can reach."""
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False


def _refusal(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not is_loopback((scope.get("client") or ("127.0.0.1", 0))[0]):
        return "this server answers to its own machine alone: no sign-in is configured"
    if _name(f"//{host}") not in LOOPBACK_NAMES:
        return f"this server answers to localhost, not to {host[:100]!r}: no sign-in is configured"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return f"a page of {origin[:100]!r} may not use this API: no sign-in is configured"
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and origin is None:
        return "a page of another site may not use this API: no sign-in is configured"
    return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
