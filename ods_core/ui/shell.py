"""What stands around every page: who is looking, the way to the pages, the first filling, news."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from ods_core.service import runtime
from ods_core.ui import decisions, door, mirroring, people
from ods_core.ui.formats import plain
from ods_core.ui.places import PLACES, Place
from ods_core.ui.session import address, choose_persona, kinds, tell_address

_PLACE_SHOWN = "shell_place_shown"


def wait_until_filled() -> None:
    """While an empty database is being filled for the first time, show how far that has come, and nothing else."""
    filling = runtime().filling
    if filling.error:
        st.title("The demonstration could not be loaded", anchor=False)
        st.text(filling.error)
        st.markdown("Start again with another database, or with `ODS_DEMO=0` for an empty one.")
        st.stop()
    if not filling.is_done:
        st.title("Getting ready", anchor=False)
        _progress()
        st.stop()


@st.fragment(run_every=0.5)
def _progress() -> None:
    filling = runtime().filling
    if filling.is_done or filling.error:
        st.rerun(scope="app")
    st.progress(min(max(filling.share, 0.0), 1.0), text=plain(filling.step or "Preparing the demonstration"))


def find_page() -> st.Page:
    """The page that the address names: known before anybody is let in, so that no address is unknown to strangers."""
    return st.navigation([_page(place) for place in PLACES.values()], position="hidden")


def surround(chosen: st.Page) -> None:
    """The side bar, and what the last command caused."""
    tell_address()
    with st.sidebar:
        st.markdown(f":material/deployed_code: **{door.NAME}**")
        _links()
        st.space("small")
        if people.is_needed():
            door.show_person()
        else:
            choose_persona()
    if _has_moved_to(chosen.url_path):
        decisions.leave_news_behind()
    mirroring.banner(chosen.url_path)
    decisions.show_news()


def _page(place: Place) -> st.Page:
    return st.Page(
        place.file,
        title=place.title,
        icon=place.material_icon,
        url_path=place.url_path or None,
        default=place.key == "today",
    )


def _links() -> None:
    """The pages of the person's daily work, then all the others; each keeps who is looking."""
    mine = [place for place in PLACES.values() if set(kinds()) & set(place.mainly_for)]
    others = [place for place in PLACES.values() if place not in mine]
    _section("Your work", mine)
    if others:
        _section("Also here", others)


def _section(label: str, places: Iterable[Place]) -> None:
    with st.container(gap="xxsmall"):
        st.caption(label)
        for place in places:
            st.page_link(
                place.file,
                label=place.title,
                icon=place.material_icon,
                width="stretch",
                query_params=address(),
            )


def _has_moved_to(place: str) -> bool:
    """Whether this run is the first of another page than the last one's."""
    before = st.session_state.get(_PLACE_SHOWN)
    st.session_state[_PLACE_SHOWN] = place
    return before not in (None, place)
