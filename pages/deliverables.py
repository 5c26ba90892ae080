"""Deliverables: what waits for a decision, what is being worked on, and one deliverable with all it takes to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ods_core.basics.clock import days_between
from ods_core.basics.errors import Invalid, OdsError
from ods_core.basics.events import Event, EventType
from ods_core.basics.records import Attempt, CriterionVerdict, Deliverable, Engagement, Evidence
from ods_core.basics.settings import ReviewPolicy
from ods_core.basics.states import Decision, DeliverableStatus, Kind, Verdict, look
from ods_core.lifecycle import Accept, Reject, Start, Submit, Verb
from ods_core.lifecycle.permission import working_cycle
from ods_core.lifecycle.validation import MAX_LINKS
from ods_core.quality import ReasonCode, check_criteria
from ods_core.queries import lists, reviews
from ods_core.queries import today as piles
from ods_core.queries.choices import matching, organizations
from ods_core.queries.lists import Page
from ods_core.service import gate, runtime
from ods_core.ui import cards, decisions, findings, forms, live, reviewing, tables
from ods_core.ui.formats import NOTHING, age, ago, away, count, day, days, moment, money, plain
from ods_core.ui.forms import Draft, discard, open_draft
from ods_core.ui.session import (
    caller,
    choose,
    choose_text,
    choose_view,
    engagement_of,
    go,
    link,
    link_to,
    may,
    now,
    offers,
    param,
    reading,
    today,
)

MET, NOT_MET, NOT_TESTED = Verdict.MET, Verdict.NOT_MET, Verdict.NOT_TESTED
VERDICTS = {verdict.value: reviewing.FOUND[verdict][0] for verdict in (NOT_TESTED, MET, NOT_MET)}
BEING_MENDED = (DeliverableStatus.REJECTED, DeliverableStatus.IN_PROGRESS, DeliverableStatus.COMPLETED)
"""Where a rejected deliverable is until it is ready for the next decision."""
REVIEWED = "deliverables_reviewed"
"""The attempt that this person has been reviewing, to be told when somebody else has decided it."""
MOST_WORK = 50
FORESEEN = {
    EventType.CYCLE_ACCEPTED: lambda data: f"{data['name']} is accepted",
    EventType.CYCLE_STARTED: lambda data: f"{data['name']} starts, planned to end on {day(data['planned_end'])}",
    EventType.CYCLE_COMPLETED: lambda data: f"{data['name']} is complete, and what it delivers goes to review",
    EventType.SCOPE_COMPLETED: lambda data: "the scope is complete, and its service line closes",
    EventType.PAYMENT_DUE: lambda data: due(data),
    EventType.REMEDIATION_STARTED: lambda data: f"{data['name']} opens, planned to end on {day(data['planned_end'])}",
    EventType.DELIVERABLE_ESCALATED: lambda data: "the deliverable is marked as going in circles",
}
"""What a command would cause, said before it is given; what is left out here goes without saying."""


def due(data: Mapping[str, Any]) -> str:
    """A payment that would become due."""
    return f"{money(data['amount'], data['currency'])} becomes due on {day(data['due_at'])}: {data['description']}"


def foresee(events: Sequence[Event]) -> list[str]:
    """What a command would cause, in words."""
    return [FORESEEN[event.type](event.data) for event in events if event.type in FORESEEN]


def list_foreseen(sentences: Sequence[str]) -> None:
    """What a command would cause, as a list."""
    if sentences:
        st.markdown("\n".join(f"- {plain(text[:1].upper() + text[1:])}" for text in sentences))


# The lists.


def show_lists() -> None:
    """The inbox, the provider's work, and everything."""
    cards.heading("deliverables")
    with reading() as connection:
        waiting = reviews.count_waiting(connection, caller())
    views = {"review": f"To review · {waiting:,}", "work": "In work", "all": "All"}
    if not may(Verb.ACCEPT) and may(Verb.SUBMIT):
        views = {name: views[name] for name in ("work", "review", "all")}
    status = param("status")
    if status and not param("view"):
        # A link that asks for a state opens the list which has it.
        st.query_params["view"] = "review" if status == DeliverableStatus.READY_FOR_ACCEPTANCE else "all"
    view = choose_view("view", "Which deliverables", views)
    {"review": show_inbox, "work": show_work, "all": show_all}[view]()


