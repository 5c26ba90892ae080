"""The front door: pages and REST API in one server. Start it with `streamlit run app.py`."""

import streamlit as st

from ods_core.server import guards, lifespan, routes
from ods_core.ui.refusals import on_script_error

app = st.App("pages/main.py", routes=routes(), middleware=guards(), lifespan=lifespan, on_script_error=on_script_error)
