"""What every route needs: the runtime, the caller, and how its answers are described."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from ods_core.api.callers import caller_of
from ods_core.api.exchange import ExactRoute, LinkRoute
from ods_core.api.problems import MEDIA_TYPE
from ods_core.api.shapes import Data, Listed, Problem
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

_WHY = {
    400: "The body is not JSON",
    401: "No key, or none that is good",
    403: "Not for the roles of this caller",
    404: "No such thing for this caller",
    409: "Not allowed in this state; `current_state` says which",
    412: "What `If-Match` names is not the present state",
    413: "A body over 1 MiB",
    415: "A body that is not application/json",
    422: "Values that cannot be right; `errors` names each place",
    429: "More requests than a key or an address has a minute; `Retry-After` says when to come again",
    503: "The database cannot be used",
}


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


COMMAND = (400, 403, 404, 409, 412, 413, 415)
ALWAYS = (401, 422, 429, 503)


def refused_with(statuses: tuple[int, ...]) -> dict[int | str, Any]:
    """How these refusals, and those that every call can have, are described."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")}}
    return {status: {"description": _WHY[status], "content": content} for status in sorted({*statuses, *ALWAYS})}
