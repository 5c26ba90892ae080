"""Payment terms: the sentence a person writes, read into clauses and written back.

    terms     = clause (joiner clause)* "."?
    joiner    = ("," | ";") "and"? | "and"
    clause    = share trigger net? | upfront "of"? share (on confirmed)? net?
    share     = NUMBER ("%" | "percent") | currency NUMBER | NUMBER currency
              | "the"? ("remainder" | "balance" | "rest")
    trigger   = upfront (on confirmed)? | on (confirmed | accepted | ended) | "after" cycle
              | "per" "cycle" | "split"? "across" ("all" | "the")? "cycles"
    on        = "on" | "upon"
    upfront   = one or two of "upfront", "up" "front", "deposit"
    confirmed = "scope"? "confirmation" | "signing"
    accepted  = "acceptance" "of" (cycle | deliverable) | "completion" "of" cycle
              | (cycle | deliverable) "acceptance"
    ended     = "final" "acceptance" | "completion" | "delivery"
    cycle     = "cycle" N | ("each" | "every") "cycle"
    net       = "net" N "days"? | ("within" | "due" ("in" | "within")) N "days"

The text is cut into tokens that know their places, and the tokens are walked once, from left to right, so the
work grows with the length of the text and with nothing else. A clause that cannot be read is reported and
skipped up to the next joiner, so one reading finds the problems of every clause.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction
from typing import NamedTuple, NoReturn

from ods_core.basics.money import MoneyError, exponent, symbol_fits
from ods_core.basics.triggers import Trigger, TriggerKind

DEFAULT_NET_DAYS = 7
MAX_NET_DAYS = 3650
MAX_DIGITS = 15
MAX_TEXT = 100_000
MAX_CLAUSES = 1000
# Enough to mend a sentence by; a hostile text shall not buy itself a long answer.
MAX_PROBLEMS = 20


class Span(NamedTuple):
    """Character places `[start, end)` in the text of the terms."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class TermsProblem:
    """What is wrong at the places `[start, end)`: `detail` says what stands there and what was expected."""

    start: int
    end: int
    detail: str


class TermsError(ValueError):
    """Terms that cannot be right; `problems` has at least one entry, in the order of the text."""

    def __init__(self, problems: Iterable[TermsProblem]) -> None:
        self.problems: tuple[TermsProblem, ...] = tuple(sorted(problems, key=lambda found: found.start))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{found.detail} (at {found.start}-{found.end})" for found in self.problems)


@dataclass(frozen=True, slots=True)
class Percent:
    """`value` percent of the price, exact: 33.33 means 33.33%."""

    value: Decimal

    @property
    def fraction(self) -> Fraction:
        """The same as a fraction of the price: 50% is 1/2."""
        return Fraction(self.value) / 100

    @property
    def size(self) -> Decimal:
        """The number that was written."""
        return self.value


@dataclass(frozen=True, slots=True)
class Fixed:
    """A fixed amount in whole units; `currency` is the code or symbol that was written, in capitals."""

    amount: Decimal
    currency: str

    @property
    def size(self) -> Decimal:
        """The number that was written."""
        return self.amount

    def is_in(self, currency: str) -> bool:
        """Whether the amount can be one of `currency` (an ISO 4217 code)."""
        return self.currency == currency or symbol_fits(self.currency, currency)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What the other clauses leave of the price."""


@dataclass(frozen=True, slots=True)
class PerCycle:
    """The share is paid for each cycle, on its acceptance."""


@dataclass(frozen=True, slots=True)
class AcrossCycles:
    """The share is divided between the cycles, each part paid on its cycle's acceptance."""


Share = Percent | Fixed | Remainder
ClauseTrigger = Trigger | PerCycle | AcrossCycles


