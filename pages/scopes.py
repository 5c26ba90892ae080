"""Scopes: a proposal as a document; confirming, declining, re-issuing, terminating; then today against the baseline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import streamlit as st

from ods_core.basics.errors import OdsError
from ods_core.basics.events import EventType
from ods_core.basics.records import Cycle, Deliverable, Engagement, Milestone, PlannedMilestone, Scope
from ods_core.basics.resources import expected_on, last_safe_day, overdue_days, statement
from ods_core.basics.states import Kind, PaymentStatus, ScopeStatus, look
from ods_core.basics.triggers import TriggerKind
from ods_core.lifecycle import Confirm, Decline, Outcome, Reissue, Terminate, Verb, why_not
from ods_core.quality import CheckedList
from ods_core.queries import choices, lists
from ods_core.service import Result, runtime
from ods_core.ui import (
    cards,
    decisions,
    findings,
    forms,
    live,
    outlook,
    quotes,
    reviewing,
    revisions,
    storyline,
    tables,
)
from ods_core.ui.formats import NOTHING, away, count, day, moment, money, period, plain
from ods_core.ui.session import (
    caller,
    choose,
    choose_text,
    engagement_of,
    go,
    link,
    link_to,
    may,
    now,
    offers,
    param,
    reading,
    review_days,
    set_params,
    today,
)

# The list


def show_list() -> None:
    """All scopes, newest first, narrowed by the filters in the address."""
    cards.heading("scopes")
    with reading() as connection:
        organizations = choices.organizations(connection, caller())
        currencies = choices.currencies(connection, caller())
    columns = st.columns([2, 1, 1, 1])
    with columns[0]:
        text = choose_text("q", "Search", placeholder="Words of the title, or an id")
    with columns[1]:
        status = choose("status", "Status", {s.value: look(s).label for s in ScopeStatus})
    with columns[2]:
        organization = choose("organization", "Organisation", {id: id for id in organizations})
    with columns[3]:
        currency = choose("currency", "Currency", {code: code for code in currencies})
    filters = {"status": status or None, "organization_id": organization or None, "currency": currency or None}
    where = [*lists.conditions(Kind.SCOPE, filters), *choices.matching(Kind.SCOPE, text)]
    is_filtered = bool(text or status or organization or currency)
    tables.paged(Kind.SCOPE, where, draw_row, empty=lambda: say_nothing_found(is_filtered))


def draw_row(engagement: Engagement, id: str) -> None:
    """One scope in the list."""
    scope = engagement.scope(id)
    facts = [
        f"revision {scope.revision}",
        count(len(engagement.scope_deliverables(id)), "deliverable"),
        count(len(engagement.delivery_cycles(id)), "cycle"),
        timing(scope),
        engagement.request.organization_id,
        scope.id,
    ]
    badges = [cards.state_text(scope.status), *expiry_badge(scope), *circling_badge(engagement, id)]
    windows = reviewing.running_windows(engagement, id)
    if windows:
        facts.insert(0, reviewing.deadline(windows[0][1], scope.silence_policy) or "")
        badges += reviewing.deadline_mark(windows[0][1])
    cards.row(Kind.SCOPE, id, scope.title, facts, badges=badges, aside=money(scope.fixed_price, scope.currency))


def timing(scope: Scope) -> str:
    """The date that matters in the scope's present state."""
    if scope.completed_at:
        return f"completed {day(scope.completed_at)}"
    if scope.cancelled_at:
        return f"cancelled {day(scope.cancelled_at)}"
    if scope.confirmed_at:
        return f"confirmed {day(scope.confirmed_at)}"
    return f"valid until {day(scope.valid_until)} ({away(scope.valid_until, today())})"


def expiry_badge(scope: Scope) -> list[str]:
    """A mark on a proposal that can no longer be confirmed, or not for long."""
    if scope.is_expired(today()):
        return [cards.note("expired", "red", "event_busy")]
    about_to = scope.status == ScopeStatus.PENDING_CONFIRMATION and today() >= scope.remind_on
    return [cards.note(f"expires {away(scope.valid_until, today())}", "orange", "timer")] if about_to else []


def circling_badge(engagement: Engagement, scope_id: str) -> list[str]:
    """A mark on an engagement one of whose deliverables goes in circles."""
    circling = reviewing.circling(engagement, scope_id)
    return [cards.note("going in circles", "red", "report")] if circling else []


