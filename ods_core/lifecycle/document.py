"""`python -m ods_core.lifecycle.document`: writes docs/lifecycle.md from the tables that the rules obey.

A test says whether the file is current, so a transition cannot be added and stay undocumented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from ods_core.basics.events import EVENT_LABELS, EventType
from ods_core.basics.settings import ROOT
from ods_core.basics.states import (
    CycleStatus,
    DeliverableStatus,
    InvoiceStatus,
    Kind,
    PaymentStatus,
    ReceiptStatus,
    RequestStatus,
    ScopeStatus,
    ServiceLineStatus,
    look,
)
from ods_core.lifecycle.rules import RULES, TRANSITIONS, Rule, Transition

TARGET = ROOT / "docs" / "lifecycle.md"

HEAD = """\
# Lifecycle

<!-- Written by `python -m ods_core.lifecycle.document`; change the tables in `ods_core/lifecycle/rules.py` instead. -->

A **request** asks for an outcome. The provider answers with a **scope** proposal: deliverables with their acceptance
criteria, dated cycles, one fixed price. Confirming it opens a **service line** and starts the first **cycle**; each
**deliverable** is accepted or rejected, never "almost"; each **payment** falls due when what it waits for has happened.

All of these form one engagement. A command changes one engagement in one transaction and writes the events that tell of
it in the same transaction. A command that the present state does not allow is refused with that state (409), and
nothing has changed.

How to read the tables: a state is written as the API writes it. *When* names the command, or what brings the change
about by itself. An arrow without an event of its own is told by the event of the thing it came with, as a proposal's
cycles come with `ods.request.scoped`.
"""

_STATES: dict[Kind, type[StrEnum]] = {
    Kind.REQUEST: RequestStatus,
    Kind.SCOPE: ScopeStatus,
    Kind.SERVICE_LINE: ServiceLineStatus,
    Kind.CYCLE: CycleStatus,
    Kind.DELIVERABLE: DeliverableStatus,
    Kind.PAYMENT: PaymentStatus,
    Kind.RECEIPT: ReceiptStatus,
    Kind.INVOICE: InvoiceStatus,
}


def document() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD, "## Commands\n", _commands()]
    for kind in _STATES:
        parts += [f"## {_name(kind)}\n", _diagram(kind), _states(kind), _transitions(kind)]
    return "\n".join([*parts, "## Events\n", _events()])


def _name(kind: Kind) -> str:
    return kind.replace("_", " ").capitalize()


def _commands() -> str:
    rows = [
        (f"`{r.verb}`", r.label, _name(r.subject), _allowed(r), " or ".join(r.sides), _codes(r.roles))
        for r in RULES.values()
    ]
    return _table(("Command", "Button", "On", "In state", "Side", "Role"), rows)


def _allowed(rule: Rule) -> str:
    states = ", ".join(f"`{state}`" for state in rule.states) or "–"
    return f"{states}; {rule.condition}" if rule.condition else states


def _codes(values: Iterable[str]) -> str:
    return " or ".join(f"`{value}`" for value in sorted(values)) or "–"


def _diagram(kind: Kind) -> str:
    arrows = dict.fromkeys(f"    {t.source or '[*]'} --> {t.target}" for t in TRANSITIONS[kind])
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *_ends(kind), "```\n"])


def _ends(kind: Kind) -> Iterator[str]:
    """An arrow out of the diagram for each state that nothing leaves."""
    left = {t.source for t in TRANSITIONS[kind]}
    yield from (f"    {state} --> [*]" for state in _STATES[kind] if state not in left)


def _states(kind: Kind) -> str:
    rows = [(f"`{state}`", look(state).label, f"{look(state).colour}, `{look(state).icon}`") for state in _STATES[kind]]
    return _table(("State", "Shown as", "Colour and icon"), rows)


def _transitions(kind: Kind) -> str:
    rows = [(_state(t.source), _state(t.target), t.cause, _event(t)) for t in TRANSITIONS[kind]]
    return _table(("From", "To", "When", "Event"), rows)


def _state(state: StrEnum | None) -> str:
    return f"`{state}`" if state else "–"


def _event(transition: Transition) -> str:
    return f"`{transition.event}`" if transition.event else "–"


def _events() -> str:
    return _table(("Type", "Shown as"), [(f"`{type}`", EVENT_LABELS[type]) for type in EventType])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Write the page."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
