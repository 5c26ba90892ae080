"""The reason of a rejection: whether the provider can act on it.

A rejection is worth a remediation cycle when it names the criteria that were not met and says what was seen. The check
reads it beside the deliverable's own criteria and its earlier rejections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from ods_core.quality.findings import Finding, ReasonCode, found
from ods_core.quality.language import Language, language
from ods_core.quality.likeness import ALIKE, essence, likeness
from ods_core.quality.reading import NUMBER, Piece, Reading, read, sort
from ods_core.quality.rules import whole

NAMED_BY_ITS_WORDS = 0.5
"""Share of a criterion's words that a reason repeats, from which on it names the criterion without its number."""
NEW = 0.5
"""Share of a demand's words that no criterion has, from which on it is a new demand."""
FEWEST_WORDS = 4
"""Words that say what was seen, at least; a number, a quotation or a link says it by itself."""
FEWEST_NAMED = 2

_CRITERION, _GENERIC, _DEMAND, _FAILURE = sort("criterion"), sort("generic"), sort("demand"), sort("failure")
_EVIDENCE, _PLACEHOLDER, _STOP, _AND = sort("evidence"), sort("placeholder", "filler"), sort("stop"), sort("and", "or")
_EMPTY = _GENERIC | _PLACEHOLDER | _STOP | _CRITERION | sort("vague", "vague_predicate", "pronoun", "being", "modal")