def choose_organization() -> str:
    """The organisation filter."""
    with reading() as connection:
        owners = organizations(connection, caller())
    return choose("organization", "Organisation", {id: id for id in owners})


def show_inbox() -> None:
    """What is ready for acceptance, longest waiting first."""
    organization_id = choose_organization()
    trail = tables.cursor_trail()
    page = inbox_page(organization_id or None, trail[-1] if trail else None)
    for engagement, id in page.items:
        draw_waiting(engagement, engagement.deliverable(id))
    if not page.items:
        cards.empty(
            "Nothing waits for a decision. A deliverable appears here when its whole cycle is submitted.",
            label="See where the work is",
            place="cycles",
        )
    tables.pager(page.cursor)


def inbox_page(organization_id: str | None, cursor: str | None) -> Page:
    """One page of the inbox; a cursor that cannot be read means the first."""
    with reading() as connection:
        try:
            return reviews.waiting(connection, caller(), organization_id, cursor=cursor)
        except Invalid:
            return reviews.waiting(connection, caller(), organization_id)


def draw_waiting(engagement: Engagement, d: Deliverable) -> None:
    """One deliverable of the inbox: what it is, and how long it has waited."""
    waited = age(d.ready_at, now()) if d.ready_at else None
    scope, end = engagement.scope(d.scope_id), reviewing.window_end(engagement, d)
    facts = [
        reviewing.deadline(end, scope.silence_policy) or "",
        scope.title,
        engagement.request.organization_id,
        d.id,
    ]
    marks = [*badges(d), *reviewing.deadline_mark(end)]
    cards.row(Kind.DELIVERABLE, d.id, d.title, facts, badges=marks, aside=waited and f"waiting {waited}")


def badges(d: Deliverable) -> list[str]:
    """Its state, and what else needs saying in a word."""
    made = [cards.state_text(d.status)]
    if d.attempt > 1:
        made.append(cards.note(f"attempt {d.attempt}", "violet", "replay"))
    if d.escalated_at:
        made.append(cards.note("going in circles", "red", "report"))
    return made


def show_work() -> None:
    """What the provider has in hand: to submit, and to start."""
    with reading() as connection:
        in_hand = piles.to_submit(connection, caller(), now(), MOST_WORK)
        to_start = piles.to_start(connection, caller(), now(), MOST_WORK)
    show_pile("To submit", "inventory_2", in_hand)
    show_pile("To start", "play_circle", to_start)
    if not in_hand.count and not to_start.count:
        cards.empty(
            "No work is open. Work begins when a proposal is confirmed, or when a deliverable is rejected.",
            label="See the scopes",
            place="scopes",
        )


def show_pile(title: str, icon: str, pile: piles.Pile) -> None:
    """One pile of work, the next planned end first."""
    if not pile.count:
        return
    st.header(f":material/{icon}: {title} · {pile.count:,}", anchor=False)
    for item in pile.items:
        late = item.until is not None and item.until < today()
        marks = [cards.note("past its planned end", "red", "schedule")] if late else []
        if item.attempt and item.attempt > 1:
            marks.append(cards.note(f"attempt {item.attempt}", "violet", "replay"))
        ends = f"{day(item.until)} ({away(item.until, today())})" if item.until else NOTHING
        facts = [item.context, item.organization_id, item.id]
        cards.row(item.kind, item.id, item.title, facts, badges=marks, aside=ends, within=icon)
    if pile.count > len(pile.items):
        st.caption(f"and {pile.count - len(pile.items):,} more")


