"""Quotes on pages: the estimate as one types it, every line of the price, what would fit, and the rate card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

import streamlit as st

from ods_core.basics.errors import Problem
from ods_core.basics.quotes import Adjustment, AdjustmentKind, Change, FittingOption, Quote, WorkLine
from ods_core.basics.records import Scope
from ods_core.lifecycle import Estimate, EstimatedWork
from ods_core.payments import RateCard
from ods_core.ui import cards, tables
from ods_core.ui.formats import NOTHING, count, day, money, plain
from ods_core.ui.forms import Draft

AS_ESTIMATED = ""
"""The choice of no complexity factor."""


def estimate_fields(draft: Draft, card: RateCard) -> Estimate | None:
    """The days of each role on each deliverable, and the provider's choices; None while no day is typed."""
    work = tuple(_work_fields(draft, i, card) for i in range(draft.length("/deliverables")))
    grid = st.grid(min_column_width=150, gap="small")
    with grid.cell():
        contingency = _percent(draft, "/quote/contingency", "Contingency (%)", str(card.contingency_percent))
    with grid.cell():
        complexity = draft.select(
            "/quote/complexity",
            "Complexity",
            [AS_ESTIMATED, *card.complexity],
            AS_ESTIMATED,
            format_func=lambda name: f"{name} (× {card.complexity[name]})" if name else "as estimated",
        )
    with grid.cell():
        discount = _percent(draft, "/quote/discount", "Discount (%)", "0")
    with grid.cell():
        team = draft.decimal(
            "/quote/team_days_per_week",
            "Team, days a week",
            min_value=0.0,
            step=0.25,
            placeholder=str(card.team_days_per_week),
        )
    st.caption(
        "The team's days are those of all its people together. Where a field is empty, what stands in it in grey holds."
    )
    if not any(each.days for each in work):
        return None
    return Estimate(work, contingency, complexity or None, discount or Decimal(0), team)


def _work_fields(draft: Draft, i: int, card: RateCard) -> EstimatedWork:
    at = f"/deliverables/{i}"
    with st.container(border=True, key=f"estimate-{i}"):
        st.markdown(f"**{plain(draft.get(f'{at}/title') or f'Deliverable {i + 1}')}**")
        grid = st.grid(min_column_width=130, gap="small")
        days: dict[str, Decimal] = {}
        for key, role in card.roles.items():
            with grid.cell():
                given = draft.decimal(f"{at}/days/{key}", role.title, min_value=0.0, step=0.25, placeholder="days")
            if given:
                days[key] = given
    return EstimatedWork(draft.get(f"{at}/key"), days)


def _percent(draft: Draft, pointer: str, label: str, placeholder: str) -> Decimal | None:
    return draft.decimal(pointer, label, min_value=0.0, max_value=100.0, step=0.5, placeholder=placeholder)


def as_typed(made: Quote) -> dict[str, object]:
    """A kept quote as the fields of its estimate would have it."""
    asked = made.request
    days = {f"/deliverables/{line.deliverable - 1}/days/{line.role}": _shown_number(line.days) for line in made.lines}
    return days | {
        "/quote/contingency": _shown_number(asked.contingency),
        "/quote/complexity": asked.complexity or AS_ESTIMATED,
        "/quote/discount": _shown_number(asked.discount or None),
        "/quote/team_days_per_week": _shown_number(asked.team_days_per_week),
    }


def _shown_number(number: Decimal | None) -> float | None:
    # The field shows binary fractions; what is read from it again is the shortest decimal, which is this one.
    return None if number is None else float(number)


def show_problems(problems: Sequence[Problem]) -> None:
    """What keeps an estimate from being priced, each with what it is about."""
    for problem in problems:
        member = re.match(r"/quote/deliverables/(\d+)", problem.pointer)
        field = problem.pointer.rsplit("/", 1)[-1].replace("_", " ").capitalize()
        about = f"Deliverable {int(member[1]) + 1}" if member else field
        st.markdown(f":red[:material/error: {plain(f'{about}: {problem.detail}')}]")


def show_figures(made: Quote) -> None:
    """The price and the weeks, and where they come from."""
    cards.facts(
        {
            "Price": money(made.price.amount, made.price.currency),
            "Weeks": weeks_text(made),
            "The work alone": money(made.work.amount, made.work.currency),
            "Rate card": f"{made.card_name}, since {day(made.card_effective_on)}",
        }
    )


def weeks_text(made: Quote) -> str:
    """The weeks that a price is for, and those of the estimate where they differ."""
    shortened = f", estimated {made.estimated_weeks}" if made.timeline_weeks != made.estimated_weeks else ""
    return f"{made.timeline_weeks}{shortened}"


