"""The board report as PDF: figures against the period before, over time, by organisation, why not, what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ods_core.papers.printed import GREY, INK, LINE, MARGIN, WIDTH, Align, Printed, moment

RIGHT: Final[Align] = "RIGHT"
LEFT: Final[Align] = "LEFT"
_ACCENT = (11, 97, 88)


@dataclass(frozen=True, slots=True)
class Told:
    """One figure as it is printed; `parts` are its values over time, oldest first, None where nothing was measured."""

    label: str
    value: str
    change: str
    n: str
    parts: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class BoardReport:
    """All that is printed, in words.

    Attributes:
        figures: by the heading that they stand under.
        periods: the first and the last part of the figures' curves, as they are called.
        organizations: their heads, and a row each.
        reasons: what was named, and how often, the most frequent first.
        forecast: a sentence on all active scopes, and rows of (title, planned end, P50, P85, on time).
        definitions: what the figures mean.
    """

    moment: datetime
    filters: Mapping[str, str]
    figures: Mapping[str, Sequence[Told]]
    periods: tuple[str, str]
    organizations: tuple[Sequence[str], Sequence[Sequence[str]]]
    reasons: Sequence[tuple[str, str]]
    forecast: tuple[str, Sequence[Sequence[str]]]
    definitions: Mapping[str, str]


def board_pdf(report: BoardReport) -> bytes:
    """Print it; the same report is the same to the byte."""
    period = f"{report.filters['From']} to {report.filters['Until']}"
    pdf = Printed("Outcomes", f"Outcomes, {period} · as of {moment(report.moment)}", report.moment)
    pdf.line_of("Outcomes", 22, bold=True)
    pdf.line_of("Are we getting what we pay for?", 12, colour=GREY)
    pdf.gap()
    pdf.facts([("As of", moment(report.moment)), *report.filters.items()])
    for title, figures in report.figures.items():
        _figures(pdf, title, figures, report.periods)
    heads, rows = report.organizations
    if rows:
        widths = (1.5, *[1.0] * (len(heads) - 1))
        aligned = (LEFT, *[RIGHT] * (len(heads) - 1))
        pdf.grid("By organisation", heads, rows, widths=widths, aligned=aligned)
    if report.reasons:
        widths, aligned = (5.0, 1.0), (LEFT, RIGHT)
        pdf.grid(
            "Why deliverables were rejected", ("Named", "Rejections"), report.reasons, widths=widths, aligned=aligned
        )
    _forecast(pdf, *report.forecast)
    _definitions(pdf, report.definitions)
    return pdf.bytes()


_COLUMNS = (("Figure", 0.34, "L"), ("", 0.2, "L"), ("Value", 0.2, "R"), ("Change", 0.16, "R"), ("n", 0.1, "R"))


def _figures(pdf: Printed, title: str, figures: Sequence[Told], periods: tuple[str, str]) -> None:
    """A line a figure, with its curve over the period."""
    pdf.heading(title, 3 * LINE)
    pdf.use(8, colour=GREY)
    for label, share, align in _COLUMNS:
        pdf.cell(WIDTH * share, LINE, label or f"{periods[0]} – {periods[1]}", align=align)
    pdf.ln(LINE + 1)
    for told in figures:
        if pdf.will_page_break(LINE + 2):
            pdf.add_page()
        _figure(pdf, told)


def _figure(pdf: Printed, told: Told) -> None:
    top = pdf.y
    for (_, share, align), text in zip(_COLUMNS, (told.label, "", told.value, told.change, told.n), strict=True):
        pdf.use(9.5, bold=text == told.value, colour=GREY if text == told.n else INK)
        pdf.cell(WIDTH * share, LINE + 1, text, align=align)
    _curve(pdf, told.parts, MARGIN + WIDTH * 0.34, top + 1, WIDTH * 0.18, LINE - 1)
    pdf.set_xy(MARGIN, top + LINE + 1.5)


def _curve(pdf: Printed, parts: Sequence[float | None], left: float, top: float, width: float, height: float) -> None:
    """A small line over time; where nothing was measured there is a gap, and a value alone is a dot."""
    known = [value for value in parts if value is not None]
    if not known:
        return
    low, high = min(known), max(known)
    scale = height / (high - low) if high > low else 0.0
    step = width / max(len(parts) - 1, 1)
    middle = 0.0 if scale else height / 2
    points = [
        None if v is None else (left + n * step, top + height - middle - (v - low) * scale) for n, v in enumerate(parts)
    ]
    pdf.set_draw_color(*_ACCENT)
    pdf.set_fill_color(*_ACCENT)
    for before, point in zip([None, *points], points, strict=False):
        if point and before:
            pdf.line(*before, *point)
        elif point:
            pdf.ellipse(point[0] - 0.4, point[1] - 0.4, 0.8, 0.8, style="F")


def _forecast(pdf: Printed, said: str, rows: Sequence[Sequence[str]]) -> None:
    pdf.heading("When the open work is finished", 3 * LINE)
    pdf.line_of(said)
    if rows:
        heads = ("Scope", "Planned end", "P50", "P85", "On time")
        widths, aligned = (3.4, 1.2, 1.2, 1.2, 0.9), (LEFT, LEFT, LEFT, LEFT, RIGHT)
        pdf.grid("The least likely to be on time", heads, rows, widths=widths, aligned=aligned)


def _definitions(pdf: Printed, definitions: Mapping[str, str]) -> None:
    pdf.heading("What the figures mean", 3 * LINE)
    for label, text in definitions.items():
        pdf.line_of(label, 8.5, bold=True)
        pdf.line_of(text, 8.5, colour=GREY)
        pdf.gap(1)
