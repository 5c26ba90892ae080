"""Nothing of another organisation is ever sent: every page for every role, and each of its views.

The pages are those of `PLACES`, the views are found on the pages themselves, and what is sent is read whole: so a new
page or view is looked at without being named here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.records import CriterionNotMet
from ods_core.basics.roles import LOCAL, Role
from ods_core.basics.settings import ROOT, Settings
from ods_core.basics.states import Kind
from ods_core.lifecycle import Accept, Confirm, Negotiate, RecordReceipt, Reject, Start, Submit
from ods_core.queries.lists import TABLES
from ods_core.service import NewKey, NewLink, NewRow, Runtime, Service, using
from ods_core.store import Store
from ods_core.store import tables as t
from ods_core.ui.places import PLACE_OF, PLACES
from tests.databases import memory_url
from tests.pages.everything import everything
from tests.seed import FIX, SUBMITTED, seed_request, two_cycle_proposal


@dataclass(frozen=True)
class Owner:
    """One of the two organisations; `word` stands in every text of its own, `price` and `paid` are nobody else's."""

    organization_id: str
    workspace_id: str
    word: str
    price: Decimal
    paid: Decimal


KESTREL = Owner("ORG-26-090501", "WS-26-000501", "Kestrel", Decimal("31417.70"), Decimal("1234.56"))
WALRUS = Owner("ORG-26-090602", "WS-26-000602", "Walrus", Decimal("27183.30"), Decimal("2345.67"))
OWNERS = {owner.organization_id: owner for owner in (KESTREL, WALRUS)}


WITH_VIEWS = (Role.ADMIN, Role.FINANCE, Role.REVIEWER)
"""The roles for whom views hold more than for those who only read; the others look at each page as it opens."""


def _fill(running: Runtime, owner: Owner) -> None:
    """Something in every state that a page shows: asked for, in negotiation, proposed, under way with money."""
    service = running.service

    def ask(title: str) -> str:
        asked = seed_request(
            organization_id=owner.organization_id,
            workspace_id=owner.workspace_id,
            project_tags=(f"PROJ-26-{owner.organization_id[-6:]}",),
            title=f"{owner.word} {title}",
            description=f"{owner.word}: the handler fails under load.",
            budget_max=owner.price * 2,
        )
        return service.submit_request(LOCAL, asked).subject_id

    def propose(request_id: str) -> str:
        fix = replace(FIX, title=f"{owner.word} fix")
        given = two_cycle_proposal(fixed_price=owner.price)
        return service.propose(
            LOCAL, request_id, replace(given, deliverables=(fix, *given.deliverables[1:]))
        ).subject_id

    ask("to be scoped")
    service.negotiate(LOCAL, ask("to be revised"), Negotiate(f"{owner.word}: more weeks.", timeline_weeks=5))
    propose(ask("to be confirmed"))
    scope_id = propose(ask("under way"))
    fix, suite, _ = service.confirm(LOCAL, scope_id, Confirm()).engagement.deliverables
    for one in (fix, suite):
        service.start(LOCAL, one.id, Start())
        service.submit(LOCAL, one.id, Submit(notes=f"{owner.word} is done"))
    not_met = (CriterionNotMet(1, f"{owner.word} log"),)
    service.reject(
        LOCAL, fix.id, Reject(f"{owner.word}: criterion 1 failed in the load test.", criteria_not_met=not_met)
    )
    done = service.accept(LOCAL, suite.id, Accept()).engagement
    due = next(m for m in done.milestones if m.status == "due")
    service.record_receipt(LOCAL, due.id, RecordReceipt(owner.paid, date(2026, 4, 15), f"{owner.word} WIRE 1"))
    service.issue_invoice(LOCAL, due.id)
    running.access.make_key(LOCAL, NewKey(f"{owner.word} key", ("viewer",), owner.organization_id))
    running.calendars.make(LOCAL, NewLink(f"{owner.word} calendar", owner.organization_id))
    running.webhooks.add(LOCAL, f"http://127.0.0.1:9/{owner.word}", ["*"], owner.organization_id)
    for role in Role:
        running.people.add(LOCAL, NewRow("sub", _sub(role, owner), (role.value,), owner.organization_id))


def _sub(role: Role, owner: Owner | None) -> str:
    return f"{role.value} of {owner.word if owner else 'the provider'}"


@pytest.fixture(scope="module")
def both() -> Iterator[Runtime]:
    """A store with two organisations that have the same things, and people of each and of the provider."""
    clock = MovingClock(SUBMITTED)
    store = Store(memory_url(), clock)
    settings = Settings(database_url=memory_url(), demo=False, webhook_allow_private=True)
    running = Runtime(settings, store, Service(store, clock), clock, signs_in=True)
    # The first number of all is shown to everybody, as an example in empty fields.
    running.service.submit_request(LOCAL, seed_request())
    for owner in OWNERS.values():
        _fill(running, owner)
    for role in Role:
        running.people.add(LOCAL, NewRow("sub", _sub(role, None), (role.value,)))
    clock.advance(days=40)
    with using(running):
        yield running
    store.close()


