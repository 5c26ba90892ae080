"""Who calls: made out once a request, before anything of its body is read."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import Caller
from ods_core.service import runtime

LINK = Caller(Actor(ActorKind.SYSTEM, "link"), frozenset())
"""Whoever comes by a private link: may do nothing but what the link itself opens."""


async def identify(request: Request) -> Caller:
    """The caller of a request, which from then on `caller_of` knows.

    Raises:
        Unauthenticated: no good key.
        TooManyRequests: the key's or the address's share of this minute is used up.
        StoreError: the database cannot be opened.
    """
    authorization = request.headers.get("authorization")
    caller = await run_in_threadpool(lambda: runtime().access.caller(authorization, address_of(request)))
    request.scope.setdefault("state", {})["caller"] = caller
    return caller


def by_link(request: Request) -> Caller:
    """The caller of a request whose address is its own key."""
    request.scope.setdefault("state", {})["caller"] = LINK
    return LINK


def caller_of(request: Request) -> Caller:
    """The caller that `identify` made out."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


def address_of(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else "unknown"
