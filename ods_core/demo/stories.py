"""The demo engagements as they stand in `data/demo/`, dated back from a given day.

Every file holds one organisation's engagements: texts and figures, and a `story` of what was done on which day after
the submission. A line of a story reads `DAY verb arguments: text`; `FIRST-LAST build KEY` is work on a deliverable,
started on the first day and submitted on the last; `DAY pay NUMBER` is money for the payment of that place in the
terms, all that is open or the amount that follows, and `DAY reverse NUMBER` takes its last receipt back. An
organisation that is `invoiced` is sent an invoice for each payment as it falls due; `DAY void NUMBER: why` takes one
back, to be issued anew, and `DAY write_off NUMBER: why` gives one up. Nothing here
knows a command; `load` gives them.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from ods_core.basics.clock import SATURDAY, midnight
from ods_core.basics.settings import ROOT

DIRECTORY = ROOT / "data" / "demo"

_LINE = re.compile(r"(\d+)(?:-(\d+))? (\w+)([^:]*)(?:: (.*))?")
_OPENING = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a story: when, which, about what, and what was said with it."""

    when: datetime
    verb: str
    words: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One engagement: its organisation's and its own fields by their names in the file, and its steps in order."""

    organization: Mapping[str, Any]
    fields: Mapping[str, Any]
    submitted: date
    steps: tuple[Step, ...]

    def day(self, number: int) -> date:
        """The date of a day of the story; day 0 is the submission's."""
        return self.submitted + timedelta(days=number)


def read_stories(today: date, directory: Path = DIRECTORY) -> list[Story]:
    """Every demo engagement, so dated that each story ends before `today`.

    Raises:
        ValueError: a line of a story that cannot be read.
    """
    return [story for path in sorted(directory.glob("*.toml")) for story in _stories(path, today)]


def _stories(path: Path, today: date) -> Iterator[Story]:
    organization = tomllib.loads(path.read_text(encoding="utf-8"))
    for fields in organization["engagement"]:
        submitted = today - timedelta(days=fields["ago"])
        yield Story(organization, fields, submitted, tuple(_steps(fields, submitted)))


_Line = tuple[int, str, tuple[str, ...], str]
"""Day, verb, words and text of one line."""


def _steps(fields: Mapping[str, Any], submitted: date) -> Iterator[Step]:
    lines: list[_Line] = [(0, "submit_request", (), ""), *_lines(fields.get("story", ""))]
    # Stable: what stands first in the story happens first on its day.
    lines.sort(key=lambda line: line[0])
    opening = _OPENING + timedelta(minutes=zlib.crc32(fields["title"].encode()) % 180)

    def date_of(line: _Line) -> date:
        return working_day(submitted + timedelta(days=line[0]), -1)

    for day, of_day in groupby(lines, key=date_of):
        for place, (_, verb, words, text) in enumerate(of_day):
            yield Step(midnight(day) + opening + timedelta(minutes=37 * place), verb, words, text)


def _lines(story: str) -> Iterator[_Line]:
    for line in story.strip().splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"expected `DAY verb arguments: text` in a story, found {line!r}")
        first, last, verb, words, text = match.groups()
        if verb != "build":
            yield int(first), verb, tuple(words.split()), text or ""
        else:
            yield int(first), "start", tuple(words.split()), ""
            yield int(last), "submit", tuple(words.split()), text or ""


def working_day(day: date, direction: int) -> date:
    """The day itself, or from a weekend the Friday before it (-1) or the Monday after it (1)."""
    while day.weekday() >= SATURDAY:
        day += timedelta(days=direction)
    return day
