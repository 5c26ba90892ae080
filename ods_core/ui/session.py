"""Who is looking, and the choices that live in the address.

The address is the one truth: a choice is read from it on every run and written to it as soon as it is made, so a link
reopens exactly this view, Back works, and a refresh loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from sqlalchemy import Connection

from ods_core.basics.events import Actor, ActorKind
from ods_core.basics.records import Engagement
from ods_core.basics.roles import PERSONAS, Caller, Persona
from ods_core.basics.states import Kind
from ods_core.lifecycle import RULES, Verb, why_not
from ods_core.queries import lists
from ods_core.service import runtime
from ods_core.ui import people
from ods_core.ui.formats import plain
from ods_core.ui.places import PLACE_OF, PLACES

PERSONA = "as"
_LOCAL = Actor(ActorKind.LOCAL, "local")
_NEVER = object()
_BY_KEY = {persona.key: persona for persona in PERSONAS}


def persona() -> Persona:
    """The kind of person who is looking: `?as=` says so, else the first kind there is."""
    return _BY_KEY.get(param(PERSONA), PERSONAS[0])


def choose_persona() -> None:
    """The switch that stands in for signing in on this machine."""
    choose(
        PERSONA,
        "Acting as",
        {p.key: p.label for p in PERSONAS},
        everything=None,
        help="No sign-in is configured on this machine. Each role sees what it may do; the API asks for the same.",
        resets=(),
    )


def caller() -> Caller:
    """The caller on whose behalf pages read and give commands: who signed in, else this machine's own user.

    Raises:
        Unauthenticated: people sign in here, and nobody did.
        Forbidden: somebody did whom no row of the mapping knows.
    """
    return people.signed_in_caller() if people.is_needed() else Caller(_LOCAL, persona().roles)


def kinds() -> tuple[str, ...]:
    """The kinds of person who is looking: those that the roles make, or the one that was chosen."""
    return people.kinds_of(caller().roles) if people.is_needed() else (persona().key,)


def may(verb: Verb) -> bool:
    """Whether the person's roles include this command, whatever the state of things."""
    return caller().may(RULES[verb].roles)


def offers(engagement: Engagement, verb: Verb, id: str) -> bool:
    """Whether to offer a command on a thing: the person may give it, and its state allows it today."""
    return may(verb) and why_not(engagement, verb, id, today()) is None


def now() -> datetime:
    """The time by the program's clock, UTC."""
    return runtime().clock()


def review_days() -> int:
    """How long a review usually takes, in whole days: part of the expected dates of payments."""
    return runtime().service.review_days()


