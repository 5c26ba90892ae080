"""Drawing from a history that is itself uncertain.

A short history could easily have been another one. So each run first draws its own history (as many samples, with
replacement, from the samples there are) and then lives by it: the spread over the runs holds both the luck of the
single cycle and the doubt about the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Places = NDArray[np.intp]
Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]


TAIL = 12
"""Values that stand for what outlasts all that is known."""

GRAIN = 1 << 14
"""How finely the weights of samples are told apart."""


def weights(values: Ints, waiting: Ints) -> Reals:
    """The share of each of the `values` [n], with regard to what has not ended yet; at most 1 together.

    What ended by today is not a fair sample: the quick ones are in it, the slow ones are still under way. `waiting`
    are values that came to at least so much by now. This is Kaplan and Meier's estimate: what is under way counts for
    the values that it may still have. What is missing to 1 is the share of what outlasts all that is known.
    """
    known, counts = np.unique(values, return_counts=True)
    ended = np.cumsum(counts[::-1])[::-1]
    under_way = len(waiting) - np.searchsorted(np.sort(waiting), known, side="right")
    left = np.cumprod(1 - counts / (ended + under_way))
    share = -np.diff(left, prepend=1.0) / counts
    return np.asarray(share[np.searchsorted(known, values)], np.float64)


def mean_excess(values: Ints, waiting: Ints) -> float:
    """How much longer what outlasts all values takes in the mean, as if each day ended it with the same chance."""
    origin = min(int(values.min()), int(waiting.min(initial=0)))
    return float((values - origin).sum() + (waiting - origin).sum()) / len(values)


def tail(mean: float) -> Ints:
    """Days beyond the greatest known value, [TAIL], equally likely, for an even chance to end each day."""
    return np.ceil(-mean * np.log(1 - (np.arange(TAIL) + 0.5) / TAIL)).astype(np.int32)


def extended(values: Ints, waiting: Ints) -> tuple[Reals, Ints]:
    """The weights of all values and of `TAIL` more, and by how much these are above the greatest."""
    share = weights(values, waiting)
    rest = max(1.0 - float(share.sum()), 0.0)
    return np.append(share, np.full(TAIL, rest / TAIL)), tail(mean_excess(values, waiting))


def grains(share: Reals) -> Places:
    """A sample's place for each of `GRAIN` equal chances, by the samples' weights."""
    return np.searchsorted(np.cumsum(share)[:-1], (np.arange(GRAIN) + 0.5) / GRAIN, side="right")


def own_histories(rng: np.random.Generator, chances: Places, samples: int, histories: int) -> Places:
    """Histories as they might have been: places of samples, [histories, samples]."""
    return np.take(chances, rng.integers(GRAIN, size=(histories, samples)))


@dataclass(frozen=True, slots=True)
class Pile:
    """Samples by a key, and what each thing that draws from them has come to by now: it draws what is as much."""

    keys: Ints
    values: Ints
    elapsed: Ints


@dataclass(frozen=True, slots=True)
class Lottery:
    """Each history's piles, one after the other, and the places in them from which on each thing [n] draws.

    Attributes:
        ranks: of each history's samples among all samples of all piles, [histories, piles · own], rising.
        values: of the same samples.
        wanted: the ranks from which on things draw, each once, rising; `which` is the place of each thing's in there.
        ends: the place after the pile that each thing draws from; `own` is the size of a history's pile.
    """

    ranks: NDArray[np.int16]
    values: Ints
    wanted: NDArray[np.int16]
    which: Places
    ends: Places
    own: int

    @classmethod
    def of(cls, piles: Sequence[Pile], own: Places) -> Lottery:
        """Piles of the same samples, and which of these each history has, [histories, own]."""
        ranks, values, wanted = [], [], []
        for number, pile in enumerate(piles):
            order = np.argsort(pile.keys, kind="stable")
            before = number * len(order)
            # Whole numbers of two bytes are sorted by their digits, which is several times as fast.
            mine = np.take(np.argsort(order).astype(np.int16), own)
            mine.sort(axis=1, kind="stable")
            values.append(np.take(pile.values[order], mine))
            ranks.append(mine + np.int16(before))
            wanted.append(np.searchsorted(pile.keys[order], pile.elapsed) + before)
        different, which = np.unique(np.concatenate(wanted).astype(np.int16), return_inverse=True)
        ends = np.repeat(own.shape[1] * np.arange(1, len(piles) + 1), [len(pile.elapsed) for pile in piles])
        return cls(np.hstack(ranks), np.hstack(values), different, which, ends, own.shape[1])

    def draw(self, history: int, chance: Reals) -> tuple[Ints, Bools]:
        """Values of a history [runs, n]; `chance` [runs, n], from 0 to 1, chooses them, and is overwritten.

        The second array says for which things the history has nothing as much: there, any is drawn.
        """
        passed = np.take(np.searchsorted(self.ranks[history], self.wanted), self.which, mode="clip")
        left = self.ends - passed
        beyond = left == 0
        passed[beyond] -= self.own
        left[beyond] = self.own
        chance *= left.astype(np.float64)
        # Whole numbers are added: a chance just below 1 would else be rounded up, past the end.
        places = chance.astype(np.intp)
        places += passed
        # `clip` spares a check that the way places are drawn makes idle.
        return np.take(self.values[history], places, mode="clip"), beyond


def at_least(drawn: Ints, elapsed: Ints, beyond: Bools) -> Ints:
    """The drawn values; where nobody ever took as long, so long as it took by now and then a value as any other's.

    `drawn` [runs, n] is changed in place. All its other values are at least `elapsed` already.
    """
    (few,) = np.nonzero(beyond)
    if len(few):
        drawn[:, few] = elapsed[few] + np.maximum(drawn[:, few], 0)
    return drawn
