"""The floor of a page: one Plotly chart, and nothing else."""

import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(x=[1, 2, 3, 4, 5, 6], y=[4, 2, 5, 1, 6, 3])))
