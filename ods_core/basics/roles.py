"""Who may do what: roles, sides, and the caller that carries them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ods_core.basics.errors import Forbidden
from ods_core.basics.events import SYSTEM, Actor, ActorKind


class Role(StrEnum):
    """The roles of a key or a signed-in person."""

    REQUESTER = "requester"
    APPROVER = "approver"
    REVIEWER = "reviewer"
    FINANCE = "finance"
    VIEWER = "viewer"
    PROVIDER = "provider"
    ADMIN = "admin"


class Side(StrEnum):
    """The two parties of an engagement, and the system, which does what its clock says."""

    CLIENT = "client"
    PROVIDER = "provider"
    SYSTEM = "system"


ALL_ROLES = frozenset(Role)
CALCULATORS = frozenset({Role.PROVIDER, Role.ADMIN})
"""Who sees how a price was calculated (`Caller.calculates`): rates and contingency are the provider's own business."""
EXPORTERS = frozenset({Role.FINANCE})
"""Who takes lists of money away."""
IMPORTERS = frozenset({Role.ADMIN})
"""Who brings in histories: of every organisation, out of any folder that the server can read."""
WEBHOOK_KEEPERS = frozenset({Role.ADMIN})
"""Who says where events are sent to, and sees where that is."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever gives a command or reads: the actor that events name, and what it may do.

    `organization_id` None sees every organisation (the provider, and this machine's own user).
    """

    actor: Actor
    roles: frozenset[Role]
    organization_id: str | None = None
    workspace_id: str | None = None

    def sees(self, organization_id: str, workspace_id: str) -> bool:
        """Whether something of this organisation and workspace is the caller's to see."""
        return self.organization_id in (None, organization_id) and self.workspace_id in (None, workspace_id)

    def may(self, roles: frozenset[Role]) -> bool:
        """Whether any of these roles is the caller's."""
        return bool(self.roles & roles)

    @property
    def imports(self) -> bool:
        """Whether the caller brings in histories: those are of every organisation."""
        return self.organization_id is None and self.may(IMPORTERS)

    @property
    def is_admin(self) -> bool:
        """Whether the caller looks after what programs and people may do here, in its organisation or in all."""
        return Role.ADMIN in self.roles

    @property
    def calculates(self) -> bool:
        """Whether the caller sees how a price was calculated: an administrator of one organisation does not."""
        return Role.PROVIDER in self.roles or (self.organization_id is None and self.may(CALCULATORS))


def require_admin(caller: Caller, task: str) -> None:
    """Raise Forbidden for a caller who is no administrator; `task` goes on from "to"."""
    if not caller.is_admin:
        raise Forbidden(f"to {task} needs the role {Role.ADMIN}")


LOCAL = Caller(Actor(ActorKind.LOCAL, "local"), ALL_ROLES)
"""This machine's own user, where no sign-in is configured: may do everything."""

CLOCKWORK = Caller(SYSTEM, frozenset())
"""The system itself: may do what the clock does, and nothing that a person does."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of person who opens the pages, and the roles that come with it."""

    key: str
    label: str
    roles: frozenset[Role]
    icon: str


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "delivery_lead",
        "Delivery lead",
        frozenset({Role.REQUESTER, Role.APPROVER, Role.REVIEWER, Role.VIEWER}),
        "assignment_ind",
    ),
    Persona("finance", "Finance", frozenset({Role.FINANCE, Role.VIEWER}), "account_balance"),
    Persona("executive", "Executive", frozenset({Role.VIEWER}), "insights"),
    Persona("provider", "Provider", frozenset({Role.PROVIDER, Role.VIEWER}), "engineering"),
    Persona("administrator", "Administrator", ALL_ROLES, "admin_panel_settings"),
)
