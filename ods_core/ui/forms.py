"""Fields that keep what was typed, and show a problem at the place it is about.

A draft is kept by the process under a random id that stands in the address as `?draft=`: a refresh, a Back or a lost
connection finds it again, and nobody else's address leads to it. Drafts are few, small and short-lived: the oldest
give way once there are many, and a restart of the server ends them.

A field is named by the JSON pointer that a validation problem of it would have (`/deliverables/0/title`), so problems
find their fields without a table between them.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import streamlit as st

from ods_core.basics.errors import Invalid, Problem
from ods_core.ui.formats import plain
from ods_core.ui.session import caller, param, seed, set_params, taken

DRAFT = "draft"
MOST_DRAFTS = 500

_lock = threading.Lock()
_drafts: OrderedDict[str, Draft] = OrderedDict()


class Draft:
    """A form that somebody is filling in: values by pointer, and what was wrong with them when last tried."""

    def __init__(self, id: str, purpose: str, values: Mapping[str, Any]) -> None:
        self.id = id
        self.purpose = purpose
        self.owner = _owner()
        self.values: dict[str, Any] = dict(values)
        self.problems: tuple[Problem, ...] = ()

    def get(self, pointer: str, default: Any = "") -> Any:
        """What was last typed at a place."""
        return self.values.get(pointer, default)

    def put(self, pointer: str, value: Any) -> None:
        """Change a value from outside its field; the field shows it on the next run."""
        self.values[pointer] = value

    def problems_at(self, pointer: str) -> list[Problem]:
        """The problems of one field, those within it included."""
        return [p for p in self.problems if p.pointer == pointer or p.pointer.startswith(pointer + "/")]

    def refused(self, error: Invalid) -> None:
        """Note what was wrong, so that each field shows its own problems."""
        self.problems = error.problems

    def text(self, pointer: str, label: str, **options: Any) -> str:
        """A one-line text."""
        return str(self._field(st.text_input, pointer, label, "", **options) or "")

    def area(self, pointer: str, label: str, **options: Any) -> str:
        """A text of several lines."""
        return str(self._field(st.text_area, pointer, label, "", **options) or "")

    def lines(self, pointer: str, label: str, **options: Any) -> tuple[str, ...]:
        """Several texts, one a line; blank lines do not count."""
        return tuple(line.strip() for line in self.area(pointer, label, **options).splitlines() if line.strip())

    def whole(self, pointer: str, label: str, **options: Any) -> int | None:
        """A whole number, or None."""
        value = self._field(st.number_input, pointer, label, None, **({"step": 1, "value": None} | options))
        return None if value is None else int(value)

    def decimal(self, pointer: str, label: str, **options: Any) -> Decimal | None:
        """A number of few decimals, such as days in quarters, or None: exactly as the field shows it."""
        value = self._field(st.number_input, pointer, label, None, **({"value": None} | options))
        return None if value is None else Decimal(str(value))

    def amount(self, pointer: str, label: str, **options: Any) -> Decimal | None:
        """An amount of money, typed as digits with a decimal point; None where nothing is typed.

        A text field, since a number field would go through binary fractions. What is not a number becomes NaN, which
        every check of amounts refuses.
        """
        return read_amount(self.text(pointer, label, **options))

    def day(self, pointer: str, label: str, **options: Any) -> date | None:
        """A date, or None."""
        value = self._field(st.date_input, pointer, label, None, **({"value": None, "format": "YYYY-MM-DD"} | options))
        return value if isinstance(value, date) else None

    def select(self, pointer: str, label: str, values: Sequence[Any], first: Any, **options: Any) -> Any:
        """One of several values."""
        return self._field(st.selectbox, pointer, label, first, options=list(values), **options)

    def several(self, pointer: str, label: str, values: Sequence[Any], **options: Any) -> tuple[Any, ...]:
        """Some of several values; those that are no longer offered drop out."""
        kept = [value for value in self.get(pointer, []) if value in values]
        self.values[pointer] = kept
        return tuple(self._field(st.multiselect, pointer, label, kept, options=list(values), **options))

    def toggle(self, pointer: str, label: str, **options: Any) -> bool:
        """A switch."""
        return bool(self._field(st.toggle, pointer, label, False, **options))

    def length(self, pointer: str) -> int:
        """How many members a list of the form has (`/deliverables`)."""
        return len(self._members(pointer))

    def add(self, pointer: str, **fields: Any) -> None:
        """Add a member to a list, with these fields."""
        self._write(pointer, [*self._members(pointer), {f"/{name}": value for name, value in fields.items()}])

    def remove(self, pointer: str, index: int) -> None:
        """Take a member out of a list."""
        members = self._members(pointer)
        self._write(pointer, members[:index] + members[index + 1 :])

    def swap(self, pointer: str, index: int, other: int) -> None:
        """Let two members of a list change places."""
        members = self._members(pointer)
        members[index], members[other] = members[other], members[index]
        self._write(pointer, members)

    def _members(self, pointer: str) -> list[dict[str, Any]]:
        """A list's members, each with its fields by the rest of their pointers."""
        members: dict[int, dict[str, Any]] = {}
        for place, value in self.values.items():
            match = re.fullmatch(rf"{re.escape(pointer)}/(\d+)(/.+)", place)
            if match:
                members.setdefault(int(match[1]), {})[match[2]] = value
        return [members[index] for index in sorted(members)]

    def _write(self, pointer: str, members: Sequence[Mapping[str, Any]]) -> None:
        outside = {p: v for p, v in self.values.items() if not re.match(rf"{re.escape(pointer)}/\d+/", p)}
        inside = {f"{pointer}/{i}{rest}": v for i, member in enumerate(members) for rest, v in member.items()}
        self.values = outside | inside
        # Problems name places, and the places have moved.
        self.problems = tuple(p for p in self.problems if not p.pointer.startswith(pointer))

    def show_problems(self, *pointers: str) -> None:
        """Show the problems of places that have no field of their own; '' is the whole form."""
        for problem in self.problems:
            if problem.pointer in pointers:
                _show(problem)

    def show_rest(self, shown: Callable[[str], bool]) -> None:
        """Show the problems whose pointers no field has shown, so that none is lost."""
        for problem in self.problems:
            if not shown(problem.pointer):
                _show(problem, with_place=True)

    def _field(self, widget: Callable[..., Any], pointer: str, label: str, default: Any, **options: Any) -> Any:
        key = f"{self.id}{pointer}"
        seed(key, self.values.setdefault(pointer, default))
        value = widget(label, key=key, on_change=self._keep, args=(pointer, key), **options)
        self._take(pointer, key, value)
        for problem in self.problems_at(pointer):
            _show(problem)
        return value

    def _keep(self, pointer: str, key: str) -> None:
        self._take(pointer, key, st.session_state[key])

    def _take(self, pointer: str, key: str, value: Any) -> None:
        """What the widget shows is what the draft has; a button's callback may ask for it before the next run."""
        self.values[pointer] = value
        taken(key, value)


