"""What a paper is made of: sheets of typed columns, and what stands above them.

A paper knows nothing of where its rows come from. They are read once, in order, and may be more than fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Form(StrEnum):
    """What the cells of a column hold.

    TEXT: `str`, never anything else to whoever opens it. AMOUNT: `Amount`. COUNT: `int`. RATE: `Decimal`. DATE: `date`.
    MOMENT: an aware UTC `datetime`. Each may be None, which is an empty cell.
    """

    TEXT = "text"
    AMOUNT = "amount"
    COUNT = "count"
    RATE = "rate"
    DATE = "date"
    MOMENT = "moment"


class Amount(NamedTuple):
    """An exact amount of a currency, with that currency's decimals."""

    value: Decimal
    currency: str


Cell = str | int | Decimal | Amount | date | datetime | None
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `width` is in characters."""

    label: str
    form: Form = Form.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under typed columns; `name` is of at most 28 characters, without `[ ] : * ? / \\`."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True)
class Paper:
    """What is taken away.

    Attributes:
        moment: as of when.
        filters: what it is of, label to value, as the reader chose it.
        sheets: the first is the paper itself; a CSV has only that.
        totals: a few rows that stand on the cover.
        definitions: what words on it mean.
        notes: what the reader must know to read it rightly.
        rates: the table of rates, where amounts were converted.
    """

    title: str
    moment: datetime
    filters: Mapping[str, str]
    sheets: Sequence[Sheet]
    totals: Sheet | None = None
    definitions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    rates: Sheet | None = None


Progress = Callable[[int], None]
"""Told how many rows are written, every so often; may raise `Stopped`."""

EVERY = 500
"""Rows between two calls of a `Progress`."""


class Stopped(Exception):
    """Whoever watched the progress wants no more of it."""


def unwatched(rows: int) -> None:
    """A `Progress` that nobody looks at."""
