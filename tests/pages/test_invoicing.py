"""Invoices on a payment's page: the amount first, asked once, taken away, voided and issued anew; told on Activity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import InvoiceStatus, Kind
from ods_core.lifecycle import Confirm, RecordReceipt, VoidInvoice
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime
from tests.seed import seed_proposal, seed_request

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
UPFRONT, FINAL, FIRST = "PAY-26-000001", "PAY-26-000002", "INV-26-000001"


@pytest.fixture
def due(running: Runtime, clock: MovingClock) -> Runtime:
    """The documented example, confirmed: 7,750.00 USD are due."""
    service = running.service
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    service.confirm(LOCAL, service.propose(LOCAL, request_id, seed_proposal()).subject_id, Confirm())
    clock.move_to(datetime(2026, 4, 20, 10, tzinfo=UTC))
    return running


def opened(page: str = "payments", persona: str = "finance", **params: str) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=60)
    app.query_params["as"] = persona
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(f"{page}.py")
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    parts = [*app.header, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.text]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("*", "")


def stored(runtime: Runtime) -> Engagement:
    with runtime.store.read() as connection:
        return engagement_of(connection, LOCAL, Kind.PAYMENT, UPFRONT)


def keys(app: AppTest) -> set[str | None]:
    return {element.key for element in app.button}


def test_an_invoice_is_issued_after_its_amount_was_said_and_agreed_to(due: Runtime) -> None:
    due.service.record_receipt(
        LOCAL, UPFRONT, RecordReceipt(stored(due).milestones[0].amount / 2, due.clock().date(), "A")
    )
    app = opened(payment=UPFRONT)
    assert "None was issued." in words(app)
    app.button(key=f"invoice_{UPFRONT}").click().run()
    assert "Issue an invoice of $3,875.00, the $3,875.00 received already taken off, due 22 Apr 2026" in words(app)
    assert not stored(due).invoices
    app.button(key=f"invoice_{UPFRONT}_yes").click().run()
    assert not app.exception
    (invoice,) = stored(due).invoices
    assert (invoice.status, str(invoice.claimed)) == (InvoiceStatus.OPEN, "3875.0000")
    assert "Invoice ORG-26-090500-0001 of $3,875.00 was issued." in words(app)
    assert f"invoice_{UPFRONT}" not in keys(app), "one stands already"


def test_a_wrong_one_is_voided_with_a_reason_and_issued_anew(due: Runtime) -> None:
    due.service.issue_invoice(LOCAL, UPFRONT)
    app = opened(payment=UPFRONT, void=FIRST)
    assert f"receipt_{UPFRONT}" not in keys(app), "one form at a time"
    assert app.button(key=f"void_{FIRST}").disabled, "a reason is missing"
    next(field for field in app.text_input if field.label == "Why it is voided").set_value("Another address.").run()
    app.button(key=f"void_{FIRST}").click().run()
    assert "Void ORG-26-090500-0001 of $7,750.00?" in words(app)
    app.button(key=f"void_{FIRST}_yes").click().run()
    assert not app.exception
    assert stored(due).invoices[0].status == InvoiceStatus.VOID
    assert "voided 20 Apr 2026: Another address." in words(app)
    app.button(key=f"invoice_{UPFRONT}").click().run()
    app.button(key=f"invoice_{UPFRONT}_yes").click().run()
    assert [i.serial for i in stored(due).invoices] == [1, 2]


def test_one_that_will_not_be_paid_is_given_up(due: Runtime) -> None:
    due.service.issue_invoice(LOCAL, UPFRONT)
    app = opened(payment=UPFRONT, give_up=FIRST)
    next(field for field in app.text_input if field.label == "Why it is given up").set_value("Insolvent.").run()
    app.button(key=f"give_up_{FIRST}").click().run()
    app.button(key=f"give_up_{FIRST}_yes").click().run()
    assert not app.exception
    assert stored(due).invoices[0].status == InvoiceStatus.UNCOLLECTIBLE


def test_what_is_not_due_and_whose_role_is_another_is_offered_no_invoice(due: Runtime) -> None:
    assert "Invoices" not in [head.value for head in opened(payment=FINAL).header]
    assert f"invoice_{UPFRONT}" not in keys(opened(payment=UPFRONT, persona="delivery_lead"))


def test_a_link_to_an_invoice_opens_its_payment_and_activity_links_to_it(due: Runtime) -> None:
    due.service.issue_invoice(LOCAL, UPFRONT)
    due.service.void_invoice(LOCAL, FIRST, VoidInvoice("Another address."))
    assert "ORG-26-090500-0001" in words(opened(invoice=FIRST))
    told = words(opened("activity"))
    assert "Invoice ORG-26-090500-0001 was voided: Another address." in told


def test_a_paper_is_made_at_a_click_and_made_anew_once_it_would_say_something_else(due: Runtime) -> None:
    due.service.issue_invoice(LOCAL, UPFRONT)
    app = opened(payment=UPFRONT)
    app.button(key=f"pdf_{FIRST}").click().run()
    assert not app.exception
    assert f"pdf_{FIRST}" not in keys(app), "it is there to be saved"
    due.service.void_invoice(LOCAL, FIRST, VoidInvoice("Another address."))
    app.run()
    assert f"pdf_{FIRST}" in keys(app), "the one that was made does not say that it is void"
    app.button(key="statement_pdf_OSCOPE-26-000001").click().run()
    assert not app.exception
    assert "statement_pdf_OSCOPE-26-000001" not in keys(app)
