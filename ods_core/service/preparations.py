"""Files that take a while: written beside the page or the call that asked for them, watched, stopped, handed over.

A file has no name on the disk: whatever happens to the process, nothing of it is left behind. One that is finished is
kept for a quarter of an hour, under a token that cannot be guessed.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, BinaryIO, Protocol, cast

from sqlalchemy import Connection

from ods_core.basics.errors import NotFound, OdsError
from ods_core.basics.roles import Caller
from ods_core.papers import Format, Paper, Progress, Stopped, unwatched

AT_ONCE = 4
"""Files that are written at the same time, for pages and programs together."""
KEPT_SECONDS = 15 * 60
MOST_KEPT = 20
_CHUNK = 256 * 1024

Make = Callable[[Connection], Paper]
"""Makes a paper whose rows are read from the connection while it is written."""

log = logging.getLogger("ods.exports")


class Readable(Protocol):
    """A store, or what stands for one."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for reading; what is read within one block is of one moment."""


class TooManyExports(OdsError):
    """As many files are being written as this server writes at once."""

    code, status, title = "too_many_exports", 429, "Too many exports at once"


class Written:
    """A finished file; whoever holds it reads it, and what nobody holds is gone."""

    def __init__(self, file: IO[bytes], rows: int) -> None:
        self.file, self.rows = file, rows
        self.size = file.seek(0, 2)
        self._turn = threading.Lock()

    def chunks(self) -> Iterator[bytes]:
        """Its bytes from the beginning; several may read at once, each at a place of its own."""
        place = 0
        while place < self.size:
            with self._turn:
                self.file.seek(place)
                chunk = self.file.read(_CHUNK)
            place += len(chunk)
            yield chunk


class Stage(StrEnum):
    """How far a preparation is."""

    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Preparation:
    """One file in the making: `rows` of `total` are written. `holder` is whose page shows it, and nobody else's."""

    token: str
    label: str
    file_name: str
    format: Format
    total: int
    holder: Caller | None = None
    rows: int = 0
    stage: Stage = Stage.WRITING
    written: Written | None = None
    error: str = ""
    ended: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Have it end soon; what was written of it is thrown away."""
        self._stop.set()

    def note(self, rows: int) -> None:
        """A `Progress`."""
        self.rows = rows
        if self._stop.is_set():
            raise Stopped


class Preparations:
    """The files that a process prepares.

    Args:
        figures: where their rows are read.
    """

    def __init__(self, figures: Readable) -> None:
        self._figures = figures
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._by_token: dict[str, Preparation] = {}

    def write(self, make: Make, format: Format, progress: Progress = unwatched) -> Written:
        """Write a file at once.

        Raises:
            TooManyExports: as many are being written as may be.
            Stopped: when `progress` says so.
        """
        with self._slot():
            return self._written(make, format, progress)

    def start(
        self, make: Make, format: Format, *, label: str, file_name: str, total: int, holder: Caller | None = None
    ) -> Preparation:
        """Write a file beside whoever asks.

        Raises:
            TooManyExports: as many are being written as may be.
        """
        made = Preparation(secrets.token_urlsafe(24), label, file_name, format, total, holder)
        slot = self._slot()
        slot.__enter__()
        with self._lock:
            self._forget_old()
            self._by_token[made.token] = made
        threading.Thread(target=self._run, args=(made, make, slot), name="ods-export", daemon=True).start()
        return made

    def find(self, token: str, holder: Caller | None = None) -> Preparation:
        """The preparation of a token.

        Args:
            holder: whose it has to be; None: whoever has the token.

        Raises:
            NotFound: there is none, it is somebody else's, or it was kept long enough.
        """
        with self._lock:
            self._forget_old()
            found = self._by_token.get(token)
            if found is None or holder not in (None, found.holder):
                raise NotFound("export", token[:40])
            return found

    def discard(self, token: str) -> None:
        """Stop it if it is being written, and forget it."""
        with self._lock:
            made = self._by_token.pop(token, None)
        if made:
            made.stop()

    def close(self) -> None:
        """Stop and forget all."""
        for token in list(self._by_token):
            self.discard(token)

    def _run(self, made: Preparation, make: Make, slot: _Slot) -> None:
        try:
            made.written = self._written(make, made.format, made.note)
            made.stage = Stage.DONE
        except Stopped:
            made.stage = Stage.STOPPED
        except OdsError as error:
            made.stage, made.error = Stage.FAILED, error.detail
        except Exception:
            log.exception("the export %s could not be written", made.file_name)
            made.stage, made.error = Stage.FAILED, "An unexpected error; the server's log has it."
        finally:
            made.ended = time.monotonic()
            slot.__exit__(None, None, None)

    def _written(self, make: Make, format: Format, progress: Progress) -> Written:
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # kept for as long as `Written` is
        try:
            with self._figures.read() as connection:
                rows = format.write(make(connection), file, progress)
        except BaseException:
            file.close()
            raise
        return Written(file, rows)

    def _slot(self) -> _Slot:
        return _Slot(self._slots)

    def _forget_old(self) -> None:
        ended = [made for made in self._by_token.values() if made.stage != Stage.WRITING]
        ended.sort(key=lambda made: made.ended, reverse=True)
        for place, made in enumerate(ended):
            if place >= MOST_KEPT or time.monotonic() - made.ended > KEPT_SECONDS:
                del self._by_token[made.token]


class _Slot:
    """One of the places in which files are written."""

    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        if not self._slots.acquire(blocking=False):
            raise TooManyExports(f"{AT_ONCE} exports are being written; try again when one of them is done")

    def __exit__(self, *raised: object) -> None:
        self._slots.release()


__all__ = ["Make", "Preparation", "Preparations", "Stage", "TooManyExports", "Written"]
