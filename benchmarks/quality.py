"""How often the criteria checker is right, how fast it is, and whether any text makes it slow.

    python -m benchmarks.quality [--only labels|speed]

Precision and recall per code on the two parts of the labelled set (data/quality/labelled/); criteria a second, in time
of the processor, on the development part; and for adversarial texts of 10, 20, 50 and 100 kB the medians of the times
that they take, with the ratios of each doubling. More than 20 kB of a text are not read.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from ods_core.basics.settings import ROOT
from ods_core.quality import Code, NotMet, check_criteria, check_criterion, check_reason

LABELLED = ROOT / "data" / "quality" / "labelled"
PARTS = ("development", "held_out")
KILO = 1000


@dataclass(frozen=True, slots=True)
class Labelled:
    """A criterion with the codes that it deserves; those of one `list` are checked together."""

    domain: str
    list: str
    codes: frozenset[str]
    text: str


@dataclass(slots=True)
class Tally:
    """How often each code was found rightly, wrongly, and not where it should have been."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def precision(self, *codes: str) -> float:
        """Of what was found, the share that is right."""
        right, wrong = (sum(counts[code] for code in codes) for counts in (self.right, self.wrong))
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, *codes: str) -> float:
        """Of what there is to find, the share that was found."""
        right, missed = (sum(counts[code] for code in codes) for counts in (self.right, self.missed))
        return right / (right + missed) if right + missed else 1.0


def read_labelled(part: str, folder: Path = LABELLED) -> list[Labelled]:
    """A part of the labelled set."""
    lines = (folder / f"{part}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [Labelled(domain, name, frozenset(codes.split()) - {"-"}, text) for domain, name, codes, text in rows]


def found_in(rows: list[Labelled]) -> Iterator[tuple[Labelled, frozenset[str]]]:
    """Each criterion with the codes that the checker finds."""
    for name, members in groupby(rows, key=lambda row: row.list):
        together = list(members)
        for some in [together] if name != "-" else [[row] for row in together]:
            checked = check_criteria([row.text for row in some])
            for row, one in zip(some, checked.criteria, strict=True):
                yield row, frozenset(finding.code.value for finding in one.findings)


def measured(part: str) -> Tally:
    """The checker against the labels of a part."""
    tally = Tally()
    for row, codes in found_in(read_labelled(part)):
        tally.right.update(codes & row.codes)
        tally.wrong.update(codes - row.codes)
        tally.missed.update(row.codes - codes)
    return tally


def print_labels() -> None:
    """Precision and recall per code, for each part."""
    for part in PARTS:
        rows, tally = read_labelled(part), measured(part)
        good = sum(not row.codes for row in rows)
        clear = sum(not codes for row, codes in found_in(rows) if not row.codes)
        print(f"\n{part}: {len(rows)} criteria, {good} good of which {clear} without a finding\n")
        print(f"{'code':14}{'precision':>10}{'recall':>8}{'right':>7}{'wrong':>7}{'missed':>8}")
        for name, codes in [*((code.value, (code.value,)) for code in Code), ("all", tuple(Code))]:
            counts = (sum(c[code] for code in codes) for c in (tally.right, tally.wrong, tally.missed))
            right, wrong, missed = counts
            ratios = f"{tally.precision(*codes):>10.2f}{tally.recall(*codes):>8.2f}"
            print(f"{name:14}{ratios}{right:>7}{wrong:>7}{missed:>8}")


ADVERSARIAL: dict[str, Callable[[int], str]] = {
    "emoji": lambda n: "😀🚀👩‍👩‍👧" * (n // 7),
    "right to left": lambda n: "يجب أن يعمل النظام، " * (n // 20),
    "markup": lambda n: "<b>**[x](y)** &amp; `" * (n // 21),
    "open markup": lambda n: "<[{(" * (n // 4),
    "control characters": lambda n: "".join(chr(i % 32) for i in range(n)),
    "one word": lambda n: "a" * n,
    "one number": lambda n: "1" * n,
    "numbers and dots": lambda n: "1.2,3:" * (n // 6),
    "open quotes": lambda n: "\"'“`" * (n // 4),
    "quotes and words": lambda n: "“a 'b " * (n // 6),
    "apostrophes": lambda n: "a'" * (n // 2),
    "hyphens": lambda n: "a-" * (n // 2),
    "combining marks": lambda n: "é̀̂" * (n // 4),
    "wide letters": lambda n: "ﷺ" * n,
    "links": lambda n: "https://" * (n // 8),
    "vague words": lambda n: "fast good " * (n // 10),
    "no bugs": lambda n: "no bugs, " * (n // 9),
    "all users": lambda n: "all users " * (n // 10),
    "shares": lambda n: "99% under 5 ms, " * (n // 16),
    "clauses": lambda n: "it is up and the log is kept, " * (n // 30),
    "phrases begun": lambda n: "including but not limited " * (n // 26),
    "new lines": lambda n: "\n- a" * (n // 4),
    "space": lambda n: " " * n,
    "zero width": lambda n: "\u200b" * n,
    "lone surrogates": lambda n: "\ud800" * n,
}


def taken(*acts: Callable[[], object], times: int = 15) -> list[float]:
    """The median time that each of several things takes, done in turn, in milliseconds of the processor."""
    found: list[list[float]] = [[] for _ in acts]
    for act in acts:
        act()
    for _ in range(times):
        for act, kept in zip(acts, found, strict=True):
            # As timeit does: what the collector does meanwhile depends on everything before.
            gc.collect()
            gc.disable()
            begun = time.process_time()
            act()
            kept.append((time.process_time() - begun) * 1000)
            gc.enable()
    return [statistics.median(kept) for kept in found]


def print_doubling() -> None:
    """What 50 and 100 kB of each adversarial text take, and their ratio."""
    print(f"\n{'text':20}{'20 kB':>10}{'of 10':>8}{'100 kB':>10}{'of 50':>8}{'as a reason':>13}{'of 10':>8}")
    for name, make in ADVERSARIAL.items():
        ten, twenty, fifty, hundred = (make(n * KILO) for n in (10, 20, 50, 100))
        few = taken(*(partial(check_criterion, t) for t in (ten, twenty)))
        many = taken(*(partial(check_criterion, t) for t in (fifty, hundred)))
        reason = taken(*(partial(check_reason, t, [NotMet(1, t)], [t]) for t in (ten, twenty)))
        alone = f"{few[1]:>7.1f} ms{_ratio(few)}{many[1]:>7.1f} ms{_ratio(many)}"
        print(f"{name:20}{alone}{reason[1]:>10.1f} ms{_ratio(reason)}")
    lists = [[f"{word} criterion {i} of the list" for i in range(n)] for n in (2000, 4000) for word in ("Same",)]
    both = taken(*(partial(check_criteria, texts) for texts in lists), times=7)
    print(f"\na list of 2,000 and of 4,000 alike: {both[0]:.0f} ms, {both[1]:.0f} ms, ratio{_ratio(both)}")


def _ratio(pair: list[float]) -> str:
    return f"{pair[1] / pair[0]:>8.2f}" if pair[0] else f"{'–':>8}"


def print_speed() -> None:
    """Criteria a second."""
    texts = [row.text for row in read_labelled("development")] * 20
    (milliseconds,) = taken(lambda: [check_criterion(text) for text in texts], times=11)
    print(f"\n{len(texts) / milliseconds * 1000:,.0f} criteria a second")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["labels", "speed"])
    only = parser.parse_args().only
    if only != "speed":
        print_labels()
    if only != "labels":
        print_speed()
        print_doubling()


if __name__ == "__main__":
    main()
