"""Giving a command from a page: what it would cause, asking once, what it caused, and who came first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from ods_core.basics.errors import Forbidden, Invalid, NotAllowed, OdsError
from ods_core.basics.events import Event, EventType
from ods_core.basics.ids import Prefix
from ods_core.basics.records import Engagement
from ods_core.lifecycle import Command, Moment, Outcome, decide
from ods_core.queries import activity
from ods_core.service import Result, runtime
from ods_core.ui import refusals
from ods_core.ui.formats import moment, plain
from ods_core.ui.forms import Draft, discard
from ods_core.ui.session import caller, now, reading
from ods_core.ui.stories import actor, sentence

_NEWS = "decisions_news"

QUIET = frozenset({EventType.PAYMENT_SCHEDULED, EventType.CYCLE_CANCELLED, EventType.DELIVERABLE_CANCELLED})
"""Told by the events they come with; the log has them."""


@dataclass(slots=True)
class News:
    """What a command caused, to be told once the page shows the new state."""

    headline: str
    sentences: tuple[str, ...]
    is_told: bool = False


def preview(engagement: Engagement, command: Command, subject_id: str) -> Outcome | OdsError:
    """What a command would cause if it were given now, or why it would be refused; nothing is changed."""
    service = runtime().service
    made = iter(range(1, 1_000_000))

    def unsaved_id(prefix: Prefix) -> str:
        return f"{prefix}-00-{next(made):06d}"

    moment = Moment(now(), caller().actor, unsaved_id, lambda organization_id: next(made), service.present_policy())
    try:
        return decide(engagement, command, subject_id, moment)
    except OdsError as refusal:
        return refusal


def consequences(events: Sequence[Event]) -> list[str]:
    """Events as the sentences worth telling the person who caused them."""
    return [sentence(event) for event in events if event.type not in QUIET]


def show_consequences(events: Sequence[Event]) -> None:
    """Events as a list of sentences."""
    st.markdown("\n".join(f"- {plain(text)}" for text in consequences(events)))


def ask_once(
    key: str,
    label: str,
    question: str,
    yes: str,
    *,
    icon: str | None = None,
    primary: bool = True,
    disabled: bool = False,
) -> bool:
    """A button that asks before it acts; True on the run in which the person said yes.

    Args:
        question: a plain text that names the amount, or whatever else cannot be undone.
        yes: the label of the button that does it.
    """
    asked, agreed = f"{key}_asked", f"{key}_agreed"
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    if st.session_state.pop(agreed, False):
        return True
    if not st.session_state.get(asked):
        shown = f":material/{icon}:" if icon else None
        st.button(label, key=key, icon=shown, type=kind, disabled=disabled, on_click=_remember, kwargs={asked: True})
        return False
    with st.container(border=True, key=f"{key}_question"):
        st.markdown(f"**{plain(question)}**")
        with st.container(horizontal=True):
            st.button(yes, key=f"{key}_yes", type=kind, on_click=_remember, kwargs={asked: False, agreed: True})
            st.button("Not now", key=f"{key}_no", on_click=_remember, kwargs={asked: False})
    return False


def _remember(**values: bool) -> None:
    st.session_state.update(values)


def carry_out(
    act: Callable[[], Result],
    *,
    headline: str,
    about: str,
    draft: Draft | None = None,
    then: Callable[[Result], None] | None = None,
) -> None:
    """Give a command; the page starts over in the new state and tells what the command caused.

    A refusal is shown here, and what was typed stays: problems of values go to the draft's fields, and a decision that
    somebody else already took is told with who and when.

    Args:
        headline: what was done, in a few words.
        about: the id of what the command is about; news and refusals are about it.
        draft: the form that the values came from.
        then: called with the result before the page starts over, to discard the draft or open another view.
    """
    try:
        result = act()
    except Invalid as refusal:
        if draft is None:
            refusals.show(refusal)
            return
        draft.refused(refusal)
        st.rerun()
    except OdsError as refusal:
        refusals.show(refusal)
        if isinstance(refusal, Forbidden):
            who = caller()
            runtime().access.deny(who.actor, who.organization_id, about, "", refusal.detail)
        if isinstance(refusal, NotAllowed):
            tell_who_came_first(about)
        return
    st.session_state[_NEWS] = News(headline, tuple(consequences(result.events)))
    if then:
        then(result)
    st.rerun()


def give_with_reason(
    key: str,
    draft: Draft,
    act: Callable[[str], Result],
    *,
    why: str,
    example: str,
    label: str,
    question: str,
    yes: str,
    icon: str,
    headline: str,
    about: str,
    leave: Callable[[], None],
) -> None:
    """Ask for a reason, ask once, and give the command that takes something back.

    Args:
        act: gives the command, with the reason.
        why, example: the label of the reason's field, and what may stand there.
        label, question, yes, icon: as for `ask_once`.
        headline, about: as for `carry_out`.
        leave: closes the form, once it is done.
    """
    reason = draft.text("/reason", why, placeholder=example).strip()
    if ask_once(key, label, question, yes, icon=icon, primary=False, disabled=not reason):

        def done(result: Result) -> None:
            discard(draft)
            leave()

        carry_out(lambda: act(reason), headline=headline, about=about, draft=draft, then=done)


def tell_who_came_first(about: str) -> None:
    """The last thing that happened to what somebody was about to decide: what, by whom, when."""
    with reading() as connection:
        found = activity.latest_about(connection, caller(), about)
    if found:
        st.info(
            f"{plain(sentence(found))} By {plain(actor(found))}, {moment(found.occurred_at)}.",
            icon=":material/history:",
        )


def tell_if_overtaken(key: str, about: str) -> None:
    """Where `ask_once(key, …)` is offered no more though its question stood open: say who decided meanwhile."""
    asked, agreed = f"{key}_asked", f"{key}_agreed"
    if st.session_state.pop(agreed, False):
        st.session_state[asked] = True
    if st.session_state.get(asked):
        st.warning("**Somebody else decided while you were asked.** Nothing of yours was sent.")
        tell_who_came_first(about)
        st.button("Got it", key=f"{key}_overtaken", on_click=_remember, kwargs={asked: False})


def show_news() -> None:
    """Tell what the last command caused; it stays until the person has read it, or opens another page."""
    news: News | None = st.session_state.get(_NEWS)
    if news is None:
        return
    news.is_told = True
    with st.container(border=True, key="news"):
        st.markdown(f":green[:material/check_circle: **{plain(news.headline)}**]")
        st.markdown("\n".join(f"- {plain(text)}" for text in news.sentences))
        st.button("Got it", key="news_read", on_click=forget_news)


def forget_news() -> None:
    """Stop telling."""
    st.session_state.pop(_NEWS, None)


def leave_news_behind() -> None:
    """Stop telling what has been told once, as another page opens; fresh news comes along."""
    news: News | None = st.session_state.get(_NEWS)
    if news and news.is_told:
        forget_news()
