"""Bringing a history in from the Settings page: files or a folder, a look or an import, how far it is, what came of it.

An import goes on beside the page; whoever opens it finds the one that is under way, or what the last one came to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from ods_core.basics.errors import Forbidden, OdsError
from ods_core.importing import ENTITIES, Finding, Importer, Outcome, Run, Stage, imports_of, journal
from ods_core.service import runtime
from ods_core.ui import refusals, tables
from ods_core.ui.downloads import offer_file
from ods_core.ui.formats import count, moment, plain
from ods_core.ui.session import caller, choose, choose_view, link, param, reading

SENT, FOLDER = "import_sent", "import_folder"
REFUSED = "import_refused"
BATCH = 1_000
"""Engagements in one transaction, beside people who work: a command given meanwhile waits for one of them."""
LARGEST = 200
"""The largest file that a browser may send, in megabytes; the server holds it in memory meanwhile."""
SOURCES = {"files": "Files from here", "folder": "A folder on the server"}


def show() -> None:
    """The section of the Settings page."""
    st.header("Import a history", anchor=False)
    if not caller().imports:
        st.caption("An administrator of the installation brings in the history that another system kept.")
        return
    st.caption(
        "Engagements that another system kept, finished ones and such as still run. Everything is checked before "
        "anything is written; with any finding nothing is imported."
    )
    if runtime().store.is_shared:
        st.caption("Histories are imported into a DuckDB database; this installation's is in PostgreSQL.")
        return
    if refused := st.session_state.pop(REFUSED, None):
        refusals.show(refused)
    run = imports_of(runtime().store).latest
    with st.container(border=True, key="import"):
        if run is None:
            _ask()
        elif run.stage == Stage.RUNNING:
            _watch()
        else:
            _tell(run)
    _show_journal()
    _show_columns()


def _ask() -> None:
    """Where the history is, and whether to look or to import."""
    if choose_view("from", "Where the files are", SOURCES) == "files":
        st.file_uploader(
            "CSV or Parquet files, one for each kind of row",
            type=["csv", "parquet"],
            accept_multiple_files=True,
            max_upload_size=LARGEST,
            key=SENT,
            help=f"Named as the tables below: requests.csv, scopes.csv and so on. What is larger than {LARGEST} MB is "
            "imported from a folder on the server, or by the command line.",
        )
        there = bool(st.session_state.get(SENT))
    else:
        st.text_input("Folder on the server", key=FOLDER, placeholder="/srv/history")
        there = bool(str(st.session_state.get(FOLDER, "")).strip())
    with st.container(horizontal=True):
        st.button("Check only", key="import_check", on_click=_begin, kwargs={"only_check": True}, disabled=not there)
        st.button(
            "Check and import",
            key="import_run",
            type="primary",
            on_click=_begin,
            kwargs={"only_check": False},
            disabled=not there,
        )


def _begin(*, only_check: bool) -> None:
    """Take what was sent, if it was, and start."""
    try:
        if param("from") == "folder":
            folder = Path(str(st.session_state[FOLDER]).strip())
            _start(folder, str(folder), only_check=only_check)
        else:
            sent = st.session_state[SENT]
            folder = imports_of(runtime().store).take((file.name, file) for file in sent)
            _start(folder, count(len(sent), "file"), only_check=only_check)
    except OdsError as error:
        st.session_state[REFUSED] = error


def _start(folder: Path, named: str, *, only_check: bool) -> None:
    run = runtime()
    if not caller().imports:
        raise Forbidden("an administrator imports histories")
    importer = Importer(run.store, run.clock, run.service.policy, BATCH)
    imports_of(run.store).start(importer, folder, named=named, only_check=only_check)


def _again(run: Run) -> None:
    """The same files, this time to import them, or to go on with them."""
    try:
        _start(run.folder, run.named, only_check=False)
    except OdsError as error:
        st.session_state[REFUSED] = error


@st.fragment(run_every=1)
def _watch() -> None:
    """How far it is, looked at every second; the page is drawn anew once it has ended."""
    run = imports_of(runtime().store).latest
    if run is None or run.stage != Stage.RUNNING:
        st.rerun()
    said = "Stopping" if run.stopping else run.step or "Beginning"
    st.progress(run.share, text=plain(f"{said} · {run.share:.0%}"))
    doing = "Checking" if run.only_check else "Importing"
    st.caption(plain(f"{doing} {run.named}, begun {moment(run.began)}. It goes on when this page is closed."))
    st.button("Stop", icon=":material/stop:", key="import_stop", on_click=run.stop, disabled=run.stopping)


def _tell(run: Run) -> None:
    """What came of one that has ended, and what to do next."""
    if run.stage == Stage.STOPPED:
        st.warning(
            "**Stopped.** What was written before stays; the same files go on from there.", icon=":material/stop:"
        )
    elif run.outcome is None:
        refusals.show(run.refusal or OdsError("it did not come to an end"))
    elif run.outcome.found:
        _tell_findings(run, run.outcome)
    else:
        _tell_success(run, run.outcome)
    st.caption(plain(f"{run.named}, begun {moment(run.began)}"))
    with st.container(horizontal=True):
        _offer_next(run)
        st.button("Other files", key="import_other", on_click=imports_of(runtime().store).forget)


def _offer_next(run: Run) -> None:
    go_on = run.stage == Stage.STOPPED and not run.only_check
    if go_on or (run.only_check and run.outcome and not run.outcome.found):
        label = "Go on" if go_on else "Import them now"
        st.button(label, key="import_again", type="primary", on_click=_again, args=(run,))


def _tell_success(run: Run, outcome: Outcome) -> None:
    engagements, rows = count(outcome.engagements, "engagement"), count(outcome.rows, "row")
    if run.only_check:
        st.success(f"**{engagements}** can be imported, {rows} in all. Nothing was written.", icon=":material/check:")
        return
    before = f" {outcome.before:,} of them were there from an earlier run." if outcome.before else ""
    st.success(f"**{engagements}** imported, {rows} in all.{before}", icon=":material/check:")
    with st.container(horizontal=True):
        link("outcomes", "Outcomes")
        link("scopes", "Scopes")
        link("payments", "Payments")


def _tell_findings(run: Run, outcome: Outcome) -> None:
    st.error(f"**{count(outcome.found, 'finding')}; nothing was imported.**", icon=":material/error:")
    tables.grid(
        [as_row(finding) for finding in outcome.findings],
        alt="What is wrong: the file, the row below the header, the column, what was expected and what was found",
        columns={"Row": st.column_config.NumberColumn(width="small")},
        key="import_findings",
    )
    if outcome.found > len(outcome.findings):
        st.caption(f"The first {len(outcome.findings):,} of {outcome.found:,}; all of them are in the report.")
    version = f"{run.began.isoformat()} {run.folder}"
    make = partial(Path.read_bytes, run.report)
    offer_file("import_report", version, "Report of all findings", "import-report.csv", "text/csv", make)


def as_row(finding: Finding) -> Mapping[str, Any]:
    """A finding as a row of the table; what concerns the file as a whole has no row."""
    return {
        "File": finding.file,
        "Row": finding.row or None,
        "Column": finding.column,
        "Expected": finding.expected,
        "Found": finding.found,
    }


def _show_journal() -> None:
    with reading() as connection:
        entries = journal(connection)
    if not entries:
        return
    st.header("Imported so far", anchor=False)
    tables.sheet(
        [
            {
                "Begun": moment(entry.started_at),
                "Engagements": f"{entry.done:,} of {entry.engagements:,}",
                "Ended": moment(entry.finished_at) if entry.finished_at else "not yet: the same files go on from there",
            }
            for entry in entries
        ],
        alt="Each import with its beginning, how many engagements of the files are written, and its end",
    )


def _show_columns() -> None:
    with st.expander("Files and their columns", icon=":material/table:"):
        st.markdown("`requests` has to be there; a file that is missing has no rows. All about it: `docs/import.md`.")
        names = {entity: f"{entity}.csv or {entity}.parquet" for entity in ENTITIES}
        entity = choose("file", "File", names, everything=None, resets=())
        tables.sheet(
            [
                {
                    "Column": column.name,
                    "Required": "yes" if column.required else "",
                    "What stands there": column.expected,
                    "Meaning": column.meaning,
                }
                for column in ENTITIES[entity]
            ],
            alt=f"The columns of the file {entity}",
        )


__all__ = ["show"]
