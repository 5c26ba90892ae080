"""Who may do what: every call of the description, with each role, in its own organisation, in another, without a key.

Expectations are written from the contract's list of roles; a call that has none here fails the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from ods_core.api import build
from tests.api.conftest import Engagement, proposal_body, request_body
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

ORG, OTHER = "ORG-26-090500", "ORG-26-000002"
ROLES = ("requester", "approver", "reviewer", "finance", "viewer", "provider", "admin")
ANY = frozenset(ROLES)
PUBLIC = {"/health"}
LINKS = {"/capabilities/ods/downloads/{token}", "/capabilities/ods/calendar/{token}.ics"}
"""What a private link opens: the address is the key."""
OF_THE_PROVIDER = {"/metrics", "/capabilities/ods/quotes", "/capabilities/ods/backup.zip"}
"""The server's own figures, what a price is made of, and the whole store: never for an organisation's key."""

COMMANDS: dict[str, frozenset[str]] = {
    "POST /requests": frozenset({"requester"}),
    "POST /requests/{id}/scope": frozenset({"provider"}),
    "POST /requests/{id}/negotiate": frozenset({"provider"}),
    "POST /requests/{id}/revise": frozenset({"requester"}),
    "POST /requests/{id}/cancel": frozenset({"requester", "provider"}),
    "POST /scopes/{id}": frozenset({"approver"}),
    "POST /scopes/{id}/reissue": frozenset({"provider"}),
    "POST /scopes/{id}/terminate": frozenset({"approver", "provider"}),
    "POST /deliverables/{id}/start": frozenset({"provider"}),
    "POST /deliverables/{id}/submit": frozenset({"provider"}),
    "POST /deliverables/{id}/accept": frozenset({"reviewer"}),
    "POST /payments/{id}/receipts": frozenset({"finance"}),
    "POST /payments/{id}/invoice": frozenset({"finance"}),
    "POST /receipts/{id}/reverse": frozenset({"finance"}),
    "POST /invoices/{id}/void": frozenset({"finance"}),
    "POST /invoices/{id}/uncollectible": frozenset({"finance"}),
    "POST /payment-terms/parse": ANY,
    "POST /criteria/check": ANY,
    "POST /reasons/check": ANY,
    "POST /quotes": ANY,
    "POST /keys": frozenset({"admin"}),
    "DELETE /keys/{id}": frozenset({"admin"}),
    "POST /calendar-links": frozenset({"admin"}),
    "DELETE /calendar-links/{id}": frozenset({"admin"}),
    "POST /webhook-endpoints": frozenset({"admin"}),
    "DELETE /webhook-endpoints/{id}": frozenset({"admin"}),
    "POST /webhook-endpoints/{id}/replay": frozenset({"admin"}),
    "POST /webhook-endpoints/{id}/test": frozenset({"admin"}),
    "POST /webhook-endpoints/{id}/rotate-secret": frozenset({"admin"}),
    "POST /webhook-endpoints/{id}/disable": frozenset({"admin"}),
    "POST /webhook-endpoints/{id}/enable": frozenset({"admin"}),
}
READS: tuple[tuple[str, frozenset[str]], ...] = (
    (r".*\.\{format\}|/scopes/\{id\}/statement\.pdf", frozenset({"finance"})),
    (r"/(keys|security-events|webhook-endpoints|calendar-links)(/.*)?|/backup\.zip", frozenset({"admin"})),
    (r".*", ANY),
)
"""The first that fits a path."""


@dataclass
class World:
    """A server with keys and one engagement of `ORG` at every stage."""

    server: StartedServer
    provider: httpx.Client
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str | None], httpx.Client] = field(default_factory=dict)

    def with_role(self, role: str, organization_id: str | None) -> httpx.Client:
        """A client that has this role alone."""
        if (role, organization_id) not in self.keys:
            body = {"name": role, "roles": [role]} | ({"organization_id": organization_id} if organization_id else {})
            made = self.provider.post("/keys", json=body)
            assert made.status_code == 201, made.text
            headers = {"Authorization": f"Bearer {made.json()['data']['key']}"}
            self.keys[role, organization_id] = self.server.client(headers=headers)
        return self.keys[role, organization_id]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made anew for this page."""
    limits = {"ODS_RATE_PER_KEY": "100000", "ODS_RATE_PER_ADDRESS": "1000000"}
    with started(tmp_path_factory.mktemp("access"), **limits) as server:
        first = server.client().post("/keys", json={"name": "first", "roles": list(ROLES)})
        provider = server.client(headers={"Authorization": f"Bearer {first.json()['data']['key']}"})
        made = World(server, provider)
        _fill(made)
        yield made


