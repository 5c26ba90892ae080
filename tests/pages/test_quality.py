"""The quality gate on the pages: findings while writing, specifics asked for in one step, flagged rejections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import ReviewPolicy, Settings
from ods_core.basics.states import DeliverableStatus, Kind
from ods_core.lifecycle import Confirm, Submit
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime, using
from tests.databases import memory_url
from tests.pages.test_deciding import field, words
from tests.seed import seed_proposal, seed_request

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
WEAK = ("It should work well", "Failure rate <0.1% in staging load test.")
SCOPE, FIX = "OSCOPE-26-000001", "DLV-26-000001"


@pytest.fixture
def proposed(running: Runtime) -> Runtime:
    """The documented example as a proposal, its first deliverable with a weak criterion."""
    request_id = running.service.submit_request(LOCAL, seed_request()).subject_id
    given = seed_proposal()
    weak = replace(given.deliverables[0], acceptance_criteria=WEAK)
    running.service.propose(LOCAL, request_id, replace(given, deliverables=(weak, *given.deliverables[1:])))
    return running


@pytest.fixture
def review(proposed: Runtime, clock: MovingClock) -> Iterator[Runtime]:
    """The same, confirmed and handed in."""
    proposed.service.confirm(LOCAL, SCOPE, Confirm())
    clock.move_to(datetime(2026, 5, 20, 10, tzinfo=UTC))
    for id in (FIX, "DLV-26-000002", "DLV-26-000003"):
        proposed.service.submit(LOCAL, id, Submit())
    return proposed


def opened(page: str, persona: str = "delivery_lead", **params: str) -> AppTest:
    """A page at an address."""
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.switch_page(f"{page}.py")
    for name, value in {"as": persona, **params}.items():
        app.query_params[name] = value
    return app.run()


def test_a_request_shows_findings_while_it_is_written_and_waits_for_a_placeholder(running: Runtime) -> None:
    app = opened("intake", view="new")
    assert "Criteria score" not in words(app)
    field(app, "Acceptance criteria (one a line)").input("The page loads fast\nThe form has 3 fields").run()
    assert "Criteria score 55 of 100: 1 criterion could be clearer." in words(app)
    assert "Vague word" in words(app)
    assert "The page loads :orange-background[fast]" in words(app)
    assert not app.button(key="submit_request").disabled
    field(app, "Acceptance criteria (one a line)").input("TBD\nThe form has 3 fields").run()
    assert app.button(key="submit_request").disabled
    assert "1 criterion is not written yet" in words(app)


def test_the_builder_shows_them_under_each_deliverable(running: Runtime) -> None:
    request_id = running.service.submit_request(LOCAL, seed_request()).subject_id
    app = opened("intake", "provider", request=request_id, view="propose")
    app.button(key="add_deliverable").click().run()
    field(app, "Acceptance criteria (one a line)").input("Handles errors properly").run()
    assert "Vague word" in words(app)
    assert not app.button(key="present").disabled
    field(app, "Acceptance criteria (one a line)").input("n/a").run()
    assert app.button(key="present").disabled


def test_a_weak_proposal_is_sent_back_with_its_findings_in_one_step(proposed: Runtime) -> None:
    page = words(opened("scopes", scope=SCOPE))
    assert "Criteria score 77 of 100: 1 criterion could be clearer." in page
    assert "Nothing to measure" in page
    app = opened("scopes", scope=SCOPE, act="decline", specifics="yes")
    reason = field(app, "What has to change").value
    assert reason.startswith("Root cause analysis and fix, criterion 1 (“It should work well”): ")
    assert "Two readers may decide “well” differently." in reason
    app.button(key=f"decline-{SCOPE}").click().run()
    app.button(key=f"decline-{SCOPE}_yes").click().run()
    assert not app.exception
    with proposed.store.read() as connection:
        declined = engagement_of(connection, LOCAL, Kind.SCOPE, SCOPE).scope(SCOPE)
    assert declined.cancellation_reason == reason.strip()


def test_the_score_at_confirmation_stays_with_the_scope(proposed: Runtime) -> None:
    proposed.service.confirm(LOCAL, SCOPE, Confirm())
    page = words(opened("scopes", scope=SCOPE))
    assert "77 of 100" in page
    assert "could be clearer" not in page


def test_the_provider_sees_what_the_reviewer_will_check(proposed: Runtime) -> None:
    proposed.service.confirm(LOCAL, SCOPE, Confirm())
    app = opened("deliverables", "provider", deliverable=FIX)
    assert "What the reviewer will check" in [header.value for header in app.header]
    assert "Nothing to measure" in words(app)
    client = opened("deliverables", deliverable=FIX)
    assert "Acceptance criteria" in [header.value for header in client.header]
    assert "Nothing to measure" not in words(client)


def status(runtime: Runtime) -> DeliverableStatus:
    with runtime.store.read() as connection:
        return engagement_of(connection, LOCAL, Kind.DELIVERABLE, FIX).deliverable(FIX).status


def test_a_flagged_rejection_takes_a_second_explicit_step(review: Runtime) -> None:
    app = opened("deliverables", deliverable=FIX)
    field(app, "Reason").input("not good enough").run()
    assert "Fits any rejection" in words(app)
    assert app.button(key=f"reject_{FIX}").disabled
    next(t for t in app.toggle if t.label == "Reject all the same, as it stands").set_value(True).run()
    app.button(key=f"reject_{FIX}").click().run()
    app.button(key=f"reject_{FIX}_yes").click().run()
    assert status(review) == DeliverableStatus.REJECTED


def test_another_wording_has_to_be_agreed_to_again(review: Runtime) -> None:
    app = opened("deliverables", deliverable=FIX)
    field(app, "Reason").input("not good enough").run()
    next(t for t in app.toggle if t.label == "Reject all the same, as it stands").set_value(True).run()
    assert not app.button(key=f"reject_{FIX}").disabled
    field(app, "Reason").input("still not good enough").run()
    assert not next(t for t in app.toggle if t.label == "Reject all the same, as it stands").value
    assert app.button(key=f"reject_{FIX}").disabled
    next(t for t in app.toggle if t.label == "Reject all the same, as it stands").set_value(True).run()
    assert not app.button(key=f"reject_{FIX}").disabled


def test_a_reason_that_says_what_was_seen_needs_no_second_step(review: Runtime) -> None:
    app = opened("deliverables", deliverable=FIX)
    field(app, "Verdict on criterion 2").select("not_met").run()
    field(app, "What shows that criterion 2 is not met").input("0.4% in run 8841").run()
    field(app, "Reason").input("The load test shows a failure rate of 0.4%.").run()
    assert not app.button(key=f"reject_{FIX}").disabled
    assert not [t for t in app.toggle if t.label == "Reject all the same, as it stands"]


def test_where_the_policy_is_enforced_there_is_no_second_step(review: Runtime) -> None:
    settings = Settings(database_url=memory_url(), demo=False, review_policy=ReviewPolicy.ENFORCE)
    with using(Runtime(settings, review.store, review.service, review.clock)):
        app = opened("deliverables", deliverable=FIX)
        field(app, "Reason").input("not good enough").run()
        assert app.button(key=f"reject_{FIX}").disabled
        assert not [t for t in app.toggle if t.label == "Reject all the same, as it stands"]


def test_a_new_demand_opens_a_request_of_its_own(review: Runtime) -> None:
    app = opened("deliverables", deliverable=FIX)
    field(app, "Reason").input("Failure rate is 0.4%. We would also like an Excel export of invoices.").run()
    assert "A new demand" in words(app)
    app.button(key="new_request_22").click().run()
    assert not app.exception
    assert field(app, "Title").value == "We would also like an Excel export of invoices"
    assert FIX in field(app, "Description").value
    assert field(app, "Organisation").value == seed_request().organization_id
