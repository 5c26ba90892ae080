"""The quality gate over HTTP: criteria and reasons checked, and what becomes of a rejection that is flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Engagement, proposal_body
from tests.started import started

pytestmark = pytest.mark.server

TWO = ["Failure rate <0.1% in staging load test.", "Coverage report showing >90% with all tests passing."]
GENERIC = {"accepted": False, "rejection_reason": "not good enough"}


def reviewable(engagement: Engagement) -> str:
    """A deliverable with two criteria that waits for its decision."""
    deliverables = proposal_body()["deliverables"]
    return engagement.ready(deliverables=[{**d, "acceptance_criteria": TWO} for d in deliverables]).deliverable_ids[0]


def test_criteria_come_back_as_sent_with_their_findings(api: httpx.Client) -> None:
    texts = ["The page loads fast", " Failure rate <0.1% in staging load test. ", "", "TBD"]
    answer = api.post("/criteria/check", json={"criteria": texts})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert set(data) == {"score", "criteria"}
    assert [one["text"] for one in data["criteria"]] == texts
    assert [one["score"] for one in data["criteria"]][1:] == [100, 0, 0]
    vague = next(f for f in data["criteria"][0]["findings"] if f["code"] == "vague_term")
    assert set(vague) == {"code", "severity", "start", "end", "message", "suggestion"}
    assert (vague["start"], vague["end"], vague["severity"]) == (15, 19, "warning")
    assert data["criteria"][2]["findings"][0]["severity"] == "blocker"


def test_no_criteria_have_no_score_to_speak_of(api: httpx.Client) -> None:
    assert api.post("/criteria/check", json={"criteria": []}).json()["data"] == {"score": 0, "criteria": []}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/criteria"),
        ({"criteria": "The page loads fast"}, "/criteria"),
        ({"criteria": ["one", 2]}, "/criteria/1"),
        ({"criteria": [None]}, "/criteria/0"),
        ({"criteria": [], "language": "de"}, "/language"),
    ],
)
def test_a_body_that_holds_no_criteria_is_refused_at_its_place(api: httpx.Client, body: Any, pointer: str) -> None:
    answer = api.post("/criteria/check", json=body)
    assert answer.status_code == 422
    assert pointer in [e["pointer"] for e in answer.json()["errors"]]


def test_an_odd_text_of_100_kilobytes_is_checked(api: httpx.Client) -> None:
    text = "<b>😀 no bugs, " * 7_000
    data = api.post("/criteria/check", json={"criteria": [text]}, timeout=30).json()["data"]
    assert data["criteria"][0]["text"] == text


def test_a_reason_is_read_beside_the_deliverable(engagement: Engagement) -> None:
    id = reviewable(engagement)
    asked = {"deliverable_id": id, "rejection_reason": "not good enough", "criteria_not_met": [{"criterion": 9}]}
    findings = engagement.post("/reasons/check", asked)["findings"]
    assert [f["code"] for f in findings] == ["unknown_criterion", "no_evidence", "generic"]
    assert all(set(f) == {"code", "severity", "message", "suggestion"} for f in findings)
    fine = {**asked, "rejection_reason": "The load test shows 0.4%", "criteria_not_met": [{"criterion": 1}]}
    assert engagement.post("/reasons/check", fine) == {"findings": []}
    assert engagement.get(f"/deliverables/{id}")["status"] == "ready_for_acceptance"


def test_an_unknown_deliverable_has_no_reasons(api: httpx.Client) -> None:
    asked = {"deliverable_id": "DLV-26-999999", "rejection_reason": "not good enough"}
    assert api.post("/reasons/check", json=asked).status_code == 404
    assert api.post("/reasons/check", json={"rejection_reason": "x"}).status_code == 422


def test_a_flagged_rejection_is_taken_with_warnings(engagement: Engagement) -> None:
    id = reviewable(engagement)
    decided = engagement.post(f"/deliverables/{id}/accept", GENERIC)
    assert decided["status"] == "rejected"
    assert [w["code"] for w in decided["warnings"]] == ["no_criterion", "no_evidence", "generic"]
    engagement.post(f"/deliverables/{id}/submit", {})
    again = engagement.post(f"/deliverables/{id}/accept", GENERIC)
    assert "repeated" in [w["code"] for w in again["warnings"]]
    engagement.post(f"/deliverables/{id}/submit", {})
    assert engagement.post(f"/deliverables/{id}/accept", {"accepted": True})["warnings"] == []


@pytest.mark.parametrize("reason", [None, "", "  \n "])
def test_a_missing_reason_is_refused_whatever_the_policy(engagement: Engagement, reason: str | None) -> None:
    id = reviewable(engagement)
    body = {"accepted": False, "rejection_reason": reason, "criteria_not_met": [{"criterion": 1, "evidence": "0.4%"}]}
    answer = engagement.api.post(f"/deliverables/{id}/accept", json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/rejection_reason"]


def test_where_the_policy_is_enforced_a_flagged_rejection_changes_nothing(tmp_path: Path) -> None:
    with started(tmp_path, ODS_REVIEW_POLICY="enforce") as server, server.client() as api:
        engagement = Engagement(api)
        id = reviewable(engagement)
        refused = api.post(f"/deliverables/{id}/accept", json=GENERIC)
        assert refused.status_code == 422
        assert refused.json()["code"] == "rejection_flagged"
        assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == {
            ("/criteria_not_met", "no_criterion"),
            ("/criteria_not_met", "no_evidence"),
            ("/rejection_reason", "generic"),
        }
        assert engagement.get(f"/deliverables/{id}")["status"] == "ready_for_acceptance"
        blank = api.post(f"/deliverables/{id}/accept", json={"accepted": False})
        assert blank.status_code == 422
        good = {
            "accepted": False,
            "rejection_reason": "The load test shows a failure rate of 0.4%.",
            "criteria_not_met": [{"criterion": 1, "evidence": "0.4% in run 8841"}],
        }
        assert engagement.post(f"/deliverables/{id}/accept", good)["warnings"] == []
        # In another state it is the state that is told, not the reason.
        assert api.post(f"/deliverables/{id}/accept", json=GENERIC).status_code == 409


def test_the_score_at_confirmation_is_kept_with_the_scope(engagement: Engagement) -> None:
    deliverables = [
        {**d, "acceptance_criteria": [*TWO, "It should work well"]} for d in proposal_body()["deliverables"]
    ]
    engagement.proposed(deliverables=deliverables)
    scope_id = engagement.scope["id"]
    assert engagement.get(f"/scopes/{scope_id}")["criteria_score"] is None
    engagement.post(f"/scopes/{scope_id}", {"confirm": True})
    assert engagement.get(f"/scopes/{scope_id}")["criteria_score"] == (100 + 100 + 10) // 3
