"""Who signed in, and for whom they act: made out of the claims on every run, so that a changed row counts at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

from ods_core.basics.errors import Forbidden, Unauthenticated
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.people import Claims, Membership, identity
from ods_core.basics.roles import PERSONAS, Caller, Role
from ods_core.service import runtime

ACTING_FOR = "for"
_KINDS: Sequence[tuple[str, frozenset[Role]]] = (
    ("administrator", frozenset({Role.ADMIN})),
    ("provider", frozenset({Role.PROVIDER})),
    ("delivery_lead", frozenset({Role.REQUESTER, Role.APPROVER, Role.REVIEWER})),
    ("finance", frozenset({Role.FINANCE})),
)
_found: ContextVar[list[Membership] | None] = ContextVar("memberships", default=None)
_needed: ContextVar[bool | None] = ContextVar("sign_in_is_needed", default=None)


def is_needed() -> bool:
    """Whether people sign in here: the server was started so, or the secrets say so (then `st.user` tells)."""
    if (known := _needed.get()) is not None:
        return known
    # The second look reads the secrets, which a run would do some forty times.
    return runtime().signs_in or "is_logged_in" in st.user.to_dict()


def claims() -> Claims | None:
    """What the provider said of the person; None for nobody, and for somebody who signed in too long ago."""
    told = st.user.to_dict()
    return told if told.get("is_logged_in") and _is_recent(told) and identity(told) else None


def _is_recent(told: Claims) -> bool:
    """Every ID token says when it was issued (`iat`), by the provider's clock and not by the program's."""
    issued = told.get("iat")
    hours = runtime().settings.sign_in_hours
    return isinstance(issued, (int, float)) and time.time() - issued < hours * 3600


@contextmanager
def looked_up_once() -> Iterator[None]:
    """Read secrets and mapping once within a run of the script; what runs outside, as a callback, reads anew."""
    marks = _found.set(None), _needed.set(is_needed())
    try:
        yield
    finally:
        _found.reset(marks[0])
        _needed.reset(marks[1])


def remember() -> list[Membership]:
    """Read the mapping, and keep to it for the rest of this run."""
    found = memberships()
    _found.set(found)
    return found


def memberships() -> list[Membership]:
    """Whom the person can act for; empty for somebody whom no row knows.

    Raises:
        Unauthenticated: nobody signed in.
    """
    if (found := _found.get()) is not None:
        return found
    told = claims()
    if told is None:
        raise Unauthenticated("sign in to go on")
    return runtime().people.memberships(told)


def acting_for() -> Membership:
    """Whom the person acts for: what `?for=` says, else the first.

    Raises:
        Unauthenticated: nobody signed in.
        Forbidden: no row knows the person.
    """
    found = memberships()
    if not found:
        raise Forbidden("no organisation is assigned to whoever signed in here")
    return next((one for one in found if one.key == st.query_params.get(ACTING_FOR)), found[0])


def signed_in_caller() -> Caller:
    """The person, acting for somebody.

    Raises:
        Unauthenticated: nobody signed in.
        Forbidden: no row knows the person.
    """
    membership, told = acting_for(), claims()
    if told is None:
        raise Unauthenticated("sign in to go on")
    return membership.caller(told)


def stranger() -> Actor:
    """Somebody who signed in and may do nothing."""
    return Actor(ActorKind.USER, identity(claims() or {}))


def kinds_of(roles: frozenset[Role]) -> tuple[str, ...]:
    """The kinds of person that somebody with these roles is; who only reads is an executive."""
    if Role.ADMIN in roles:
        return ("administrator",)
    found = tuple(key for key, those in _KINDS if roles & those)
    return found or (PERSONAS[2].key,)


def occasion() -> str:
    """What tells this sign-in from the person's others."""
    return str((claims() or {}).get("iat", ""))


def address() -> str:
    """The address that the person comes from, as far as it is known."""
    found = st.context.ip_address
    return found if isinstance(found, str) else ""
