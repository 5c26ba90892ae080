"""Finance sends an invoice, finds it wrong, and sends the next: on the page, and on the papers taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Page

from tests.api.conftest import Engagement
from tests.browser.person import Person
from tests.browser.test_one_engagement import FINANCE
from tests.browser.test_taking_away import saved
from tests.started import started

pytestmark = [pytest.mark.browser, pytest.mark.server]


def text(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as opened:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in opened).split())


def taken(person: Person, label: str, file_name: str, folder: Path) -> str:
    """What a paper says that is made, and then saved by somebody who takes their time."""
    person.page.get_by_role("button", name=label, exact=True).first.click()
    person.sees(f"Save {file_name}")
    person.page.wait_for_timeout(3_000)
    return text(saved(person, f"Save {file_name}", folder / file_name))


def test_an_invoice_is_issued_taken_away_voided_and_issued_anew(page: Page, tmp_path: Path) -> None:
    with started(tmp_path) as server, server.client() as api:
        walk = Engagement(api).confirmed()
        payment = walk.get(f"/payments?scope_id={walk.scope['id']}&status=due")[0]["id"]
        person = Person(page, server.url)
        person.open("payments", FINANCE, payment=payment)
        person.press("Issue an invoice")
        person.sees("Issue an invoice of $7,750.00")
        person.press("Yes, issue it for $7,750.00")
        person.sees("The invoice is issued")
        first = taken(person, "PDF", "ORG-26-090500-0001.pdf", tmp_path)
        assert "Amount due USD 7,750.00" in first
        assert "VOID" not in first

        person.follow("Void")
        person.type("Why it is voided", "Another address.")
        person.press("Void the invoice")
        person.press("Yes, void ORG-26-090500-0001")
        person.sees("The invoice is void")
        assert "Reason: Another address." in taken(person, "PDF", "ORG-26-090500-0001.pdf", tmp_path)

        person.press("Issue it anew")
        person.press("Yes, issue it for $7,750.00")
        person.sees("ORG-26-090500-0002")
        person.shot("invoiced-anew")
        name = f"statement-{walk.scope['id']}-{datetime.now(UTC):%Y-%m-%d}.pdf"
        said = taken(person, "Download as PDF", name, tmp_path)
    assert "ORG-26-090500-0001, void: Another address." in said
    assert "ORG-26-090500-0002, open" in said
