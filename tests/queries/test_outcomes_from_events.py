"""The log alone is enough: all that Outcomes shows, recomputed from events in plain Python, on random histories."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from ods_core.basics.clock import MovingClock
from ods_core.basics.events import Event
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.demo import load
from ods_core.queries.activity import EventFilter, feed
from ods_core.queries.criteria_quality import BANDS, by_score
from ods_core.queries.facts import check, keep_up
from ods_core.queries.metrics import METRICS
from ods_core.queries.outcomes import (
    OutcomeFilter,
    Step,
    by_organization,
    by_tag,
    by_workspace,
    outcomes,
    period_of,
)
from ods_core.queries.rejections import NO_CRITERION, Bar, by_criterion, by_reason, rejections
from ods_core.service import Runtime, Service
from ods_core.store import Store
from tests.queries import recount
from tests.queries.history import RandomHistory
from tests.queries.recount import Observations, Span, figure, same

FULL = bool(os.environ.get("ODS_TEST_FULL"))
OWNERS = {"organization_id": by_organization, "workspace_id": by_workspace}


def whole_log(store: Store) -> list[Event]:
    """Every event, oldest first."""
    found: list[Event] = []
    cursor = None
    with store.read() as connection:
        while True:
            page = feed(connection, LOCAL, EventFilter(), limit=100, cursor=cursor)
            found += page.events
            cursor = page.cursor
            if not page.has_more:
                return found


@dataclass
class Compared:
    """One store's answers beside what its log comes to; `told` counts the figures that were there to compare."""

    connection: Connection
    events: Sequence[Event]
    now: datetime
    told: int = 0

    def all_of(self, wanted: Mapping[str, str], steps: Iterable[Step]) -> None:
        """Everything that is shown for a filter: the figures, those of the period before, and what is behind them."""
        months = {name: wanted[name] for name in ("from_month", "to_month") if name in wanted}
        others = {name: value for name, value in wanted.items() if name not in months}
        asked, seen = OutcomeFilter(**wanted), self.observed(others)
        period = period_of(self.connection, LOCAL, asked, self.now)
        span = Span(f"{period.first:%Y-%m}", f"{period.last:%Y-%m}")
        if not wanted:
            assert span == Span(f"{self.events[0].occurred_at:%Y-%m}", f"{self.now:%Y-%m}")
        assert months in ({}, {"from_month": span.first, "to_month": span.last})
        for step in steps:
            self.figures(asked, seen, span, step)
        earlier = span.before()
        assert (f"{period.before().first:%Y-%m}", f"{period.before().last:%Y-%m}") == (earlier.first, earlier.last)
        self.figures(replace(asked, from_month=earlier.first, to_month=earlier.last), seen, earlier, Step.MONTH)
        parted = recount.by_part(recount.within(seen, span))
        self.reasons(asked, parted)
        self.criteria(asked, parted)
        self.breakdowns(asked, others, span)

    def observed(self, others: dict[str, str]) -> Observations:
        """What the log tells of the requests that are asked about."""
        return recount.observe(recount.matching(self.events, others), self.now)

    def figures(self, asked: OutcomeFilter, seen: Observations, span: Span, step: Step) -> None:
        """Value, n and series of every figure."""
        answer = outcomes(self.connection, LOCAL, asked, self.now, step=step)
        assert (answer["from"], answer["to"]) == (span.first, span.last)
        parted = recount.by_part(recount.within(seen, span))
        for entry in answer["metrics"]:
            for part in [{"period": None} | entry, *entry["series"]]:
                value, n = figure(parted, entry["key"], entry.get("currency"), part["period"])
                assert part["n"] == n, (asked, entry["key"], part["period"], part["n"], n)
                assert same(part["value"], value), (asked, entry["key"], part, value)
                self.told += n > 0
            self.complete(entry, parted)
        kept = {m["currency"] for m in answer["metrics"] if m.get("currency")}
        assert kept == {c for _, c, part in parted if c and part is None} | {asked.currency} - {None}

    def complete(self, entry: Mapping[str, Any], parted: Any) -> None:
        """No part of the period is left out of a series, and the count beside a figure is right."""
        counted = sum(part["n"] for part in entry["series"])
        assert counted == (0 if METRICS[entry["key"]].as_of_now else entry["n"]), entry
        if "per_accepted_deliverable" in entry:
            wanted = recount.remediations_per_deliverable(parted)
            assert same(entry["per_accepted_deliverable"], wanted)

    def reasons(self, asked: OutcomeFilter, parted: Any) -> None:
        """What was named when something was rejected."""
        found, left_out = rejections(self.connection, LOCAL, asked, self.now)
        assert left_out == 0
        assert counts(by_reason(found)) == dict(recount.reasons(parted))
        assert counts(by_criterion(found)) == dict(recount.unmet(parted, NO_CRITERION))
        self.told += len(found)

    def criteria(self, asked: OutcomeFilter, parted: Any) -> None:
        """What became of first attempts, by the score of their criteria."""
        found = [(b.scopes, b.decided, b.rejected) for b in by_score(self.connection, LOCAL, asked, self.now)]
        assert found == recount.bands(parted, BANDS)
        self.told += sum(scopes for scopes, _, _ in found)

    def breakdowns(self, asked: OutcomeFilter, others: dict[str, str], span: Span) -> None:
        """The figures of each organisation, workspace and tag are those of a filter for it."""
        requests = [e.data for e in self.events if e.type.value == "ods.request.submitted"]
        for field, ask in OWNERS.items():
            found = ask(self.connection, LOCAL, asked, self.now)
            self.sides(found, field, {str(r[field]) for r in requests}, others, span)
        tags = {tag for r in requests for tag in r["project_tags"]}
        found = by_tag(self.connection, LOCAL, asked, self.now, sorted(tags))
        self.sides(found, "project_tag", tags, others, span)

    def sides(self, found: Mapping[str, Any], field: str, known: set[str], others: dict[str, str], span: Span) -> None:
        """One breakdown; it is empty for what the filter leaves out."""
        assert found.keys() <= known
        for id in known:
            events = recount.matching(recount.matching(self.events, others), {field: id})
            parted = recount.by_part(recount.within(recount.observe(events, self.now), span))
            figures = {key: value for key, value in found.get(id, {}).items() if key[0] in METRICS}
            for (key, currency), got in figures.items():
                value, n = figure(parted, key, currency)
                assert (got.n, same(got.value, value)) == (n, True), (others, field, id, key, got, value)
                self.told += 1
            there = {(key, c) for key in METRICS for c in currencies(parted, key) if figure(parted, key, c)[1]}
            assert figures.keys() == there, (others, field, id)


