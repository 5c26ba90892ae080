"""The documented example, walked through against a started server by both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ods_core.client import AsyncClient, Client, Invalid, NotAllowed, NotFound, Retry
from tests.api.conftest import proposal_body, request_body
from tests.started import StartedServer, started

pytestmark = pytest.mark.server

REQUEST = request_body() | {"budget_max": Decimal("18000.00")}
PROPOSAL = proposal_body() | {"fixed_price": Decimal("15500.00")}
EVIDENCE = ["https://ci.example.com/runs/8841"]
Told = dict[str, Any]


def walk(ods: Client) -> Told:
    """From the request to the certificate; what was seen on the way."""
    request = ods.submit_request(**REQUEST)
    proposed = ods.propose_scope(request.id, **PROPOSAL)
    confirmed = ods.confirm_scope(proposed.id, confirm=True, accepted_by="USR-26-000044")
    scope = ods.get_scope(proposed.id)
    for deliverable in scope.deliverables:
        ods.submit_deliverable(deliverable.id, notes="Done.", evidence=EVIDENCE)
    waiting = list(ods.list_deliverables(scope_id=scope.id, status="ready_for_acceptance", limit=2))
    fix, *rest = scope.deliverables
    rejected = ods.decide_deliverable(
        fix.id,
        accepted=False,
        rejection_reason="The staging load test shows 0.4 %, over the 0.1 % of criterion 1.",
        criteria_not_met=[{"criterion": 1, "evidence": "Run 8841 shows 0.4 %."}],
    )
    for deliverable in rest:
        ods.decide_deliverable(deliverable.id, accepted=True, notes="Read.")
    ods.submit_deliverable(fix.id, notes="Mended.", evidence=[{"url": EVIDENCE[0], "title": "Run"}])
    last = ods.decide_deliverable(fix.id, accepted=True, verdicts=[{"criterion": 1, "verdict": "met"}])
    upfront, final = ods.list_payments(scope_id=scope.id)
    receipt = ods.record_receipt(final.id, amount=Decimal("7750.00"), received_on=today(), reference=f"A {scope.id}")
    return {
        "request": ods.get_request(request.id),
        "confirmed": confirmed,
        "waiting": waiting,
        "rejected": rejected,
        "last": last,
        "cycle": ods.get_cycle(scope.cycles[0].id),
        "receipt": receipt,
        "payments": [upfront, final],
        "statement": ods.get_statement(scope.id),
        "certificate": ods.get_service_line_certificate(confirmed.service_line_id or ""),
        "paper": ods.print_certificate(fix.id).read(),
        "invoice": ods.print_invoice(ods.issue_invoice(upfront.id).id).read(),
        "schedule": ods.export_payments("csv", scope_id=scope.id).read(),
        "events": list(ods.follow_events(request_id=request.id, limit=7)),
        "metrics": ods.get_outcomes(from_=f"{today():%Y-%m}", to=f"{today():%Y-%m}"),
    }


async def walk_awaiting(ods: AsyncClient) -> Told:
    """The same, awaited."""
    request = await ods.submit_request(**REQUEST)
    proposed = await ods.propose_scope(request.id, **PROPOSAL)
    confirmed = await ods.confirm_scope(proposed.id, confirm=True, accepted_by="USR-26-000044")
    scope = await ods.get_scope(proposed.id)
    for deliverable in scope.deliverables:
        await ods.submit_deliverable(deliverable.id, notes="Done.", evidence=EVIDENCE)
    waiting = [d async for d in ods.list_deliverables(scope_id=scope.id, status="ready_for_acceptance", limit=2)]
    fix, *rest = scope.deliverables
    rejected = await ods.decide_deliverable(
        fix.id,
        accepted=False,
        rejection_reason="The staging load test shows 0.4 %, over the 0.1 % of criterion 1.",
        criteria_not_met=[{"criterion": 1, "evidence": "Run 8841 shows 0.4 %."}],
    )
    for deliverable in rest:
        await ods.decide_deliverable(deliverable.id, accepted=True, notes="Read.")
    await ods.submit_deliverable(fix.id, notes="Mended.", evidence=[{"url": EVIDENCE[0], "title": "Run"}])
    last = await ods.decide_deliverable(fix.id, accepted=True, verdicts=[{"criterion": 1, "verdict": "met"}])
    upfront, final = [payment async for payment in ods.list_payments(scope_id=scope.id)]
    receipt = await ods.record_receipt(
        final.id, amount=Decimal("7750.00"), received_on=today(), reference=f"A {scope.id}"
    )
    return {
        "request": await ods.get_request(request.id),
        "confirmed": confirmed,
        "waiting": waiting,
        "rejected": rejected,
        "last": last,
        "cycle": await ods.get_cycle(scope.cycles[0].id),
        "receipt": receipt,
        "payments": [upfront, final],
        "statement": await ods.get_statement(scope.id),
        "certificate": await ods.get_service_line_certificate(confirmed.service_line_id or ""),
        "paper": await ods.print_certificate(fix.id).read(),
        "invoice": await ods.print_invoice((await ods.issue_invoice(upfront.id)).id).read(),
        "schedule": await ods.export_payments("csv", scope_id=scope.id).read(),
        "events": [event async for event in ods.follow_events(request_id=request.id, limit=7)],
        "metrics": await ods.get_outcomes(from_=f"{today():%Y-%m}", to=f"{today():%Y-%m}"),
    }


def today() -> date:
    return datetime.now(UTC).date()


def waiting(server: StartedServer) -> Told:
    with Client(server.url) as ods:
        return walk(ods)


def awaiting(server: StartedServer) -> Told:
    async def run() -> Told:
        async with AsyncClient(server.url) as ods:
            return await walk_awaiting(ods)

    return asyncio.run(run())


@pytest.mark.parametrize("walked", [waiting, awaiting])
def test_the_example_is_walked_through(server: StartedServer, walked: Callable[[StartedServer], Told]) -> None:
    told = walked(server)
    confirmed, rejected, last, statement = (told[n] for n in ("confirmed", "rejected", "last", "statement"))
    assert confirmed.payment_due.amount == Decimal("7750.00")
    assert confirmed.cycle_id == told["cycle"].id
    assert len(told["waiting"]) == 3
    assert rejected.status == "rejected"
    assert rejected.remediation_cycle_id
    assert rejected.attempts[0].criteria_not_met[0].evidence == "Run 8841 shows 0.4 %."
    assert (last.scope_status, last.service_line_status) == ("completed", "closed")
    assert [payment.amount for payment in last.payments_due] == [Decimal("7750.00")]
    assert told["cycle"].planned_end - told["cycle"].planned_start == timedelta(days=20)
    assert (statement.fixed_price, statement.received, statement.open) == (
        Decimal("15500.00"),
        Decimal("7750.00"),
        Decimal("7750.00"),
    )
    assert told["certificate"].remediation_cycles == 1
    assert told["paper"].startswith(b"%PDF-")
    assert told["invoice"].startswith(b"%PDF-")
    assert told["schedule"].count(b"\n") >= 3
    assert told["request"].created_at.tzinfo is not None
    types = [event.type for event in told["events"]]
    assert types[0] == "ods.request.submitted"
    assert "ods.remediation.started" in types
    assert len({event.sequence for event in told["events"]}) == len(types) > 7
    assert len(told["metrics"].metrics) >= 23


def test_refusals_come_as_errors(server: StartedServer) -> None:
    with Client(server.url) as ods:
        request = ods.submit_request(**REQUEST)
        with pytest.raises(NotAllowed) as late:
            ods.revise_request(request.id, title="Another")
        assert late.value.current_state == "scoping"
        with pytest.raises(NotFound):
            ods.get_scope("OSCOPE-26-999999")
        with pytest.raises(Invalid) as bad:
            ods.submit_request(**REQUEST | {"timeline_weeks": 200, "currency": "XXY"})
        assert {place.pointer for place in bad.value.errors} == {"/timeline_weeks", "/currency"}
        assert bad.value.request_id


def test_a_server_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    """A call that is made while the server is down succeeds once it is up again."""
    with started(tmp_path) as server, Client(server.url, retry=Retry(attempts=200, wait_max=0.2)) as ods:
        request = ods.submit_request(**REQUEST)
        server.stop()
        revived: list[Any] = []

        async def both() -> None:
            down = asyncio.to_thread(ods.get_request, request.id)
            up = asyncio.to_thread(server.start)
            revived.extend(await asyncio.gather(down, up))

        asyncio.run(both())
        assert revived[0] == request
