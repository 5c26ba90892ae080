"""People who sign in: rows that map what a sign-in says of them (its claims) to an organisation and roles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import Caller, Role

EMAIL = "email"
Claims = Mapping[str, Any]
"""What an OpenID Connect provider says of a person, by name: texts, numbers, lists of texts, objects of these."""


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """Whoever has this value in this claim acts for this organisation with these roles.

    `organization_id` None: for the provider, who sees every organisation.
    """

    number: int
    claim: str
    value: str
    organization_id: str | None
    workspace_id: str | None
    roles: frozenset[Role]
    created_at: datetime
    created_by: str

    def fits(self, claims: Claims) -> bool:
        """Whether the claims have the value. Of e-mail addresses only one that the provider has verified counts."""
        if self.claim == EMAIL:
            return self.value.casefold() == verified_email(claims)
        return self.value in values_of(claims, self.claim)


@dataclass(frozen=True, slots=True)
class Membership:
    """Whom a person can act for, and with which roles; `organization_id` None: for the provider."""

    organization_id: str | None
    workspace_id: str | None
    roles: frozenset[Role]

    @property
    def key(self) -> str:
        """As the address has it: `ORG-26-090500`, `ORG-26-090500:WS-26-000021` or `provider`."""
        return ":".join(filter(None, (self.organization_id, self.workspace_id))) or "provider"

    @property
    def label(self) -> str:
        """As a page says it."""
        return " · ".join(filter(None, (self.organization_id, self.workspace_id))) or "the provider"

    def caller(self, claims: Claims) -> Caller:
        """The person, acting for it."""
        return Caller(Actor(ActorKind.USER, identity(claims)), self.roles, self.organization_id, self.workspace_id)


def memberships(claims: Claims, rows: Iterable[PeopleRow], admins: Collection[str]) -> list[Membership]:
    """Whom somebody can act for, the oldest row's first.

    Rows of one organisation and workspace add their roles, and those of a whole organisation count in each of its
    workspaces. What a row gives for one workspace never counts in another one, nor in the whole organisation.

    Args:
        admins: verified e-mail addresses, or values of `sub`, that look after the whole installation.
    """
    fitting = sorted((row for row in rows if row.fits(claims)), key=lambda row: row.number)
    owners = [(row.organization_id, row.workspace_id) for row in fitting]
    if is_one_of(claims, admins):
        owners.insert(0, (None, None))
    found = []
    for organization_id, workspace_id in dict.fromkeys(owners):
        roles = _roles_for(fitting, organization_id, workspace_id)
        if organization_id is None and is_one_of(claims, admins):
            roles |= {Role.ADMIN}
        found.append(Membership(organization_id, workspace_id, roles))
    return found


def _roles_for(rows: Sequence[PeopleRow], organization_id: str | None, workspace_id: str | None) -> frozenset[Role]:
    own = [row for row in rows if row.organization_id == organization_id and row.workspace_id in (None, workspace_id)]
    return frozenset(role for row in own for role in row.roles)


def is_one_of(claims: Claims, people: Collection[str]) -> bool:
    """Whether a person is among these: by verified e-mail address, whatever its case, or by `sub`."""
    email, sub = verified_email(claims), str(claims.get("sub", ""))
    return any(one.casefold() == email if "@" in one else bool(sub) and one == sub for one in people)


def verified_email(claims: Claims) -> str | None:
    """The e-mail address, in small letters, if the provider says that it is this person's; None otherwise."""
    is_verified = claims.get("email_verified") in (True, "true", "True")
    email = claims.get(EMAIL)
    return email.casefold() if is_verified and isinstance(email, str) and email else None


def identity(claims: Claims) -> str:
    """Who it is, in events: the verified e-mail address, else the provider's own name for the person (`sub`)."""
    return verified_email(claims) or str(claims.get("sub", ""))


def values_of(claims: Claims, name: str) -> list[str]:
    """The values of a claim, as texts: one, each of a list, or none. `a.b` is also `b` within the object `a`."""
    return list(_texts(claims[name] if name in claims else _within(claims, name)))


def _within(claims: Claims, name: str) -> Any:
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, (str, int)):
        yield str(value)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
