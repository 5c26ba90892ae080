"""A started server for the tests of the API, and the documented example as bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.started import StartedServer, started


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """One server on an empty database, for every test that does not need one of its own."""
    with started(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def api(server: StartedServer) -> Iterator[httpx.Client]:
    """A client of the server's ODS capability."""
    with server.client() as client:
        yield client


@pytest.fixture
def engagement(api: httpx.Client) -> Engagement:
    """A new engagement, walked through by HTTP."""
    return Engagement(api)


class Engagement:
    """One engagement on its way, as a program sees it; each step returns the answer's `data`."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.request: dict[str, Any] = {}
        self.scope: dict[str, Any] = {}

    def post(self, path: str, body: dict[str, Any], expected: int = 200) -> Any:
        """Give a command that succeeds."""
        answer = self.api.post(path, json=body)
        assert answer.status_code == expected, answer.text
        return answer.json()["data"]

    def get(self, path: str) -> Any:
        """Read one thing."""
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def submitted(self, **changes: Any) -> Engagement:
        """With a request."""
        self.request = self.post("/requests", request_body(**changes), 201)
        return self

    def proposed(self, **changes: Any) -> Engagement:
        """With a proposal that waits for confirmation."""
        if not self.request:
            self.submitted()
        self.scope = self.post(f"/requests/{self.request['id']}/scope", proposal_body(**changes), 201)
        return self

    def confirmed(self, **changes: Any) -> Engagement:
        """With an active scope."""
        if not self.scope:
            self.proposed(**changes)
        self.post(f"/scopes/{self.scope['id']}", {"confirm": True})
        return self

    def ready(self, **changes: Any) -> Engagement:
        """With every deliverable of the first cycle ready for acceptance."""
        self.confirmed(**changes)
        for id in self.scope["cycles"][0]["deliverable_ids"]:
            self.post(f"/deliverables/{id}/submit", {"notes": "Done.", "evidence": ["https://ci.example.com/1"]})
        return self

    @property
    def deliverable_ids(self) -> list[str]:
        """The scope's deliverables, in order."""
        return [d["id"] for d in self.scope["deliverables"]]


def request_body(**changes: Any) -> dict[str, Any]:
    """The documented request, with some fields replaced."""
    return {
        "organization_id": "ORG-26-090500",
        "workspace_id": "WS-26-000021",
        "subscription_id": "SUB-26-001122",
        "project_tags": ["PROJ-26-004281"],
        "title": "Payment webhook reliability - end-to-end fix and test coverage",
        "description": "Our payment webhook handler has a 2% failure rate under load. We need the root cause "
        "identified, fixed, load tested, and shipped to production with full test coverage.",
        "desired_outcome": "Production webhook failure rate below 0.1% under 2x normal load, with test suite proving "
        "reliability.",
        "acceptance_criteria": [
            "Webhook handler passes load test at 2x peak throughput with <0.1% failure rate",
            "Unit test coverage of the handler reaches >90%",
            "Change is deployed to production and monitored for 48 hours",
        ],
        "timeline_weeks": 3,
        "budget_max": 18000.00,
        "currency": "USD",
    } | changes


def proposal_body(**changes: Any) -> dict[str, Any]:
    """The documented proposal, with some fields replaced."""
    return {
        "deliverables": [
            {
                "key": "fix",
                "title": "Root cause analysis and fix",
                "description": "Identify and resolve the root cause of the webhook failure rate.",
                "acceptance_criteria": "Failure rate <0.1% in staging load test.",
            },
            {
                "key": "tests",
                "title": "Test suite",
                "description": "Unit tests covering the webhook handler at >90% coverage.",
                "acceptance_criteria": "Coverage report showing >90% with all tests passing.",
            },
            {
                "key": "deploy",
                "title": "Production deployment and monitoring",
                "description": "Deployment to production with 48-hour monitoring window.",
                "acceptance_criteria": "48-hour monitoring report showing <0.1% failure rate in production.",
            },
        ],
        "cycles": [
            {
                "name": "Cycle 1",
                "planned_start": "2026-05-01",
                "planned_end": "2026-05-21",
                "deliverables": ["fix", "tests", "deploy"],
            }
        ],
        "fixed_price": 15500.00,
        "currency": "USD",
        "timeline_weeks": 3,
        "payment_terms": "50% on confirmation, 50% on final acceptance",
    } | changes
