"""The document the system is built from, replayed call by call over HTTP against a started server.

Every field name and every value that the document fixes is compared; identifiers are compared by form, and against
each other where the document uses one twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.conftest import Engagement, proposal_body, request_body
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

TITLE = "Payment webhook reliability - end-to-end fix and test coverage"


class Id:
    """Equal to any identifier of one prefix; remembers which, so that a second use must be the same."""

    def __init__(self, prefix: str) -> None:
        self.form = re.compile(rf"{prefix}-26-\d{{6,}}")
        self.value: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str) or not self.form.fullmatch(other):
            return False
        if self.value is None:
            self.value = other
        return self.value == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.value or self.form.pattern


def shows(answer: Any, documented: Any, at: str = "data") -> None:
    """Assert that an answer has every documented field with its documented value; it may have more fields."""
    if isinstance(documented, dict):
        assert isinstance(answer, dict), at
        for name, value in documented.items():
            assert name in answer, f"{at}.{name} is missing"
            shows(answer[name], value, f"{at}.{name}")
    elif isinstance(documented, list):
        assert isinstance(answer, list), at
        assert len(answer) == len(documented), at
        for i, value in enumerate(documented):
            shows(answer[i], value, f"{at}[{i}]")
    else:
        assert documented == answer, f"{at}: {answer!r}, documented {documented!r}"
        assert isinstance(documented, Id) or type(answer) is type(documented), f"{at} is a {type(answer).__name__}"


@pytest.fixture
def example_server(tmp_path: Any) -> Iterator[StartedServer]:
    """A server of its own, whose clock stands at the document's first call."""
    with started(tmp_path, datetime(2026, 4, 15, 10, 0, tzinfo=UTC)) as running:
        yield running


