"""Imports that go on beside whoever asked: started, watched, stopped between two batches, looked at afterwards.

A store has at most one. Files that were sent stay in a folder beside the store until others take their place, so that
what was only checked can be imported without sending it again.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from ods_core.basics.errors import Invalid, NotAllowed, OdsError, Problem
from ods_core.importing.columns import ENTITIES
from ods_core.importing.files import SUFFIXES
from ods_core.importing.importer import Importer, Outcome
from ods_core.importing.staging import clear as clear_staging
from ods_core.importing.staging import file_of
from ods_core.store import Store
from ods_core.store import tables as t

SHOWN = 200
"""Findings that are kept at hand; all of them are in the report."""

log = logging.getLogger("ods.importing")


class Stage(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class _Asked(Exception):
    """Somebody asked that it stops."""


@dataclass(slots=True, eq=False)
class Run:
    """One look or import. `share` of it, from 0 to 1, is done; `step` is what it does now.

    `refusal` says why it FAILED; of an `outcome` with findings `report` has them all.
    """

    folder: Path
    named: str
    only_check: bool
    began: datetime
    report: Path
    share: float = 0.0
    step: str = ""
    stage: Stage = Stage.RUNNING
    outcome: Outcome | None = None
    refusal: OdsError | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Have it end before its next step; what was committed stays, and the same files go on from there."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    def note(self, share: float, step: str) -> None:
        """A `Progress`."""
        self.share, self.step = share, step
        if self.stopping and share < 1:
            raise _Asked


@dataclass(frozen=True, slots=True)
class Journaled:
    """Files that were imported, wholly or (`finished_at` is None) in part."""

    engagements: int
    done: int
    started_at: datetime
    finished_at: datetime | None


def journal(connection: Connection) -> list[Journaled]:
    """What was imported into a store so far, the latest first."""
    kept = t.imports.c
    rows = connection.execute(
        select(kept.engagements, kept.done, kept.started_at, kept.finished_at).order_by(kept.started_at.desc())
    )
    return [Journaled(*row) for row in rows]


class Imports:
    """The imports into one store, by this process."""

    def __init__(self, store: Store) -> None:
        self._turn = threading.Lock()
        self._latest: Run | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._place = _sent_to(store)

    @property
    def latest(self) -> Run | None:
        """The run that is under way, or the last one that nobody has put away."""
        return self._latest

    def forget(self) -> None:
        """Put the last run away, if it has ended."""
        with self._turn:
            if self._latest and self._latest.stage != Stage.RUNNING:
                self._latest = None

    def start(self, importer: Importer, folder: Path, *, named: str, only_check: bool) -> Run:
        """Begin to check or to import a folder's files.

        Raises:
            NotAllowed: another one is under way.
        """
        with self._turn:
            self._refuse_while_running()
            report = self._room() / "import-report.csv"
            report.unlink(missing_ok=True)
            run = self._latest = Run(folder, named, only_check, importer.clock(), report)
        threading.Thread(target=_carry_out, args=(run, importer), name="ods-import", daemon=True).start()
        return run

    def take(self, files: Iterable[tuple[str, IO[bytes]]]) -> Path:
        """Keep files that were sent, in place of those before; the folder in which they are.

        Raises:
            Invalid: one is not a file of an import, or there is none of requests.
            NotAllowed: an import is under way.
        """
        files = list(files)
        if problems := wrong_names([name for name, _ in files]):
            raise Invalid(problems)
        with self._turn:
            self._refuse_while_running()
            folder = self._room() / "sent"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name, file in files:
                with (folder / name).open("wb") as kept:
                    shutil.copyfileobj(file, kept)
        return folder

    def _refuse_while_running(self) -> None:
        if self._latest and self._latest.stage == Stage.RUNNING:
            raise NotAllowed("another import is under way; wait until it is done")

    def _room(self) -> Path:
        """A folder of its own beside the store; of a store in memory, one that goes with this process."""
        if self._place is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="ods-import-sent-")
            self._place = Path(self._temporary.name)
        self._place.mkdir(exist_ok=True)
        return self._place


def wrong_names(names: Sequence[str]) -> list[Problem]:
    """What is wrong with the names of files that were sent; each is told with what was expected."""
    known = [f"{entity}{suffix}" for entity in ENTITIES for suffix in SUFFIXES]
    problems = [
        Problem(f"/{name[:200]}", f"expected {' or '.join(SUFFIXES)}, and a name of these: {', '.join(ENTITIES)}")
        for name in names
        if name not in known
    ]
    kinds = [PurePosixPath(name).stem for name in names if name in known]
    problems += [
        Problem(f"/{kind}", "expected one file of it; found two") for kind in ENTITIES if kinds.count(kind) > 1
    ]
    if not problems and "requests" not in kinds:
        problems.append(
            Problem("/requests", "expected requests.csv or requests.parquet among the files; found neither")
        )
    return problems


_of_stores: WeakKeyDictionary[Store, Imports] = WeakKeyDictionary()
_finding = threading.Lock()


def imports_of(store: Store) -> Imports:
    """The imports into a store, the same for every page of this process."""
    with _finding:
        return _of_stores.setdefault(store, Imports(store))


def clear(store: Store) -> None:
    """Remove what imports left that ended with their process; for the start of a server."""
    clear_staging(store)
    if place := _sent_to(store):
        shutil.rmtree(place, ignore_errors=True)


def _sent_to(store: Store) -> Path | None:
    file = file_of(store)
    return Path(f"{file}.import-files") if file else None


def _carry_out(run: Run, importer: Importer) -> None:
    go = importer.check if run.only_check else importer.run
    try:
        run.outcome = go(run.folder, most=SHOWN, report=run.report, progress=run.note)
        run.stage = Stage.DONE
    except _Asked:
        run.stage = Stage.STOPPED
    except OdsError as error:
        run.refusal, run.stage = error, Stage.FAILED
    except Exception:
        log.exception("the import of %s failed", run.folder)
        run.refusal = OdsError("an unexpected failure; the server's log has it. What was written before stays")
        run.stage = Stage.FAILED


__all__ = ["SHOWN", "Imports", "Journaled", "Run", "Stage", "clear", "imports_of", "journal", "wrong_names"]
