"""A whole store copied into another database, of either kind: row by row, and compared before any of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from ods_core.moving.filling import Last, file_of, fill, not_served
from ods_core.moving.manifest import Manifest
from ods_core.moving.places import Nowhere
from ods_core.moving.quiet import disable_webhooks
from ods_core.moving.reading import batches_of, bring
from ods_core.moving.refusals import DamagedExport, NotMovable
from ods_core.moving.writing import Progress, silent, write
from ods_core.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, and how many webhook endpoints wait in the copy to be enabled."""

    manifest: Manifest
    disabled_webhooks: int

    @property
    def checksum(self) -> str:
        """Of every row, the same whichever database it is in."""
        return self.manifest.checksum


def copy(source: Store, url: str, now: datetime, *, keep_webhooks: bool = False, progress: Progress = silent) -> Copied:
    """Copy a store into the empty database that `url` names, and compare both by checksum before any row is kept.

    Args:
        keep_webhooks: leave webhook endpoints enabled in the copy; the source sends no more.

    Raises:
        StoreHeld: a process works with one of the two.
        NotMovable: the target is not empty, or is the source.
        DamagedExport: the rows are not in order, or not the same there; nothing of them is kept.
    """
    if make_url(url) == make_url(source.url) or ((path := file_of(url)) and path.exists() and _is_file(source, path)):
        raise NotMovable("the database cannot be copied into itself; name another")
    disabled: list[int] = []

    def brought(target: Store, scratch: Path, last: Last) -> Manifest:
        with source.read() as connection:
            before = checksums(connection, now, _part(progress, 0.0, 0.2, "Reading"))

            def finish(unit: UnitOfWork) -> None:
                _compare(before, checksums(unit.connection, now, _part(progress, 0.8, 1.0, "Comparing")))
                disabled.append(0 if keep_webhooks else disable_webhooks(unit, before, now))
                last(unit)

            bring(target, before, batches_of(connection), _part(progress, 0.2, 0.8), finish)
        return before

    with not_served(source):
        done = fill(url, f"a copy of {_shown(source.url)}", brought, now)
    return Copied(done.manifest, sum(disabled))


def checksums(connection: Connection, now: datetime, progress: Progress = silent) -> Manifest:
    """What the rows of a store come to, table by table: the checksums that their files would have."""
    return write(connection, Nowhere(), now, progress)


def _compare(expected: Manifest, found: Manifest) -> None:
    if found.counters != expected.counters:
        raise DamagedExport(f"expected the last numbers {dict(expected.counters)}, found {dict(found.counters)}")
    there = {file.name: file for file in found.files}
    for file in expected.files:
        if there.get(file.name) != file:
            raise DamagedExport(
                f"{file.name}: expected rows with the SHA-256 {file.sha256}, found {there.get(file.name)}; the copy is "
                "not what was copied"
            )


def _is_file(source: Store, path: Path) -> bool:
    parsed = make_url(source.url)
    return parsed.get_backend_name() == "duckdb" and Path(str(parsed.database)).absolute() == path.absolute()


def _shown(url: str) -> str:
    """An address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _part(progress: Progress, start: float, end: float, verb: str = "") -> Callable[[float, str], None]:
    """Progress of a part of the whole."""

    def told(share: float, step: str) -> None:
        progress(start + share * (end - start), step.replace("Writing", verb) if verb else step)

    return told
