"""A text as tokens, each with its place: words, numbers, quotations, signs, stops.

One pass with one regular expression whose every part is bounded or cannot go back, so that any text takes a time in
proportion to its length. Places count code points, as Python and JSON readers do.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import normalize

LONGEST_WORD = 64
"""No list has a longer word; longer ones are not normalised, which could take more than proportional time."""

_TOKEN = re.compile(
    r"""
      (?P<link>https?://\S{1,500}|www\.\S{1,500})
    | (?P<word>[^\W\d]\w*(?:['’]\w+)*)
    | (?P<number>\d+(?:[.,:]\d+)*)
    | (?P<quote>"[^"\n]{1,200}"|“[^“”\n]{1,200}”|„[^„“”\n]{1,200}[“”]|«[^«»\n]{1,200}»|`[^`\n]{1,200}`
        |(?<!\w)['‘][^'‘’\n]{1,80}['’](?!\w))
    | (?P<tag><[^\W\d][^<>\n]{0,80}>|\[[^\[\]\n]{1,80}\]|\{[^{}\n]{1,80}\})
    | (?P<sign><=|>=|[<>≤≥=~≈])
    | (?P<stop>\.\.+|…|[.!?]+)
    | (?P<line>\n)
    # A hyphen within a compound joins two words and is no token of its own.
    | (?P<dash>(?<!\w)[-–—]+|[-–—]+(?!\w))
    # Punctuation one by one; pictures, control characters and the like in one token.
    | (?P<other>[!-,./:-@\[-`{-~‰§°„“”«»‘’]|[^\w\s!-/:-@\[-`{-~‰§°–—„“”«»‘’…<>≤≥≈-]+)
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A part of a text.

    Attributes:
        word: as the lists of a language have it: lower case, compatibility forms resolved.
        kind: `word`, `number`, `quote`, `tag` (`<insert here>`), `link`, `sign`, `stop`, `line`, `dash` or `other`.
        start: where it begins in the text.
        end: where it ends, that place excluded.
    """

    word: str
    kind: str
    start: int
    end: int


_new = tuple.__new__
"""Makes a Token as Token(…) would, without a call of Python for each of them: there are as many as words."""


def tokens(text: str) -> list[Token]:
    """The tokens of a text, in order."""
    # Letters of ASCII keep their places in lower case, so the whole text is lowered at once.
    if text.isascii():
        return [_new(Token, (m.group(), m.lastgroup, *m.span())) for m in _TOKEN.finditer(text.lower())]
    return [_new(Token, (_folded(m), m.lastgroup, *m.span())) for m in _TOKEN.finditer(text)]


def _folded(match: re.Match[str]) -> str:
    word = match.group()
    if match.lastgroup != "word":
        return word
    plain = normalize("NFKC", word) if len(word) <= LONGEST_WORD else word
    return plain.casefold().replace("’", "'")
