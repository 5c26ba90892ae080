"""Who may come in: keys made, shown once, revoked; a caller made out of a key; what happened, written down."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from ods_core.basics.checks import SHORT_TEXT, Checks
from ods_core.basics.clock import Clock
from ods_core.basics.errors import Forbidden, NotFound, OdsError, Unauthenticated
from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.ids import Prefix, number_of
from ods_core.basics.keys import ApiKey, SecurityEvent, SecurityKind, lookup_of, new_secret
from ods_core.basics.roles import LOCAL, Caller, Role, require_admin
from ods_core.store import Store, UnitOfWork, access

NOBODY = Actor(ActorKind.SYSTEM, "nobody")
"""Whom a denial is written to when no caller could be made out."""
LOOK_AFTER_KEYS = "look after keys"
USE_IS_NOTED_EVERY = timedelta(minutes=1)
ANSWERS_ARE_KEPT = timedelta(hours=24)
"""How long the first answer to an idempotency key is given again."""
FORGETS_EVERY = timedelta(hours=1)
DENIALS_A_MINUTE = 60
"""So many denials are written down a minute; a flood of them is counted in the log, and does not fill the disk."""


class TooManyRequests(OdsError):
    """More calls than a key or an address has a minute."""

    code, status, title = "too_many_requests", 429, "Too many requests"

    def __init__(self, whose: str, most: int, retry_after: int) -> None:
        super().__init__(
            f"{whose} has {most:,} requests a minute; send it again in {retry_after} s", retry_after=retry_after
        )


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key should be; checked by `Access.make_key`."""

    name: str
    roles: Sequence[str]
    organization_id: str | None = None
    workspace_id: str | None = None
    expires_at: datetime | None = None


