"""What every route needs: the runtime, the caller, and how its answers are described."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from ods_core.api.exchange import ExactRoute
from ods_core.api.problems import MEDIA_TYPE
from ods_core.api.shapes import Data, Listed, Problem
from ods_core.basics.roles import LOCAL, Caller
from ods_core.service import Runtime, runtime

BASE = "/capabilities/ods"


def local_caller() -> Caller:
    """Who asks: without sign-in, this machine's own user."""
    return LOCAL


Running = Annotated[Runtime, Depends(runtime)]
Asking = Annotated[Caller, Depends(local_caller)]
Limit = Annotated[int, Query(ge=1, le=100, description="Rows of a page")]
Cursor = Annotated[str | None, Query(description="The `cursor` of the page before")]

_WHY = {
    400: "The body is not JSON",
    404: "No such thing for this caller",
    409: "Not allowed in this state; `current_state` says which",
    413: "A body over 1 MiB",
    415: "A body that is not application/json",
    422: "Values that cannot be right; `errors` names each place",
}


def router(tag: str) -> APIRouter:
    """A router of the ODS capability."""
    return APIRouter(prefix=BASE, tags=[tag], route_class=ExactRoute)


def one(shape: type[BaseModel], *, status: int = 200, refusals: tuple[int, ...] = (404,)) -> dict[int | str, Any]:
    """How an answer with one thing, and its refusals, are described."""
    return {status: {"model": Data[shape]}} | _refusals(refusals)  # type: ignore[valid-type]


def many(shape: type[BaseModel], refusals: tuple[int, ...] = ()) -> dict[int | str, Any]:
    """How a page of a list is described."""
    return {200: {"model": Listed[shape]}} | _refusals(refusals)  # type: ignore[valid-type]


COMMAND = (400, 404, 409, 413, 415)


def _refusals(statuses: tuple[int, ...]) -> dict[int | str, Any]:
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")}}
    return {status: {"description": _WHY[status], "content": content} for status in (*statuses, 422)}
