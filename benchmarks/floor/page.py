"""The page a Streamlit server must have."""
