"""What one revision of a proposal says differently from another: dates, price, deliverables, criteria, terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ods_core.basics.records import Deliverable, Engagement, Scope
from ods_core.ui.formats import NOTHING, count, money, period


@dataclass(frozen=True, slots=True)
class Difference:
    """One aspect in which two revisions differ, and what each of them says, as plain texts."""

    aspect: str
    before: str
    after: str


def differences(engagement: Engagement, before: Scope, after: Scope) -> list[Difference]:
    """What `after` says differently from `before`, in the order of a proposal; empty when they say the same."""
    pairs = [
        *_bounds(before, after),
        *_cycles(engagement, before, after),
        *_deliverables(engagement, before, after),
        ("Payment terms", before.payment_terms, after.payment_terms),
        ("Review", review(before), review(after)),
    ]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def review(scope: Scope) -> str:
    """How long a reviewer has, and what silence means."""
    if not scope.review_window_days:
        return "no window, reminders only"
    silence = scope.silence_policy.value.replace("_", " ")
    return f"{count(scope.review_window_days, 'day')}, then {silence if silence != 'none' else 'reminders only'}"


def _bounds(before: Scope, after: Scope) -> Iterator[tuple[str, str, str]]:
    apart = after.fixed_price - before.fixed_price
    sign = "+" if apart > 0 else "−"
    gap = f" ({sign}{money(abs(apart), after.currency)})" if apart else ""
    now_costs = money(after.fixed_price, after.currency) + gap
    yield "Title", before.title, after.title
    yield "Price", money(before.fixed_price, before.currency), now_costs
    yield "Timeline", count(before.timeline_weeks, "week"), count(after.timeline_weeks, "week")


def _cycles(engagement: Engagement, before: Scope, after: Scope) -> Iterator[tuple[str, str, str]]:
    """Each cycle's dates as proposed, by its number."""
    old, new = ({c.number: c for c in engagement.delivery_cycles(s.id)} for s in (before, after))
    for number in sorted(old | new):
        was, is_now = old.get(number), new.get(number)
        dates = [period(c.baseline_start, c.baseline_end) if c else NOTHING for c in (was, is_now)]
        moved = (is_now.baseline_end - was.baseline_end).days if was and is_now else 0
        gap = f" (ends {count(abs(moved), 'day')} {'later' if moved > 0 else 'earlier'})" if moved else ""
        yield f"Cycle {number}", dates[0], dates[1] + gap


def _deliverables(engagement: Engagement, before: Scope, after: Scope) -> Iterator[tuple[str, str, str]]:
    """Deliverables by their keys: new ones, those that are gone, and what changed in the others."""
    old, new = ({d.key: d for d in engagement.scope_deliverables(s.id)} for s in (before, after))
    for key in [*old, *(key for key in new if key not in old)]:
        was, is_now = old.get(key), new.get(key)
        if was is None or is_now is None:
            yield "Deliverable", _whole(was), _whole(is_now)
            continue
        yield "Deliverable", was.title, is_now.title
        yield f"{is_now.title}: what it is", was.description, is_now.description
        numbers = [engagement.cycle(d.cycle_id).number for d in (was, is_now)]
        yield f"{is_now.title}: delivered in", f"cycle {numbers[0]}", f"cycle {numbers[1]}"
        yield from _criteria(is_now.title, was.acceptance_criteria, is_now.acceptance_criteria)


def _whole(d: Deliverable | None) -> str:
    return f"{d.title}, accepted when: {'; '.join(d.acceptance_criteria)}" if d else NOTHING


def _criteria(title: str, old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Criteria that were changed, taken out or added; those that stand in both are left out."""
    for tag, i, end_i, j, end_j in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for n in range(max(end_i - i, end_j - j)):
            was = old[i + n] if i + n < end_i else NOTHING
            is_now = new[j + n] if j + n < end_j else NOTHING
            yield f"{title}: criterion", was, is_now


__all__ = ["Difference", "differences", "review"]