class Access:
    """The door.

    Args:
        store: where keys and what happened are kept.
        clock: what time it is.
        signs_in: whether people sign in here; then the API is never open without a key.
        per_key: requests that a key has a minute.
        per_address: requests that an address has a minute, whatever keys it comes with.
        wrong_keys: so many keys that are not good an address may try a minute.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        signs_in: bool = False,
        per_key: int = 3_000,
        per_address: int = 6_000,
        wrong_keys: int = 30,
    ) -> None:
        self.store = store
        self.clock = clock
        self.signs_in = signs_in
        self.per_key, self.per_address, self.wrong_keys = per_key, per_address, wrong_keys
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._has_keys = self._asked = False
        self._known: dict[str, ApiKey] = {}
        self._changed, self._lock = 0, threading.Lock()
        self._forgot_at: datetime | None = None

    # Coming in

    def caller(self, authorization: str | None, address: str) -> Caller:
        """Whoever sends this `Authorization`, from this address.

        Without one it is this machine's own user, until a key was made here or people sign in.

        Raises:
            Unauthenticated: no key where one is needed, or none that is good.
            TooManyRequests: more than the key, or wrong keys of the address, have a minute.
        """
        if authorization is None:
            if not self.needs_key():
                return LOCAL
            self._count(f"the address {address}", self.per_address)
            raise Unauthenticated("expected the header `Authorization: Bearer KEY`; an administrator makes keys")
        self._count(f"the address {address}", self.per_address)
        self._count(f"the address {address} with wrong keys", self.wrong_keys, spend=False)
        try:
            key = self._key_of(authorization)
        except Unauthenticated as refusal:
            self._count(f"the address {address} with wrong keys", self.wrong_keys)
            self.deny(NOBODY, None, "an API key", address, refusal.detail)
            raise
        self._count(f"the key {key.id}", self.per_key)
        self._note_use(key)
        return key.caller

    def needs_key(self) -> bool:
        """Whether the API is closed to whoever comes without a key: people sign in, or a key was ever made.

        A key that was revoked or has expired counts: the last one's end does not open the door.
        """
        # Where no other process can make one, it is asked once: nothing that every call pays.
        if not self._has_keys and not self.signs_in and (self.store.is_shared or not self._asked):
            with self.store.read() as connection:
                if access.any_key(connection):
                    # Only ever set: a key may be made while this looks.
                    self._has_keys = True
            self._asked = True
        return self._has_keys or self.signs_in

    def _key_of(self, authorization: str) -> ApiKey:
        scheme, _, text = authorization.partition(" ")
        lookup = lookup_of(text.strip()) if scheme.lower() == "bearer" else None
        if lookup is None:
            raise Unauthenticated("expected `Authorization: Bearer ods_…`, a key as it was shown when it was made")
        key = self._found(lookup)
        if key is None or not key.is_of(text.strip()):
            raise Unauthenticated("this key is not known here")
        status = key.status(self.clock())
        if status != "active":
            raise Unauthenticated(f"the key {key.id} is {status}; an administrator makes another one")
        return key

    def _found(self, lookup: str) -> ApiKey | None:
        """The key that begins with this: where no other process can change one, asked once until one is changed."""
        if (known := self._known.get(lookup)) is not None:
            return known
        changed = self._changed
        with self.store.read() as connection:
            key = access.key_by_lookup(connection, lookup)
        with self._lock:
            # What was read while a key was being revoked may be what it was before.
            if key is not None and changed == self._changed and not self.store.is_shared:
                self._known[lookup] = key
        return key

    def _forget(self) -> None:
        """A key was changed."""
        with self._lock:
            self._changed += 1
            self._known.clear()

    def _change(self, unit: UnitOfWork, id: str, **values: Any) -> None:
        access.change_key(unit.connection, id, **values)
        unit.afterwards.append(self._forget)

    def _count(self, whose: str, most: int, *, spend: bool = True) -> None:
        item = RateLimitItemPerMinute(most)
        allowed = self._limiter.hit(item, whose) if spend else self._limiter.test(item, whose)
        if not allowed:
            ends = self._limiter.get_window_stats(item, whose).reset_time
            raise TooManyRequests(whose, most, max(1, math.ceil(ends - time.time())))

    def _note_use(self, key: ApiKey) -> None:
        now = self.clock()
        if key.last_used_at is None or now - key.last_used_at >= USE_IS_NOTED_EVERY:
            with self.store.write() as unit:
                self._change(unit, key.id, last_used_at=now)

    def forget_old_answers(self) -> None:
        """Let go of the answers that no idempotency key can ask for any more; looks once an hour."""
        now = self.clock()
        if self._forgot_at and now - self._forgot_at < FORGETS_EVERY:
            return
        self._forgot_at = now
        with self.store.write() as unit:
            access.forget_answers(unit.connection, now - ANSWERS_ARE_KEPT)

    # Keys

    def make_key(self, caller: Caller, wanted: NewKey) -> tuple[ApiKey, str]:
        """Make a key; it, and the text that is shown this once.

        Raises:
            Forbidden: the caller is no administrator, or of another organisation, or gives what it may not give.
            Invalid: values that cannot be right.
        """
        require_admin(caller, LOOK_AFTER_KEYS)
        organization_id = wanted.organization_id or caller.organization_id
        roles = _checked(wanted, organization_id, self.clock())
        _require_within(caller, organization_id, wanted.workspace_id, roles)
        secret, now = new_secret(), self.clock()
        with self.store.write() as unit:
            id = self.store.next_id(Prefix.API_KEY, now)
            key = ApiKey(
                id,
                number_of(id),
                wanted.name.strip(),
                secret.lookup,
                secret.digest,
                roles,
                organization_id,
                wanted.workspace_id or caller.workspace_id,
                now,
                caller.actor.id,
                wanted.expires_at,
            )
            access.add_key(unit.connection, key)
            self._note_key(SecurityKind.KEY_MADE, caller.actor, key, roles=sorted(roles))
        self._has_keys = True
        return key, secret.text

    def revoke_key(self, caller: Caller, id: str) -> ApiKey:
        """End a key, at once; ending it again changes nothing.

        Raises:
            Forbidden: the caller is no administrator.
            NotFound: there is no such key for this caller.
        """
        require_admin(caller, LOOK_AFTER_KEYS)
        with self.store.write() as unit:
            key = self._visible(caller, access.key_by_id(unit.connection, id), id)
            if key.revoked_at is None:
                ended = {"revoked_at": self.clock(), "revoked_by": caller.actor.id}
                self._change(unit, id, **ended)
                self._note_key(SecurityKind.KEY_REVOKED, caller.actor, key)
            found = access.key_by_id(unit.connection, id)
        assert found is not None
        return found

    def keys(self, caller: Caller, *, limit: int | None = None, before: int | None = None) -> list[ApiKey]:
        """The keys that the caller looks after, newest first."""
        require_admin(caller, LOOK_AFTER_KEYS)
        with self.store.read() as connection:
            found = access.keys_of(connection, caller.organization_id, limit=limit, before=before)
        return [key for key in found if _looks_after(caller, key)]

    def key(self, caller: Caller, id: str) -> ApiKey:
        """One key."""
        require_admin(caller, LOOK_AFTER_KEYS)
        with self.store.read() as connection:
            return self._visible(caller, access.key_by_id(connection, id), id)

    @staticmethod
    def _visible(caller: Caller, key: ApiKey | None, id: str) -> ApiKey:
        if key is None or not _looks_after(caller, key):
            raise NotFound("key", id)
        return key

    # What happened

    def security_events(
        self, caller: Caller, *, kinds: Sequence[SecurityKind] = (), limit: int = 25, before: int | None = None
    ) -> list[SecurityEvent]:
        """What happened at the door, newest first: of the caller's organisation, or all of it."""
        require_admin(caller, "read security events")
        with self.store.read() as connection:
            return access.noted(connection, caller.organization_id, kinds=kinds, limit=limit, before=before)

    def deny(self, actor: Actor, organization_id: str | None, subject: str, address: str, why: str) -> None:
        """Write down that something was refused to somebody; no more than so many a minute."""
        if self._limiter.hit(RateLimitItemPerMinute(DENIALS_A_MINUTE), "denials"):
            self.note(SecurityKind.DENIED, actor, organization_id, subject=subject, address=address, why=why[:300])

    def note(
        self,
        kind: SecurityKind,
        actor: Actor,
        organization_id: str | None,
        *,
        subject: str = "",
        address: str = "",
        **data: Any,
    ) -> None:
        """Write down what happened."""
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, "security events")
            access.note(
                unit.connection,
                kind,
                self.clock(),
                actor,
                organization_id=organization_id,
                subject=subject[:300],
                address=address,
                data=data,
            )

    def _note_key(self, kind: SecurityKind, actor: Actor, key: ApiKey, **data: Any) -> None:
        self.note(kind, actor, key.organization_id, subject=key.id, name=key.name, **data)


