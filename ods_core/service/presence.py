"""A note beside the database of the server that holds it: where it listens, and a word that it alone knows.

The command line reads it to ask that very server for what the database lets one process do. Whoever can read the note
can read the database, too; so the word is enough to be let in.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy.engine import make_url

HEADER = "X-Ods-Instance"

log = logging.getLogger("ods.server")


@dataclass(frozen=True, slots=True)
class Presence:
    """A server: its address, and the word by which it knows whom it told."""

    url: str
    word: str


def announce(database_url: str, here: Presence) -> None:
    """Leave the note."""
    place = _place(database_url)
    if place is None:
        return
    try:
        place.unlink(missing_ok=True)
        with open(place, "xb", opener=_private) as file:
            file.write(orjson.dumps(here))
    except OSError as error:
        log.warning("no note can be left at %s: a backup has to be asked for over REST (%s)", place, error.strerror)


def withdraw(database_url: str) -> None:
    """Take the note away."""
    place = _place(database_url)
    if place:
        place.unlink(missing_ok=True)


def found(database_url: str) -> Presence | None:
    """The note that a server left; it may have stopped since without taking it away."""
    place = _place(database_url)
    try:
        return Presence(**orjson.loads(place.read_bytes())) if place else None
    except (OSError, ValueError, TypeError):
        return None


def _place(database_url: str) -> Path | None:
    parsed = make_url(database_url)
    if parsed.get_backend_name() != "duckdb" or parsed.database in (None, "", ":memory:"):
        return None
    path = Path(str(parsed.database))
    return path.with_name(f"{path.name}.server")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
