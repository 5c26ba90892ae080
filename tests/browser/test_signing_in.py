"""People sign in at an OpenID Connect provider, with a real browser: each sees what is theirs and acts as themselves.

The provider is the server of the package `oidc-provider-mock` (Authlib's own grants and signed tokens) on loopback.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import oidc_provider_mock
import pytest
from playwright.sync_api import Page, expect

from ods_core.basics.clock import MovingClock
from ods_core.basics.roles import LOCAL
from ods_core.basics.settings import Settings
from ods_core.service import NewRow, Runtime, Service
from ods_core.store import Store
from tests.browser.conftest import PATIENCE
from tests.browser.person import Person
from tests.databases import kept_url
from tests.seed import ORGANIZATION, SUBMITTED, seed_proposal, seed_request
from tests.started import StartedServer, started

pytestmark = pytest.mark.browser

OTHER = "ORG-26-090600"
OURS, THEIRS = "Kestrel webhooks", "Walrus invoices"
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{cookie_secret}"
client_id = "ods"
client_secret = "{client_secret}"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@dataclass
class Installation:
    """A server that people sign in to, the provider that they do it at, and a proposal of each organisation."""

    server: StartedServer
    provider: str
    ours: str
    theirs: str

    def knows(self, sub: str, email: str, **claims: Any) -> None:
        """Have the provider know somebody."""
        told = {"email": email, "email_verified": True, **claims}
        httpx.put(f"{self.provider}/users/{quote(sub)}", json=told, timeout=5).raise_for_status()


def _filled(folder: Path) -> tuple[str, str]:
    """A database with a proposal of each of two organisations, and a mapping; the two scopes."""
    clock = MovingClock(SUBMITTED)
    store = Store(kept_url(folder), clock)
    service = Service(store, clock)
    scopes = []
    for organization_id, title in ((ORGANIZATION, OURS), (OTHER, THEIRS)):
        asked = seed_request(organization_id=organization_id, title=title)
        request_id = service.submit_request(LOCAL, asked).subject_id
        scopes.append(service.propose(LOCAL, request_id, seed_proposal()).subject_id)
    people = Runtime(Settings(database_url=kept_url(folder)), store, service, clock).people
    people.add(LOCAL, NewRow("groups", "kestrel-approvers", ("approver", "viewer"), ORGANIZATION))
    store.close()
    return scopes[0], scopes[1]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    ours, theirs = _filled(tmp_path)
    with oidc_provider_mock.run_server_in_thread() as oidc:
        provider = f"http://localhost:{oidc.server_port}"
        told = SECRETS.format(
            cookie_secret=secrets.token_hex(32), client_secret=secrets.token_hex(8), provider=provider
        )
        (tmp_path / "secrets.toml").write_text(told, encoding="utf-8")
        options = ("--secrets.files", str(tmp_path / "secrets.toml"))
        with started(tmp_path, SUBMITTED, options=options, ODS_ADMINS="ada@example.com") as server:
            made = Installation(server, provider, ours, theirs)
            made.knows("mara", "Mara@example.com", groups=["kestrel-approvers"])
            made.knows("ada", "ada@example.com")
            made.knows("eve", "ada@example.com", email_verified=False, groups=["sales"])
            yield made


def sign_in(page: Page, installation: Installation, sub: str) -> Person:
    """Open the server, and sign in at the provider as somebody."""
    person = Person(page, installation.server.url)
    page.goto(installation.server.url)
    person.settle()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{installation.provider}/**")
    page.locator("input[name=sub]").fill(sub)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{installation.server.url}/**")
    person.settle()
    return person


def events(page: Page, installation: Installation, about: str) -> list[dict[str, Any]]:
    """The log, as the API tells it to a key that the database was given while its server was away."""
    server = installation.server
    server.stop()
    clock = MovingClock(SUBMITTED)
    store = Store(kept_url(server.folder), clock)
    from ods_core.queries.activity import EventFilter, feed

    with store.read() as connection:
        found = feed(connection, LOCAL, EventFilter(), limit=100).events
    security = Runtime(
        Settings(database_url=kept_url(server.folder)), store, Service(store, clock), clock
    ).access.security_events(LOCAL, limit=100)
    store.close()
    told = [{"type": e.type.value, "actor": e.actor.as_json(), "about": e.subject_id} for e in found]
    told += [{"type": e.kind.value, "actor": e.actor.as_json(), "about": e.subject} for e in reversed(security)]
    return [one for one in told if one["about"] in (about, "")]


def test_somebody_signs_in_sees_their_own_decides_as_themselves_and_signs_out(
    page: Page, installation: Installation
) -> None:
    url = installation.server.url
    page.goto(f"{url}/scopes?scope={installation.ours}&as=administrator")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert OURS not in page.content()

    person = sign_in(page, installation, "mara")
    person.sees("mara@example.com", OURS)
    page.goto(f"{url}/scopes")
    person.settle()
    person.sees(OURS)
    expect(page.get_by_text(THEIRS)).to_have_count(0)
    page.goto(f"{url}/scopes?scope={installation.theirs}")
    person.settle()
    person.sees("There is nothing here")
    expect(page.get_by_text(THEIRS)).to_have_count(0)

    page.goto(f"{url}/scopes?scope={installation.ours}")
    person.settle()
    page.locator(f".st-key-confirm-{installation.ours}").get_by_role("button").click()
    person.settle()
    page.locator(f".st-key-confirm-{installation.ours}_yes").get_by_role("button").click()
    person.settle()
    person.sees("Confirmed for $15,500.00")

    # The sign-in of a browser opens no API: that needs a key.
    assert page.request.get(f"{url}/v1/capabilities/ods/requests").status == 401

    page.get_by_role("button", name="Sign out").click()
    # The provider is told, too, and asks for a word of its own before it sends the browser back.
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{url}/**")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{url}/scopes?scope={installation.ours}")
    person.settle()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert OURS not in page.content()

    told = events(page, installation, installation.ours)
    mara = {"kind": "user", "id": "mara@example.com"}
    assert {"type": "ods.scope.confirmed", "actor": mara, "about": installation.ours} in told
    assert [one["actor"] for one in told if one["type"] == "signed_in"] == [mara], json.dumps(told)


def test_somebody_whom_no_row_fits_gets_a_word_and_nothing_else(page: Page, installation: Installation) -> None:
    """Also with the address of an administrator, which the provider did not verify."""
    person = sign_in(page, installation, "eve")
    person.sees("You have no access yet", "sales", "has verified it")
    for place in ("scopes", "settings", "activity"):
        page.goto(f"{installation.server.url}/{place}")
        person.settle()
        person.sees("You have no access yet")
        assert OURS not in page.content()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_what_an_administrator_takes_away_is_gone_for_somebody_who_is_signed_in(
    page: Page, installation: Installation
) -> None:
    """The browser keeps who somebody is; what they may do is asked of the mapping each time."""
    url = installation.server.url
    mara = sign_in(page, installation, "mara")
    mara.sees(OURS)
    # Her window looks for changes twice a second; a crowded machine draws the other one sooner without it.
    page.goto("about:blank")

    other = page.context.browser.new_context(viewport={"width": 1440, "height": 900})
    other.set_default_timeout(PATIENCE)
    ada = sign_in(other.new_page(), installation, "ada")
    ada.page.goto(f"{url}/settings?view=people")
    ada.settle()
    ada.shot("people")
    ada.page.get_by_text("Change or remove a row").click()
    ada.press("Remove this row")
    ada.sees("No row yet")
    other.close()

    page.goto(url)
    mara.settle()
    mara.sees("You have no access yet", "Mara@example.com")
    assert OURS not in page.content()