def show_lines(made: Quote, key: str, scope: Scope | None = None) -> None:
    """Every line from the first day of work to the price; for a scope, to its fixed price."""
    tables.grid(
        [*_rows(made), *_adjusted(made, scope)],
        alt="How the price came about: each role's days at its day rate, and every step from their sum to the price",
        columns={name: tables.right_aligned(name, width="small") for name in ("Days", "Day rate", "Amount")},
        key=key,
        height="content",
    )


Row = dict[str, str]


def _rows(made: Quote) -> Iterator[Row]:
    for line in made.lines:
        yield _line(line)
    yield _sum("The work", made.work.amount, made.work.currency)
    for step in made.adjustments:
        yield _step(step)
    yield _sum("Price", made.price.amount, made.price.currency)


def _line(line: WorkLine) -> Row:
    return {
        "What": f"Deliverable {line.deliverable}: {line.role_title}",
        "Amount": money(line.amount.amount, line.amount.currency),
        "Days": f"{line.days.normalize():f}",
        "Day rate": money(line.rate.amount, line.rate.currency),
    }


def _step(step: Adjustment) -> Row:
    # The step itself is the rate card's; with it the text would push the amounts off a narrow screen.
    what = "Rounded up" if step.kind == AdjustmentKind.ROUNDING else step.description
    return _sum(what, step.amount.amount, step.amount.currency)


def _sum(what: str, amount: Decimal, currency: str) -> Row:
    return {"What": what, "Amount": money(amount, currency), "Days": "", "Day rate": ""}


def _adjusted(made: Quote, scope: Scope | None) -> Iterator[Row]:
    if scope is not None and scope.fixed_price != made.price.amount:
        yield _sum("Adjusted by hand", scope.fixed_price - made.price.amount, scope.currency)
        yield _sum("Fixed price", scope.fixed_price, scope.currency)


def fit_text(made: Quote) -> str:
    """Whether a quote is within the bounds of its request, in a sentence."""
    over = [money(made.price_gap.amount, made.price_gap.currency)] if made.price_gap.amount else []
    over += [count(made.weeks_gap, "week")] if made.weeks_gap else []
    if over:
        return f"This is {' and '.join(over)} more than the request allows."
    asked = made.request
    if asked.budget_max is None and asked.timeline_weeks is None:
        return "The request names no bounds."
    if asked.budget_max is None:
        return "Within the weeks of the request."
    return (
        f"Within the request's bounds, {money(asked.budget_max - made.price.amount, asked.currency)} below its budget."
    )


def option_text(option: FittingOption, made: Quote) -> str:
    """One thing that would make a quote fit."""
    comes_to = f"{money(option.price.amount, option.price.currency)} in {count(option.timeline_weeks, 'week')}"
    if option.change == Change.FEWER_DELIVERABLES:
        dropped = " and ".join(f"“{made.deliverables[place - 1].title}”" for place in option.drop)
        return f"Fewer deliverables: without {dropped} it is {comes_to}"
    return {
        Change.MORE_MONEY: f"More money: {comes_to}",
        Change.MORE_WEEKS: f"More weeks: {comes_to}",
        Change.MORE_WEEKS_AND_MONEY: f"More weeks and more money: {comes_to}",
    }[option.change]


def show_rate_card(card: RateCard) -> None:
    """What a provider charges, and the rules beside it."""
    urgency = card.urgency
    with st.container(border=True):
        cards.facts(
            {
                "Rate card": card.name,
                "Since": day(card.effective_on),
                "Contingency": f"{card.contingency_percent} %",
                "Team, days a week": str(card.team_days_per_week),
                "Urgency": f"× {urgency.factor}, down to {urgency.shortest_share * 100:.0f} % of the weeks",
                **{f"Complexity: {name}": f"× {factor}" for name, factor in card.complexity.items()},
            }
        )
    rates = [{"Role": role.title} | _in_each(card, role.rates) for role in card.roles.values()]
    steps = {"Role": "Prices are rounded up to"} | _in_each(card, card.rounding_step)
    tables.grid(
        [*rates, steps],
        alt="The day rate of each role in each currency, and the step that prices are rounded up to",
        columns={currency: tables.right_aligned(currency) for currency in card.currencies},
        key="rate_card",
        height="content",
    )


def _in_each(card: RateCard, amounts: dict[str, Decimal]) -> Row:
    return {c: money(amounts[c], c) if c in amounts else NOTHING for c in card.currencies}
