"""What the checks know of a language: its words and what they are, and what findings say. Read from data/quality/."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ods_core.basics.errors import OdsError
from ods_core.basics.settings import ROOT
from ods_core.quality.tokens import tokens

LANGUAGES = ROOT / "data" / "quality"

SORTS = (
    *("vague", "vague_predicate", "name", "forever", "absolute", "universal", "absence", "open_noun", "closed_noun"),
    *("closing", "open", "placeholder", "filler", "gap", "gap_at_end", "evidence", "product", "shown_by", "condition"),
    *("when", "over", "period", "metric", "given", "job", "instant_unit", "latency_unit"),
    *("duration_unit", "rate_unit", "size_unit"),
    *(
        "percent",
        "bound",
        "number",
        "claim",
        "abstract",
        "modal",
        "being",
        "having",
        "and",
        "or",
        "then",
        "subordinate",
        "relative",
    ),
    *("pronoun", "determiner", "stop", "observable", "weak", "ambiguous"),
    *("generic", "demand", "failure", "criterion"),
)
"""What a word or phrase can be; a file of a language says which of them is what, under `[words]` and `[verbs]`."""

BIT = {name: 1 << place for place, name in enumerate(SORTS)}
MOST_WORDS_IN_A_PHRASE = 8

Phrase = tuple[str, ...]


class LanguageError(OdsError):
    """A language that nothing can be checked with; the detail names the file and the place in it."""

    code, status, title = "language_unusable", 503, "The criteria cannot be checked"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(_Strict):
    """What a finding says; `{words}` and other names in braces are filled in."""

    severity: Annotated[str, Field(pattern="^(info|warning|blocker)$")]
    message: str
    suggestion: str


class _Phrases(_Strict):
    phrases: list[str]
    suggestion: str = ""


class _Verbs(_Strict):
    base: list[str]
    also: list[str] = []
    endings: list[str] | None = None


class _File(_Strict):
    language: str
    messages: dict[str, Message]
    reasons: dict[str, Message]
    words: dict[str, _Phrases | dict[str, _Phrases]]
    verbs: dict[str, list[str] | _Verbs]
    signs: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase: how many tokens it has, what it is (bits of SORTS), and what to do about it."""

    length: int
    sorts: int
    suggestion: str


@dataclass(frozen=True, slots=True)
class Language:
    """A language, ready to be looked up."""

    name: str
    messages: Mapping[str, Message]
    reasons: Mapping[str, Message]
    words: Mapping[str, Entry]
    """Phrases of one word."""
    longer: Mapping[str, Mapping[str, tuple[tuple[Phrase, Entry], ...]]]
    """Phrases of several words by their first and their second, the longest first."""
    endings: tuple[str, ...]
    """What verbs and nouns end with, the longest first."""
    signs: Mapping[str, str]
    """A word or phrase, and the one that stands for it where two texts are compared."""


@cache
def language(name: str = "en") -> Language:
    """A language by its name (`en`).

    Raises:
        LanguageError: there is no such file, or it cannot be used; says where.
    """
    return read_language(LANGUAGES / f"{name}.toml")


def read_language(path: Path) -> Language:
    """The language in a TOML file.

    Raises:
        LanguageError: no such file, not TOML, or values that cannot be right, each with its place.
    """
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise LanguageError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        places = ("/" + "/".join(map(str, e["loc"])) + ": " + e["msg"] for e in error.errors())
        raise LanguageError(f"{path.name}: {'; '.join(places)}") from None
    except ValueError as error:
        raise LanguageError(f"{path.name} is not TOML: {error}") from None
    unknown = sorted({*file.words, *file.verbs} - {*SORTS, "endings"})
    if unknown:
        raise LanguageError(f"{path.name}: unknown lists {', '.join(unknown)}")
    return _compiled(file)


def _compiled(file: _File) -> Language:
    endings = file.verbs.get("endings", [])
    assert isinstance(endings, list)
    entries: dict[Phrase, Entry] = {}
    for sort, text, suggestion in chain(_listed(file), _conjugated(file, endings)):
        phrase = words_of(text)
        known = entries.get(phrase)
        sorts = BIT[sort] | (known.sorts if known else 0)
        # The first list that names a phrase says what to do about it.
        entries[phrase] = Entry(len(phrase), sorts, (known and known.suggestion) or suggestion)
    signs = {" ".join(words_of(text)): sign for sign, texts in file.signs.items() for text in texts}
    longest_first = tuple(sorted(endings, key=len, reverse=True))
    return Language(
        file.language, file.messages, file.reasons, _single(entries), _longer(entries), longest_first, signs
    )


def _single(entries: Mapping[Phrase, Entry]) -> dict[str, Entry]:
    return {phrase[0]: entry for phrase, entry in entries.items() if len(phrase) == 1}


def _longer(entries: Mapping[Phrase, Entry]) -> dict[str, dict[str, tuple[tuple[Phrase, Entry], ...]]]:
    found: dict[str, dict[str, tuple[tuple[Phrase, Entry], ...]]] = {}
    for phrase, entry in sorted(entries.items(), key=lambda one: -len(one[0])):
        if len(phrase) > 1:
            seconds = found.setdefault(phrase[0], {})
            seconds[phrase[1]] = (*seconds.get(phrase[1], ()), (phrase, entry))
    return found


def _listed(file: _File) -> Iterator[tuple[str, str, str]]:
    for sort, given in file.words.items():
        for group in given.values() if isinstance(given, dict) else (given,):
            yield from ((sort, text, group.suggestion) for text in group.phrases)


def _conjugated(file: _File, endings: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for sort, verbs in file.verbs.items():
        if isinstance(verbs, _Verbs):
            made = (form for base in verbs.base for form in forms(base, verbs.endings or endings))
            yield from ((sort, text, "") for text in chain(made, verbs.also))


def forms(base: str, endings: Iterable[str]) -> set[str]:
    """The forms of a verb: with each ending, with a final e dropped, with the last letter doubled, with y become i.

    Some of them are no words; nobody writes those, so they do no harm.
    """
    made = {base}
    for ending in endings:
        made |= {base + ending, base + base[-1] + ending}
        if base.endswith("e"):
            made.add(base[:-1] + ending)
        if base.endswith("y"):
            made.add(base[:-1] + "i" + ending)
    return made


def words_of(text: str) -> Phrase:
    """A phrase as its tokens, as a text would have them.

    Raises:
        LanguageError: it has none, or too many.
    """
    words = tuple(token.word for token in tokens(text))
    if not 1 <= len(words) <= MOST_WORDS_IN_A_PHRASE:
        raise LanguageError(f"{text!r}: expected 1 to {MOST_WORDS_IN_A_PHRASE} words")
    return words
