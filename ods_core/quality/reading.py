"""A text as a checker reads it: the phrases of a language found in its tokens, and questions about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ods_core.quality.language import BIT, Entry, Language, Phrase
from ods_core.quality.tokens import Token, tokens

WORD, NUMBER, STOP, LINE = "word", "number", "stop", "line"
_UNKNOWN = Entry(1, 0, "")
_CONTENT = frozenset({"word", "number", "quote", "link", "tag"})
_COUNT = BIT["number"]
_new = tuple.__new__
"""Makes a Piece as Piece(…) would, without a call of Python for each of them: there are as many as words."""
_TOLD = frozenset({"number", "quote", "link"})


class Piece(NamedTuple):
    """A word, a phrase of the language, or another token.

    Attributes:
        word: its words as the language has them, joined by spaces.
        kind: the kind of its first token.
        start: where it begins in the text.
        end: where it ends, that place excluded.
        sorts: what the language says it is, as bits of SORTS.
        suggestion: what the language says to do about it.
    """

    word: str
    kind: str
    start: int
    end: int
    sorts: int
    suggestion: str

    @property
    def is_content(self) -> bool:
        """Whether it says something: a word, a number, a quotation."""
        return self.kind in _CONTENT

    @property
    def is_told(self) -> bool:
        """Whether it is exact by itself: a number, a quotation, a link, an identifier."""
        return self.kind in _TOLD or "_" in self.word


class Reading:
    """A text, its pieces, and all that they are together."""

    __slots__ = ("content", "numbers", "pieces", "sorts", "text")

    def __init__(self, text: str, pieces: list[Piece]) -> None:
        self.text = text
        self.pieces = pieces
        self.content = [piece for piece in self.pieces if piece.kind in _CONTENT]
        self.numbers = [i for i, p in enumerate(self.pieces) if p.kind == NUMBER or p.sorts & _COUNT]
        sorts = 0
        for piece in self.pieces:
            sorts |= piece.sorts
        self.sorts = sorts

    def has(self, sorts: int) -> bool:
        """Whether some piece is one of these."""
        return bool(self.sorts & sorts)

    def places(self, sorts: int) -> Iterator[int]:
        """The places of the pieces that are one of these."""
        if not self.sorts & sorts:
            return iter(())
        return (i for i, piece in enumerate(self.pieces) if piece.sorts & sorts)

    def of(self, i: int) -> int:
        """What the piece at a place is; nothing before the first and after the last."""
        return self.pieces[i].sorts if 0 <= i < len(self.pieces) else 0

    def kind(self, i: int) -> str:
        """The kind of the piece at a place; empty before the first and after the last."""
        return self.pieces[i].kind if 0 <= i < len(self.pieces) else ""

    def sentences(self) -> list[Reading]:
        """Its sentences and lines, each as a reading of the same text, so that places stay."""
        parts: list[list[Piece]] = [[]]
        for piece in self.pieces:
            parts[-1].append(piece)
            if piece.kind == LINE or (piece.kind == STOP and not self.text[piece.end : piece.end + 1].strip()):
                parts.append([])
        return [Reading(self.text, part) for part in parts if part]

    def ahead(self, i: int, count: int) -> Sequence[Piece]:
        """At most so many pieces after a place, up to the end of its clause."""
        found = self.pieces[i + 1 : i + 1 + count]
        ends = (n for n, piece in enumerate(found) if piece.kind in (STOP, LINE) or piece.word in (",", ";"))
        return found[: next(ends, len(found))]


MOST_READ = 20_000
"""Characters of a text that are read; a criterion of more was pasted by mistake, and its beginning says so."""


def read(text: str, language: Language) -> Reading:
    """Read a text, or as much of it as anybody would."""
    return Reading(text, _pieces(tokens(text[:MOST_READ]), language))


def _pieces(given: list[Token], language: Language) -> list[Piece]:
    made: list[Piece] = []
    singles, longer = language.words, language.longer
    words = [token.word for token in given]
    i = 0
    while i < len(given):
        word, kind, start, end = given[i]
        entry = singles.get(word, _UNKNOWN)
        if word in longer:
            entry = _longest(words, i, longer[word]) or entry
        length = entry.length
        if length > 1:
            word, end = " ".join(words[i : i + length]), given[i + length - 1].end
        made.append(_new(Piece, (word, kind, start, end, entry.sorts, entry.suggestion)))
        i += length
    return made


def _longest(words: list[str], i: int, seconds: Mapping[str, tuple[tuple[Phrase, Entry], ...]]) -> Entry | None:
    """The longest phrase that begins at a place, of those with the same first word."""
    known = seconds.get(words[i + 1]) if i + 1 < len(words) else None
    for phrase, entry in known or ():
        if entry.length == 2 or tuple(words[i : i + entry.length]) == phrase:
            return entry
    return None


def sort(*names: str) -> int:
    """The bits of some of SORTS."""
    bits = 0
    for name in names:
        bits |= BIT[name]
    return bits
