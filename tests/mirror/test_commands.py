"""Commands given at a mirror: carried out at the server it follows, read back, refused in that server's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ods_core.basics.clock import MovingClock
from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, NotFound
from ods_core.basics.events import Actor, ActorKind, EventType
from ods_core.basics.records import CriterionNotMet, CriterionVerdict, Engagement, Evidence
from ods_core.basics.roles import LOCAL, Caller, Role
from ods_core.basics.states import Kind, RequestStatus, ScopeStatus, Verdict
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Confirm,
    Decline,
    Negotiate,
    RecordReceipt,
    Reissue,
    Reject,
    ReverseReceipt,
    Revise,
    Start,
    Submit,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
)
from ods_core.mirror import RemoteUnreachable, key_of_command, sent_under
from tests.mirror.comparing import engagements, log, told
from tests.mirror.conftest import Pair
from tests.mirror.test_following import same
from tests.seed import CLIENT, PERSON, PROVIDER, seed_estimate, seed_proposal, seed_request

REASON = Reject(
    "The staging load test shows 0.4 %, over the 0.1 % of criterion 1.",
    criteria_not_met=(CriterionNotMet(1, "Run 8841 shows 0.4 %."),),
)


def walk(pair: Pair, clock: MovingClock) -> Engagement:
    """Every command, given at the mirror; the engagement as it came back."""
    mirror = pair.commands
    request = mirror.submit_request(CLIENT, seed_request(budget_max=Decimal(9000))).subject_id
    mirror.negotiate(PROVIDER, request, Negotiate("It is more work.", Decimal(15500), 3))
    revised = mirror.revise(CLIENT, request, Revise(title="Webhooks", lift=frozenset({"budget_max"})))
    assert (revised.engagement.request.title, revised.engagement.request.budget_max) == ("Webhooks", None)
    first = mirror.propose(PROVIDER, request, seed_proposal(estimate=seed_estimate()))
    assert (first.kind, first.resource()["status"]) == (Kind.SCOPE, "pending_confirmation")
    assert (
        mirror.decline(CLIENT, first.subject_id, Decline("Say under which load.")).resource()["status"] == "cancelled"
    )
    second = mirror.propose(PROVIDER, request, seed_proposal(valid_until=clock().date())).subject_id
    clock.advance(days=2)
    scope = mirror.reissue(PROVIDER, second, Reissue()).subject_id
    confirmed = mirror.confirm(CLIENT, scope, Confirm())
    assert [e.data["amount"] for e in confirmed.caused(EventType.PAYMENT_DUE)] == [Decimal("7750.00")]
    engagement = confirmed.engagement
    assert engagement.scope(scope).confirmed_by == PERSON
    fix, suite, deploy = [d.id for d in engagement.scope_deliverables(scope)]
    mirror.start(PROVIDER, fix, Start())
    evidence = (Evidence("The run", "https://ci.example.com/1"),)
    for id in (fix, suite, deploy):
        mirror.submit(PROVIDER, id, Submit("Done.", evidence))
    rejected = mirror.reject(CLIENT, fix, REASON)
    assert [e.type for e in rejected.caused(EventType.REMEDIATION_STARTED)] == [EventType.REMEDIATION_STARTED]
    mirror.submit(PROVIDER, fix, Submit("Mended.", evidence))
    mirror.accept(CLIENT, suite, Accept(notes="Read.", verdicts=(CriterionVerdict(1, Verdict.MET, "Report 3"),)))
    upfront = engagement.milestones[0]
    receipt = mirror.record_receipt(LOCAL, upfront.id, RecordReceipt(Decimal("7750.00"), clock().date(), "SEPA 1"))
    assert receipt.kind == Kind.RECEIPT
    assert mirror.reverse_receipt(LOCAL, receipt.subject_id, ReverseReceipt("Another's.")).resource()["reverses"]
    invoice = mirror.issue_invoice(LOCAL, upfront.id)
    mirror.void_invoice(LOCAL, invoice.subject_id, VoidInvoice("Another address."))
    again = mirror.issue_invoice(LOCAL, upfront.id)
    mirror.write_off_invoice(LOCAL, again.subject_id, WriteOffInvoice("The client is gone."))
    return mirror.terminate(CLIENT, scope, Terminate("The need is gone.")).engagement


def test_every_command_goes_there_and_comes_back(pair: Pair, clock: MovingClock) -> None:
    pair.follower.look()
    engagement = walk(pair, clock)
    theirs = engagements(pair.running.store)[engagement.request.id]
    assert told(engagement) == told(theirs)
    assert engagement.scopes[-1].status == ScopeStatus.CANCELLED
    assert engagement.scopes[0].quote is not None
    assert pair.follower.look()
    assert same(pair)


def test_what_a_command_caused_is_told_as_the_log_has_it(pair: Pair, clock: MovingClock) -> None:
    pair.follower.look()
    request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    scope = pair.commands.propose(LOCAL, request, seed_proposal()).subject_id
    clock.advance(hours=1)
    done = pair.commands.confirm(LOCAL, scope, Confirm())
    pair.follower.look()
    with_ids = [event.id for event in done.events]
    assert with_ids
    assert with_ids == [event["id"] for event in log(pair.store) if event["occurred_at"] == clock()]


def test_with_the_seven_calls_alone_what_followed_is_told_by_the_answer(pair: Pair, clock: MovingClock) -> None:
    """Asked for and decided at the mirror, scoped and handed in at the other server, which has no log."""
    pair.only_seven()
    pair.follower.look()
    request = pair.commands.submit_request(CLIENT, seed_request()).subject_id
    scope = pair.service.propose(PROVIDER, request, seed_proposal()).subject_id
    pair.follower.look()
    assert engagements(pair.store)[request].current_scope is not None
    confirmed = pair.commands.confirm(CLIENT, scope, Confirm())
    (due,) = confirmed.caused(EventType.PAYMENT_DUE)
    (started,) = confirmed.caused(EventType.CYCLE_STARTED)
    assert due.data["amount"] == Decimal("7750.00")
    assert started.data["name"] == "Cycle 1"
    assert confirmed.engagement.service_lines[0].opened_at == clock()
    for d in confirmed.engagement.deliverables:
        pair.service.submit(PROVIDER, d.id, Submit())
    pair.follower.look()
    fix, suite, deploy = [d.id for d in confirmed.engagement.deliverables]
    assert pair.commands.reject(CLIENT, fix, REASON).caused(EventType.REMEDIATION_STARTED)
    pair.service.submit(PROVIDER, fix, Submit())
    pair.commands.accept(CLIENT, suite, Accept())
    pair.commands.accept(CLIENT, deploy, Accept())
    last = pair.commands.accept(CLIENT, fix, Accept())
    assert [e.data["amount"] for e in last.caused(EventType.PAYMENT_DUE)] == [Decimal("7750.00")]
    assert last.engagement.service_lines[0].closed_at == clock()
    mine, theirs = told(engagements(pair.store)[request]), told(engagements(pair.running.store)[request])
    assert replace(theirs, milestones=()) == mine


def test_a_command_that_the_other_server_does_not_have_is_refused(pair: Pair) -> None:
    pair.only_seven()
    pair.follower.look()
    request = pair.commands.submit_request(CLIENT, seed_request()).subject_id
    with pytest.raises(Exception, match="no such call"):
        pair.commands.cancel(CLIENT, request, Cancel("Not needed."))
    assert engagements(pair.store)[request].request.status == RequestStatus.SCOPING


def test_refusals_are_those_of_the_other_server(pair: Pair, clock: MovingClock) -> None:
    pair.follower.look()
    request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    scope = pair.commands.propose(LOCAL, request, seed_proposal()).subject_id
    pair.service.confirm(LOCAL, scope, Confirm())
    with pytest.raises(NotAllowed) as late:
        pair.commands.confirm(LOCAL, scope, Confirm())
    assert (late.value.current_state, late.value.code, late.value.status) == ("active", "not_allowed", 409)
    pair.follower.look()
    payment = engagements(pair.store)[request].milestones[0].id
    with pytest.raises(NotAllowed) as much:
        pair.commands.record_receipt(LOCAL, payment, RecordReceipt(Decimal(99999), clock().date(), "A"))
    assert (much.value.code, much.value.extra["open"]) == ("amount_exceeds_open", Decimal("7750.00"))
    with pytest.raises(Invalid) as bad:
        pair.commands.record_receipt(LOCAL, payment, RecordReceipt(Decimal("0.001"), clock().date(), ""))
    assert {p.pointer for p in bad.value.problems} >= {"/amount"}
    with pytest.raises(Invalid):
        pair.commands.submit_request(LOCAL, seed_request(timeline_weeks=500))


def test_roles_and_owners_are_checked_before_anything_is_sent(pair: Pair) -> None:
    pair.follower.look()
    request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    pair.line.calls.clear()
    stranger = Caller(Actor(ActorKind.USER, PERSON), frozenset(Role), organization_id="ORG-26-000009")
    with pytest.raises(NotFound):
        pair.commands.cancel(stranger, request, Cancel("No."))
    with pytest.raises(Forbidden):
        pair.commands.submit_request(stranger, seed_request())
    with pytest.raises(Forbidden):
        pair.commands.propose(CLIENT, request, seed_proposal())
    with pytest.raises(NotFound):
        pair.commands.cancel(LOCAL, "OREQ-26-999999", Cancel("No."))
    assert pair.line.calls == []


def test_a_server_that_cannot_be_reached_refuses_and_says_so(pair: Pair, clock: MovingClock) -> None:
    pair.follower.look()
    request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    pair.line.is_down = True
    with pytest.raises(RemoteUnreachable, match="did not answer") as refused:
        pair.commands.cancel(LOCAL, request, Cancel("No."))
    assert (refused.value.status, refused.value.code) == (503, "remote_unreachable")
    assert engagements(pair.store)[request].request.status == RequestStatus.SCOPING


def test_a_command_sent_again_under_its_key_has_one_effect_there(pair: Pair, clock: MovingClock) -> None:
    """Its answer was lost on the way back here, so that it could not be kept."""
    pair.follower.look()
    pair.follower.remote.commands.keys = key_of_command
    sent_under("key:KEY-26-000001 /requests order-4711")
    pair.line.cuts = {len(pair.line.calls) + 1}
    with pytest.raises(RemoteUnreachable):
        pair.commands.submit_request(LOCAL, seed_request())
    again = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    assert list(engagements(pair.running.store)) == [again]
    sent_under(None)
    other = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    assert sorted(engagements(pair.running.store)) == sorted([again, other])


def test_a_command_whose_answer_was_lost_shows_once_the_server_answers(pair: Pair, clock: MovingClock) -> None:
    pair.follower.look()
    request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    pair.line.cuts = {len(pair.line.calls) + 1}
    with pytest.raises(RemoteUnreachable):
        pair.commands.cancel(LOCAL, request, Cancel("No."))
    clock.advance(minutes=1)
    pair.follower.look()
    assert engagements(pair.store)[request].request.status == RequestStatus.CANCELLED
    assert clock() - engagements(pair.store)[request].request.updated_at == timedelta(minutes=1)


def test_a_command_within_a_transaction_sees_what_it_came_to(pair: Pair, clock: MovingClock) -> None:
    """As over REST with an idempotency key, where the answer is kept in the transaction of the command."""
    pair.follower.look()
    with pair.store.write():
        request = pair.commands.submit_request(LOCAL, seed_request()).subject_id
    with pair.store.write():
        scope = pair.commands.propose(LOCAL, request, seed_proposal()).subject_id
    with pair.store.write():
        assert pair.commands.confirm(LOCAL, scope, Confirm()).engagement.service_lines
    pair.follower.look()
    assert same(pair)