def show_all() -> None:
    """Every deliverable, newest first, narrowed by state, owner and words."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        status = choose("status", "State", {s.value: look(s).label for s in DeliverableStatus})
        organization_id = choose_organization()
        text = choose_text("q", "Title or id", placeholder="Words of the title, or DLV-…")
    filters = {"status": status or None, "organization_id": organization_id or None, "scope_id": param("scope") or None}
    where = [*lists.conditions(Kind.DELIVERABLE, filters), *matching(Kind.DELIVERABLE, text)]
    if param("scope"):
        link("deliverables", f"Of {param('scope')} alone; show all", icon="filter_alt_off", view="all")

    def draw(engagement: Engagement, id: str) -> None:
        d = engagement.deliverable(id)
        facts = [engagement.scope(d.scope_id).title, engagement.request.organization_id, d.id]
        cards.row(Kind.DELIVERABLE, d.id, d.title, facts, badges=badges(d))

    tables.paged(
        Kind.DELIVERABLE,
        where,
        draw,
        empty=lambda: cards.empty(
            "No deliverable is like this. They come with a proposal.", label="See the scopes", place="scopes"
        ),
    )


# One deliverable.


def show_deliverable(id: str) -> None:
    """One deliverable: what was promised, what was shown, what was decided, and the next step."""
    engagement = engagement_of(Kind.DELIVERABLE, id)
    d = engagement.deliverable(id)
    link("deliverables", "All deliverables", icon="arrow_back")
    cards.heading("deliverables", d.title)
    st.markdown(" ".join(badges(d)))
    with st.container(horizontal=True):
        link_to(Kind.SCOPE, d.scope_id, engagement.scope(d.scope_id).title)
        for cycle in engagement.cycles_of(d.id):
            link_to(Kind.CYCLE, cycle.id, cycle.name)
    tell_escalation(engagement, d)
    tell_decision(engagement, d)
    if d.status == DeliverableStatus.ACCEPTED:
        reviewing.offer_certificate(Kind.DELIVERABLE, d.id)
    cards.facts(dates(engagement, d))
    cards.long_text("What it is", d.description)
    if offers(engagement, Verb.ACCEPT, d.id):
        show_review(engagement, d)
    else:
        show_promise(engagement, d)
    if offers(engagement, Verb.START, d.id) or offers(engagement, Verb.SUBMIT, d.id):
        show_submission(engagement, d)
    show_history(engagement, d)


def tell_escalation(engagement: Engagement, d: Deliverable) -> None:
    """A deliverable that goes in circles says so."""
    if d in reviewing.circling(engagement):
        st.warning(
            f"**Going in circles since {day(d.escalated_at)}.** It was rejected three times, or twice for the same "
            "criterion. Before the next attempt, agree on what exactly is missing.",
            icon=":material/report:",
        )


def tell_decision(engagement: Engagement, d: Deliverable) -> None:
    """Who decided and when; and if this person was reviewing it meanwhile, that they were overtaken."""
    reviewed = st.session_state.get(REVIEWED)
    mine = [a for a in engagement.attempts_of(d.id) if (d.id, a.number) == reviewed and a.decision]
    if mine:
        st.session_state.pop(REVIEWED)
        discard_review(d, mine[0].number)
        st.warning(
            f"**Already decided.** {plain(decision_on(mine[0]))} Your own decision was not needed and not recorded.",
            icon=":material/history:",
        )
        return
    last = latest_attempt(engagement, d)
    if last is None or last.decision is None:
        return
    icon = "check_circle" if last.decision == Decision.ACCEPTED else "cancel"
    st.info(plain(decision_on(last)), icon=f":material/{icon}:")


def decision_on(attempt: Attempt) -> str:
    """A decision as a sentence: what, who, when."""
    who = "by silence, after its review window" if attempt.deemed else f"by {reviewer(attempt)}"
    what = attempt.decision.value if attempt.decision else "not decided"
    return f"Attempt {attempt.number} was {what} {who}, {moment(attempt.decided_at)}."


def reviewer(attempt: Attempt) -> str:
    """Who decided; the local user of a machine without sign-in has no name of its own."""
    return "this machine's user" if attempt.reviewer_id == "local" else attempt.reviewer_id or NOTHING


def latest_attempt(engagement: Engagement, d: Deliverable) -> Attempt | None:
    """The last delivery of it, whether or not it is decided."""
    attempts = engagement.attempts_of(d.id)
    return attempts[-1] if attempts else None


def dates(engagement: Engagement, d: Deliverable) -> dict[str, str | None]:
    """The dates of its latest attempt; the two clocks apart."""
    attempt = engagement.attempt_on(d)
    end = attempt.decide_by if attempt else None
    window = {"Decide by": moment(end)} if end else {}
    worked = days_between(d.started_at, d.ready_at or now()) if d.started_at else None
    waited = days_between(d.ready_at, d.decided_at or d.cancelled_at or now()) if d.ready_at else None
    return {
        "Started": day(d.started_at),
        "Submitted": day(d.submitted_at),
        "Ready": day(d.ready_at),
        **window,
        "Decided": day(d.decided_at),
        "Provider's time": days(worked),
        "Client's time": days(waited),
        "Id": d.id,
    }


def show_promise(engagement: Engagement, d: Deliverable) -> None:
    """The criteria, and the latest evidence beside them, where there is nothing to decide."""
    promised, shown = st.columns([3, 2], gap="large")
    with promised:
        if d.status in BEING_MENDED and reviewing.failed_last_time(engagement, d):
            show_what_to_mend(engagement, d)
        else:
            show_criteria(engagement, d)
    with shown:
        show_evidence(latest_attempt(engagement, d))


def show_criteria(engagement: Engagement, d: Deliverable) -> None:
    """The criteria, with what was found of each once somebody decided; before that, for the provider, with findings."""
    checked_next = may(Verb.SUBMIT) and not d.decided_at
    st.header("What the reviewer will check" if checked_next else "Acceptance criteria", anchor=False)
    attempt = engagement.attempt_on(d)
    if attempt and attempt.decision and not attempt.deemed:
        reviewing.draw_verdicts(d.acceptance_criteria, attempt)
    elif checked_next:
        st.caption(
            "Each of these, by looking at what you hand in. Where one leaves room, say in your notes how you read it."
        )
        findings.numbered(check_criteria(d.acceptance_criteria))
    else:
        cards.numbered(d.acceptance_criteria)


def show_what_to_mend(engagement: Engagement, d: Deliverable) -> None:
    """What the last rejection found; the criteria that did not fail stand apart."""
    before = reviewing.failed_last_time(engagement, d)
    assert before, "asked for where there was a rejection"
    st.header("To mend", anchor=False, help="What failed last time. Everything else stays as it was handed in.")
    failed = reviewing.failed_places(before, d.acceptance_criteria)
    cards.long_text(f"Why attempt {before.number} was rejected", before.rejection_reason)
    for place in failed or range(1, len(d.acceptance_criteria) + 1):
        with st.container(border=True, key=f"mend-{place}"):
            reviewing.draw_verdict(place, d.acceptance_criteria[place - 1], before.verdict_on(place))
    others = [place for place in range(1, len(d.acceptance_criteria) + 1) if failed and place not in failed]
    if others:
        with st.expander(f"{count(len(others), 'criterion', 'criteria')} that did not fail"):
            for place in others:
                reviewing.draw_verdict(place, d.acceptance_criteria[place - 1], before.verdict_on(place))


def show_evidence(attempt: Attempt | None) -> None:
    """What was handed in with an attempt."""
    st.header("Evidence", anchor=False)
    if attempt is None or attempt.submitted_at is None:
        st.caption("Nothing was submitted yet.")
        return
    st.caption(f"Submitted by {plain(attempt.submitted_by or NOTHING)}, {ago(attempt.submitted_at, now())}")
    if attempt.notes:
        st.text(attempt.notes)
    for evidence in attempt.evidence:
        st.link_button(plain(evidence.title or evidence.url), evidence.url, icon=":material/open_in_new:")
    if not attempt.evidence:
        st.caption("No link was given.")


# Reviewing.


def review_purpose(d: Deliverable, attempt: int) -> str:
    """What the draft of a review is for."""
    return f"review {d.id} {attempt}"


def discard_review(d: Deliverable, attempt: int) -> None:
    """Forget the draft of a review that came to nothing."""
    discard(open_draft(review_purpose(d, attempt)))


def show_review(engagement: Engagement, d: Deliverable) -> None:
    """A verdict on each criterion with the evidence beside, then the decision with what it causes."""
    st.session_state[REVIEWED] = (d.id, d.attempt)
    draft = open_draft(review_purpose(d, d.attempt))
    tell_deadline(engagement, d)
    judged, shown = st.columns([3, 2], gap="large")
    with judged:
        st.header("Acceptance criteria", anchor=False, help="Decide each by looking at the evidence.")
        judge_all(draft, d, reviewing.failed_last_time(engagement, d))
    with shown:
        show_evidence(latest_attempt(engagement, d))
    st.header("Decision", anchor=False, help="A decision is final for this attempt.")
    accepting, rejecting = st.columns(2, gap="large")
    with accepting, st.container(border=True):
        offer_acceptance(engagement, d, draft)
    with rejecting, st.container(border=True):
        offer_rejection(engagement, d, draft)


def tell_deadline(engagement: Engagement, d: Deliverable) -> None:
    """Until when the review window runs, and what silence means after it."""
    end, scope = reviewing.window_end(engagement, d), engagement.scope(d.scope_id)
    said = reviewing.deadline(end, scope.silence_policy)
    if said:
        marks = reviewing.deadline_mark(end)
        st.markdown(" ".join([":material/timer:", f"**{plain(said[:1].upper() + said[1:])}.**", *marks]))


def judge_all(draft: Draft, d: Deliverable, before: Attempt | None) -> None:
    """Every criterion with its verdict; after a rejection, what failed first, and what did not fail apart."""
    failed = reviewing.failed_places(before, d.acceptance_criteria)
    if before is None or not failed:
        for place, criterion in enumerate(d.acceptance_criteria, 1):
            judge(draft, place, criterion)
        return
    st.caption(f"Attempt {before.number} failed on {'this' if len(failed) == 1 else 'these'}.")
    for place in failed:
        judge(draft, place, d.acceptance_criteria[place - 1], before)
    others = [place for place in range(1, len(d.acceptance_criteria) + 1) if place not in failed]
    if others:
        with st.expander(f"{count(len(others), 'criterion', 'criteria')} that did not fail last time"):
            for place in others:
                judge(draft, place, d.acceptance_criteria[place - 1], before)


def judge(draft: Draft, place: int, criterion: str, before: Attempt | None = None) -> None:
    """One criterion with its verdict and what shows it; what failed `before` is to be judged anew."""
    last = before.verdict_on(place) if before else None
    with st.container(border=True, key=f"criterion-{place}"):
        st.markdown(f"{place}. {plain(criterion)}")
        if last and last.verdict == NOT_MET and last.evidence:
            cards.long_text("What showed last time that it was not met", last.evidence)
        verdict = draft.select(
            f"/verdicts/{place}",
            f"Verdict on criterion {place}",
            list(VERDICTS),
            last.verdict.value if last and last.verdict != NOT_MET else NOT_TESTED.value,
            format_func=VERDICTS.__getitem__,
        )
        if verdict == NOT_MET:
            draft.area(
                f"/findings/{place}",
                f"What shows that criterion {place} is not met",
                placeholder="What was tried, what came out, and where it can be seen",
                height=80,
            )
        elif verdict == MET:
            draft.text(
                f"/proofs/{place}",
                f"What shows that criterion {place} is met (optional)",
                placeholder="Where it can be seen",
            )


def verdicts_given(d: Deliverable, draft: Draft) -> tuple[CriterionVerdict, ...]:
    """The verdicts as they stand in the draft, each with what shows it."""
    shown = {NOT_MET: "/findings", MET: "/proofs"}
    places = range(1, len(d.acceptance_criteria) + 1)
    given = [(place, Verdict(draft.get(f"/verdicts/{place}", NOT_TESTED.value))) for place in places]
    return tuple(
        CriterionVerdict(place, verdict, draft.get(f"{shown[verdict]}/{place}").strip() if verdict in shown else "")
        for place, verdict in given
    )


def places_judged(d: Deliverable, draft: Draft, verdict: str) -> list[int]:
    """The criteria with this verdict, by their places."""
    places = range(1, len(d.acceptance_criteria) + 1)
    return [place for place in places if draft.get(f"/verdicts/{place}", NOT_TESTED) == verdict]


def offer_acceptance(engagement: Engagement, d: Deliverable, draft: Draft) -> None:
    """What accepting releases and causes, then the button."""
    st.markdown("**Accept**")
    foreseen = decisions.preview(engagement, Accept(), d.id)
    if isinstance(foreseen, OdsError):
        st.caption(plain(foreseen.detail))
        return
    released = money_released(foreseen.events)
    st.markdown(f"Accepting releases **{plain(released or 'no payment')}**.")
    list_foreseen(foresee(foreseen.events))
    notes = draft.area("/notes", "Notes on the acceptance (optional)", height=80)
    command = Accept(notes=notes.strip() or None, verdicts=verdicts_given(d, draft))
    not_met = places_judged(d, draft, NOT_MET)
    if not_met:
        st.caption(f"Not offered: {named(not_met)} marked as not met.")
    if decisions.ask_once(
        f"accept_{d.id}",
        "Accept",
        acceptance_question(d, draft, released),
        f"Yes, accept and release {released}" if released else "Yes, accept",
        icon="check_circle",
        disabled=bool(not_met),
    ):
        decisions.carry_out(
            lambda: runtime().service.accept(caller(), d.id, command),
            headline=f"“{d.title}” is accepted",
            about=d.id,
            draft=draft,
            then=lambda _: conclude(draft),
        )


def acceptance_question(d: Deliverable, draft: Draft, released: str | None) -> str:
    """What is asked before accepting: the money first."""
    untested = places_judged(d, draft, NOT_TESTED)
    money_part = f"This makes {released} due. " if released else "No payment becomes due. "
    untested_part = f"{count(len(untested), 'criterion is', 'criteria are')} marked as not tested. " if untested else ""
    return f"{money_part}{untested_part}It cannot be undone. Accept?"


def money_released(events: Sequence[Event]) -> str | None:
    """What becomes due, with its currency; None where nothing does."""
    due = [event.data for event in events if event.type == EventType.PAYMENT_DUE]
    return money(sum(data["amount"] for data in due), due[0]["currency"]) if due else None


def named(places: Sequence[int]) -> str:
    """`criterion 2 is`, `criteria 1 and 3 are`."""
    if len(places) == 1:
        return f"criterion {places[0]} is"
    return f"criteria {', '.join(map(str, places[:-1]))} and {places[-1]} are"


def offer_rejection(engagement: Engagement, d: Deliverable, draft: Draft) -> None:
    """What rejecting causes, the reason tied to the criteria, then the button."""
    st.markdown("**Reject**")
    not_met = places_judged(d, draft, NOT_MET)
    verdicts = verdicts_given(d, draft)
    foreseen = decisions.preview(engagement, Reject("to be written", verdicts=verdicts), d.id)
    if isinstance(foreseen, OdsError):
        st.caption(plain(foreseen.detail))
    else:
        st.markdown("Rejecting sends the work back, at no cost.")
        list_foreseen(rejection_consequences(engagement, d, foreseen.events))
    reason = draft.area(
        "/rejection_reason",
        "Reason",
        placeholder="Which criteria were not met, and what shows it. “Not good enough” leads in circles.",
        height=100,
    )
    if not not_met:
        st.caption("Mark above which criteria were not met, so that the provider knows what to mend.")
    command = Reject(reason.strip(), verdicts=verdicts)
    agreed = weigh_reason(engagement, d, draft, command)
    draft.show_rest(lambda pointer: pointer in ("/notes", "/rejection_reason"))
    if decisions.ask_once(
        f"reject_{d.id}",
        "Reject",
        rejection_question(d, draft, not_met),
        "Yes, reject",
        icon="cancel",
        primary=False,
        disabled=not reason.strip() or not agreed,
    ):
        decisions.carry_out(
            lambda: runtime().service.reject(caller(), d.id, command, enforce=is_enforced()),
            headline=f"“{d.title}” is rejected",
            about=d.id,
            draft=draft,
            then=lambda _: conclude(draft),
        )


def is_enforced() -> bool:
    """Whether a flagged rejection is refused."""
    return runtime().settings.review_policy == ReviewPolicy.ENFORCE


def weigh_reason(engagement: Engagement, d: Deliverable, draft: Draft, command: Reject) -> bool:
    """What the reason would be better without; whether the rejection may go on, a flagged one on a second step."""
    found = gate.reason_findings(engagement, d.id, command) if command.rejection_reason else []
    if not found:
        return True
    with st.container(border=True, key="reason_findings"):
        st.markdown(":material/rule: **The provider may not be able to act on this**")
        findings.reason(found)
        for demand in [f for f in found if f.code == ReasonCode.NEW_DEMAND]:
            offer_new_request(engagement, d, command.rejection_reason[demand.start : demand.end], demand.start)
        if is_enforced():
            st.caption(":material/block: Here a rejection is sent once nothing is left to mend.")
            return False
        # Agreed to as it stood: another wording, or another finding, has to be agreed to again.
        weighed = f"{command.rejection_reason} {sorted(f.code for f in found)}"
        if draft.get("/weighed") != weighed:
            draft.put("/weighed", weighed)
            draft.put("/all_the_same", False)
        return draft.toggle("/all_the_same", "Reject all the same, as it stands")


def offer_new_request(engagement: Engagement, d: Deliverable, demand: str, place: int) -> None:
    """A new demand becomes a request of its own, with its own price: the form opens with what is known."""
    if may(Verb.SUBMIT_REQUEST) and st.button(
        "Ask for it as a new request", icon=":material/add_circle:", key=f"new_request_{place}"
    ):
        go("requests", view="new", draft=forms.prepared("request", demanded(engagement, d, demand)))


def demanded(engagement: Engagement, d: Deliverable, demand: str) -> dict[str, Any]:
    """A new demand as the form of a request would have it."""
    r = engagement.request
    return {
        "/title": demand[:100],
        "/description": f"Came up while reviewing “{d.title}” ({d.id}), whose criteria do not ask for it.",
        "/desired_outcome": demand,
        "/organization_id": r.organization_id,
        "/workspace_id": r.workspace_id,
        "/subscription_id": r.subscription_id or "",
        "/project_tags": ", ".join(r.project_tags),
        "/currency": r.currency,
    }


def rejection_consequences(engagement: Engagement, d: Deliverable, events: Sequence[Event]) -> list[str]:
    """What a rejection would cause: a remediation cycle, or a place in the one that runs."""
    said = foresee(events)
    if not any(event.type == EventType.REMEDIATION_STARTED for event in events):
        running = [c for c in engagement.remediations(d.cycle_id) if not c.completed_at and not c.cancelled_at]
        said += [f"it joins {c.name}, planned to end on {day(c.planned_end)}" for c in running]
    return said


def rejection_question(d: Deliverable, draft: Draft, not_met: Sequence[int]) -> str:
    """What is asked before rejecting."""
    if not not_met:
        return "No criterion is marked as not met, which makes the reason hard to act on. Reject all the same?"
    unproven = [n for n in not_met if not draft.get(f"/findings/{n}").strip()]
    shown = f" Nothing shows it for {named(unproven).rsplit(' ', 1)[0]}." if unproven else ""
    return f"Reject because {named(not_met)} not met?{shown} No payment is released. It cannot be undone."


def conclude(draft: Draft) -> None:
    """The review is done: nobody overtook it, and its draft is of no more use."""
    st.session_state.pop(REVIEWED, None)
    discard(draft)


# Working.


def show_submission(engagement: Engagement, d: Deliverable) -> None:
    """The provider's next step: start, or submit with notes and links."""
    cycle = working_cycle(engagement, d)
    with st.container(border=True, key="submission"):
        st.header("Your next step", anchor=False)
        st.caption(
            f"{plain(cycle.name)} is planned to end on {day(cycle.planned_end)}, {away(cycle.planned_end, today())}."
        )
        if offers(engagement, Verb.START, d.id) and st.button("Start work", icon=":material/play_circle:", key="start"):
            decisions.carry_out(
                lambda: runtime().service.start(caller(), d.id, Start()),
                headline=f"Work on “{d.title}” has started",
                about=d.id,
            )
        if offers(engagement, Verb.SUBMIT, d.id):
            offer_submission(engagement, d)


