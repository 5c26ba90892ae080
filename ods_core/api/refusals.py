"""Which refusals a call can be answered with, as OpenAPI describes them.

What every call shares is added by its route; a call itself names only what is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ods_core.api.problems import MEDIA_TYPE
from ods_core.api.shapes import Problem

WHY = {
    400: "The body is not JSON",
    401: "No key, or none that is good",
    403: "Not for the roles of this caller; or, without sign-in, asked by another machine or a page of another origin",
    404: "No such thing for this caller",
    409: "Not allowed in this state, which `current_state` says; or an idempotency key was used before",
    412: "What `If-Match` names is not the present state",
    413: "A body over 1 MiB",
    415: "A body that is not application/json",
    422: "Values that cannot be right; `errors` names each place",
    429: "More requests than a key or an address has a minute; `Retry-After` says when to come again",
    503: "The database cannot be used",
}
BY_LINK = (403, 422, 503)
"""Of every call, also of one that knows its caller by the address alone."""
ALWAYS = (401, *BY_LINK, 429)
"""Of every call that makes out who asks."""
WRITING = (400, 409, 412, 413, 415)
"""Of every POST: a body that cannot be read, an idempotency key used before, another state than `If-Match` names."""

Described = dict[int | str, Any]


def problem_schemas() -> dict[str, Any]:
    """The schemas that the descriptions of refusals point at."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs")
    return parts | {Problem.__name__: schema}


def refused_with(statuses: Iterable[int], why: Mapping[int, str] = WHY) -> Described:
    """How these refusals are described."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {status: {"description": why[status], "content": content} for status in sorted(set(statuses))}


def shared(*, writes: bool, by_link: bool) -> Described:
    """How the refusals are described that a call has because of its kind."""
    return refused_with((*(BY_LINK if by_link else ALWAYS), *(WRITING if writes else ())))
