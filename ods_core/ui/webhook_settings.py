"""Settings → Webhooks: who is told of events, how that goes, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import streamlit as st

from ods_core.basics.clock import midnight
from ods_core.basics.errors import Invalid, OdsError
from ods_core.basics.events import EVENT_LABELS, EventType
from ods_core.basics.roles import WEBHOOK_KEEPERS
from ods_core.basics.states import DeliveryStatus, Kind, look
from ods_core.basics.webhooks import EVERY_TYPE, DeliveryAttempt, Endpoint, Health
from ods_core.queries.webhooks import AttemptPage, attempt_page, endpoint, endpoint_page
from ods_core.service import Webhooks, runtime
from ods_core.ui import cards, refusals, tables
from ods_core.ui.decisions import ask_once
from ods_core.ui.formats import NOTHING, count, moment, plain
from ods_core.ui.handed_out import show_once
from ods_core.ui.session import caller, choose, link, now, param, reading, set_params

SHOWN = 100
ROWS = 25
LOOK_SECONDS = 2.0
TYPES = [EVERY_TYPE, *(type.value for type in EventType)]
_MADE, _REFUSED, _DONE = "webhook_made", "webhook_refused", "webhook_done"


def show_webhooks() -> None:
    """All endpoints, or the one that the address names; for administrators."""
    if not caller().may(WEBHOOK_KEEPERS):
        st.header("Webhooks", anchor=False)
        st.caption("Where events are sent to is looked after by administrators.")
        return
    if id := param("endpoint"):
        _show_one(id)
    else:
        _show_all()


def _show_all() -> None:
    st.header("Webhooks", anchor=False)
    st.caption(
        "An endpoint is told of events as they happen, signed as Standard Webhooks has it: at least once, and in order "
        "within an engagement."
    )
    _show_secret()
    _tell()
    _form()
    with reading() as connection:
        found = endpoint_page(connection, caller(), limit=SHOWN)
    for each, health in found.items:
        _row(each, health)
    if not found.items:
        st.info("Nobody is told of events yet. Add an address of yours above.", icon=":material/webhook:")
    if found.cursor:
        st.caption(f"The {SHOWN} newest. The API lists all of them.")


def _row(each: Endpoint, health: Health) -> None:
    badges = [cards.state_text(each.status)]
    if health.failing:
        badges.append(cards.note(f"{count(health.failing, 'engagement')} waiting", "orange", "schedule"))
    facts = [each.id, _types_in_words(each), each.organization_id or "all organisations"]
    facts.append(f"last {_last(health)}" if health.last_attempt_at else _last(health))
    cards.row(Kind.WEBHOOK_ENDPOINT, each.id, each.url, [*facts, each.disabled_reason or ""], badges=badges)


def _types_in_words(each: Endpoint) -> str:
    if each.wants("any"):
        return "every type"
    if len(each.event_types) > 3:
        return count(len(each.event_types), "type")
    return ", ".join(EVENT_LABELS[EventType(type)] for type in each.event_types)


def _last(health: Health) -> str:
    if health.last_attempt_at is None:
        return "nothing sent yet"
    return f"{health.last_status or 'no answer'}, {moment(health.last_attempt_at)}"


def _form() -> None:
    """Add an endpoint."""
    with st.expander("Add an endpoint", icon=":material/add:"), st.form("add_endpoint", border=False):
        st.text_input("Address", key="webhook_url", placeholder="https://example.com/hooks/ods", max_chars=2_000)
        st.multiselect("Events", TYPES, key="webhook_types", format_func=_label, placeholder="Which events")
        st.text_input(
            "Organisation",
            key="webhook_organization",
            placeholder="ORG-26-090500",
            help="Left empty, it hears of every organisation.",
        )
        st.form_submit_button("Add the endpoint", type="primary", on_click=_add)
    _show_refusal()


def _label(type: str) -> str:
    return "Every event" if type == EVERY_TYPE else f"{EVENT_LABELS[EventType(type)]} · {type}"


def _add() -> None:
    state = st.session_state
    try:
        made, secret = runtime().webhooks.add(
            caller(), state.webhook_url.strip(), state.webhook_types, state.webhook_organization.strip() or None
        )
    except OdsError as refusal:
        state[_REFUSED] = refusal
    else:
        state[_MADE] = (made.id, secret)
        state.webhook_url, state.webhook_types, state.webhook_organization = "", [], ""


def _show_secret() -> None:
    """The secret that was just made: the only time that it is shown."""
    made: tuple[str, str] | None = st.session_state.get(_MADE)
    if made is None:
        return
    id, secret = made
    headline = f"The secret of {id}. Copy it now: it is not shown again."
    show_once(_MADE, headline, secret, icon=":material/key:", key="new_secret", copied="secret_copied")


def _show_refusal() -> None:
    if refused := st.session_state.pop(_REFUSED, None):
        refusals.show(refused)


def _tell() -> None:
    """What was done, once."""
    if done := st.session_state.pop(_DONE, None):
        st.success(plain(done), icon=":material/check_circle:")


def _show_one(id: str) -> None:
    with reading() as connection:
        each, health = endpoint(connection, caller(), id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(each.id, anchor=False, width="content")
        cards.state_badge(each.status)
    link("settings", "All endpoints", icon="arrow_back", view="webhooks")
    _show_secret()
    _tell()
    _show_refusal()
    if not each.is_enabled:
        since = f"Disabled on {moment(each.disabled_at)}: {each.disabled_reason}. What happens meanwhile waits."
        st.warning(plain(since), icon=":material/block:")
    _facts(each, health)
    _actions(each)
    if each.is_enabled:
        _replay(each)
    st.header("Deliveries", anchor=False)
    _log(id)


def _facts(each: Endpoint, health: Health) -> None:
    shown = {
        "Told of": _types_in_words(each),
        "Organisation": each.organization_id or "all of them",
        "Added": f"{moment(each.created_at)} by {each.created_by}",
        "Last attempt": _last(health),
        "Waiting behind a failure": count(health.failing, "engagement"),
    }
    if each.previous_until and each.previous_until > now():
        shown["The old secret signs until"] = moment(each.previous_until)
    with st.container(border=True):
        cards.long_text("Address", each.url)
        cards.facts(shown)


def _actions(each: Endpoint) -> None:
    """What can be done with an endpoint; what cannot be undone asks first."""
    commands = runtime().webhooks
    with st.container(horizontal=True, key="endpoint_actions"):
        if each.is_enabled:
            if st.button("Send a test", icon=":material/send:", key="endpoint_test"):
                _do(lambda: commands.send_test(caller(), each.id), "A test is on its way.")
            if st.button("Disable", icon=":material/block:", key="endpoint_disable"):
                _do(lambda: commands.disable(caller(), each.id), "Nothing more is sent until it is enabled.")
        elif st.button("Enable", icon=":material/play_arrow:", type="primary", key="endpoint_enable"):
            _do(lambda: commands.enable(caller(), each.id), "It is sent to again, what has waited first.")
        _rotate(commands, each)
        _delete(commands, each)


def _rotate(commands: Webhooks, each: Endpoint) -> None:
    hours = runtime().settings.webhook_overlap_hours
    question = f"Make a new secret for {each.url}? The present one signs for {hours:g} hours more."
    if ask_once("endpoint_rotate", "New secret", question, "Make it", icon="key", primary=False):

        def rotate() -> None:
            changed, secret = commands.rotate_secret(caller(), each.id)
            st.session_state[_MADE] = (changed.id, secret)

        _do(rotate, "")


def _delete(commands: Webhooks, each: Endpoint) -> None:
    question = f"Delete {each.url}? Nothing more is sent to it, and what waits for it is dropped."
    if ask_once("endpoint_delete", "Delete", question, "Delete it", icon="delete", primary=False):

        def delete() -> None:
            commands.delete(caller(), each.id)
            set_params(endpoint=None, after=None)

        _do(delete, f"{each.url} was deleted.")


def _do(act: Callable[[], object], done: str) -> None:
    """Give a command; the page starts over and says what was done, or why not."""
    try:
        act()
    except OdsError as refusal:
        st.session_state[_REFUSED] = refusal
    else:
        st.session_state[_DONE] = done
    st.rerun()


def _replay(each: Endpoint) -> None:
    """Send something again: one event, or the days between two dates."""
    with st.expander("Send again", icon=":material/replay:"), st.form("replay", border=False):
        st.text_input("One event", key="replay_event", placeholder="EVT-26-000041")
        st.caption("Or all that happened on some days, of the types that it is told of:")
        left, right = st.columns(2)
        left.date_input("From (UTC)", value=None, key="replay_from", format="YYYY-MM-DD")
        right.date_input("Until (included)", value=None, key="replay_until", format="YYYY-MM-DD")
        st.form_submit_button("Send again", on_click=_send_again, args=(each.id,))


def _send_again(id: str) -> None:
    state, commands = st.session_state, runtime().webhooks
    event_id, first, last = state.replay_event.strip(), state.replay_from, state.replay_until
    try:
        if event_id:
            commands.replay_event(caller(), id, event_id)
            state[_DONE] = f"{event_id} is sent again."
        elif first:
            events = commands.replay_range(caller(), id, midnight(first), _end_of(last)).events
            state[_DONE] = f"{count(events, 'event')} of those days: those of its types are sent again."
        else:
            raise Invalid.at("", "Expected an event, or the day to begin with.")
    except OdsError as refusal:
        state[_REFUSED] = refusal


def _end_of(day: date | None) -> datetime | None:
    """The moment at which a day is over; None for no day."""
    return midnight(day + timedelta(days=1)) if day else None


@st.fragment(run_every=LOOK_SECONDS)
def _log(id: str) -> None:
    """What was sent and what came of it, newest first; looked at again every few seconds."""
    status = choose("delivered", "What came of it", {s.value: look(s).label for s in DeliveryStatus})
    found = _attempts(id, DeliveryStatus(status) if status else None)
    if found.items:
        tables.grid([_attempt(one) for one in found.items], alt="Attempts to deliver, newest first", key="attempts")
    elif status:
        st.caption("No attempt came to that.")
    else:
        st.caption("Nothing was sent yet. A test would be the first.")
    tables.pager(found.cursor)


def _attempts(id: str, status: DeliveryStatus | None) -> AttemptPage:
    trail = tables.cursor_trail()
    with reading() as connection:
        try:
            after = trail[-1] if trail else None
            return attempt_page(connection, caller(), id, status=status, limit=ROWS, cursor=after)
        except Invalid:
            return attempt_page(connection, caller(), id, status=status, limit=ROWS)


def _attempt(one: DeliveryAttempt) -> dict[str, str]:
    answer = str(one.response_status) if one.response_status is not None else one.error
    return {
        "When": f"{one.attempted_at:%Y-%m-%d %H:%M:%S}",
        "Result": look(one.status).label,
        "Answer": answer,
        "Took": f"{one.duration_ms:,} ms",
        "Event": one.event_id,
        "What": EVENT_LABELS[one.event_type],
        "Attempt": f"{one.attempt}{' (sent again)' if one.is_replay else ''}",
        "Next attempt": f"{one.next_attempt_at:%Y-%m-%d %H:%M:%S}" if one.next_attempt_at else NOTHING,
    }
