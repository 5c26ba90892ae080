"""The Outcomes page's data from the product: the queries that the page asks in its views, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from benchmarks import outcomes_told
from benchmarks.outcomes_told import TAGS, Asked, Figures, Told
from ods_core.basics.roles import LOCAL
from ods_core.queries.choices import organizations, tags, workspaces
from ods_core.queries.criteria_quality import BANDS, by_score
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

assert (NEWEST, BANDS) == (outcomes_told.NEWEST, outcomes_told.BANDS)


def told(connection: Connection, asked: Asked) -> Told:
    """The product's answer: the queries that the page asks, which finds the period out once and then names it."""
    wanted = OutcomeFilter(_month(asked.first), _month(asked.last), asked.organization_id)
    period = period_of(connection, LOCAL, wanted, asked.now)
    wanted = replace(wanted, from_month=month_text(period.first), to_month=month_text(period.last))
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
    return month_text(day) if day else None


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
