"""A command that may be sent twice, and one that is meant for what its caller has seen.

With an `Idempotency-Key` a POST runs inside one transaction with the record of its answer: the effect and the answer
are on disk together or not at all. Whoever sends the same again, also at the same moment or after a restart, gets the
first answer, without what is shown only once. With `If-Match` the present state is compared in the same transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from ods_core.api.problems import refused
from ods_core.basics.errors import ChangedMeanwhile, Invalid, KeyReused, NotFound, OdsError, Problem
from ods_core.basics.ids import PREFIX_OF, is_id
from ods_core.basics.jsonio import dumps
from ods_core.basics.records import Engagement
from ods_core.basics.resources import resource
from ods_core.basics.roles import Caller
from ods_core.basics.states import Kind
from ods_core.mirror import sent_under
from ods_core.service import ANSWERS_ARE_KEPT, Runtime, runtime
from ods_core.store import UnitOfWork, access

TAGGED = (Kind.SCOPE, Kind.DELIVERABLE)
"""What is decided on: these have an `ETag`."""
_SANE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_KEPT_HEADERS = ("location", "etag")
_PASSED_ON = frozenset({"requests", "scopes", "deliverables", "payments", "receipts", "invoices"})
_IN_FLIGHT = tuple(Lock() for _ in range(64))
_UNKEPT = frozenset({401, 403, 429, 503})
"""Refusals that are about the caller or the moment, not about what was asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a request brought beside its body."""

    caller: Caller
    path: str
    idempotency_key: str | None
    fingerprint: str
    if_match: str | None
    if_none_match: str | None

    @property
    def holder(self) -> str:
        """Whose idempotency keys these are."""
        return f"{self.caller.actor.kind}:{self.caller.actor.id}"


_given: ContextVar[Given | None] = ContextVar("ods_given", default=None)


async def note(request: Request, caller: Caller) -> None:
    """Keep what a request brought, for the call that it comes to.

    Raises:
        Invalid: an idempotency key that cannot be one.
    """
    headers = request.headers
    key = headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and not _SANE.fullmatch(key):
        expected = "expected 1 to 255 visible ASCII characters without blanks"
        raise Invalid([Problem("/Idempotency-Key", expected, {"in": "header"})])
    fingerprint = await _fingerprint(request) if key is not None else ""
    path = request.url.path
    given = Given(caller, path, key, fingerprint, headers.get("if-match"), headers.get("if-none-match"))
    _given.set(given)
    # Where another server is followed, what is sent here twice is sent there under one key, too.
    sent_under(f"{given.holder} {path} {key}" if key else None)


async def _fingerprint(request: Request) -> str:
    """What was sent: method, path, query and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.hexdigest()


def once(endpoint: Callable[..., Response]) -> Callable[..., Response]:
    """An endpoint that writes, so that what its caller was promised by a header holds."""

    @wraps(endpoint)
    def call(*args: Any, **kwargs: Any) -> Response:
        given = _given.get()
        if given is None or (given.idempotency_key is None and given.if_match is None):
            return endpoint(*args, **kwargs)
        run = runtime()
        within = _around if run.follower and _is_passed_on(given.path) else _within
        return within(run, given, lambda: endpoint(*args, **kwargs))

    return call


def _is_passed_on(path: str) -> bool:
    """Whether another server, where one is followed, carries this out."""
    return path.partition("/capabilities/ods/")[2].partition("/")[0] in _PASSED_ON


def _around(run: Runtime, given: Given, command: Callable[[], Response]) -> Response:
    """Give a command that another server carries out: nobody waits here for its answer, but who sends the same.

    The other server gets a key of its own for it, so that what is sent again because this server ended before it kept
    the answer has one effect there, too. Where it knows no keys, what is in flight is still sent once at a time.
    """
    with _IN_FLIGHT[hash((given.holder, given.idempotency_key)) % len(_IN_FLIGHT)]:
        with run.store.write() as unit:
            known, _ = _known(run, given, unit)
            if known is not None:
                return known
            _require_match(given, unit)
        try:
            answer = command()
        except OdsError as refusal:
            answer = _refused_first(given, refusal)
        return _keep_first(run, given, answer)


