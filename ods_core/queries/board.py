"""What a board is handed: every figure with its series, the breakdown, the reasons, the forecast, as one paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ods_core.basics.roles import Caller
from ods_core.papers import Amount, BoardReport, Column, Form, Paper, Row, Sheet, Told, board_pdf
from ods_core.papers.printed import NOTHING, amount, day
from ods_core.queries.criteria_quality import by_score
from ods_core.queries.delivery import DeliveryForecast, Expected, delivery_forecast
from ods_core.queries.metrics import METRICS, Metric, Unit
from ods_core.queries.outcomes import NOTHING as NO_FIGURE
from ods_core.queries.outcomes import OutcomeFilter, Step, by_organization, month_text, outcomes, period_of
from ods_core.queries.rejections import by_criterion, by_reason, rejections

_NUMBER, _AMOUNT, _COUNT, _DATE = Form.RATE, Form.AMOUNT, Form.COUNT, Form.DATE
_VALUE = (Column("Value", _NUMBER, 14), Column("Amount", _AMOUNT, 18), Column("n", _COUNT, 9))
DIGITS = Decimal("0.000001")
"""Durations and shares are written to so much."""


def outcomes_paper(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, step: Step = Step.MONTH
) -> Paper:
    """All that the Outcomes page shows, for the same filter; amounts exact, in a column of their own.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    answer = outcomes(connection, caller, wanted, now, step)
    entries = answer["metrics"]
    forecast = delivery_forecast(connection, caller, wanted, now)
    sheets = [
        Sheet("Figures", FIGURES, [_figure(entry) for entry in entries]),
        Sheet("Series", SERIES, _series(entries)),
        Sheet("Organisations", SERIES_OF, _organizations(connection, caller, wanted, now)),
        Sheet("Rejections", REASONS, _reasons(connection, caller, wanted, now)),
        Sheet("Criteria", CRITERIA, _criteria(connection, caller, wanted, now)),
        Sheet("Forecast", FORECAST, _forecast(forecast)),
    ]
    return Paper(
        title="Outcomes",
        moment=now,
        filters=outcome_filters(connection, caller, wanted, now),
        sheets=sheets,
        definitions={m.label: f"{m.definition} {m.formula}" for m in METRICS.values()},
        notes=[forecast_words(forecast)],
    )


FIGURES = (
    Column("Figure", width=32),
    Column("Key", width=32),
    Column("Unit", width=9),
    Column("Currency", width=10),
    *_VALUE,
)
SERIES = (Column("Figure", width=32), Column("Currency", width=10), Column("Period", width=12), *_VALUE)
SERIES_OF = (Column("Organisation", width=17), Column("Figure", width=32), Column("Currency", width=10), *_VALUE)
REASONS = (Column("Named by", width=12), Column("What", width=70), Column("Rejections", _COUNT, 11))
CRITERIA = (
    Column("Score from", _COUNT, 11),
    Column("Score to", _COUNT, 11),
    Column("Scopes", _COUNT, 9),
    Column("First attempts", _COUNT, 11),
    Column("Rejected", _COUNT, 11),
    Column("Rejection rate", _NUMBER, 14),
)
FORECAST = (
    Column("Scope", width=18),
    Column("Title", width=44),
    Column("Organisation", width=17),
    Column("Planned end", _DATE, 12),
    Column("P50", _DATE, 12),
    Column("P85", _DATE, 12),
    Column("On time", _NUMBER, 10),
)


HEADINGS: Mapping[str, tuple[str, ...]] = {
    "Right, and on time": (
        "first_time_acceptance_rate",
        "on_time_rate",
        "rejection_rate",
        "remediation_free_scope_rate",
        "win_rate",
    ),
    "How long things take": (
        "outcome_lead_time_median",
        "cycle_time_median",
        "schedule_variance_median",
        "review_turnaround_median",
        "confirmation_time_median",
        "scoping_time_median",
    ),
    "What mending costs, and what the price is to the budget": (
        "remediation_cycles_per_scope",
        "remediation_days",
        "price_to_budget_median",
    ),
    "Money": tuple(key for key, metric in METRICS.items() if metric.per_currency),
}
"""The printed report: which figures stand under which heading."""
BESIDE = ("first_time_acceptance_rate", "on_time_rate", "rejection_rate", "outcome_lead_time_median")
"""The figures of each organisation in the printed report."""
MOST_PRINTED = 15
"""Organisations, reasons and scopes in the printed report; the workbook has all of them."""


