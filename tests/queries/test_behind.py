"""Behind every figure stands a list of exactly what was measured: as many as its n, coming to its value."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ods_core import demo
from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.queries.behind import Measured, behind
from ods_core.queries.choices import tags
from ods_core.queries.metrics import METRICS, Metric, Summary
from ods_core.queries.outcomes import OutcomeFilter, outcomes, period_of
from ods_core.service import Runtime, Service
from ods_core.store import Store
from tests.databases import memory_url
from tests.queries.history import RandomHistory

FILTERS: list[Mapping[str, str]] = [{}, {"organization_id": "ORG-26-000002"}, {"from_month": "2026-02"}]


def whole(store: Store, now: Any, entry: Mapping[str, Any], wanted: OutcomeFilter) -> tuple[list[Measured], int]:
    """All that stands behind a figure, page by page, and how many it says there are."""
    rows: list[Measured] = []
    while True:
        with store.read() as connection:
            period = period_of(connection, LOCAL, wanted, now)
            given = {"currency": entry.get("currency"), "limit": 20, "skip": len(rows)}
            page = behind(connection, LOCAL, entry["key"], wanted, period, now, **given)
        rows += page.rows
        if not page.more:
            return rows, page.total


def comes_to(metric: Metric, values: list[Any]) -> Any:
    """What the values of a list are summed up to."""
    if metric.summary == Summary.TOTAL:
        return sum(values, type(values[0])(0))
    if metric.summary == Summary.P85:
        return float(np.percentile(values, 85))
    return statistics.median(values) if metric.summary == Summary.MEDIAN else statistics.fmean(values)


def compare(store: Store, now: Any, wanted: OutcomeFilter) -> int:
    """Compare every figure with its list; how many there were with something behind them."""
    with store.read() as connection:
        answer = outcomes(connection, LOCAL, wanted, now)
    told = 0
    for entry in answer["metrics"]:
        metric = METRICS[entry["key"]]
        rows, total = whole(store, now, entry, wanted)
        assert len(rows) == total == entry["n"], (entry["key"], entry.get("currency"))
        assert len({(row.id, row.entry) for row in rows}) == total, entry["key"]
        if rows and metric.summary != Summary.WEIGHTED:
            expected = entry["value"] if isinstance(entry["value"], Decimal) else pytest.approx(entry["value"])
            assert comes_to(metric, [row.value for row in rows]) == expected, entry["key"]
        told += bool(rows)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_a_list_has_as_many_as_its_figure_says_and_comes_to_it(
    store: Store, service: Service, clock: MovingClock, seed: int
) -> None:
    RandomHistory(service, clock, seed=seed).run(6, 150)
    told = [compare(store, clock(), OutcomeFilter(**wanted)) for wanted in FILTERS]
    assert told[0] > 10


def test_the_demonstration_has_something_behind_every_figure() -> None:
    runtime = Runtime.open(Settings(database_url=memory_url(), clock="2026-05-20T09:00:00Z"))
    demo.load(runtime)
    now = runtime.clock()
    assert compare(runtime.store, now, OutcomeFilter()) >= len(METRICS)
    with runtime.store.read() as connection:
        known = tags(connection, LOCAL)[:8]
    assert max(compare(runtime.store, now, OutcomeFilter(project_tag=tag)) for tag in known) > 2
    runtime.close()


def test_the_latest_stands_first(store: Store, service: Service, clock: MovingClock) -> None:
    RandomHistory(service, clock, seed=1).run(6, 150)
    rows, _ = whole(store, clock(), {"key": "review_turnaround_median"}, OutcomeFilter())
    days = [row.ended_on for row in rows]
    assert len(set(days)) > 1
    assert days == sorted(days, reverse=True)
