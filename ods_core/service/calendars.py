"""Private links to calendars: made, shown once, listed, revoked, and opened by whoever comes with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ods_core.basics.calendar_links import CalendarLink, new_token
from ods_core.basics.checks import SHORT_TEXT, Checks
from ods_core.basics.clock import Clock
from ods_core.basics.errors import Forbidden, NotFound
from ods_core.basics.ids import Prefix, number_of
from ods_core.basics.keys import SecurityKind, digest_of
from ods_core.basics.roles import Caller, require_admin
from ods_core.store import Store, calendar_links

READING_IS_NOTED_EVERY = timedelta(hours=1)

LOOK_AFTER = "look after calendar links"


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a link should show; checked by `CalendarLinks.make`."""

    name: str
    organization_id: str | None = None
    workspace_id: str | None = None


class CalendarLinks:
    """The links of an installation.

    Args:
        note: writes down what happened, as `Access.note` does.
    """

    def __init__(self, store: Store, clock: Clock, note: Callable[..., None]) -> None:
        self.store, self.clock, self.note = store, clock, note

    def make(self, caller: Caller, wanted: NewLink) -> tuple[CalendarLink, str]:
        """Make a link; it, and its token, which is shown this once.

        Raises:
            Forbidden: the caller is no administrator, or of another organisation or workspace.
            Invalid: values that cannot be right.
        """
        require_admin(caller, LOOK_AFTER)
        organization_id = wanted.organization_id or caller.organization_id
        workspace_id = wanted.workspace_id or caller.workspace_id
        _check(wanted, organization_id)
        if caller.organization_id not in (None, organization_id) or caller.workspace_id not in (None, workspace_id):
            raise Forbidden(f"this caller makes links for {caller.workspace_id or caller.organization_id} alone")
        token, now = new_token(), self.clock()
        with self.store.write() as unit:
            id = self.store.next_id(Prefix.CALENDAR_LINK, now)
            link = CalendarLink(
                id,
                number_of(id),
                wanted.name.strip(),
                digest_of(token),
                organization_id,
                workspace_id,
                now,
                caller.actor.id,
            )
            calendar_links.add(unit.connection, link)
            self.note(SecurityKind.LINK_MADE, caller.actor, organization_id, subject=id, name=link.name)
        return link, token

    def revoke(self, caller: Caller, id: str) -> CalendarLink:
        """End a link, at once and for good; ending it again changes nothing.

        Raises:
            Forbidden: the caller is no administrator.
            NotFound: there is no such link for this caller.
        """
        with self.store.write() as unit:
            link = _visible(caller, calendar_links.by_id(unit.connection, id), id)
            if link.revoked_at is None:
                ended = {"revoked_at": self.clock(), "revoked_by": caller.actor.id}
                calendar_links.change(unit.connection, id, **ended)
                self.note(SecurityKind.LINK_REVOKED, caller.actor, link.organization_id, subject=id, name=link.name)
            return _visible(caller, calendar_links.by_id(unit.connection, id), id)

    def link(self, caller: Caller, id: str) -> CalendarLink:
        """One link."""
        with self.store.read() as connection:
            return _visible(caller, calendar_links.by_id(connection, id), id)

    def newest(self, caller: Caller, *, limit: int, before: int | None = None) -> list[CalendarLink]:
        """The links that the caller looks after, newest first, revoked ones too."""
        require_admin(caller, LOOK_AFTER)
        with self.store.read() as connection:
            return calendar_links.newest(
                connection, caller.organization_id, caller.workspace_id, limit=limit, before=before
            )

    def open(self, token: str) -> CalendarLink:
        """The link of a token.

        Raises:
            NotFound: there is none, or it was revoked; nobody learns which.
        """
        with self.store.read() as connection:
            link = calendar_links.by_digest(connection, digest_of(token))
        if link is None or link.revoked_at is not None:
            raise NotFound("calendar", "at this address")
        now = self.clock()
        if link.last_read_at is None or now - link.last_read_at >= READING_IS_NOTED_EVERY:
            with self.store.write() as unit:
                calendar_links.change(unit.connection, link.id, last_read_at=now)
        return link


def _visible(caller: Caller, link: CalendarLink | None, id: str) -> CalendarLink:
    require_admin(caller, LOOK_AFTER)
    same = link is not None and caller.organization_id in (None, link.organization_id)
    if link is None or not same or caller.workspace_id not in (None, link.workspace_id):
        raise NotFound("calendar_link", id)
    return link


def _check(wanted: NewLink, organization_id: str | None) -> None:
    checks = Checks()
    checks.text("/name", wanted.name, longest=SHORT_TEXT)
    checks.reference("/organization_id", organization_id, "ORG")
    checks.reference("/workspace_id", wanted.workspace_id, "WS")
    if wanted.workspace_id and not organization_id:
        checks.add("/workspace_id", "expected an organisation beside it; the provider's link shows every workspace")
    checks.done()
