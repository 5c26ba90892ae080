"""The other server, as the mirror sees it: whole engagements, its log, and refusals in this program's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, OdsError, Problem
from ods_core.basics.records import Engagement
from ods_core.client import Client, ClientError, Refused, Unreachable, UnreadableAnswer
from ods_core.client import errors as refusals
from ods_core.client import models as m
from ods_core.mirror.reading import Told

ABSENT = frozenset({404, 405, 501})
"""How a server answers a call that it does not have."""
EVENTS_AT_ONCE = 100


class RemoteUnreachable(OdsError):
    """The server that is followed does not answer, or not in a way that can be used."""

    code, status, title = "remote_unreachable", 503, "The server that is followed does not answer"


@dataclass(frozen=True, slots=True)
class Log:
    """Some events of the other server's log, and where it goes on."""

    events: list[m.Event]
    cursor: str | None
    has_more: bool


class Remote:
    """Reads from the other server.

    Args:
        client: reads from it, and may wait for as long as the server asks for.
        url: where it is, as people know it.
        commands: gives commands, for which somebody waits; the same client unless given.

    Every method raises `ClientError`; `translated` makes refusals of this program out of them.
    """

    def __init__(self, client: Client, url: str, commands: Client | None = None) -> None:
        self.client, self.url, self.commands = client, url, commands or client

    def log_after(self, cursor: str | None) -> Log | None:
        """What happened after a place in its log; None where it has no log to follow."""
        try:
            page = self.client.follow_events(cursor=cursor, limit=EVENTS_AT_ONCE).page()
        except Refused as error:
            if error.status in ABSENT:
                return None
            raise
        return Log(page.data, page.meta.cursor or cursor, page.meta.has_more)

    def story(self, request_id: str) -> list[m.Event]:
        """All events of one engagement."""
        return list(self.client.follow_events(request_id=request_id, limit=EVENTS_AT_ONCE))

    def whole(self, request_id: str, received: set[str]) -> Told:
        """An engagement by every call there is; `received` are payments for which money came in."""
        ods = self.client
        request = ods.get_request(request_id)
        scopes = list(ods.list_scopes(request_id=request_id, limit=100))
        told = Told(
            request,
            scopes,
            [c for s in scopes for c in ods.list_cycles(scope_id=s.id, limit=100)],
            [d for s in scopes for d in ods.list_deliverables(scope_id=s.id, limit=100)],
            service_lines=[],
        )
        confirmed = [s.id for s in scopes if s.confirmed_at or s.service_line_id]
        if not confirmed:
            return told
        payments = [p for id in confirmed for p in ods.list_payments(scope_id=id, limit=100)]
        return Told(
            told.request,
            told.scopes,
            told.cycles,
            told.deliverables,
            [line for id in confirmed for line in ods.list_service_lines(scope_id=id, limit=100)],
            payments,
            [r for p in payments if p.paid or p.id in received for r in ods.list_receipts(p.id, limit=100)],
            [i for id in confirmed for i in ods.list_invoices(scope_id=id, limit=100)],
        )

    def by_seven_calls(self, request_id: str, kept: Engagement | None) -> Told:
        """An engagement by the calls that the published contract documents, and no other."""
        ods = self.client
        request = ods.get_request(request_id)
        named = dict.fromkeys([*request.scope_ids, *([request.scope_id] if request.scope_id else [])])
        named |= dict.fromkeys(s.id for s in (kept.scopes if kept else ()))
        scopes = [ods.get_scope(id) for id in named]
        cycles = dict.fromkeys(c.id for s in scopes for c in (*s.cycles, *s.remediation_cycles))
        cycles |= dict.fromkeys(c.id for c in (kept.cycles if kept else ()))
        return Told(
            request,
            scopes,
            [ods.get_cycle(id) for id in cycles],
            [d for s in scopes for d in ods.list_deliverables(scope_id=s.id)],
        )

    def unknown_requests(self, known_scopes: set[str]) -> Iterator[str]:
        """Requests that are met by going through the list of deliverables, newest first, until only known ones come."""
        for page in self.client.list_deliverables().pages():
            new = {d.scope_id for d in page.data if d.scope_id} - known_scopes
            for scope_id in sorted(new):
                known_scopes.add(scope_id)
                yield self.client.get_scope(scope_id).request_id
            if not new:
                return


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Let what the other server refuses be a refusal of this program, code and all."""
    try:
        yield
    except refusals.NotFound as error:
        raise _as(OdsError(error.detail, **error.extra), error) from error
    except refusals.NotAllowed as error:
        raise _as(NotAllowed(error.detail, current_state=error.current_state, **error.extra), error) from error
    except refusals.Invalid as error:
        problems = [Problem(place.pointer, place.detail, place.model_extra or {}) for place in error.errors]
        raise Invalid(problems or [Problem("", error.detail)], code=error.code) from error
    except (refusals.Unauthenticated, refusals.Forbidden) as error:
        raise Forbidden(f"{url} does not allow it to the key of this mirror: {error.detail}") from error
    except Refused as error:
        if error.status >= 500:
            raise RemoteUnreachable(f"{url} failed: {error.detail}") from error
        raise _as(OdsError(error.detail, **error.extra), error) from error
    except (Unreachable, UnreadableAnswer, ClientError) as error:
        raise RemoteUnreachable(
            f"{url} did not answer ({error}). Whether it carried out what was asked is shown once it can be reached"
        ) from error


def _as(refusal: OdsError, told: Refused) -> OdsError:
    refusal.code, refusal.status, refusal.title = told.code, told.status, told.title or refusal.title
    return refusal
