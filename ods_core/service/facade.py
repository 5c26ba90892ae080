"""Writes: one public verb per command, one transaction each.

The facade introduces the rooms that do not know each other: it checks the caller, has the payment terms read, asks
the lifecycle to decide, and gives the outcome to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ods_core.basics.clock import Clock, system_clock
from ods_core.basics.errors import Forbidden, NotFound, Problem
from ods_core.basics.events import ActorKind, Event, EventType
from ods_core.basics.ids import PREFIX_OF
from ods_core.basics.money import Money, MoneyError
from ods_core.basics.records import Engagement, PlannedMilestone
from ods_core.basics.resources import Resource, resource
from ods_core.basics.roles import CLOCKWORK, Caller, Side
from ods_core.basics.states import Kind
from ods_core.lifecycle import (
    Accept,
    Cancel,
    Command,
    Confirm,
    Decline,
    IssueInvoice,
    Lapse,
    Moment,
    Negotiate,
    Policy,
    Propose,
    RecordReceipt,
    Reissue,
    Reject,
    RemindApprover,
    RemindReviewer,
    ReverseReceipt,
    Revise,
    Start,
    Submit,
    SubmitRequest,
    Terminate,
    VoidInvoice,
    WriteOffInvoice,
    decide,
    open_engagement,
)
from ods_core.lifecycle.rules import RULES, Verb, verb_of
from ods_core.payments import TermsError, parse_terms, read_rate_card, schedule
from ods_core.quality import Finding
from ods_core.service import gate
from ods_core.service.quoting import with_quote
from ods_core.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to: the engagement now, the events it caused, what it was about, and the usual review."""

    engagement: Engagement
    events: Sequence[Event]
    kind: Kind
    subject_id: str
    review_days: int
    warnings: Sequence[Finding] = ()
    """What a rejection would have been better without."""

    def resource(self, caller: Caller | None = None) -> Resource:
        """The subject as of the command: as everybody sees it, or as this caller does."""
        now = self.events[-1].occurred_at
        return resource(self.engagement, self.kind, self.subject_id, now, self.review_days, caller)

    def caused(self, *types: EventType) -> list[Event]:
        """Those of its events that are of these types."""
        return [event for event in self.events if event.type in types]


