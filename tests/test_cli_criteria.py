"""`python -m ods_core criteria FILE`: texts or JSON, a file or standard input, and the status it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ods_core.cli import main


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["criteria", *arguments], input=given)


def test_one_a_line_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "criteria.txt"
    path.write_text("The page loads fast\n\nThe form has 3 fields\n", encoding="utf-8")
    done = run(str(path))
    assert done.exit_code == 0
    assert "warning: vague_term, 15–19: fast" in done.output
    assert done.output.splitlines()[-1] == "score 55"


@pytest.mark.parametrize(
    "given",
    [
        '["The page loads fast"]',
        '{"criteria": ["The page loads fast"]}',
        '{"acceptance_criteria": ["The page loads fast"]}',
    ],
)
def test_json_from_standard_input(given: str) -> None:
    done = run("-", "--json", given=given)
    assert done.exit_code == 0
    assert json.loads(done.output)["criteria"][0]["text"] == "The page loads fast"


def test_a_line_may_begin_with_a_bracket() -> None:
    done = run("-", given="[Draft] The form has 3 fields\n")
    assert done.exit_code == 0
    assert "[Draft] The form has 3 fields" in done.output


def test_a_placeholder_ends_with_1() -> None:
    done = run("-", given="The form has 3 fields\nTBD\n")
    assert done.exit_code == 1
    assert "1 criterion is not written yet" in done.output


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "there is no criterion"),
        ('{"texts": []}', "expected a JSON list of texts"),
        ("[1]", "expected a JSON list"),
    ],
)
def test_what_holds_no_criteria_ends_with_1(given: str, told: str) -> None:
    done = run("-", given=given)
    assert done.exit_code == 1
    assert told in done.output


def test_a_file_that_is_not_text_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\xff\xfe")
    done = run(str(path))
    assert done.exit_code == 1
    assert "not UTF-8" in done.output


@pytest.mark.parametrize("arguments", [(), ("nowhere.txt",), ("-", "--colour")])
def test_a_wrong_call_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