def currencies(parted: Any, key: str) -> set[str | None]:
    """In which currencies there is something of a figure; None for what is not money."""
    return {c for name, c, part in parted if part is None and name == recount.FIGURES[key][0]}


def counts(bars: Sequence[Bar]) -> dict[str, int]:
    """A Pareto as counts."""
    return {bar.label: bar.count for bar in bars}


FILTERS: list[dict[str, str]] = [
    {},
    {"organization_id": "ORG-26-000002"},
    {"workspace_id": "WS-26-000001"},
    {"project_tag": "PROJ-26-000012"},
    {"currency": "JPY"},
    {"organization_id": "ORG-26-000001", "workspace_id": "WS-26-000002", "currency": "KWD"},
    {"project_tag": "PROJ-26-000001", "organization_id": "ORG-26-000003"},
]


def compared(store: Store, now: datetime, filters: Iterable[dict[str, str]], steps: Iterable[Step] = Step) -> int:
    """Compare all that is shown with what the log comes to; how many figures there were."""
    events = whole_log(store)
    with store.read() as connection:
        both = Compared(connection, events, now)
        for wanted in filters:
            both.all_of(wanted, steps)
        return both.told


def spans(store: Store, now: datetime) -> Iterator[dict[str, str]]:
    """Periods within a history: two months in its middle, and the months from there to now."""
    first = whole_log(store)[0].occurred_at
    middle = first + (now - first) / 2
    after = middle + timedelta(days=31)
    yield {"from_month": f"{middle:%Y-%m}", "to_month": f"{after:%Y-%m}"}
    yield {"from_month": f"{middle:%Y-%m}", "to_month": f"{now:%Y-%m}", "currency": "USD"}


