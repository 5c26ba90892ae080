"""Where a moved store is written to: a folder of files, or one file that holds them all.

What was begun and not finished is taken away again, as far as the disk allows; and as the manifest is the last to come,
what is left of it is never mistaken for a whole one.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Protocol

from ods_core.moving import manifest
from ods_core.moving.refusals import DamagedExport, NotMovable

_CHUNK = 1 << 20
_OWNER_ALONE = 0o600
# Files of an archive have no time of their own: the same rows are the same bytes whenever they are written.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class Place(Protocol):
    """Takes one file after the other."""

    def file(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A new file of this name, to be written within the block."""


class Counted(io.RawIOBase):
    """A file that counts and sums up what is written to it."""

    def __init__(self, into: IO[bytes]) -> None:
        self._into = into
        self._digest = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object, /) -> int:
        """Pass bytes on."""
        chunk = bytes(data)  # type: ignore[call-overload]
        self._into.write(chunk)
        self._digest.update(chunk)
        self.bytes += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        """How far it has come."""
        return self.bytes

    @property
    def sha256(self) -> str:
        """What the bytes come to so far."""
        return self._digest.hexdigest()


class Folder:
    """A folder's files; each is on the disk when its block ends, and none can be read by others."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[Path] = []

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A new file; the manifest appears whole."""
        path = self.path / name
        with open(path.with_name(f"{name}.part"), "xb", opener=_private) as file:
            self.written.append(Path(file.name))
            yield file
            file.flush()
            os.fsync(file.fileno())
        self.written.append(Path(file.name).rename(path))
        sync_folder(self.path)

    def forget(self) -> None:
        """Take away what was written."""
        for path in self.written:
            path.unlink(missing_ok=True)


class Nowhere:
    """Keeps nothing of what is written to it; for what it comes to."""

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A new file, forgotten as it is written."""
        with open(os.devnull, "wb") as file:
            yield file


class Archive:
    """Files within one: a ZIP file that compresses nothing, since what is in it is compressed already."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A new file."""
        with self._zip.open(zipfile.ZipInfo(name, _NO_TIME), "w", force_zip64=True) as file:
            yield file

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write its list of files; what was given up is only let go of."""
        with suppress(OSError, ValueError) if kind else nullcontext():
            self._zip.close()


def new_folder(path: Path) -> Folder:
    """A folder to write to, made if need be.

    Raises:
        NotMovable: there is something at that place already, or none can be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(path.iterdir()):
            raise NotMovable(
                f"{path} is not empty{_holds(path)}; expected an empty folder, or a name that is not taken"
            )
    except OSError as error:
        raise NotMovable(f"the folder {path} cannot be made: {error.strerror}") from None
    return Folder(path)


def _holds(path: Path) -> str:
    if (path / manifest.NAME).exists():
        return ": it holds an export"
    return ": it holds an unfinished export" if any(path.glob("*.parquet")) else ""


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole under its name when the block ends, or not at all.

    Raises:
        NotMovable: there is one of that name, or none can be made.
    """
    if path.exists():
        raise NotMovable(f"{path} exists; nothing is overwritten: choose another name")
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    try:
        with open(part, "xb", opener=_private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, refuses a name that was taken meanwhile.
        os.link(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise NotMovable(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[zipfile.ZipFile, manifest.Manifest]]:
    """An archive and its manifest; it holds the files that this names, and no others."""
    try:
        with zipfile.ZipFile(archive) as packed:
            names = packed.namelist()
            if manifest.NAME not in names:
                raise DamagedExport(f"{archive}: expected a {manifest.NAME} in it, found none: it is no whole backup")
            whole = manifest.Manifest.of(packed.read(manifest.NAME), f"{archive}, {manifest.NAME}")
            _refuse_others(archive, packed.infolist(), [manifest.NAME, *(entry.name for entry in whole.files)])
            yield packed, whole
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DamagedExport(f"{archive}: expected a whole backup: {error}") from None
    except FileNotFoundError as error:
        raise NotMovable(f"there is no file {error.filename}") from None


def _refuse_others(archive: Path, listed: Sequence[zipfile.ZipInfo], wanted: Sequence[str]) -> None:
    for info in listed:
        if info.filename not in wanted or info.compress_type != zipfile.ZIP_STORED:
            raise DamagedExport(f"{archive}: a file in it that no backup has: {info.filename[:100]!r}")
    if sorted(wanted) != sorted(info.filename for info in listed):
        missing = sorted(set(wanted) - {info.filename for info in listed})
        raise DamagedExport(
            f"{archive}: expected each file once, found others; missing: {', '.join(missing) or 'none'}"
        )


def check_archive(archive: Path) -> manifest.Manifest:
    """Hold every file of an archive against its manifest.

    Raises:
        DamagedExport: it is not one, or not whole; says which file of it.
    """
    with _opened(archive) as (packed, whole):
        for entry in whole.files:
            with packed.open(entry.name) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            if found != entry.sha256:
                raise DamagedExport(f"{archive}, {entry.name}: expected the SHA-256 {entry.sha256}, found {found}")
    return whole


def unpack(archive: Path, folder: Path) -> None:
    """Take the files out of an archive; they are checked as those of an export are, before they are used.

    Raises:
        DamagedExport: it is not one, or not whole; says which file of it.
    """
    with _opened(archive) as (packed, _):
        for name in packed.namelist():
            with packed.open(name) as source, open(folder / name, "xb", opener=_private) as target:
                shutil.copyfileobj(source, target, _CHUNK)


def check_files(folder: Path, whole: manifest.Manifest) -> None:
    """Hold every file of a folder against its manifest.

    Raises:
        DamagedExport: one is missing, altered, or not in the manifest; says which, and what was expected of it.
    """
    known = {entry.name for entry in whole.files}
    for path in sorted(folder.glob("*.parquet")):
        if path.name not in known:
            raise DamagedExport(f"{path}: a file that the manifest does not name")
    for entry in whole.files:
        _check_file(folder / entry.name, entry)


def _check_file(path: Path, entry: manifest.FileEntry) -> None:
    if not path.is_file():
        raise DamagedExport(f"{path}: expected a file of {entry.bytes:,} bytes, found none")
    expected = f"{path}: expected {entry.bytes:,} bytes with the SHA-256 {entry.sha256}"
    if (size := path.stat().st_size) != entry.bytes:
        raise DamagedExport(f"{expected}, found {size:,} bytes")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        raise DamagedExport(f"{expected}, found {found}; it was altered")


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ALONE)