def test_the_document_can_be_replayed_call_by_call(example_server: StartedServer) -> None:
    request, scope, cycle, line = Id("OREQ"), Id("OSCOPE"), Id("OCYCLE"), Id("LIN")
    fix, tests, deploy = Id("DLV"), Id("DLV"), Id("DLV")
    with example_server.client() as api:
        walk = Engagement(api)

        # POST /requests
        answer = api.post("/requests", json=request_body())
        assert answer.status_code == 201
        assert list(answer.json()) == ["data"]
        made = answer.json()["data"]
        shows(made, {"id": request, "status": "scoping", "title": TITLE, "created_at": "2026-04-15T10:00:00Z"})
        assert answer.headers["Location"] == f"/v1/capabilities/ods/requests/{request}"

        # The provider's proposal, for which the document has no call.
        walk.post(f"/requests/{request}/scope", proposal_body(), 201)

        # GET /requests/{id}
        summary = {"deliverables": 3, "cycles": 1, "timeline_weeks": 3, "fixed_price": 15500.00, "currency": "USD"}
        documented: Any = {
            "id": request,
            "status": "scoped",
            "title": TITLE,
            "scope_id": scope,
            "scope_summary": summary,
        }
        shows(walk.get(f"/requests/{request}"), documented)

        # GET /scopes/{id}
        documented = {
            "id": scope,
            "request_id": request,
            "status": "pending_confirmation",
            "title": TITLE,
            "deliverables": [
                {
                    "id": fix,
                    "title": "Root cause analysis and fix",
                    "description": "Identify and resolve the root cause of the webhook failure rate.",
                    "acceptance_criteria": "Failure rate <0.1% in staging load test.",
                },
                {
                    "id": tests,
                    "title": "Test suite",
                    "description": "Unit tests covering the webhook handler at >90% coverage.",
                    "acceptance_criteria": "Coverage report showing >90% with all tests passing.",
                },
                {
                    "id": deploy,
                    "title": "Production deployment and monitoring",
                    "description": "Deployment to production with 48-hour monitoring window.",
                    "acceptance_criteria": "48-hour monitoring report showing <0.1% failure rate in production.",
                },
            ],
            "cycles": [
                {
                    "id": cycle,
                    "name": "Cycle 1",
                    "planned_start": "2026-05-01",
                    "planned_end": "2026-05-21",
                    "deliverable_ids": [fix, tests, deploy],
                }
            ],
            "fixed_price": 15500.00,
            "currency": "USD",
            "timeline_weeks": 3,
            "payment_terms": "50% on confirmation, 50% on final acceptance",
        }
        shows(walk.get(f"/scopes/{scope}"), documented)

        # POST /scopes/{id}
        documented = {
            "scope_id": scope,
            "status": "active",
            "service_line_id": line,
            "cycle_id": cycle,
            "payment_due": {
                "amount": 7750.00,
                "currency": "USD",
                "due_at": "2026-04-22T00:00:00Z",
                "description": "50% upfront on scope confirmation",
            },
        }
        shows(walk.post(f"/scopes/{scope}", {"confirm": True, "accepted_by": "USR-26-000044"}), documented)
        documented = {"execution_model": "timeboxed_outcome", "billing_model": "fixed_scope", "status": "active"}
        shows(walk.get(f"/service-lines/{line}"), documented)

        # GET /cycles/{id}, in the middle of the delivery
        example_server.move_to(datetime(2026, 5, 14, 16, 0, tzinfo=UTC))
        walk.post(f"/deliverables/{fix}/submit", {"notes": "Retries were not idempotent."})
        walk.post(f"/deliverables/{tests}/start", {})
        documented = {
            "id": cycle,
            "scope_id": scope,
            "service_line_id": line,
            "status": "in_progress",
            "planned_start": "2026-05-01",
            "planned_end": "2026-05-21",
            "deliverables": [
                {
                    "id": fix,
                    "title": "Root cause analysis and fix",
                    "status": "completed",
                    "submitted_at": "2026-05-14T16:00:00Z",
                },
                {"id": tests, "title": "Test suite", "status": "in_progress"},
                {"id": deploy, "title": "Production deployment and monitoring", "status": "pending"},
            ],
        }
        shown = walk.get(f"/cycles/{cycle}")
        shows(shown, documented)
        assert "submitted_at" not in shown["deliverables"][1]

        # GET /deliverables?scope_id=&status=
        walk.post(f"/deliverables/{tests}/submit", {})
        walk.post(f"/deliverables/{deploy}/submit", {})
        listed = api.get("/deliverables", params={"scope_id": str(scope), "status": "ready_for_acceptance"})
        assert [d["id"] for d in listed.json()["data"]] == [str(deploy), str(tests), str(fix)]

        # POST /deliverables/{id}/accept, rejected once
        documented = {"id": fix, "status": "rejected", "remediation_cycle_id": Id("OCYCLE"), "scope_status": "active"}
        rejection = {"accepted": False, "reviewer_id": "USR-26-000044", "rejection_reason": "Criterion 1: 0.4 %."}
        shows(walk.post(f"/deliverables/{fix}/accept", rejection), documented)
        walk.post(f"/deliverables/{fix}/submit", {})

        # POST /deliverables/{id}/accept, to the end
        notes = "Load test results reviewed and confirmed. Deployment monitoring report reviewed and approved."
        decision = {"accepted": True, "reviewer_id": "USR-26-000044", "notes": notes}
        for id in (fix, tests):
            following = {"status": "accepted", "payments_due": [], "scope_status": "active"}
            shows(walk.post(f"/deliverables/{id}/accept", decision), following)
        last = walk.post(f"/deliverables/{deploy}/accept", {"accepted": True})
        documented = {
            "id": deploy,
            "status": "accepted",
            "remediation_cycle_id": None,
            "next_cycle_id": None,
            "scope_status": "completed",
            "service_line_status": "closed",
            "payments_due": [
                {
                    "amount": 7750.00,
                    "currency": "USD",
                    "status": "due",
                    "kind": "final",
                    "due_at": "2026-05-21T00:00:00Z",
                    "description": "50% on final acceptance",
                }
            ],
        }
        shows(last, documented)
        assert walk.get(f"/scopes/{scope}")["status"] == "completed"
        assert walk.get(f"/deliverables/{fix}")["attempts"][1]["review_notes"] == notes