@dataclass(frozen=True, slots=True)
class NotMet:
    """A criterion that a rejection names: its place in the deliverable, from 1, and what shows it."""

    criterion: int
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A decision against a deliverable: the attempt it was about, why, and which criteria were not met."""

    attempt: int
    reason: str
    not_met: Sequence[NotMet] = ()


@dataclass(slots=True)
class _Matter:
    """A reason with all that it is read beside."""

    text: str
    not_met: Sequence[NotMet]
    known: Language
    reading: Reading
    criteria: list[frozenset[str]]
    numbers: list[Piece] = field(default_factory=list)
    """Numbers of criteria that the text itself names."""
    named: set[int] = field(default_factory=set)
    seen: Reading = field(default_factory=lambda: Reading("", []))
    """The reason without what it asks for anew."""
    is_concrete: bool = False


def check_reason(
    rejection_reason: str,
    not_met: Sequence[NotMet],
    criteria: Sequence[str],
    earlier: Sequence[Rejection] = (),
    *,
    about: str = "",
    known: Language | None = None,
) -> list[Finding]:
    """What a rejection would be better without; places are those in the reason.

    Args:
        rejection_reason: why, in a person's words.
        not_met: the criteria that it names.
        criteria: the deliverable's own, in their order.
        earlier: the deliverable's rejections so far, oldest first.
        about: the deliverable's title and description; what they speak of is no new demand.
        known: the language, English unless given.
    """
    known = known or language()
    matter = _matter(rejection_reason, not_met, criteria, known)
    demands = _new_demands(matter, essence(read(about, known), known))
    # What is asked for anew does not say what was seen.
    matter.seen = _without(matter.reading, demands)
    matter.is_concrete = is_concrete(matter.seen, [piece.start for piece in matter.numbers])
    return [
        *_without_criterion(matter, len(criteria)),
        *_without_evidence(matter),
        *_generic(matter),
        *demands,
        *_repeated(matter, earlier),
    ]


def _matter(text: str, not_met: Sequence[NotMet], criteria: Sequence[str], known: Language) -> _Matter:
    matter = _Matter(text, not_met, known, read(text, known), [essence(read(c, known), known) for c in criteria])
    matter.numbers = _numbers_named(matter.reading)
    words = essence(matter.reading, known)
    matter.named = {x.criterion for x in not_met} | {int(p.word) for p in matter.numbers}
    matter.named |= {n for n, own in enumerate(matter.criteria, 1) if _is_named_by_words(own, words)}
    return matter


def _without(reading: Reading, demands: Sequence[Finding]) -> Reading:
    starts = {demand.start for demand in demands}
    kept = [one for one in reading.sentences() if not one.content or one.content[0].start not in starts]
    return Reading(reading.text, [piece for sentence in kept for piece in sentence.pieces])


def _numbers_named(reading: Reading) -> list[Piece]:
    """The numbers after a word for criterion: "criterion 2", "criteria 1, 2 and 3"."""
    named: list[Piece] = []
    reads_on = False
    for piece in reading.pieces:
        if piece.sorts & _CRITERION:
            reads_on = True
        elif reads_on and piece.kind == NUMBER and piece.word.isdecimal() and len(piece.word) <= len("1000"):
            named.append(piece)
        elif not (piece.word in (",", "#", ":") or piece.sorts & _AND):
            reads_on = False
    return named


def _is_named_by_words(own: Set[str], words: Set[str]) -> bool:
    own = {word for word in own if word[0].isalpha()}
    shared = len(own & words)
    return shared >= FEWEST_NAMED and shared >= NAMED_BY_ITS_WORDS * len(own)


def is_concrete(reading: Reading, apart: Iterable[int] = ()) -> bool:
    """Whether a text says what was seen: a figure, a quotation, a link, or what a test, log or report showed.

    Args:
        apart: where numbers stand that are no figures but name a criterion.
    """
    ignored = set(apart)
    if any(piece.is_told and piece.start not in ignored for piece in reading.pieces):
        return True
    telling = [piece for piece in reading.content if not piece.sorts & _EMPTY]
    return len(telling) >= FEWEST_WORDS and reading.has(_EVIDENCE | _FAILURE)


def says_something(text: str, known: Language) -> bool:
    """Whether a text given as evidence is any: figures or links, or words that do not fit any rejection."""
    reading = read(text, known)
    telling = [piece for piece in reading.content if not piece.sorts & _EMPTY]
    return len(telling) >= FEWEST_WORDS - 1 or any(piece.is_told for piece in telling)


def _without_criterion(matter: _Matter, count: int) -> Iterator[Finding]:
    said = matter.known.reasons
    if not matter.named:
        whole = _whole(matter.text)
        yield found(ReasonCode.NO_CRITERION, said["no_criterion"], matter.text, *whole)
    places = {int(piece.word): piece for piece in matter.numbers}
    for number in sorted(matter.named):
        if not 1 <= number <= count:
            start, end = _place_of(places, number)
            unknown = said["unknown_criterion"]
            yield found(ReasonCode.UNKNOWN_CRITERION, unknown, matter.text, start, end, number=number, known=count)


def _place_of(places: dict[int, Piece], number: int) -> tuple[int, int]:
    return (places[number].start, places[number].end) if number in places else (0, 0)


def _without_evidence(matter: _Matter) -> Iterator[Finding]:
    """Of each criterion that is named, whether something shows it; the reason itself speaks for one alone."""
    said = matter.known.reasons
    if not matter.not_met:
        if not matter.is_concrete:
            yield found(ReasonCode.NO_EVIDENCE, said["no_evidence_at_all"], matter.text, *_whole(matter.text))
        return
    if len(matter.not_met) == 1 and matter.is_concrete:
        return
    told = _told_of(matter.reading)
    for x in matter.not_met:
        if x.criterion not in told and not says_something(x.evidence, matter.known):
            yield found(ReasonCode.NO_EVIDENCE, said["no_evidence"], matter.text, 0, 0, number=x.criterion)


def _told_of(reading: Reading) -> set[int]:
    """The criteria that a reason names by number, in a sentence that says what was seen."""
    told: set[int] = set()
    for sentence in reading.sentences():
        numbers = _numbers_named(sentence)
        if numbers and is_concrete(sentence, [p.start for p in numbers]):
            told |= {int(p.word) for p in numbers}
    return told


def _generic(matter: _Matter) -> Iterator[Finding]:
    """A reason that says nothing but that it was rejected."""
    telling = [piece for piece in matter.seen.content if not piece.sorts & _EMPTY]
    phrases = [piece for piece in matter.seen.pieces if piece.sorts & _GENERIC]
    if matter.is_concrete or len(telling) > FEWEST_NAMED:
        return
    says_nothing = (
        not telling
        and not _asks_only(matter)
        and not any(says_something(x.evidence, matter.known) for x in matter.not_met)
    )
    if phrases or says_nothing:
        start, end = (phrases[0].start, phrases[0].end) if phrases else _whole(matter.text)
        yield found(ReasonCode.GENERIC, matter.known.reasons["generic"], matter.text, start, end)


def _asks_only(matter: _Matter) -> bool:
    """Whether nothing is left beside what is asked for anew; that is told by itself."""
    return not matter.seen.content and bool(matter.reading.content)


def _new_demands(matter: _Matter, about: frozenset[str]) -> list[Finding]:
    """Sentences that ask for something of which no criterion speaks."""
    demands: list[Finding] = []
    known = frozenset().union(about, *matter.criteria)
    for sentence in matter.reading.sentences():
        if not sentence.has(_DEMAND):
            continue
        asked = essence(Reading(sentence.text, [p for p in sentence.pieces if not p.sorts & _UNASKED]), matter.known)
        if asked and len(asked - known) >= max(NEW * len(asked), 1):
            start, end = sentence.content[0].start, sentence.content[-1].end
            demands.append(found(ReasonCode.NEW_DEMAND, matter.known.reasons["new_demand"], matter.text, start, end))
    return demands


_UNASKED = _DEMAND | _GENERIC | _STOP | sort("pronoun", "modal", "being", "having", "vague")


def _repeated(matter: _Matter, earlier: Sequence[Rejection]) -> Iterator[Finding]:
    """Whether it says what the last rejection said, with nothing new in the evidence."""
    if not earlier:
        return
    last = earlier[-1]
    now, then = essence(matter.reading, matter.known), essence(read(last.reason, matter.known), matter.known)
    is_same = likeness(now, then) >= ALIKE or matter.text.strip() == last.reason.strip()
    if is_same and not _evidence(matter.not_met) - _evidence(last.not_met):
        said = matter.known.reasons["repeated"]
        yield found(ReasonCode.REPEATED, said, matter.text, *_whole(matter.text), attempt=last.attempt)


def _evidence(not_met: Sequence[NotMet]) -> set[str]:
    return {" ".join(x.evidence.split()).casefold() for x in not_met} - {""}


def _whole(text: str) -> tuple[int, int]:
    hit = whole(text)
    return hit.start, hit.end
