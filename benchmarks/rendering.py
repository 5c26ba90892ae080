"""What a person waits for: Outcomes and Cycles in a browser, against a bare page with one chart, and as history grows.

    python -m benchmarks.rendering [--quick] [--rounds 7] [--milestones 10000 1000000] [--keep FOLDER]

One Chromium opens the pages in turn: the floor (benchmarks/floor/chart.py, on a server of its own), then ours on the
demo engagements and on stores with so many payment milestones. Everything is warm: each page was opened before. A page
is settled when its script has ended, no element is still a placeholder and its chart is drawn, and this stays so; the
time is the browser's own, from the start of the navigation. A round's ratio is to the bare page of the same round, so
that a machine which others use too slows both. Work is the processor time of all the browser's processes until then.
Bytes are those that the browser received, answers and WebSocket messages, in the warm rounds.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.milestones import NOW, milestones_store
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.started import ROOT, StartedServer, free_port

DEMO_NOW = "2026-05-20T09:00:00Z"
PAGES = ("outcomes", "cycles")
STAYS = 400
"""Milliseconds for which a page must stay as it is to be settled; not counted."""
PATIENCE = 120_000

SETTLED = f"""
(() => {{
    let since = null;
    const look = () => {{
        const ended = document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
        const waits = document.querySelector("[data-testid=stSkeleton]");
        const drawn = document.querySelector(".js-plotly-plot .main-svg");
        const now = performance.now();
        // What was drawn must stay; the script may look for news meanwhile.
        since = drawn && !waits && (ended || since !== null) ? (since ?? now) : null;
        if (since !== null && now - since >= {STAYS}) window.odsSettled = since;
        else setTimeout(look, 10);
    }};
    look();
}})();
"""


@dataclass
class Bytes:
    """What the browser received since it was last asked."""

    session: CDPSession
    count: int = 0

    def __post_init__(self) -> None:
        self.session.send("Network.enable")
        self.session.on("Network.dataReceived", lambda event: self._add(event["encodedDataLength"]))
        self.session.on("Network.webSocketFrameReceived", lambda event: self._frame(event["response"]))

    def _add(self, count: int) -> None:
        self.count += count

    def _frame(self, frame: Mapping[str, Any]) -> None:
        data = frame["payloadData"]
        self._add(len(base64.b64decode(data)) if frame["opcode"] == 2 else len(data))

    def taken(self) -> int:
        """The bytes since the last time."""
        count, self.count = self.count, 0
        return count


@dataclass
class Browser:
    """One window, with what it received and how much its processes worked."""

    page: Page
    received: Bytes
    session: CDPSession

    def worked(self) -> float:
        """Seconds of processor time of all its processes so far."""
        return sum(float(one["cpuTime"]) for one in self.session.send("SystemInfo.getProcessInfo")["processInfo"])


@dataclass
class Seen:
    """The rounds of one page: milliseconds to settled, milliseconds of processor time, bytes."""

    name: str
    url: str
    times: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def look(self, browser: Browser, *, keep: bool) -> None:
        """Open it once more."""
        browser.page.goto("about:blank")
        browser.received.taken()
        before = browser.worked()
        browser.page.goto(self.url)
        browser.page.wait_for_function("window.odsSettled !== undefined", timeout=PATIENCE)
        if keep:
            self.times.append(float(browser.page.evaluate("window.odsSettled")))
            self.work.append((browser.worked() - before) * 1000)
            self.bytes.append(browser.received.taken())

    def against(self, floor: Seen) -> tuple[float, float]:
        """The medians of the rounds' ratios to those of another page: time, work."""
        times = [mine / bare for mine, bare in zip(self.times, floor.times, strict=True)]
        work = [mine / bare for mine, bare in zip(self.work, floor.work, strict=True)]
        return statistics.median(times), statistics.median(work)


@contextmanager
def floor() -> Iterator[str]:
    """The bare page's address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "chart.py", "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    folder = ROOT / "benchmarks" / "floor"
    process = subprocess.Popen(command, cwd=folder, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        yield _up(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def _up(url: str) -> str:
    for _ in range(600):
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return url
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")


@contextmanager
def ours(database: Path | None, now: str) -> Iterator[str]:
    """Our server's address, on a database; None: on the demo engagements."""
    with tempfile.TemporaryDirectory() as folder:
        url = {} if database is None else {"ODS_DATABASE_URL": f"duckdb:///{database}"}
        demo = {"ODS_DEMO": "1" if database is None else "0"}
        server = StartedServer(Path(folder), ODS_CLOCK=now, **url, **demo)
        try:
            yield server.start().url
        finally:
            server.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the demo engagements alone, three rounds")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milestones", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--keep", type=Path, default=None, help="where the stores are kept; the system's temporary")
    given = parser.parse_args()
    counts, rounds = ([], 3) if given.quick else (given.milestones, given.rounds)
    stores: dict[str, Path | None] = {"demo": None}
    stores |= {f"{count:,} milestones": milestones_store(count, given.keep) for count in counts}
    with ExitStack() as stack:
        seen = [Seen("one bare chart", stack.enter_context(floor()))]
        for name, database in stores.items():
            now = DEMO_NOW if database is None else f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
            url = stack.enter_context(ours(database, now))
            seen += [Seen(f"{page.title()}, {name}", f"{url}/{page}?as=executive") for page in PAGES]
        measure(seen, rounds)
    tell(seen)


def tell(seen: list[Seen]) -> None:
    """Print the medians; received is also told against the same page on the demo engagements."""
    print(f"{'page':<32} {'settled':>9} {'ratio':>7} {'work':>9} {'ratio':>7} {'received':>10} {'to demo':>8}")
    for place, one in enumerate(seen):
        time_ratio, work_ratio = one.against(seen[0])
        received = statistics.median(one.bytes)
        growth = received / statistics.median(seen[1 + (place - 1) % len(PAGES)].bytes) if place else float("nan")
        print(
            f"{one.name:<32} {statistics.median(one.times):>6.0f} ms {time_ratio:>6.2f}x "
            f"{statistics.median(one.work):>6.0f} ms {work_ratio:>6.2f}x {received / 1000:>7.0f} kB {growth:>7.2f}x"
        )


def measure(seen: list[Seen], rounds: int) -> None:
    """Open every page twice to warm up, then in turn."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.add_init_script(SETTLED)
        received = Bytes(page.context.new_cdp_session(page))
        browser = Browser(page, received, chromium.new_browser_cdp_session())
        for number in range(-2, rounds):
            for one in seen:
                one.look(browser, keep=number >= 0)
        chromium.close()


if __name__ == "__main__":
    main()
