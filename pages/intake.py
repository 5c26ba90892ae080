"""Requests: what was asked for; asking, revising, negotiating, and proposing a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from ods_core.basics.errors import Invalid, Problem
from ods_core.basics.money import Money, MoneyError, currencies
from ods_core.basics.quotes import Change, Quote
from ods_core.basics.records import Engagement, PlannedMilestone, Request, Scope
from ods_core.basics.resources import amount_json
from ods_core.basics.states import Kind, RequestStatus, SilencePolicy, look
from ods_core.lifecycle import (
    Cancel,
    Estimate,
    Negotiate,
    Propose,
    ProposedCycle,
    ProposedDeliverable,
    Revise,
    SubmitRequest,
    Verb,
)
from ods_core.lifecycle.validation import MAX_CYCLES, MAX_DELIVERABLES, MAX_WEEKS, gaps
from ods_core.payments import RateCard, RateCardError, TermsError, read_rate_card
from ods_core.queries import choices, lists
from ods_core.service import Result, plan, quote_for, runtime, terms_problems
from ods_core.ui import cards, decisions, findings, forms, live, quotes, reviewing, storyline, tables
from ods_core.ui.formats import NOTHING, ago, count, day, moment, money, plain
from ods_core.ui.forms import Draft
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
    set_params,
    today,
)

FIRST_TERMS = "50% on confirmation, 50% on final acceptance"
SILENCE = {
    SilencePolicy.NONE: "Nothing: reminders only",
    SilencePolicy.DEEMED_ACCEPTED: "The deliverable counts as accepted",
    SilencePolicy.DEEMED_REJECTED: "The deliverable counts as rejected",
}


# The list


def show_list() -> None:
    """All requests, newest first, narrowed by the filters in the address."""
    cards.heading("requests")
    if may(Verb.SUBMIT_REQUEST):
        link("requests", "Ask for an outcome", icon="add_circle", view="new")
    with reading() as connection:
        known = choices.organizations(connection, caller())
    wide, middle, narrow = st.columns([2, 1, 1])
    with wide:
        text = choose_text("q", "Search", placeholder="Words of the title, or an id")
    with middle:
        status = choose("status", "Status", {s.value: look(s).label for s in RequestStatus})
    with narrow:
        organization = choose("organization", "Organisation", {id: id for id in known})
    filters = {"status": status or None, "organization_id": organization or None}
    where = [*lists.conditions(Kind.REQUEST, filters), *choices.matching(Kind.REQUEST, text)]
    tables.paged(Kind.REQUEST, where, draw_row, empty=lambda: say_nothing_found(bool(status or organization or text)))


def draw_row(engagement: Engagement, id: str) -> None:
    """One request in the list."""
    r = engagement.request
    facts = [
        f"submitted {day(r.created_at)} ({ago(r.created_at, now())})",
        count(r.timeline_weeks, "week") if r.timeline_weeks else "",
        r.organization_id,
        r.id,
    ]
    budget = f"up to {money(r.budget_max, r.currency)}" if r.budget_max is not None else None
    cards.row(Kind.REQUEST, id, r.title, facts, badges=[cards.state_text(r.status)], aside=budget)


def say_nothing_found(filtered: bool) -> None:
    """What an empty list says."""
    if filtered:
        cards.empty("No request fits these filters.", label="Show all requests", place="requests")
    elif may(Verb.SUBMIT_REQUEST):
        cards.empty(
            "Nothing was asked for yet. Describe the outcome you need, and the provider answers with a proposal.",
            label="Ask for an outcome",
            place="requests",
            view="new",
        )
    else:
        cards.empty("Nothing was asked for yet. A delivery lead begins by asking for an outcome.")


# One request


def show_request(id: str) -> None:
    """One request: what was asked, what came of it, and what can be done now."""
    engagement = engagement_of(Kind.REQUEST, id)
    r = engagement.request
    link("requests", "All requests", icon="arrow_back")
    cards.heading("requests", r.title)
    st.markdown(f"{cards.state_text(r.status)} {plain(r.id)} · submitted {plain(moment(r.created_at))}")
    reviewing.tell_circling(engagement)
    show_negotiation(r)
    show_actions(engagement)
    with st.container(border=True):
        cards.facts(bounds(r))
        cards.long_text("Description", r.description)
        cards.long_text("Desired outcome", r.desired_outcome)
        show_criteria(r)
    show_proposals(engagement)
    st.header("What happened", anchor=False)
    storyline.show(engagement.request.id)


def bounds(r: Request) -> dict[str, str]:
    """The facts of a request."""
    return {
        "Budget": f"up to {money(r.budget_max, r.currency)}" if r.budget_max is not None else "no bound named",
        "Timeline": f"up to {count(r.timeline_weeks, 'week')}" if r.timeline_weeks else "no bound named",
        "Organisation": r.organization_id,
        "Workspace": r.workspace_id,
        "Subscription": r.subscription_id or NOTHING,
        "Projects": ", ".join(r.project_tags) or NOTHING,
        "Asked by": r.created_by,
        "Last changed": moment(r.updated_at),
    }


def show_criteria(r: Request) -> None:
    """The acceptance criteria of a request."""
    st.caption("Acceptance criteria")
    if r.acceptance_criteria:
        cards.numbered(r.acceptance_criteria)
    else:
        st.text("None yet. Each deliverable of a proposal will have its own.")


def show_negotiation(r: Request) -> None:
    """What the provider said would fit, or why the request ended."""
    if r.negotiation_reason:
        would = [money(r.negotiation_price, r.currency)] if r.negotiation_price is not None else []
        would += [count(r.negotiation_weeks, "week")] if r.negotiation_weeks else []
        over = gap(r)
        st.warning(
            f"**The provider asks to negotiate.** {plain(r.negotiation_reason)}\n\n"
            f"What would fit: **{plain(' and '.join(would))}**{plain(f', {over}' if over else '')}.",
            icon=":material/forum:",
        )
    if r.cancellation_reason:
        st.info(f"Cancelled {plain(moment(r.cancelled_at))}: {plain(r.cancellation_reason)}", icon=":material/block:")


def gap(r: Request) -> str:
    """By how much what would fit exceeds what was asked for."""
    price, weeks = r.negotiation_price, r.negotiation_weeks
    over = money(price - r.budget_max, r.currency) if price and r.budget_max and price > r.budget_max else ""
    longer = count(weeks - r.timeline_weeks, "week") if weeks and r.timeline_weeks and weeks > r.timeline_weeks else ""
    parts = [f"{over} over the budget" if over else "", f"{longer} longer than asked for" if longer else ""]
    return " and ".join(part for part in parts if part)


def show_actions(engagement: Engagement) -> None:
    """The commands that this person can give now."""
    id = engagement.request.id
    with st.container(horizontal=True):
        if offers(engagement, Verb.PROPOSE, id):
            link("requests", "Build a proposal", icon="design_services", request=id, view="propose")
        if offers(engagement, Verb.NEGOTIATE, id):
            link("requests", "Ask to negotiate", icon="forum", request=id, view="negotiate")
        if offers(engagement, Verb.REVISE, id):
            link("requests", "Revise the request", icon="edit", request=id, view="revise")
        if offers(engagement, Verb.CANCEL, id):
            link("requests", "Cancel the request", icon="block", request=id, view="cancel")


def show_proposals(engagement: Engagement) -> None:
    """Every revision that was presented, the latest first."""
    st.header("Proposals", anchor=False)
    if not engagement.scopes:
        st.text("None yet.")
    for scope in reversed(engagement.scopes):
        cards.row(
            Kind.SCOPE,
            scope.id,
            f"Revision {scope.revision}: {scope.title}",
            proposal_facts(engagement, scope),
            badges=[cards.state_text(scope.status)],
            aside=money(scope.fixed_price, scope.currency),
        )


def proposal_facts(engagement: Engagement, scope: Scope) -> list[str]:
    """A proposal in a line."""
    return [
        count(len(engagement.scope_deliverables(scope.id)), "deliverable"),
        count(len(engagement.delivery_cycles(scope.id)), "cycle"),
        count(scope.timeline_weeks, "week"),
        f"presented {day(scope.proposed_at)}",
        f"valid until {day(scope.valid_until)}" if scope.cancelled_at is None else scope.cancellation_reason or "",
        scope.id,
    ]


# Asking, and revising


def show_new() -> None:
    """The form that asks for an outcome."""
    link("requests", "All requests", icon="arrow_back")
    cards.heading("requests", "Ask for an outcome")
    st.caption("Say what needs to exist, not how to build it. What you type is kept while you look elsewhere.")
    draft = forms.open_draft("request", lambda: {"/currency": "USD"})
    command = request_form(draft)
    draft.show_rest(is_request_field)
    wanting = say_unwritten(command.acceptance_criteria)
    with st.container(horizontal=True):
        if st.button(
            "Submit the request", type="primary", icon=":material/send:", key="submit_request", disabled=wanting
        ):
            decisions.carry_out(
                lambda: runtime().service.submit_request(caller(), command),
                headline="The request was submitted; the provider answers with a proposal.",
                about="",
                draft=draft,
                then=lambda result: leave_form(draft, result),
            )
        discard_button(draft)


def say_unwritten(criteria: Iterable[str]) -> bool:
    """Say where a criterion is a placeholder, which is all that keeps a form from being sent; whether there is one."""
    why = findings.unwritten(criteria)
    if why:
        st.caption(f":material/block: {plain(why)}")
    return bool(why)


REQUEST_FIELDS = (
    "/organization_id",
    "/workspace_id",
    "/subscription_id",
    "/project_tags",
    "/title",
    "/description",
    "/desired_outcome",
    "/acceptance_criteria",
    "/timeline_weeks",
    "/budget_max",
    "/currency",
)


def is_request_field(pointer: str) -> bool:
    """Whether the form shows problems of this place at a field."""
    return pointer.startswith(REQUEST_FIELDS)


def request_form(draft: Draft) -> SubmitRequest:
    """The fields of a new request."""
    texts = what_fields(draft)
    st.header("Within which bounds", anchor=False)
    weeks_column, budget_column, currency_column = st.columns(3)
    with weeks_column:
        weeks = weeks_field(draft)
    with currency_column:
        currency = draft.select("/currency", "Currency", currencies(), "USD")
    with budget_column:
        budget = draft.amount("/budget_max", f"Budget, at most ({currency})", placeholder="18,000.00")
    st.header("For whom", anchor=False)
    with reading() as connection:
        organizations = choices.organizations(connection, caller())
        workspaces = choices.workspaces(connection, caller(), draft.get("/organization_id") or None)
    left, right = st.columns(2)
    with left:
        organization = reference_field(draft, "/organization_id", "Organisation", organizations, "ORG-26-000001")
        subscription = draft.text("/subscription_id", "Subscription (optional)", placeholder="SUB-26-000001")
    with right:
        workspace = reference_field(draft, "/workspace_id", "Workspace", workspaces, "WS-26-000001")
        tags = draft.text("/project_tags", "Projects (optional)", placeholder="PROJ-26-000001, PROJ-26-000002")
    return SubmitRequest(
        organization_id=organization,
        workspace_id=workspace,
        subscription_id=subscription.strip() or None,
        project_tags=tuple(tags.replace(",", " ").split()),
        timeline_weeks=weeks,
        budget_max=budget,
        currency=currency,
        **texts,
    )


def what_fields(draft: Draft) -> dict:
    """The fields that say what is wanted."""
    texts = {
        "title": draft.text("/title", "Title", placeholder="The outcome in a few words"),
        "description": draft.area("/description", "Description", help="The situation: what is wrong or missing."),
        "desired_outcome": draft.area(
            "/desired_outcome", "Desired outcome", help="What will be true once this is done, in figures if possible."
        ),
        "acceptance_criteria": draft.lines(
            "/acceptance_criteria",
            "Acceptance criteria (one a line)",
            help="A good one can be decided by a third person who looks at the evidence. May be left for the proposal.",
            placeholder="The load test report shows a failure rate below 0.1% at twice the peak load",
        ),
    }
    findings.live(texts["acceptance_criteria"], key="request")
    return texts


def weeks_field(draft: Draft) -> int | None:
    """How long it may take."""
    return draft.whole("/timeline_weeks", "Timeline, at most (weeks)", min_value=1, max_value=MAX_WEEKS)


def reference_field(draft: Draft, pointer: str, label: str, known: list[str], example: str) -> str:
    """An id of another system: one that was used before, or a new one."""
    present = draft.get(pointer)
    options = known if not present or present in known else [*known, present]
    chosen = draft.select(
        pointer, label, options, None, accept_new_options=True, placeholder=f"Choose, or type one such as {example}"
    )
    return (chosen or "").strip()


def show_revise(engagement: Engagement) -> None:
    """The form that changes a request, so that it fits."""
    r = engagement.request
    form_heading(engagement, "Revise the request")
    show_negotiation(r)
    draft = forms.open_draft(f"revise {r.id}", lambda: as_typed(r))
    st.button(
        "Take what would fit",
        icon=":material/price_check:",
        key="take_what_fits",
        help="Puts it into the bounds below; nothing is sent yet.",
        on_click=take_what_fits,
        args=(draft, r),
    )
    texts = what_fields(draft)
    left, right = st.columns(2)
    with left:
        weeks = weeks_field(draft)
    with right:
        budget = draft.amount("/budget_max", f"Budget, at most ({r.currency})")
    st.caption("An empty bound is lifted: the proposal may then take as long, or cost as much, as it says.")
    draft.show_rest(is_request_field)
    lifted = {"timeline_weeks": weeks is None and r.timeline_weeks, "budget_max": budget is None and r.budget_max}
    given = texts | {"timeline_weeks": weeks, "budget_max": budget}
    changed = {name: value for name, value in given.items() if value is not None and value != getattr(r, name)}
    command = Revise(**changed, lift=frozenset(name for name, is_lifted in lifted.items() if is_lifted))
    form_buttons(
        draft,
        "Send the revision",
        "edit",
        lambda: runtime().service.revise(caller(), r.id, command),
        r.id,
        disabled=say_unwritten(texts["acceptance_criteria"]),
    )


def take_what_fits(draft: Draft, r: Request) -> None:
    """Put what the provider said would fit into the form's bounds."""
    if r.negotiation_weeks:
        draft.put("/timeline_weeks", r.negotiation_weeks)
    if r.negotiation_price is not None:
        draft.put("/budget_max", str(amount_json(r.negotiation_price, r.currency)))