def _ids(running: Runtime, owner: Owner) -> dict[Kind, list[str]]:
    """The ids of all that is an organisation's."""
    with running.store.read() as connection:
        return {
            kind: [
                str(id)
                for id in connection.execute(
                    table.select().with_only_columns(table.c.id).where(table.c.organization_id == owner.organization_id)
                ).scalars()
            ]
            for kind, table in (TABLES | {Kind.WEBHOOK_ENDPOINT: t.webhook_endpoints}).items()
        }


def marks_of(running: Runtime, owner: Owner) -> set[str]:
    """What must not be told to others: names, ids, amounts in each way that a page writes them."""
    ids = {id for found in _ids(running, owner).values() for id in found}
    amounts = {f"{a:{form}}" for a in (owner.price, owner.paid) for form in (",.2f", ".2f")}
    return {owner.organization_id, owner.workspace_id, owner.word} | ids | amounts


def window(role: Role, owner: Owner | None) -> AppTest:
    """A window of somebody who has this one role."""
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    app.user = {"is_logged_in": True, "sub": _sub(role, owner), "iat": time.time()}
    return app.run()


@pytest.fixture
def switches(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The switches between views that the last run drew: their names in the address, and their values."""
    drawn: dict[str, list[str]] = {}
    draw = st.radio

    def noting(label: str, options: list[str], *args: Any, key: str = "", **more: Any) -> Any:
        if key.startswith("choose_"):
            drawn[key.removeprefix("choose_")] = list(options)
        return draw(label, options, *args, key=key, **more)

    monkeypatch.setattr(st, "radio", noting)
    return drawn


def every_view(app: AppTest, place: str, switches: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """A page and each view that its switches lead to, also those within a view; where that is, and what it sends."""
    app.switch_page(PLACES[place].file)
    waiting: list[dict[str, str]] = [{}]
    seen: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop(0)
        app.query_params.clear()
        for name, value in asked.items():
            app.query_params[name] = value
        switches.clear()
        where = f"{place} {asked}"
        yield where, _sent(app.run(), where)
        fresh = {(name, value) for name, values in switches.items() for value in values[1:]} - seen
        seen |= fresh
        waiting += [asked | {name: value} for name, value in sorted(fresh)]


def _sent(app: AppTest, where: str) -> str:
    assert not app.exception, (where, [e.message for e in app.exception])
    return everything(app)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("owner", OWNERS.values(), ids=[o.word for o in OWNERS.values()])
def test_nothing_of_the_other_organisation_is_sent(
    both: Runtime, switches: dict[str, list[str]], owner: Owner, role: Role
) -> None:
    other = WALRUS if owner is KESTREL else KESTREL
    secret = marks_of(both, other)
    app, told = window(role, owner), ""
    for place in PLACES:
        views = every_view(app, place, switches)
        for where, sent in views if role in WITH_VIEWS else [next(views)]:
            leaked = {mark for mark in secret if mark in sent}
            assert leaked == set(), where
            told += sent
    assert owner.word in told, "and their own is shown"
    assert owner.organization_id in told


def test_the_provider_sees_both_and_so_would_this_test(both: Runtime, switches: dict[str, list[str]]) -> None:
    app = window(Role.PROVIDER, None)
    told = {where: sent for place in PLACES for where, sent in every_view(app, place, switches)}
    for owner in OWNERS.values():
        seen = {mark for mark in marks_of(both, owner) if any(mark in sent for sent in told.values())}
        assert {owner.word, owner.organization_id, f"{owner.price:,.2f}"} <= seen
        assert {place for place in PLACES if owner.word in told[f"{place} {{}}"]} >= {"today", "requests"}


@pytest.mark.parametrize("kind", PLACE_OF)
def test_a_link_to_a_thing_of_the_other_organisation_leads_to_nothing(both: Runtime, kind: Kind) -> None:
    place, name = PLACE_OF[kind]
    app, secret = window(Role.ADMIN, KESTREL), marks_of(both, WALRUS)
    ours, theirs = _ids(both, KESTREL)[kind], _ids(both, WALRUS)[kind]
    assert ours
    assert theirs
    app.switch_page(PLACES[place].file)
    for id in theirs:
        app.query_params.clear()
        app.query_params[name] = id
        sent = _sent(app.run(), id)
        assert {mark for mark in secret if mark in sent} <= {id}, "no more than was asked"
    for id in ours[:1]:
        app.query_params.clear()
        app.query_params[name] = id
        assert KESTREL.word in _sent(app.run(), id)


@pytest.mark.parametrize("place", PLACES)
def test_a_filter_of_the_other_organisation_finds_nothing(both: Runtime, place: str) -> None:
    app, secret = window(Role.FINANCE, KESTREL), marks_of(both, WALRUS)
    app.switch_page(PLACES[place].file)
    app.query_params["organization"] = WALRUS.organization_id
    app.query_params["workspace"] = WALRUS.workspace_id
    app.query_params["q"] = WALRUS.word
    asked = {WALRUS.word, WALRUS.organization_id, WALRUS.workspace_id}
    sent = _sent(app.run(), place)
    assert {mark for mark in secret if mark in sent} <= asked, "no more than was asked for"