class Service:
    """The commands.

    Args:
        store: where engagements are kept.
        clock: what time it is.
        policy: what the owner of the installation decided.

    Every verb raises Forbidden for a caller without the role, NotFound for what is not there or not the caller's,
    NotAllowed where the state forbids it and Invalid for values that cannot be right; then nothing has changed.
    """

    def __init__(self, store: Store, clock: Clock = system_clock, policy: Policy | None = None) -> None:
        self.store = store
        self.clock = clock
        self.policy = policy or Policy()

    def submit_request(self, caller: Caller, command: SubmitRequest) -> Result:
        """Ask for an outcome."""
        require(caller, Verb.SUBMIT_REQUEST)
        if not caller.sees(command.organization_id, command.workspace_id):
            raise Forbidden(f"this caller acts for {caller.organization_id}, not for {command.organization_id}")
        with self.store.write() as unit:
            moment = self._moment(caller, unit)
            outcome = open_engagement(command, moment)
            unit.save(outcome.engagement, outcome.events)
        id, review_days = outcome.engagement.request.id, moment.policy.review_days
        return Result(outcome.engagement, outcome.events, Kind.REQUEST, id, review_days)

    def propose(self, caller: Caller, request_id: str, command: Propose) -> Result:
        """Present a scope proposal; the result is about the new scope."""
        # Read before the transaction, which others wait for.
        card = read_rate_card() if command.estimate else None

        def completed(engagement: Engagement) -> Command:
            return with_quote(planned, engagement.request, card) if card else planned

        planned = with_schedule(command)
        result = self._give(caller, request_id, planned, completed)
        scope = result.engagement.scopes[-1]
        return replace(result, kind=Kind.SCOPE, subject_id=scope.id)

    def negotiate(self, caller: Caller, request_id: str, command: Negotiate) -> Result:
        """Say that a request does not fit its bounds, and what would."""
        return self._give(caller, request_id, command)

    def revise(self, caller: Caller, request_id: str, command: Revise) -> Result:
        """Change a request that requires negotiation."""
        return self._give(caller, request_id, command)

    def cancel(self, caller: Caller, request_id: str, command: Cancel) -> Result:
        """Cancel a request."""
        return self._give(caller, request_id, command)

    def confirm(self, caller: Caller, scope_id: str, command: Confirm) -> Result:
        """Confirm a proposal: the engagement begins. How good its criteria are is kept with it."""
        return self._give(
            caller, scope_id, command, lambda e: replace(command, criteria_score=gate.scope_score(e, scope_id))
        )

    def decline(self, caller: Caller, scope_id: str, command: Decline) -> Result:
        """Send a proposal back."""
        return self._give(caller, scope_id, command)

    def reissue(self, caller: Caller, scope_id: str, command: Reissue) -> Result:
        """Present an expired proposal again; the result is about the new scope."""
        result = self._give(caller, scope_id, command)
        return replace(result, subject_id=result.engagement.scopes[-1].id)

    def terminate(self, caller: Caller, scope_id: str, command: Terminate) -> Result:
        """End an active scope early."""
        return self._give(caller, scope_id, command)

    def start(self, caller: Caller, deliverable_id: str, command: Start) -> Result:
        """Begin work on a deliverable."""
        return self._give(caller, deliverable_id, command)

    def submit(self, caller: Caller, deliverable_id: str, command: Submit) -> Result:
        """Hand in a deliverable."""
        return self._give(caller, deliverable_id, command)

    def accept(self, caller: Caller, deliverable_id: str, command: Accept) -> Result:
        """Accept a deliverable."""
        return self._give(caller, deliverable_id, command)

    def reject(self, caller: Caller, deliverable_id: str, command: Reject, *, enforce: bool = False) -> Result:
        """Reject a deliverable; the result holds what the reason would have been better without.

        Args:
            enforce: refuse a reason with findings, with the code `rejection_flagged`, once nothing else is in its way.
        """
        findings: list[Finding] = []

        def read(engagement: Engagement) -> Command:
            findings.extend(gate.reason_findings(engagement, deliverable_id, command))
            return command

        def weigh() -> None:
            if enforce and findings:
                raise gate.refusal(findings)

        return replace(self._give(caller, deliverable_id, command, read, weigh), warnings=tuple(findings))

    def lapse(self, deliverable_id: str) -> Result:
        """Let silence decide a deliverable whose review window has passed, as its scope provides."""
        return self._give(CLOCKWORK, deliverable_id, Lapse())

    def remind_reviewer(self, deliverable_id: str) -> Result:
        """Say once that a deliverable waits for its decision."""
        return self._give(CLOCKWORK, deliverable_id, RemindReviewer())

    def remind_approver(self, scope_id: str) -> Result:
        """Say once that a proposal is about to expire."""
        return self._give(CLOCKWORK, scope_id, RemindApprover())

    def record_receipt(self, caller: Caller, payment_id: str, command: RecordReceipt) -> Result:
        """Record money received for a payment; the result is about the new receipt."""
        result = self._give(caller, payment_id, command)
        return replace(result, kind=Kind.RECEIPT, subject_id=result.engagement.receipts[-1].id)

    def reverse_receipt(self, caller: Caller, receipt_id: str, command: ReverseReceipt) -> Result:
        """Take a receipt back; the result is about the reversing entry."""
        result = self._give(caller, receipt_id, command)
        return replace(result, subject_id=result.engagement.receipts[-1].id)

    def issue_invoice(self, caller: Caller, payment_id: str) -> Result:
        """Issue an invoice for a due payment; the result is about the new invoice."""
        result = self._give(caller, payment_id, IssueInvoice())
        return replace(result, kind=Kind.INVOICE, subject_id=result.engagement.invoices[-1].id)

    def void_invoice(self, caller: Caller, invoice_id: str, command: VoidInvoice) -> Result:
        """Take a wrong invoice back."""
        return self._give(caller, invoice_id, command)

    def write_off_invoice(self, caller: Caller, invoice_id: str, command: WriteOffInvoice) -> Result:
        """Give an invoice up as uncollectible."""
        return self._give(caller, invoice_id, command)

    def _give(
        self,
        caller: Caller,
        subject_id: str,
        command: Command,
        completed: Callable[[Engagement], Command] | None = None,
        allowed: Callable[[], None] | None = None,
    ) -> Result:
        """Give a command; `completed` makes it anew once the engagement is known, `allowed` may refuse it at last."""
        verb = verb_of(command)
        kind = RULES[verb].subject
        require(caller, verb)
        with self.store.write() as unit:
            engagement = visible(caller, unit.engagement_of(PREFIX_OF[kind], subject_id), kind, subject_id)
            given, moment = completed(engagement) if completed else command, self._moment(caller, unit)
            outcome = decide(engagement, given, subject_id, moment)
            if allowed:
                allowed()
            unit.save(outcome.engagement, outcome.events)
        return Result(outcome.engagement, outcome.events, kind, subject_id, moment.policy.review_days)

    def _moment(self, caller: Caller, unit: UnitOfWork) -> Moment:
        now = self.clock()
        policy = self.present_policy()
        return Moment(now, caller.actor, lambda prefix: self.store.next_id(prefix, now), unit.next_serial, policy)

    def review_days(self) -> int:
        """How long a review usually takes, in whole days, as of today."""
        return self.present_policy().review_days

    def present_policy(self) -> Policy:
        """The policy, with the usual length of a review as decisions before today tell it, once there are enough."""
        known = self.store.usual_review(self.clock().date())
        return self.policy if known is None else replace(self.policy, review_days=known)