def as_typed(r: Request) -> dict:
    """A request as its form would have it."""
    return {
        "/title": r.title,
        "/description": r.description,
        "/desired_outcome": r.desired_outcome,
        "/acceptance_criteria": "\n".join(r.acceptance_criteria),
        "/timeline_weeks": r.timeline_weeks,
        "/budget_max": str(amount_json(r.budget_max, r.currency)) if r.budget_max is not None else "",
    }


def show_cancel(engagement: Engagement) -> None:
    """The form that cancels a request."""
    r = engagement.request
    form_heading(engagement, "Cancel the request")
    draft = forms.open_draft(f"cancel {r.id}")
    reason = draft.area("/reason", "Reason", placeholder="Why this is no longer needed")
    form_buttons(
        draft, "Cancel the request", "block", lambda: runtime().service.cancel(caller(), r.id, Cancel(reason)), r.id
    )


def show_negotiate(engagement: Engagement) -> None:
    """The form with which the provider says what would fit."""
    r = engagement.request
    form_heading(engagement, "Ask to negotiate")
    cards.facts({name: bounds(r)[name] for name in ("Budget", "Timeline")})
    draft = forms.open_draft(f"negotiate {r.id}", lambda: what_would_fit(r))
    reason = draft.area("/reason", "Why it does not fit")
    left, right = st.columns(2)
    with left:
        price = draft.amount("/fixed_price", f"Price that would fit ({r.currency})")
    with right:
        weeks = draft.whole("/timeline_weeks", "Weeks that would fit", min_value=1, max_value=MAX_WEEKS)
    draft.show_problems("")
    command = Negotiate(reason, price, weeks)
    form_buttons(draft, "Ask to negotiate", "forum", lambda: runtime().service.negotiate(caller(), r.id, command), r.id)


