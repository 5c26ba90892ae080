"""Splitting by largest remainder."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from math import floor

import pytest

from ods_core.payments import largest_remainder


def by_the_book(total: int, weights: list[Fraction]) -> list[int]:
    """The method in its plainest form: one unit at a time to the largest remainder that has had none."""
    ideal = [total * weight / sum(weights) for weight in weights]
    parts = [floor(share) for share in ideal]
    waiting = list(range(len(weights)))
    while sum(parts) < total:
        chosen = max(waiting, key=lambda index: (ideal[index] - floor(ideal[index]), -index))
        waiting.remove(chosen)
        parts[chosen] += 1
    return parts


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (6000, [1] * 7, [858, 857, 857, 857, 857, 857, 857]),
        (100, [Fraction("33.33"), Fraction("33.33"), Fraction("33.34")], [33, 33, 34]),
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (1, [1, 1, 1], [1, 0, 0]),
        (1, [1, 2], [0, 1]),
        (0, [1, 2, 3], [0, 0, 0]),
        (5, [0, 1, 0, 1, 0], [0, 3, 0, 2, 0]),
        (7, [0, 0, 1], [0, 0, 7]),
        (10**30, [1, 2], [(10**30 - 1) // 3, 2 * (10**30 - 1) // 3 + 1]),
        (9, [Fraction(1, 3), Fraction(1, 6), Fraction(1, 2)], [3, 2, 4]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_a_total_is_split_exactly(total: int, weights: list[Fraction | int], parts: list[int]) -> None:
    assert largest_remainder(total, weights) == parts


def test_of_equal_remainders_the_earlier_gets_the_unit() -> None:
    assert largest_remainder(3, [1, 1, 1, 1, 1, 1]) == [1, 1, 1, 0, 0, 0]
    assert largest_remainder(10, [3, 1, 3, 1]) == [4, 1, 4, 1]
    assert largest_remainder(5, [1, 1]) == [3, 2]


@pytest.mark.parametrize(
    ("total", "weights"),
    [(-1, [1]), (1, []), (1, [0, 0]), (1, [1, -1]), (0, [-1]), (5, [Fraction(-1, 3), 2])],
)
def test_what_cannot_be_split_is_refused(total: int, weights: list[Fraction | int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        largest_remainder(total, weights)


def test_splits_agree_with_the_method_done_by_hand(trials: Callable[[int, int], int]) -> None:
    """Sum exact, none negative, each within one unit of its share, and unit for unit what the book gives."""
    rng = random.Random(1832)
    for _ in range(trials(3_000, 30_000)):
        weights = [Fraction(rng.choice((0, 1, rng.randrange(10**6))), rng.randint(1, 60)) for _ in range(9)]
        weights = [*weights[: rng.randrange(9)], Fraction(1, rng.randint(1, 9))]
        total = rng.choice((0, 1, rng.randrange(100), rng.randrange(10**15)))
        parts = largest_remainder(total, weights)
        assert parts == by_the_book(total, weights)
        assert sum(parts) == total
        for part, weight in zip(parts, weights, strict=True):
            assert part >= 0
            assert abs(part - total * weight / sum(weights)) < 1
            assert weight > 0 or part == 0


def test_any_number_of_parts_sums_to_the_total() -> None:
    rng = random.Random(7)
    weights = [Fraction(rng.randrange(1, 10**6), rng.choice((1, 3, 7, 1000))) for _ in range(20_000)]
    parts = largest_remainder(123_456_789, weights)
    assert sum(parts) == 123_456_789
    assert min(parts) >= 0
