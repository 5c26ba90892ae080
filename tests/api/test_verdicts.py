"""Verdicts over HTTP: what a decision found of each criterion, and where a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Engagement, proposal_body

pytestmark = pytest.mark.server

TWO = ["Failure rate <0.1% in staging.", "A runbook of at most two pages."]


def reviewable(engagement: Engagement) -> str:
    """A deliverable with two criteria that waits for its decision."""
    deliverables = proposal_body()["deliverables"]
    return engagement.ready(deliverables=[{**d, "acceptance_criteria": TWO} for d in deliverables]).deliverable_ids[0]


def test_verdicts_come_back_with_the_attempt(engagement: Engagement) -> None:
    id = reviewable(engagement)
    rejected = engagement.post(
        f"/deliverables/{id}/accept",
        {
            "accepted": False,
            "rejection_reason": "No runbook.",
            "criteria_not_met": [{"criterion": 2, "evidence": "The link answers 404."}],
            "verdicts": [{"criterion": 1, "verdict": "met", "evidence": "run 8841"}],
        },
    )
    assert rejected["attempts"][0]["verdicts"] == [
        {"criterion": 1, "verdict": "met", "evidence": "run 8841"},
        {"criterion": 2, "verdict": "not_met", "evidence": "The link answers 404."},
    ]
    engagement.post(f"/deliverables/{id}/submit", {})
    accepted = engagement.post(
        f"/deliverables/{id}/accept", {"accepted": True, "verdicts": [{"criterion": 2, "verdict": "met"}]}
    )
    assert [v["verdict"] for v in accepted["attempts"][1]["verdicts"]] == ["not_tested", "met"]
    assert accepted["deemed"] is False


REFUSED: list[tuple[str, Any, str]] = [
    ("another word", [{"criterion": 1, "verdict": "maybe"}], "/verdicts/0/verdict"),
    ("no verdict", [{"criterion": 1}], "/verdicts/0/verdict"),
    ("a criterion that there is not", [{"criterion": 3, "verdict": "met"}], "/verdicts/0/criterion"),
    ("not met, and accepted", [{"criterion": 1, "verdict": "not_met"}], "/verdicts/0/verdict"),
    ("an unknown field", [{"criterion": 1, "verdict": "met", "by": "me"}], "/verdicts/0/by"),
    ("no list", {"1": "met"}, "/verdicts"),
    ("null", None, "/verdicts"),
]


@pytest.mark.parametrize(("why", "verdicts", "pointer"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_verdict_that_cannot_be_right_is_refused_at_its_place(
    engagement: Engagement, why: str, verdicts: Any, pointer: str
) -> None:
    id = reviewable(engagement)
    answer = engagement.api.post(f"/deliverables/{id}/accept", json={"accepted": True, "verdicts": verdicts})
    assert answer.status_code == 422, why
    assert pointer in [e["pointer"] for e in answer.json()["errors"]]
    assert engagement.get(f"/deliverables/{id}")["status"] == "ready_for_acceptance"


def test_nobody_can_give_what_the_clock_gives(engagement: Engagement) -> None:
    id = reviewable(engagement)
    assert engagement.api.post(f"/deliverables/{id}/lapse", json={}).status_code == 404
