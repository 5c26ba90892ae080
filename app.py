"""The front door: pages and REST API in one server. Start it with `streamlit run app.py`."""

import streamlit as st

from ods_core.server import lifespan, routes

app = st.App("pages/main.py", routes=routes(), lifespan=lifespan)
