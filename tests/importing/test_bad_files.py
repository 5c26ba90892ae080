"""Bad files: each finding names its file, row and column and what was expected, and nothing is imported."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ods_core.basics.clock import MovingClock
from ods_core.importing import Finding
from ods_core.store import Store
from tests.databases import duckdb_only
from tests.importing.conftest import change, run

pytestmark = duckdb_only
Rows = list[dict[str, str]]


@pytest.fixture
def folder(history: Path, tmp_path: Path) -> Path:
    """A copy of the history, to be spoilt."""
    return Path(shutil.copytree(history, tmp_path / "history"))


@pytest.fixture
def late(clock: MovingClock) -> MovingClock:
    """After all of it."""
    clock.advance(days=900)
    return clock


def found(folder: Path, store: Store, clock: MovingClock) -> tuple[Finding, ...]:
    """What is wrong; nothing has come into the store."""
    outcome = run(folder, store, clock, most=200)
    assert outcome.found == len(outcome.findings) > 0
    assert store.is_empty()
    return outcome.findings


def first(rows: Rows, **wanted: str) -> dict[str, str]:
    """The first row with these values; `column=""` for an empty one, `"*"` for any that is not."""
    return next(r for r in rows if all(r[c] == v or (v == "*" and r[c]) for c, v in wanted.items()))


def put(where: dict[str, str], **values: str) -> Callable[[Rows], None]:
    """Change values of the first row that fits."""
    return lambda rows: first(rows, **where).update(values)


def doubled(rows: Rows) -> None:
    rows.append(dict(rows[0]))


def without_a_payment(rows: Rows) -> None:
    rows.remove(next(r for r in rows if r["status"] in ("scheduled", "void")))


CASES: list[tuple[str, Callable[[Rows], None], str, str]] = [
    ("requests", put({}, organization_id="Contoso"), "organization_id", "a reference such as ORG-26-000001"),
    ("requests", put({}, title=" "), "title", "a text of 1 to 200"),
    ("requests", put({}, status="open"), "status", "one of scoping, scoped"),
    ("requests", put({}, created_at="15.04.2026"), "created_at", "a UTC time that has passed"),
    ("requests", put({}, created_at="2026-02-30T10:00:00Z"), "created_at", "a UTC time that has passed"),
    ("requests", put({}, created_at="2199-01-01T10:00:00Z"), "created_at", "a UTC time that has passed"),
    ("requests", put({}, currency="XXX"), "currency", "an ISO 4217"),
    ("requests", put({}, budget_max="1,000.00"), "budget_max", "an amount above 0"),
    ("requests", put({"currency": "USD"}, budget_max="99999.999"), "budget_max", "no more decimals"),
    ("requests", put({}, project_tags="PROJ-26-000001"), "project_tags", "a JSON list"),
    ("requests", put({}, project_tags='["P1"]'), "project_tags", "a JSON list"),
    ("requests", put({}, acceptance_criteria="[1]"), "acceptance_criteria", "a JSON list"),
    ("requests", put({}, timeline_weeks="three"), "timeline_weeks", "a whole number from 1 to 104"),
    ("requests", put({}, cancelled_at="2027-01-01T00:00:00Z"), "cancelled_at", "exactly where status is cancelled"),
    ("requests", doubled, "external_id", "each value once"),
    ("requests", put({"status": "scoped"}, status="scoping"), "status", "scoped exactly where"),
    ("scopes", put({}, request="OREQ-nowhere"), "request", "the external_id of a row of requests"),
    ("scopes", put({}, currency="CHF"), "currency", "the currency of its request"),
    ("scopes", put({"confirmed_at": "*"}, payment_terms="half now"), "payment_terms", "terms that come to the price"),
    ("scopes", put({}, proposed_at="2020-01-01T00:00:00Z"), "proposed_at", "not before its request"),
    ("scopes", put({"confirmed_at": "*"}, confirmed_by=""), "confirmed_by", "exactly where confirmed_at"),
    ("scopes", put({"status": "completed"}, status="active"), "completed_at", "exactly where status is completed"),
    ("scopes", put({}, silence_policy="deemed_accepted", review_window_days=""), "review_window_days", "a window"),
    ("scopes", put({"revision": "1"}, revision="7"), "revision", "1, 2, 3"),
    ("cycles", put({}, planned_end="2020-01-01"), "planned_end", "from planned_start on"),
    (
        "cycles",
        put({"status": "accepted"}, accepted_at="2026-01-01T00:00:00Z"),
        "accepted_at",
        "not before completed_at",
    ),
    ("cycles", put({"kind": "remediation"}, parent=""), "parent", "a delivery cycle of the same scope"),
    ("cycles", put({"status": "accepted"}, status="done"), "status", "one of planned"),
    ("deliverables", put({}, position="9"), "position", "1, 2, 3"),
    ("deliverables", put({"status": "accepted"}, status="rejected"), "status", "the state that its last attempt"),
    ("deliverables", put({}, acceptance_criteria="[]"), "acceptance_criteria", "a JSON list"),
    ("attempts", put({"decision": "*"}, reviewer_id=""), "reviewer_id", "exactly where there is a decision"),
    ("attempts", put({"decision": "rejected"}, rejection_reason=""), "rejection_reason", "a reason exactly"),
    ("attempts", put({"decision": "accepted"}, attempt="5"), "attempt", "1, 2, 3"),
    ("attempts", put({"decision": "accepted"}, deemed="true"), "deemed", "exactly where the reviewer is"),
    (
        "attempts",
        put({"decision": "rejected"}, criteria_not_met='[{"criterion": 77, "evidence": ""}]'),
        "criteria_not_met",
        "criteria that the deliverable has",
    ),
    ("attempts", put({}, evidence='[{"title": "Log", "url": "file:///x"}]'), "evidence", "a JSON list such as"),
    ("attempts", doubled, "attempt", "once within its deliverable"),
    ("payments", put({"currency": "USD"}, amount="1.00"), "amount", "what the payment terms come to"),
    ("payments", put({"status": "paid"}, status="due"), "status", "paid once receipts reach"),
    ("payments", without_a_payment, "external_id", "as many rows of payments"),
    ("receipts", put({}, amount="0"), "amount", "an amount other than 0"),
    ("receipts", put({}, amount="999999999"), "amount", "at most what is open"),
    ("receipts", put({}, currency="CHF"), "currency", "the currency of its payment"),
    ("receipts", put({}, recorded_at="2020-01-01T00:00:00Z"), "recorded_at", "not before its payment"),
    ("receipts", put({"reverses": "*"}, reason=""), "reason", "a reason exactly"),
]


NAMES = [f"{entity}-{column}-{n}" for n, (entity, _, column, _) in enumerate(CASES)]


@pytest.mark.parametrize(("entity", "edit", "column", "expected"), CASES, ids=NAMES)
def test_a_wrong_value_is_found_at_its_place(
    folder: Path, store: Store, late: MovingClock, entity: str, edit: Callable[[Rows], None], column: str, expected: str
) -> None:
    """The file, the column and the expectation are among the findings, with a row."""
    rows_before = len([*csv.DictReader((folder / f"{entity}.csv").open())])
    change(folder, entity, edit)
    findings = found(folder, store, late)
    at = [f for f in findings if f.column == column and expected in f.expected]
    assert at, findings
    owner = "scopes" if "rows of payments" in expected else entity
    assert all(f.file == f"{owner}.csv" for f in at)
    assert all(1 <= f.row <= rows_before + 1 or owner != entity for f in at)


def test_a_row_is_counted_from_1_below_the_header(folder: Path, store: Store, late: MovingClock) -> None:
    """The third row's mistake is at row 3, and what stands there is shown."""
    change(folder, "requests", lambda rows: rows[2].update(status="odd"))
    (finding,) = found(folder, store, late)
    assert (finding.row, finding.column, finding.found) == (3, "status", "odd")


