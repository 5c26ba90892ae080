"""Two windows on one server: what one decides, the other shows within two seconds, without a click."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import Engagement
from tests.browser.conftest import PATIENCE
from tests.browser.person import Person
from tests.started import started

pytestmark = pytest.mark.browser

SECONDS = 2.0
WATCH = """text => {
    window.odsSeen = new Promise(seen => {
        const look = () => document.body.innerText.includes(text) ? seen(Date.now()) : setTimeout(look, 10);
        look();
    });
}"""


def last_one_ready(api: Any) -> str:
    """An engagement all of whose deliverables but one are accepted; that one, which waits for a decision."""
    engagement = Engagement(api).ready()
    *others, last = engagement.get(f"/scopes/{engagement.scope['id']}")["deliverables"]
    for other in others:
        engagement.post(f"/deliverables/{other['id']}/accept", {"accepted": True})
    return str(last["id"])


def accept(window: Person, id: str) -> int:
    """Accept a deliverable in a window; when its last button was pressed, in milliseconds of the machine's clock."""
    window.open("deliverables", "delivery_lead", deliverable=id)
    window.part(f"accept_{id}").get_by_role("button").click()
    window.settle()
    agree = window.part(f"accept_{id}_yes").get_by_role("button")
    expect(agree).to_be_enabled()
    pressed = int(window.page.evaluate("Date.now()"))
    agree.click()
    return pressed


TOLD = {
    "cycles": ("3 cycles: ", "2 cycles: ", "1 cycle: ", "No cycle is in this view"),
}
"""What the other window says at first, and after each acceptance: the last one of an engagement ends its scope."""


@pytest.mark.parametrize("place", TOLD)
def test_the_other_window_shows_an_acceptance_within_two_seconds(page: Page, tmp_path: Path, place: str) -> None:
    """Both windows are of one machine, so that their clocks are one: from the press here to the word there."""
    with started(tmp_path) as server, server.client() as api:
        deliverables = [last_one_ready(api) for _ in TOLD[place][1:]]
        other = page.context.browser.new_context().new_page()
        other.set_default_timeout(PATIENCE)
        deciding, watching = Person(page, server.url), Person(other, server.url)
        watching.open(place, "executive")
        watching.sees(TOLD[place][0])
        took = []
        for id, word in zip(deliverables, TOLD[place][1:], strict=True):
            other.evaluate(WATCH, word)
            pressed = accept(deciding, id)
            took.append((other.evaluate("window.odsSeen") - pressed) / 1000)
        other.context.close()
    print(f"{place}: {', '.join(f'{each:.2f}' for each in took)} s, median {statistics.median(took):.2f} s")
    assert statistics.median(took) <= SECONDS
