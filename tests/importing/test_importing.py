"""What is imported is what was told: records, events, figures; once, whole, also after a stop."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Invalid, NotAllowed
from ods_core.basics.events import Event
from ods_core.basics.records import Attempt, Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import DeliverableStatus
from ods_core.importing import Importer
from ods_core.importing import importer as importing
from ods_core.lifecycle import Accept, Policy
from ods_core.queries import facts
from ods_core.queries.invariants import check
from ods_core.queries.outcomes import OutcomeFilter, outcomes
from ods_core.service import Service
from ods_core.store import Store
from ods_core.ui.stories import sentence
from tests.databases import duckdb_only, memory_url
from tests.importing.conftest import engagements, run, told
from tests.importing.exporter import export
from tests.queries.test_outcomes_from_events import FILTERS, compared, whole_log

pytestmark = duckdb_only


def anonymous(engagement: Engagement) -> Engagement:
    """An engagement with identifiers that count within it, and lists of cycles in one order."""
    names = {id: f"{id.split('-')[0]}-{n}" for n, id in enumerate(engagement.ids())}
    return renamed(engagement, names)


def renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, tuple):
        made = [renamed(one, names) for one in value]
        return tuple(sorted(made)) if made and all(isinstance(one, str) for one in made) else tuple(made)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{f.name: renamed(getattr(value, f.name), names) for f in fields(value)})
    return value


def as_one(engagement: Engagement) -> Engagement:
    """An engagement without what an import does not carry: when a half-paid milestone was paid in full before."""
    kept = replace(engagement, attempts=tuple(sorted(engagement.attempts, key=_place(engagement))))
    return anonymous(kept)


def _place(engagement: Engagement) -> Any:
    order = {d.id: n for n, d in enumerate(engagement.deliverables)}

    def place(attempt: Attempt) -> tuple[int, int]:
        return order[attempt.deliverable_id], attempt.number

    return place


def alike(one: Any, two: Any) -> bool:
    """Equal; but a mean of days may differ in its last digit, since rows are added up in the order that they lie in."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(alike(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(alike, one, two))
    return math.isclose(one, two, rel_tol=1e-13) if isinstance(one, float) and two is not None else bool(one == two)


@pytest.mark.parametrize("seed", [3, 4])
def test_what_was_told_exported_and_imported_is_the_same(seed: int, tmp_path: Path) -> None:
    """Records, identifiers aside, the log's types and moments, and every figure with every filter, are equal."""
    store, clock = told(seed)
    before = engagements(store)
    other = Store(memory_url(), clock)
    outcome = run(export(before, tmp_path), other, clock)
    assert (outcome.found, outcome.done) == (0, len(before))
    after = engagements(other)
    assert len(after) == len(before) > 5
    for was, now in zip(before, after, strict=True):
        assert as_one(now) == as_one(was)
    log, imported = whole_log(store), whole_log(other)
    assert Counter((e.type, e.occurred_at) for e in imported) == Counter((e.type, e.occurred_at) for e in log)
    assert all(sentence(e) for e in imported)
    for wanted in FILTERS:
        with store.read() as one, other.read() as two:
            of = OutcomeFilter(**wanted)
            assert alike(outcomes(one, LOCAL, of, clock()), outcomes(two, LOCAL, of, clock()))
    with other.read() as connection:
        assert check(connection) == []


def test_the_log_of_an_import_is_enough_for_every_figure(history: Path, store: Store, clock: MovingClock) -> None:
    """Recomputed from the imported events alone, each figure is the one that the tables give."""
    clock.advance(days=900)
    run(history, store, clock)
    assert compared(store, clock(), FILTERS[:2]) > 100


def test_every_event_is_by_the_import_and_in_the_order_of_time(history: Path, store: Store, clock: MovingClock) -> None:
    """The log rises by moments, and each event names the actor `system`/`import`."""
    clock.advance(days=900)
    run(history, store, clock)
    events: list[Event] = whole_log(store)
    assert {(e.actor.kind.value, e.actor.id) for e in events} == {("system", "import")}
    assert [e.occurred_at for e in events] == sorted(e.occurred_at for e in events)
    assert [e.sequence for e in events] == [*range(1, len(events) + 1)]


