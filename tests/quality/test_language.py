"""A language is a file: what it must say, and what is told when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality import ADVERSARIAL, PARTS, measured, read_labelled
from ods_core.quality import Code, LanguageError, ReasonCode, check_criterion, language, read_language

ENGLISH = Path(__file__).resolve().parents[2] / "data" / "quality" / "en.toml"


def test_english_has_a_message_for_every_code() -> None:
    english = language()
    assert set(english.messages) == {*Code, "empty"}
    assert set(english.reasons) == {*ReasonCode, "no_evidence_at_all"}


def test_another_language_is_a_file(tmp_path: Path) -> None:
    german = tmp_path / "de.toml"
    text = ENGLISH.read_text(encoding="utf-8")
    german.write_text(text.replace('"fast", "faster"', '"schnell", "flott"').replace('"en"', '"de"'), encoding="utf-8")
    findings = check_criterion("Die Seite erscheint schnell", read_language(german)).findings
    assert (Code.VAGUE_TERM, 20, 27) in [(f.code, f.start, f.end) for f in findings]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("language = ", "de.toml is not TOML"),
        ("language = 'de'", "/messages: Field required"),
        ("colour = 'red'", "/colour: Extra inputs are not permitted"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "de.toml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(LanguageError, match=r"de\.toml") as caught:
        read_language(path)
    assert told in caught.value.detail


def test_a_list_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "en.toml"
    path.write_text(ENGLISH.read_text(encoding="utf-8") + '\n[words.vauge]\nphrases = ["slow"]\n', encoding="utf-8")
    with pytest.raises(LanguageError, match="unknown lists vauge"):
        read_language(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match=r"xx\.toml cannot be read"):
        read_language(tmp_path / "xx.toml")


# The labelled set.


def test_the_labelled_set_is_as_large_and_as_mixed_as_it_says() -> None:
    rows = [row for part in PARTS for row in read_labelled(part)]
    assert len(rows) >= 170
    assert len(read_labelled("held_out")) >= 70
    assert len({row.text for row in rows}) == len(rows)
    assert {row.domain for row in rows} == {"web", "data", "mobile", "infrastructure", "audit", "design", "seed"}
    assert {code for row in rows for code in row.codes} == set(Code)
    assert 0.4 <= sum(not row.codes for row in rows) / len(rows) <= 0.6


@pytest.mark.parametrize(("part", "precision", "recall"), [("development", 0.97, 0.95), ("held_out", 0.88, 0.94)])
def test_the_checker_is_as_often_right_as_it_was(part: str, precision: float, recall: float) -> None:
    """Over all codes; `python -m benchmarks.quality` prints each. A change that costs some is to be seen here."""
    tally = measured(part)
    assert tally.precision(*Code) >= precision
    assert tally.recall(*Code) >= recall


@pytest.mark.parametrize("code", list(Code))
def test_no_code_falls_far_behind(code: Code) -> None:
    tally = measured("held_out")
    assert tally.precision(code) >= 0.8
    assert tally.recall(code) >= 0.8


@pytest.mark.parametrize("name", sorted(ADVERSARIAL))
def test_no_text_is_too_odd(name: str) -> None:
    text = ADVERSARIAL[name](2000)
    checked = check_criterion(text)
    assert checked.text == text
    assert all(0 <= f.start <= f.end <= len(text) for f in checked.findings)
    assert len(checked.findings) <= 20 * len(Code)
