"""A person at a browser: opens a page, types, presses, reads."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SHOTS

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


class Person:
    """Somebody with one window on a server."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self, path: str, persona: str, **parameters: str) -> None:
        """Open an address as somebody of a role."""
        query = "&".join(f"{name}={value}" for name, value in {"as": persona, **parameters}.items())
        self.page.goto(f"{self.url}/{path}?{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn itself and stays so."""
        self.page.wait_for_selector(SETTLED)
        self.page.wait_for_timeout(300)
        self.page.wait_for_selector(SETTLED)

    def type(self, label: str, text: str, *, nth: int = 0) -> None:
        """Fill a field, and leave it."""
        field = self.field(label).nth(nth)
        field.fill(text)
        field.press("Tab")
        self.settle()

    def field(self, label: str) -> Locator:
        """The fields with this label; a help button beside one has the same words."""
        return self.page.locator("input, textarea").and_(self.page.get_by_label(label))

    def choose(self, label: str, text: str) -> None:
        """Type into a select box and take what is typed."""
        field = self.page.get_by_role("combobox", name=re.compile(re.escape(label)))
        field.fill(text)
        field.press("Enter")
        self.settle()

    def press(self, name: str, *, exact: bool = False) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=exact).first.click()
        self.settle()

    def follow(self, name: str) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=name).first.click()
        self.settle()

    def part(self, key: str) -> Locator:
        """A keyed part of the page."""
        return self.page.locator(f".st-key-{key}")

    def sees(self, *texts: str) -> None:
        """Assert that these texts are on the page."""
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible()

    def reads(self, *texts: str) -> None:
        """Assert that these texts stand in a table; its cells are drawn, and written for screen readers."""
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_attached()

    def parameter(self, name: str) -> str:
        """A value of the address."""
        found = re.search(rf"[?&]{name}=([^&]+)", self.page.url)
        assert found, f"{name} is not in {self.page.url}"
        return found[1]

    def shot(self, name: str) -> None:
        """Keep a picture of the page as it is."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")
