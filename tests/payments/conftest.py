"""What the tests of money share."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

Place = tuple[int, int]


@pytest.fixture(scope="session")
def unmarked() -> Callable[[str], tuple[str, list[Place]]]:
    """Takes the marks out of `50% [on Tuesday]`: gives the sentence, and the places that were marked."""

    def take(sentence: str) -> tuple[str, list[Place]]:
        text, places, opened = "", [], 0
        for ch in sentence:
            if ch == "[":
                opened = len(text)
            elif ch == "]":
                places.append((opened, len(text)))
            else:
                text += ch
        return text, places

    return take


@pytest.fixture(scope="session")
def trials() -> Callable[[int, int], int]:
    """How often a property is tried: the first number, or the second with ODS_TEST_FULL=1."""
    return lambda quick, full: full if os.environ.get("ODS_TEST_FULL") == "1" else quick
