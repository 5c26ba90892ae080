"""The story of one engagement, told through the pages alone: asked for, scoped, confirmed, delivered, one deliverable
rejected and mended, everything accepted, the service line closed and the final payment due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import Engagement, proposal_body, request_body
from tests.browser.person import Person
from tests.started import started

pytestmark = pytest.mark.browser

LEAD, PROVIDER, FINANCE = "delivery_lead", "provider", "finance"


def test_an_engagement_goes_from_request_to_final_acceptance_through_the_pages(page: Page, tmp_path: Path) -> None:
    with started(tmp_path, datetime(2026, 4, 15, 10, 0, tzinfo=UTC)) as server:
        person = Person(page, server.url)
        request = ask(person)
        scope = propose(person, request)
        confirm(person, scope)
        with server.client() as api:
            ids = [d["id"] for d in api.get(f"/scopes/{scope}").json()["data"]["deliverables"]]
        server.move_to(datetime(2026, 5, 14, 16, 0, tzinfo=UTC))
        for id in ids:
            submit(person, id, "https://ci.example.com/runs/8841")
        server.move_to(datetime(2026, 5, 15, 9, 0, tzinfo=UTC))
        reject(person, ids[0])
        see_the_remediation(person, scope)
        server.move_to(datetime(2026, 5, 19, 9, 0, tzinfo=UTC))
        submit(person, ids[0], "https://ci.example.com/runs/8902")
        for id in ids:
            accept(person, id, is_last=id == ids[-1])
        see_the_end(person, scope)
        with server.client() as api:
            lines = api.get("/service-lines").json()["data"]
            payments = api.get("/payments", params={"scope_id": scope}).json()["data"]
        assert [line["status"] for line in lines] == ["closed"]
        assert [p["status"] for p in payments] == ["due", "due"]


def ask(person: Person) -> str:
    body = request_body()
    person.open("requests", LEAD, view="new")
    person.type("Title", body["title"])
    person.type("Description", body["description"])
    person.type("Desired outcome", body["desired_outcome"])
    person.type("Acceptance criteria (one a line)", "\n".join(body["acceptance_criteria"]))
    person.type("Timeline, at most (weeks)", "3")
    person.type("Budget, at most (USD)", "18,000.00")
    person.choose("Organisation", body["organization_id"])
    person.choose("Workspace", body["workspace_id"])
    person.page.reload()
    person.settle()
    expect(person.field("Title")).to_have_value(body["title"])  # a refresh loses nothing
    person.press("Submit the request")
    person.sees("The request was submitted", "Being scoped")
    person.shot("1-requested")
    return person.parameter("request")


def propose(person: Person, request: str) -> str:
    body = proposal_body()
    person.open("", PROVIDER)
    person.sees("Payment webhook reliability")
    person.open("requests", PROVIDER, request=request, view="propose")
    for _ in range(2):
        person.press("Add a deliverable")
    for i, d in enumerate(body["deliverables"]):
        person.type(f"Title of deliverable {i + 1}", d["title"])
        person.type("Description", d["description"], nth=i)
        person.type("Acceptance criteria (one a line)", d["acceptance_criteria"], nth=i)
    person.type("Timeline (weeks)", "3")
    person.type("Fixed price (USD)", "15,500.00")
    person.reads("50% upfront on scope confirmation", "$7,750.00")
    person.shot("2-proposal")
    person.press("Present the proposal")
    person.sees("The proposal was presented")
    return person.parameter("scope")


def confirm(person: Person, scope: str) -> None:
    person.open("scopes", LEAD, scope=scope)
    person.sees("If you confirm today", "$7,750.00 becomes due on 22 Apr 2026.")
    person.shot("3-before-confirming")
    person.press("Confirm this scope")
    person.press("Yes, confirm for $15,500.00")
    person.sees("Confirmed for $15,500.00.", "Active")
    person.shot("4-confirmed")


def submit(person: Person, id: str, link: str) -> None:
    person.open("deliverables", PROVIDER, deliverable=id)
    person.type("Notes for the reviewer", "Retries were not idempotent; they are now.")
    person.type("Title of link 1", "Load test report")
    person.type("Address of link 1", link)
    person.press("Submit for review")
    person.sees("is submitted")


def reject(person: Person, id: str) -> None:
    person.open("deliverables", LEAD, deliverable=id)
    person.choose("Verdict on criterion 1", "Not met")
    person.type("What shows that criterion 1 is not met", "Run 8841 shows 0.4 % under 2x load.")
    person.type("Reason", "Criterion 1 is not met: 0.4 % of calls fail in the staging load test.")
    person.shot("5-before-rejecting")
    person.press("Reject")
    person.press("Yes, reject")
    person.sees("is rejected", "Remediation 1")
    person.shot("6-rejected")


def see_the_remediation(person: Person, scope: str) -> None:
    person.open("cycles", LEAD, scope=scope)
    person.sees("1 remediation.")
    person.shot("7-remediation")


def accept(person: Person, id: str, *, is_last: bool) -> None:
    person.open("deliverables", LEAD, deliverable=id)
    if is_last:
        person.sees("$7,750.00")  # what accepting releases, before the button
        person.shot("8-before-the-last-acceptance")
    person.press("Accept")
    person.press("Yes, accept")
    person.sees("is accepted")


def see_the_end(person: Person, scope: str) -> None:
    person.sees("service line")
    person.shot("9-closed")
    person.open("scopes", LEAD, scope=scope)
    person.sees("Completed")
    person.open("payments", FINANCE, scope=scope)
    person.reads("50% on final acceptance", "$7,750.00")
    person.shot("10-payments")


def test_finance_records_a_receipt_and_takes_it_back(page: Page, tmp_path: Path) -> None:
    with started(tmp_path, datetime(2026, 4, 15, 10, 0, tzinfo=UTC)) as server:
        with server.client() as api:
            scope = Engagement(api).confirmed().scope["id"]
            id = api.get("/payments", params={"scope_id": scope, "status": "due"}).json()["data"][0]["id"]
        person = Person(page, server.url)
        person.open("payments", FINANCE, payment=id)
        person.type("Amount (USD)", "5,000.00")
        person.type("Reference", "SEPA 88421")
        person.press("Record the receipt")
        person.sees("Book $5,000.00 as received on 15 Apr 2026")
        person.press("Yes, book $5,000.00")
        person.sees("The receipt is recorded", "$2,750.00")
        person.shot("11-receipt")
        person.follow("Reverse")
        person.type("Why it is taken back", "Booked on the wrong payment.")
        person.press("Reverse the receipt")
        person.press("Yes, take back $5,000.00")
        person.sees("The receipt is taken back", "Reversed", "Reversal")
        person.shot("12-reversed")
        with server.client() as api:
            payment = api.get(f"/payments/{id}").json()["data"]
            entries = api.get(f"/payments/{id}/receipts").json()["data"]
        assert (payment["status"], payment["paid"], payment["open"]) == ("due", 0, 7750.00)
        assert [e["amount"] for e in entries] == [-5000.00, 5000.00]