def what_would_fit(r: Request) -> dict:
    """The form as a quote fills it in: the price and the weeks that the address names, in a sentence too."""
    weeks = param("weeks")
    try:
        price = Money(forms.read_amount(param("price")) or Decimal(0), r.currency)
    except (MoneyError, ArithmeticError):
        return {}
    if price.amount <= 0 or weeks not in {str(number) for number in range(1, MAX_WEEKS + 1)}:
        return {}
    comes_to = f"{money(price.amount, r.currency)} in {count(int(weeks), 'week')}"
    return {
        "/reason": f"As we estimate the work, the whole outcome comes to {comes_to}.",
        "/fixed_price": str(price.amount),
        "/timeline_weeks": int(weeks),
    }


def form_heading(engagement: Engagement, title: str) -> None:
    """The head of a form about a request."""
    link_to(Kind.REQUEST, engagement.request.id, engagement.request.title, icon="arrow_back")
    cards.heading("requests", title)


def form_buttons(
    draft: Draft, label: str, icon: str, act: Callable[[], Result], about: str, *, disabled: bool = False
) -> None:
    """The button that does it, and the one that does not."""
    with st.container(horizontal=True):
        if st.button(label, type="primary", icon=f":material/{icon}:", key="do_it", disabled=disabled):
            decisions.carry_out(
                act,
                headline=f"Done: {label.lower()}.",
                about=about,
                draft=draft,
                then=lambda result: leave_form(draft, result),
            )
        discard_button(draft)


