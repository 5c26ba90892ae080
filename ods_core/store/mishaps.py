"""What goes wrong beneath the store, said in plain words: what became of it, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from ods_core.basics.errors import StoreError, StoreHeld

log = logging.getLogger("ods.store")

# How DuckDB, PostgreSQL and the system say it.
_HELD = "Could not set lock on file"
_DAMAGED = (
    "Corrupt database file",
    "not a valid DuckDB database file",
    "checksum",
    "Failure while replaying WAL",
    "Serialization Error",
)
_READ_ONLY = ("Permission denied", "Read-only file system")
_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
_STOPPED = ("FATAL Error", "database has been invalidated")

_BRING_BACK = "Bring a backup back with `python -m ods_core restore FILE --replace`, which keeps the damaged file aside"


@contextmanager
def opening(url: str) -> Iterator[None]:
    """Say why a database could not be opened.

    Raises:
        StoreError: it cannot.
    """
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise refusal(url, str(error.orig) if isinstance(error, DBAPIError) else str(error)) from error


def refusal(url: str, reason: str) -> StoreError:
    """What to say of a database that could not be opened, out of what it or the system says."""
    first, name = reason.splitlines()[0], _shown(url)
    if _HELD in reason:
        return StoreHeld(
            f"another process holds the database {name}; DuckDB lets one process at a file. "
            f"Stop that process, or talk to it over its REST API. ({first})"
        )
    if any(sign in reason for sign in _DAMAGED):
        return StoreError(
            f"the database {name} cannot be opened: it is damaged, and was left as it is: {first}. {_BRING_BACK}"
        )
    if any(sign in reason for sign in _READ_ONLY):
        return StoreError(f"the database {name} can be read but not written: {first}. Let this user write to it")
    if any(sign in reason for sign in _FULL):
        return StoreError(
            f"the database {name} cannot be opened and brought up to date, as its disk is full: {first}. All that was "
            "in it is kept. Make room, and start the program again"
        )
    return StoreError(f"the database {name} cannot be opened: {first}")


@contextmanager
def plainly(url: str) -> Iterator[None]:
    """Say that the disk is full, or that the database does not answer; what is wrong with the values passes.

    Raises:
        StoreError: says what became of the transaction, and what to do.
    """
    try:
        yield
    except DBAPIError as error:
        told = _mishap(url, error)
        if told is None:
            raise
        log.error("%s", told)
        raise StoreError(told) from error


def _mishap(url: str, error: DBAPIError) -> str | None:
    reason = str(error.orig)
    first = reason.splitlines()[0] if reason else ""
    if any(sign in reason for sign in _STOPPED):
        # DuckDB could not fold its log into the file: what was committed is in the log, if it was whole.
        return (
            f"the database {_shown(url)} has stopped, probably as its disk is full. All that was acknowledged is kept; "
            f"the last change is there whole or not at all. Make room, and start the program again. ({first})"
        )
    if any(sign in reason for sign in _FULL):
        return (
            f"the disk of the database {_shown(url)} is full: nothing of this was kept, all before it is. Make room, "
            f"and do it again. ({first})"
        )
    if isinstance(error, OperationalError) and any(sign in reason for sign in _DAMAGED):
        # Found only now: a file is not read whole when it is opened.
        return f"the database {_shown(url)} is damaged, and nothing was changed by this call: {first}. {_BRING_BACK}"
    if isinstance(error, OperationalError):
        return f"the database does not answer: {first}; nothing was changed by this call"
    return None


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
