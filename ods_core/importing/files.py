"""The files of an import: which are there, whether they can be read, and what their columns are read as.

CSV is UTF-8 with a header, commas and double quotes; Parquet may have native types. Whatever a file holds is brought to
texts, native times, dates and whole numbers apart, so that each value is checked the same way.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ods_core.basics.errors import Invalid
from ods_core.importing.columns import ENTITIES, Column, Form

SUFFIXES = (".csv", ".parquet")
_CHUNK = 1 << 20
_LINE = re.compile(r"CSV Error on Line: (\d+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that cannot be right: in which file, row (from 1 below the header; 0: the file itself) and column."""

    file: str
    row: int
    column: str
    expected: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: what it holds, and the SQL that reads it; `types` has the database's type of each column there is."""

    entity: str
    path: Path
    types: dict[str, str]

    @property
    def reader(self) -> str:
        """The rows as a FROM clause, `row` counted from 1."""
        name = quoted(str(self.path))
        if self.path.suffix == ".parquet":
            return f"(SELECT file_row_number + 1 AS row, * FROM read_parquet({name}, file_row_number = true))"
        columns = ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in self.types)
        options = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"
        read = f"read_csv({name}, {options}, columns = {{{columns}}})"
        return f"(SELECT row_number() OVER () AS row, * FROM {read})"

    def value(self, column: Column) -> str:
        """The SQL of one column's value before it is checked: NULL where there is none."""
        if column.name not in self.types:
            return "CAST(NULL AS VARCHAR)"
        name, type = f'"{column.name}"', self.types[column.name]
        if type.startswith(("STRUCT", "MAP")) or type.endswith("]"):
            return f"CAST(to_json({name}) AS VARCHAR)"
        if column.form == Form.TIME and type.startswith("TIMESTAMP"):
            at = f"{name} AT TIME ZONE 'UTC'" if type == "TIMESTAMP WITH TIME ZONE" else name
            return f"strftime(CAST({at} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
        return f"nullif(CAST({name} AS VARCHAR), '')"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def found_in(folder: Path) -> dict[str, Path]:
    """The files of a folder by what they hold.

    Raises:
        Invalid: no folder, no requests in it, or one thing in two files.
    """
    if not folder.is_dir():
        raise Invalid.at("", f"expected a folder with requests.csv or requests.parquet, found none at {folder}")
    found: dict[str, Path] = {}
    for entity in ENTITIES:
        paths = [path for suffix in SUFFIXES if (path := folder / f"{entity}{suffix}").is_file()]
        if len(paths) > 1:
            raise Invalid.at("", f"expected {paths[0].name} or {paths[1].name}, found both in {folder}")
        if paths:
            found[entity] = paths[0]
    if "requests" not in found:
        raise Invalid.at("", f"expected requests.csv or requests.parquet in {folder}, found neither")
    return found


def fingerprint(paths: Sequence[Path]) -> str:
    """What tells these files from all others, whatever they are called and wherever they are: a SHA-256 of all."""
    whole = hashlib.sha256()
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        whole.update(f"{path.stem}:{digest.hexdigest()}\n".encode())
    return whole.hexdigest()


def inspect(connection: Connection, entity: str, path: Path) -> SourceFile | list[Finding]:
    """A file with its columns, or why it cannot be used."""
    if not path.stat().st_size:
        return [Finding(path.name, 0, "", "a file with a header", "an empty file")]
    named = _parquet_types if path.suffix == ".parquet" else _csv_types
    types = named(connection, path)
    if isinstance(types, Finding):
        return [types]
    wrong = [*_wrong_columns(path.name, entity, types)]
    return wrong or SourceFile(entity, path, dict(types))


def _csv_types(connection: Connection, path: Path) -> list[tuple[str, str]] | Finding:
    broken = _not_utf8(path)
    if broken:
        return broken
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    return [(name.strip(), "VARCHAR") for name in header]


def _not_utf8(path: Path) -> Finding | None:
    """The first line that is not UTF-8; a line of the file, which is a row only where no text has line breaks."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = f"the byte 0x{line[error.start]:02x} at place {error.start + 1} of line {number + 1}"
                return Finding(path.name, number, "", "UTF-8", shown)
    return None


def _parquet_types(connection: Connection, path: Path) -> list[tuple[str, str]] | Finding:
    try:
        rows = connection.exec_driver_sql(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(path))})").all()
    except DBAPIError as error:
        connection.rollback()
        return Finding(path.name, 0, "", "a Parquet file", reason(error))
    return [(str(row[0]), str(row[1])) for row in rows]


def reason(error: DBAPIError) -> str:
    """The first line of what the database says."""
    return str(error.orig).splitlines()[0][:300]


def unreadable(path: Path, error: DBAPIError) -> Finding:
    """Where a file that was begun to be read breaks off."""
    lines = str(error.orig).splitlines()
    place = _LINE.search(str(error.orig))
    said = "; ".join(line for line in lines[1:3] if line.strip()) if place else lines[0]
    return Finding(path.name, int(place[1]) - 1 if place else 0, "", "rows of as many values as the header", said[:300])


def _wrong_columns(file: str, entity: str, types: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    names = Counter(name for name, _ in types)
    known = {column.name: column for column in ENTITIES[entity]}
    for name, count in names.items():
        if name not in known:
            yield Finding(file, 0, name, f"one of {', '.join(known)}", "a column that is none of them")
        elif count > 1:
            yield Finding(file, 0, name, "each column once", f"{count} of that name")
    for name, column in known.items():
        if column.required and name not in names:
            yield Finding(file, 0, name, column.expected, "no such column")
    for name, type in types:
        if name in known and known[name].form == Form.AMOUNT and type in ("DOUBLE", "FLOAT"):
            yield Finding(file, 0, name, "a decimal, a whole number or a text: money is exact", f"the type {type}")
