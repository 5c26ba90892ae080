"""What the Outcomes page's data costs at a million deliverables, against SQL by hand and pandas, in one run.

    python -m benchmarks.outcomes [--deliverables 10000 100000 1000000] [--rounds 5] [--keep FOLDER] [--quick]

A store with so many deliverables is made once and kept. All that the page shows in any of its views is asked for: the
figures and their months, those of the period before, the breakdowns by organisation, workspace and tag, the newest
rejections, the criteria, and what there is to choose from. In every round the product, the tables and statements by
hand (`outcomes_by_hand`) and pandas with everything in memory (`outcomes_in_pandas`) answer in turn; all three must
tell the same. Then each of product and pandas in a fresh process, from its start to the answer.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.queries.facts import check as check_facts
from ods_core.queries.facts import keep_up
from ods_core.queries.outcomes import OutcomeFilter, period_of
from ods_core.service import Service
from ods_core.store import Store
from tests.seed import seed_request

SIZES = [10_000, 100_000, 1_000_000]
QUICK = [2_000, 10_000]
CHANGES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where one store's files are."""

    store: Path

    @property
    def hand(self) -> Path:
        """The tables made by hand."""
        return self.store.with_suffix(".hand")

    @property
    def frames(self) -> Path:
        """What pandas reads."""
        return self.store.with_suffix(".frames")

    def opened(self) -> Store:
        """The store itself."""
        return Store(f"duckdb:///{self.store}")


def in_turn(rounds: int, *calls: Callable[[], object]) -> list[float]:
    """Median milliseconds of each call, one after the other in every round, after one round to warm up."""
    took: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, times in zip(calls, took, strict=True):
            start = time.perf_counter()
            call()
            if number:
                times.append((time.perf_counter() - start) * 1000)
    return [statistics.median(times) for times in took]


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def keep(store: Store, now: datetime) -> None:
    """Make the facts anew, then bring them up to date after single changes; print what both take."""
    made = timed(lambda: keep_up(store, wait=True, anew=True))
    service, took = Service(store, MovingClock(now)), []
    for _ in range(CHANGES):
        service.submit_request(LOCAL, replace(seed_request(), organization_id="ORG-26-000001"))
        took.append(timed(lambda: keep_up(store)))
    with store.read() as connection:
        assert check_facts(connection) == []
    print(f"  facts: made anew in {made / 1000:.1f} s; after a change in {statistics.median(took):.0f} ms", flush=True)


# What loads pandas is imported where it is needed: a fresh process of the product is to start without.


def questions(store: Store, now: datetime) -> list[Any]:
    """All of the history, the last six months, and one organisation of average size in all of it."""
    from benchmarks.outcomes_told import Asked

    with store.read() as connection:
        months = period_of(connection, LOCAL, OutcomeFilter(), now).months()
        sizes = "SELECT organization_id FROM (SELECT organization_id, count(*) AS n FROM requests GROUP BY 1)"
        average = f"{sizes} ORDER BY abs(n - (SELECT count(*) / count(DISTINCT organization_id) FROM requests)) LIMIT 1"
        (owner,) = connection.exec_driver_sql(average).one()
    half = Asked("the last six months", now, months[-6:][0], months[-1])
    return [Asked("all of it", now), half, Asked("one organisation", now, organization_id=owner)]


def prepared(size: int, folder: Path) -> tuple[Place, datetime]:
    """A store, its facts, the tables by hand and what pandas reads."""
    from benchmarks import outcomes_by_hand, outcomes_in_pandas
    from benchmarks.varied import now_of, varied_store

    place = Place(varied_store(folder, size))
    store = place.opened()
    with store.read() as connection:
        now = now_of(connection)
    keep(store, now)
    with store.engine.connect() as connection:
        cursor = connection.connection.cursor()
        outcomes_by_hand.build(cursor, place.hand)
        outcomes_in_pandas.export(cursor, place.hand, place.frames)
    store.checkpoint()
    store.close()
    return place, now


