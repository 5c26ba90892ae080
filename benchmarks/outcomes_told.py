"""What is asked of the Outcomes page and what it tells, as the product and those it is compared with answer alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

# Nothing of the product: those that it is compared with start without it.

TAGS = 12
"""The page breaks down by so many tags."""

NEWEST = 1_000
"""It shows so many rejections."""

BANDS = ((0, 69), (70, 89), (90, 100))
"""Scores of criteria, from and to, as it groups them."""

Figures = Mapping[tuple[str, str | None, Any], tuple[Any, int]]
"""(value, n) by metric, currency and part: a month's first day, an owner, a tag; None: all of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A period, from one month's first day to another's; None: all of it. Of one organisation, or of all."""

    name: str
    now: datetime
    first: date | None = None
    last: date | None = None
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """All that the page shows, in any of its views."""

    choices: Sequence[Sequence[str]]
    tags: Sequence[str]
    figures: Figures
    before: Figures
    organisations: Figures
    workspaces: Figures
    tagged: Figures
    rejected: int
    rejections: Sequence[tuple[Any, ...]]
    bands: Sequence[tuple[int, int, int]]


def check(ours: Told, other: Told, who: str) -> None:
    """Both tell the same; real numbers but for their last digits.

    Raises:
        AssertionError: names what they tell differently.
    """
    for field in fields(Told):
        left, right = getattr(ours, field.name), getattr(other, field.name)
        if isinstance(left, Mapping):
            assert left.keys() == right.keys(), (who, field.name, sorted(map(str, left.keys() ^ right.keys()))[:5])
            apart = [key for key in left if not _alike(left[key], right[key])]
            assert not apart, (who, field.name, apart[0], left[apart[0]], right[apart[0]])
        elif field.name == "rejections":
            assert [(r[0], r[1], r[2]) for r in left] == [_rejection(r) for r in right], (who, field.name)
        else:
            assert list(left) == list(right) if isinstance(left, list) else left == right, (
                who,
                field.name,
                left,
                right,
            )


def _rejection(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[0], row[4], row[7]) if len(row) > 3 else row


def _alike(left: tuple[Any, int], right: tuple[Any, int]) -> bool:
    return left[1] == right[1] and math.isclose(float(left[0]), float(right[0]), rel_tol=1e-9, abs_tol=1e-9)
