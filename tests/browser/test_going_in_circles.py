"""A weak proposal is sent back, and its next revision compared and confirmed; a deliverable is rejected by criterion,
mended in part, rejected for the same criterion again, and seen to go in circles."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import Engagement, proposal_body
from tests.browser.person import Person
from tests.started import started

pytestmark = pytest.mark.browser

LEAD, PROVIDER = "delivery_lead", "provider"
WEAK = "It should work well."
SHARP = "Failure rate below 0.1 % in the staging load test at twice the peak of October, as the report shows."
OTHERS = ["A runbook of at most two pages, reviewed by operations.", "Alerts reach the engineer within 60 seconds."]


def test_what_is_vague_is_sent_back_and_what_fails_twice_goes_in_circles(page: Page, tmp_path: Path) -> None:
    with started(tmp_path, datetime(2026, 4, 15, 10, 0, tzinfo=UTC)) as server:
        person = Person(page, server.url)
        with server.client() as api:
            walk = Engagement(api).proposed(**one_deliverable())
            request = walk.request["id"]
        decline(person, walk.scope["id"])
        scope = answer(person, request)
        compare_and_confirm(person, scope)
        with server.client() as api:
            id = api.get(f"/scopes/{scope}").json()["data"]["deliverables"][0]["id"]
        submit(person, id, "The pool is larger.")
        reject(person, id, {1: "Run 8841: 0.4 % of calls failed.", 2: "The link answers 404."}, met=[3])
        see_what_is_left(person, id)
        submit(person, id, "Back-pressure, and the runbook.")
        see_what_is_judged_anew(person, id)
        reject(person, id, {1: "Run 9012: 0.2 % of calls failed."}, met=[2])
        see_it_go_in_circles(person, scope, id)


def one_deliverable() -> dict[str, object]:
    body = proposal_body()
    deliverable = {**body["deliverables"][0], "acceptance_criteria": [WEAK, *OTHERS]}
    return {"deliverables": [deliverable], "cycles": [{**body["cycles"][0], "deliverables": ["fix"]}]}


def decline(person: Person, scope: str) -> None:
    person.open("scopes", LEAD, scope=scope)
    person.follow("Decline and ask for specifics")
    person.type("What has to change", "Criterion 1 does not say what is measured, nor under which load.")
    person.press("Decline", exact=True)
    person.press("Yes, decline")
    person.sees("The proposal was declined")


def answer(person: Person, request: str) -> str:
    person.open("requests", PROVIDER, request=request, view="propose")
    person.sees("Revision 1 ended because:", "Criterion 1 does not say what is measured, nor under which load.")
    person.type("Acceptance criteria (one a line)", "\n".join([SHARP, *OTHERS]))
    person.type("Fixed price (USD)", "16,200.00")
    person.press("Present the proposal")
    person.sees("The proposal was presented")
    return person.parameter("scope")


def compare_and_confirm(person: Person, scope: str) -> None:
    person.open("scopes", LEAD, scope=scope)
    person.sees("revision 2", "Revision 1 ended because: Criterion 1 does not say what is measured")
    person.reads(WEAK, SHARP, "$16,200.00 (+$700.00)")
    person.shot("21-differences")
    person.press("Confirm this scope")
    person.press("Yes, confirm for $16,200.00")
    person.sees("Confirmed for $16,200.00.")


def submit(person: Person, id: str, notes: str) -> None:
    person.open("deliverables", PROVIDER, deliverable=id)
    person.type("Notes for the reviewer", notes)
    person.type("Title of link 1", "Load test report")
    person.type("Address of link 1", "https://ci.example.com/runs/8841")
    person.press("Submit for review")
    person.sees("is submitted")


def reject(person: Person, id: str, failed: dict[int, str], met: list[int]) -> None:
    person.open("deliverables", LEAD, deliverable=id)
    for place in met:
        if not person.page.get_by_role("combobox", name=f"Verdict on criterion {place}").is_visible():
            person.page.get_by_text("that did not fail last time").click()
            person.settle()
        person.choose(f"Verdict on criterion {place}", "Met")
    for place, evidence in failed.items():
        person.choose(f"Verdict on criterion {place}", "Not met")
        person.type(f"What shows that criterion {place} is not met", evidence)
    named = " and ".join(map(str, failed))
    person.type("Reason", f"Not met: {named}. {' '.join(failed.values())}")
    person.press("Reject")
    person.press("Yes, reject")
    person.sees("is rejected")


def see_what_is_left(person: Person, id: str) -> None:
    person.open("deliverables", PROVIDER, deliverable=id)
    person.sees("To mend", "1 criterion that did not fail")
    expect(person.part("mend-1")).to_contain_text("Run 8841: 0.4 % of calls failed.")
    expect(person.part("mend-2")).to_contain_text("The link answers 404.")
    expect(person.part("mend-3")).to_have_count(0)
    person.shot("22-to-mend")


def see_what_is_judged_anew(person: Person, id: str) -> None:
    person.open("deliverables", LEAD, deliverable=id)
    person.sees("Attempt 1 failed on these.", "1 criterion that did not fail last time")
    expect(person.part("criterion-1")).to_contain_text("Run 8841: 0.4 % of calls failed.")
    expect(person.part("criterion-3")).not_to_be_visible()


def see_it_go_in_circles(person: Person, scope: str, id: str) -> None:
    person.open("", LEAD)
    person.sees("Going in circles")
    expect(person.part("pile-escalated")).to_contain_text(id)
    person.open("scopes", LEAD)
    expect(person.part(f"row-{scope}")).to_contain_text("going in circles")
    person.open("scopes", LEAD, scope=scope)
    expect(person.part("circling")).to_contain_text("1 deliverable")
    person.open("deliverables", LEAD, view="all")
    expect(person.part(f"row-{id}")).to_contain_text("going in circles")
    person.open("deliverables", LEAD, deliverable=id)
    person.sees("Going in circles since 15 Apr 2026.")
    person.open("cycles", LEAD, scope=scope)
    person.sees("1 going in circles.")
    person.shot("23-going-in-circles")
