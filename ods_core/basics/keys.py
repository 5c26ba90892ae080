"""API keys: what one looks like, what is kept of it, and what happens at the door.

A key is `ods_LOOKUP_SECRET`. `LOOKUP` finds its row and may be shown; of the whole only a digest is kept. The secret
has 256 random bits, so a plain SHA-256 cannot be turned round and a slow hash would protect nothing further.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import Caller, Role

_FORM = re.compile(r"ods_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """A new key: `text` is shown once and never kept."""

    text: str
    lookup: str
    digest: str


def new_secret() -> Secret:
    """A key that nobody has."""
    lookup = secrets.token_hex(8)
    text = f"ods_{lookup}_{secrets.token_urlsafe(32)}"
    return Secret(text, lookup, digest_of(text))


def digest_of(text: str) -> str:
    """What is kept of a key or of a link's token, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def lookup_of(text: str) -> str | None:
    """The part of a key that finds its row; None for what is no key."""
    match = _FORM.fullmatch(text)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. `organization_id` None: the provider's, which sees every organisation."""

    id: str
    number: int
    name: str
    lookup: str
    digest: str
    roles: frozenset[Role]
    organization_id: str | None
    workspace_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def is_of(self, text: str) -> bool:
        """Whether this is the key that was shown, in a time that does not depend on where they differ."""
        return hmac.compare_digest(self.digest, digest_of(text))

    def status(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "active"

    @property
    def caller(self) -> Caller:
        """Whoever comes with it."""
        return Caller(Actor(ActorKind.KEY, self.id), self.roles, self.organization_id, self.workspace_id)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As callers see it: never the secret, nor what is kept of it."""
        return {
            "id": self.id,
            "name": self.name,
            "starts_with": f"ods_{self.lookup}",
            "status": self.status(now),
            "roles": sorted(role.value for role in self.roles),
            "organization_id": self.organization_id,
            "workspace_id": self.workspace_id,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "expires_at": self.expires_at,
            "last_used_at": self.last_used_at,
            "revoked_at": self.revoked_at,
            "revoked_by": self.revoked_by,
        }


class SecurityKind(StrEnum):
    """What is written down about who came in and what they may do, beside the events of the engagements."""

    SIGNED_IN = "signed_in"
    DENIED = "denied"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    ROLES_CHANGED = "roles_changed"
    EXPORT_TAKEN = "export_taken"
    LINK_MADE = "link_made"
    LINK_REVOKED = "link_revoked"


SECURITY_LABELS: dict[SecurityKind, str] = {
    SecurityKind.SIGNED_IN: "Signed in",
    SecurityKind.DENIED: "Denied",
    SecurityKind.KEY_MADE: "Key made",
    SecurityKind.KEY_REVOKED: "Key revoked",
    SecurityKind.ROLES_CHANGED: "Roles changed",
    SecurityKind.EXPORT_TAKEN: "Export taken",
    SecurityKind.LINK_MADE: "Calendar link made",
    SecurityKind.LINK_REVOKED: "Calendar link revoked",
}


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One such line. `subject`: what it was about (a key's id, a path, a file's name); `address`: where from."""

    number: int
    kind: SecurityKind
    occurred_at: datetime
    actor: Actor
    organization_id: str | None
    subject: str
    address: str
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As callers see it."""
        return {
            "number": self.number,
            "kind": self.kind.value,
            "occurred_at": self.occurred_at,
            "actor": self.actor.as_json(),
            "organization_id": self.organization_id,
            "subject": self.subject,
            "address": self.address,
            "data": self.data,
        }
