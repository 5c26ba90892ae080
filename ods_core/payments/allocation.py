"""Splitting a whole number of minor units so that nothing is lost and nothing is made up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm


def largest_remainder(total_minor: int, weights: Sequence[Fraction | int]) -> list[int]:
    """Splits `total_minor` in proportion to `weights`, one part per weight, in their order.

    Every part is its exact share rounded down; the units that this leaves go one each to the parts that lost
    the largest fraction, to the earlier of two that lost the same. So the parts sum to the total, each is
    within one unit of its exact share, and a weight of zero gets nothing.

    Raises:
        ValueError: a negative total or weight, or a total above zero with no weight above zero to give it to.
    """
    whole = _as_whole(weights)
    divisor = sum(whole)
    if total_minor < 0 or (total_minor > 0 and divisor == 0):
        raise ValueError(f"cannot split {total_minor}; expected a total from 0 and weights to split it by")
    if divisor == 0:
        return [0] * len(whole)
    parts, lost = map(list, zip(*(divmod(total_minor * weight, divisor) for weight in whole), strict=True))
    # Sorting is stable, so equal losses stay in their order.
    in_turn = sorted(range(len(whole)), key=lost.__getitem__, reverse=True)
    for index in in_turn[: total_minor - sum(parts)]:
        parts[index] += 1
    return parts


def _as_whole(weights: Sequence[Fraction | int]) -> list[int]:
    """The weights on their common denominator: whole numbers in the same proportion, which divide quickly."""
    for weight in weights:
        if weight < 0:
            raise ValueError(f"a weight of {weight} stands here; expected weights from 0")
    common = lcm(*(weight.denominator for weight in weights))
    return [weight.numerator * (common // weight.denominator) for weight in weights]