def require(caller: Caller, verb: Verb) -> None:
    """Raise Forbidden for a caller without any of the roles of a command."""
    rule = RULES[verb]
    if Side.SYSTEM in rule.sides:
        if caller.actor.kind != ActorKind.SYSTEM:
            raise Forbidden(f"only the system can {verb.replace('_', ' ')}")
    elif not caller.may(rule.roles):
        wanted = " or ".join(sorted(rule.roles))
        raise Forbidden(f"to {verb.replace('_', ' ')} needs the role {wanted}")


def visible(caller: Caller, engagement: Engagement, kind: Kind, id: str) -> Engagement:
    """Another organisation's thing is as good as not there."""
    request = engagement.request
    if not caller.sees(request.organization_id, request.workspace_id):
        raise NotFound(kind, id)
    return engagement


def with_schedule(command: Propose) -> Propose:
    """The proposal with what its payment terms come to, or with why they come to nothing."""
    try:
        price = Money(command.fixed_price, command.currency)
    except MoneyError:
        price = None
    if price is None or price.amount <= 0:
        # The price itself is refused, at its own place; there is nothing to split.
        return command
    try:
        planned = plan(command.payment_terms, price, len(command.cycles), len(command.deliverables))
    except TermsError as error:
        return replace(command, terms_problems=terms_problems(error, "/payment_terms"))
    return replace(command, schedule=planned)


def plan(terms: str, price: Money, cycles: int, deliverables: int) -> tuple[PlannedMilestone, ...]:
    """What payment terms come to.

    Raises:
        TermsError: they cannot be right; says where.
    """
    return schedule(parse_terms(terms), price, cycles=cycles, deliverables=deliverables)


def terms_problems(error: TermsError, pointer: str) -> tuple[Problem, ...]:
    """The problems of payment terms, each with its place in the text."""
    return tuple(Problem(pointer, p.detail, {"start": p.start, "end": p.end}) for p in error.problems)