def _show(problem: Problem, *, with_place: bool = False) -> None:
    place = f"{plain(problem.pointer)}: " if with_place and problem.pointer else ""
    detail = problem.detail[:1].upper() + problem.detail[1:]
    st.markdown(f":red[:material/error: {place}{plain(detail)}]")


def new_draft_id() -> str:
    """An id for a draft that nobody can guess; put into a link that opens a form."""
    return secrets.token_urlsafe(12)


def open_draft(purpose: str, initial: Callable[[], Mapping[str, Any]] = dict) -> Draft:
    """The draft that the address names, or a new one with `initial` values, whose id then stands in the address.

    Args:
        purpose: what the draft is for (`request`, `proposal OREQ-26-000041`); a draft for something else is not
            taken over.
    """
    id = param(DRAFT)
    with _lock:
        found = _drafts.get(id)
        if found is not None and found.purpose == purpose and found.owner == _owner():
            _drafts.move_to_end(id)
            return found
    draft = Draft(id if id and found is None else new_draft_id(), purpose, initial())
    _keep_draft(draft)
    set_params(**{DRAFT: draft.id})
    return draft


def _owner() -> tuple[str, str | None, str | None]:
    """Whose a draft is: an address that somebody else opens, or that is opened for another organisation, finds none."""
    who = caller()
    return who.actor.id, who.organization_id, who.workspace_id


def _keep_draft(draft: Draft) -> None:
    with _lock:
        _drafts[draft.id] = draft
        while len(_drafts) > MOST_DRAFTS:
            _drafts.popitem(last=False)


def prepared(purpose: str, values: Mapping[str, Any]) -> str:
    """The id of a new draft with values from elsewhere, to be put into the address that opens its form."""
    draft = Draft(new_draft_id(), purpose, values)
    _keep_draft(draft)
    return draft.id


def discard(draft: Draft) -> None:
    """Forget a draft, once it has become what it was for or is not wanted."""
    with _lock:
        _drafts.pop(draft.id, None)
    set_params(**{DRAFT: None})


def read_amount(text: str) -> Decimal | None:
    """An amount as a person types it (`15500`, `15,500.00`), or None for nothing; NaN for what is not a number."""
    cleaned = text.replace(",", "").replace(" ", "").replace("\u00a0", "")
    if not cleaned:
        return None
    try:
        return Decimal(cleaned)
    except InvalidOperation:
        return Decimal("NaN")