def _within(run: Runtime, given: Given, command: Callable[[], Response]) -> Response:
    """Give a command in one transaction with the check before it and the record after it."""
    try:
        with run.store.write() as unit:
            run.store.turns.queue(unit.connection, f"answer to {given.holder} {given.idempotency_key}")
            known, stale = _known(run, given, unit)
            if known is not None:
                return known
            _require_match(given, unit)
            answer = command()
            _keep(run, given, unit, answer, stale)
            return answer
    except OdsError as refusal:
        return _keep_first(run, given, _refused_first(given, refusal))


def _refused_first(given: Given, refusal: OdsError) -> Response:
    """A refusal as an answer to be kept; raises it again where whoever sends the same may come to hear another."""
    if given.idempotency_key is None or refusal.status in _UNKEPT or isinstance(refusal, KeyReused):
        raise refusal
    return refused(refusal)


def _keep_first(run: Runtime, given: Given, answer: Response) -> Response:
    """Keep an answer whose own transaction is gone, or was elsewhere, in another one; unless somebody came first."""
    with run.store.write() as unit:
        run.store.turns.queue(unit.connection, f"answer to {given.holder} {given.idempotency_key}")
        known, stale = _known(run, given, unit)
        if known is not None:
            return known
        _keep(run, given, unit, answer, stale)
    return answer


def _known(run: Runtime, given: Given, unit: UnitOfWork) -> tuple[Response | None, bool]:
    """The first answer to this key; and whether there is one that is too old to count.

    Raises:
        KeyReused: the key came with something else.
    """
    if given.idempotency_key is None:
        return None, False
    first = access.first_answer(unit.connection, given.holder, given.idempotency_key)
    if first is None:
        return None, False
    if first.answered_at <= run.clock() - ANSWERS_ARE_KEPT:
        return None, True
    if first.fingerprint != given.fingerprint:
        raise KeyReused(
            f"the idempotency key {given.idempotency_key!r} was sent at {first.answered_at:%Y-%m-%dT%H:%M:%SZ} with "
            "another call or body; a new command needs a new key"
        )
    return Response(first.body, first.status, headers=dict(first.headers) | {"Idempotent-Replayed": "true"}), False


def _keep(run: Runtime, given: Given, unit: UnitOfWork, answer: Response, stale: bool) -> None:
    if given.idempotency_key is None:
        return
    headers = {"content-type": answer.headers["content-type"]} | _told(answer.headers)
    first = access.FirstAnswer(
        given.fingerprint,
        answer.status_code,
        headers,
        bytes(getattr(answer, "again", answer.body)).decode(),
        run.clock(),
    )
    access.keep_answer(unit.connection, given.holder, given.idempotency_key, first, again=stale)


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _KEPT_HEADERS if name in headers}


def etag(engagement: Engagement, kind: Kind, id: str, caller: Caller) -> str:
    """The `ETag` of a scope or deliverable as this caller sees it; it changes with what was decided, not with time."""
    then = engagement.request.created_at
    shown = dumps(resource(engagement, kind, id, then, 0, caller))
    return f'"{hashlib.sha256(shown).hexdigest()[:32]}"'


def is_unchanged(tag: str) -> bool:
    """Whether the caller says that it has this already (`If-None-Match`)."""
    given = _given.get()
    return given is not None and given.if_none_match is not None and _names(given.if_none_match, tag, weak=True)


def _require_match(given: Given, unit: UnitOfWork) -> None:
    if given.if_match is None or given.if_match.strip() == "*":
        return
    kind, id = _subject(given.path)
    present = _present(given.caller, unit, kind, id) if kind else None
    if kind and present is None:
        # What is not there is said to be not there, by the command itself.
        return
    if present is None or not _names(given.if_match, present, weak=False):
        raise ChangedMeanwhile(
            "what `If-Match` names is not the present state; read it again, and decide on what it is now",
            etag=present,
        )


def _subject(path: str) -> tuple[Kind | None, str]:
    """The scope or deliverable that a path is about."""
    for part in path.split("/"):
        for kind in TAGGED:
            if is_id(part, PREFIX_OF[kind]):
                return kind, part
    return None, ""


def _present(caller: Caller, unit: UnitOfWork, kind: Kind, id: str) -> str | None:
    try:
        engagement = unit.engagement_of(PREFIX_OF[kind], id)
    except NotFound:
        return None
    seen = caller.sees(engagement.request.organization_id, engagement.request.workspace_id)
    return etag(engagement, kind, id, caller) if seen else None


def _names(header: str, tag: str, *, weak: bool) -> bool:
    listed = [one.strip() for one in header.split(",")]
    return "*" in listed or tag in listed or (weak and f"W/{tag}" in listed)
