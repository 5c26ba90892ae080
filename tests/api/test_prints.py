"""Invoices and statements as PDF over HTTP."""

from __future__ import annotations

import httpx
import pypdfium2
import pytest

from tests.api.conftest import Engagement

pytestmark = pytest.mark.server


def text(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(answer.content) as opened:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in opened).split())


@pytest.fixture
def payment(engagement: Engagement) -> str:
    engagement.submitted(title="決済 ‹b›").proposed(title="決済ウェブフック <b>").confirmed()
    return str(engagement.get(f"/payments?scope_id={engagement.scope['id']}&status=due")[0]["id"])


def test_an_invoice_is_taken_away_as_pdf_the_same_each_time(engagement: Engagement, payment: str) -> None:
    made = engagement.post(f"/payments/{payment}/invoice", {}, 201)
    first = engagement.api.get(f"/invoices/{made['id']}.pdf")
    said = text(first)
    assert made["number"] in said
    assert "決済ウェブフック <b>" in said
    assert "Amount due USD 7,750.00" in said
    assert first.headers["content-disposition"] == f'inline; filename="{made["number"]}.pdf"'
    receipt = {"amount": 7750.00, "received_on": made["issued_on"], "reference": "SEPA 1"}
    engagement.post(f"/payments/{payment}/receipts", receipt, 201)
    assert engagement.api.get(f"/invoices/{made['id']}.pdf").content == first.content
    assert engagement.get(f"/invoices/{made['id']}")["status"] == "paid", "the JSON stands beside it"


def test_a_voided_invoice_says_so(engagement: Engagement, payment: str) -> None:
    made = engagement.post(f"/payments/{payment}/invoice", {}, 201)
    engagement.post(f"/invoices/{made['id']}/void", {"reason": "Another address."})
    assert "Reason: Another address." in text(engagement.api.get(f"/invoices/{made['id']}.pdf"))


def test_a_statement_is_taken_away_as_pdf(engagement: Engagement, payment: str) -> None:
    scope = engagement.scope["id"]
    answer = engagement.api.get(f"/scopes/{scope}/statement.pdf")
    said = text(answer)
    assert "Received 0.00 Open 7,750.00 Scheduled 7,750.00 Void 0.00 Fixed price USD 15,500.00" in said
    assert f'filename="statement-{scope}-' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/invoices/INV-26-999999.pdf", 404),
        ("/invoices/INV-26-000001.exe", 404),
        ("/scopes/OSCOPE-26-999999/statement.pdf", 404),
        ("/scopes/OSCOPE-26-999999/statement.exe", 422),
        ("/invoices/INV-26-999999.pdf?paper=A3", 422),
    ],
)
def test_what_is_not_there_is_a_problem_answer(api: httpx.Client, path: str, status: int) -> None:
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