def say_nothing_found(filtered: bool) -> None:
    """What an empty list says."""
    if filtered:
        cards.empty("No scope fits these filters.", label="Show all scopes", place="scopes")
    else:
        cards.empty(
            "No proposal was presented yet. The provider makes one from a request.",
            label="See the requests",
            place="requests",
        )


# One scope, as a document


def show_scope(id: str) -> None:
    """The whole scope, and what can be done with it now."""
    engagement = engagement_of(Kind.SCOPE, id)
    scope = engagement.scope(id)
    link("scopes", "All scopes", icon="arrow_back")
    cards.heading("scopes", scope.title)
    badges = [cards.state_text(scope.status), cards.note(f"revision {scope.revision}"), *expiry_badge(scope)]
    st.markdown(f"{' '.join(badges + circling_badge(engagement, id))} {plain(scope.id)}")
    show_how_it_ended(scope)
    reviewing.tell_circling(engagement, id)
    reviewing.tell_windows(engagement, id)
    offer_certificate(engagement, scope)
    show_decision(engagement, scope)
    show_facts(engagement, scope)
    if scope.confirmed_at:
        show_against_baseline(engagement, scope)
    show_work(engagement, scope)
    show_money(engagement, scope)
    show_revisions(engagement, scope)
    st.header("What happened", anchor=False)
    storyline.show(engagement.request.id)


def show_how_it_ended(scope: Scope) -> None:
    """Why a scope is no more, by whom and when."""
    if scope.cancelled_at:
        what = "Terminated" if scope.confirmed_at else "Declined or withdrawn"
        st.info(
            f"{what} by {plain(scope.cancelled_by or NOTHING)}, {plain(moment(scope.cancelled_at))}: "
            f"{plain(scope.cancellation_reason or NOTHING)}",
            icon=":material/block:",
        )


def offer_certificate(engagement: Engagement, scope: Scope) -> None:
    """What a completed scope leaves behind: the certificate of everything that was accepted."""
    line = engagement.service_line
    if scope.status == ScopeStatus.COMPLETED and line:
        reviewing.offer_certificate(Kind.SERVICE_LINE, line.id)


def show_facts(engagement: Engagement, scope: Scope) -> None:
    """The scope in figures."""
    r = engagement.request
    with st.container(border=True):
        cards.facts(
            {
                "Fixed price": money(scope.fixed_price, scope.currency),
                "Timeline": count(scope.timeline_weeks, "week"),
                "Valid until": day(scope.valid_until) if scope.confirmed_at else until(scope.valid_until),
                "Last safe day to confirm": safe_day(engagement, scope),
                "Presented": f"{day(scope.proposed_at)} by {scope.proposed_by}",
                "Confirmed": confirmed(scope),
                "Review": revisions.review(scope),
                "Reminder": reminder(scope),
                "Organisation": r.organization_id,
            }
            | score_kept(scope)
        )
        with st.container(horizontal=True):
            link_to(Kind.REQUEST, r.id, f"Request {r.id}")
            if scope.confirmed_at:
                link("cycles", "Timeline", icon="view_timeline", scope=scope.id)
                link("deliverables", "Deliverables", icon="fact_check", scope=scope.id)
                link("payments", "Payments", icon="payments", scope=scope.id)


def score_kept(scope: Scope) -> dict[str, str]:
    """How good the criteria were found when they were confirmed; nothing where nobody looked."""
    return {} if scope.criteria_score is None else {"Criteria at confirmation": f"{scope.criteria_score} of 100"}


def safe_day(engagement: Engagement, scope: Scope) -> str:
    """The last day on which confirming leaves the provider its lead time."""
    last = last_safe_day(engagement, scope)
    return until(last) if scope.confirmed_at is None else day(last)


def until(last: date) -> str:
    """A day by which something has to be done, and how far it is."""
    return f"{day(last)} ({away(last, today())})"


def confirmed(scope: Scope) -> str:
    """When, by whom, and whether that moved the dates."""
    if not scope.confirmed_at:
        return "not yet"
    moved = f", dates moved by {count(scope.shifted_days, 'day')}" if scope.shifted_days else ""
    return f"{day(scope.confirmed_at)} by {scope.confirmed_by}{moved}"


def reminder(scope: Scope) -> str | None:
    """When the client is, or was, reminded to confirm; None once that does not matter."""
    if scope.reminded_at:
        return f"sent {day(scope.reminded_at)}"
    waits = scope.status == ScopeStatus.PENDING_CONFIRMATION and not scope.is_expired(today())
    return f"on {day(scope.remind_on)}" if waits else None


