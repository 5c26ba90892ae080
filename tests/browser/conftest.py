"""A real browser. Where there is none the tests say so and skip; with ODS_TEST_BROWSER=required they fail instead."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000
"""Milliseconds."""
SHOTS = Path(__file__).parent / "shots"


@contextmanager
def launched(*flags: str) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright, with further flags of its command line."""
    if CHROMIUM is None:
        if os.environ.get("ODS_TEST_BROWSER") == "required":
            pytest.fail("no chromium on this machine, and ODS_TEST_BROWSER=required")
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    # As long as every other wait: a busy machine is slow to draw, and not wrong.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Ended with each page of tests: as long as Playwright's loop runs, no other test of the process can run one."""
    with launched() as running:
        yield running


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A fresh window of a desktop's size."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    window = context.new_page()
    yield window
    if (report := request.node.stash.get(REPORT, None)) and report.failed:
        SHOTS.mkdir(exist_ok=True)
        window.screenshot(path=SHOTS / f"failed-{request.node.name}.png", full_page=True)
    context.close()


REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember how a test ended, so that its window can be kept as a picture."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report
