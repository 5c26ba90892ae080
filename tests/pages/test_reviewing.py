"""Reviewing on the pages: verdicts that are kept, what is left to mend, windows with their ends, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import CriterionVerdict, Engagement
from ods_core.basics.roles import LOCAL
from ods_core.basics.states import Kind, SilencePolicy, Verdict
from ods_core.lifecycle import Accept, Confirm, Reject, Submit
from ods_core.queries.lists import engagement_of
from ods_core.service import Runtime
from tests.pages.test_deciding import MAIN, field, words
from tests.seed import FIX, SUITE, seed_request, two_cycle_proposal

READY = datetime(2026, 5, 10, 9, 30, tzinfo=UTC)
ONE, TWO, THREE = "DLV-26-000001", "DLV-26-000002", "DLV-26-000003"
CRITERIA = ("Fast.", "Safe.", "Documented.")
FAILED = Reject(
    "Neither fast nor documented.",
    verdicts=(
        CriterionVerdict(1, Verdict.NOT_MET, "Run 7 took 9 s."),
        CriterionVerdict(2, Verdict.MET, "The scan is empty."),
        CriterionVerdict(3, Verdict.NOT_MET, "The link answers 404."),
    ),
)


@pytest.fixture
def review(running: Runtime, clock: MovingClock) -> Iterator[Runtime]:
    """Two deliverables of three criteria in review; silence accepts after ten days, on 20 May at half past nine."""
    service = running.service
    request_id = service.submit_request(LOCAL, seed_request()).subject_id
    proposal = two_cycle_proposal(
        deliverables=(
            replace(FIX, acceptance_criteria=CRITERIA),
            replace(SUITE, acceptance_criteria=CRITERIA),
            two_cycle_proposal().deliverables[2],
        ),
        review_window_days=10,
        silence_policy=SilencePolicy.DEEMED_ACCEPTED,
    )
    service.confirm(LOCAL, service.propose(LOCAL, request_id, proposal).subject_id, Confirm())
    clock.move_to(READY)
    for id in (ONE, TWO):
        service.submit(LOCAL, id, Submit())
    return running


def opened(page: str, persona: str = "delivery_lead", **params: str) -> AppTest:
    """A view of a page."""
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.switch_page(f"{page}.py")
    for name, value in ({"as": persona} | params).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def stored(runtime: Runtime) -> Engagement:
    with runtime.store.read() as connection:
        return engagement_of(connection, LOCAL, Kind.DELIVERABLE, ONE)


def verdict_shown(app: AppTest, place: int) -> str:
    return str(field(app, f"Verdict on criterion {place}").value)  # type: ignore[attr-defined]


def test_an_acceptance_keeps_the_verdicts_and_what_shows_them(review: Runtime) -> None:
    app = opened("deliverables", deliverable=ONE)
    field(app, "Verdict on criterion 1").select("met").run()  # type: ignore[attr-defined]
    field(app, "What shows that criterion 1 is met (optional)").input("Run 8: 80 ms.").run()  # type: ignore[attr-defined]
    app.button(key=f"accept_{ONE}").click().run()
    assert "2 criteria are marked as not tested." in words(app)
    app.button(key=f"accept_{ONE}_yes").click().run()
    (attempt,) = stored(review).attempts_of(ONE)
    assert [(v.verdict, v.evidence) for v in attempt.verdicts] == [
        ("met", "Run 8: 80 ms."),
        ("not_tested", ""),
        ("not_tested", ""),
    ]
    assert "Met] 1. Fast." in words(app)
    assert "Run 8: 80 ms." in words(app)


def test_a_rejection_keeps_what_was_met_beside_what_was_not(review: Runtime) -> None:
    app = opened("deliverables", deliverable=ONE)
    field(app, "Verdict on criterion 2").select("met").run()  # type: ignore[attr-defined]
    field(app, "Verdict on criterion 3").select("not_met").run()  # type: ignore[attr-defined]
    field(app, "What shows that criterion 3 is not met").input("404.").run()  # type: ignore[attr-defined]
    field(app, "Reason").input("The documentation is missing.").run()  # type: ignore[attr-defined]
    app.button(key=f"reject_{ONE}").click().run()
    app.button(key=f"reject_{ONE}_yes").click().run()
    (attempt,) = stored(review).attempts_of(ONE)
    assert [v.verdict for v in attempt.verdicts] == ["not_tested", "met", "not_met"]
    assert [(c.criterion, c.evidence) for c in attempt.criteria_not_met] == [(3, "404.")]


def test_the_provider_sees_what_is_left_to_mend_and_the_rest_apart(review: Runtime) -> None:
    review.service.reject(LOCAL, ONE, FAILED)
    app = opened("deliverables", "provider", deliverable=ONE)
    assert "To mend" in [h.value for h in app.header]
    apart = next(e for e in app.expander if e.label == "1 criterion that did not fail")
    assert [m.value.replace("\\", "") for m in apart.markdown] == [":green-badge[:material/check_circle: Met] 2. Safe."]
    said = words(app)
    assert said.index("Neither fast nor documented.") < said.index("Run 7 took 9 s.")
    assert "The link answers 404." in said


def test_the_next_review_judges_anew_what_failed_and_keeps_what_was_met(review: Runtime) -> None:
    review.service.reject(LOCAL, ONE, FAILED)
    review.service.submit(LOCAL, ONE, Submit("Mended."))
    app = opened("deliverables", deliverable=ONE)
    assert "Attempt 1 failed on these." in words(app)
    assert [verdict_shown(app, n) for n in (1, 2, 3)] == ["not_tested", "met", "not_tested"]
    apart = next(e for e in app.expander if e.label == "1 criterion that did not fail last time")
    assert [s.label for s in apart.selectbox] == ["Verdict on criterion 2"]
    app.button(key=f"accept_{ONE}").click().run()
    app.button(key=f"accept_{ONE}_yes").click().run()
    assert [v.verdict for v in stored(review).attempts_of(ONE)[1].verdicts] == ["not_tested", "met", "not_tested"]


SILENCE = "ecide by 20 May 2026, 09:30 UTC, or it counts as accepted"


@pytest.mark.parametrize(
    ("page", "params"),
    [
        ("today", {}),
        ("deliverables", {}),
        ("deliverables", {"deliverable": ONE}),
        ("scopes", {}),
        ("scopes", {"scope": "OSCOPE-26-000001"}),
        ("cycles", {"cycle": "OCYCLE-26-000001"}),
    ],
)
def test_the_end_of_a_review_window_stands_wherever_one_could_miss_it(
    review: Runtime, clock: MovingClock, page: str, params: dict[str, str]
) -> None:
    said = words(opened(page, **params))
    assert SILENCE in said
    assert "left to decide" not in said
    clock.advance(days=8, hours=1)
    assert "47 hours left to decide" in words(opened(page, **params))
    clock.advance(days=2)
    assert "review window passed" in words(opened(page, **params))


def test_what_silence_decided_is_told_as_silence(review: Runtime, clock: MovingClock) -> None:
    clock.advance(days=10)
    review.service.lapse(ONE)
    said = words(opened("deliverables", deliverable=ONE))
    assert "Attempt 1 was accepted by silence, after its review window, 20 May 2026, 09:30 UTC." in said
    assert "Silence decided; no criterion was judged." in said
    story = words(opened("scopes", scope="OSCOPE-26-000001"))
    assert "was accepted by silence on attempt 1." in story
    assert "the system, 09:30 UTC" in story


def circle(review: Runtime) -> None:
    review.service.reject(LOCAL, ONE, FAILED)
    review.service.submit(LOCAL, ONE, Submit())
    review.service.reject(LOCAL, ONE, FAILED)


@pytest.mark.parametrize(
    ("page", "params"),
    [
        ("today", {}),
        ("scopes", {}),
        ("scopes", {"scope": "OSCOPE-26-000001"}),
        ("cycles", {}),
        ("cycles", {"cycle": "OCYCLE-26-000001"}),
        ("deliverables", {"view": "all"}),
        ("deliverables", {"deliverable": ONE}),
        ("intake", {"request": "OREQ-26-000001"}),
        ("payments", {"payment": "PAY-26-000002"}),
    ],
)
def test_going_in_circles_shows_on_every_page_about_the_engagement(
    review: Runtime, page: str, params: dict[str, str]
) -> None:
    def told() -> bool:
        app = opened(page, **params)
        return "going in circles" in (words(app) + " ".join(h.value for h in app.header)).lower()

    before = told()
    circle(review)
    assert told()
    # Today names, at its end, the piles of which there are none.
    assert before == (page == "today")


def test_a_finished_deliverable_goes_in_circles_no_more(review: Runtime) -> None:
    circle(review)
    review.service.submit(LOCAL, ONE, Submit())
    review.service.accept(LOCAL, ONE, Accept())
    for page, params in (("scopes", {}), ("deliverables", {"deliverable": ONE}), ("cycles", {})):
        app = opened(page, **params)
        assert not any("Going in circles since" in str(w.value) for w in app.warning)
        assert "1 going in circles" not in words(app)


def certificates_offered(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_a_certificate_can_be_taken_away_once_accepted(review: Runtime) -> None:
    assert "Certificate" not in certificates_offered(opened("deliverables", deliverable=ONE))
    review.service.accept(LOCAL, ONE, Accept())
    assert "Certificate" in certificates_offered(opened("deliverables", deliverable=ONE))
    assert "Certificate" not in certificates_offered(opened("scopes", scope="OSCOPE-26-000001"))
    review.service.accept(LOCAL, TWO, Accept())
    review.service.submit(LOCAL, THREE, Submit())
    review.service.accept(LOCAL, THREE, Accept())
    assert "Certificate" in certificates_offered(opened("scopes", scope="OSCOPE-26-000001"))
