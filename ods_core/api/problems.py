"""Refusals as RFC 9457 answers: `application/problem+json`, the same shape for whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ods_core.api.tracing import request_id
from ods_core.basics.errors import Invalid, OdsError
from ods_core.basics.jsonio import dumps

log = logging.getLogger("ods.api")

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:ods:problem:"

CODES = {
    400: "unreadable_body",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """One refusal; `more` are members of its own, such as `current_state` or `errors`."""
    body = {
        "type": TYPE_BASE + code,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
        **more,
    }
    return Response(dumps(body), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def refused(error: OdsError) -> Response:
    """The answer for one of our own refusals."""
    if isinstance(error, Invalid):
        errors = [p.as_json() for p in error.problems]
        return problem(error.status, error.code, error.detail, title=error.title, errors=errors)
    return problem(error.status, error.code, error.detail, title=error.title, headers=_headers(error), **error.extra)


def _headers(error: OdsError) -> dict[str, str]:
    """What a refusal says to programs that read no body: how to sign in, when to come again."""
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(error.extra["retry_after"])} if "retry_after" in error.extra else {}


def failed(error: Exception) -> Response:
    """The answer for a defect of ours: nothing of its inside, and a request id under which the log has all of it."""
    log.error("unexpected error in request %s", request_id(), exc_info=error)
    return problem(500, "internal_error", "an unexpected error; nothing was changed", title="Internal error")


def unreadable(detail: str) -> HTTPException:
    """A body that is not JSON."""
    return HTTPException(400, detail)


async def on_http_error(request: Request, error: Exception) -> Response:
    """The answer for what the framework refuses."""
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "error")
    return problem(error.status_code, code, _http_detail(request, error), headers=error.headers)


def _http_detail(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path}"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return f"{request.method} is not for {request.url.path}; allowed: {allowed}"
    if error.status_code == 413:
        return "the body is over 1 MiB (1,048,576 bytes)"
    return str(error.detail)


async def on_bad_values(request: Request, error: Exception) -> Response:
    """The answer for a body or a parameter that does not have its shape."""
    assert isinstance(error, RequestValidationError)
    problems = [_as_problem(e) for e in error.errors()]
    detail = "; ".join(f"{p['pointer'] or '/'}: {p['detail']}" for p in problems[:5])
    return problem(422, "invalid", detail, title=Invalid.title, errors=problems[:100])


def _as_problem(error: Mapping[str, Any]) -> dict[str, Any]:
    place, *path = error["loc"]
    where = {} if place == "body" else {"in": str(place)}
    return {"pointer": pointer(path), **where, "detail": _explained(error)}


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


_WORDS = {
    "missing": "expected a value; it is required",
    "extra_forbidden": "unknown field",
    "string_type": "expected a text",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "model_attributes_type": "expected a JSON object",
}


_BOUNDS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}


def _explained(error: Mapping[str, Any]) -> str:
    """A validation error in the words of this API."""
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind in _BOUNDS:
        word, name = _BOUNDS[kind]
        return f"expected {word} {context[name]}"
    if kind in ("enum", "literal_error"):
        return f"expected {context['expected']}"
    text = str(error["msg"])
    return _WORDS.get(kind) or text[:1].lower() + text[1:].replace("Input should be", "expected")


def install(app: FastAPI) -> None:
    """Let every refusal of this application be a problem answer."""
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_bad_values)
