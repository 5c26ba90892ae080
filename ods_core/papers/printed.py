"""A printed paper: A4, one typeface, a foot that says what it is and when it was made.

The same paper made twice is the same to the byte: its moment is given to it, and nothing in it is random.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from babel.dates import format_date
from babel.numbers import format_decimal
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from ods_core.basics.money import exponent
from ods_core.basics.parties import Party
from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.papers import typefaces
from ods_core.papers.typefaces import printable

MARGIN = 20
"""Millimetres on each side."""
WIDTH = 210 - 2 * MARGIN
LINE = 5
PAGE = 297 - 2 * MARGIN - 10
GREY, INK, RULE, RED = (96, 96, 96), (20, 20, 20), (190, 190, 190), (176, 0, 32)
NOTHING = "–"
LONGEST_CELL = 400
"""Characters of a cell of a table."""

Align = Literal["LEFT", "RIGHT"]
_FAMILY = "text"
_WHEN = {
    TriggerKind.CONFIRMATION: "on confirmation of the scope",
    TriggerKind.CYCLE_ACCEPTANCE: "on acceptance of cycle {}",
    TriggerKind.DELIVERABLE_ACCEPTANCE: "on acceptance of deliverable {}",
    TriggerKind.FINAL_ACCEPTANCE: "on final acceptance",
}


class Printed(FPDF):
    """A paper in the making; every text that goes onto it is taken as it is, never as markup.

    Args:
        name: what it is, for the file's properties.
        foot: what stands at the foot of each page beside its number.
        moment: as of when it is made; also the file's date.
    """

    def __init__(self, name: str, foot: str, moment: datetime) -> None:
        super().__init__(format="A4")
        self.foot = printable(foot)
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, margin=MARGIN + 5)
        self.c_margin = 0
        self.set_lang("en")
        self.set_title(printable(name))
        self.set_creator("On-Demand Sprints")
        self.set_creation_date(moment)
        self.add_font(_FAMILY, fname=typefaces.path_of(typefaces.TEXT))
        self.add_font(_FAMILY, "B", fname=typefaces.path_of(typefaces.BOLD))
        self.set_text_shaping(True)
        self.use(9.5)
        self.add_page()

    def footer(self) -> None:
        """At the end of each page; the library asks for it."""
        self.set_y(-MARGIN + 3)
        self.use(7.5, colour=GREY)
        self.cell(WIDTH * 0.8, 4, self.foot)
        self.cell(WIDTH * 0.2, 4, f"Page {self.page_no()} of {{nb}}", align="R")

    def set_font(self, *given: Any, **named: Any) -> None:
        """As the library's, and effective at once."""
        super().set_font(*given, **named)
        self._settle_font()

    def add_page(self, *given: Any, **named: Any) -> None:
        """As the library's, with the font in effect on the new page."""
        super().add_page(*given, **named)
        self._settle_font()

    def _settle_font(self) -> None:
        # Left to itself, the library sets the font with the first line of text, and, where that begins with a fallback,
        # for that line only: what follows would come out in the font before it, as other letters.
        if self.page and self.current_font and not self.current_font_is_set_on_page:
            self._out(self._set_font_for_page(self.current_font, self.font_size_pt))

    def get_fallback_font(self, char: str, style: str = "") -> str | None:
        """The typeface of a character that the text's own does not have; loaded when it is first met."""
        name = typefaces.fallback_for(char)
        if name is None:
            return None
        key = name.lower()
        if key not in self.fonts:
            self.add_font(name, fname=typefaces.path_of(name))
            self.set_fallback_fonts([*self._fallback_font_ids, name], exact_match=False)
        return key

    def use(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        """Go on in this size (points), weight and colour."""
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def line_of(self, text: str, size: float = 9.5, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        """A text over the whole width, on as many lines as it needs."""
        self.use(size, bold=bold, colour=colour)
        self._put(WIDTH, size, printable(text))

    def gap(self, height: float = LINE) -> None:
        """Space between parts, in millimetres."""
        self.ln(height)

    def heading(self, text: str, below: float = 2 * LINE) -> None:
        """The head of a part; it goes to the next page where `below` (millimetres) would not fit under it."""
        if self.will_page_break(min(3 * LINE + below, PAGE)):
            self.add_page()
        self.gap()
        self.line_of(text, 11, bold=True)
        self.gap(1)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Labels and values, a line each."""
        for label, value in pairs:
            if self.will_page_break(LINE):
                self.add_page()
            top = self.y
            self.use(9.5, colour=GREY)
            self.cell(45, LINE, label)
            self.set_xy(MARGIN + 45, top)
            self.use(9.5)
            self._put(WIDTH - 45, 9.5, printable(value))
            self.set_x(MARGIN)

    def side_by_side(self, left: tuple[str, Party], right: tuple[str, Party]) -> None:
        """Two parties beside each other, each under its label."""
        top, half = self.y, WIDTH / 2
        bottoms = []
        for place, (label, party) in enumerate((left, right)):
            self.set_y(top)
            self._party(MARGIN + place * half, half - 6, label, party)
            bottoms.append(self.y)
        self.set_xy(MARGIN, max(bottoms))

    def _party(self, x: float, width: float, label: str, party: Party) -> None:
        tax = [f"Tax id {party.tax_id}"] if party.tax_id else []
        lines = [(label, 8.0, False, GREY), (party.name, 10.5, True, INK)]
        lines += [(line, 9.5, False, INK) for line in (*party.address, *tax) if line]
        for text, size, bold, colour in lines:
            self.set_x(x)
            self.use(size, bold=bold, colour=colour)
            self._put(width, size, printable(text))

    def _put(self, width: float, size: float, text: str) -> None:
        # Under right-to-left text the library would align to the right: here each text begins where its column does.
        self.multi_cell(width, size * 0.5, text, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)

    def grid(
        self,
        title: str,
        heads: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        widths: Sequence[float],
        aligned: Sequence[Align],
        size: float = 8.5,
    ) -> None:
        """A table under its title; its heads are said again on each page.

        Args:
            widths: shares of the whole width.
            rows: a text that would fill a page is cut, with `…` at its end: a row has to fit onto one.
        """
        shown = [[_cut(printable(cell)) for cell in cells] for cells in (heads, *rows)]
        self.use(size, bold=True)
        self.heading(title, sum(self._height(cells, widths, size) for cells in shown[:2]))
        self.use(size)
        self.set_draw_color(*RULE)
        options: dict[str, Any] = {
            "width": WIDTH,
            "col_widths": tuple(widths),
            "text_align": tuple(aligned),
            "borders_layout": TableBordersLayout.HORIZONTAL_LINES,
            "line_height": size * 0.5,
            "padding": (1.2, 1, 1.2, 0),
            "v_align": "TOP",
            "headings_style": FontFace(emphasis="BOLD", color=INK),
        }
        with self.table(**options) as table:
            for cells in shown:
                table.row(cells)

    def _height(self, cells: Sequence[str], widths: Sequence[float], size: float) -> float:
        """How tall a row of a table comes out."""
        share = WIDTH / sum(widths)
        given = zip(cells, widths, strict=True)
        measure: Any = partial(self.multi_cell, h=size * 0.5, dry_run=True, output=MethodReturnValue.HEIGHT)
        return 2.4 + max(float(measure(width * share - 1, text=cell)) for cell, width in given)

    def sums(self, rows: Sequence[tuple[str, str]]) -> None:
        """Figures below each other at the right; the last one is what they come to."""
        for place, (label, figure) in enumerate(rows, 1):
            last = place == len(rows)
            if self.will_page_break(2 * LINE):
                self.add_page()
            if last:
                self.set_draw_color(*INK)
                self.line(MARGIN + WIDTH * 0.45, self.y + 1, MARGIN + WIDTH, self.y + 1)
                self.gap(2)
            self.use(11 if last else 9.5, bold=last)
            self.set_x(MARGIN + WIDTH * 0.45)
            self.cell(WIDTH * 0.3, LINE + 1, label)
            self.cell(WIDTH * 0.25, LINE + 1, figure, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def bytes(self) -> bytes:
        """The finished file."""
        return bytes(self.output())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def figure(value: Decimal, currency: str) -> str:
    """An amount under its currency: `7,750.00`, with the decimals of ISO 4217."""
    places = exponent(currency)
    return str(format_decimal(value, format="#,##0" + ("." + "0" * places if places else ""), locale="en"))


def amount(value: Decimal, currency: str) -> str:
    """An amount that stands alone: `USD 7,750.00`."""
    return f"{currency} {figure(value, currency)}"


def day(value: date | datetime | None) -> str:
    """`15 Apr 2026`; a time is told by its UTC date."""
    return NOTHING if value is None else format_date(value, "d MMM y", locale="en")


def moment(value: datetime) -> str:
    """`15 Apr 2026, 10:00 UTC`."""
    return f"{day(value)}, {value:%H:%M} UTC"


def when(trigger: Trigger) -> str:
    """What makes a payment due: `on acceptance of cycle 2`."""
    return _WHEN[trigger.kind].format(trigger.number)
