"""What a moved store consists of: its files with their checksums, and what is needed to go on from it.

The manifest is written last. Where there is none, the writing was not finished; where it is not whole, or a file is not
what it says, nothing is read from it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from ods_core.moving.refusals import DamagedExport

NAME = "manifest.json"
FORMAT = "ods-export/1"
_FILE_NAME = re.compile(r"[a-z_]{1,60}-\d{4}\.parquet")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its name, how many rows and bytes it has, and what its bytes come to."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table: its columns with their types, and the files that hold its rows, in order."""

    name: str
    columns: Mapping[str, str]
    files: tuple[FileEntry, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole store.

    `migrations` are the numbers of those that made its tables, `counters` the last number given out by prefix, so that
    numbering goes on behind it.
    """

    program_version: str
    migrations: tuple[int, ...]
    written_at: str
    counters: Mapping[str, int]
    tables: tuple[TableEntry, ...]

    @property
    def schema_version(self) -> int:
        """The highest number of its migrations."""
        return max(self.migrations, default=0)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file, table by table."""
        return tuple(file for table in self.tables for file in table.files)

    @property
    def checksum(self) -> str:
        """What all rows come to, whatever database they are in: of the names and checksums of the files they make."""
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """As it is written: JSON that people can read, with the checksum of itself at its end."""
        body = {"format": FORMAT, "schema_version": self.schema_version, **asdict(self)}
        return orjson.dumps(body | {"sha256": _digest(body)}, option=orjson.OPT_INDENT_2) + b"\n"

    @classmethod
    def of(cls, written: bytes, place: str) -> Manifest:
        """A manifest that was written; `place` is what it is called in a refusal.

        Raises:
            DamagedExport: it is not whole, or not one that this program reads.
        """
        body = _body(written, place)
        try:
            return cls(
                program_version=str(body["program_version"]),
                migrations=tuple(int(number) for number in body["migrations"]),
                written_at=datetime.fromisoformat(body["written_at"]).isoformat(),
                counters={str(prefix): int(number) for prefix, number in body["counters"].items()},
                tables=tuple(_table(table) for table in body["tables"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedExport(f"{place}: expected the manifest of an export; {error!r}") from None


def _body(written: bytes, place: str) -> dict[str, Any]:
    try:
        body = orjson.loads(written)
    except ValueError as error:
        raise DamagedExport(f"{place}: expected JSON: {error}") from None
    if not isinstance(body, dict) or not str(body.get("format", "")).startswith("ods-export/"):
        raise DamagedExport(f"{place}: expected the manifest of an export")
    if body["format"] != FORMAT:
        raise DamagedExport(f"{place}: expected the format {FORMAT}, found {body['format']}: use a newer program")
    expected, found = body.pop("sha256", None), _digest(body)
    if found != expected:
        raise DamagedExport(f"{place}: expected content with the SHA-256 {expected}, found {found}; it was altered")
    return body


def _table(given: dict[str, Any]) -> TableEntry:
    files = tuple(FileEntry(**{name: file[name] for name in FileEntry.__slots__}) for file in given["files"])
    for file in files:
        if not _FILE_NAME.fullmatch(file.name):
            raise ValueError(f"a file is called {file.name!r}")
    return TableEntry(str(given["name"]), {str(k): str(v) for k, v in given["columns"].items()}, files)


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
