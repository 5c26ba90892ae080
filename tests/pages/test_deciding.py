"""Deciding on the Deliverables page: what is promised before the button is what happens after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Decision, DeliverableStatus, Kind
from ods_core.lifecycle import Accept, Confirm, Reject, Submit
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime
from tests.seed import seed_proposal, seed_request

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
FIX, SUITE, DEPLOY = "DLV-26-000001", "DLV-26-000002", "DLV-26-000003"


@pytest.fixture
def ready(running: Runtime, clock: MovingClock) -> Iterator[Runtime]:
    """The documented example with everything submitted, on 20 May."""
    service = running.service
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    service.confirm(LOCAL, service.propose(LOCAL, request_id, seed_proposal()).subject_id, Confirm())
    clock.move_to(datetime(2026, 5, 20, 10, tzinfo=UTC))
    for id in (FIX, SUITE, DEPLOY):
        service.submit(LOCAL, id, Submit())
    return running


def opened(id: str, persona: str = "delivery_lead") -> AppTest:
    """The page of one deliverable."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["as"] = persona
    app.query_params["deliverable"] = id
    app.switch_page("deliverables.py")
    return app.run()


def words(app: AppTest) -> str:
    """Everything the page says, Markdown's signs taken out."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.text]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("*", "")


def stored(runtime: Runtime) -> Engagement:
    with runtime.store.read() as connection:
        return engagement_of(connection, LOCAL, Kind.DELIVERABLE, FIX)


def field(app: AppTest, label: str) -> object:
    """The field with this label."""
    fields = [*app.selectbox, *app.text_area, *app.text_input]
    return next(element for element in fields if element.label == label)


def test_the_last_acceptance_says_its_money_first_and_asks_once(ready: Runtime) -> None:
    ready.service.accept(LOCAL, FIX, Accept())
    ready.service.accept(LOCAL, SUITE, Accept())
    app = opened(DEPLOY)
    assert "Accepting releases $7,750.00." in words(app)
    assert "$7,750.00 becomes due on 27 May 2026: 50% on final acceptance" in words(app)
    assert "The scope is complete" in words(app)
    app.button(key=f"accept_{DEPLOY}").click().run()
    assert "This makes $7,750.00 due." in words(app)
    assert stored(ready).deliverable(DEPLOY).status == DeliverableStatus.READY_FOR_ACCEPTANCE
    app.button(key=f"accept_{DEPLOY}_yes").click().run()
    assert not app.exception
    assert stored(ready).deliverable(DEPLOY).status == DeliverableStatus.ACCEPTED
    assert "$7,750.00 is due on 27 May 2026" in words(app)


def test_an_acceptance_that_releases_nothing_says_so(ready: Runtime) -> None:
    assert "Accepting releases no payment." in words(opened(FIX))


def test_a_criterion_marked_not_met_closes_the_way_to_acceptance(ready: Runtime) -> None:
    app = opened(FIX)
    field(app, "Verdict on criterion 1").select("not_met").run()
    assert app.button(key=f"accept_{FIX}").disabled
    assert "Not offered: criterion 1 is marked as not met." in words(app)


def test_a_rejection_carries_reason_criteria_and_evidence(ready: Runtime) -> None:
    app = opened(FIX)
    assert app.button(key=f"reject_{FIX}").disabled
    field(app, "Verdict on criterion 1").select("not_met").run()
    field(app, "What shows that criterion 1 is not met").input("Run 7: 0.4 % failed.").run()
    field(app, "Reason").input("The failure rate is four times too high.").run()
    assert "Cycle 1 · Remediation 1 opens, planned to end on 26 May 2026" in words(app)
    app.button(key=f"reject_{FIX}").click().run()
    assert "Reject because criterion 1 is not met?" in words(app)
    app.button(key=f"reject_{FIX}_yes").click().run()
    (attempt,) = stored(ready).attempts_of(FIX)
    assert attempt.decision == Decision.REJECTED
    assert attempt.rejection_reason == "The failure rate is four times too high."
    assert [(c.criterion, c.evidence) for c in attempt.criteria_not_met] == [(1, "Run 7: 0.4 % failed.")]
    assert "Already decided" not in words(app)


def test_a_further_rejection_says_that_it_joins_the_running_remediation(ready: Runtime) -> None:
    ready.service.reject(LOCAL, FIX, Reject("Four times too high."))
    assert "It joins Cycle 1 · Remediation 1" in words(opened(SUITE))


def test_a_decision_taken_by_somebody_else_meanwhile_is_told_with_who_and_when(ready: Runtime) -> None:
    app = opened(FIX)
    app.button(key=f"accept_{FIX}").click().run()
    ready.service.reject(LOCAL, FIX, Reject("Four times too high.", reviewer_id="USR-26-000099"))
    app.button(key=f"accept_{FIX}_yes").click().run()
    assert not app.exception
    assert "Already decided. Attempt 1 was rejected by USR-26-000099, 20 May 2026, 10:00 UTC." in words(app).replace(
        "*", ""
    )
    assert stored(ready).deliverable(FIX).status == DeliverableStatus.REJECTED


def test_those_who_may_not_decide_see_no_button(ready: Runtime) -> None:
    app = opened(FIX, "finance")
    assert not [b for b in app.button if b.key and b.key.startswith(("accept", "reject"))]


def test_what_was_typed_survives_a_refresh(ready: Runtime) -> None:
    app = opened(FIX)
    field(app, "Reason").input("Half a sentence").run()
    again = AppTest.from_file(str(MAIN), default_timeout=30)
    for name in ("as", "deliverable", "draft"):
        given = app.query_params[name]
        again.query_params[name] = given if isinstance(given, str) else given[0]
    again.switch_page("deliverables.py")
    assert field(again.run(), "Reason").value == "Half a sentence"


def test_the_provider_submits_with_notes_and_links(ready: Runtime) -> None:
    ready.service.reject(LOCAL, FIX, Reject("Four times too high."))
    app = opened(FIX, "provider")
    field(app, "Notes for the reviewer").input("Retried with back-off.").run()
    field(app, "Title of link 1").input("Load test").run()
    field(app, "Address of link 1").input("not an address").run()
    app.button(key="submit").click().run()
    assert "http" in words(app)
    assert stored(ready).deliverable(FIX).status == DeliverableStatus.REJECTED
    field(app, "Address of link 1").input("https://ci.example.com/7").run()
    app.button(key="submit").click().run()
    assert not app.exception
    attempt = stored(ready).attempts_of(FIX)[-1]
    assert (attempt.number, attempt.notes) == (2, "Retried with back-off.")
    assert [(e.title, e.url) for e in attempt.evidence] == [("Load test", "https://ci.example.com/7")]


def test_what_people_wrote_is_never_markup(ready: Runtime) -> None:
    ready.service.reject(LOCAL, FIX, Reject("See [here](javascript:alert(1)) **now** :red[x] $a$"))
    app = opened(FIX)
    assert "See [here](javascript:alert(1)) **now** :red[x] $a$" in [t.value for t in app.text]
