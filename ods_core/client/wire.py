"""How calls go out and answers come in: JSON with every digit, refusals as errors, and when to try again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import orjson
import tenacity
from pydantic import TypeAdapter, ValidationError

from ods_core.client.calls import Call
from ods_core.client.errors import ClientError, Refused, TimedOut, Unreachable, UnreadableAnswer, refusal
from ods_core.client.models import Answer, Page

T = TypeVar("T")

BASE = "/v1/capabilities/ods"
AGAIN = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same call may succeed."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a call is tried again when nothing came back, or 429 or 5xx did.

    A command keeps its `Idempotency-Key` through all attempts, so that it has one effect. Waits double from
    `wait_initial` to `wait_max` seconds, with jitter; a `Retry-After` of the server is kept to, and one that is longer
    than `wait_max` is not waited for: the error says it. `attempts=1` tries once.
    """

    attempts: int = 5
    wait_initial: float = 0.2
    wait_max: float = 10.0

    def policy(self) -> dict[str, Any]:
        """As the arguments of tenacity's `Retrying` and `AsyncRetrying`."""
        backoff = tenacity.wait_exponential_jitter(
            multiplier=self.wait_initial, max=self.wait_max, jitter=self.wait_initial
        )

        def wait(state: tenacity.RetryCallState) -> float:
            asked = _asked_wait(state.outcome.exception() if state.outcome else None)
            return backoff(state) if asked is None else asked

        return {
            "stop": tenacity.stop_after_attempt(self.attempts),
            "wait": wait,
            "retry": tenacity.retry_if_exception(self.is_worth_it),
            "reraise": True,
        }

    def is_worth_it(self, error: BaseException) -> bool:
        """Whether the same call may succeed in a while that is worth waiting for."""
        if isinstance(error, Refused):
            return error.status in AGAIN and (error.retry_after or 0) <= self.wait_max
        return isinstance(error, Unreachable)


def _asked_wait(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, Refused) else None


def new_key() -> str:
    """An idempotency key that nobody has used."""
    return str(uuid.uuid4())


def request_of(http: httpx.Client | httpx.AsyncClient, call: Call[Any], keys: Callable[[], str]) -> httpx.Request:
    """The HTTP request of a call; made once, so that every attempt bears the same `Idempotency-Key`."""
    path = call.template.format(**{name: quote(value, safe="") for name, value in call.parts.items()})
    headers = {"Accept": "application/json, application/problem+json;q=0.9, */*;q=0.5"}
    content = None
    if call.method != "GET":
        headers["Idempotency-Key"] = call.idempotency_key or keys()
    if call.if_match is not None:
        headers["If-Match"] = call.if_match
    if call.body is not None:
        headers["Content-Type"] = "application/json"
        content = dumps(call.body)
    url = path if path.startswith("/v1/") else BASE + path
    return http.build_request(call.method, url, params=_query(call.query), content=content, headers=headers)


def answer_of(call: Call[T], response: httpx.Response) -> T:
    """What an answer says, typed.

    Raises:
        Refused: it says no.
        UnreadableAnswer: it is not of the contract.
    """
    check(response)
    where = f"{call.method} {response.request.url.path}"
    if response.status_code == 204:
        given: Any = None
    else:
        body = _json(response, where)
        if not isinstance(body, dict) or "data" not in body:
            raise UnreadableAnswer(f"{where}: an answer without `data`")
        given = body if call.whole else body["data"]
    try:
        answer: T = _adapter(call.answer).validate_python(given)
    except ValidationError as error:
        raise UnreadableAnswer(f"{where}: {_first(error)}") from None
    if isinstance(answer, Answer):
        answer.set_etag(response.headers.get("etag"))
    return answer


def check(response: httpx.Response) -> None:
    """Raise the error of an answer that is not a success; its body has been read."""
    if response.is_success:
        return
    if response.status_code < 400:
        raise UnreadableAnswer(f"{response.request.url.path}: the server answered {response.status_code}, no answer")
    try:
        problem = loads(response.content)
    except ValueError:
        problem = None
    told: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    named = {"request_id": response.headers.get("x-request-id", "")} | dict(told)
    raise refusal(response.status_code, named, retry_after(response.headers.get("retry-after")))


def retry_after(header: str | None) -> float | None:
    """The seconds that a `Retry-After` asks for: a number of them, or a time; None if it says neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(int(header)))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def transport_error(error: httpx.HTTPError) -> ClientError:
    """A failure below HTTP, as the tree has it."""
    what = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"no answer in time: {what}")
    if isinstance(error, httpx.DecodingError):
        return UnreadableAnswer(what)
    return Unreachable(what)


def loads(text: str | bytes) -> Any:
    """Read JSON; numbers with a fraction become `Decimal`, digit by digit."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> bytes:
    """Write JSON; a `Decimal` keeps every digit.

    Raises:
        TypeError: a float, which cannot be trusted with money, or something that is not JSON.
    """
    _refuse_floats(value, "")
    return orjson.dumps(value, default=_as_number, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS)


def _as_number(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"cannot send {value!r} as JSON")


def _refuse_floats(value: Any, place: str) -> None:
    if isinstance(value, float):
        raise TypeError(f"{place}: expected a Decimal or an int, not the float {value!r}")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_floats(inner, f"{place}/{name}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _refuse_floats(inner, f"{place}/{number}")


def _query(given: Mapping[str, Any]) -> list[tuple[str, str | int | float | bool | None]]:
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in given.items():
        many = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, _in_query(one)) for one in many if one is not None]
    return pairs


def _in_query(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value.value if isinstance(value, Enum) else value)


def _json(response: httpx.Response, where: str) -> Any:
    try:
        return loads(response.content)
    except ValueError as error:
        raise UnreadableAnswer(f"{where}: an answer that is not JSON: {error}") from None


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"/{'/'.join(str(part) for part in first['loc'])}: {first['msg']}"


def next_of(call: Call[Page[T]], page: Page[T]) -> Call[Page[T]] | None:
    """The call for the page after this one; None where a list ends.

    Raises:
        UnreadableAnswer: there is said to be more, but not where.
    """
    if not page.meta.has_more:
        return None
    cursor = page.meta.cursor
    if cursor is None or cursor == call.query.get("cursor"):
        raise UnreadableAnswer(f"{call.method} {call.template}: more is announced without a cursor to it")
    return call.at(cursor)


def standing_headers(key: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    """The headers of every call."""
    return {"User-Agent": "ods-client", **({"Authorization": f"Bearer {key}"} if key else {}), **(more or {})}