def warm(place: Place, now: datetime, rounds: int) -> float:
    """Compare the three in turn, print; milliseconds of the product for all of it."""
    from benchmarks.outcomes_by_hand import LAYOUTS, ByHand
    from benchmarks.outcomes_in_pandas import InPandas
    from benchmarks.outcomes_told import check, told

    store, frames = place.opened(), InPandas.read(place.frames)
    by_layout = [ByHand.opened(place.hand, layout) for layout in LAYOUTS]
    first = 0.0
    for asked in questions(store, now):

        def ours(asked: Any = asked) -> Any:
            with store.read() as connection:
                return told(connection, asked)

        def by_hand(hand: ByHand, asked: Any = asked) -> Any:
            return hand.page(asked)

        def pandas(asked: Any = asked) -> Any:
            return frames.page(asked)

        expected = ours()
        for other, who in [(lambda h=h: by_hand(h), f"by hand, by {h.layout}") for h in by_layout] + [
            (pandas, "pandas")
        ]:  # type: ignore[misc]
            check(expected, other(), who)
        one, *hands, frame = in_turn(rounds, ours, *[lambda h=h: by_hand(h) for h in by_layout], pandas)  # type: ignore[misc]
        first = first or one
        print(
            f"  {asked.name:<20} product {one:>8.1f} ms   by hand {min(hands):>8.1f} ms  {one / min(hands):>5.2f}x   "
            f"pandas {frame:>8.1f} ms  {frame / one:>5.2f}x slower",
            flush=True,
        )
    store.close()
    return first


def cold(place: Place, now: datetime, rounds: int) -> None:
    """Start a fresh process for each answer; print what both take, and how far apart they are."""
    took: dict[str, list[float]] = {"product": [], "pandas": []}
    for _ in range(rounds):
        for who, times in took.items():
            call = [sys.executable, "-m", "benchmarks.outcomes", "--answer", who, str(place.store), now.isoformat()]
            times.append(timed(lambda call=call: subprocess.run(call, check=True)))  # type: ignore[misc]
    product, pandas = (statistics.median(times) for times in took.values())
    apart = f"{pandas / product:>5.2f}x slower"
    print(f"  from a cold start    product {product:>8.0f} ms   pandas {pandas:>8.0f} ms  {apart}", flush=True)


def answer(who: str, path: Path, now: datetime) -> None:
    """What a fresh process does: open what there is, and answer for all of the history."""
    from benchmarks.outcomes_told import Asked, told

    place = Place(path)
    if who == "pandas":
        from benchmarks.outcomes_in_pandas import InPandas

        assert InPandas.read(place.frames).page(Asked("all of it", now)).figures
        return
    store = place.opened()
    with store.read() as connection:
        assert told(connection, Asked("all of it", now)).figures
    store.close()


def measure(sizes: Sequence[int], folder: Path, rounds: int) -> None:
    """All sizes, the smallest first, and how the product's time grows."""
    curve: list[float] = []
    for size in sizes:
        print(f"{size:,} deliverables", flush=True)
        place, now = prepared(size, folder)
        curve.append(warm(place, now, rounds))
        cold(place, now, max(rounds // 2, 1))
    print("growth, all of it:")
    for size, took in zip(sizes, curve, strict=True):
        bar = "#" * round(40 * took / max(curve))
        print(f"  {size:>9,} {took:>8.1f} ms {took / size * 1_000_000:>8.1f} ms a million {bar}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliverables", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "ods-outcomes")
    parser.add_argument("--quick", action="store_true", help="small stores, to try it")
    parser.add_argument("--answer", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        who, path, now = given.answer
        answer(who, Path(path), datetime.fromisoformat(now).astimezone(UTC))
    else:
        measure(QUICK if given.quick else given.deliverables, given.keep, given.rounds)


if __name__ == "__main__":
    main()
