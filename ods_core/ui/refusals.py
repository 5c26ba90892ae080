"""Refusals and failures in a person's words; a traceback goes to the log, never to the page."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from ods_core.basics.errors import Forbidden, Invalid, NotFound, OdsError, StoreError
from ods_core.ui.formats import plain

log = logging.getLogger("ods.pages")


def show(refusal: OdsError) -> None:
    """A refusal where it happened: what was refused, why, and nothing was changed."""
    if isinstance(refusal, Invalid):
        lines = "\n".join(f"- {plain(p.pointer.strip('/') or 'all')}: {plain(p.detail)}" for p in refusal.problems)
        st.error(f"**{plain(refusal.title)}**\n\n{lines}", icon=":material/error:")
        return
    st.warning(f"**{plain(refusal.title)}** — {plain(_sentence(refusal.detail))}", icon=":material/block:")


def _sentence(detail: str) -> str:
    text = detail.replace("`", "").replace("_", " ").strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def full_page(refusal: OdsError) -> None:
    """A refusal that leaves nothing else to show."""
    if isinstance(refusal, StoreError):
        st.title("The database cannot be used", anchor=False)
        st.text(_sentence(refusal.detail))
        st.markdown("Nothing was lost. Once the cause is gone, reload this page.")
    elif isinstance(refusal, NotFound):
        st.title("There is nothing here", anchor=False)
        st.text(_sentence(refusal.detail))
        st.markdown("It may belong to another organisation, or the link may be incomplete.")
    elif isinstance(refusal, Forbidden):
        st.title("Not for this role", anchor=False)
        st.text(_sentence(refusal.detail))
    else:
        show(refusal)


def on_script_error(error: Exception) -> bool:
    """Answer an unexpected failure of a page: log it with its traceback, and apologise with its reference.

    Returns:
        True: nothing else is to be shown.
    """
    if isinstance(error, OdsError):
        full_page(error)
        return True
    reference = secrets.token_hex(4)
    log.error("a page failed, reference %s", reference, exc_info=error)
    st.error(
        f"**Something went wrong on our side.** Nothing was changed by it. Reload the page to try again; if it "
        f"happens again, tell your administrator the reference `{reference}`.",
        icon=":material/sentiment_dissatisfied:",
    )
    return True
