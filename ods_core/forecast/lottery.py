"""Drawing from a history that is itself uncertain.

A short history could easily have been another one. So each run first draws its own history (as many samples, with
replacement, from the samples there are) and then lives by it: the spread over the runs holds both the luck of the
single cycle and the doubt about the history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Places = NDArray[np.intp]
Reals = NDArray[np.float64]


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


def own_histories(rng: np.random.Generator, chances: Places, samples: int, runs: int) -> Places:
    """Histories as they might have been: places of samples, [runs, samples]."""
    return np.take(chances, rng.integers(GRAIN, size=(runs, samples)))


def pick(values: Ints, places: Places) -> Ints:
    """Of each history's `values` [histories, samples] those at random places [histories · runs, n].

    Runs that share a history stand together. `places` is overwritten, with the places in all values.
    """
    histories, samples = values.shape
    by_history = places.reshape(histories, len(places) // histories, places.shape[1])
    by_history += np.arange(histories)[:, None, None] * samples
    # `clip` spares a check that the way places are drawn makes idle.
    return np.take(values.ravel(), places, mode="clip")


@dataclass(frozen=True, slots=True)
class Lottery:
    """Each run's own history in rising order of a key, to draw from those whose key is at least so much.

    Attributes:
        keys: of the original samples, [samples], rising.
        places: of the samples that each run has, [runs, own], by rising key.
        before: how many of a run's samples stand before each of the original ones, [runs, samples + 1].
    """

    keys: Ints
    places: Ints
    before: Ints

    @classmethod
    def of(cls, keys: Ints, own: Places) -> Lottery:
        """From the original samples' keys and each run's own history."""
        order = np.argsort(keys, kind="stable").astype(np.int32)
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order))
        runs, samples = len(own), len(keys)
        cells = np.take(ranks, own, mode="clip") + np.arange(runs)[:, None] * samples
        counts = np.bincount(cells.ravel(), minlength=runs * samples).reshape(runs, samples)
        before = np.zeros((runs, samples + 1), np.int32)
        np.cumsum(counts, axis=1, out=before[:, 1:])
        tiled = np.broadcast_to(order, (runs, samples))
        places = np.repeat(tiled.ravel(), counts.ravel()).reshape(own.shape)
        return cls(keys[order], places, before)

    def draw_from(self, elapsed: Ints, chance: Reals) -> tuple[Ints, NDArray[np.bool_]]:
        """Places of samples whose key is at least `elapsed` [n]; `chance` [runs, n] from 0 to 1 chooses among them.

        `chance` is overwritten. The second array tells where a run knows none that took as long: there, any is drawn.
        """
        histories, samples = self.places.shape
        passed = np.take(self.before, np.searchsorted(self.keys, elapsed), axis=1, mode="clip")
        beyond = passed == samples
        passed[beyond] = 0
        chances = chance.reshape(histories, len(chance) // histories, chance.shape[1])
        # Cast while it is small: mixed kinds of numbers cost more than the arithmetic.
        chances *= (samples - passed).astype(np.float64)[:, None]
        places = chances.astype(np.intp)
        places += passed.astype(np.intp)[:, None]
        drawn = pick(self.places, places.reshape(chance.shape))
        return drawn, np.repeat(beyond, chances.shape[1], axis=0) if beyond.any() else np.zeros((1, 1), np.bool_)


def at_least(drawn: Ints, elapsed: Ints, beyond: NDArray[np.bool_]) -> Ints:
    """The drawn values; where nobody ever took as long, so long as it took by now and then a value as any other's."""
    return np.where(beyond, elapsed + np.maximum(drawn, 0), drawn) if beyond.any() else drawn