def discard_button(draft: Draft) -> None:
    """Leave the form, and forget what was typed."""
    if st.button("Discard", icon=":material/delete:", key="discard"):
        forms.discard(draft)
        go("requests", request=param("request") or None)


def leave_form(draft: Draft, result: Result) -> None:
    """From a form to what came of it."""
    forms.discard(draft)
    set_params(view=None, price=None, weeks=None, request=result.engagement.request.id)


# Proposing


def show_propose(engagement: Engagement) -> None:
    """The proposal builder."""
    r = engagement.request
    form_heading(engagement, "Build a proposal")
    cards.facts({name: bounds(r)[name] for name in ("Budget", "Timeline")})
    with st.expander("What was asked for", icon=":material/inbox:"):
        cards.long_text("Description", r.description)
        cards.long_text("Desired outcome", r.desired_outcome)
        show_criteria(r)
    tell_why_declined(engagement)
    draft = forms.open_draft(f"proposal {r.id}", lambda: first_draft(engagement))
    draft.text("/title", "Title")
    cycles_part(draft)
    deliverables_part(draft)
    estimate, made = quote_part(draft, engagement)
    command = replace(price_part(draft, r), estimate=estimate)
    show_fit(command, engagement, made)
    draft.show_rest(is_proposal_field)
    wanting = say_unwritten(criterion for d in command.deliverables for criterion in d.criteria)
    with st.container(horizontal=True):
        if st.button("Present the proposal", type="primary", icon=":material/send:", key="present", disabled=wanting):
            decisions.carry_out(
                lambda: runtime().service.propose(caller(), r.id, command),
                headline="The proposal was presented; the client can confirm it.",
                about=r.id,
                draft=draft,
                then=lambda result: open_proposal(draft, result),
            )
        discard_button(draft)


