"""What is asked of the Outcomes page and what it tells, as the product and those it is compared with answer alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from ods_core.basics.roles import LOCAL
from ods_core.queries.choices import organizations, tags, workspaces
from ods_core.queries.criteria_quality import by_score
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import (
    OutcomeFilter,
    Step,
    by_organization,
    by_tag,
    by_workspace,
    month_text,
    outcomes,
    period_of,
)
from ods_core.queries.rejections import NEWEST, rejections

TAGS = 12
"""The page breaks down by so many tags."""

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


def told(connection: Connection, asked: Asked) -> Told:
    """The product's answer: the queries that the page asks."""
    wanted = OutcomeFilter(_month(asked.first), _month(asked.last), asked.organization_id)
    period = period_of(connection, LOCAL, wanted, asked.now)
    earlier = period.before()
    previous = OutcomeFilter(month_text(earlier.first), month_text(earlier.last), asked.organization_id)
    chosen = tags(connection, LOCAL)[:TAGS]
    rest = (LOCAL, wanted, asked.now)
    newest, left_out = rejections(connection, *rest)
    return Told(
        choices=[organizations(connection, LOCAL), workspaces(connection, LOCAL)],
        tags=chosen,
        figures=_entries(outcomes(connection, *rest), period.parts(Step.MONTH)),
        before=_entries(outcomes(connection, LOCAL, previous, asked.now), []),
        organisations=_sides(by_organization(connection, *rest, money=False)),
        workspaces=_sides(by_workspace(connection, *rest, money=False)),
        tagged=_sides(by_tag(connection, *rest, chosen, money=False)),
        rejected=len(newest) + left_out,
        rejections=[(r.deliverable_id, r.attempt, r.reason) for r in newest],
        bands=[(band.scopes, band.decided, band.rejected) for band in by_score(connection, *rest)],
    )


def _month(day: date | None) -> str | None:
    return day and month_text(day)


def _entries(answer: Mapping[str, Any], parts: Sequence[date]) -> Figures:
    found: dict[tuple[str, str | None, Any], tuple[Any, int]] = {}
    for entry in answer["metrics"]:
        key, currency = entry["key"], entry.get("currency")
        for part, one in [(None, entry), *zip(parts, entry["series"], strict=False)]:
            if one["n"]:
                found[key, currency, part] = (one["value"], one["n"])
    return found


def _sides(found: Mapping[str, Any]) -> Figures:
    return {
        (key, currency, owner): (figure.value, figure.n)
        for owner, figures in found.items()
        for (key, currency), figure in figures.items()
        if key in METRICS
    }


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


__all__ = ["NEWEST", "TAGS", "Asked", "Figures", "Told", "check", "told"]
