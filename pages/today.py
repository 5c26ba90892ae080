"""Today: what waits for the person who looks, the most urgent first, each one click away."""

from __future__ import annotations

import streamlit as st

from ods_core.basics.states import Kind
from ods_core.queries.today import PILES, Pile, Waiting
from ods_core.ui import cards, live
from ods_core.ui.formats import ago, away, count, day, money, plain
from ods_core.ui.reviewing import deadline, deadline_mark
from ods_core.ui.session import caller, kinds, link, now, reading, today

WORK = {
    "delivery_lead": ("escalated", "to_review", "to_confirm", "to_revise", "late_cycles"),
    "finance": ("overdue", "partly_paid", "to_invoice", "due"),
    "executive": ("escalated", "late_cycles", "overdue", "to_confirm"),
    "provider": ("escalated", "to_scope", "expired", "to_submit", "to_start"),
    "administrator": tuple(PILES),
}
"""The piles that are each persona's, in the order in which they matter."""

TITLES = {
    "escalated": ("Going in circles", "report", "Rejected again for the same reason, or three times over."),
    "to_review": (
        "Deliverables to review",
        "rate_review",
        "First what silence will decide, then the longest waiting.",
    ),
    "to_confirm": ("Proposals to confirm", "hourglass_top", "Confirm, or decline and ask for specifics."),
    "to_revise": ("Requests to revise", "forum", "The provider has said what would fit."),
    "to_scope": ("Requests to scope", "edit_note", "Present a proposal, or ask to negotiate."),
    "expired": ("Expired proposals", "event_busy", "Not confirmed in time; re-issue them if they still hold."),
    "to_submit": ("Work to submit", "inventory_2", "In progress, the next planned end first."),
    "to_start": ("Work to start", "play_circle", "In a running cycle and not begun, or rejected."),
    "overdue": ("Overdue payments", "warning", "Past their due date and not paid, the oldest first."),
    "partly_paid": ("Payments paid in part", "incomplete_circle", "Some of it came in; the rest is not late yet."),
    "to_invoice": ("Invoices to issue", "receipt_long", "Due, and no invoice was sent for it."),
    "due": ("Payments due", "payments", "Nothing of it came in and it is not late, the next due date first."),
    "late_cycles": ("Cycles running late", "running_with_errors", "Still in progress after their planned end."),
}
MORE = {
    "to_review": ("deliverables", {"status": "ready_for_acceptance"}),
    "to_confirm": ("scopes", {"status": "pending_confirmation"}),
    "to_revise": ("requests", {"status": "requires_negotiation"}),
    "to_scope": ("requests", {"status": "scoping"}),
    "overdue": ("payments", {"overdue": "yes"}),
    "due": ("payments", {"status": "due"}),
}
"""Where the whole of a pile is listed."""


EXPIRES_SOON = 2
"""Days before its last one from which a proposal is marked."""


def timing(item: Waiting) -> list[str]:
    """How long it has waited, and until when it can."""
    moment = now()
    said = []
    if item.kind == Kind.SCOPE and item.until:
        said.append(f"valid until {day(item.until)} ({away(item.until, today())})")
        if item.last_safe_day:
            said.append(f"last safe day {day(item.last_safe_day)} ({away(item.last_safe_day, today())})")
    elif item.kind == Kind.PAYMENT and item.until:
        said.append(f"due {day(item.until)} ({away(item.until, today())})")
    elif item.until:
        said.append(f"planned to end {day(item.until)} ({away(item.until, today())})")
    elif item.decide_by:
        said.append(deadline(item.decide_by, item.silence) or "")
    elif item.since:
        said.append(f"waiting since {day(item.since)} ({ago(item.since, moment)})")
    return said


def marks(item: Waiting, within: str) -> list[str]:
    """What needs saying in a word: late, unsafe, about to end, a further attempt."""
    said = []
    if item.kind in (Kind.PAYMENT, Kind.DELIVERABLE, Kind.CYCLE) and item.until and item.until < today():
        said.append(cards.note(f"{count((today() - item.until).days, 'day')} late", "red", "schedule"))
    if item.last_safe_day and item.until and item.last_safe_day < today() <= item.until:
        said.append(cards.note("past the last safe day", "orange", "warning"))
    if item.kind == Kind.SCOPE and item.until and 0 <= (item.until - today()).days <= EXPIRES_SOON:
        said.append(cards.note(f"expires {away(item.until, today())}", "orange", "timer"))
    if item.paid and item.currency:
        said.append(cards.note(f"{money(item.paid, item.currency)} came in", "blue", "incomplete_circle"))
    if item.attempt and item.attempt > 1:
        said.append(cards.note(f"attempt {item.attempt}", "violet", "replay"))
    said += deadline_mark(item.decide_by)
    if item.is_circling and within != "escalated":
        said.append(cards.note("going in circles", "red", "report"))
    return said


def draw(item: Waiting, within: str) -> None:
    """One thing that waits."""
    aside = money(item.amount, item.currency) if item.amount is not None and item.currency else None
    facts = [item.context, *timing(item), item.organization_id, item.id]
    cards.row(item.kind, item.id, item.title, facts, badges=marks(item, within), aside=aside, within=within)


def draw_pile(name: str, pile: Pile) -> None:
    """One pile: its title with the count, the first of it, and the way to the rest."""
    title, icon, meaning = TITLES[name]
    with st.container(key=f"pile-{name}"):
        st.header(f":material/{icon}: {title} · {pile.count:,}", anchor=False, help=meaning)
        for item in pile.items:
            draw(item, name)
        if pile.count > len(pile.items) and name in MORE:
            place, choices = MORE[name]
            label = "All that are due" if name == "due" else f"All {pile.count:,}"
            link(place, label, icon="arrow_forward", **choices)
        elif pile.count > len(pile.items):
            st.caption(f"and {pile.count - len(pile.items):,} more")


cards.heading("today")
live.watch()

names = dict.fromkeys(name for kind in kinds() for name in WORK[kind])
with reading() as connection:
    piles = {name: PILES[name](connection, caller(), now()) for name in names}

waiting = {name: pile for name, pile in piles.items() if pile.count}
if waiting:
    # Not added up: what goes in circles may wait for a review too, and a payment for its invoice.
    piled = (f"{TITLES[name][0].lower()} {pile.count:,}" for name, pile in waiting.items())
    st.caption(plain(" · ".join([day(today()), *piled])))
    for name, pile in waiting.items():
        draw_pile(name, pile)
    clear = [TITLES[name][0].lower() for name in names if name not in waiting]
    if clear:
        st.caption(f"Nothing else waits: no {', no '.join(clear)}.")
elif "delivery_lead" in kinds():
    cards.empty(
        "Nothing waits for you. Ask for an outcome, and its proposal will appear here.",
        label="Ask for an outcome",
        place="requests",
        view="new",
    )
else:
    cards.empty("Nothing waits for you today.", label="See what happened lately", place="activity")
