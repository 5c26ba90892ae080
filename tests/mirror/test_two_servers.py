"""Two started servers: one with a random history, one that follows it, and connections that break in between.

`ODS_TEST_FULL=1` plays 200 engagements instead of 6, shorter ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ods_core.basics.clock import MovingClock
from ods_core.basics.settings import Settings
from ods_core.client import Client, NotAllowed, Retry, ServerFailed, models
from ods_core.service import Runtime, Service, using
from ods_core.store import Store
from ods_core.ui.places import PLACES
from tests.api.conftest import proposal_body, request_body
from tests.databases import kept_url
from tests.mirror.comparing import MONEY
from tests.mirror.relay import Relay, seven_calls
from tests.pages.test_every_page import opened
from tests.queries.history import RandomHistory, at
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

FULL = os.environ.get("ODS_TEST_FULL") == "1"
ENGAGEMENTS = 200 if FULL else 6
STEPS = 6 if FULL else 20
"""Commands of an engagement on average; proposals of a long history lapse and are presented again, dozens of times."""
PATIENCE = 1800 if FULL else 240
KINDS = ("requests", "scopes", "cycles", "deliverables", "service_lines", "payments", "invoices")


def play(folder: Path) -> MovingClock:
    """A random history as a server's database; every request of it has a proposal, by which the seven calls find it."""
    clock = MovingClock(at(1, 5))
    store = Store(kept_url(folder), clock)
    service = Service(store, clock)
    history = RandomHistory(service, clock, 29)
    history.run(ENGAGEMENTS, ENGAGEMENTS * STEPS)
    for id in history.requests:
        with store.write() as unit:
            engagement = unit.engagement(id)
        if not engagement.scopes:
            history._go_on(id)
    store.close()
    return clock


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.5)


def listed(ods: Client, *kinds: str) -> dict[str, Any]:
    """Everything that the lists tell, by its id."""
    return {one.id: one for kind in kinds for one in getattr(ods, f"list_{kind}")(limit=100)}


def metrics(ods: Client) -> dict[Any, Any]:
    """Every metric; durations to nine digits, since a mean depends in the last ones on the order of its sum."""
    told = ods.get_outcomes(from_="2026-01", to="2027-12").metrics
    return {
        (one.key, one.currency): [_rounded(one.value), one.n, *((p.period, _rounded(p.value), p.n) for p in one.series)]
        for one in told
    }


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 9)


class Tail:
    """How many events a server has, counted on from where it was left."""

    def __init__(self, ods: Client) -> None:
        self.ods, self.cursor, self.count = ods, None, 0

    def __call__(self) -> int:
        for page in self.ods.follow_events(cursor=self.cursor, limit=100).pages():
            self.cursor, self.count = page.meta.cursor, self.count + len(page.data)
        return self.count


@contextmanager
def mirror_of(relay: Relay, remote: StartedServer, folder: Path) -> Iterator[StartedServer]:
    """A server that follows another one through a relay, by the same clock."""
    clock = f"@{remote.clock}"
    with started(folder, ODS_MIRROR_URL=relay.url, ODS_MIRROR_SECONDS="1", ODS_CLOCK=clock) as server:
        yield server


def go_on(ods: Client) -> None:
    """Some commands of every kind, at the server that is followed."""
    for deliverable in list(ods.list_deliverables(status="ready_for_acceptance", limit=5).page().data):
        ods.decide_deliverable(deliverable.id, accepted=True, notes="Read.")
    for deliverable in list(ods.list_deliverables(status="in_progress", limit=5).page().data):
        ods.submit_deliverable(deliverable.id, notes="Done.")
    for payment in list(ods.list_payments(status="due", limit=3).page().data):
        ods.issue_invoice(payment.id)
        ods.record_receipt(payment.id, amount=payment.open, received_on=at(1, 6).date(), reference=f"SEPA {payment.id}")
    request = ods.submit_request(**request_body() | {"budget_max": Decimal(18000)})
    ods.negotiate_request(request.id, reason="It is more work.", timeline_weeks=6)


def by_seven_calls(mirror: Client, remote: Client) -> None:
    """Everything that the seven calls tell is there, and no money."""
    kinds = ("requests", "scopes", "cycles", "deliverables", "service_lines")
    until(lambda: len(listed(mirror, "requests")) == ENGAGEMENTS)
    assert listed(mirror, *kinds) == listed(remote, *kinds)
    assert listed(mirror, "payments", "invoices") == {}
    mine, theirs = metrics(mirror), metrics(remote)
    same = [key for key in theirs if key[0] not in MONEY]
    assert len(same) > 15
    assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}