def show_work(engagement: Engagement, scope: Scope) -> None:
    """The cycles with their deliverables and criteria."""
    st.header("What will be delivered", anchor=False)
    is_open = scope.status == ScopeStatus.PENDING_CONFIRMATION
    checked = findings.of_scope(engagement, scope.id) if is_open else {}
    for cycle in engagement.delivery_cycles(scope.id):
        with st.container(border=True, key=f"cycle-{cycle.id}"):
            started = cards.state_text(cycle.status) if scope.confirmed_at else ""
            st.markdown(f"**{plain(cycle.name)}** · {plain(period(cycle.planned_start, cycle.planned_end))} {started}")
            for id in cycle.deliverable_ids:
                show_deliverable(scope, engagement.deliverable(id), checked.get(id))


def show_deliverable(scope: Scope, d: Deliverable, checked: CheckedList | None) -> None:
    """One deliverable: what it is, and how it is judged; with what was found in its criteria while that can change."""
    with st.container(gap="xsmall", key=f"deliverable-{d.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if scope.confirmed_at:
                link_to(Kind.DELIVERABLE, d.id, f"{d.position}. {d.title}")
                st.markdown(cards.state_text(d.status), width="content")
            else:
                st.markdown(f"**{d.position}\\. {plain(d.title)}**", width="content")
        st.text(d.description)
        st.caption("Accepted when")
        if checked:
            findings.numbered(checked)
        else:
            cards.numbered(d.acceptance_criteria)


def show_money(engagement: Engagement, scope: Scope) -> None:
    """The price, the terms, and what they come to."""
    st.header("Price and payments", anchor=False)
    st.markdown(f"**{plain(money(scope.fixed_price, scope.currency))}** · {plain(scope.payment_terms)}")
    made = [m for m in engagement.milestones if m.scope_id == scope.id]
    rows = [milestone_row(engagement, m) for m in made] or [planned_row(m) for m in scope.schedule]
    tables.grid(
        rows,
        alt=f"The payments of scope {scope.id}",
        columns={"Amount": tables.right_aligned("Amount"), "Paid": tables.right_aligned("Paid")},
        key="payments",
    )
    if made:
        sums = statement(engagement, scope)
        names = ("received", "open", "scheduled", "void")
        cards.facts({name.capitalize(): money(sums[name], scope.currency) for name in names})
    show_calculation(scope)


def show_calculation(scope: Scope) -> None:
    """How the price came about, for the provider's side alone."""
    if scope.quote is None or not caller().calculates:
        return
    with st.expander("How the price came about", icon=":material/calculate:"):
        quotes.show_figures(scope.quote)
        quotes.show_lines(scope.quote, "quote_lines", scope)
        st.caption(f"{plain(quotes.fit_text(scope.quote))} Only the provider sees this calculation.")


def planned_row(m: PlannedMilestone) -> dict[str, str | int]:
    """One payment of a proposal."""
    return {
        "#": m.position,
        "Payment": m.description,
        "To be paid within": count(m.net_days, "day"),
        "Amount": money(m.amount, m.currency),
    }


def milestone_row(engagement: Engagement, m: Milestone) -> dict[str, str | int]:
    """One payment of a confirmed scope."""
    late = overdue_days(m, now())
    expected = expected_on(engagement, m, review_days())
    when = {
        PaymentStatus.SCHEDULED: f"expected {day(expected)}",
        PaymentStatus.DUE: f"due {day(m.due_at)}" + (f", {count(late, 'day')} late" if late else ""),
        PaymentStatus.PAID: f"paid {day(m.paid_at)}",
        PaymentStatus.VOID: f"void since {day(m.voided_at)}",
    }
    return {
        "#": m.position,
        "Payment": m.description,
        "State": look(m.status).label,
        "When": when[m.status],
        "Amount": money(m.amount, m.currency),
        "Paid": money(m.paid, m.currency),
    }


def show_against_baseline(engagement: Engagement, scope: Scope) -> None:
    """The dates as they are, against those that were proposed."""
    st.header("Today against the baseline", anchor=False)
    rows = [against_baseline(c) for c in engagement.delivery_cycles(scope.id)]
    tables.grid(rows, alt="Each cycle's dates as proposed, as planned and as they came", key="baseline")
    rework = len([c for c in engagement.cycles if c.scope_id == scope.id and c.parent_cycle_id])
    said = f"{count(rework, 'remediation cycle')}, at no cost" if rework else "No remediation so far"
    st.caption(f"{said}. Price, deliverables, criteria and terms are frozen since the confirmation.")
    if scope.status == ScopeStatus.ACTIVE:
        outlook.tell_scope(scope.id)


def against_baseline(cycle: Cycle) -> dict[str, str]:
    """One cycle's dates."""
    return {
        "Cycle": cycle.name,
        "State": look(cycle.status).label,
        "Proposed": period(cycle.baseline_start, cycle.baseline_end),
        "Planned": period(cycle.planned_start, cycle.planned_end),
        "Started": day(cycle.started_at),
        "Completed": day(cycle.completed_at),
        "Accepted": day(cycle.accepted_at),
        "Completed against plan": lateness(cycle),
    }


def lateness(cycle: Cycle) -> str:
    """How a cycle's end compares with its planned end."""
    ended = cycle.completed_at.date() if cycle.completed_at else None
    if ended is None and cycle.started_at and cycle.cancelled_at is None and today() > cycle.planned_end:
        return f"{count((today() - cycle.planned_end).days, 'day')} late so far"
    if ended is None:
        return NOTHING
    apart = (ended - cycle.planned_end).days
    return "on the day" if apart == 0 else f"{count(abs(apart), 'day')} {'late' if apart > 0 else 'early'}"


def show_revisions(engagement: Engagement, scope: Scope) -> None:
    """What this revision changed, and all revisions side by side."""
    if len(engagement.scopes) == 1:
        return
    st.header("Revisions", anchor=False)
    show_differences(engagement, scope)
    with st.expander("All revisions side by side"):
        said = {f"Revision {s.revision}": revision_facts(engagement, s) for s in engagement.scopes}
        aspects = next(iter(said.values()))
        rows = [{"What": aspect} | {name: facts[aspect] for name, facts in said.items()} for aspect in aspects]
        tables.sheet(rows, alt="What each revision of the proposal says")
    with st.container(horizontal=True):
        for other in engagement.scopes:
            if other.id != scope.id:
                link_to(Kind.SCOPE, other.id, f"Open revision {other.revision}")


def show_differences(engagement: Engagement, scope: Scope) -> None:
    """Where this revision differs from another: the one before it, unless another is chosen."""
    others = {str(s.revision): s for s in engagement.scopes if s.id != scope.id}
    before = str(scope.revision - 1) if scope.revision > 1 else next(iter(others))
    labels = {number: f"Revision {number}" for number in sorted(others, key=lambda n: (n != before, int(n)))}
    other = others[choose("against", "Compare with", labels, everything=None, resets=())]
    older, newer = sorted((scope, other), key=lambda s: s.revision)
    if other.cancellation_reason and other is older:
        st.caption(f"Revision {other.revision} ended because: {plain(other.cancellation_reason)}")
    found = revisions.differences(engagement, older, newer)
    if not found:
        st.text(f"Revision {newer.revision} says the same as revision {older.revision}.")
        return
    rows = [
        {"What": d.aspect, f"Revision {older.revision}": d.before, f"Revision {newer.revision}": d.after} for d in found
    ]
    tables.sheet(rows, alt=f"Where revision {newer.revision} differs from revision {older.revision}")


def revision_facts(engagement: Engagement, s: Scope) -> dict[str, str]:
    """What a revision says, aspect by aspect."""
    cycles = engagement.delivery_cycles(s.id)
    deliverables = engagement.scope_deliverables(s.id)
    return {
        "State": look(s.status).label,
        "Price": money(s.fixed_price, s.currency),
        "Timeline": count(s.timeline_weeks, "week"),
        "Dates": period(cycles[0].baseline_start, cycles[-1].baseline_end),
        "Deliverables": "; ".join(d.title for d in deliverables),
        "Criteria": "; ".join(text for d in deliverables for text in d.acceptance_criteria),
        "Payment terms": s.payment_terms,
        "Review": revisions.review(s),
        "Valid until": day(s.valid_until),
        "Ended because": s.cancellation_reason or NOTHING,
    }


# Deciding


def show_decision(engagement: Engagement, scope: Scope) -> None:
    """What this person can decide now, and what each decision would do."""
    act = param("act")
    if act in FORMS and offers(engagement, FORMS[act][0], scope.id):
        FORMS[act][1](engagement, scope)
        return
    if act in FORMS and may(FORMS[act][0]):
        decisions.tell_who_came_first(scope.id)
    if offers(engagement, Verb.CONFIRM, scope.id):
        show_confirm(engagement, scope)
    else:
        decisions.tell_if_overtaken(f"confirm-{scope.id}", scope.id)
    if may(Verb.CONFIRM) and scope.is_expired(today()):
        refusal = why_not(engagement, Verb.CONFIRM, scope.id, today())
        st.warning(
            f"**{plain(refusal.title if refusal else '')}.** It could be confirmed until "
            f"{plain(day(scope.valid_until))}. Ask the provider to re-issue it.",
            icon=":material/event_busy:",
        )
    with st.container(horizontal=True):
        for name, (verb, _, label, icon) in FORMS.items():
            if offers(engagement, verb, scope.id):
                link("scopes", label, icon=icon, scope=scope.id, act=name)
        if offers(engagement, Verb.DECLINE, scope.id) and specifics(engagement, scope):
            link("scopes", "Send the findings back", icon="rule", scope=scope.id, act="decline", specifics="yes")


def show_confirm(engagement: Engagement, scope: Scope) -> None:
    """What confirming today would do, in money and dates, and the button that does it."""
    outcome = decisions.preview(engagement, Confirm(), scope.id)
    if isinstance(outcome, OdsError):
        return
    with st.container(border=True, key="confirm_panel"):
        st.markdown("**If you confirm today**")
        checked = findings.together(findings.of_scope(engagement, scope.id))
        st.caption(f":material/rule: {findings.summary(checked)}")
        st.markdown("\n".join(f"- {plain(text)}" for text in if_confirmed(engagement, scope, outcome)))
        price = money(scope.fixed_price, scope.currency)
        if decisions.ask_once(
            f"confirm-{scope.id}",
            "Confirm this scope",
            f"Confirm “{scope.title}” for {price}? {upfront(outcome)} From then on the scope is frozen.",
            f"Yes, confirm for {price}",
            icon="task_alt",
        ):
            decisions.carry_out(
                lambda: runtime().service.confirm(caller(), scope.id, Confirm()),
                headline=f"Confirmed for {price}.",
                about=scope.id,
            )


def if_confirmed(engagement: Engagement, scope: Scope, outcome: Outcome) -> list[str]:
    """What a confirmation would come to, the money first."""
    cycles = outcome.engagement.delivery_cycles(scope.id)
    later = [m for m in scope.schedule if m.trigger.kind != TriggerKind.CONFIRMATION]
    rest = sum((m.amount for m in later), start=scope.fixed_price - scope.fixed_price)
    said = [upfront(outcome)]
    if rest:
        said.append(f"{money(rest, scope.currency)} follows in {count(len(later), 'payment')} as work is accepted.")
    said.append(f"{cycles[0].name} starts; the last cycle is planned to end on {day(cycles[-1].planned_end)}.")
    return [*said, shift(engagement, scope, outcome)]


def upfront(outcome: Outcome) -> str:
    """The money that would be due at once."""
    due = [e.data for e in outcome.events if e.type == EventType.PAYMENT_DUE]
    if not due:
        return "Nothing is due yet."
    return " ".join(f"{money(d['amount'], d['currency'])} becomes due on {day(d['due_at'])}." for d in due)


def shift(engagement: Engagement, scope: Scope, outcome: Outcome) -> str:
    """What confirming today would do to the dates."""
    by = outcome.engagement.scope(scope.id).shifted_days
    if by:
        return f"Every cycle moves by {count(by, 'day')}: its first start has passed. The proposed dates stay visible."
    last = last_safe_day(engagement, scope)
    if scope.valid_until < last:
        return f"The dates hold. The proposal can be confirmed until {until(scope.valid_until)}, and not after it."
    if today() > last:
        return f"The dates hold, but the last safe day was {day(last)}: the provider has less than its lead time."
    return f"The dates hold. The last safe day to confirm is {day(last)} ({away(last, today())})."


def show_decline(engagement: Engagement, scope: Scope) -> None:
    """The form that sends a proposal back."""
    # The findings, one by one, as the reason to start from: the person takes out what does not matter.
    asked = specifics(engagement, scope) if param("specifics") else ""
    draft = forms.open_draft(f"decline {scope.id}", lambda: {"/reason": asked})
    with st.container(border=True, key="decline_panel"):
        st.markdown("**Decline, and ask for specifics**")
        reason = draft.area(
            "/reason",
            "What has to change",
            placeholder="Criterion 2 of the test suite does not say under which load.",
            height=220 if asked else "content",
            help="Name the deliverable and the criterion. The provider answers with the next revision.",
        )
        act_buttons(
            "decline",
            "Decline",
            "Send this proposal back? The request waits for the next revision; nothing is owed.",
            lambda: runtime().service.decline(caller(), scope.id, Decline(reason)),
            headline="The proposal was declined; the provider answers with the next revision.",
            draft=draft,
            scope=scope,
        )


def specifics(engagement: Engagement, scope: Scope) -> str:
    """What was found in the criteria, as a reason to send them back."""
    checked = findings.of_scope(engagement, scope.id)
    return findings.specifics(engagement.scope_deliverables(scope.id), checked)


def show_reissue(engagement: Engagement, scope: Scope) -> None:
    """The form that presents an expired proposal again."""
    default = today() + timedelta(days=runtime().service.policy.proposal_days)
    draft = forms.open_draft(f"reissue {scope.id}", lambda: {"/valid_until": default})
    with st.container(border=True, key="reissue_panel"):
        st.markdown("**Re-issue as the next revision**")
        until = draft.day("/valid_until", "Valid until (included)")
        outcome = decisions.preview(engagement, Reissue(until), scope.id)
        if not isinstance(outcome, OdsError):
            st.markdown(f"- {plain(new_dates(scope, outcome))}")
        act_buttons(
            "reissue",
            "Re-issue",
            f"Present revision {scope.revision + 1} to the client?",
            lambda: runtime().service.reissue(caller(), scope.id, Reissue(until)),
            headline="The proposal was re-issued as the next revision.",
            draft=draft,
            scope=scope,
        )


def new_dates(scope: Scope, outcome: Outcome) -> str:
    """The dates that a re-issued proposal would have."""
    new = outcome.engagement.scopes[-1]
    cycles = outcome.engagement.delivery_cycles(new.id)
    return (
        f"Revision {new.revision} runs {period(cycles[0].planned_start, cycles[-1].planned_end)}, "
        f"for {money(new.fixed_price, new.currency)} as before."
    )


def show_terminate(engagement: Engagement, scope: Scope) -> None:
    """The form that ends an active scope early, with what that means in money."""
    draft = forms.open_draft(f"terminate {scope.id}")
    sums = statement(engagement, scope)
    stays, goes = money(sums["open"], scope.currency), money(sums["scheduled"], scope.currency)
    with st.container(border=True, key="terminate_panel"):
        st.markdown("**Terminate early**")
        st.markdown(
            f"- {plain(stays)} is due and stays due.\n- {plain(goes)} is not due yet and becomes void.\n"
            "- Unfinished cycles and deliverables are cancelled, and the service line closes."
        )
        reason = draft.area("/reason", "Reason")
        act_buttons(
            "terminate",
            "Terminate",
            f"Terminate “{scope.title}”? {stays} stays due, {goes} becomes void. This cannot be undone.",
            lambda: runtime().service.terminate(caller(), scope.id, Terminate(reason)),
            headline="The scope was terminated.",
            draft=draft,
            scope=scope,
        )


def act_buttons(
    key: str, label: str, question: str, act: Callable[[], Result], *, headline: str, draft: forms.Draft, scope: Scope
) -> None:
    """The button that asks and does it, and the one that leaves the form."""
    if decisions.ask_once(f"{key}-{scope.id}", label, question, f"Yes, {label.lower()}"):
        decisions.carry_out(
            act, headline=headline, about=scope.id, draft=draft, then=lambda result: leave(draft, result.subject_id)
        )
    if st.button("Discard", icon=":material/delete:", key="discard"):
        forms.discard(draft)
        go("scopes", scope=scope.id)


def leave(draft: forms.Draft, scope_id: str) -> None:
    """From a form to the scope that it was about, or that came of it."""
    forms.discard(draft)
    set_params(act=None, specifics=None, scope=scope_id)


FORMS = {
    "decline": (Verb.DECLINE, show_decline, "Decline and ask for specifics", "undo"),
    "reissue": (Verb.REISSUE, show_reissue, "Re-issue this proposal", "autorenew"),
    "terminate": (Verb.TERMINATE, show_terminate, "Terminate early", "stop_circle"),
}

live.watch()
if param("scope"):
    show_scope(param("scope"))
else:
    show_list()
