"""What each page costs on the server as the history grows: the same views on a small and on a large store.

    python -m benchmarks.pages [--only Payments] [--milestones 10000 1000000] [--rounds 5] [--keep FOLDER]

Every view is run from the entry point, as a browser's session runs it, without the browser: widgets, queries, charts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from streamlit.testing.v1 import AppTest

from benchmarks.milestones import NOW, milestones_store
from ods_core.basics.settings import Settings
from ods_core.service import Runtime, using
from ods_core.ui.places import PLACES
from tests.started import ROOT

ENTRY = str(ROOT / "pages" / "main.py")
VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Payments, schedule": ("payments", {}),
    "Payments, overdue": ("payments", {"overdue": "yes"}),
    "Payments, one organisation": ("payments", {"organization": "ORG-26-000003"}),
    "Payments, ageing": ("payments", {"view": "ageing"}),
    "Payments, statement": ("payments", {"view": "statement"}),
    "Payments, statement found by text": ("payments", {"view": "statement", "find": "webhook"}),
    **{place.title: (key, {}) for key, place in PLACES.items() if key not in ("payments", "activity")},
}


def opened(place: str, params: Mapping[str, str]) -> AppTest:
    """The app with one view open."""
    app = AppTest.from_file(ENTRY, default_timeout=120).run()
    app.switch_page(PLACES[place].file)
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, (place, [error.message for error in app.exception])
    return app


def measure(path: Path, rounds: int, only: str) -> dict[str, float]:
    """Median milliseconds of running each view again, as it is when something was changed."""
    runtime = Runtime.open(Settings(database_url=f"duckdb:///{path}", clock=f"{NOW:%Y-%m-%dT%H:%M:%SZ}", demo=False))
    took = {}
    with using(runtime):
        for name, (place, params) in VIEWS.items():
            if only not in name:
                continue
            app, times = opened(place, params), []
            for _ in range(rounds):
                start = time.perf_counter()
                app.run()
                times.append((time.perf_counter() - start) * 1000)
            took[name] = statistics.median(times)
    runtime.close()
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--milestones", type=int, nargs=2, default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=None, help="where the stores are kept; the system's temporary")
    parser.add_argument("--only", default="", help="views with this in their name")
    given = parser.parse_args()
    stores = [milestones_store(count, given.keep) for count in given.milestones]
    few, many = (measure(store, given.rounds, given.only) for store in stores)
    print(f"{'view':<36} {given.milestones[0]:>12,} {given.milestones[1]:>12,} {'growth':>8}")
    for name in few:
        print(f"{name:<36} {few[name]:>9.0f} ms {many[name]:>9.0f} ms {many[name] / few[name]:>7.2f}x")


if __name__ == "__main__":
    main()
