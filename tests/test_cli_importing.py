"""The command that imports: its exit statuses, what it prints, and going on after it was ended without warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ods_core.cli import main

EXAMPLE = Path("data/import-example")


def call(database: Path, *words: str) -> Result:
    """Call the command on a database file."""
    return CliRunner().invoke(main, ["import-history", *words], env={"ODS_DATABASE_URL": f"duckdb:///{database}"})


def test_files_are_imported_once(tmp_path: Path) -> None:
    """Status 0 and how many; the second time 1 and why; afterwards every invariant holds."""
    database = tmp_path / "ods.db"
    checked, first, second = (call(database, str(EXAMPLE), *more) for more in (["--check"], [], []))
    assert (checked.exit_code, first.exit_code, second.exit_code) == (0, 0, 1)
    assert "3 engagements can be imported" in checked.output
    assert "3 engagements imported" in first.output
    assert "imported already" in second.output
    held = CliRunner().invoke(main, ["check"], env={"ODS_DATABASE_URL": f"duckdb:///{database}"})
    assert "every invariant holds" in held.output


def test_findings_end_with_1_and_a_report(tmp_path: Path) -> None:
    """Each with its place; at most as many as asked for, all of them in the file."""
    folder, report = tmp_path / "history", tmp_path / "report.csv"
    shutil.copytree(EXAMPLE, folder)
    text = (folder / "requests.csv").read_text(encoding="utf-8")
    (folder / "requests.csv").write_text(text.replace("USD", "XXX"), encoding="utf-8")
    result = call(tmp_path / "ods.db", str(folder), "--show", "1", "--report", str(report))
    assert result.exit_code == 1
    assert result.output.count("expected an ISO 4217 currency code") == 1
    assert "requests.csv, row 1, currency" in result.output
    assert "3 findings" in result.output
    assert len(report.read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize("words", [[], ["a", "b"], ["x", "--show", "few"]])
def test_a_wrong_call_ends_with_2(tmp_path: Path, words: list[str]) -> None:
    """No folder, two of them, a number that is none."""
    assert call(tmp_path / "ods.db", *words).exit_code == 2


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Status 1, and what was expected."""
    result = call(tmp_path / "ods.db", str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "expected a folder with requests.csv" in result.output
