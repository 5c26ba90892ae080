"""What the quality gate found, as people see it: the words, why they matter, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import streamlit as st

from ods_core.basics.records import Deliverable, Engagement
from ods_core.quality import Checked, CheckedList, Code, Finding, ReasonCode, Severity, check_criteria, check_criterion
from ods_core.quality.criteria import mean_score
from ods_core.service.gate import scope_criteria
from ods_core.ui.formats import count, plain

LABELS: dict[Code | ReasonCode, str] = {
    Code.VAGUE_TERM: "Vague word",
    Code.NO_MEASURE: "Nothing to measure",
    Code.NO_CONDITION: "Figure without condition",
    Code.COMPOUND: "Several in one",
    Code.NO_EVIDENCE: "No evidence named",
    Code.UNBOUNDED: "Without a bound",
    Code.OPEN_SCOPE: "Open scope",
    Code.DUPLICATE: "Said twice",
    Code.PLACEHOLDER: "Not written yet",
}
REASON_LABELS: dict[Code | ReasonCode, str] = {
    ReasonCode.NO_CRITERION: "No criterion named",
    ReasonCode.UNKNOWN_CRITERION: "Unknown criterion",
    ReasonCode.NO_EVIDENCE: "No evidence",
    ReasonCode.GENERIC: "Fits any rejection",
    ReasonCode.NEW_DEMAND: "A new demand",
    ReasonCode.REPEATED: "Said before",
}
ICONS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.BLOCKER: "block"}
COLOURS = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.BLOCKER: "red"}
MOST_SHOWN = 200
"""Criteria that are listed with their findings."""


def live(texts: Sequence[str], *, key: str) -> None:
    """What is found in criteria as they are being written; texts without a finding are not repeated."""
    if not texts:
        return
    checked = check_criteria(texts)
    with st.container(key=f"findings-{key}", gap="xsmall"):
        st.caption(f"{_score_icon(checked.score)} {summary(checked)}")
        for number, one in list(enumerate(checked.criteria, 1))[:MOST_SHOWN]:
            if one.findings:
                _criterion(number, one)


def unwritten(texts: Iterable[str]) -> str:
    """Why criteria cannot be sent yet; empty where they can. A placeholder alone is in the way."""
    blocked = sum(check_criterion(text).is_blocked for text in texts)
    if not blocked:
        return ""
    return f"{count(blocked, 'criterion is', 'criteria are')} not written yet: write it, or take the line out."


def summary(checked: CheckedList) -> str:
    """The score of some criteria, and in how many something was found."""
    found = sum(bool(one.findings) for one in checked.criteria)
    if not found:
        return f"Criteria score {checked.score} of 100: each can be decided by looking."
    return f"Criteria score {checked.score} of 100: {count(found, 'criterion', 'criteria')} could be clearer."


def _score_icon(score: int) -> str:
    return f":material/{'check_circle' if score >= 70 else 'rule'}:"


def numbered(checked: CheckedList) -> None:
    """Criteria as a numbered list, each with what was found in it."""
    for number, one in enumerate(checked.criteria, 1):
        _criterion(number, one)


def _criterion(number: int, one: Checked) -> None:
    with st.container(gap="xxsmall"):
        st.markdown(f"{number}\\. {marked(one.text, one.findings)}")
        if one.findings:
            worst_first = sorted(one.findings, key=lambda f: list(COLOURS).index(f.severity), reverse=True)
            st.markdown("\n".join(f"- {_line(f, LABELS)}" for f in worst_first))


def reason(findings: Iterable[Finding]) -> None:
    """What a rejection would be better without."""
    st.markdown("\n".join(f"- {_line(f, REASON_LABELS)}" for f in findings))


def _line(f: Finding, labels: dict[Code | ReasonCode, str]) -> str:
    badge = f":{COLOURS[f.severity]}-badge[:material/{ICONS[f.severity]}: {labels[f.code]}]"
    return f"{badge} {plain(f.message)} {plain(f.suggestion)}"


def marked(text: str, findings: Iterable[Finding]) -> str:
    """A text with the words of its findings in bold on a tint, as Markdown; what is about all of it marks nothing."""
    whole = len(text.strip())
    spans = sorted((f.start, f.end) for f in findings if 0 < f.end - f.start < whole)
    said, at = [], 0
    for start, end in spans:
        if start >= at:
            said += [plain_within(text[at:start]), f"**:orange-background[{plain(text[start:end])}]**"]
            at = end
    return "".join([*said, plain_within(text[at:])])


def plain_within(text: str) -> str:
    """A piece of a line: as `plain`, with the space at its ends."""
    if not text.strip():
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{plain(text)}{' ' if text[-1].isspace() else ''}"


# A proposal.


def of_scope(engagement: Engagement, scope_id: str) -> dict[str, CheckedList]:
    """The criteria of a scope, checked, by deliverable."""
    return scope_criteria(engagement, scope_id)


def together(checked: dict[str, CheckedList]) -> CheckedList:
    """The criteria of all deliverables as one list."""
    criteria = tuple(one for some in checked.values() for one in some.criteria)
    return CheckedList(mean_score(one.score for one in criteria), criteria)


def specifics(deliverables: Iterable[Deliverable], checked: dict[str, CheckedList]) -> str:
    """The findings of a proposal as a reason to send it back: which criterion, what about it, and what to write."""
    lines = [
        f"{d.title}, criterion {number} (“{one.text}”): {' '.join(f'{f.message} {f.suggestion}' for f in one.findings)}"
        for d in deliverables
        for number, one in enumerate(checked[d.id].criteria, 1)
        if one.findings
    ]
    return _within(lines)


MOST_SAID = 15_000
"""Characters of a reason that findings may fill; what a person adds has room as well."""


def _within(lines: Sequence[str]) -> str:
    """As many of the lines as have room, and how many have not."""
    ends = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, end in zip(lines, ends, strict=True) if end <= MOST_SAID]
    left = len(lines) - len(kept)
    return "\n".join([*kept, *([f"And {count(left, 'more criterion', 'more criteria')} as well."] if left else [])])
