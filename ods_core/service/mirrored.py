"""Commands where another server is followed: checked here for the caller's role, carried out there, and read back."""

from __future__ import annotations

from collections.abc import Callable

from ods_core.basics.clock import Clock
from ods_core.basics.errors import Forbidden, StoreError
from ods_core.basics.ids import PREFIX_OF
from ods_core.basics.records import Engagement
from ods_core.basics.roles import Caller
from ods_core.basics.settings import Settings
from ods_core.basics.states import Kind
from ods_core.client import Client, Retry
from ods_core.client import models as m
from ods_core.lifecycle import (
    Command,
    IssueInvoice,
    Policy,
    Propose,
    RecordReceipt,
    Reissue,
    ReverseReceipt,
    SubmitRequest,
)
from ods_core.lifecycle.rules import RULES, Verb, verb_of
from ods_core.mirror import (
    FEED,
    Answered,
    Follower,
    Remote,
    Untold,
    about,
    caused_by,
    followed,
    key_of_command,
    pass_on,
    translated,
)
from ods_core.service.facade import Result, Service, require, visible
from ods_core.store import Store, mirrored
from ods_core.store.database import find_request
from ods_core.store.rows import load


class MirroredService(Service):
    """The commands, for a store that follows another server.

    What refuses a command there refuses it here, with the same code; RemoteUnreachable where no answer came.
    """

    def __init__(self, store: Store, clock: Clock, policy: Policy, follower: Follower) -> None:
        super().__init__(store, clock, policy)
        self.follower = follower

    def submit_request(self, caller: Caller, command: SubmitRequest) -> Result:
        """Ask for an outcome, there."""
        require(caller, Verb.SUBMIT_REQUEST)
        if not caller.sees(command.organization_id, command.workspace_id):
            raise Forbidden(f"this caller acts for {caller.organization_id}, not for {command.organization_id}")
        remote = self.follower.remote
        with translated(remote.url):
            answer = pass_on(remote.commands, "", command, caller.actor)
            assert isinstance(answer, m.Request)
            engagement = self._learned(answer, command, caller)
        return self._result(caller, command, answer, engagement)

    def _learned(self, answer: m.Request, command: SubmitRequest, caller: Caller) -> Engagement:
        """The new request: by its answer, and where that says little, by what was submitted a moment ago."""
        submitted = {name: getattr(command, name) for name in m.Request.model_fields if hasattr(command, name)}
        lists = {name: list(value) for name, value in submitted.items() if isinstance(value, tuple)}
        known = {"created_by": caller.actor.id, "updated_at": answer.created_at, **submitted, **lists}
        told = m.Request.model_validate({**known, **answer.model_dump(exclude_unset=True)})
        try:
            return self.follower.learn(told)
        except Untold as untold:
            raise StoreError(f"the request was taken as {answer.id}, but its answer lacks {untold}") from None

    def propose(self, caller: Caller, request_id: str, command: Propose) -> Result:
        """Present a scope proposal; the result is about the new scope."""
        return self._give(caller, request_id, command)

    def reissue(self, caller: Caller, scope_id: str, command: Reissue) -> Result:
        """Present an expired proposal again; the result is about the new scope."""
        return self._give(caller, scope_id, command)

    def record_receipt(self, caller: Caller, payment_id: str, command: RecordReceipt) -> Result:
        """Record money received for a payment; the result is about the new receipt."""
        return self._give(caller, payment_id, command)

    def reverse_receipt(self, caller: Caller, receipt_id: str, command: ReverseReceipt) -> Result:
        """Take a receipt back; the result is about the reversing entry."""
        return self._give(caller, receipt_id, command)

    def issue_invoice(self, caller: Caller, payment_id: str) -> Result:
        """Issue an invoice for a due payment; the result is about the new invoice."""
        return self._give(caller, payment_id, IssueInvoice())

    def _give(
        self,
        caller: Caller,
        subject_id: str,
        command: Command,
        completed: Callable[[Engagement], Command] | None = None,
        allowed: Callable[[], None] | None = None,
    ) -> Result:
        """Pass a command on; `completed` and `allowed` look at what is kept here, as they do for one given here."""
        verb = verb_of(command)
        kind = RULES[verb].subject
        require(caller, verb)
        request_id = self._request_of(caller, kind, subject_id, completed)
        if allowed:
            allowed()
        remote = self.follower.remote
        with translated(remote.url):
            answer = pass_on(remote.commands, subject_id, command, caller.actor)
            engagement = self.follower.refresh(request_id)
            return self._result(caller, command, answer, engagement)

    def _request_of(
        self, caller: Caller, kind: Kind, subject_id: str, completed: Callable[[Engagement], Command] | None
    ) -> str:
        with self.store.read() as connection:
            request_id = find_request(connection, PREFIX_OF[kind], subject_id)
            engagement = visible(caller, load(connection, [request_id])[request_id], kind, subject_id)
        if completed:
            completed(engagement)
        return request_id

    def _result(self, caller: Caller, command: Command, answer: Answered, engagement: Engagement) -> Result:
        kind, id = about(answer)
        events = followed(command, answer, engagement, caller.actor, self.clock())
        if self.follower.mirror.way == FEED:
            events = caused_by(command, self.follower.remote.story(engagement.request.id)) or events
        return Result(engagement, tuple(events), kind, id, self.review_days())


def follower_of(settings: Settings, store: Store) -> Follower | None:
    """What follows the server that the settings name, None where they name none.

    Raises:
        StoreError: the store's engagements are its own, or another server's; says what to do.
    """
    if not settings.mirror_url:
        with store.read() as connection:
            mirrored.refuse_followed(connection)
        return None
    url, key = settings.mirror_url, settings.mirror_key.get_secret_value() or None
    # A key has so many calls a minute: following waits for the next one, a person does not.
    remote = Remote(
        Client(url, key, retry=Retry(attempts=4, wait_max=65)),
        url,
        Client(url, key, retry=Retry(attempts=3, wait_max=3), keys=key_of_command),
    )
    return Follower(store, remote, settings.now, settings.mirror_seconds)