def spoil(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("requests.csv", b"", "a file with a header"),
        ("requests.csv", b"external_id,colour\n1,red\n", "one of external_id"),
        ("receipts.csv", b"external_id,payment,amount\n", "an ISO 4217"),
        ("receipts.csv", b"external_id\n\xff\xfe\n", "UTF-8"),
        ("receipts.parquet", b"no parquet at all", "a Parquet file"),
    ],
)
def test_a_file_that_is_none_is_named(
    folder: Path, store: Store, late: MovingClock, name: str, content: bytes, expected: str
) -> None:
    """Empty, of other columns, not UTF-8, not Parquet: said of the file, without a traceback."""
    (folder / name).with_suffix(".csv").unlink()
    (folder / name).write_bytes(content)
    assert any(f.file == name and expected in f.expected for f in found(folder, store, late))


def test_a_file_without_rows_is_no_history(folder: Path, store: Store, late: MovingClock) -> None:
    """A header alone is said to be one."""
    lines = (folder / "requests.csv").read_text().splitlines()
    (folder / "requests.csv").write_text(lines[0] + "\n")
    assert any(f.expected == "at least one row" for f in found(folder, store, late))


def test_a_row_of_other_length_is_found_by_its_line(folder: Path, store: Store, late: MovingClock) -> None:
    """Too many values: the line of the file."""
    (folder / "receipts.csv").write_text((folder / "receipts.csv").read_text() + "a,b,c\n")
    assert any(f.file == "receipts.csv" and "as many values" in f.expected for f in found(folder, store, late))