def offer_submission(engagement: Engagement, d: Deliverable) -> None:
    """Notes and evidence, then the button."""
    draft = open_draft(f"submission {d.id} {d.attempt}", lambda: {"/evidence/0/title": "", "/evidence/0/url": ""})
    notes = draft.area("/notes", "Notes for the reviewer", placeholder="What was done, and how to check it", height=100)
    st.caption("Evidence: what shows that each criterion is met")
    for place in range(draft.length("/evidence")):
        evidence_row(draft, place)
    st.button(
        "Add a link",
        icon=":material/add_link:",
        key="add_link",
        disabled=draft.length("/evidence") >= MAX_LINKS,
        on_click=lambda: draft.add("/evidence", title="", url=""),
    )
    draft.show_problems("/evidence", "")
    foreseen = decisions.preview(engagement, Submit(), d.id)
    if not isinstance(foreseen, OdsError):
        list_foreseen(foresee(foreseen.events))
    if st.button("Submit for review", type="primary", icon=":material/inventory_2:", key="submit"):
        drop_blank_rows(draft)
        command = Submit(notes.strip() or None, read_evidence(draft))
        decisions.carry_out(
            lambda: runtime().service.submit(caller(), d.id, command),
            headline=f"“{d.title}” is submitted",
            about=d.id,
            draft=draft,
            then=lambda _: discard(draft),
        )


