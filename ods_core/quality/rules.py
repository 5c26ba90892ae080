"""The rules: each reads one criterion and says where it falls short.

A rule yields the places it is about, as `Hit`s; what to say about them is the language's. The rules know words by what
they are (a metric, a unit, a verb that can be seen), never by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from ods_core.quality.reading import NUMBER, Piece, Reading, sort

MOST_HITS = 20
"""Findings of one code on one criterion; a text with more of them is not read more closely."""

_VAGUE, _PREDICATE = sort("vague"), sort("vague_predicate")
_BEING, _VERBISH = sort("being"), sort("being", "having", "weak", "modal")
_GAP, _GAP_AT_END, _FILLER, _PLACEHOLDER = sort("gap"), sort("gap_at_end"), sort("filler"), sort("placeholder")
_STOP_WORD, _OPEN, _AND_OR, _PRONOUN = sort("stop"), sort("open"), sort("and", "or"), sort("pronoun")
_COUNT, _EVIDENCE, _PRODUCT, _SHOWN_BY = sort("number"), sort("evidence"), sort("product"), sort("shown_by")
_PERCENT, _RATE, _LATENCY, _DURATION = sort("percent"), sort("rate_unit"), sort("latency_unit"), sort("duration_unit")
_INSTANT, _SIZE, _METRIC, _JOB, _GIVEN, _BOUND = (
    sort("instant_unit"),
    sort("size_unit"),
    sort("metric"),
    sort("job"),
    sort("given"),
    sort("bound"),
)
_CONDITION, _WHEN, _OVER, _PERIOD = sort("condition"), sort("when"), sort("over"), sort("period")
_FOREVER, _ABSOLUTE, _UNIVERSAL, _ABSENCE = sort("forever"), sort("absolute"), sort("universal"), sort("absence")
_OPEN_NOUN, _CLOSED_NOUN, _CLOSING = sort("open_noun"), sort("closed_noun"), sort("closing")
_OBSERVABLE, _WEAK, _AMBIGUOUS = sort("observable"), sort("weak"), sort("ambiguous")
_DETERMINER, _CLAIM, _ABSTRACT = sort("determiner"), sort("claim"), sort("abstract")


SHORT = 4
"""Words below which a criterion may be empty of meaning without a word that says so: "xxx", "the", "<text>"."""
MOST_WORDS_AT_A_GAP = 4
"""Words beside a mark like "TBD" that make no criterion of it yet."""


class Hit(NamedTuple):
    """The places that a rule is about: code points of the text, the end excluded, and what to do if it says more."""

    start: int
    end: int
    suggestion: str = ""


def _at(piece: Piece) -> Hit:
    return Hit(piece.start, piece.end, piece.suggestion)


def whole(text: str) -> Hit:
    """The text without the space around it."""
    start = len(text) - len(text.lstrip())
    return Hit(start, max(len(text.rstrip()), start))


# Not written yet.


def is_placeholder(reading: Reading) -> bool:
    """Whether there is no criterion yet: nothing said, or nothing but that something will be."""
    content = reading.content
    if len(content) > SHORT and not reading.has(_PLACEHOLDER | _GAP | _GAP_AT_END | _FILLER):
        return False
    told = [piece for piece in content if not piece.sorts & (_PLACEHOLDER | _STOP_WORD) and piece.kind != "tag"]
    if not told or reading.has(_FILLER) or _is_one_letter(content):
        return True
    if len(told) > MOST_WORDS_AT_A_GAP or any(piece.is_told for piece in told):
        return False
    return reading.has(_GAP) or bool(content[-1].sorts & _GAP_AT_END) or _begins_with_gap(content)


def _begins_with_gap(content: Sequence[Piece]) -> bool:
    """Whether nothing is said before the gap: "to be agreed with the client", "criteria to be defined later"."""
    empty = takewhile(lambda piece: piece.sorts & (_PLACEHOLDER | _STOP_WORD), content)
    return any(piece.sorts & _GAP_AT_END for piece in empty)


def _is_one_letter(content: list[Piece]) -> bool:
    return all(piece.kind == "word" and len(set(piece.word)) == 1 for piece in content)


# Words that cannot be decided.


def vague_terms(reading: Reading) -> Iterator[Hit]:
    """Words that two readers would decide differently, unless a measure stands beside them."""
    return (_at(piece) for piece in _undecidable(reading))


def _undecidable(reading: Reading) -> Iterator[Piece]:
    for i in reading.places(_VAGUE | _PREDICATE):
        piece = reading.pieces[i]
        if (piece.sorts & _VAGUE or _is_said_of_something(reading, i)) and not _is_pinned(reading, i):
            yield piece


def is_opinion(reading: Reading) -> bool:
    """Whether it says how good something is; "as needed" only leaves open how much of it there is."""
    return any(not piece.sorts & _OPEN for piece in _undecidable(reading))


def _is_said_of_something(reading: Reading, i: int) -> bool:
    """Whether a word stands as what is said of a thing ("is high"), not in front of its name ("high findings")."""
    after = reading.pieces[i + 1] if i + 1 < len(reading.pieces) else None
    is_last = after is None or not after.is_content or bool(after.sorts & _AND_OR)
    return is_last and i > 0 and bool(reading.of(i - 1) & (_VERBISH | _VAGUE | _STOP_WORD))


def _is_pinned(reading: Reading, i: int) -> bool:
    """Whether a measure explains the word: "fast (under 2 s)", "well below 200 ms", "quick: 3 clicks"."""
    after = reading.pieces[i + 1 : i + 10]
    if not after:
        return False
    if after[0].word in ("(", ":", "=", "<", ">", "≤", "≥", "<=", ">=", "i.e", "–", "—", "-"):
        return any(piece.kind == NUMBER for piece in after)
    return bool(after[0].sorts & _SHOWN_BY) and any(piece.sorts & _EVIDENCE for piece in after)


# More belongs to it than it says.


def open_scopes(reading: Reading) -> Iterator[Hit]:
    """Words that leave open what else belongs to it."""
    for i in reading.places(_OPEN | _GAP | _GAP_AT_END):
        # What the lists suggest for these words is what to do about their vagueness.
        yield _at(reading.pieces[i])._replace(suggestion="")


# Without a bound.


def unbounded(reading: Reading) -> Iterator[Hit]:
    """Always, never, all, none and 100 % where nothing closes the time or the set."""
    if not (reading.has(_FOREVER | _ABSOLUTE | _UNIVERSAL | _ABSENCE) or reading.has(_PERCENT)):
        return
    closed = names_evidence(reading) or has_period(reading) or any(_is_case_count(reading, i) for i in reading.numbers)
    numbers = len(reading.numbers)
    for i, piece in enumerate(reading.pieces):
        if piece.sorts & (_FOREVER | _ABSOLUTE):
            if not closed and not _explains_itself(reading, i):
                yield _at(piece)
        elif piece.sorts & _UNIVERSAL:
            if not closed and _is_open_set(reading, i):
                yield _span(piece, _noun_after(reading, i))
        elif piece.sorts & _ABSENCE:
            if not closed and numbers == _is_number(piece) and _noun_after(reading, i):
                yield _span(piece, _noun_after(reading, i))
        elif piece.word == "100" and reading.of(i + 1) & _PERCENT and not closed and numbers == 1:
            yield from () if reading.has(_GIVEN | _CONDITION) else [Hit(piece.start, reading.pieces[i + 1].end)]


def _span(piece: Piece, noun: Piece | None) -> Hit:
    return Hit(piece.start, noun.end if noun else piece.end)


def _explains_itself(reading: Reading, i: int) -> bool:
    """Whether a number or a quotation follows: "never more than 3 seats", "always the text “Pay now”"."""
    return any(p.is_told for p in reading.ahead(i, 4)) and not reading.of(i + 1) & _BEING


def _is_open_set(reading: Reading, i: int) -> bool:
    ahead = reading.ahead(i, 6)
    if any(p.kind == NUMBER or p.sorts & (_COUNT | _CLOSING) for p in ahead[:5]):
        return False
    word = reading.pieces[i].word
    if word == "all":
        return not any(p.sorts & _CLOSED_NOUN for p in ahead[:4]) and not _is_closed_by_place(ahead)
    if word in ("any", "every"):
        return any(p.sorts & _OPEN_NOUN for p in ahead[:2]) and not _is_closed_by_place(ahead)
    return True


_CLOSING_PLACES = ("of", "in", "from", "on", "that", "which", "who", "within", "for", "with", "at")


def _is_closed_by_place(pieces: Sequence[Piece]) -> bool:
    """Whether the noun says of what it is: "all fields of the form", "every order that was paid"."""
    for n, piece in enumerate(pieces[1:4], 1):
        if piece.sorts & (_VERBISH | _OBSERVABLE) and piece.word not in _CLOSING_PLACES:
            return False
        if piece.word in _CLOSING_PLACES:
            return n + 1 < len(pieces) and not pieces[n + 1].sorts & (_FOREVER | _UNIVERSAL)
    return False


def _noun_after(reading: Reading, i: int) -> Piece | None:
    """The noun of a set without an end that follows, at most two words on."""
    return next((p for p in reading.ahead(i, 3) if p.sorts & _OPEN_NOUN), None)


def _is_number(piece: Piece) -> bool:
    return piece.kind == NUMBER or bool(piece.sorts & _COUNT)


# A figure, and the condition under which it holds.


class Figure(NamedTuple):
    """A number that means nothing without its condition: where, and whether one look could show it."""

    start: int
    end: int
    place: int
    is_statistic: bool


def figures(reading: Reading) -> list[Figure]:
    """The shares, rates, times and measures of a criterion that depend on something."""
    return [figure for figure in (_figure(reading, i) for i in reading.numbers) if figure]


def _figure(reading: Reading, i: int) -> Figure | None:
    piece, unit = reading.pieces[i], reading.of(i + 1)
    end = reading.pieces[i + 1].end if unit & (_PERCENT | _RATE | _LATENCY | _DURATION | _SIZE) else piece.end
    if unit & _PERCENT:
        return None if reading.has(_GIVEN) or piece.word in ("0", "100") else Figure(piece.start, end, i, True)
    rate = next((p for p in reading.ahead(i, 4) if p.sorts & _RATE), None)
    if rate:
        return None if _is_itself_condition(reading, i) else Figure(piece.start, rate.end, i, True)
    bounded = bool(reading.of(i - 1) & _BOUND)
    if unit & (_LATENCY | _DURATION) and bounded and _is_time_taken(reading, i):
        return Figure(piece.start, end, i, bool(unit & _INSTANT) or reading.has(_METRIC))
    if reading.has(_METRIC) and bounded and (unit & _SIZE or _is_metric_value(reading, i)):
        return Figure(piece.start, end, i, True)
    return None


def _is_time_taken(reading: Reading, i: int) -> bool:
    """Whether a time is how long work takes, not how soon something follows an event."""
    if reading.of(i - 1) & _OVER and reading.pieces[i - 1].word not in ("of", "on"):
        return False
    if reading.of(i + 1) & _INSTANT:
        return True
    after = reading.pieces[i + 2].word if i + 2 < len(reading.pieces) else ""
    return reading.has(_METRIC | _JOB) and after not in ("of", "after", "from")


def _is_metric_value(reading: Reading, i: int) -> bool:
    after = reading.pieces[i + 1] if i + 1 < len(reading.pieces) else None
    return after is None or not after.is_content or bool(after.sorts & (_DETERMINER | _WHEN))


def _is_itself_condition(reading: Reading, i: int) -> bool:
    """Whether a rate is the load under which something else holds: "at 120 queries per second"."""
    return reading.pieces[i - 1].word in ("at", "with", "under", "of") if i else False


def has_period(reading: Reading) -> bool:
    """Whether it says over which time: "for 30 days", "48 hour", "14 consecutive days"."""
    for i in reading.places(_PERIOD):
        before = reading.pieces[max(i - 4, 0) : i]
        if any(p.kind == NUMBER or p.sorts & _COUNT for p in before) and any(p.sorts & _OVER for p in before):
            return True
    return any(reading.of(i + 1) & _PERIOD and _is_hyphened(reading, i) for i in reading.numbers)


def _is_hyphened(reading: Reading, i: int) -> bool:
    end = reading.pieces[i].end
    return reading.text[end : end + 1] == "-"


def has_condition(reading: Reading, figure: Figure) -> bool:
    """Whether it says under what a figure holds."""
    if reading.has(_CONDITION | _WHEN) or has_period(reading):
        return True
    return any(i != figure.place and _is_circumstance(reading, i) for i in reading.numbers)


_UNDER = ("at", "with", "under", "on", "for", "from", "across", "against", "of", "in")


def _is_circumstance(reading: Reading, i: int) -> bool:
    """Whether a number belongs to what a figure is taken on: a device, a load, a count of cases."""
    if reading.of(i + 1) & (_PERCENT | _LATENCY):
        return False
    before = reading.pieces[max(i - 4, 0) : i]
    named = bool(before) and before[-1].kind == "word" and reading.text[before[-1].start].isupper() and i > 1
    return named or any(p.word in _UNDER for p in before)


def no_condition(reading: Reading, known: list[Figure]) -> Iterator[Hit]:
    """The first figure, where nothing says under what it holds."""
    for figure in known[:1]:
        if not has_condition(reading, figure):
            yield Hit(figure.start, figure.end)


# Something to measure or to observe, and what shows it.


def is_observable(reading: Reading) -> bool:
    """Whether a verb says what can be seen to be so or not."""
    easy = False
    for i, piece in enumerate(reading.pieces):
        easy = easy or bool(piece.sorts & _VAGUE)
        after_to = i > 0 and reading.pieces[i - 1].word == "to"
        is_said = piece.sorts & _OBSERVABLE and not piece.sorts & (_AMBIGUOUS | _WEAK)
        if is_said and not (easy and after_to) and not (piece.word.endswith("ing") and reading.of(i - 1) & _VAGUE):
            return True
    return False


def is_ambiguous_verb(reading: Reading, i: int) -> bool:
    """Whether a word that is a noun as often stands where a verb does: after a noun, before what it acts on."""
    if not reading.of(i) & _AMBIGUOUS or i == 0 or i + 1 >= len(reading.pieces):
        return False
    before, after = reading.pieces[i - 1], reading.pieces[i + 1]
    if not before.is_content or before.sorts & (_DETERMINER | _AND_OR | _COUNT) or before.kind == NUMBER:
        return False
    if _goes_on(reading, i):
        return True
    return after.is_told or bool(after.sorts & (_COUNT | _PRONOUN)) or after.word in _AFTER_A_VERB


def _goes_on(reading: Reading, i: int) -> bool:
    """Whether a form in -s goes on to a name or a place: "writes UTF-8", "links to the imprint"."""
    before, piece, after = reading.pieces[i - 1 : i + 2]
    if not piece.word.endswith("s") or before.sorts & (_VERBISH | _OBSERVABLE | _VAGUE) or before.word.endswith("s"):
        return False
    return after.word == "to" or (after.kind == "word" and reading.text[after.start].isupper())


_AFTER_A_VERB = (
    "the",
    "a",
    "an",
    "each",
    "every",
    "all",
    "no",
    "its",
    "their",
    "at",
    "with",
    "under",
    "within",
    "<",
    ">",
)


def is_unmeasured(reading: Reading, is_open_ended: bool) -> bool:
    """Whether there is nothing to measure or to observe."""
    if reading.numbers or any(piece.is_told or piece.kind == "sign" for piece in reading.pieces):
        return False
    if is_observable(reading):
        return False
    judges = is_opinion(reading)
    if not judges and (is_open_ended or is_opinion_with_evidence(reading)):
        return False
    if any(_is_weak_verb(reading, i) for i in reading.places(_WEAK)):
        return True
    if not judges and not reading.has(_ABSTRACT):
        return False
    return not any(is_ambiguous_verb(reading, i) for i in reading.places(_AMBIGUOUS))


def _is_weak_verb(reading: Reading, i: int) -> bool:
    return i == 0 or not reading.of(i) & _AMBIGUOUS or is_ambiguous_verb(reading, i)


def names_evidence(reading: Reading) -> bool:
    """Whether it says what will show that it is met."""
    return reading.has(_EVIDENCE | _SHOWN_BY)


def needs_evidence(reading: Reading, known: list[Figure]) -> bool:
    """Whether it claims what no single look can show, and no count of cases either."""
    return reading.has(_CLAIM) or any(f.is_statistic and not _is_counted(reading, f) for f in known[:MOST_HITS])


def _is_counted(reading: Reading, figure: Figure) -> bool:
    """Whether it says on how many cases: "on 2,000 labelled documents", "of the 50 tries"."""
    others = (i for i in reading.numbers if i != figure.place and reading.kind(i) == NUMBER)
    return any(_is_case_count(reading, i) for i in others)


def _is_case_count(reading: Reading, i: int) -> bool:
    units = _PERCENT | _RATE | _LATENCY | _DURATION | _SIZE | _PERIOD
    before = [p.word for p in reading.pieces[max(i - 2, 0) : i]]
    measured = reading.of(i + 1) & units or any(p.sorts & _RATE for p in reading.ahead(i, 4))
    return not measured and any(word in before for word in ("on", "of", "in", "over", "across"))


def is_opinion_with_evidence(reading: Reading) -> bool:
    """Whether an opinion leans on evidence: not on a report that it is about, but on one that shows it."""
    return any(
        piece.sorts & _SHOWN_BY or (piece.sorts & _EVIDENCE and not piece.sorts & _PRODUCT) for piece in reading.pieces
    )
