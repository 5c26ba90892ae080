"""Answers kept until something happens: a page that is looked at again costs no query until the next event.

Nothing in the store changes without an event (or, where another server is followed, something that was read of it), and
`Runtime.changes` counts both; so an answer is right for as long as that number, the person's reach (roles,
organisation, workspace) and the day are those it was found under. Within a day only its very first moment differs: what
was due on the day before is overdue after it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from ods_core.basics.clock import midnight
from ods_core.queries.facts import keep_up
from ods_core.service import runtime
from ods_core.store import Store
from ods_core.ui.session import caller, now, reading

MOST = 128
"""So many answers are kept for a store, the latest asked for."""

T = TypeVar("T")
_kept: WeakKeyDictionary[Store, OrderedDict[Hashable, Any]] = WeakKeyDictionary()
_lock = threading.Lock()


def kept(find: Callable[[Connection], T], *key: Hashable) -> T:
    """The answer of `find` to the question that `key` names; asked of the store only after an event or a midnight.

    Args:
        key: all that the answer depends on beside the store, the person's reach and the day: a name, the filters.
    """
    return _answer(find, key, reading)


def measured(find: Callable[[Connection], T], *key: Hashable) -> T:
    """The same of what reads the facts, which are brought up to date before they are asked."""
    return _answer(find, key, _measuring)


@contextmanager
def _measuring() -> Iterator[Connection]:
    keep_up(runtime().store)
    with runtime().figures.read() as connection:
        yield connection


def _answer(
    find: Callable[[Connection], T], key: tuple[Hashable, ...], read: Callable[[], AbstractContextManager[Connection]]
) -> T:
    # Read before the answer: a later event can make it newer than its key, never older.
    run = runtime()
    store, who = run.store, caller()
    reach = (who.roles, who.organization_id, who.workspace_id)
    whole = (run.changes, reach, min(now(), midnight(now().date()) + timedelta(seconds=1)), *key)
    with _lock:
        answers = _kept.setdefault(store, OrderedDict())
        if whole in answers:
            answers.move_to_end(whole)
            found: T = answers[whole]
            return found
    with read() as connection:
        found = find(connection)
    with _lock:
        answers[whole] = found
        while len(answers) > MOST:
            answers.popitem(last=False)
    return found
