"""The entry script: who is looking, where they can go, then the page they chose."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ods_core.basics.errors import OdsError
from ods_core.ui import door, people, refusals, shell

st.set_page_config(
    page_title="On-demand sprints", page_icon=str(Path(__file__).with_name("static") / "icon.svg"), layout="wide"
)

try:
    page = shell.find_page()
    with people.looked_up_once():
        door.admit()
        shell.wait_until_filled()
        shell.surround(page)
        page.run()
except OdsError as refusal:
    refusals.full_page(refusal)
