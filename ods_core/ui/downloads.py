"""Lists to take away: a short one at once; a long one is written beside the page, which shows how far it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from ods_core.basics.errors import NotFound, OdsError
from ods_core.basics.keys import SecurityKind
from ods_core.basics.roles import EXPORTERS, Role
from ods_core.papers import Format, Paper
from ods_core.service import Preparation, Runtime, Stage, runtime
from ods_core.ui import refusals
from ods_core.ui.formats import count, plain
from ods_core.ui.session import caller, param, set_params, today

AT_ONCE = 2_000
"""Rows up to which a file is made at the click; a longer one would keep the person waiting without a word."""
TOKEN = "prepared"
ROUTE = "/v1/capabilities/ods/downloads/"
_FORMATS = {Format.CSV: "CSV", Format.XLSX: "XLSX"}

Make = Callable[[Connection, datetime], Paper]
Print = Callable[[Connection, datetime], bytes]


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to take away: `name` begins the file's name, `rows` is how long it is, `make` puts it together.

    `print_it`: it can be had as a printed report too.
    """

    name: str
    label: str
    noun: str
    rows: int
    make: Make
    print_it: Print | None = None


def offer(*offers: Offer, to: frozenset[Role] = EXPORTERS) -> None:
    """A button behind which everything on offer stands; nothing for those whose role takes nothing away."""
    if not caller().may(to):
        return
    with st.popover("Download", icon=":material/download:", key="download"):
        st.caption("All of what is filtered here, with the filters and the moment on it.")
        for one in offers:
            _draw(one)
    _show_prepared()


def _draw(one: Offer) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"offer_{one.name}"):
        st.markdown(f"**{plain(one.label)}** · {count(one.rows, one.noun, _plural(one.noun))}", width="stretch")
        for format, label in _FORMATS.items():
            if one.rows <= AT_ONCE:
                _draw_short(one, format, label)
            else:
                _draw_long(one, format, label)
        if one.print_it:
            _draw_print(one, one.print_it)


def _draw_print(one: Offer, print_it: Print) -> None:
    run = runtime()
    file_name = f"{one.name}-{today().isoformat()}.pdf"
    offer_file(f"pdf_{one.name}", _version(run), "PDF", file_name, "application/pdf", partial(_printed, run, print_it))


def _version(run: Runtime) -> str:
    """What the address filters otherwise, or what has happened since, is another file."""
    return f"{run.changes} {sorted(st.query_params.to_dict().items())}"


def _printed(run: Runtime, print_it: Print) -> bytes:
    with run.figures.read() as connection:
        return print_it(connection, run.figures.moment(connection, run.clock()))


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


def _draw_short(one: Offer, format: Format, label: str) -> None:
    run = runtime()
    offer_file(
        f"{format}_{one.name}",
        _version(run),
        label,
        _file_name(one, format),
        format.media_type,
        partial(_bytes, run, one.make, format),
    )


def offer_file(
    key: str, version: str, label: str, file_name: str, media_type: str, make: Callable[[], bytes], **looks: Any
) -> None:
    """A button that makes a file, then the one that saves it; a new version has to be made anew.

    A file that Streamlit makes at the click of its download button is swept away by the second run after it, and a page
    that watches for changes runs twice a second: too soon for a slow line. One that the page holds stays.

    Args:
        version: what the file is made of, as a text that is another when the file would be.
        looks: passed on to the first button.
    """
    version = f"{version} {caller()}"
    made: tuple[str, bytes] | None = st.session_state.get(f"{key}_made")
    if made is None or made[0] != version:
        st.button(label, key=key, on_click=_keep, args=(key, version, make, file_name), **looks)
        return
    st.download_button(
        f"Save {file_name}",
        data=made[1],
        file_name=file_name,
        mime=media_type,
        icon=":material/download:",
        on_click="ignore",
        key=f"{key}_save",
    )


def _keep(key: str, version: str, make: Callable[[], bytes], file_name: str) -> None:
    st.session_state[f"{key}_made"] = (version, make())
    _note(file_name)


def _note(file_name: str) -> None:
    """Write down that something was taken away."""
    who = caller()
    runtime().access.note(SecurityKind.EXPORT_TAKEN, who.actor, who.organization_id, subject=file_name)


def _bytes(run: Runtime, make: Make, format: Format) -> bytes:
    """The file; made when it is asked for, so that a page costs nothing for it."""
    out = io.BytesIO()
    with run.figures.read() as connection:
        format.write(make(connection, run.figures.moment(connection, run.clock())), out, lambda rows: None)
    return out.getvalue()


def _draw_long(one: Offer, format: Format, label: str) -> None:
    st.button(
        f"Prepare {label}",
        key=f"{format}_{one.name}",
        on_click=_start,
        args=(one, format),
        help="This takes a while: it is written beside this page, which shows how far it is.",
    )


def _file_name(one: Offer, format: Format) -> str:
    return f"{one.name}-{today().isoformat()}.{format}"


def _start(one: Offer, format: Format) -> None:
    """Begin to write a long one; one that is prepared already makes way."""
    run, now = runtime(), runtime().clock()
    run.preparations.discard(param(TOKEN))
    try:
        made = run.preparations.start(
            lambda connection: one.make(connection, run.figures.moment(connection, now)),
            format,
            label=f"{one.label}, {_FORMATS[format]}",
            file_name=_file_name(one, format),
            total=one.rows,
            holder=caller(),
        )
    except OdsError as error:
        st.session_state["export_refused"] = error
    else:
        _note(made.file_name)
        set_params(**{TOKEN: made.token})


def _show_prepared() -> None:
    """What is being prepared, or is: its token stands in the address, so a refresh finds it again."""
    if refused := st.session_state.pop("export_refused", None):
        refusals.show(refused)
    if not param(TOKEN):
        return
    try:
        made = runtime().preparations.find(param(TOKEN), caller())
    except NotFound:
        set_params(**{TOKEN: None})
        return
    with st.container(border=True, key="prepared"):
        if made.stage == Stage.WRITING:
            _watch(made.token)
        else:
            _hand_over(made)


@st.fragment(run_every=1)
def _watch(token: str) -> None:
    """How far it is, looked at every second; the page is drawn anew once it is done."""
    try:
        made = runtime().preparations.find(token)
    except NotFound:
        st.rerun()
    if made.stage != Stage.WRITING:
        st.rerun()
    share = min(made.rows / made.total, 1.0) if made.total else 0.0
    st.progress(share, text=f"Writing {plain(made.label)}: {made.rows:,} of {made.total:,} rows")
    st.button("Cancel", icon=":material/close:", key="export_cancel", on_click=_discard, args=(token,))


def _hand_over(made: Preparation) -> None:
    if made.stage != Stage.DONE or made.written is None:
        st.error(plain(f"{made.label} could not be written. {made.error}"), icon=":material/error:")
    else:
        size = f"{made.written.size / 1_000_000:,.1f} MB"
        st.markdown(f"{plain(made.label)} is ready: {count(made.written.rows, 'row')}, {size}. Kept for 15 minutes.")
    with st.container(horizontal=True):
        if made.written:
            # A link, not a download button: the page would hold the whole file in memory to offer it.
            st.link_button(f"Save {made.file_name}", ROUTE + made.token, icon=":material/download:", type="primary")
        st.button("Discard", icon=":material/delete:", key="export_discard", on_click=_discard, args=(made.token,))


def _discard(token: str) -> None:
    runtime().preparations.discard(token)
    set_params(**{TOKEN: None})


__all__ = ["Offer", "offer", "offer_file"]
