"""Whether two texts say the same: their words, without what carries no meaning, compared as sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ods_core.quality.language import Language
from ods_core.quality.reading import NUMBER, Piece, Reading, sort

ALIKE = 0.75
"""Share of the words of both that two texts have in common from which on they say the same."""
MOST_COMPARED = 50
"""Earlier texts that one is compared with: those that share its rarest words."""
SHORTEST_STEM = 4

_STOP = sort("stop")


def essence(reading: Reading, language: Language) -> frozenset[str]:
    """What a text is about: the stems of its words, its numbers, its comparisons."""
    return frozenset(
        word for piece in reading.pieces for word in _meant(piece, language) if piece.is_content or word in "<>%="
    )


def _meant(piece: Piece, language: Language) -> Iterable[str]:
    sign = language.signs.get(piece.word)
    if sign:
        return (sign,)
    if piece.sorts & _STOP:
        return ()
    if piece.kind == NUMBER:
        return (piece.word.replace(",", ""),)
    return (stem(word, language) for word in piece.word.split() if word not in _LITTLE)


_LITTLE = frozenset({"-", "/", "(", ")"})


def stem(word: str, language: Language) -> str:
    """A word without its ending, roughly: `tests`, `tested` and `test` are one."""
    for ending in language.endings:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and len(word) > SHORTEST_STEM else word


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """From 0, nothing in common, to 1, the same; texts with different numbers are never the same."""
    if not one or not other or _numbers(one) != _numbers(other):
        return 0.0
    return len(one & other) / len(one | other)


def _numbers(words: frozenset[str]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def duplicates(essences: Sequence[frozenset[str]]) -> dict[int, int]:
    """Of each text that says what an earlier one says: its place, and the earlier one's.

    Each is compared with the earlier texts that share its rarest words, at most so many: a list takes a time in
    proportion to its length.
    """
    often = Counter(word for words in essences for word in words)
    known: dict[frozenset[str], int] = {}
    having: dict[str, list[int]] = {}
    found: dict[int, int] = {}
    for place, words in enumerate(essences):
        same = known.get(words)
        near = same if same is not None else _near(words, essences, having, often)
        if near is not None and words:
            found[place] = near
            continue
        known[words] = place
        for word in _rarest(words, often):
            having.setdefault(word, []).append(place)
    return found


def _rarest(words: frozenset[str], often: Counter[str]) -> list[str]:
    """Enough of the rarest words that a text which is alike must share one of them."""
    count = int(len(words) * (1 - ALIKE)) + 1
    return sorted(words, key=lambda word: (often[word], word))[:count]


def _near(
    words: frozenset[str], essences: Sequence[frozenset[str]], having: dict[str, list[int]], often: Counter[str]
) -> int | None:
    candidates: dict[int, None] = {}
    for word in _rarest(words, often):
        candidates.update(dict.fromkeys(having.get(word, ())[:MOST_COMPARED]))
    alike = (place for place in list(candidates)[:MOST_COMPARED] if likeness(words, essences[place]) >= ALIKE)
    return next(alike, None)
