"""The typefaces of what is printed: one for text, and one for each script that it does not have.

Text comes from people, in any script. A character that no typeface has is printed as `�`: seen, never left out.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from ods_core.basics.settings import ROOT

FOLDER = ROOT / "data" / "fonts"
TEXT = "NotoSans-Regular"
BOLD = "NotoSans-Bold"
FALLBACKS = (
    "NotoSansHebrew-Regular",
    "NotoSansArabic-Regular",
    "NotoSansArmenian-Regular",
    "NotoSansGeorgian-Regular",
    "NotoSansThai-Regular",
    "NotoSansDevanagari-Regular",
    "DroidSansFallbackFull",
    "NanumGothicCoding",
    "DejaVuSans",
)
"""In the order in which they are asked for a character that the text's own typeface does not have."""
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# Signs that turn the order of what follows them: harmless in honest text, and a way to make an amount read backwards.
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# The library looks for the direction of a sign at its next letter, one call deeper a sign: a long row of them would end
# in a recursion error. An invisible letter now and then ends the search.
_LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"
_NEUTRAL_RUN = re.compile(r"[\W_]{100}")
_VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))


def path_of(name: str) -> Path:
    """The file of a typeface."""
    return FOLDER / f"{name}.ttf"


@lru_cache(maxsize=32)
def characters(name: str) -> frozenset[int]:
    """The code points that a typeface has."""
    with TTFont(path_of(name), lazy=True) as font:
        return frozenset(font.getBestCmap())


def fallback_for(character: str) -> str | None:
    """The first fallback that has a character."""
    return next((name for name in FALLBACKS if ord(character) in characters(name)), None)


def printable(text: str) -> str:
    """A person's text as it can be printed on one line: line breaks are spaces, what has no shape is `�`."""
    shaped = "".join(map(_shape, " ".join(unicodedata.normalize("NFC", text).split())))
    return _NEUTRAL_RUN.sub(lambda run: run[0] + _LEFT_TO_RIGHT, shaped)


def _shape(character: str) -> str:
    if character in _VARIATION_SELECTORS:
        return ""
    if character in _TURNING or unicodedata.category(character) in ("Cc", "Cs"):
        return UNKNOWN
    known = ord(character) in characters(TEXT) or fallback_for(character)
    return character if known else UNKNOWN
