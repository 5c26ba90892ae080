"""Whether a text holds several things to decide: its clauses, counted.

A text falls into segments at commas, semicolons, "and", stops and line ends. A segment that has a subject and a verb
of its own is a clause; one that begins with a verb goes on with the subject before it. What begins with "as", "which",
"when" and their like belongs to the clause before or after it and counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ods_core.quality.reading import LINE, NUMBER, STOP, WORD, Piece, Reading, sort
from ods_core.quality.rules import Hit, is_ambiguous_verb

MOST_CLAUSES = 1
MOST_PREDICATES = 2
"""A step and the step that follows from it ("deployed and monitored") are one thing; a third is another."""

_AND, _THEN, _WHEN = sort("and"), sort("then"), sort("when")
_SUBORDINATE, _RELATIVE = sort("subordinate", "shown_by", "when"), sort("relative")
_AUXILIARY, _VERB = sort("being", "modal", "having"), sort("observable", "weak")
_AMBIGUOUS, _NO_SUBJECT = sort("ambiguous"), sort("determiner", "being", "modal", "having", "and", "or", "stop")
_PRONOUN, _DETERMINER = sort("pronoun"), sort("determiner")
_NO_NOUN = sort("determiner", "stop", "bound", "number", "when", "and", "or", "over", "relative", "subordinate")


_SEPARATORS = re.compile(r"[,;\n]|[.!?]\s")


@dataclass(slots=True)
class Segment:
    """A run of pieces between two separators: the places of its pieces, and what stood before it."""

    places: list[int] = field(default_factory=list)
    after: str = "start"
    """`start`, `and`, `comma`, `stop`."""


def compound(reading: Reading) -> Iterator[Hit]:
    """The second thing to decide, where there is more than one."""
    if not reading.has(_AND) and not _SEPARATORS.search(reading.text):
        return
    clauses: list[Segment] = []
    predicates: list[Segment] = []
    waiting = False
    for segment in _segments(reading):
        first = reading.pieces[segment.places[0]]
        if first.sorts & _THEN:
            # What came before was the situation, not a thing to decide.
            clauses, predicates, waiting = [], [], False
        if waiting and segment.after == "and":
            continue
        waiting = bool(first.sorts & _WHEN)
        if first.sorts & _SUBORDINATE:
            continue
        head = _head(reading, segment)
        waiting = len(head) < len(segment.places)
        if _is_clause(reading, head):
            clauses.append(segment)
        elif segment.after != "stop" and _is_predicate(reading, head):
            predicates.append(segment)
    too_many = clauses[MOST_CLAUSES:] or (len(clauses) + len(predicates) > MOST_PREDICATES and predicates[-1:])
    if too_many:
        yield _about(reading, too_many[0])


def _about(reading: Reading, segment: Segment) -> Hit:
    return Hit(reading.pieces[segment.places[0]].start, reading.pieces[segment.places[-1]].end)


def _segments(reading: Reading) -> Iterator[Segment]:
    segment = Segment()
    for i, piece in enumerate(reading.pieces):
        separator = _separator(reading, i, piece)
        if separator:
            # "…, and …" is one separator, the comma.
            after = segment.after if separator == "and" and not segment.places and i else separator
            if segment.places:
                yield segment
            segment = Segment(after=after)
        elif piece.kind != "dash":
            segment.places.append(i)
    if segment.places:
        yield segment


def _separator(reading: Reading, i: int, piece: Piece) -> str:
    if piece.sorts & _AND:
        return "and"
    if piece.word in (",", ";"):
        return "comma"
    if piece.kind == LINE or (piece.kind == STOP and not reading.text[piece.end : piece.end + 1].strip()):
        return "stop"
    return ""


def _head(reading: Reading, segment: Segment) -> Sequence[int]:
    """A segment up to its relative clause."""
    places = segment.places
    cut = (n for n, i in enumerate(places) if n and reading.pieces[i].sorts & _RELATIVE)
    return places[: next(cut, len(places))]


def _is_clause(reading: Reading, head: Sequence[int]) -> bool:
    """Whether it has a subject of its own before a verb of its own."""
    if reading.pieces[head[0]].sorts & _PRONOUN:
        return False
    has_subject = False
    for n, i in enumerate(head):
        piece = reading.pieces[i]
        if n and has_subject and _is_verb(reading, i):
            return True
        has_subject = has_subject or (
            piece.kind == WORD and not piece.sorts & _NO_SUBJECT and not _is_only_verb(piece, n)
        )
    return False


def _is_only_verb(piece: Piece, n: int) -> bool:
    return n == 0 and bool(piece.sorts & _VERB) and not piece.sorts & _AMBIGUOUS


def _is_verb(reading: Reading, i: int) -> bool:
    piece = reading.pieces[i]
    if piece.sorts & _AUXILIARY:
        return True
    if piece.sorts & _AMBIGUOUS:
        return is_ambiguous_verb(reading, i)
    before = reading.pieces[i - 1]
    if not piece.sorts & _VERB or piece.word.endswith("ing") or before.sorts & _DETERMINER:
        return False
    # A participle before a noun is an adjective: "the approved list".
    return not (piece.word.endswith("ed") and _goes_on_with_noun(reading, i))


def _goes_on_with_noun(reading: Reading, i: int) -> bool:
    after = reading.pieces[i + 1] if i + 1 < len(reading.pieces) else None
    return after is not None and after.kind == WORD and not after.sorts & _NO_NOUN


def _is_predicate(reading: Reading, head: Sequence[int]) -> bool:
    """Whether it begins with a verb, and so goes on with the subject before it."""
    first = reading.pieces[head[0]]
    if first.sorts & _AUXILIARY:
        return len(head) > 1
    finished = first.word.endswith("ed") or first.word.endswith("s")
    return bool(first.sorts & _VERB) and not first.sorts & _AMBIGUOUS and finished and first.kind != NUMBER