def commands_through(mirror: Client, remote: Client, start: str) -> None:
    """Asked for and confirmed at the mirror, proposed at the other server: by the seven calls."""
    request = mirror.submit_request(**request_body() | {"budget_max": Decimal(18000)})
    assert remote.get_request(request.id).title == request.title
    cycle = {
        "name": "Cycle 1",
        "planned_start": start,
        "planned_end": start,
        "deliverables": ["fix", "tests", "deploy"],
    }
    scope = remote.propose_scope(request.id, **proposal_body(cycles=[cycle]) | {"fixed_price": Decimal("15500.00")})
    until(lambda: mirror.get_request(request.id).scope_id == scope.id)
    confirmed = mirror.confirm_scope(scope.id, confirm=True)
    assert confirmed.payment_due is not None
    assert confirmed.payment_due.amount == Decimal("7750.00")
    assert remote.get_scope(scope.id).status == mirror.get_scope(scope.id).status == "active"
    with pytest.raises(NotAllowed) as late:
        mirror.confirm_scope(scope.id, confirm=True)
    assert late.value.current_state == "active"


def everything_is_equal(mirror: Client, remote: Client) -> None:
    """Lists, log, figures, receipts and statements."""
    mine, theirs = listed(mirror, *KINDS), listed(remote, *KINDS)
    assert mine == theirs
    assert list(mirror.follow_events(limit=100)) == list(remote.follow_events(limit=100))
    assert metrics(mirror) == metrics(remote)
    for id in [id for id in theirs if id.startswith("PAY")][:40]:
        assert list(mirror.list_receipts(id)) == list(remote.list_receipts(id))
    confirmed = [one.id for one in theirs.values() if isinstance(one, models.Scope) and one.confirmed_at]
    for id in confirmed[:40]:
        assert mirror.get_statement(id) == remote.get_statement(id)


def test_a_server_is_followed_over_cuts_first_by_seven_calls_then_by_its_log(tmp_path: Path) -> None:
    there, here = tmp_path / "remote", tmp_path / "mirror"
    there.mkdir()
    here.mkdir()
    clock = play(there)
    with started(there, clock()) as remote:
        relay = Relay(remote.url, seed=3)
        relay.lets_through, relay.cuts = seven_calls, 0.02
        with mirror_of(relay, remote, here) as mirror, Client(mirror.url) as mine, Client(remote.url) as theirs:
            by_seven_calls(mine, theirs)
            commands_through(mine, theirs, f"{clock() + timedelta(days=2):%Y-%m-%d}")

            relay.lets_through, relay.cuts = lambda call: True, 0.05
            go_on(theirs)
            here_now, there_now = Tail(mine), Tail(theirs)
            until(lambda: here_now() == there_now())
            relay.cuts = 0.0
            everything_is_equal(mine, theirs)
            assert relay.cut > 3

            # Nothing gets through: reading goes on, commands are refused, and what happened meanwhile is made up for.
            relay.cuts = 1.0
            go_on(theirs)
            with Client(mirror.url, retry=Retry(attempts=1)) as once, pytest.raises(ServerFailed) as refused:
                once.submit_request(**request_body() | {"budget_max": None})
            assert refused.value.code == "remote_unreachable"
            assert len(listed(mine, "requests")) > ENGAGEMENTS
            relay.cuts = 0.0
            until(lambda: here_now() == there_now())
            everything_is_equal(mine, theirs)
        relay.close()
    the_pages_are_equal(there, here, clock)


def the_pages_are_equal(there: Path, here: Path, clock: MovingClock) -> None:
    """Every page but the settings, which say whose mirror it is."""
    personas = ("delivery_lead", "finance", "provider") if FULL else ("administrator",)
    shown = [pages(folder, clock, personas) for folder in (there, here)]
    assert shown[0].keys() == shown[1].keys()
    for name in shown[0]:
        assert shown[0][name] == shown[1][name], name
        assert shown[0][name]


def pages(folder: Path, clock: MovingClock, personas: tuple[str, ...]) -> dict[str, list[str]]:
    store = Store(kept_url(folder), clock)
    runtime = Runtime(Settings(database_url=kept_url(folder), demo=False), store, Service(store, clock), clock)
    found = {}
    with using(runtime):
        for place in set(PLACES) - {"settings"}:
            for persona in personas:
                found[f"{place} {persona}"] = elements(opened(place, **{"as": persona}))
    runtime.close()
    return found


def elements(app: AppTest) -> list[str]:
    """What is on a page, piece by piece, as it is sent to the browser."""
    assert not app.exception, [error.message for error in app.exception]
    return [str(getattr(element, "proto", "")) for element in app.main]