@pytest.mark.parametrize("seed", range(1, 201) if FULL else [1, 2])
def test_all_that_is_shown_can_be_recomputed_from_the_log(service: Service, clock: MovingClock, seed: int) -> None:
    """Whatever happened and however far the kept facts go, figures and log tell the same, filtered or not."""
    history, store = RandomHistory(service, clock, seed), service.store
    history.run(engagements=20, steps=150)
    assert keep_up(store)
    history.run(engagements=20, steps=250)
    clock.advance(days=3)
    # The rows of most engagements are behind, and made on the spot.
    assert compared(store, clock(), [{}, FILTERS[1 + seed % 6]], [[*Step][seed % 3]]) > 200
    assert keep_up(store)
    assert compared(store, clock(), [{}, *spans(store, clock())]) > 500
    assert compared(store, clock(), FILTERS[1:], [[*Step][(seed + 1) % 3]]) > 1_000
    assert keep_up(store) is None
    with store.read() as connection:
        assert check(connection) == []


def test_all_that_is_shown_of_the_demo_can_be_recomputed_from_the_log() -> None:
    clock = MovingClock(datetime(2026, 4, 15, 8, tzinfo=UTC))
    store = Store("duckdb:///:memory:", clock)
    load(Runtime(Settings(demo=False), store, Service(store, clock), clock))
    requests = [e.data for e in whole_log(store) if e.type.value == "ods.request.submitted"]
    one = {name: str(requests[0][name]) for name in ("organization_id", "workspace_id", "currency")}
    tag = {"project_tag": str(next(r["project_tags"][0] for r in requests if r["project_tags"]))}
    singly: list[dict[str, str]] = [{name: value} for name, value in one.items()]
    assert compared(store, clock(), [{}, *singly, tag, one, *spans(store, clock())]) > 2_000
    assert keep_up(store)
    assert compared(store, clock(), [{}, tag]) > 500
    store.close()


def test_the_figures_that_are_shown_are_those_that_are_recomputed() -> None:
    assert recount.FIGURES.keys() == METRICS.keys()


def test_the_random_histories_tell_of_everything(service: Service, clock: MovingClock) -> None:
    """They would prove little if nothing was taken back, terminated or declined in them, or all in one month."""
    begun = clock()
    RandomHistory(service, clock, 1).run(engagements=40, steps=900)
    events = whole_log(service.store)
    assert clock() - begun > timedelta(days=365)
    with service.store.read() as connection:
        answer = outcomes(connection, LOCAL, OutcomeFilter(), clock())
        found, _ = rejections(connection, LOCAL, OutcomeFilter(), clock())
        decided = [band.decided for band in by_score(connection, LOCAL, OutcomeFilter(), clock())]
    assert {m["key"] for m in answer["metrics"] if any(part["n"] for part in m["series"])} == {
        key for key, metric in METRICS.items() if not metric.as_of_now
    }
    assert any(e.data["receipt"]["reverses"] for e in events if e.type.value == "ods.payment.received")
    assert all(seen_in(events, kind) for kind in ("ods.scope.terminated", "ods.scope.declined", "ods.cycle.accepted"))
    assert len(by_reason(found)) > 1
    assert len(by_criterion(found)) > 2
    assert all(decided)


def seen_in(events: list[Event], kind: str) -> bool:
    return any(e.type.value == kind for e in events)