def test_all_findings_are_in_the_report_and_few_are_shown(
    folder: Path, store: Store, late: MovingClock, tmp_path: Path
) -> None:
    """As many as asked for are handed back; the report has every one."""
    change(folder, "requests", lambda rows: [row.update(currency="XXX", title="") for row in rows])
    report = tmp_path / "report.csv"
    outcome = run(folder, store, late, most=3, report=report)
    listed = [*csv.DictReader(report.open(encoding="utf-8"))]
    assert (len(outcome.findings), len(listed)) == (3, outcome.found)
    assert outcome.found > 20
    assert [*listed[0]] == ["file", "row", "column", "expected", "found"]


def test_parquet_with_its_own_types_is_read(folder: Path, store: Store, late: MovingClock) -> None:
    """Times, dates, numbers, decimals and lists as Parquet has them; a float for money is refused."""
    kept = f"{folder}/kept.parquet"
    receipts = (
        "external_id, payment, currency, reference, recorded_by, reverses, reason, "
        "CAST(received_on AS DATE) AS received_on, CAST(recorded_at AS TIMESTAMPTZ) AS recorded_at"
    )
    requests = (
        "* REPLACE (from_json(project_tags, '[\"VARCHAR\"]') AS project_tags, "
        "CAST(created_at AS TIMESTAMP) AS created_at)"
    )

    def keep(entity: str) -> None:
        duckdb.sql(f"COPY (FROM read_csv('{folder / entity}.csv', all_varchar = true)) TO '{kept}'")
        (folder / f"{entity}.csv").unlink()

    def rewrite(entity: str, columns: str) -> None:
        duckdb.sql(f"COPY (SELECT {columns} FROM '{kept}') TO '{folder / entity}.parquet'")

    keep("receipts")
    rewrite("receipts", f"{receipts}, CAST(amount AS DOUBLE) AS amount")
    assert any("money is exact" in f.expected for f in found(folder, store, late))
    rewrite("receipts", f"{receipts}, CAST(amount AS DECIMAL(18, 3)) AS amount")
    keep("requests")
    rewrite("requests", requests)
    assert run(folder, store, late).found == 0