def _fill(world: World) -> None:
    walk = Engagement(world.provider).ready()
    payment = world.provider.get("/payments", params={"scope_id": walk.scope["id"]}).json()["data"]
    due = next(p for p in payment if p["status"] == "due")["id"]
    invoice = walk.post(f"/payments/{due}/invoice", {}, 201)
    receipt = walk.post(
        f"/payments/{due}/receipts", {"amount": 1.00, "received_on": "2026-05-01", "reference": "WIRE 1"}, 201
    )
    scope = walk.get(f"/scopes/{walk.scope['id']}")
    world.ids = {
        "requests": walk.request["id"],
        "scopes": scope["id"],
        "cycles": scope["cycles"][0]["id"],
        "deliverables": walk.deliverable_ids[0],
        "service-lines": walk.get("/service-lines")[0]["id"],
        "payments": due,
        "receipts": receipt["id"],
        "invoices": invoice["id"],
        "keys": world.provider.post(
            "/keys", json={"name": "to be read", "roles": ["viewer"], "organization_id": ORG}
        ).json()["data"]["id"],
        "webhook-endpoints": new_endpoint(world),
        "calendar-links": world.provider.post(
            "/calendar-links", json={"name": "to be read", "organization_id": ORG}
        ).json()["data"]["id"],
    }


def new_endpoint(world: World) -> str:
    """The id of an endpoint of `ORG`."""
    made = world.provider.post("/webhook-endpoints", json=ENDPOINT | {"organization_id": ORG})
    return str(made.json()["data"]["id"])


ENDPOINT = {"url": "https://8.8.8.8:9/", "event_types": ["ods.invoice.reopened"]}
BODIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "POST /requests": lambda w: request_body(),
    "POST /requests/{id}/scope": lambda w: proposal_body(),
    "POST /requests/{id}/negotiate": lambda w: {"reason": "More weeks.", "timeline_weeks": 5},
    "POST /requests/{id}/revise": lambda w: {"timeline_weeks": 5},
    "POST /requests/{id}/cancel": lambda w: {"reason": "No need any more."},
    "POST /scopes/{id}": lambda w: {"confirm": True},
    "POST /scopes/{id}/terminate": lambda w: {"reason": "No need any more."},
    "POST /deliverables/{id}/accept": lambda w: {"accepted": True},
    "POST /payments/{id}/receipts": lambda w: {"amount": 1.0, "received_on": "2026-05-02", "reference": "WIRE 2"},
    "POST /receipts/{id}/reverse": lambda w: {"reason": "Another client's."},
    "POST /invoices/{id}/void": lambda w: {"reason": "Another address."},
    "POST /invoices/{id}/uncollectible": lambda w: {"reason": "Insolvent."},
    "POST /payment-terms/parse": lambda w: {
        "terms": "100% on final acceptance",
        "fixed_price": 100.0,
        "currency": "USD",
        "cycles": 1,
        "deliverables": 1,
    },
    "POST /criteria/check": lambda w: {"criteria": ["Failure rate <0.1% in staging load test."]},
    "POST /reasons/check": lambda w: {
        "deliverable_id": w.ids["deliverables"],
        "rejection_reason": "No.",
        "criteria_not_met": [],
    },
    "POST /quotes": lambda w: {"currency": "USD", "deliverables": [{"title": "Fix", "days": {"engineer": 3}}]},
    "POST /webhook-endpoints": lambda w: ENDPOINT,
    "POST /webhook-endpoints/{id}/replay": lambda w: {"from": "2026-01-01T00:00:00Z"},
    "POST /calendar-links": lambda w: {"name": "made by the matrix"},
    "POST /keys": lambda w: {"name": "made by the matrix", "roles": ["viewer"]},
}


QUERIES = {"GET /payments/forecast": {"currency": "USD"}}
"""What a call cannot do without."""


