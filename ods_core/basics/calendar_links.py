"""A private link to a calendar: whoever has it reads what its organisation sees, until it is revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.roles import Caller, Role


def new_token() -> str:
    """What cannot be guessed: 256 random bits, 43 characters that an address may have."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class CalendarLink:
    """A link as it is kept. `organization_id` None: the provider's, which shows every organisation."""

    id: str
    number: int
    name: str
    digest: str
    organization_id: str | None
    workspace_id: str | None
    created_at: datetime
    created_by: str
    last_read_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    @property
    def caller(self) -> Caller:
        """Whoever comes by it: reads, and nothing else."""
        return Caller(
            Actor(ActorKind.SYSTEM, "link"), frozenset({Role.VIEWER}), self.organization_id, self.workspace_id
        )

    def as_json(self) -> dict[str, Any]:
        """As callers see it: never the token, nor what is kept of it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": "revoked" if self.revoked_at else "active",
            "organization_id": self.organization_id,
            "workspace_id": self.workspace_id,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "last_read_at": self.last_read_at,
            "revoked_at": self.revoked_at,
            "revoked_by": self.revoked_by,
        }