def board_report(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, step: Step = Step.MONTH
) -> BoardReport:
    """What is printed for a board: the page's figures and their change against the period before, in words.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    answer = outcomes(connection, caller, wanted, now, step)
    earlier = period_of(connection, caller, wanted, now).before()
    previous = replace(wanted, from_month=month_text(earlier.first), to_month=month_text(earlier.last))
    before = {_key(e): e["value"] for e in outcomes(connection, caller, previous, now)["metrics"]}
    forecast = delivery_forecast(connection, caller, wanted, now)
    found, _ = rejections(connection, caller, wanted, now)
    parts = [part["period"] for part in answer["metrics"][0]["series"]]
    return BoardReport(
        moment=now,
        filters=outcome_filters(connection, caller, wanted, now),
        figures={
            title: [_told(e, before.get(_key(e))) for e in answer["metrics"] if e["key"] in keys]
            for title, keys in HEADINGS.items()
        },
        periods=(parts[0], parts[-1]),
        organizations=_beside(connection, caller, wanted, now),
        reasons=[(bar.label, f"{bar.count:,}") for bar in by_criterion(found)[:MOST_PRINTED]],
        forecast=(forecast_words(forecast), [_printed_finish(one) for one in forecast.scopes[:MOST_PRINTED]]),
        definitions={m.label: f"{m.definition} {m.formula}." for m in METRICS.values()},
    )


def board_print(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime, step: Step = Step.MONTH
) -> bytes:
    """The printed report, as PDF.

    Raises:
        Invalid: a month that is none, or a period that ends before it begins.
    """
    return board_pdf(board_report(connection, caller, wanted, now, step))


def _key(entry: Mapping[str, Any]) -> tuple[str, str | None]:
    return entry["key"], entry.get("currency")


def _told(entry: Mapping[str, Any], before: Any) -> Told:
    metric, currency, value = METRICS[entry["key"]], entry.get("currency"), entry["value"]
    # The curve is pixels; the figure itself is exact.
    parts = [None if part["value"] is None else float(part["value"]) for part in entry["series"]]
    label = f"{metric.label}, {currency}" if currency else metric.label
    basis = "now" if metric.as_of_now else f"{entry['n']:,}"
    return Told(label, words(metric, value, currency), _change(metric, value, before, currency), basis, parts)


def words(metric: Metric, value: Any, currency: str | None) -> str:
    """A value as people read it."""
    if value is None:
        return NOTHING
    if metric.unit == Unit.MONEY:
        return amount(value, currency or "")
    if metric.unit == Unit.DAYS:
        return f"{value:,.1f} days"
    return f"{value:.0%}" if metric.unit in (Unit.SHARE, Unit.RATIO) else f"{value:.2f}"


def _change(metric: Metric, value: Any, before: Any, currency: str | None) -> str:
    if value is None or before is None or metric.as_of_now:
        return NOTHING
    apart = value - before
    sign = "−" if apart < 0 else "+"
    if metric.unit in (Unit.SHARE, Unit.RATIO):
        return f"{sign}{abs(apart) * 100:.0f} points"
    return sign + words(metric, abs(apart), currency)


def _beside(
    connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The organisations with the most decisions, and a few figures of each."""
    found = by_organization(connection, caller, wanted, now)
    most = sorted(found, key=lambda id: (-found[id].get(("rejection_rate", None), NO_FIGURE).n, id))[:MOST_PRINTED]
    rows = [
        (id, *(words(METRICS[key], found[id].get((key, None), NO_FIGURE).value, None) for key in BESIDE)) for id in most
    ]
    return ("Organisation", *(METRICS[key].label for key in BESIDE)), rows


def _printed_finish(one: Expected) -> Sequence[str]:
    f = one.finish
    return (one.title, day(f.planned_end), day(f.p50), day(f.p85), f"{f.on_time:.0%}")


def outcome_filters(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> dict[str, str]:
    """A filter of outcomes as a paper prints it."""
    period = period_of(connection, caller, wanted, now)
    return {
        "From": month_text(period.first),
        "Until": month_text(period.last),
        "Organisation": wanted.organization_id or "all",
        "Workspace": wanted.workspace_id or "all",
        "Project tag": wanted.project_tag or "all",
        "Currency": wanted.currency or "all",
    }


def forecast_words(found: DeliveryForecast) -> str:
    """The forecast of the portfolio in a sentence."""
    if found.portfolio is None:
        why = "no scope is active" if not found.active else f"only {found.finished_cycles} finished cycles are known"
        return f"Nothing is forecast: {why}."
    whole = found.portfolio
    return (
        f"All {found.active:,} active scopes are finished by {whole.p50.isoformat()} in half of the simulated runs and "
        f"by {whole.p85.isoformat()} in 85 %; {whole.on_time:.0%} of them are expected on time. "
        f"From {found.runs:,} runs over {found.finished_cycles:,} finished cycles, seed {found.seed}."
    )


def number(value: float | None) -> Decimal | None:
    """A real number as a cell."""
    return None if value is None else Decimal(str(value)).quantize(DIGITS).normalize()


def _value(value: Any, n: int, currency: str | None, *, is_money: bool) -> Row:
    if value is None or not is_money:
        return (number(value), None, n)
    return (None, Amount(value, currency or ""), n)


def _figure(entry: Mapping[str, Any]) -> Row:
    metric = METRICS[entry["key"]]
    value = _value(entry["value"], entry["n"], entry.get("currency"), is_money=metric.unit == Unit.MONEY)
    return (metric.label, metric.key, metric.unit.value, entry.get("currency"), *value)


def _series(entries: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for entry in entries:
        metric, currency = METRICS[entry["key"]], entry.get("currency")
        for part in entry["series"]:
            value = _value(part["value"], part["n"], currency, is_money=metric.unit == Unit.MONEY)
            yield (metric.label, currency, part["period"], *value)


def _organizations(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> Iterator[Row]:
    for id, figures in by_organization(connection, caller, wanted, now).items():
        for (key, currency), figure in sorted(figures.items(), key=lambda item: (item[0][0], item[0][1] or "")):
            metric = METRICS.get(key)
            if metric:
                value = _value(figure.value, figure.n, currency, is_money=metric.unit == Unit.MONEY)
                yield (id, metric.label, currency, *value)


def _reasons(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> Iterator[Row]:
    found, _ = rejections(connection, caller, wanted, now)
    for name, bars in (("criterion", by_criterion(found)), ("reason", by_reason(found))):
        for bar in bars:
            yield (name, bar.label, bar.count)


def _criteria(connection: Connection, caller: Caller, wanted: OutcomeFilter, now: datetime) -> Iterator[Row]:
    for b in by_score(connection, caller, wanted, now):
        yield (b.lowest, b.highest, b.scopes, b.decided, b.rejected, number(b.rejection_rate))


def _forecast(found: DeliveryForecast) -> Iterator[Row]:
    for one in found.scopes:
        f = one.finish
        yield (one.scope_id, one.title, one.organization_id, f.planned_end, f.p50, f.p85, number(f.on_time))