@dataclass(frozen=True)
class Operation:
    """One call of the description."""

    method: str
    path: str

    @property
    def name(self) -> str:
        """As the tables here have it."""
        return f"{self.method} {self.path.removeprefix('/capabilities/ods')}"

    @property
    def allowed(self) -> frozenset[str] | None:
        """The roles that may; None: the tables do not say."""
        if self.method == "GET":
            short = self.path.removeprefix("/capabilities/ods")
            return next(roles for form, roles in READS if re.fullmatch(form, short))
        return COMMANDS.get(self.name)

    @property
    def subject(self) -> str | None:
        """The collection whose thing it is about."""
        found = re.search(r"/([a-z-]+)/\{id\}", self.path)
        return found[1] if found else None

    def send(self, world: World, client: httpx.Client) -> httpx.Response:
        """Make the call on the world's engagement; what can be deleted once is made anew each time."""
        once = self.name == "DELETE /webhook-endpoints/{id}"
        id = new_endpoint(world) if once else world.ids.get(self.subject or "", "")
        path = self.path.replace("{id}", id).replace("{format}", "csv")
        path = path.replace("{token}", "nobody-has-this-token")
        body = BODIES[self.name](world) if self.name in BODIES else ({} if self.method == "POST" else None)
        query = QUERIES.get(self.name)
        return client.request(self.method, f"{world.server.url}/v1{path}", json=body, params=query)


OPERATIONS = [Operation(verb.upper(), path) for path, verbs in build().openapi()["paths"].items() for verb in verbs]
GUARDED = [o for o in OPERATIONS if o.path not in PUBLIC | LINKS]
NAMES = [o.name for o in GUARDED]


def test_every_call_has_an_expectation() -> None:
    assert [o.name for o in OPERATIONS if o.allowed is None] == []
    assert sorted(set(COMMANDS) - {o.name for o in OPERATIONS}) == [], "and no expectation is of a call that is gone"


@pytest.mark.parametrize("operation", GUARDED, ids=NAMES)
def test_without_a_key_nobody_is_answered(world: World, operation: Operation) -> None:
    answer = operation.send(world, world.server.client())
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", sorted(PUBLIC | LINKS))
def test_what_needs_no_key_asks_for_none(world: World, path: str) -> None:
    assert Operation("GET", path).send(world, world.server.client()).status_code in (200, 404)


@pytest.mark.parametrize("organization_id", [ORG, None], ids=["organisation", "provider"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", GUARDED, ids=NAMES)
def test_a_role_may_what_the_contract_gives_it(
    world: World, operation: Operation, role: str, organization_id: str | None
) -> None:
    """Refused for the role, or not; what else stands in its way, such as its state, is another page's matter."""
    answer = operation.send(world, world.with_role(role, organization_id))
    assert operation.allowed is not None
    may = role in operation.allowed
    if operation.path in OF_THE_PROVIDER:
        may = may and (organization_id is None or role == "provider") and _knows(operation.path, role, organization_id)
    if may:
        assert answer.status_code not in (401, 403, 404), answer.text
        assert answer.status_code < 500
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text


def _knows(path: str, role: str, organization_id: str | None) -> bool:
    """Who of those sees the provider's own figures."""
    if path.endswith("/backup.zip"):
        return role == "admin"
    if path == "/metrics":
        return organization_id is None and role in ("viewer", "admin")
    return role == "provider" or (role == "admin" and organization_id is None)


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.subject], ids=lambda o: o.name)
def test_another_organisations_thing_is_not_there(world: World, operation: Operation) -> None:
    assert operation.allowed is not None
    for role in sorted(operation.allowed):
        answer = operation.send(world, world.with_role(role, OTHER))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (role, answer.text)


LISTS = [o for o in GUARDED if o.method == "GET" and not o.subject and o.path not in OF_THE_PROVIDER]


@pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.name)
def test_a_list_has_nothing_of_another_organisation(world: World, operation: Operation) -> None:
    assert operation.allowed is not None
    for role in sorted(operation.allowed):
        answer = operation.send(world, world.with_role(role, OTHER))
        # A key of the organisation's own is made by this very page; nothing else of it exists.
        assert answer.status_code == 200, answer.text
        told = answer.text
        assert ORG not in told
        for id in world.ids.values():
            assert id not in told


def test_a_filter_opens_no_other_organisation(world: World) -> None:
    theirs = world.with_role("viewer", OTHER)
    for path in ("/requests", "/scopes", "/payments", "/invoices", "/service-lines"):
        assert theirs.get(path, params={"organization_id": ORG}).json()["data"] == []
    outcomes = theirs.get("/metrics/outcomes", params={"organization_id": ORG}).json()["data"]["metrics"]
    assert {metric["n"] for metric in outcomes} <= {0}
