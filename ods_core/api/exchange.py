"""How bodies come in and answers go out: JSON read exactly, checked before it is used, written exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ods_core.api.problems import failed, refused, unreadable
from ods_core.basics.errors import Invalid, OdsError
from ods_core.basics.jsonio import dumps, loads_strict

MAX_BODY = 1024 * 1024

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def answer(
    data: Any, status: int = 200, *, meta: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """`{"data": …}`, with `meta` for lists."""
    body = {"data": data} if meta is None else {"data": data, "meta": meta}
    return Response(dumps(body), status, headers=dict(headers or {}), media_type="application/json")


def created(data: Mapping[str, Any], collection: str) -> Response:
    """201 for something new, with its `Location`."""
    return answer(data, 201, headers={"Location": f"/v1/capabilities/ods/{collection}/{data['id']}"})


class ExactRequest(Request):
    """A request whose body has a bound, and whose JSON keeps every digit and names what is wrong with it."""

    async def body(self) -> bytes:
        """The body, of at most 1 MiB; what is over that is not read."""
        if not hasattr(self, "_whole"):
            self._whole = await self._read()
        return self._whole

    async def _read(self) -> bytes:
        chunks = bytearray()
        async for chunk in self.stream():
            chunks += chunk
            if len(chunks) > MAX_BODY:
                raise HTTPException(413)
        return bytes(chunks)

    async def json(self) -> Any:
        """The body as Python values, numbers with a fraction as `Decimal`."""
        try:
            return loads_strict(await self.body())
        except json.JSONDecodeError as error:
            raise unreadable(f"the body is not JSON: {error.msg} at character {error.pos}") from None
        except (ValueError, RecursionError) as error:
            raise unreadable(f"the body is not usable JSON: {error}") from None


class ExactRoute(APIRoute):
    """A route that reads exactly, refuses what it does not know, and never lets an exception out."""

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()
        known = _query_names(self)
        takes_body = self.body_field is not None

        async def handler(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            try:
                _refuse_unknown_parameters(exact, known)
                if takes_body:
                    await _refuse_other_media(exact)
                return await original(exact)
            except OdsError as error:
                return refused(error)
            except (HTTPException, RequestValidationError):
                raise
            except Exception as error:
                return failed(error)

        return handler


def _query_names(route: APIRoute) -> frozenset[str]:
    return frozenset(field.alias for field in route.dependant.query_params)


def _refuse_unknown_parameters(request: Request, known: frozenset[str]) -> None:
    for name in request.query_params:
        if name not in known:
            expected = f"; known here: {', '.join(sorted(known))}" if known else ""
            raise Invalid.at(f"/{name[:100]}", f"unknown query parameter{expected}")


async def _refuse_other_media(request: Request) -> None:
    if not await request.body():
        return
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise HTTPException(415, f"expected a body of type application/json, not {media or 'none'}")