def tell_why_declined(engagement: Engagement) -> None:
    """What the client asked for when the revision before was declined: what the next one has to answer."""
    last = engagement.scopes[-1] if engagement.scopes else None
    if last and last.cancellation_reason:
        st.warning(
            f"**Revision {last.revision} ended because:** {plain(last.cancellation_reason)}", icon=":material/undo:"
        )


def first_draft(engagement: Engagement) -> dict:
    """Where a proposal begins: from the revision before, or from the request."""
    r = engagement.request
    start = today() + timedelta(days=7)
    begun = {
        "/title": r.title,
        "/timeline_weeks": r.timeline_weeks or 2,
        "/payment_terms": FIRST_TERMS,
        "/valid_until": today() + timedelta(days=runtime().service.policy.proposal_days),
        "/cycles/0/key": "c1",
        "/cycles/0/name": "Cycle 1",
        "/cycles/0/planned_start": start,
        "/cycles/0/planned_end": start + timedelta(days=13),
        "/deliverables/0/key": "d1",
        "/deliverables/0/cycle": "c1",
    }
    return begun | (from_revision(engagement, engagement.scopes[-1]) if engagement.scopes else {})


def from_revision(engagement: Engagement, scope: Scope) -> dict:
    """A revision that was declined or expired, as the builder would have it: a start for the next one."""
    values = {
        "/title": scope.title,
        "/timeline_weeks": scope.timeline_weeks,
        "/fixed_price": str(amount_json(scope.fixed_price, scope.currency)),
        "/payment_terms": scope.payment_terms,
        "/review_window_days": scope.review_window_days,
        "/silence_policy": scope.silence_policy,
    }
    late = max((today() - engagement.delivery_cycles(scope.id)[0].baseline_start).days + 7, 0)
    for i, c in enumerate(engagement.delivery_cycles(scope.id)):
        values |= {
            f"/cycles/{i}/key": c.id,
            f"/cycles/{i}/name": c.name,
            f"/cycles/{i}/planned_start": c.baseline_start + timedelta(days=late),
            f"/cycles/{i}/planned_end": c.baseline_end + timedelta(days=late),
        }
    for i, d in enumerate(engagement.scope_deliverables(scope.id)):
        values |= {
            f"/deliverables/{i}/key": d.key,
            f"/deliverables/{i}/title": d.title,
            f"/deliverables/{i}/description": d.description,
            f"/deliverables/{i}/acceptance_criteria": "\n".join(d.acceptance_criteria),
            f"/deliverables/{i}/cycle": d.cycle_id,
        }
    return values | (quotes.as_typed(scope.quote) if scope.quote else {})


PROPOSAL_FIELDS = (
    "/title",
    "/deliverables",
    "/cycles",
    "/fixed_price",
    "/timeline_weeks",
    "/payment_terms",
    "/valid_until",
    "/review_window_days",
    "/quote",
)


def is_proposal_field(pointer: str) -> bool:
    """Whether the builder shows problems of this place at a field."""
    return pointer.startswith(PROPOSAL_FIELDS)


def cycles_part(draft: Draft) -> None:
    """The cycles: names and dates, in order."""
    st.header("Cycles", anchor=False, help="Time boxes in date order that do not overlap; both days are included.")
    draft.show_problems("/cycles")
    for i in range(draft.length("/cycles")):
        at = f"/cycles/{i}"
        with st.container(border=True, key=f"cycle-{i}"):
            name, start, end = st.columns([2, 1, 1])
            with name:
                draft.text(f"{at}/name", f"Name of cycle {i + 1}")
            with start:
                draft.day(f"{at}/planned_start", "Starts")
            with end:
                draft.day(f"{at}/planned_end", "Ends")
            draft.show_problems(f"{at}/deliverables")
            member_buttons(draft, "/cycles", i)
    st.button(
        "Add a cycle",
        icon=":material/add:",
        key="add_cycle",
        disabled=draft.length("/cycles") >= MAX_CYCLES,
        on_click=add_cycle,
        args=(draft,),
    )


