"""The floor of a decision over HTTP: a bare route on the same kind of server, and the row changes as plain SQL.

It reads nothing, decides nothing, checks nothing: it runs the writes it was given at start, one list in one
transaction a call.
"""

import json
import os
from pathlib import Path

import duckdb
import streamlit as st
from fastapi import FastAPI
from starlette.routing import Mount

database = duckdb.connect(os.environ["FLOOR_DATABASE"])
decisions = json.loads(Path(os.environ["FLOOR_DECISIONS"]).read_text(encoding="utf-8"))
api = FastAPI()


@api.post("/write/{number}")
def write(number: int) -> dict[str, str]:
    """Write what decision `number` writes."""
    connection = database.cursor()
    connection.execute("BEGIN")
    for statement, values in decisions[number]:
        connection.execute(statement, values)
    connection.execute("COMMIT")
    return {"status": "ok"}


app = st.App("page.py", routes=[Mount("/v1", app=api)])