def evidence_row(draft: Draft, place: int) -> None:
    """The title and address of one piece of evidence."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"evidence-{place}"):
        draft.text(f"/evidence/{place}/title", f"Title of link {place + 1}", placeholder="Load test report")
        draft.text(f"/evidence/{place}/url", f"Address of link {place + 1}", placeholder="https://…")
        st.button(
            f"Remove link {place + 1}",
            icon=":material/delete:",
            key=f"remove_link_{place}",
            on_click=draft.remove,
            args=("/evidence", place),
        )


def drop_blank_rows(draft: Draft) -> None:
    """Take out rows in which nothing was typed, so that problems find the rows that are left."""
    for place in reversed(range(draft.length("/evidence"))):
        if not draft.get(f"/evidence/{place}/title").strip() and not draft.get(f"/evidence/{place}/url").strip():
            draft.remove("/evidence", place)


def read_evidence(draft: Draft) -> tuple[Evidence, ...]:
    """The links as they were typed."""
    places = range(draft.length("/evidence"))
    return tuple(
        Evidence(draft.get(f"/evidence/{n}/title").strip(), draft.get(f"/evidence/{n}/url").strip()) for n in places
    )


# History.


def show_history(engagement: Engagement, d: Deliverable) -> None:
    """Every attempt that was handed in, the latest first."""
    submitted = [a for a in engagement.attempts_of(d.id) if a.submitted_at]
    if not submitted:
        return
    st.header("Attempts", anchor=False)
    for attempt in reversed(submitted):
        draw_attempt(engagement, d, attempt)


def draw_attempt(engagement: Engagement, d: Deliverable, a: Attempt) -> None:
    """One attempt: when, by whom, what was shown, what was decided and why."""
    decided = f"{a.decision.value} {day(a.decided_at)}" if a.decision else "not decided"
    cycle = engagement.cycle(a.cycle_id)
    worked = days_between(a.started_at, a.ready_at) if a.ready_at else None
    waited = days_between(a.ready_at, a.decided_at) if a.ready_at and a.decided_at else None
    with st.expander(f"Attempt {a.number} · {plain(cycle.name)} · {decided}", expanded=a.decision == Decision.REJECTED):
        cards.facts(
            {
                "Submitted": moment(a.submitted_at),
                "By": a.submitted_by,
                "Decided": moment(a.decided_at),
                "Reviewer": "nobody: deemed by silence" if a.deemed else a.reviewer_id,
                "Provider's time": days(worked),
                "Client's time": days(waited),
            }
        )
        cards.long_text("Notes of the provider", a.notes)
        for evidence in a.evidence:
            st.link_button(
                plain(evidence.title or evidence.url),
                evidence.url,
                icon=":material/open_in_new:",
                key=f"evidence-{a.number}-{a.evidence.index(evidence)}",
            )
        cards.long_text("Reason", a.rejection_reason)
        if a.deemed:
            st.caption("Silence decided; no criterion was judged.")
        elif a.decision:
            reviewing.draw_verdicts(d.acceptance_criteria, a)
        cards.long_text("Notes of the reviewer", a.review_notes)
        if a.remediation_cycle_id:
            link_to(Kind.CYCLE, a.remediation_cycle_id, engagement.cycle(a.remediation_cycle_id).name, icon="build")


live.watch()
if param("deliverable"):
    show_deliverable(param("deliverable"))
else:
    show_lists()