@dataclass(frozen=True, slots=True)
class Clause:
    """One share of the price, what makes it due, and the days there are to pay it from then on.

    The places (of the clause, its share and its trigger) say where it was read; clauses that differ in
    nothing else are equal.
    """

    share: Share
    trigger: ClauseTrigger
    net_days: int = DEFAULT_NET_DAYS
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    share_at: Span = field(default=Span(), compare=False)
    trigger_at: Span = field(default=Span(), compare=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms as written and as understood; terms with the same clauses are equal, however they were worded."""

    text: str = field(compare=False)
    clauses: tuple[Clause, ...]


def parse_terms(text: str) -> Terms:
    """The clauses that `text` means, in the order in which they were written.

    Whether the clauses suit a price, a currency and a number of cycles is for `schedule` to say.

    Raises:
        TermsError: the only error, for any text: empty, too long, or with clauses that cannot be read.
    """
    if len(text) > MAX_TEXT:
        detail = f"the terms have {len(text):,} characters; expected at most {MAX_TEXT:,}"
        raise TermsError([TermsProblem(0, len(text), detail)])
    parser = _Parser(text)
    clauses = parser.clauses()
    if parser.problems:
        raise TermsError(parser.problems)
    return Terms(text, tuple(clauses))


def print_terms(terms: Terms) -> str:
    """The terms in their plainest wording; reading it gives equal clauses again.

    `30% upfront; rest on delivery` prints as `30% on confirmation, remainder on final acceptance`.
    """
    return ", ".join(map(_print_clause, terms.clauses))


def print_share(share: Share) -> str:
    """A share in its plainest wording: `33.33%`, `USD 5,000.00`, `$5,000`, `remainder`."""
    match share:
        case Percent(value):
            return f"{print_decimal(value)}%"
        case Fixed(amount, currency):
            return f"{currency}{' ' if currency.isalpha() else ''}{amount:,f}"
        case Remainder():
            return "remainder"


def print_decimal(value: Decimal) -> str:
    """A number in plain digits without needless noughts: 50, 33.33."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def quoted(text: str) -> str:
    """A short quotation of `text` for a message; what cannot be printed is escaped."""
    short = text if len(text) <= 40 else text[:39] + "…"
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in f"`{short}`")


_PRINTED = {
    TriggerKind.CONFIRMATION: "on confirmation",
    TriggerKind.CYCLE_ACCEPTANCE: "on acceptance of cycle",
    TriggerKind.DELIVERABLE_ACCEPTANCE: "on acceptance of deliverable",
    TriggerKind.FINAL_ACCEPTANCE: "on final acceptance",
}


def _print_clause(clause: Clause) -> str:
    net = "" if clause.net_days == DEFAULT_NET_DAYS else f" net {clause.net_days}"
    return f"{print_share(clause.share)} {_print_trigger(clause.trigger)}{net}"


def _print_trigger(trigger: ClauseTrigger) -> str:
    match trigger:
        case PerCycle():
            return "per cycle"
        case AcrossCycles():
            return "across cycles"
        case Trigger(kind, None):
            return _PRINTED[kind]
        case Trigger(kind, number):
            return f"{_PRINTED[kind]} {number}"


