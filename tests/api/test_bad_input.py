"""Bodies that cannot be right: each gets its 4xx as problem+json, names the place, and changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.conftest import Engagement, proposal_body, request_body
from tests.started import StartedServer

pytestmark = pytest.mark.server

JSON = {"content-type": "application/json"}


@dataclass
class Case:
    """A call that is refused: its status, and the pointers of the places it must name (none: not about a place)."""

    name: str
    path: str
    body: Any
    status: int
    pointers: tuple[str, ...] = ()
    headers: dict[str, str] | None = None


def raw(text: str | bytes) -> bytes:
    """A body sent as it stands."""
    return text if isinstance(text, bytes) else text.encode()


def request_case(name: str, pointer: str, **changes: Any) -> Case:
    return Case(name, "/requests", request_body(**changes), 422, (pointer,))


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


def proposal_case(name: str, pointer: str, **changes: Any) -> Case:
    return Case(name, "/requests/{request}/scope", proposal_body(**changes), 422, (pointer,))


def cycles(*spans: tuple[str, str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"name": f"Cycle {n}", "planned_start": a, "planned_end": b, "deliverables": keys}
        for n, (a, b, keys) in enumerate(spans, 1)
    ]


def deliverable(**changes: Any) -> dict[str, Any]:
    return {"key": "fix", "title": "Fix", "description": "The fix.", "acceptance_criteria": "Test report."} | changes


ALL = ["fix", "tests", "deploy"]
SQL = "'; DROP TABLE requests; --"
MARKUP = "<script>alert(1)</script>"

CASES = [
    # Not JSON, or not as JSON
    Case("half an object", "/requests", raw('{"title": '), 400),
    Case("no JSON at all", "/requests", raw("title=x"), 400),
    Case("bytes that are no UTF-8", "/requests", raw(b'{"title": "\xff\xfe"}'), 400),
    Case("a name that stands twice", "/requests", raw('{"title": "a", "title": "b"}'), 400),
    Case("NaN", "/requests", raw('{"budget_max": NaN}'), 400),
    Case("Infinity", "/requests", raw('{"budget_max": -Infinity}'), 400),
    Case("nesting without end", "/requests", raw("[" * 100_000), 400),
    Case("a number of five thousand digits", "/requests", raw('{"timeline_weeks": ' + "9" * 5000 + "}"), 400),
    Case("trailing text", "/requests", raw(json.dumps(request_body()) + "x"), 400),
    Case("another media type", "/requests", raw(json.dumps(request_body())), 415, (), {"content-type": "text/plain"}),
    Case("a form", "/requests", raw("a=b"), 415, (), {"content-type": "application/x-www-form-urlencoded"}),
    Case("no media type", "/requests", raw(json.dumps(request_body())), 415, (), {"content-type": ""}),
    Case("over a mebibyte", "/requests", request_body(description="x" * 1_100_000), 413),
    Case("an array", "/requests", [], 422, ("",)),
    Case("a text", "/requests", "title", 422, ("",)),
    Case("null", "/requests", None, 422, ("",)),
    Case("nothing", "/requests", raw(""), 422, ("",)),
    # A request
    *(
        Case(f"without {name}", "/requests", without(request_body(), name), 422, (f"/{name}",))
        for name in ("organization_id", "workspace_id", "title", "description", "desired_outcome")
    ),
    Case("an unknown field", "/requests", request_body(budget=1), 422, ("/budget",)),
    Case(
        "two bad fields at once",
        "/requests",
        request_body(title=" ", timeline_weeks=0),
        422,
        ("/title", "/timeline_weeks"),
    ),
    request_case("an organisation of another form", "/organization_id", organization_id="ORG-90500"),
    request_case("an organisation that is SQL", "/organization_id", organization_id=SQL),
    request_case("an organisation that is a number", "/organization_id", organization_id=26),
    request_case("a workspace that is an organisation", "/workspace_id", workspace_id="ORG-26-090500"),
    request_case("a subscription that is markup", "/subscription_id", subscription_id=MARKUP),
    request_case("a tag of another form", "/project_tags/1", project_tags=["PROJ-26-004281", "webhooks"]),
    request_case("tags that are a text", "/project_tags", project_tags="PROJ-26-004281"),
    request_case("a blank title", "/title", title="  \t "),
    request_case("a title too long", "/title", title="x" * 201),
    request_case("a title that is null", "/title", title=None),
    request_case("a title that is a list", "/title", title=["a"]),
    request_case("a control character", "/title", title="a\x00b"),
    request_case("half of a surrogate pair", "/description", description="a\ud83db"),
    request_case("a description too long", "/description", description="x" * 20_001),
    request_case("a criterion that is blank", "/acceptance_criteria/0", acceptance_criteria=[""]),
    request_case("a criterion that is a number", "/acceptance_criteria/0", acceptance_criteria=[1]),
    request_case("criteria without end", "/acceptance_criteria", acceptance_criteria=["x"] * 101),
    request_case("no weeks", "/timeline_weeks", timeline_weeks=0),
    request_case("weeks below none", "/timeline_weeks", timeline_weeks=-3),
    request_case("more weeks than there may be", "/timeline_weeks", timeline_weeks=105),
    request_case("half a week", "/timeline_weeks", timeline_weeks=2.5),
    request_case("weeks as a text", "/timeline_weeks", timeline_weeks="3"),
    request_case("weeks as a truth", "/timeline_weeks", timeline_weeks=True),
    request_case("a budget of nothing", "/budget_max", budget_max=0),
    request_case("a budget below nothing", "/budget_max", budget_max=-18000.00),
    request_case("a budget as a text", "/budget_max", budget_max="18000.00"),
    request_case("a budget as a truth", "/budget_max", budget_max=True),
    request_case("a tenth of a cent", "/budget_max", budget_max=18000.001),
    request_case("a fraction of a yen", "/budget_max", budget_max=18000.5, currency="JPY"),
    request_case("more money than there is", "/budget_max", budget_max=1e30),
    request_case("a currency nobody has", "/currency", currency="XXZ"),
    request_case("a currency in small letters", "/currency", currency="usd"),
    request_case("gold", "/currency", currency="XAU"),
    # A proposal
    proposal_case("no deliverables", "/deliverables", deliverables=[], cycles=cycles(("2026-05-01", "2026-05-02", []))),
    proposal_case("no cycles", "/cycles", cycles=[]),
    proposal_case(
        "a key twice",
        "/deliverables/1/key",
        deliverables=[deliverable(), deliverable()],
        cycles=cycles(("2026-05-01", "2026-05-02", ["fix"])),
    ),
    proposal_case(
        "no criteria",
        "/deliverables/0/acceptance_criteria",
        deliverables=[deliverable(acceptance_criteria=[])],
        cycles=cycles(("2026-05-01", "2026-05-02", ["fix"])),
    ),
    proposal_case(
        "blank criteria",
        "/deliverables/0/acceptance_criteria",
        deliverables=[deliverable(acceptance_criteria=" ")],
        cycles=cycles(("2026-05-01", "2026-05-02", ["fix"])),
    ),
    proposal_case("a deliverable in no cycle", "/deliverables/2", cycles=cycles(("2026-05-01", "2026-05-21", ALL[:2]))),
    proposal_case(
        "a deliverable in two cycles",
        "/cycles/1/deliverables/0",
        cycles=cycles(("2026-05-01", "2026-05-21", ALL), ("2026-06-01", "2026-06-21", ["fix"])),
    ),
    proposal_case(
        "an unknown key", "/cycles/0/deliverables/3", cycles=cycles(("2026-05-01", "2026-05-21", [*ALL, "x"]))
    ),
    proposal_case(
        "an empty cycle",
        "/cycles/1/deliverables",
        cycles=cycles(("2026-05-01", "2026-05-21", ALL), ("2026-06-01", "2026-06-21", [])),
    ),
    proposal_case("an end before the start", "/cycles/0/planned_end", cycles=cycles(("2026-05-21", "2026-05-01", ALL))),
    proposal_case(
        "cycles that overlap",
        "/cycles/1/planned_start",
        cycles=cycles(("2026-05-01", "2026-05-21", ALL[:2]), ("2026-05-21", "2026-06-21", ["deploy"])),
    ),
    proposal_case("no such day", "/cycles/0/planned_end", cycles=cycles(("2026-02-01", "2026-02-30", ALL))),
    proposal_case("a day in words", "/cycles/0/planned_start", cycles=cycles(("1 May 2026", "2026-05-21", ALL))),
    proposal_case(
        "a time for a day", "/cycles/0/planned_start", cycles=cycles(("2026-05-01T00:00:00Z", "2026-05-21", ALL))
    ),
    proposal_case("another currency than asked for", "/currency", currency="EUR"),
    proposal_case("a price of nothing", "/fixed_price", fixed_price=0),
    proposal_case("a price below nothing", "/fixed_price", fixed_price=-1),
    proposal_case("a price of half a cent", "/fixed_price", fixed_price=100.005),
    proposal_case("terms that do not come to the price", "/payment_terms", payment_terms="50% on confirmation"),
    proposal_case("terms that say nothing", "/payment_terms", payment_terms="   "),
    proposal_case("terms that are SQL", "/payment_terms", payment_terms=SQL),
    proposal_case("terms on a cycle there is not", "/payment_terms", payment_terms="100% on cycle 2 acceptance"),
    proposal_case("validity that has passed", "/valid_until", valid_until="2020-01-01"),
    proposal_case("a window of no days", "/review_window_days", review_window_days=0),
    proposal_case("an unknown policy", "/silence_policy", silence_policy="ignore"),
    proposal_case("an unknown field of a deliverable", "/deliverables/0/price", deliverables=[deliverable(price=1)]),
    # Commands on what is there
    Case(
        "a negotiation without what would fit", "/requests/{request}/negotiate", {"reason": "Too little."}, 422, ("",)
    ),
    Case("a negotiation without a reason", "/requests/{request}/negotiate", {"fixed_price": 1}, 422, ("/reason",)),
    Case("a cancellation without a reason", "/requests/{request}/cancel", {}, 422, ("/reason",)),
    Case("a blank reason to cancel", "/requests/{request}/cancel", {"reason": "\n"}, 422, ("/reason",)),
    Case("a confirmation that is a text", "/scopes/{scope}", {"confirm": "true"}, 422, ("/confirm",)),
    Case("a confirmation that says nothing", "/scopes/{scope}", {}, 422, ("/confirm",)),
    Case("somebody who is nobody", "/scopes/{scope}", {"confirm": True, "accepted_by": "me"}, 422, ("/accepted_by",)),
    Case("a reason to confirm", "/scopes/{scope}", {"confirm": True, "reason": "x"}, 422, ("/reason",)),
    Case("a decline without a reason", "/scopes/{scope}", {"confirm": False}, 422, ("/reason",)),
    Case("a termination without a reason", "/scopes/{active}/terminate", {}, 422, ("/reason",)),
    Case(
        "a submission with a script for evidence",
        "/deliverables/{working}/submit",
        {"evidence": ["javascript:alert(1)"]},
        422,
        ("/evidence/0/url",),
    ),
    Case("evidence that is a number", "/deliverables/{working}/submit", {"evidence": [7]}, 422),
    Case("a decision that is a number", "/deliverables/{ready}/accept", {"accepted": 1}, 422, ("/accepted",)),
    Case("a decision that is missing", "/deliverables/{ready}/accept", {"notes": "x"}, 422, ("/accepted",)),
    Case(
        "a rejection without a reason", "/deliverables/{ready}/accept", {"accepted": False}, 422, ("/rejection_reason",)
    ),
    Case(
        "a rejection with a blank reason",
        "/deliverables/{ready}/accept",
        {"accepted": False, "rejection_reason": " "},
        422,
        ("/rejection_reason",),
    ),
    Case(
        "an acceptance with a reason to reject",
        "/deliverables/{ready}/accept",
        {"accepted": True, "rejection_reason": "x"},
        422,
        ("/rejection_reason",),
    ),
    Case(
        "a criterion before the first",
        "/deliverables/{ready}/accept",
        {"accepted": False, "rejection_reason": "x", "criteria_not_met": [{"criterion": 0}]},
        422,
        ("/criteria_not_met/0/criterion",),
    ),
    Case(
        "a criterion twice",
        "/deliverables/{ready}/accept",
        {"accepted": False, "rejection_reason": "x", "criteria_not_met": [{"criterion": 1}, {"criterion": 1}]},
        422,
        ("/criteria_not_met",),
    ),
    # What is not there, or not now
    Case("an unknown request", "/requests/OREQ-26-999999/cancel", {"reason": "x"}, 404),
    Case("an unknown scope", "/scopes/OSCOPE-26-999999", {"confirm": True}, 404),
    Case("an unknown deliverable", "/deliverables/DLV-26-999999/accept", {"accepted": True}, 404),
    Case("an id that is SQL", f"/deliverables/{SQL}/accept", {"accepted": True}, 404),
    Case("an id that is markup", "/scopes/%3Cscript%3E", {"confirm": True}, 404),
    Case("a scope confirmed twice", "/scopes/{active}", {"confirm": True}, 409),
    Case("a decision on work not ready", "/deliverables/{working}/accept", {"accepted": True}, 409),
    Case("a proposal over budget", "/requests/{request}/scope", proposal_body(fixed_price=18000.01), 409),
    Case("a proposal over time", "/requests/{request}/scope", proposal_body(timeline_weeks=4), 409),
]


@pytest.fixture(scope="module")
def things(server: StartedServer) -> dict[str, str]:
    """One of each: a request being scoped, a pending scope, an active one, work begun, work to review."""
    with server.client() as api:
        begun, done = Engagement(api).confirmed(), Engagement(api).ready()
        return {
            "request": Engagement(api).submitted().request["id"],
            "scope": Engagement(api).proposed().scope["id"],
            "active": begun.scope["id"],
            "working": begun.deliverable_ids[0],
            "ready": done.deliverable_ids[0],
        }


def last_event(server: StartedServer) -> Any:
    """Where the log ends: it grows with every change, and with nothing else."""
    cursor: str | None = None
    while True:
        parameters = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(f"{server.url}/v1/events", params=parameters, timeout=30).json()
        cursor = page["meta"]["cursor"]
        if not page["meta"]["has_more"]:
            return cursor


def send(api: httpx.Client, case: Case, things: dict[str, str]) -> httpx.Response:
    path = case.path
    for name, id in things.items():
        path = path.replace("{" + name + "}", id)
    content = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    return api.post(path, content=content, headers=JSON if case.headers is None else case.headers)


def test_there_are_at_least_sixty_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_its_place(case: Case, api: httpx.Client, things: dict[str, str]) -> None:
    answer = send(api, case, things)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == case.status
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    if case.status == 409:
        assert body["current_state"]
    if case.pointers:
        found = [error["pointer"] for error in body["errors"]]
        assert set(case.pointers) <= set(found), found
        assert all(error["detail"] for error in body["errors"])


def test_none_of_them_changes_anything(server: StartedServer, api: httpx.Client, things: dict[str, str]) -> None:
    before = last_event(server)
    for case in CASES:
        send(api, case, things)
    assert last_event(server) == before


def test_texts_that_look_like_code_are_kept_as_texts(api: httpx.Client) -> None:
    """Markup and SQL are things a person may write; they come back letter by letter."""
    walk = Engagement(api).submitted(title=MARKUP, description=SQL, desired_outcome='=HYPERLINK("x") 🙂 \u202eabc')
    shown = walk.get(f"/requests/{walk.request['id']}")
    assert (shown["title"], shown["description"]) == (MARKUP, SQL)
    assert shown["desired_outcome"] == '=HYPERLINK("x") 🙂 \u202eabc'


def test_a_gap_is_told_in_money_and_weeks(api: httpx.Client) -> None:
    walk = Engagement(api).submitted()
    answer = api.post(
        f"/requests/{walk.request['id']}/scope", json=proposal_body(fixed_price=19250.50, timeline_weeks=5)
    )
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "does_not_fit")
    assert (body["price_gap"], body["currency"], body["weeks_gap"]) == (1250.50, "USD", 2)
    assert body["current_state"] == "scoping"