def today() -> date:
    """The UTC date by the program's clock."""
    return now().date()


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for the queries of one page."""
    with runtime().store.read() as connection:
        yield connection


def engagement_of(kind: Kind, id: str) -> Engagement:
    """The engagement that something belongs to.

    Raises:
        NotFound: there is no such thing for this person.
    """
    with reading() as connection:
        return lists.engagement_of(connection, caller(), kind, id)


def param(name: str, default: str = "") -> str:
    """A choice from the address."""
    return st.query_params.get(name, default)


def set_params(**values: str | None) -> None:
    """Write choices to the address; None or an empty text takes one out."""
    for name, value in values.items():
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def tell_address() -> None:
    """Have the browser show the address of this run.

    A link to another view of the page that is open reaches the script without reaching the browser's address bar; said
    again, it gets there, as a step that Back undoes. Where the address stands already, nothing happens.
    """
    st.query_params.from_dict(st.query_params.to_dict())


def address(**params: str | None) -> dict[str, str]:
    """The parameters of a link: these, and who is looking."""
    who = {PERSONA: param(PERSONA)} if param(PERSONA) in _BY_KEY else {}
    if people.is_needed():
        who = {people.ACTING_FOR: param(people.ACTING_FOR)} if param(people.ACTING_FOR) else {}
    return who | {name: value for name, value in params.items() if value}


def href(place: str, **params: str | None) -> str:
    """The address of a view, from the root of the server: `/scopes?scope=OSCOPE-26-000009`."""
    query = urlencode(address(**params))
    return f"/{PLACES[place].url_path}{'?' + query if query else ''}"


def link(
    place: str, label: str, *, icon: str | None = None, help: str | None = None, width: str = "content", **params: str
) -> None:
    """A link to a view of a page. `label` is shown as it is, never as markup."""
    st.page_link(
        PLACES[place].file,
        label=plain(label),
        icon=f":material/{icon}:" if icon else "",
        help=help or "",
        width=width,  # type: ignore[arg-type]  # "content" or "stretch"
        query_params=address(**params),
    )


def link_to(kind: Kind, id: str, label: str | None = None, *, icon: str | None = None) -> None:
    """A link to one thing, wherever it is shown; its id is the label where none is given."""
    place, name = PLACE_OF[kind]
    link(place, label or id, icon=icon or PLACES[place].icon, **{name: id})


def go(place: str, **params: str | None) -> None:
    """Open a view."""
    st.switch_page(PLACES[place].file, query_params=address(**params))


def choose(
    name: str,
    label: str,
    options: Mapping[str, str],
    *,
    everything: str | None = "All",
    help: str | None = None,
    resets: tuple[str, ...] = ("after",),
) -> str:
    """A select box whose choice is in the address as `?name=`.

    Args:
        options: the values, as the address has them, and their labels.
        everything: the label of no choice; None: there is always one, the first unless chosen.
        resets: parameters that a new choice takes out of the address, such as the place in a list.

    Returns:
        The value; an empty text for no choice.
    """
    shown = ({"": everything} if everything is not None else {}) | dict(options)
    given = param(name)
    chosen = given if given in shown else next(iter(shown))
    key = f"choose_{name}"
    seed(key, chosen)
    st.selectbox(
        label,
        list(shown),
        format_func=lambda value: shown[value],
        key=key,
        help=help,
        on_change=_keep,
        args=(name, key, resets),
    )
    return chosen


def choose_text(name: str, label: str, *, placeholder: str = "", resets: tuple[str, ...] = ("after",)) -> str:
    """A one-line text that is in the address as `?name=`."""
    key = f"choose_{name}"
    seed(key, param(name))
    st.text_input(label, key=key, placeholder=placeholder, on_change=_keep, args=(name, key, resets))
    return param(name).strip()


def choose_day(name: str, label: str, *, resets: tuple[str, ...] = ("after",)) -> date | None:
    """A date that is in the address as `?name=2026-04-15`; None for no choice, or one that cannot be read."""
    chosen = read_day(param(name))
    key = f"choose_{name}"
    seed(key, chosen)
    st.date_input(label, value=None, key=key, format="YYYY-MM-DD", on_change=_keep, args=(name, key, resets))
    return chosen


def choose_toggle(name: str, label: str, *, help: str | None = None, resets: tuple[str, ...] = ("after",)) -> bool:
    """A switch that is in the address as `?name=yes` while it is on."""
    key = f"choose_{name}"
    seed(key, param(name) == "yes")
    st.toggle(label, key=key, help=help, on_change=_keep, args=(name, key, resets))
    return param(name) == "yes"


def choose_view(name: str, label: str, options: Mapping[str, str]) -> str:
    """One of a few views side by side, in the address as `?name=`; the first unless chosen."""
    chosen = param(name) if param(name) in options else next(iter(options))
    key = f"choose_{name}"
    seed(key, chosen)
    st.radio(
        label,
        list(options),
        format_func=lambda value: options[value],
        key=key,
        horizontal=True,
        label_visibility="collapsed",
        on_change=_keep,
        args=(name, key, ()),
    )
    return chosen


def read_day(text: str) -> date | None:
    """A date as the address writes it, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def seed(key: str, value: Any) -> None:
    """Have a widget show a value that changed elsewhere: in the address, by a button, in an earlier session.

    A widget that shows the value already is left alone. Setting it again would overrule what the person types
    meanwhile, whenever that reaches the server before the run is over.
    """
    if key not in st.session_state or st.session_state.get(_shown(key), _NEVER) != value:
        st.session_state[key] = value
    taken(key, value)


def taken(key: str, value: Any) -> None:
    """Note that a widget shows a value, since the person chose it there."""
    st.session_state[_shown(key)] = value


def _shown(key: str) -> str:
    return f"{key} shown"


def _keep(name: str, key: str, resets: tuple[str, ...]) -> None:
    value = st.session_state[key]
    taken(key, value)
    written = {True: "yes", False: None}.get(value) if isinstance(value, bool) else value and str(value)
    set_params(**{name: written}, **dict.fromkeys(resets))
