"""What the store keeps of the server that it follows: which one, how far its log was read, what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ods_core.basics.errors import StoreError
from ods_core.basics.events import EventType
from ods_core.store import tables as t


@dataclass(frozen=True, slots=True)
class Following:
    """The server that is followed; `way` is `feed`, `polling`, or empty until it first answered."""

    url: str
    way: str = ""
    cursor: str | None = None
    followed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToldInPart:
    """A request of which its server tells too little to be kept: what is missing, and all that it tells."""

    request_id: str
    untold: str
    told: Mapping[str, Any]
    read_at: datetime


def following(connection: Connection) -> Following | None:
    """The server that the store follows, None where it has engagements of its own or nothing yet."""
    row = connection.execute(select(t.mirror)).mappings().first()
    return Following(**row) if row else None


def is_polled(connection: Connection) -> bool:
    """Whether the store follows a server otherwise than by its log: what is kept then changes without an event.

    So it is, too, while a server is read for the first time: what was read of it stands before it is known which way.
    """
    known = following(connection)
    return known is not None and known.way != "feed"


def claim(connection: Connection, url: str) -> None:
    """Let the store follow a server, from now on and for good.

    Raises:
        StoreError: it follows another one, or has engagements of its own; says what to do.
    """
    known = following(connection)
    if known and known.url != url:
        raise StoreError(
            f"the database follows {known.url}, ODS_MIRROR_URL names {url}: their engagements cannot be told apart. "
            "Set ODS_DATABASE_URL to another database for the other server"
        )
    if known:
        return
    if connection.execute(select(t.requests.c.id).limit(1)).first():
        raise StoreError(
            f"the database holds engagements of its own, so it cannot follow {url} (ODS_MIRROR_URL). Set "
            "ODS_DATABASE_URL to an empty database for the mirror, or unset ODS_MIRROR_URL"
        )
    connection.execute(insert(t.mirror).values(url=url, way=""))


def refuse_followed(connection: Connection) -> None:
    """Raise StoreError for a store that follows a server, where no server is to be followed."""
    known = following(connection)
    if known:
        raise StoreError(
            f"the database follows {known.url}, and commands given here would part it from that server. Set "
            f"ODS_MIRROR_URL={known.url}, or ODS_DATABASE_URL to another database"
        )


def move(connection: Connection, **values: Any) -> None:
    """Note how the server is followed (`way`), how far its log was read (`cursor`), and when (`followed_at`)."""
    connection.execute(update(t.mirror).values(**values))


def known_events(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of these events that are in the log already."""
    if not ids:
        return set()
    return {str(id) for id in connection.execute(select(t.events.c.id).where(t.events.c.id.in_(ids))).scalars()}


def received_payments(connection: Connection, request_id: str) -> set[str]:
    """The payments of an engagement for which money is known to have come in, whatever became of it."""
    e, r = t.events.c, t.receipts.c
    told = select(e.subject_id).where(e.request_id == request_id, e.type == EventType.PAYMENT_RECEIVED)
    kept = select(r.payment_id).where(r.request_id == request_id)
    return {str(id) for wanted in (told, kept) for id in connection.execute(wanted).scalars()}


def note_request(
    connection: Connection,
    request_id: str,
    *,
    read_through: int,
    is_over: bool,
    read_at: datetime,
    untold: str | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Note how far a request was read."""
    r = t.mirror_requests
    values = {"read_through": read_through, "is_over": is_over, "read_at": read_at, "untold": untold, "told": told}
    changed = connection.execute(update(r).where(r.c.request_id == request_id).values(**values)).rowcount
    if not changed:
        connection.execute(insert(r).values(request_id=request_id, **values))


def read_through(connection: Connection, request_id: str) -> int:
    """The place in the other server's log that what is kept of a request is at least as new as; 0 where nothing is."""
    r = t.mirror_requests.c
    found = connection.execute(select(r.read_through).where(r.request_id == request_id)).scalar()
    return int(found or 0)


def open_requests(connection: Connection) -> list[str]:
    """The known requests to which something may still happen, oldest first."""
    r = t.mirror_requests.c
    return [
        str(id) for id in connection.execute(select(r.request_id).where(~r.is_over).order_by(r.request_id)).scalars()
    ]


def known_scopes(connection: Connection) -> set[str]:
    """The scopes that are kept, and those of requests that are told in part."""
    told = (told_in_part(connection)) or []
    kept = {str(id) for id in connection.execute(select(t.scopes.c.id)).scalars()}
    return kept | {str(one.told["scope_id"]) for one in told if one.told.get("scope_id")}


def counted(connection: Connection) -> int:
    """How many requests of the server are known."""
    return int(connection.execute(select(func.count()).select_from(t.mirror_requests)).scalar_one())


def told_in_part(connection: Connection) -> list[ToldInPart]:
    """The requests of which too little is told, oldest first."""
    r = t.mirror_requests.c
    wanted = select(r.request_id, r.untold, r.told, r.read_at).where(r.untold.is_not(None)).order_by(r.request_id)
    rows: Sequence[Any] = connection.execute(wanted).mappings().all()
    return [ToldInPart(row["request_id"], row["untold"], row["told"] or {}, row["read_at"]) for row in rows]
