"""What every route needs: the runtime, the caller, and how its answers are described."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from ods_core.api.callers import caller_of
from ods_core.api.exchange import ExactRoute, LinkRoute
from ods_core.api.refusals import refused_with
from ods_core.api.shapes import Data, Listed
from ods_core.basics.roles import Caller
from ods_core.service import Runtime, runtime

BASE = "/capabilities/ods"


_bearer = HTTPBearer(auto_error=False, description="An API key: `ods_…`. Not asked for until one was made here.")
"""For the description of the API alone; `identify` has read the header by then."""


def asking(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None) -> Caller:
    """Who asks."""
    return caller_of(request)


Running = Annotated[Runtime, Depends(runtime)]
Asking = Annotated[Caller, Depends(asking)]
Limit = Annotated[int, Query(ge=1, le=100, description="Rows of a page")]
Cursor = Annotated[str | None, Query(description="The `cursor` of the page before")]


def router(tag: str) -> APIRouter:
    """A router of the ODS capability."""
    return APIRouter(prefix=BASE, tags=[tag], route_class=ExactRoute)


def links(tag: str) -> APIRouter:
    """A router of what private links open."""
    return APIRouter(prefix=BASE, tags=[tag], route_class=LinkRoute)


def one(shape: type[BaseModel], *, status: int = 200, refusals: tuple[int, ...] = (404,)) -> dict[int | str, Any]:
    """How an answer with one thing, and its refusals, are described."""
    return {status: {"model": Data[shape]}} | refused_with(refusals)  # type: ignore[valid-type]


def many(shape: type[BaseModel], refusals: tuple[int, ...] = ()) -> dict[int | str, Any]:
    """How a page of a list is described."""
    return {200: {"model": Listed[shape]}} | refused_with(refusals)  # type: ignore[valid-type]