def add_cycle(draft: Draft) -> None:
    """One more cycle, as long as the one before and right after it."""
    number = draft.length("/cycles")
    before = f"/cycles/{number - 1}" if number else ""
    last = draft.get(f"{before}/planned_end", None) or today() + timedelta(days=6)
    first = draft.get(f"{before}/planned_start", None) or last - timedelta(days=13)
    start = last + timedelta(days=1)
    draft.add(
        "/cycles",
        key=forms.new_draft_id(),
        name=f"Cycle {number + 1}",
        planned_start=start,
        planned_end=start + (last - first),
    )


def deliverables_part(draft: Draft) -> None:
    """The deliverables: what each is, how it is judged, and in which cycle it comes."""
    st.header("Deliverables", anchor=False, help="Each with its own acceptance criteria, each in one cycle.")
    draft.show_problems("/deliverables")
    names = {draft.get(f"/cycles/{i}/key"): draft.get(f"/cycles/{i}/name") for i in range(draft.length("/cycles"))}
    for i in range(draft.length("/deliverables")):
        at = f"/deliverables/{i}"
        with st.container(border=True, key=f"deliverable-{i}"):
            draft.show_problems(at, f"{at}/key")
            title, cycle = st.columns([3, 1])
            with title:
                draft.text(f"{at}/title", f"Title of deliverable {i + 1}")
            with cycle:
                cycle_field(draft, at, names)
            draft.area(f"{at}/description", "Description", height=80)
            criteria = draft.lines(f"{at}/acceptance_criteria", "Acceptance criteria (one a line)", height=100)
            findings.live(criteria, key=f"deliverable-{i}")
            member_buttons(draft, "/deliverables", i)
    st.button(
        "Add a deliverable",
        icon=":material/add:",
        key="add_deliverable",
        disabled=draft.length("/deliverables") >= MAX_DELIVERABLES,
        on_click=lambda: draft.add("/deliverables", key=forms.new_draft_id(), cycle=next(reversed(names), None)),
    )


def cycle_field(draft: Draft, at: str, names: dict[str, str]) -> None:
    """In which cycle a deliverable comes; a cycle that was taken out gives way to the first."""
    if draft.get(f"{at}/cycle", None) not in names:
        draft.put(f"{at}/cycle", next(iter(names), None))
    draft.select(f"{at}/cycle", "In", list(names), next(iter(names), None), format_func=lambda key: names.get(key, key))


def member_buttons(draft: Draft, pointer: str, i: int) -> None:
    """Move a member of a list up or down, or take it out."""
    last = draft.length(pointer) - 1
    noun = pointer.strip("/").removesuffix("s")
    with st.container(horizontal=True):
        for label, icon, other in (("Up", "arrow_upward", i - 1), ("Down", "arrow_downward", i + 1)):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"{label}{pointer}{i}",
                type="tertiary",
                help=f"Move {noun} {i + 1} {label.lower()}",
                disabled=not 0 <= other <= last,
                on_click=draft.swap,
                args=(pointer, i, other),
            )
        st.button(
            "Remove",
            icon=":material/delete:",
            key=f"remove{pointer}{i}",
            type="tertiary",
            help=f"Remove {noun} {i + 1}",
            disabled=last == 0,
            on_click=draft.remove,
            args=(pointer, i),
        )


def quote_part(draft: Draft, engagement: Engagement) -> tuple[Estimate | None, Quote | None]:
    """The estimate, and what it comes to as one types; (None, None) where the price is not calculated."""
    r = engagement.request
    st.header("Quote", anchor=False, help="Estimated days at the rate card. Only the provider sees it, here and later.")
    card = usable_card(r.currency)
    if card is None:
        return None, None
    estimate = quotes.estimate_fields(draft, card)
    if estimate is None:
        st.caption("The price appears here once there are days; or type it below without a quote.")
        return None, None
    try:
        made = quote_for(estimate, proposed_deliverables(draft), r, card)
    except Invalid as error:
        quotes.show_problems(error.problems)
        return estimate, None
    show_quote(draft, engagement, made)
    return estimate, made


