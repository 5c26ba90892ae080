"""What people are told where another server is followed: whether it answers, and what it does not tell."""

from __future__ import annotations

import streamlit as st

from ods_core.mirror import FEED, Mirror
from ods_core.service import runtime
from ods_core.store.mirrored import ToldInPart, told_in_part
from ods_core.ui import cards, tables
from ods_core.ui.formats import NOTHING, count, moment, money, plain
from ods_core.ui.session import caller, reading

WAYS = {FEED: "its log, event by event", "polling": "asking for each request again", "": "not answered yet"}
SHOWS_MONEY = frozenset({"", "today", "scopes", "cycles", "payments", "outcomes"})
"""The pages, by their address, that would show money if it were told."""


def banner(page: str) -> None:
    """Above a page: that the server which is followed does not answer, since when, and as of when this is."""
    mirror = runtime().mirror
    if mirror is None:
        return
    if mirror.unreachable_since:
        _unreachable(mirror)
    elif not mirror.way:
        st.info(
            f"{plain(mirror.url)} is being read for the first time: {count(mirror.requests, 'request')} so far.",
            icon=":material/downloading:",
        )
    elif not mirror.tells_money and page in SHOWS_MONEY:
        st.info(
            f"{plain(mirror.url)} does not tell payments, receipts and invoices: what is due and paid is unknown here.",
            icon=":material/visibility_off:",
        )


def _unreachable(mirror: Mirror) -> None:
    seen = f"What is shown is as of {moment(mirror.followed_at)}." if mirror.followed_at else "Nothing was read so far."
    st.warning(
        f"**{plain(mirror.url)} cannot be followed** since {moment(mirror.unreachable_since)}. {seen} Commands are "
        f"refused until it can.\n\n{plain(mirror.problem)}",
        icon=":material/cloud_off:",
    )


def show_wiring() -> None:
    """Among the settings: which server is followed, how, as of when, and what it tells too little of.

    For those who see every organisation: what is told in part is anybody's.
    """
    mirror = runtime().mirror
    if mirror is None or caller().organization_id is not None:
        return
    st.header("Mirror", anchor=False)
    st.caption("Commands given here are carried out by the server below, by its clock and its policy.")
    with st.container(border=True):
        cards.facts(
            {
                "Follows": mirror.url,
                "By": WAYS[mirror.way],
                "Last read": moment(mirror.followed_at),
                "Cannot be followed since": moment(mirror.unreachable_since) if mirror.unreachable_since else NOTHING,
                "Requests known": f"{mirror.requests:,}",
                "Payments": "told" if mirror.tells_money else "not told: unknown here",
                "Events of unknown kinds": count(mirror.unknown_events, "event") if mirror.unknown_events else NOTHING,
            }
        )
    with reading() as connection:
        part = told_in_part(connection)
    if part:
        _show_part(part)


def _show_part(part: list[ToldInPart]) -> None:
    st.markdown(f"Of {count(len(part), 'request')} too little is told to show more than this:")
    tables.sheet([_row(one) for one in part], alt="Requests that are told in part, and what is missing")


def _row(one: ToldInPart) -> dict[str, str]:
    told = one.told
    price = money(told["fixed_price"], told["currency"]) if "fixed_price" in told else NOTHING
    return {
        "Request": one.request_id,
        "Title": str(told.get("title", NOTHING)),
        "Status": str(told.get("status", NOTHING)).replace("_", " "),
        "Scope": str(told.get("scope_id", NOTHING)),
        "Price": price,
        "Not told": one.untold,
    }
