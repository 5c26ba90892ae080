"""Who may come in by signing in: the mapping of claims, looked after by administrators, and what follows from it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ods_core.basics.checks import SHORT_TEXT, Checks
from ods_core.basics.clock import Clock
from ods_core.basics.errors import Forbidden, NotFound
from ods_core.basics.events import Actor
from ods_core.basics.keys import SecurityKind
from ods_core.basics.people import EMAIL, Claims, Membership, PeopleRow, memberships
from ods_core.basics.roles import Caller, Role, require_admin
from ods_core.service.access import Access, checked_roles
from ods_core.store import Store, people

REMEMBERED = 10_000
"""So many sign-ins are remembered, so that each is written down once."""

LOOK_AFTER = "look after people"


@dataclass(frozen=True, slots=True)
class NewRow:
    """What a row should be; checked by `People.add`. No organisation: the provider's."""

    claim: str
    value: str
    roles: Sequence[str]
    organization_id: str | None = None
    workspace_id: str | None = None


class People:
    """The mapping.

    Args:
        store: where it is kept.
        clock: what time it is.
        access: where what happens is written down.
        admins: who looks after the installation whatever the mapping says: verified e-mail addresses, or `sub`s.
    """

    def __init__(self, store: Store, clock: Clock, access: Access, admins: Collection[str]) -> None:
        self.store, self.clock, self.access, self.admins = store, clock, access, admins
        self._told: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()

    def memberships(self, claims: Claims) -> list[Membership]:
        """Whom somebody with these claims can act for; none for somebody who has no business here."""
        return memberships(claims, self._all(), self.admins)

    def claim_names(self) -> list[str]:
        """The claims that rows look at, beside the person's e-mail address and `sub`; sorted."""
        return sorted({row.claim for row in self._all()} - {EMAIL, "sub"})

    def has_admin(self) -> bool:
        """Whether anybody can look after the installation."""
        rows = self._all()
        return bool(self.admins) or any(row.organization_id is None and Role.ADMIN in row.roles for row in rows)

    def note_sign_in(self, caller: Caller, occasion: str, address: str) -> None:
        """Write down that somebody signed in; once for each occasion, which is what tells one sign-in from another."""
        if self._is_new((caller.actor.id, occasion, str(caller.organization_id))):
            roles = sorted(role.value for role in caller.roles)
            self.access.note(SecurityKind.SIGNED_IN, caller.actor, caller.organization_id, address=address, roles=roles)

    def note_stranger(self, actor: Actor, occasion: str, address: str) -> None:
        """Write down that somebody signed in whom no row knows; once for each occasion."""
        if self._is_new((actor.id, occasion)):
            self.access.deny(actor, None, "the pages", address, "signed in, and no row of the mapping fits")

    def _is_new(self, what: tuple[str, ...]) -> bool:
        with self._lock:
            if what in self._told:
                return False
            self._told[what] = None
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
            return True

    # The rows

    def rows(self, caller: Caller) -> list[PeopleRow]:
        """The rows that the caller looks after, the oldest first.

        Raises:
            Forbidden: the caller is no administrator.
        """
        require_admin(caller, LOOK_AFTER)
        return [row for row in self._all() if _looks_after(caller, row)]

    def add(self, caller: Caller, wanted: NewRow) -> PeopleRow:
        """Map a claim's value to an organisation and roles.

        Raises:
            Forbidden: the caller is no administrator, or gives what it may not give.
            Invalid: values that cannot be right, or a row that is there already.
        """
        require_admin(caller, LOOK_AFTER)
        made = self._checked(wanted, caller)
        _require_within(caller, made)
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, "people")
            self._refuse_twice(made)
            row = replace(made, number=people.next_number(unit.connection))
            people.add_row(unit.connection, row)
            self._note(caller, row, roles=_words(row.roles), before=[])
        return row

    def change(self, caller: Caller, number: int, roles: Sequence[str]) -> None:
        """Give a row other roles: whoever it fits has them from the next look on.

        Raises:
            Forbidden: the caller is no administrator, or gives what it may not give.
            NotFound: there is no such row for this caller.
            Invalid: no roles, or unknown ones.
        """
        require_admin(caller, LOOK_AFTER)
        checks = Checks()
        given = checked_roles(checks, roles)
        checks.done()
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, "people")
            row = self._visible(caller, number)
            _require_within(caller, replace(row, roles=given))
            people.change_roles(unit.connection, number, given)
            self._note(caller, row, roles=_words(given), before=_words(row.roles))

    def remove(self, caller: Caller, number: int) -> None:
        """Take a row away: what it gave ends at once.

        Raises:
            Forbidden: the caller is no administrator.
            NotFound: there is no such row for this caller.
        """
        require_admin(caller, LOOK_AFTER)
        with self.store.write() as unit:
            self.store.turns.queue(unit.connection, "people")
            row = self._visible(caller, number)
            people.remove_row(unit.connection, number)
            self._note(caller, row, roles=[], before=_words(row.roles))

    def _all(self) -> list[PeopleRow]:
        with self.store.read() as connection:
            return people.all_people(connection)

    def _visible(self, caller: Caller, number: int) -> PeopleRow:
        found = next((row for row in self._all() if row.number == number and _looks_after(caller, row)), None)
        if found is None:
            raise NotFound("row", str(number))
        return found

    def _checked(self, wanted: NewRow, caller: Caller) -> PeopleRow:
        organization_id = wanted.organization_id or caller.organization_id
        workspace_id = wanted.workspace_id or caller.workspace_id
        checks = Checks()
        checks.text("/claim", wanted.claim, longest=SHORT_TEXT)
        checks.text("/value", wanted.value, longest=SHORT_TEXT)
        checks.reference("/organization_id", organization_id, "ORG")
        checks.reference("/workspace_id", workspace_id, "WS")
        if workspace_id and not organization_id:
            checks.add("/workspace_id", "expected an organisation beside it; the provider's people see every workspace")
        roles = checked_roles(checks, wanted.roles)
        checks.done()
        claim, value = wanted.claim.strip(), wanted.value.strip()
        return PeopleRow(0, claim, value, organization_id, workspace_id, roles, self.clock(), caller.actor.id)

    def _refuse_twice(self, made: PeopleRow) -> None:
        checks = Checks()
        for row in self._all():
            if _place(row) == _place(made):
                checks.add("/value", f"row {row.number} maps this already: change its roles")
        checks.done()

    def _note(self, caller: Caller, row: PeopleRow, **data: Any) -> None:
        self.access.note(
            SecurityKind.ROLES_CHANGED,
            caller.actor,
            row.organization_id,
            subject=f"{row.claim} = {row.value}",
            workspace=row.workspace_id or "all",
            **data,
        )


def _place(row: PeopleRow) -> tuple[str | None, ...]:
    return row.claim, row.value, row.organization_id, row.workspace_id


def _words(roles: frozenset[Role]) -> list[str]:
    return sorted(role.value for role in roles)


def _looks_after(caller: Caller, row: PeopleRow) -> bool:
    same = caller.organization_id in (None, row.organization_id)
    return same and caller.workspace_id in (None, row.workspace_id)


def _require_within(caller: Caller, row: PeopleRow) -> None:
    """A row gives no more than its maker's reach: its organisation, its workspace, and no provider for a client."""
    if caller.organization_id is None:
        return
    if row.organization_id != caller.organization_id:
        raise Forbidden(f"this caller looks after people of {caller.organization_id}, not of {row.organization_id}")
    if caller.workspace_id not in (None, row.workspace_id):
        raise Forbidden(f"this caller looks after people of {caller.workspace_id}, not of {row.workspace_id}")
    if Role.PROVIDER in row.roles:
        raise Forbidden("the role provider is given by the provider's own administrators")
