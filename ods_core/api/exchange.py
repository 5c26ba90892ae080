"""How bodies come in and answers go out: JSON read exactly, checked before it is used, written exactly."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ods_core.api.callers import address_of, by_link, caller_of, identify
from ods_core.api.measuring import begin
from ods_core.api.measuring import note as measured
from ods_core.api.once import TAGGED, note, once
from ods_core.api.problems import failed, on_bad_values, on_http_error, refused, unreadable
from ods_core.api.refusals import shared
from ods_core.basics.errors import Forbidden, Invalid, OdsError
from ods_core.basics.jsonio import dumps, loads_strict
from ods_core.service import runtime

log = logging.getLogger("ods.api")

MAX_BODY = 1024 * 1024


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    schema = {"type": "string"} | schema
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": description}


IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "The same key and body gets the first answer again, for 24 hours",
    minLength=1,
    maxLength=255,
    pattern="^[!-~]+$",
)
IF_MATCH = _header("If-Match", "The `ETag` of the scope or deliverable that this is about, as its caller has seen it")
IF_NONE_MATCH = _header("If-None-Match", "The `ETag` of what its caller has already: 304 while it is still the same")
_TAGGED: dict[int | str, Any] = {
    200: {"headers": {"ETag": {"schema": {"type": "string"}, "description": "Changes with what is decided"}}},
    304: {"description": "What its caller has is the present state"},
}

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


class ShownOnce(Response):
    """An answer with a secret in it; `again` is what is kept of it for whoever sends the same once more."""

    again: bytes


def created_with_secret(data: Mapping[str, Any], collection: str, secret: str) -> Response:
    """201 for something new whose field `secret` is shown this once: kept nowhere, null when asked again."""
    response = answer_with_secret(data, secret, 201)
    response.headers["Location"] = f"/v1/capabilities/ods/{collection}/{data['id']}"
    return response


def answer_with_secret(data: Mapping[str, Any], secret: str, status: int = 200) -> Response:
    """Something whose field `secret` is shown this once: kept nowhere, null when asked again."""
    response = ShownOnce(dumps({"data": data}), status, media_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.again = dumps({"data": {**data, secret: None}})
    return response


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
    """A route that knows its caller, reads exactly, refuses what it does not know, and never lets an exception out."""

    by_link = False
    """Whether the address itself is the key."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods, own = options.get("methods") or (), options.get("responses") or {}
        writes = "POST" in methods
        described = shared(writes=writes, by_link=self.by_link) | own
        headers = []
        if writes:
            tagged = any(f"/{kind}s/{{id}}" in path for kind in TAGGED)
            headers = [IDEMPOTENCY_KEY, IF_MATCH] if tagged else [IDEMPOTENCY_KEY]
        elif "GET" in methods and path.endswith(tuple(f"/{kind}s/{{id}}" for kind in TAGGED)):
            headers = [IF_NONE_MATCH]
            described |= {status: described.get(status, {}) | told for status, told in _TAGGED.items()}
        if headers:
            options["openapi_extra"] = {"parameters": headers} | (options.get("openapi_extra") or {})
        options["responses"] = described
        super().__init__(path, once(endpoint) if writes else endpoint, **options)

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()
        known = _query_names(self)
        takes_body = self.body_field is not None

        async def handler(request: Request) -> Response:
            began = begin()
            answer = await answered(request)
            caller = request.scope.get("state", {}).get("caller")
            measured(began, request, self.path_format, answer, caller.actor.id if caller else "nobody")
            return answer

        async def answered(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            try:
                caller = by_link(exact) if self.by_link else await identify(exact)
                _refuse_unknown_parameters(exact, known)
                if takes_body:
                    await _refuse_other_media(exact)
                await note(exact, caller)
                return await original(exact)
            except OdsError as error:
                return await run_in_threadpool(_told_off, exact, error)
            except HTTPException as error:
                return await on_http_error(request, error)
            except RequestValidationError as error:
                return await on_bad_values(request, error)
            except Exception as error:
                return failed(error)

        return handler


class LinkRoute(ExactRoute):
    """What a private link opens: its address cannot be guessed, and whoever has it needs no key."""

    by_link = True


def _told_off(request: Request, error: OdsError) -> Response:
    """A refusal as an answer; what was denied to somebody known is written down."""
    if isinstance(error, Forbidden):
        caller, what = caller_of(request), f"{request.method} {request.url.path}"
        try:
            runtime().access.deny(caller.actor, caller.organization_id, what, address_of(request), error.detail)
        except OdsError:
            log.exception("could not write down that %s was denied to %s", what, caller.actor.id)
    return refused(error)


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
