"""Telling the demo stories: the commands that people would have given, at the times at which they would have.

What stands in the database afterwards has come there by the rules, like everything else in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ods_core.basics.clock import MovingClock, midnight
from ods_core.basics.errors import NotAllowed
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.records import CriterionNotMet, CriterionVerdict, Engagement, Evidence, Milestone
from ods_core.basics.roles import Caller, Role
from ods_core.basics.states import SilencePolicy, Verdict
from ods_core.demo.stories import Step, Story, read_stories, working_day
from ods_core.lifecycle import (
    Accept,
    Alarm,
    Cancel,
    Confirm,
    Decline,
    Lapse,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
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
    alarms,
)
from ods_core.service import Result, Runtime, Service

Report = Callable[[float, str], None]

VALID_DAYS = 14
TOLD = 0.8
"""The share of the work that telling is; writing is the rest."""

_PROVIDER = Caller(Actor(ActorKind.USER, "USR-24-000007"), frozenset({Role.PROVIDER}))
_ENGINEER = Caller(Actor(ActorKind.USER, "USR-24-000012"), frozenset({Role.PROVIDER}))
_FINANCE = Caller(Actor(ActorKind.USER, "USR-24-000019"), frozenset({Role.FINANCE}))
_CYCLE = re.compile(r"(\d+)-(\d+) (.+)")


def _silent(share: float, step: str) -> None:
    """Tell nobody."""


def load(runtime: Runtime, report: Report = _silent) -> None:
    """Fill an empty store with the demo engagements, all of them in one transaction.

    Args:
        report: called with the share done (0 to 1) and the step, ever so often.

    Raises:
        NotAllowed: the store is not empty; nothing was changed.
    """
    stories = read_stories(runtime.clock().date())
    steps = sorted(
        ((step, n) for n, story in enumerate(stories) for step in story.steps), key=lambda told: told[0].when
    )
    clock = MovingClock(steps[0][0].when)
    service = Service(runtime.store, clock, runtime.service.policy)
    tellers = [Teller(service, story) for story in stories]
    with service.store.write():
        if not runtime.store.is_empty():
            raise NotAllowed("the demo engagements go into an empty database only; this one has engagements")
        for done, (step, n) in enumerate(steps):
            _ring(service, clock, tellers, step.when)
            tellers[n].tell(step)
            report(TOLD * done / len(steps), f"Telling {stories[n].fields['title']}")
        # Up to the day's beginning: what a day tells does not hang on the hour.
        _ring(service, clock, tellers, midnight(runtime.clock().date()))
        report(TOLD, "Writing the demo engagements")
    report(1.0, "Ready")


def _ring(service: Service, clock: MovingClock, tellers: Sequence[Teller], until: datetime) -> None:
    """Move the clock, and carry out on the way what the running program would have carried out by itself."""
    while True:
        waiting = [(alarm.when, n, alarm) for n, teller in enumerate(tellers) for alarm in teller.alarms[:1]]
        when, n, alarm = min(waiting, default=(until, -1, None), key=lambda ringing: ringing[:2])
        if alarm is None or when > until:
            break
        clock.move_to(when)
        tellers[n].ring(alarm)
    clock.move_to(until)


_BY_THE_CLOCK: Mapping[type, Callable[[Service, str], Result]] = {
    Lapse: Service.lapse,
    RemindReviewer: Service.remind_reviewer,
    RemindApprover: Service.remind_approver,
}


class Teller:
    """Gives the commands of one story, each by the person whose part it is."""

    def __init__(self, service: Service, story: Story) -> None:
        self.service = service
        self.story = story
        self.engagement: Engagement | None = None
        self.alarms: list[Alarm] = []

    def tell(self, step: Step) -> None:
        """Give the command of one step."""
        getattr(self, f"_{step.verb}")(step)
        if self.story.organization.get("invoiced"):
            self._invoice_what_is_due()
        self.alarms = alarms(self.engagement) if self.engagement else []

    def ring(self, alarm: Alarm) -> None:
        """Give the command that the clock gives."""
        self.engagement = _BY_THE_CLOCK[type(alarm.command)](self.service, alarm.subject_id).engagement
        self.alarms = alarms(self.engagement)

    @property
    def _request_id(self) -> str:
        assert self.engagement, "a story begins with its request"
        return self.engagement.request.id

    @property
    def _scope_id(self) -> str:
        assert self.engagement, "a story begins with its request"
        return self.engagement.scopes[-1].id

    def _deliverable(self, key: str) -> tuple[str, int]:
        """The id of a deliverable of the present scope, and the number of its latest attempt."""
        assert self.engagement, "a story begins with its request"
        found = next(d for d in self.engagement.scope_deliverables(self._scope_id) if d.key == key)
        return found.id, found.attempt

    def _client(self, part: str, *roles: Role) -> Caller:
        of = self.story.organization
        return Caller(Actor(ActorKind.USER, of["people"][part]), frozenset(roles), of["organization"])

    def _submit_request(self, step: Step) -> None:
        of, fields = self.story.organization, self.story.fields
        request = SubmitRequest(
            organization_id=of["organization"],
            workspace_id=fields["workspace"],
            subscription_id=of["subscription"],
            project_tags=tuple(fields["tags"]),
            title=fields["title"],
            description=fields["description"],
            desired_outcome=fields["outcome"],
            acceptance_criteria=tuple(fields["criteria"]),
            timeline_weeks=fields.get("weeks"),
            budget_max=_amount(fields.get("budget")),
            currency=of["currency"],
        )
        caller = self._client("requester", Role.REQUESTER)
        self.engagement = self.service.submit_request(caller, request).engagement

    def _propose(self, step: Step) -> None:
        fields = {**self.story.fields, **(self.story.fields["second"] if step.words else {})}
        given = self._proposal(step, fields)
        self.engagement = self.service.propose(_PROVIDER, self._request_id, given).engagement

    def _proposal(self, step: Step, fields: Mapping[str, Any]) -> Propose:
        return Propose(
            deliverables=tuple(_deliverable(d) for d in fields["deliverables"]),
            cycles=tuple(self._cycle(n, text) for n, text in enumerate(fields["cycles"], 1)),
            fixed_price=Decimal(fields["price"]),
            currency=self.story.organization["currency"],
            timeline_weeks=fields.get("proposal_weeks", fields["weeks"]),
            payment_terms=fields["terms"],
            valid_until=step.when.date() + timedelta(days=VALID_DAYS),
            review_window_days=fields.get("review_days"),
            silence_policy=SilencePolicy(fields.get("silence", SilencePolicy.NONE)),
        )

    def _cycle(self, number: int, text: str) -> ProposedCycle:
        match = _CYCLE.fullmatch(text)
        assert match, f"expected `FIRST-LAST keys` for a cycle, found {text!r}"
        start, end = (self.story.day(int(day)) for day in match.groups()[:2])
        keys = tuple(match[3].split())
        return ProposedCycle(f"Cycle {number}", working_day(start, 1), working_day(end, -1), keys)

    def _negotiate(self, step: Step) -> None:
        price, weeks = step.words
        given = Negotiate(step.text, None if price == "-" else Decimal(price), int(weeks))
        self.engagement = self.service.negotiate(_PROVIDER, self._request_id, given).engagement

    def _revise(self, step: Step) -> None:
        budget, weeks = step.words
        given = Revise(budget_max=Decimal(budget), timeline_weeks=int(weeks))
        caller = self._client("requester", Role.REQUESTER)
        self.engagement = self.service.revise(caller, self._request_id, given).engagement

    def _cancel(self, step: Step) -> None:
        caller = self._client("requester", Role.REQUESTER)
        self.engagement = self.service.cancel(caller, self._request_id, Cancel(step.text)).engagement

    def _confirm(self, step: Step) -> None:
        caller = self._client("approver", Role.APPROVER)
        self.engagement = self.service.confirm(caller, self._scope_id, Confirm()).engagement

    def _decline(self, step: Step) -> None:
        caller = self._client("approver", Role.APPROVER)
        self.engagement = self.service.decline(caller, self._scope_id, Decline(step.text)).engagement

    def _reissue(self, step: Step) -> None:
        given = Reissue(step.when.date() + timedelta(days=VALID_DAYS))
        self.engagement = self.service.reissue(_PROVIDER, self._scope_id, given).engagement

    def _terminate(self, step: Step) -> None:
        caller = _PROVIDER if step.words else self._client("approver", Role.APPROVER)
        self.engagement = self.service.terminate(caller, self._scope_id, Terminate(step.text)).engagement

    def _start(self, step: Step) -> None:
        for key in step.words:
            id, _ = self._deliverable(key)
            self.engagement = self.service.start(_ENGINEER, id, Start()).engagement

    def _submit(self, step: Step) -> None:
        for key in step.words:
            id, attempt = self._deliverable(key)
            given = Submit(step.text or None, (self._evidence(key, id, attempt),))
            self.engagement = self.service.submit(_ENGINEER, id, given).engagement

    def _evidence(self, key: str, id: str, attempt: int) -> Evidence:
        fields = self.story.fields
        titles = {d["key"]: d["evidence"] for d in fields["deliverables"]}
        return Evidence(titles[key], f"https://evidence.example.com/{id}/attempt-{attempt}")

    def _accept(self, step: Step) -> None:
        for key in step.words:
            id, _ = self._deliverable(key)
            caller = self._client("reviewer", Role.REVIEWER)
            given = Accept(notes=step.text or None, verdicts=self._all_met(id))
            self.engagement = self.service.accept(caller, id, given).engagement

    def _all_met(self, id: str) -> tuple[CriterionVerdict, ...]:
        """What a reviewer who accepts found of each criterion."""
        assert self.engagement, "a story begins with its request"
        count = len(self.engagement.deliverable(id).acceptance_criteria)
        return tuple(CriterionVerdict(place, Verdict.MET) for place in range(1, count + 1))

    def _reject(self, step: Step) -> None:
        key, criterion = step.words
        reason, evidence = step.text.split(" | ")
        given = Reject(reason, criteria_not_met=(CriterionNotMet(int(criterion), evidence),))
        caller = self._client("reviewer", Role.REVIEWER)
        self.engagement = self.service.reject(caller, self._deliverable(key)[0], given).engagement

    def _pay(self, step: Step) -> None:
        number, *amount = step.words
        payment = self._payment(number)
        given = RecordReceipt(
            amount=Decimal(amount[0]) if amount else payment.open,
            received_on=step.when.date(),
            reference=f"TRF-{step.when:%y%m%d}-{payment.id[-3:]}",
        )
        self.engagement = self.service.record_receipt(_FINANCE, payment.id, given).engagement

    def _reverse(self, step: Step) -> None:
        assert self.engagement, "a story begins with its request"
        receipt = self.engagement.receipts_of(self._payment(step.words[0]).id)[-1]
        self.engagement = self.service.reverse_receipt(_FINANCE, receipt.id, ReverseReceipt(step.text)).engagement

    def _payment(self, number: str) -> Milestone:
        """A payment of the confirmed scope by its place in the terms, from 1."""
        assert self.engagement, "a story begins with its request"
        return self.engagement.milestones[int(number) - 1]

    def _invoice_what_is_due(self) -> None:
        """Finance of this organisation wants an invoice for each payment, as soon as it is due."""
        assert self.engagement, "a story begins with its request"
        for payment in self.engagement.milestones:
            if payment.open and self.engagement.standing_invoice(payment.id) is None:
                self.engagement = self.service.issue_invoice(_FINANCE, payment.id).engagement

    def _void(self, step: Step) -> None:
        given = VoidInvoice(step.text)
        self.engagement = self.service.void_invoice(_FINANCE, self._invoice(step.words[0]), given).engagement

    def _write_off(self, step: Step) -> None:
        given = WriteOffInvoice(step.text)
        self.engagement = self.service.write_off_invoice(_FINANCE, self._invoice(step.words[0]), given).engagement

    def _invoice(self, number: str) -> str:
        """The invoice that stands on the payment of this place."""
        assert self.engagement, "a story begins with its request"
        invoice = self.engagement.standing_invoice(self._payment(number).id)
        assert invoice, f"payment {number} has no invoice at this point of the story"
        return invoice.id


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _deliverable(fields: Mapping[str, Any]) -> ProposedDeliverable:
    criteria = fields["criteria"]
    given = criteria if isinstance(criteria, str) else tuple(criteria)
    return ProposedDeliverable(fields["key"], fields["title"], fields["description"], given)