def usable_card(currency: str) -> RateCard | None:
    """The rate card, if prices in this currency can be made from it; else the page says why not."""
    try:
        card = read_rate_card()
    except RateCardError as error:
        st.warning(plain(error.detail), icon=":material/price_change:")
        return None
    if currency not in card.currencies:
        known = ", ".join(card.currencies)
        st.caption(f"The rate card has no rates in {plain(currency)}, only in {known}. Type the price below.")
        return None
    return card


def show_quote(draft: Draft, engagement: Engagement, made: Quote) -> None:
    """A quote while it is being made: its price, how it came about, whether it fits, and the way to take it over."""
    with st.container(border=True, key="quote"):
        quotes.show_figures(made)
        quotes.show_lines(made, "quote_lines")
        if made.fits:
            st.caption(f":material/check: {plain(quotes.fit_text(made))}")
        else:
            show_what_would_fit(engagement, made)
        st.button(
            "Use as the fixed price",
            type="primary",
            icon=":material/request_quote:",
            key="use_price",
            on_click=use_quote,
            args=(draft, made),
        )


def show_what_would_fit(engagement: Engagement, made: Quote) -> None:
    """What would have to change, each with the step that asks for it."""
    st.warning(f"{plain(quotes.fit_text(made))} What would fit:", icon=":material/balance:")
    for option in made.would_fit:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"- {plain(quotes.option_text(option, made))}")
            if option.change != Change.FEWER_DELIVERABLES:
                negotiate_link(engagement, option.price.amount, option.timeline_weeks)


def negotiate_link(engagement: Engagement, price: Decimal, weeks: int) -> None:
    """The way to the negotiation, with this price and these weeks filled in."""
    r = engagement.request
    if offers(engagement, Verb.NEGOTIATE, r.id):
        asked = {"price": str(amount_json(price, r.currency)), "weeks": str(weeks)}
        label = f"Ask to negotiate: {money(price, r.currency)}, {count(weeks, 'week')}"
        link("requests", label, icon="forum", request=r.id, view="negotiate", **asked)


def use_quote(draft: Draft, made: Quote) -> None:
    """Make a quote's price and weeks those of the proposal."""
    draft.put("/fixed_price", f"{made.price.amount:,f}")
    draft.put("/timeline_weeks", made.timeline_weeks)


def price_part(draft: Draft, r: Request) -> Propose:
    """Price, time, terms and validity; the whole proposal."""
    st.header("Price and terms", anchor=False)
    price_column, weeks_column, valid_column = st.columns(3)
    with price_column:
        price = draft.amount("/fixed_price", f"Fixed price ({r.currency})", placeholder="15,500.00", live="300ms")
    with weeks_column:
        weeks = draft.whole("/timeline_weeks", "Timeline (weeks)", min_value=1, max_value=MAX_WEEKS)
    with valid_column:
        valid_until = draft.day("/valid_until", "Valid until (included)")
    terms = terms_field(draft)
    show_schedule(terms, price, r.currency, draft)
    window_column, silence_column = st.columns(2)
    with window_column:
        window = draft.whole("/review_window_days", "Review window (days, optional)", min_value=1, max_value=365)
    with silence_column:
        silence = draft.select(
            "/silence_policy",
            "If the reviewer stays silent past the window",
            list(SILENCE),
            SilencePolicy.NONE,
            format_func=SILENCE.__getitem__,
        )
    return Propose(
        deliverables=proposed_deliverables(draft),
        cycles=proposed_cycles(draft),
        fixed_price=Decimal("NaN") if price is None else price,
        currency=r.currency,
        timeline_weeks=weeks or 0,
        payment_terms=terms,
        title=draft.get("/title") or None,
        valid_until=valid_until,
        review_window_days=window,
        silence_policy=silence,
    )


def terms_field(draft: Draft) -> str:
    """The payment terms, as a sentence."""
    return draft.text(
        "/payment_terms",
        "Payment terms",
        live="300ms",
        help="Shares and what each waits for: 50% on confirmation, 30% per cycle, remainder on final acceptance; "
        "with days to pay where they are not 7: net 30.",
    )


def show_schedule(terms: str, price: Decimal | None, currency: str, draft: Draft) -> None:
    """What the terms come to, to the minor unit, as one types; or where they cannot be right."""
    try:
        amount = Money(price, currency) if price is not None and price > 0 else None
    except (MoneyError, ArithmeticError):
        amount = None
    if amount is None:
        st.caption("The schedule appears here once there is a price.")
        return
    try:
        planned = plan(terms, amount, draft.length("/cycles"), draft.length("/deliverables"))
    except TermsError as error:
        show_terms_problems(terms, terms_problems(error, "/payment_terms"))
        return
    tables.grid(
        [schedule_row(m) for m in planned],
        alt="The payments that these terms come to",
        columns={"Amount": tables.right_aligned("Amount")},
        key="schedule",
    )


