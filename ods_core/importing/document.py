"""The documentation of the import format, made from the columns themselves."""

from __future__ import annotations

from collections.abc import Iterator

from ods_core.importing.columns import ENTITIES

_HEAD = """# Importing a history

<!-- Made by `python -m ods_core document`; edit ods_core/importing/document.py instead. -->

Engagements that another system kept can be brought in as files, finished ones and such as still run: those go on by
commands from where they stand.

    python -m ods_core import-history FOLDER --check    # only say what is wrong
    python -m ods_core import-history FOLDER            # check all of it, then write

Exit status 0: done; 1: refused, with what was found (at most `--show` lines, 20 unless given; all of it in the file
that `--report` names, `import-report.csv` unless given); 2: the call itself is wrong. A database belongs to one
process: stop the server first, or import on the Settings page, section Import, as an administrator.

## The files

One folder, one file for each kind of row, as CSV (`requests.csv`) or Parquet (`requests.parquet`). `requests` has
to be there; a file that is missing has no rows. [data/import-example](../data/import-example) has three engagements
to start from.

- Rows name each other by your own keys: `external_id`. Identifiers of this system are given as the rows come in.
- CSV is UTF-8 with a header line, commas and double quotes. An empty cell is no value. Parquet may have its own
  types for times, dates, numbers and lists; an amount is a decimal, a whole number or a text, never a float.
- Columns stand in any order. A column that is not required may be missing; one that is not listed is refused.
- Times are UTC and have passed, dates are plain, lists are JSON in CSV.

## What follows by itself

Service lines, the payment schedule (from the payment terms, split to the minor unit), what a payment waits for,
when it was released and is due, what is paid on it, the end of a review window, escalations, the lists of cycles
and the cycle of each attempt are worked out from the other rows. Invoices and quotes are not imported: an invoice's
number belongs to this system. Rounds of negotiation that ended, and revisions of a request, are not told either: a
request comes as it stands.

## What is checked

Everything, before anything is written, in three steps; a later one needs that the one before found nothing.

1. Each value by its column, as in the tables below.
2. Keys that stand twice, and references to rows that are not there.
3. The rules of the lifecycle and the money: states and times that belong together and their order, one live scope,
   cycles in date order without overlap, attempts in turn, decisions with their reviewer, terms that come to the
   price, payments as the terms split it, one currency, receipts never above what is open; then the invariants of
   the whole store, as `python -m ods_core check` asks them.

A finding names its file, its row (from 1 below the header), its column, what was expected and what was found. With
any finding nothing is imported.

## Writing

Batches of 10,000 engagements, each one transaction with the events that tell of it (actor `system`, `import`;
`data` has the fields that the figures, the activity and the filters need). Whoever is stopped, even without
warning, calls the same again with the same files: writing goes on behind the last batch that was committed, and what
it writes, identifiers and places in the log among it, is what it would have written without the stop, provided that
nothing else was written meanwhile. Files that were imported to their end are refused, under whatever name they come.

The files are read into a database of their own beside the store's (`ODS.duckdb.import` for `ODS.duckdb`), which is
gone once the import ends; what an import left that was ended without warning goes as the next one begins, or as the
server starts. In memory the database keeps to 4 GiB during an import, however large the files are; on disk it needs
about a third of the room that the imported engagements then take in the store.

Histories are imported into DuckDB databases. One in PostgreSQL is refused.

## On the Settings page

Section Import, for administrators. The files are sent from the browser (at most 200 MB each) or lie in a folder that
the server can read. *Check only* says what would be wrong; *Check and import* writes if nothing is. The work goes on
beside the page, which shows how far it is and can stop it between two batches; whoever opens the page later finds it
again. Its batches are of 1,000 engagements, so that a command that a person gives meanwhile waits for seconds, not
longer. Findings stand in a table, the first 200 of them; all are in a report to save. After a restart of the server
the same files, given again, go on where the import stopped; the list of what was imported says how far that is.

## How long it takes

[Measured](measured.md#importing-a-history) has the figures. Most of it is writing: rows, keys and indexes, which a
plain COPY has to do as well.
"""


def document() -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, "## Columns", *_tables()]) + "\n"


def _tables() -> Iterator[str]:
    for entity, columns in ENTITIES.items():
        yield f"\n### {entity}\n"
        yield "| column | required | what stands there | meaning |\n|---|---|---|---|"
        for c in columns:
            yield f"| `{c.name}` | {'yes' if c.required else ''} | {c.expected.replace('|', '/')} | {c.meaning} |"