def _looks_after(caller: Caller, key: ApiKey) -> bool:
    """Whether a key is of the caller's organisation and, where the caller is of one workspace, of that one."""
    same = caller.organization_id in (None, key.organization_id)
    return same and caller.workspace_id in (None, key.workspace_id)


def _checked(wanted: NewKey, organization_id: str | None, now: datetime) -> frozenset[Role]:
    checks = Checks()
    checks.text("/name", wanted.name, longest=SHORT_TEXT)
    checks.reference("/organization_id", organization_id, "ORG")
    checks.reference("/workspace_id", wanted.workspace_id, "WS")
    if wanted.workspace_id and not organization_id:
        checks.add("/workspace_id", "expected an organisation beside it; a key of the provider's sees every workspace")
    roles = checked_roles(checks, wanted.roles)
    if wanted.expires_at and wanted.expires_at <= now:
        checks.add("/expires_at", "expected a time to come")
    checks.done()
    return roles


def checked_roles(checks: Checks, given: Iterable[str]) -> frozenset[Role]:
    """The roles that these words name; problems of them stand at `/roles`."""
    known, given = {role.value for role in Role}, tuple(given)
    if not given:
        checks.add("/roles", f"expected at least one of {', '.join(Role)}")
    for n, word in enumerate(given):
        if word not in known:
            checks.add(f"/roles/{n}", f"expected one of {', '.join(Role)}")
    return frozenset(Role(word) for word in given if word in known)


def _require_within(
    caller: Caller, organization_id: str | None, workspace_id: str | None, roles: frozenset[Role]
) -> None:
    """A key gives no more than its maker's reach: its organisation, its workspace, and no provider for a client."""
    if caller.organization_id is None:
        return
    if organization_id != caller.organization_id:
        raise Forbidden(f"this caller makes keys for {caller.organization_id}, not for {organization_id}")
    if caller.workspace_id and workspace_id not in (None, caller.workspace_id):
        raise Forbidden(f"this caller makes keys for {caller.workspace_id}, not for {workspace_id}")
    if Role.PROVIDER in roles:
        raise Forbidden("a key with the role provider is made by the provider's own administrators")