def schedule_row(m: PlannedMilestone) -> dict[str, str | int]:
    """One payment of a schedule."""
    return {
        "#": m.position,
        "Payment": m.description,
        "To be paid within": count(m.net_days, "day"),
        "Amount": money(m.amount, m.currency),
    }


def show_terms_problems(terms: str, problems: tuple[Problem, ...]) -> None:
    """Each problem of payment terms under the words that it is about."""
    for problem in problems:
        start, end = problem.extra["start"], problem.extra["end"]
        pointer = " " * start + "^" * max(end - start, 1)
        st.code(f"{terms}\n{pointer}", language=None)
        st.markdown(f":red[:material/error: {plain(problem.detail)}]")


def proposed_deliverables(draft: Draft) -> tuple[ProposedDeliverable, ...]:
    """The deliverables as the command wants them; one criterion is kept as one text."""
    made = []
    for i in range(draft.length("/deliverables")):
        at = f"/deliverables/{i}"
        lines = tuple(x.strip() for x in draft.get(f"{at}/acceptance_criteria").splitlines() if x.strip())
        criteria = lines[0] if len(lines) == 1 else lines
        key, title, text = (draft.get(f"{at}/{name}") for name in ("key", "title", "description"))
        made.append(ProposedDeliverable(key, title, text, criteria))
    return tuple(made)


def proposed_cycles(draft: Draft) -> tuple[ProposedCycle, ...]:
    """The cycles as the command wants them; a date left empty is one that no check lets pass."""
    placed = [(draft.get(f"/deliverables/{i}/cycle"), draft.get(f"/deliverables/{i}/key")) for i in members(draft)]
    return tuple(
        ProposedCycle(
            draft.get(f"/cycles/{i}/name"),
            draft.get(f"/cycles/{i}/planned_start", None) or date.min,
            draft.get(f"/cycles/{i}/planned_end", None) or date.min,
            tuple(key for cycle, key in placed if cycle == draft.get(f"/cycles/{i}/key")),
        )
        for i in range(draft.length("/cycles"))
    )


def members(draft: Draft) -> range:
    """The places of the deliverables."""
    return range(draft.length("/deliverables"))


def show_fit(command: Propose, engagement: Engagement, made: Quote | None) -> None:
    """Whether the proposal fits the bounds of its request, and how its price stands to its quote."""
    r = engagement.request
    if not command.fixed_price.is_finite():
        return
    if made and command.fixed_price != made.price.amount:
        st.caption(f":material/edit: {plain(adjustment_text(command.fixed_price, made, r.currency))}")
    over_price, over_weeks = gaps(command.fixed_price, command.timeline_weeks, r)
    if over_price or over_weeks:
        over = [money(over_price, r.currency)] if over_price else []
        over += [count(over_weeks, "week")] if over_weeks else []
        st.warning(
            f"This is {plain(' and '.join(over))} more than the request allows, so it cannot be presented. "
            "Ask to negotiate instead, or take something out.",
            icon=":material/balance:",
        )
        negotiate_link(engagement, command.fixed_price, command.timeline_weeks)
    elif r.budget_max is not None:
        left = money(r.budget_max - command.fixed_price, r.currency)
        st.caption(f":material/check: Within the request's bounds, {plain(left)} below its budget.")


def adjustment_text(price: Decimal, made: Quote, currency: str) -> str:
    """By how much a price differs from its quote."""
    apart = price - made.price.amount
    try:
        gap = money(abs(apart), currency)
    except (MoneyError, ArithmeticError):
        return "The price is not the quote's."
    way = "above" if apart > 0 else "below"
    return f"Adjusted by hand: {gap} {way} the quote's {money(made.price.amount, currency)}. The scope will show it."


def open_proposal(draft: Draft, result: Result) -> None:
    """From the builder to the proposal that came of it."""
    forms.discard(draft)
    go("scopes", scope=result.subject_id)


FORMS = {
    "revise": (Verb.REVISE, show_revise),
    "cancel": (Verb.CANCEL, show_cancel),
    "negotiate": (Verb.NEGOTIATE, show_negotiate),
    "propose": (Verb.PROPOSE, show_propose),
}

request_id, view = param("request"), param("view")
if request_id and view in FORMS:
    verb, show_form = FORMS[view]
    about = engagement_of(Kind.REQUEST, request_id)
    if offers(about, verb, about.request.id):
        show_form(about)
    else:
        if may(verb):
            decisions.tell_who_came_first(request_id)
        show_request(request_id)
elif request_id:
    live.watch()
    show_request(request_id)
elif view == "new" and may(Verb.SUBMIT_REQUEST):
    show_new()
else:
    live.watch()
    show_list()
