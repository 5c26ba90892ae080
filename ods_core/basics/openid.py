"""The sign-in that an owner configured, as its secrets have it: which providers there are, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHORTEST_SECRET = 32
"""Characters that the secret must have by which the sign-in's cookies are signed: whoever guesses it is everybody."""
_NEEDED = ("client_id", "client_secret", "server_metadata_url")
_CALLBACK = "/oauth2callback"


def providers(auth: Mapping[str, Any]) -> list[str | None]:
    """The providers that people can sign in with, by the names of their sections; None: the one without a name."""
    named: list[str | None] = [
        name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value
    ]
    return [None, *named] if "client_id" in auth or not named else named


def faults(auth: Mapping[str, Any]) -> list[str]:
    """What keeps a sign-in from working or from being safe, each as a clause; nothing of the secrets themselves."""
    found = []
    if not str(auth.get("redirect_uri", "")).endswith(_CALLBACK):
        found.append(f"[auth] redirect_uri has to be this server's address with {_CALLBACK} at its end")
    if len(str(auth.get("cookie_secret", ""))) < SHORTEST_SECRET:
        found.append(f"[auth] cookie_secret has to have {SHORTEST_SECRET} random characters or more")
    for name in providers(auth):
        section = auth if name is None else auth[name]
        place = "[auth]" if name is None else f"[auth.{name}]"
        found += [f"{place} {key} is missing" for key in _NEEDED if not section.get(key)]
    return found
