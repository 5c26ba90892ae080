"""Acceptance criteria: what each falls short of, and how good it is.

A criterion is good when a third person could decide it by looking at evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from ods_core.quality import clauses, rules
from ods_core.quality.findings import Code, Finding, ReasonCode, Severity, found
from ods_core.quality.language import Language, language
from ods_core.quality.likeness import duplicates, essence
from ods_core.quality.reading import Reading, read
from ods_core.quality.rules import MOST_HITS, Hit

BEST = 100
COSTS: dict[Code | ReasonCode, int] = {
    Code.VAGUE_TERM: 35,
    Code.NO_MEASURE: 45,
    Code.NO_CONDITION: 25,
    Code.COMPOUND: 25,
    Code.NO_EVIDENCE: 10,
    Code.UNBOUNDED: 25,
    Code.OPEN_SCOPE: 25,
    Code.DUPLICATE: 30,
    Code.PLACEHOLDER: BEST,
}
"""What a code takes from the best score; several findings of one code cost as much as one."""


_PLACE = attrgetter("start", "end")


class Checked(NamedTuple):
    """A criterion as it was written, with what was found.

    Attributes:
        text: unchanged.
        score: 0 to 100.
        findings: in the order of their places.
    """

    text: str
    score: int
    findings: tuple[Finding, ...]

    @property
    def is_blocked(self) -> bool:
        """Whether there is no criterion yet."""
        return any(finding.severity == Severity.BLOCKER for finding in self.findings)


class CheckedList(NamedTuple):
    """Criteria that belong together, with the score of them all: the mean, rounded half down; 0 for none."""

    score: int
    criteria: tuple[Checked, ...]


def check_criteria(texts: Sequence[str], known: Language | None = None) -> CheckedList:
    """Check criteria that belong together; one that says what an earlier one says is found as well.

    Never raises, and takes a time in proportion to the length of the texts.
    """
    known = known or language()
    readings = [read(text, known) for text in texts]
    alone = [_checked(reading, known) for reading in readings]
    doubles = duplicates([essence(reading, known) for reading in readings]) if len(texts) > 1 else {}
    checked = tuple(
        _with_duplicate(one, doubles[place], known) if place in doubles and not one.is_blocked else one
        for place, one in enumerate(alone)
    )
    return CheckedList(mean_score(one.score for one in checked), checked)


def check_criterion(text: str, known: Language | None = None) -> Checked:
    """Check one criterion by itself."""
    known = known or language()
    return _checked(read(text, known), known)


def mean_score(scores: Iterable[int]) -> int:
    """The score of several criteria; 0 for none: there is nothing to decide by."""
    all_scores = list(scores)
    return sum(all_scores) // len(all_scores) if all_scores else 0


def score_of(findings: Iterable[Finding]) -> int:
    """What the findings leave of the best score."""
    codes = {finding.code for finding in findings}
    return max(BEST - sum(COSTS[code] for code in codes), 0)


def _checked(reading: Reading, known: Language) -> Checked:
    findings = tuple(sorted(_findings(reading, known), key=_PLACE))
    return Checked(reading.text, score_of(findings), findings)


def _findings(reading: Reading, known: Language) -> Iterator[Finding]:
    text = reading.text
    if rules.is_placeholder(reading):
        said = known.messages["placeholder" if text.strip() else "empty"]
        all_of_it = rules.whole(text)
        yield found(Code.PLACEHOLDER, said, text, all_of_it.start, all_of_it.end)
        return
    for code, hits in _hits(reading):
        said = known.messages[code]
        for hit in islice(hits, MOST_HITS):
            yield found(code, said, text, hit.start, hit.end, hit.suggestion)


def _hits(reading: Reading) -> Iterator[tuple[Code, Iterable[Hit]]]:
    """Every rule's hits; what shows a criterion is asked for last, since it depends on what else it lacks."""
    figures = rules.figures(reading)
    endless = list(islice(rules.unbounded(reading), MOST_HITS))
    is_opinion = rules.is_unmeasured(reading, bool(endless))
    lone_figures = list(rules.no_condition(reading, figures))
    yield Code.VAGUE_TERM, rules.vague_terms(reading)
    yield Code.OPEN_SCOPE, rules.open_scopes(reading)
    yield Code.UNBOUNDED, endless
    yield Code.COMPOUND, clauses.compound(reading)
    yield Code.NO_CONDITION, lone_figures
    whole = rules.whole(reading.text)
    if is_opinion:
        yield Code.NO_MEASURE, [whole]
    claims = bool(endless or lone_figures) or rules.needs_evidence(reading, figures)
    if (is_opinion and not rules.is_opinion_with_evidence(reading)) or (
        not is_opinion and claims and not rules.names_evidence(reading)
    ):
        yield Code.NO_EVIDENCE, [whole]


def _with_duplicate(one: Checked, other: int, known: Language) -> Checked:
    where = rules.whole(one.text)
    said = known.messages[Code.DUPLICATE]
    double = found(Code.DUPLICATE, said, one.text, where.start, where.end, other=other + 1)
    findings = tuple(chain(one.findings, (double,)))
    return one._replace(score=score_of(findings), findings=findings)
