"""The Gantt chart in a browser: a click on a bar opens its cycle."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import Engagement
from tests.browser.person import Person
from tests.started import started

pytestmark = pytest.mark.browser

BARS = ".st-key-gantt .barlayer .point path"


def click_on(page: Page, bar: str) -> None:
    """Click where a bar is: Plotly finds it by the place, a layer of its own lies above it."""
    page.wait_for_selector(bar)
    box = page.locator(bar).first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)


def test_a_click_on_a_bar_opens_its_cycle_and_back_returns(page: Page, tmp_path: Path) -> None:
    with started(tmp_path) as server, server.client() as api:
        cycles = Engagement(api).ready().get("/cycles")
        person = Person(page, server.url)
        person.open("cycles", "executive")
        click_on(page, BARS)
        person.sees("All cycles", "Provider's time")
        page.wait_for_url("**cycle=*")
        assert person.parameter("cycle") in {cycle["id"] for cycle in cycles}
        page.go_back()
        person.settle()
        expect(page.locator(BARS).first).to_be_visible()
