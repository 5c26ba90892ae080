"""What the Outcomes page's data costs at a million deliverables, against SQL by hand and pandas, in one run.

    python -m benchmarks.outcomes [--deliverables 10000 100000 1000000] [--rounds 5] [--keep FOLDER] [--quick]

A store with so many deliverables is made once and kept. All that the page shows in any of its views is asked for: the
figures and their months, those of the period before, the breakdowns by organisation, workspace and tag, the newest
rejections, the criteria, and what there is to choose from. In every round the product, the tables and statements by
hand (`outcomes_by_hand`) and pandas with everything in memory (`outcomes_in_pandas`) answer in turn; all three must
tell the same. Then each of product and pandas in a fresh process, from its start to the answer. Beside the time stands
what the processors worked for it, all threads together: on a machine that others use as well, that says more.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from benchmarks import outcomes_by_hand, outcomes_in_pandas
from benchmarks.outcomes_by_hand import LAYOUTS, ByHand
from benchmarks.outcomes_in_pandas import InPandas
from benchmarks.outcomes_product import told
from benchmarks.outcomes_told import Asked, Told, check
from benchmarks.varied import now_of, varied_store
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


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds: on the clock, and of the processors."""

    clock: float
    worked: float

    def __str__(self) -> str:
        return f"{self.clock:>7,.0f} ms ({self.worked:>6,.0f})"

    def times(self, other: Took) -> str:
        """How many times the other's."""
        return f"{self.clock / other.clock:>5.2f}x ({self.worked / other.worked:.2f})"


def in_turn(rounds: int, *calls: Callable[[], object]) -> list[Took]:
    """Medians of each call, one after the other in every round, after one round to warm up."""
    took: list[list[Took]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, times in zip(calls, took, strict=True):
            one = timed(call)
            if number:
                times.append(one)
    return [median(times) for times in took]


def median(times: Sequence[Took]) -> Took:
    """Of both."""
    return Took(statistics.median(t.clock for t in times), statistics.median(t.worked for t in times))


def timed(call: Callable[[], object]) -> Took:
    """One call, with the processes that it starts."""
    start, before = time.perf_counter(), _worked()
    call()
    return Took((time.perf_counter() - start) * 1000, _worked() - before)


def _worked() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both) * 1000


def keep(store: Store, now: datetime) -> None:
    """Make the facts anew, then bring them up to date after single changes; print what both take."""
    made = timed(lambda: keep_up(store, wait=True, anew=True))
    service, took = Service(store, MovingClock(now)), []
    for _ in range(CHANGES):
        service.submit_request(LOCAL, replace(seed_request(), organization_id="ORG-26-000001"))
        took.append(timed(lambda: keep_up(store)))
    with store.read() as connection:
        assert check_facts(connection) == []
    print(f"  facts made anew {made}, after a change {median(took)}", flush=True)


def questions(store: Store, now: datetime) -> list[Asked]:
    """All of the history, the last six months, and one organisation of average size in all of it."""
    with store.read() as connection:
        months = period_of(connection, LOCAL, OutcomeFilter(), now).months()
        sizes = "SELECT organization_id FROM (SELECT organization_id, count(*) AS n FROM requests GROUP BY 1)"
        average = f"{sizes} ORDER BY abs(n - (SELECT count(*) / count(DISTINCT organization_id) FROM requests)) LIMIT 1"
        (owner,) = connection.exec_driver_sql(average).one()
    half = Asked("the last six months", now, months[-6:][0], months[-1])
    return [Asked("all of it", now), half, Asked("one organisation", now, organization_id=owner)]


def prepared(size: int, folder: Path) -> tuple[Place, datetime]:
    """A store, its facts, the tables by hand and what pandas reads."""
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


def warm(place: Place, now: datetime, rounds: int) -> Took:
    """Compare the three in turn, print; what the product takes for all of it."""
    store, frames = place.opened(), InPandas.read(place.frames)
    by_layout = [ByHand.opened(place.hand, layout) for layout in LAYOUTS]
    settle_in()
    first: Took | None = None
    for asked in questions(store, now):
        calls = [partial(ours, store, asked), *[partial(hand.page, asked) for hand in by_layout]]
        calls.append(partial(frames.page, asked))
        expected, *others = [call() for call in calls]
        for other, who in zip(others, [*LAYOUTS, "pandas"], strict=True):
            check(expected, other, who)
        one, *hands, frame = in_turn(rounds, *calls)
        best = min(hands, key=lambda took: took.clock)
        print(
            f"  {asked.name:<20} product {one}   by hand {best} {one.times(best)}   pandas {frame} {frame.times(one)}",
            flush=True,
        )
        first = first or one
    store.close()
    assert first
    return first


def settle_in() -> None:
    """Leave what is loaded out of later collections of garbage, for all three: the server does so at its start."""
    gc.collect()
    gc.freeze()


def ours(store: Store, asked: Asked) -> Told:
    """The product's answer."""
    with store.read() as connection:
        return told(connection, asked)


def cold(place: Place, now: datetime, rounds: int) -> None:
    """Start a fresh process for each answer; print what each takes, and how far apart they are.

    pandas starts twice: from its own files with the facts ready made, and from the store that the product starts from.
    """
    begun = {"product": place.store, "pandas": place.frames, "pandas_of_store": place.store}
    start = [sys.executable, "-m", "benchmarks.outcomes_cold"]
    calls = [[*start, who, path, now.isoformat()] for who, path in begun.items()]
    product, ready, whole = in_turn(rounds, *[partial(subprocess.run, call, check=True) for call in calls])
    print(
        f"  {'from a cold start':<20} product {product}   pandas, facts ready made {ready} {ready.times(product)}   "
        f"pandas, from the store {whole} {whole.times(product)}",
        flush=True,
    )


def measure(sizes: Sequence[int], folder: Path, rounds: int) -> None:
    """All sizes, the smallest first, and how the product's time grows."""
    curve: list[Took] = []
    for size in sizes:
        print(f"{size:,} deliverables", flush=True)
        place, now = prepared(size, folder)
        curve.append(warm(place, now, rounds))
        cold(place, now, max(rounds // 2, 1))
    print("growth, all of it:")
    most = max(took.worked for took in curve)
    for size, took in zip(sizes, curve, strict=True):
        print(f"  {size:>9,} {took}  {'#' * round(50 * took.worked / most)}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliverables", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "ods-outcomes")
    parser.add_argument("--quick", action="store_true", help="small stores, to try it")
    given = parser.parse_args()
    measure(QUICK if given.quick else given.deliverables, given.keep, given.rounds)


if __name__ == "__main__":
    main()
