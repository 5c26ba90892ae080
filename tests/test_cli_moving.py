"""The commands that move a store: their exit statuses and what they print."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from ods_core.cli import main
from tests.moving.conftest import sums

EXAMPLE = "data/import-example"


def call(database: Path, *words: str) -> Result:
    """Call the command on a database file."""
    return CliRunner().invoke(main, words, env={"ODS_DATABASE_URL": f"duckdb:///{database}"})


def test_out_in_and_out_again_is_the_same(tmp_path: Path) -> None:
    """Each with status 0 and what it was about; `check` passes; a second import is refused with 1 and why."""
    here, there = tmp_path / "here.duckdb", tmp_path / "there.duckdb"
    assert call(here, "import-history", EXAMPLE).exit_code == 0
    out = call(here, "export", str(tmp_path / "one"))
    assert out.exit_code == 0, out.output
    assert "3 engagements, " in out.output
    assert f"written to {tmp_path / 'one'}" in out.output
    into = call(there, "import", str(tmp_path / "one"))
    assert into.exit_code == 0, into.output
    assert "every invariant holds" in into.output
    assert call(there, "check").exit_code == 0
    assert call(there, "export", str(tmp_path / "two")).exit_code == 0
    assert sums(tmp_path / "one") == sums(tmp_path / "two")
    again = call(there, "import", str(tmp_path / "one"))
    assert again.exit_code == 1
    assert "the database is not empty" in again.output


def test_a_backup_is_kept_and_brought_back(tmp_path: Path) -> None:
    database, file = tmp_path / "ods.duckdb", tmp_path / "backup.zip"
    call(database, "import-history", EXAMPLE)
    kept = call(database, "backup", str(file))
    assert kept.exit_code == 0, kept.output
    assert f"kept in {file}" in kept.output
    twice = call(database, "backup", str(file))
    assert twice.exit_code == 1
    assert "nothing is overwritten: choose another name" in twice.output
    refused = call(database, "restore", str(file))
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    done = call(database, "restore", str(file), "--replace")
    assert done.exit_code == 0, done.output
    assert f"the database that stood there is kept at {database}.before-" in done.output
    assert call(database, "check").exit_code == 0


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "ods.duckdb"
    (tmp_path / "letter").write_text("Dear all")
    for words in (["export", str(tmp_path / "letter" / "out")], ["backup", str(tmp_path / "nowhere" / "b.zip")]):
        told = call(database, *words)
        assert told.exit_code == 1, told.output
        assert "cannot be" in told.output


def test_a_call_without_its_place_is_wrong(tmp_path: Path) -> None:
    for command in ("export", "import", "backup", "restore"):
        assert call(tmp_path / "ods.duckdb", command).exit_code == 2
        assert call(tmp_path / "ods.duckdb", command, "--help").exit_code == 0