def test_an_engagement_that_still_runs_goes_on_by_commands(tmp_path: Path) -> None:
    """What waits for a decision is decided by the rules, with whatever follows from it."""
    begun, clock = told(6, count=10, steps=110)
    store = Store(memory_url(), clock)
    run(export(engagements(begun), tmp_path), store, clock)
    service = Service(store, clock)
    ready = [
        d for e in engagements(store) for d in e.deliverables if d.status == DeliverableStatus.READY_FOR_ACCEPTANCE
    ]
    result = service.accept(LOCAL, ready[0].id, Accept())
    assert result.engagement.deliverable(ready[0].id).status == DeliverableStatus.ACCEPTED
    with store.read() as connection:
        assert check(connection) == []


def test_the_same_files_are_taken_once(history: Path, store: Store, clock: MovingClock) -> None:
    """Under whatever name they come: a second import is refused, and nothing has changed."""
    clock.advance(days=900)
    run(history, store, clock)
    before = engagements(store)
    with pytest.raises(NotAllowed, match="imported already"):
        run(history, store, clock)
    assert engagements(store) == before


def test_a_stopped_import_goes_on_where_it_was(
    history: Path, store: Store, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped within a batch, nothing of that batch is there; the next run writes the rest, and nothing twice."""
    clock.advance(days=900)
    monkeypatch.setattr(importing, "BATCH", 4)
    write, batches = importing._write_batch, []

    def stopping(*given: Any) -> None:
        write(*given)
        batches.append(given)
        if len(batches) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(importing, "_write_batch", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(history, store, clock)
    assert len(engagements(store)) == 4
    with store.read() as connection:
        assert check(connection) == []
    monkeypatch.setattr(importing, "_write_batch", write)
    outcome = run(history, store, clock)
    assert (outcome.before, outcome.done) == (4, outcome.engagements)
    whole = Store(memory_url(), clock)
    run(history, whole, clock)
    assert [as_one(e) for e in engagements(store)] == [as_one(e) for e in engagements(whole)]
    one, two = whole_log(store), whole_log(whole)
    assert Counter((e.type, e.occurred_at) for e in one) == Counter((e.type, e.occurred_at) for e in two)
    with store.read() as connection:
        assert check(connection) == []


def test_a_check_writes_nothing(history: Path, store: Store, clock: MovingClock) -> None:
    """It says how many there are, and leaves the store and its numbers as they were."""
    clock.advance(days=900)
    outcome = Importer(store, clock, Policy()).check(history)
    assert (outcome.found, outcome.done) == (0, 0)
    assert outcome.engagements > 5
    assert store.is_empty()


def test_what_was_known_of_reviews_is_asked_again(history: Path, store: Store, clock: MovingClock) -> None:
    """The usual length of a review is kept for a day; an import brings decisions of days before it."""
    clock.advance(days=900)
    assert store.usual_review(clock().date()) is None
    run(history, store, clock)
    assert store.usual_review(clock().date()) is not None


def test_an_import_joins_what_is_there(history: Path, store: Store, clock: MovingClock, tmp_path: Path) -> None:
    """Identifiers count on from those taken, and the facts that are kept are true of both together, at once."""
    clock.advance(days=900)
    run(history, store, clock)
    other, _ = told(5, count=3, steps=20)
    run(export(engagements(other), tmp_path), store, clock)
    with store.read() as connection:
        assert check(connection) == facts.check(connection) == []
        mark = facts.mark_of(connection)
    assert mark
    assert mark.sequence == store.last_sequence
    assert facts.keep_up(store) is None


def test_another_database_than_duckdb_is_refused(
    history: Path, store: Store, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read or written, with the reason."""
    monkeypatch.setattr(Store, "is_shared", True)
    with pytest.raises(NotAllowed, match="imported into a DuckDB database"):
        run(history, store, clock)


def test_a_folder_without_requests_is_refused(store: Store, clock: MovingClock, tmp_path: Path) -> None:
    """It says what was expected, and where."""
    with pytest.raises(Invalid, match=r"requests\.csv or requests\.parquet"):
        run(tmp_path, store, clock)


def test_the_example_can_be_imported(store: Store, clock: MovingClock) -> None:
    """The files that the documentation shows are right, and are engagements of three kinds."""
    clock.advance(days=900)
    outcome = run(Path("data/import-example"), store, clock)
    assert (outcome.found, outcome.done) == (0, 3)
    assert {e.request.status.value for e in engagements(store)} == {"scoped", "scoping"}
