"""What every page says about a review: until when it can be decided, what silence means, and who goes in circles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import streamlit as st

from ods_core.basics.jsonio import dumps
from ods_core.basics.records import Attempt, CriterionVerdict, Deliverable, Engagement
from ods_core.basics.resources import Resource
from ods_core.basics.states import DeliverableStatus, Kind, SilencePolicy, Verdict
from ods_core.papers import deliverable_certificate_pdf, service_line_certificate_pdf
from ods_core.queries import certificates
from ods_core.service import runtime
from ods_core.ui import cards
from ods_core.ui.downloads import offer_file
from ods_core.ui.formats import count, day, moment, plain
from ods_core.ui.session import caller, link_to, now, reading

SOON = timedelta(days=2)
COUNTS_AS = {SilencePolicy.DEEMED_ACCEPTED: "accepted", SilencePolicy.DEEMED_REJECTED: "rejected"}
"""What silence makes of a deliverable, where it makes anything of it."""

FOUND = {
    Verdict.MET: ("Met", "green", "check_circle"),
    Verdict.NOT_MET: ("Not met", "red", "cancel"),
    Verdict.NOT_TESTED: ("Not tested", "gray", "help"),
}
"""How a verdict is shown: its word, a colour, and an icon that says the same."""


def deadline(decide_by: datetime | None, silence: SilencePolicy | None) -> str | None:
    """`decide by 26 Nov 2026, 08:58 UTC, or it counts as accepted`; None where no window runs."""
    if decide_by is None:
        return None
    meaning = COUNTS_AS.get(silence) if silence else None
    return f"decide by {moment(decide_by)}" + (f", or it counts as {meaning}" if meaning else "")


def deadline_mark(decide_by: datetime | None) -> list[str]:
    """A badge for a window that has passed, or is about to."""
    if decide_by is None or decide_by - now() > SOON:
        return []
    left = decide_by - now()
    if left <= timedelta(0):
        return [cards.note("review window passed", "red", "timer_off")]
    hours = max(int(left / timedelta(hours=1)), 1)
    return [cards.note(f"{count(hours, 'hour')} left to decide", "orange", "timer")]


def running_windows(engagement: Engagement, scope_id: str) -> list[tuple[Deliverable, datetime]]:
    """The deliverables of a scope whose review window runs, with its end; the next end first."""
    found = [(d, end) for d in engagement.scope_deliverables(scope_id) if (end := window_end(engagement, d))]
    return sorted(found, key=lambda pair: pair[1])


def window_end(engagement: Engagement, d: Deliverable) -> datetime | None:
    """Until when a deliverable that waits for its decision can be decided, if its scope has a window."""
    attempt = engagement.attempt_on(d)
    return attempt.decide_by if attempt and d.status == DeliverableStatus.READY_FOR_ACCEPTANCE else None


def tell_windows(engagement: Engagement, scope_id: str) -> None:
    """Say which decisions of a scope have an end, and what silence means then."""
    silence = engagement.scope(scope_id).silence_policy
    for d, end in running_windows(engagement, scope_id):
        with st.container(border=True, key=f"window-{d.id}", horizontal=True, vertical_alignment="center"):
            link_to(Kind.DELIVERABLE, d.id, d.title)
            said = deadline(end, silence) or ""
            st.markdown(" ".join([*deadline_mark(end), plain(said)]), width="content")


def circling(engagement: Engagement, scope_id: str | None = None) -> list[Deliverable]:
    """The deliverables of an engagement, or of one scope, that go in circles and are not finished."""
    finished = (DeliverableStatus.ACCEPTED, DeliverableStatus.CANCELLED)
    return [
        d
        for d in engagement.deliverables
        if d.escalated_at and d.status not in finished and scope_id in (None, d.scope_id)
    ]


def tell_circling(engagement: Engagement, scope_id: str | None = None) -> None:
    """Say on a page about an engagement which of its deliverables go in circles, each with its link."""
    found = circling(engagement, scope_id)
    if not found:
        return
    with st.container(border=True, key="circling"):
        st.markdown(f":red[:material/report: **Going in circles:** {count(len(found), 'deliverable')}]")
        for d in found:
            link_to(Kind.DELIVERABLE, d.id, f"{d.title}, since {day(d.escalated_at)}, attempt {d.attempt}")


def draw_verdict(place: int, criterion: str, given: CriterionVerdict) -> None:
    """One criterion with what was found of it, and what shows it."""
    word, colour, icon = FOUND[given.verdict]
    with st.container(gap="xxsmall"):
        st.markdown(f":{colour}-badge[:material/{icon}: {word}] {place}\\. {plain(criterion)}")
        if given.evidence:
            st.text(given.evidence)


def draw_verdicts(criteria: Sequence[str], attempt: Attempt) -> None:
    """What a decision found of each criterion."""
    for place, criterion in enumerate(criteria, 1):
        draw_verdict(place, criterion, attempt.verdict_on(place))
    for named in attempt.criteria_not_met:
        if named.criterion > len(criteria):
            # Kept as it was said: a decision is final, also where it names what there is not.
            st.caption(f"Criterion {named.criterion} was named, too; this deliverable has no such criterion.")


def failed_last_time(engagement: Engagement, d: Deliverable) -> Attempt | None:
    """The rejected attempt that the present work, or the present review, mends; None on a first attempt."""
    rejected = [a for a in engagement.attempts_of(d.id) if a.rejection_reason]
    return rejected[-1] if rejected else None


def failed_places(before: Attempt | None, criteria: Sequence[str]) -> list[int]:
    """The criteria that a rejected attempt failed, by their places."""
    named = {c.criterion for c in before.criteria_not_met} if before else set()
    return sorted(place for place in named if place <= len(criteria))


CERTIFICATE_OF: dict[Kind, Callable[..., Resource]] = {
    Kind.DELIVERABLE: certificates.of_deliverable,
    Kind.SERVICE_LINE: certificates.of_service_line,
}
PRINT_OF = {
    Kind.DELIVERABLE: deliverable_certificate_pdf,
    Kind.SERVICE_LINE: service_line_certificate_pdf,
}


def offer_certificate(kind: Kind, id: str) -> None:
    """The certificate of something accepted, to take away as a paper or as data; made when it is asked for."""
    who, parties = caller(), runtime().service.policy.parties

    def told() -> Resource:
        with reading() as connection:
            return CERTIFICATE_OF[kind](connection, who, id)

    help = "Who accepted what, when, on which evidence, and what that released."
    papers: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "pdf": ("Certificate", "application/pdf", lambda: PRINT_OF[kind](told(), parties)),
        "json": ("Certificate as JSON", "application/json", lambda: dumps(told())),
    }
    with st.container(horizontal=True):
        for ending, (label, media, made) in papers.items():
            # What a certificate tells of is final: there is one version.
            name = f"certificate-{id}.{ending}"
            offer_file(name, "", label, name, media, made, icon=":material/verified:", help=help)
