"""A backup, put where the database is: made whole and checked beside it, then put in its place in one step."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ods_core.moving.filling import Filled, Last, fill
from ods_core.moving.manifest import Manifest
from ods_core.moving.places import unpack
from ods_core.moving.reading import load
from ods_core.moving.writing import Progress, silent
from ods_core.store import Store


def restore(
    url: str,
    archive: Path,
    now: datetime,
    *,
    replace: bool = False,
    keep_webhooks: bool = False,
    progress: Progress = silent,
) -> Filled:
    """Put a backup in the place of the database that `url` names.

    A database that is no file has to be empty.

    Args:
        replace: also where there is one with something in it, or one that cannot be read; it is kept aside.
        keep_webhooks: leave webhook endpoints enabled; what the backup is of sends no more.

    Raises:
        StoreHeld: a process works with the database.
        NotMovable: there is one with something in it, and `replace` is not given.
        DamagedExport: the backup is not whole; the database stays as it is.
    """

    def bring(store: Store, scratch: Path, last: Last) -> Manifest:
        unpack(archive, scratch)
        return load(store, scratch, now, progress, keep_webhooks=keep_webhooks, last=last)

    remedy = "--replace puts the backup in its place, and keeps it aside"
    return fill(url, f"the backup {archive}", bring, now, replace=replace, remedy=remedy)