class _Kind(Enum):
    WORD = auto()
    NUMBER = auto()
    SYMBOL = auto()
    PERCENT = auto()
    COMMA = auto()
    SEMICOLON = auto()
    PERIOD = auto()
    MINUS = auto()
    OTHER = auto()
    SPACE = auto()


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text and its places; `word` is the folded text of a word, and nothing for the rest."""

    kind: _Kind
    text: str
    start: int
    end: int
    word: str


_DIGITS = frozenset("0123456789")
_PUNCTUATION = {
    "%": _Kind.PERCENT,
    ",": _Kind.COMMA,
    ";": _Kind.SEMICOLON,
    ".": _Kind.PERIOD,
    "-": _Kind.MINUS,
    "\u2212": _Kind.MINUS,  # the mathematical minus
}
_HYPHENS = frozenset("-\u2010\u2011")
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
# A number after one of these counts something, so a comma behind it joins: `net 30,500 USD on delivery`.
_COUNTING = frozenset({"net", "in", "within", "cycle", "deliverable"})
# Words that may stand beside an amount and look like a currency code.
_NOT_CODES = frozenset({"and", "due", "net", "per", "the"})
_NET_WORDS = frozenset({"due", "net", "within"})
_GLUED = frozenset({"and", "of", "on", "the"})


def _tokens(text: str) -> Iterator[_Token]:
    at, word = 0, ""
    while at < len(text):
        kind, end = _scan(text, at, counting=word in _COUNTING)
        if kind is not _Kind.SPACE:
            piece = text[at:end]
            word = piece.casefold() if kind is _Kind.WORD else ""
            yield _Token(kind, piece, at, end, word)
        at = end


def _scan(text: str, at: int, *, counting: bool) -> tuple[_Kind, int]:
    """The kind and the end of what begins at `at`."""
    ch = text[at]
    if ch in _DIGITS or (ch == "." and _is_digit(text, at + 1)):
        return _Kind.NUMBER, _number_end(text, at, counting=counting)
    if ch.isspace() or ch in _INVISIBLE or (ch in _HYPHENS and _joins_words(text, at)):
        return _Kind.SPACE, at + 1
    if ch.isalpha():
        return _word_or_symbol(text, at)
    if unicodedata.category(ch) == "Sc":
        return _Kind.SYMBOL, at + 1
    return _PUNCTUATION.get(ch, _Kind.OTHER), at + 1


def _word_or_symbol(text: str, at: int) -> tuple[_Kind, int]:
    """A run of letters; with a currency sign right behind a few of them, as in `US$`, it is a symbol."""
    end = at
    while end < len(text) and text[end].isalpha():
        end += 1
    signed = end < len(text) and end - at <= 3 and unicodedata.category(text[end]) == "Sc"
    if signed and text[at:end].casefold() not in _GLUED:
        return _Kind.SYMBOL, end + 1
    return _Kind.WORD, end


def _number_end(text: str, at: int, *, counting: bool) -> int:
    """The end of digits, with commas before threes of them (`5,000`) and with decimals."""
    end = _digits_end(text, at)
    if not counting and 0 < end - at <= 3:
        while text[end : end + 1] == "," and _digits_end(text, end + 1) == end + 4:
            end += 4
    if text[end : end + 1] == "." and _is_digit(text, end + 1):
        end = _digits_end(text, end + 1)
    return end


def _digits_end(text: str, at: int) -> int:
    while _is_digit(text, at):
        at += 1
    return at


def _is_digit(text: str, at: int) -> bool:
    return text[at : at + 1] in _DIGITS


def _joins_words(text: str, at: int) -> bool:
    """Whether the hyphen at `at` only ties words together (`up-front`); before a number it is a minus."""
    return text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalpha()


def _in_capitals(symbol: _Token | None) -> str:
    """`US$` for `us$`; other letters stay, for capitals could be more of them than a symbol may have."""
    text = symbol.text if symbol else ""
    return text.upper() if text[:-1].isascii() else text


class _ClauseError(Exception):
    """Ends the reading of one clause."""

    def __init__(self, span: Span, detail: str) -> None:
        super().__init__(detail)
        self.problem = TermsProblem(span.start, span.end, detail)


_EXPECTED_SHARE = "expected a share such as `50%`, `$5,000`, `USD 5,000.00` or `remainder`"
_EXPECTED_TRIGGER = (
    "expected what makes it due: `on confirmation`, `on acceptance of cycle 2`, "
    "`on acceptance of deliverable 2`, `on final acceptance`, `per cycle` or `across cycles`"
)
_EXPECTED_JOINER = "expected `,`, `;`, `and`, days to pay such as `net 30`, or the end"
_CONFIRMATION = Trigger(TriggerKind.CONFIRMATION)
_FINAL = Trigger(TriggerKind.FINAL_ACCEPTANCE)
_NUMBERED = {"cycle": TriggerKind.CYCLE_ACCEPTANCE, "deliverable": TriggerKind.DELIVERABLE_ACCEPTANCE}


class _Parser:
    """Walks the tokens of one text; `problems` has what could not be read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[TermsProblem] = []
        self._tokens = list(_tokens(text))
        self._at = 0
        self._clause_from = 0
        if self._tokens and self._tokens[-1].kind is _Kind.PERIOD:
            self._tokens.pop()

    def clauses(self) -> list[Clause]:
        """The clauses that can be read, up to the limits on clauses and problems."""
        found: list[Clause] = []
        if not self._tokens:
            whole = Span(0, len(self.text))
            self._report(whole, "the terms are empty; expected clauses such as `50% on confirmation`")
            return found
        self._read_clause(found)
        while self._peek() is not None and len(self.problems) < MAX_PROBLEMS and self._joined(len(found)):
            self._read_clause(found)
        return found

    def _read_clause(self, found: list[Clause]) -> None:
        """Adds the clause that begins here, or reports it and skips to the next joiner."""
        self._clause_from = self._at
        try:
            found.append(self._clause())
        except _ClauseError as refusal:
            self.problems.append(refusal.problem)
            while not self._at_joint():
                self._at += 1

    def _joined(self, count: int) -> bool:
        """Passes the joiner after `count` clauses; False, and reported, when no clause may follow."""
        start = self._at
        self._at += 1
        if self._tokens[start].word != "and":
            self._take("and")
        joiner = self._span(start)
        if self._peek() is None:
            self._report(joiner, f"nothing follows {self._quote(joiner)}; expected another clause")
        elif count >= MAX_CLAUSES:
            self._report(joiner, f"more clauses follow here; expected at most {MAX_CLAUSES:,}")
        else:
            return True
        return False

    def _clause(self) -> Clause:
        start = self._at
        led = self._upfront_words()
        if led:
            self._take("of")
        share_from = self._at
        share, share_at = self._share(), self._span(share_from)
        trigger_from = start if led else self._at
        trigger, trigger_at = self._trigger(led), self._span(trigger_from)
        net_days = self._net_days()
        if not self._at_joint():
            self._refuse(_EXPECTED_JOINER)
        return Clause(share, trigger, net_days, *self._span(start), share_at, trigger_at)

    def _share(self) -> Share:
        start = self._at
        self._take("the")
        if self._take("remainder", "balance", "rest"):
            return Remainder()
        self._take_kind(_Kind.MINUS)
        share = self._percent_or_fixed(start)
        negative = any(token.kind is _Kind.MINUS for token in self._tokens[start : self._at])
        if negative or share.size <= 0:
            span = self._span(start)
            raise _ClauseError(span, f"{self._quote(span)} stands here; expected a share above zero")
        return share

    def _percent_or_fixed(self, start: int) -> Percent | Fixed:
        code, symbol = self._code(), self._take_kind(_Kind.SYMBOL)
        self._take_kind(_Kind.MINUS)
        number = self._take_kind(_Kind.NUMBER)
        if number is None:
            self._at = start
            self._refuse(_EXPECTED_SHARE)
        value = self._decimal(number)
        if code is None and symbol is None:
            if self._take_kind(_Kind.PERCENT) or self._take("percent"):
                return Percent(value)
            code, symbol = self._code(), self._take_kind(_Kind.SYMBOL)
        return Fixed(value, self._currency(start, code or self._code(), symbol))

    def _currency(self, start: int, code: _Token | None, symbol: _Token | None) -> str:
        """The currency of the amount that began at `start`: its code if it has one, and its symbol if not."""
        span = self._span(start)
        if code is None and symbol is None:
            raise _ClauseError(span, f"{self._quote(span)} stands alone; expected `%` or a currency by it")
        if code is None:
            return _in_capitals(symbol)
        currency = code.word.upper()
        try:
            fits = exponent(currency) >= 0 and (symbol is None or symbol_fits(symbol.text, currency))
        except MoneyError as refusal:
            raise _ClauseError(Span(code.start, code.end), str(refusal)) from None
        if not fits:
            raise _ClauseError(span, f"{self._quote(span)} names two currencies; expected one")
        return currency

    def _code(self) -> _Token | None:
        """Passes a word that looks like a currency code."""
        token = self._peek()
        if token is None or token.kind is not _Kind.WORD or token.word in _NOT_CODES:
            return None
        if len(token.word) != 3 or not token.word.isascii():
            return None
        self._at += 1
        return token

    def _decimal(self, number: _Token) -> Decimal:
        digits = number.text.replace(",", "")
        # `.5` is printed as `0.5`, so it counts as what it is printed as.
        count = len(digits.replace(".", "")) + digits.startswith(".")
        if count > MAX_DIGITS:
            detail = f"{quoted(number.text)} has {count:,} digits; expected at most {MAX_DIGITS}"
            raise _ClauseError(Span(number.start, number.end), detail)
        return Decimal(digits)

    def _upfront_words(self) -> bool:
        """Passes `upfront`, `up front` or `deposit`, or two of them together (`upfront deposit`)."""
        start = self._at
        for _ in range(2):
            if self._take("up"):
                self._expect("front")
            elif not self._take("upfront", "deposit"):
                break
        return self._at > start

    def _trigger(self, led: bool) -> ClauseTrigger:
        """What makes the share due; `led` when upfront words stood before the share."""
        if led or self._upfront_words():
            return self._upfront()
        if self._take("per"):
            self._expect("cycle")
            return PerCycle()
        if self._word() in ("across", "split"):
            return self._across()
        if self._take("after"):
            return self._each_or_numbered("cycle")
        if self._word() in ("on", "upon"):
            return self._on()
        return self._refuse(_EXPECTED_TRIGGER)

    def _upfront(self) -> Trigger:
        """Upfront words may say once more what they wait for: `upfront on scope confirmation`."""
        return self._on_confirmation() if self._take("on", "upon") else _CONFIRMATION

    def _across(self) -> AcrossCycles:
        self._take("split")
        self._expect("across")
        self._take("all", "the")
        self._expect("cycles")
        return AcrossCycles()

    def _on(self) -> ClauseTrigger:
        start = self._at
        self._at += 1
        match self._word():
            case "confirmation" | "signing" | "scope":
                return self._on_confirmation()
            case "final" | "delivery":
                return self._on_the_end()
            case "acceptance" | "completion":
                return self._on_verdict()
            case "cycle" | "deliverable" | "each" | "every":
                return self._on_numbered()
        self._at = start
        return self._refuse(_EXPECTED_TRIGGER)

    def _on_confirmation(self) -> Trigger:
        if not self._take("signing"):
            self._take("scope")
            self._expect("confirmation")
        return _CONFIRMATION

    def _on_the_end(self) -> Trigger:
        if not self._take("delivery"):
            self._expect("final")
            self._expect("acceptance")
        return _FINAL

    def _on_verdict(self) -> ClauseTrigger:
        """`completion` alone is the end; a cycle is accepted or completed, a deliverable only accepted."""
        if self._take("completion"):
            return self._each_or_numbered("cycle") if self._take("of") else _FINAL
        self._expect("acceptance")
        self._expect("of")
        return self._each_or_numbered("cycle", "deliverable")

    def _on_numbered(self) -> ClauseTrigger:
        """`cycle 2 acceptance`, `each cycle acceptance`, `deliverable 2 acceptance`."""
        trigger = self._each_or_numbered("cycle", "deliverable")
        self._expect("acceptance")
        return trigger

    def _each_or_numbered(self, *things: str) -> Trigger | PerCycle:
        """`each cycle`, or one of the `things` and its number."""
        if self._take("each", "every"):
            self._expect("cycle")
            return PerCycle()
        thing = self._expect(*things)
        number = self._whole(1, 10**MAX_DIGITS - 1, f"the number of a {thing}, from 1")
        return Trigger(_NUMBERED[thing], number)

    def _net_days(self) -> int:
        if self._take("net"):
            days = self._days()
            self._take("days", "day")
            return days
        if self._word() not in _NET_WORDS:
            return DEFAULT_NET_DAYS
        if self._take("due"):
            self._expect("in", "within")
        else:
            self._expect("within")
        days = self._days()
        self._expect("days", "day")
        return days

    def _days(self) -> int:
        return self._whole(0, MAX_NET_DAYS, f"a whole number of days from 0 to {MAX_NET_DAYS}")

    def _whole(self, lowest: int, highest: int, expected: str) -> int:
        number = self._take_kind(_Kind.NUMBER)
        if number is None:
            self._refuse(f"expected {expected}")
        plain = number.text.isdecimal() and len(number.text) <= MAX_DIGITS
        if plain and lowest <= int(number.text) <= highest:
            return int(number.text)
        detail = f"{quoted(number.text)} stands here; expected {expected}"
        raise _ClauseError(Span(number.start, number.end), detail)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _word(self) -> str:
        """The word that stands here, folded; nothing when it is no word."""
        token = self._peek()
        return token.word if token else ""

    def _take(self, *words: str) -> str:
        """Passes the word that stands here if it is one of `words`, and returns it; nothing otherwise."""
        word = self._word()
        if not word or word not in words:
            return ""
        self._at += 1
        return word

    def _take_kind(self, kind: _Kind) -> _Token | None:
        token = self._peek()
        if token is None or token.kind is not kind:
            return None
        self._at += 1
        return token

    def _expect(self, *words: str) -> str:
        return self._take(*words) or self._refuse(f"expected {' or '.join(f'`{word}`' for word in words)}")

    def _at_joint(self) -> bool:
        """Whether the clause is over: a joiner stands here, or nothing."""
        token = self._peek()
        return token is None or token.word == "and" or token.kind in (_Kind.COMMA, _Kind.SEMICOLON)

    def _refuse(self, expected: str) -> NoReturn:
        """Gives up on the clause, pointing at what stands here, or at all of it when it ends too early."""
        if self._at_joint() and self._at > self._clause_from:
            span = self._span(self._clause_from)
            raise _ClauseError(span, f"nothing follows {self._quote(span)}; {expected}")
        span = self._phrase()
        raise _ClauseError(span, f"{self._quote(span)} stands here; {expected}")

    def _phrase(self) -> Span:
        """The places of what stands here: a joiner alone, or all up to the next joiner or days to pay."""
        start = self._at
        if self._at_joint():
            # It is not passed, so that the clause behind it is read.
            return Span(self._tokens[start].start, self._tokens[start].end)
        self._at += 1
        while not self._at_joint() and self._word() not in _NET_WORDS:
            self._at += 1
        return self._span(start)

    def _span(self, start: int) -> Span:
        """The places of the tokens from `start` up to here."""
        return Span(self._tokens[start].start, self._tokens[self._at - 1].end)

    def _quote(self, span: Span) -> str:
        return quoted(self.text[span.start : span.end])

    def _report(self, span: Span, detail: str) -> None:
        self.problems.append(TermsProblem(span.start, span.end, detail))
