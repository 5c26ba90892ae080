"""What sentences mean, where they go wrong, and that what is printed reads the same again."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ods_core.basics.triggers import Trigger, TriggerKind
from ods_core.payments import (
    AcrossCycles,
    Clause,
    Fixed,
    Percent,
    PerCycle,
    Remainder,
    Terms,
    TermsError,
    TermsProblem,
    parse_terms,
    print_terms,
)
from ods_core.payments.terms import MAX_CLAUSES, MAX_PROBLEMS, MAX_TEXT, ClauseTrigger, Share

Unmark = Callable[[str], tuple[str, list[tuple[int, int]]]]

CONFIRMATION = Trigger(TriggerKind.CONFIRMATION)
FINAL = Trigger(TriggerKind.FINAL_ACCEPTANCE)


def cycle(number: int) -> Trigger:
    return Trigger(TriggerKind.CYCLE_ACCEPTANCE, number)


def deliverable(number: int) -> Trigger:
    return Trigger(TriggerKind.DELIVERABLE_ACCEPTANCE, number)


def problems(text: str) -> tuple[TermsProblem, ...]:
    with pytest.raises(TermsError) as caught:
        parse_terms(text)
    return caught.value.problems


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ("50%", Percent(Decimal(50))),
        ("50 %", Percent(Decimal(50))),
        ("33.33%", Percent(Decimal("33.33"))),
        ("33.330 %", Percent(Decimal("33.33"))),
        (".5%", Percent(Decimal("0.5"))),
        ("50 percent", Percent(Decimal(50))),
        ("150%", Percent(Decimal(150))),
        ("$5,000", Fixed(Decimal(5000), "$")),
        ("$ 5,000", Fixed(Decimal(5000), "$")),
        ("5,000$", Fixed(Decimal(5000), "$")),
        ("US$5,000", Fixed(Decimal(5000), "US$")),
        ("us$5,000", Fixed(Decimal(5000), "US$")),
        ("€1,234,567.89", Fixed(Decimal("1234567.89"), "€")),
        ("5000 USD", Fixed(Decimal(5000), "USD")),
        ("5000usd", Fixed(Decimal(5000), "USD")),
        ("5,000.00 USD", Fixed(Decimal(5000), "USD")),
        ("USD 5,000.00", Fixed(Decimal(5000), "USD")),
        ("Usd5,000", Fixed(Decimal(5000), "USD")),
        ("$5,000 USD", Fixed(Decimal(5000), "USD")),
        ("USD $5,000", Fixed(Decimal(5000), "USD")),
        ("5000 ALL", Fixed(Decimal(5000), "ALL")),
        ("remainder", Remainder()),
        ("Balance", Remainder()),
        ("REST", Remainder()),
        ("the remainder", Remainder()),
    ],
)
def test_a_share_is_understood_however_it_is_written(written: str, share: Share) -> None:
    assert parse_terms(f"{written} on completion").clauses == (Clause(share, FINAL),)


@pytest.mark.parametrize(
    ("written", "trigger"),
    [
        ("on confirmation", CONFIRMATION),
        ("On Scope Confirmation", CONFIRMATION),
        ("upon confirmation", CONFIRMATION),
        ("upfront", CONFIRMATION),
        ("up front", CONFIRMATION),
        ("up-front", CONFIRMATION),
        ("UP\tFRONT", CONFIRMATION),
        ("upfront on scope confirmation", CONFIRMATION),
        ("upfront on signing", CONFIRMATION),
        ("on signing", CONFIRMATION),
        ("deposit", CONFIRMATION),
        ("deposit on signing", CONFIRMATION),
        ("upfront deposit", CONFIRMATION),
        ("on cycle 2 acceptance", cycle(2)),
        ("on acceptance of cycle 2", cycle(2)),
        ("ON   ACCEPTANCE\nOF CYCLE2", cycle(2)),
        ("after cycle 2", cycle(2)),
        ("on completion of cycle 2", cycle(2)),
        ("on acceptance of cycle 002", cycle(2)),
        ("on acceptance of cycle 4000000000", cycle(4_000_000_000)),
        ("per cycle", PerCycle()),
        ("on each cycle acceptance", PerCycle()),
        ("on every cycle acceptance", PerCycle()),
        ("on acceptance of each cycle", PerCycle()),
        ("after each cycle", PerCycle()),
        ("across cycles", AcrossCycles()),
        ("split across cycles", AcrossCycles()),
        ("split across all cycles", AcrossCycles()),
        ("across the cycles", AcrossCycles()),
        ("on acceptance of deliverable 2", deliverable(2)),
        ("on deliverable 2 acceptance", deliverable(2)),
        ("on final acceptance", FINAL),
        ("on completion", FINAL),
        ("on delivery", FINAL),
    ],
)
def test_a_trigger_is_understood_however_it_is_written(written: str, trigger: ClauseTrigger) -> None:
    assert parse_terms(f"100% {written}").clauses == (Clause(Percent(Decimal(100)), trigger),)


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("", 7),
        ("net 30", 30),
        ("NET30", 30),
        ("net 30 days", 30),
        ("net 0", 0),
        ("net 3650", 3650),
        ("within 14 days", 14),
        ("within 1 day", 1),
        ("due in 14 days", 14),
        ("due within 14 days", 14),
    ],
)
def test_the_days_to_pay_are_understood_however_they_are_written(written: str, days: int) -> None:
    for trigger in ("on completion", "per cycle", "upfront", "on acceptance of cycle 2"):
        assert parse_terms(f"100% {trigger} {written}").clauses[0].net_days == days


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("50% upfront, 50% on delivery", "50% on confirmation, 50% on final acceptance"),
        ("50% upfront; 50% on delivery", "50% on confirmation, 50% on final acceptance"),
        ("50% upfront and 50% on delivery", "50% on confirmation, 50% on final acceptance"),
        ("50% upfront, and 50% on delivery", "50% on confirmation, 50% on final acceptance"),
        ("50% upfront ;and 50% on delivery.", "50% on confirmation, 50% on final acceptance"),
        ("\n\t50%upfront,50%on delivery . \n", "50% on confirmation, 50% on final acceptance"),
        ("50% up front,50% on\u00a0delivery\u200b", "50% on confirmation, 50% on final acceptance"),
        ("deposit of $5,000, rest on delivery", "$5,000 on confirmation, remainder on final acceptance"),
        ("deposit $5,000, rest on delivery", "$5,000 on confirmation, remainder on final acceptance"),
        ("Deposit of the rest on signing net 5", "remainder on confirmation net 5"),
        ("up front deposit of 30%, rest per cycle", "30% on confirmation, remainder per cycle"),
        ("$5,000 deposit,$6,000.50 per cycle", "$5,000 on confirmation, $6,000.50 per cycle"),
        ("10% upfront net 30,500 USD on delivery", "10% on confirmation net 30, USD 500 on final acceptance"),
        ("10% after cycle 1,500 USD per cycle", "10% on acceptance of cycle 1, USD 500 per cycle"),
        ("10% upfront within 14 days,500 USD per cycle", "10% on confirmation net 14, USD 500 per cycle"),
        ("USD 500,000 deposit", "USD 500,000 on confirmation"),
        ("100% on acceptance of cycle 2.", "100% on acceptance of cycle 2"),
        ("100% upfront net 7", "100% on confirmation"),
        ("0100.50% upfront", "100.5% on confirmation"),
    ],
)
def test_sentences_print_in_the_plainest_wording(written: str, printed: str) -> None:
    terms = parse_terms(written)
    assert terms.text == written
    assert print_terms(terms) == printed
    assert parse_terms(printed) == terms


@pytest.mark.parametrize(
    ("sentence", "details"),
    [
        # Nothing to read, and nothing beside a joiner.
        ("[]", ["empty"]),
        ("[ \n ]", ["empty"]),
        ("[.]", ["empty"]),
        ("[,] 100% upfront", ["share"]),
        ("50% upfront[,]", ["another clause"]),
        ("50% upfront [, and].", ["another clause"]),
        ("50% upfront,[,] 50% on delivery", ["share"]),
        ("50% upfront and [and] 50% on delivery", ["share"]),
        # Shares.
        ("[on confirmation]", ["share"]),
        ("[half upfront]", ["share"]),
        ("[% upfront]", ["share"]),
        ("[the $], 50% upfront", ["share"]),
        ("[fifty] net 30", ["share"]),
        ("[+50% upfront]", ["share"]),
        ("[50] upfront, 50% on delivery", ["stands alone; expected `%` or a currency"]),
        ("[5000], [5000]", ["currency", "currency"]),
        ("[0%] upfront", ["above zero"]),
        ("[0.00%] upfront", ["above zero"]),
        ("[-5%] upfront, 105% on delivery", ["above zero"]),
        ("[\u22125%] upfront", ["above zero"]),
        ("[-$5] deposit", ["above zero"]),
        ("[$-5] deposit", ["above zero"]),
        ("[USD-5] deposit", ["above zero"]),
        ("[$0.00] deposit", ["above zero"]),
        ("deposit of [0 USD]", ["above zero"]),
        ("5000 [XYZ] deposit", ["'XYZ' is not a currency; expected an upper-case ISO 4217 code"]),
        ("5000 [XAU] deposit", ["no minor unit"]),
        ("[foo] 5,000 deposit", ["not a currency"]),
        ("[$5,000 EUR] deposit", ["two currencies"]),
        ("[1234567890123456]% upfront", ["16 digits; expected at most 15"]),
        ("$[1,234,567,890,123,456] upfront", ["16 digits"]),
        ("[33.33333333333333]% upfront", ["16 digits"]),
        ("[1],00,000 USD deposit", None),
        ("[5.000],[00] $ deposit", None),
        ("[5][000] USD", None),
        ("deposit[ of]", None),
        # Triggers.
        ("[50%]", ["nothing follows `50%`; expected what makes it due"]),
        ("[50%], 50% upfront", ["what makes it due"]),
        ("[50%] and [50%]", ["due", "due"]),
        ("[$5,000],$6,000.50 deposit", ["due"]),
        ("50% [on Tuesday]", ["`on Tuesday` stands here; expected what makes it due"]),
        ("50% [when pigs fly] net 30; 50% upfront", ["`when pigs fly` stands here"]),
        ("50% [on], 50% upfront", ["due"]),
        ("50% [✓]", ["due"]),
        ("50% [30% upfront]", ["due"]),
        ("50% [net 30]", ["due"]),
        ("50% [of $5,000 upfront]", ["due"]),
        ("50% on scope [acceptance]", ["`confirmation`"]),
        ("50% on final [delivery]", ["`acceptance`"]),
        ("[50% on final]", ["`acceptance`"]),
        ("[50% on acceptance]", ["`of`"]),
        ("50% on acceptance of [sprint 2]", ["`cycle` or `deliverable`"]),
        ("[50% on acceptance of cycle]", ["the number of a cycle, from 1"]),
        ("50% on acceptance of cycle [two]", ["the number of a cycle, from 1"]),
        ("50% on acceptance of cycle [0]", ["the number of a cycle, from 1"]),
        ("50% on acceptance of cycle [1.5]", ["the number of a cycle, from 1"]),
        ("50% on acceptance of cycle [1111222233334444]", ["the number of a cycle"]),
        ("50% on acceptance of cycle [-1]", ["the number of a cycle"]),
        ("50% on acceptance of deliverable [0]", ["the number of a deliverable, from 1"]),
        ("50% on completion of [deliverable 2]", ["`cycle`"]),
        ("[50% on cycle 2]", ["`acceptance`"]),
        ("50% after [deliverable 2]", ["`cycle`"]),
        ("50% per [deliverable]", ["`cycle`"]),
        ("50% across [deliverables]", ["`cycles`"]),
        ("50% split [between cycles]", ["`across`"]),
        ("50% up [on confirmation]", ["`front`"]),
        ("50% upfront on [delivery]", ["`confirmation`"]),
        ("$5,000 deposit on [final acceptance]", ["`confirmation`"]),
        # Days to pay.
        ("[100% upfront net]", ["a whole number of days from 0 to 3650"]),
        ("100% upfront net [3651]", ["from 0 to 3650"]),
        ("100% upfront net [7.5] days", ["a whole number of days"]),
        ("100% upfront net [-7]", ["a whole number of days"]),
        ("100% upfront net [thirty]", ["a whole number of days"]),
        ("100% upfront net [99999999999999999999]", ["a whole number of days"]),
        ("[100% upfront within 14]", ["`days`"]),
        ("100% upfront within 14 [weeks]", ["`days`"]),
        ("100% upfront due [on receipt]", ["`in` or `within`"]),
        ("100% upfront, [net 30]", ["share"]),
        # Text left over.
        ("100% upfront [please]", ["`please` stands here; expected `,`"]),
        ("100% upfront net 30 [net 40]", ["expected `,`"]),
        ("50% upfront [. 50% on delivery]", ["expected `,`"]),
        ("50% upfront [/ 50% on delivery]", ["expected `,`"]),
        ("50% upfront [50% on delivery], 50% on delivery", ["expected `,`"]),
        ("50% upfront [(thanks)]; 50% [\U0001f680]", ["`(thanks)`", "\U0001f680"]),
        ("50% upfront[..]", None),
        # Each clause is looked at, whatever the others are.
        ("50% [on Monday], [0%] upfront; 20% upfront and [20]", ["`on Monday`", "zero", "currency"]),
    ],
)
def test_a_sentence_is_refused_where_it_goes_wrong(sentence: str, details: list[str] | None, unmarked: Unmark) -> None:
    """The marks stand around what the problems must point at; each detail names what was expected there."""
    text, places = unmarked(sentence)
    found = problems(text)
    assert all(0 <= problem.start <= problem.end <= len(text) and problem.detail for problem in found)
    if details is not None:
        assert [(problem.start, problem.end) for problem in found] == places
        for problem, detail in zip(found, details, strict=True):
            assert detail in problem.detail


def test_an_error_shows_every_detail_with_its_place() -> None:
    error = TermsError([TermsProblem(9, 12, "second"), TermsProblem(0, 4, "first")])
    assert str(error) == "first (at 0-4)\nsecond (at 9-12)"
    assert [problem.detail for problem in error.problems] == ["first", "second"]
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_clauses_share_and_trigger_know_their_places() -> None:
    text = "  deposit of $5,000 net 3;  the rest on acceptance of cycle 2 "
    first, second = parse_terms(text).clauses
    assert text[first.start : first.end] == "deposit of $5,000 net 3"
    assert text[slice(*first.share_at)] == "$5,000"
    assert text[second.start : second.end] == "the rest on acceptance of cycle 2"
    assert text[slice(*second.share_at)] == "the rest"
    assert text[slice(*second.trigger_at)] == "on acceptance of cycle 2"


def test_places_count_characters_of_the_text_as_given() -> None:
    """Letters that grow when they are folded, and letters beyond 16 bits, count as one each."""
    text = "50% upfront ßİ\U0001f680, 50% on Mars"
    assert [(problem.start, problem.end) for problem in problems(text)] == [(12, 15), (21, 28)]


def test_terms_that_mean_the_same_are_equal_however_they_are_worded() -> None:
    assert parse_terms("50% upfront;50% on delivery") == parse_terms("50.0% on signing and 50% on completion")
    assert parse_terms("100% upfront") != parse_terms("100% upfront net 8")
    assert hash(parse_terms("100% upfront")) == hash(parse_terms("100% on confirmation"))


def test_a_detail_can_be_sent_anywhere() -> None:
    """Half a surrogate pair or a control character in the text is escaped in what is said about it."""
    for text in ("\ud800", "50% \x00\x1b[31m", "50% upfront \u202e"):
        for problem in problems(text):
            assert problem.detail.encode("utf-8").decode().isprintable()
            assert len(problem.detail) < 400


def test_a_text_over_the_limit_is_refused_whole() -> None:
    text = "1% upfront, " * 10_000
    assert [(p.start, p.end) for p in problems(text)] == [(0, len(text))]
    assert "expected at most 100,000" in problems(text)[0].detail


def test_as_many_clauses_as_are_allowed_read_the_same_again() -> None:
    longest = "999,999,999,999.125 UYW on acceptance of deliverable 999999999999999 net 3650"
    terms = parse_terms(",".join([longest] * MAX_CLAUSES))
    assert len(terms.clauses) == MAX_CLAUSES
    assert parse_terms(print_terms(terms)) == terms
    assert "at most 1,000" in problems("1%deposit," * (MAX_CLAUSES + 1))[0].detail


@pytest.mark.parametrize(
    "piece",
    [",", "1", "1,", "1,000", "a", "a$", "$", "%", ".", "- ", "net ", "on ", "50% ", "50% on ", "\ud83d", "é",
     "9" * 99 + ",", "1% upfront and ", "\u200b", "cycle 1,", "up", "deposit ", "the ", "0", "İ", "\u0301"],
)  # fmt: skip
def test_a_hundred_thousand_characters_of_anything_are_read_or_refused(piece: str) -> None:
    text = (piece * (MAX_TEXT // len(piece) + 1))[:MAX_TEXT]
    assert 1 <= len(problems(text)) <= MAX_PROBLEMS


TRIGGERS: list[tuple[str, ClauseTrigger]] = [
    ("on confirmation", CONFIRMATION),
    ("on scope confirmation", CONFIRMATION),
    ("upfront", CONFIRMATION),
    ("up front", CONFIRMATION),
    ("upfront on scope confirmation", CONFIRMATION),
    ("on signing", CONFIRMATION),
    ("deposit", CONFIRMATION),
    ("per cycle", PerCycle()),
    ("on each cycle acceptance", PerCycle()),
    ("across cycles", AcrossCycles()),
    ("split across cycles", AcrossCycles()),
    ("on final acceptance", FINAL),
    ("on completion", FINAL),
    ("on delivery", FINAL),
]
NUMBERED_TRIGGERS: list[tuple[str, Callable[[int], Trigger]]] = [
    ("on cycle {} acceptance", cycle),
    ("on acceptance of cycle {}", cycle),
    ("after cycle {}", cycle),
    ("on completion of cycle {}", cycle),
    ("on acceptance of deliverable {}", deliverable),
]
NET_FORMS = ["net {}", "within {} days", "due in {} days", "net {} days"]


def any_share(rng: random.Random) -> tuple[str, Share]:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(["remainder", "balance", "rest", "the rest"]), Remainder()
    whole, decimals = rng.randrange(1, 10 ** rng.randint(1, 9)), rng.choice(["", ".5", ".00", ".125"])
    value = Decimal(f"{whole}{decimals}")
    if kind == 1:
        return f"{whole}{decimals}{rng.choice(['%', ' %'])}", Percent(value)
    currency = rng.choice(["USD", "JPY", "KWD", "ALL", "$", "€", "CA$", "¥"])
    form = rng.choice(["{0}{1}", "{0} {1}", "{1} {0}", "{1}{0}"])
    written = f"{value:,f}" if rng.random() < 0.7 else f"{value:f}"
    return form.format(currency, written), Fixed(value, currency)


def any_clause(rng: random.Random) -> tuple[str, Clause]:
    share_text, share = any_share(rng)
    trigger: ClauseTrigger
    if rng.random() < 0.3:
        form, numbered = rng.choice(NUMBERED_TRIGGERS)
        number = rng.randint(1, 10 ** rng.randint(1, 6))
        trigger_text, trigger = form.format(number), numbered(number)
    else:
        trigger_text, trigger = rng.choice(TRIGGERS)
    text, days = f"{share_text} {trigger_text}", 7
    if trigger_text == "deposit" and rng.random() < 0.5:
        text = f"deposit of {share_text}"
    if rng.random() < 0.4:
        days = rng.randint(0, 3650)
        text = f"{text} {rng.choice(NET_FORMS).format(days)}"
    return text, Clause(share, trigger, days)


def any_spelling(rng: random.Random, text: str) -> str:
    """The text in some other case and spacing."""
    if rng.random() < 0.5:
        text = text.replace(" ", rng.choice(["  ", "\t", " \n", "\u00a0"]))
    return rng.choice([text, text.upper(), text.title(), text.swapcase()])


def any_sentence(rng: random.Random) -> tuple[str, tuple[Clause, ...]]:
    text, clauses, clause_text = "", [], ""
    for index in range(rng.choice((1, 2, 3, 3, 4, 8))):
        joiner = rng.choice([", ", ",", "; ", ";", " and ", ", and ", " ; AND "]) if index else ""
        if joiner == "," and clause_text.startswith("deposit of"):
            # `deposit of $21,147 JPY ...` is one amount to anybody.
            joiner = ", "
        clause_text, clause = any_clause(rng)
        text += joiner + any_spelling(rng, clause_text)
        clauses.append(clause)
    return text + rng.choice(["", "", ".", " .", "\n"]), tuple(clauses)


WORDS = (
    *("50%", "$5,000", "USD", "5000", "0", "-5", "remainder", "rest", "€", "CA$", "%", "1", "2", "1,5"),
    *("on", "upon", "scope", "confirmation", "signing", "upfront", "up", "front", "deposit", "of", "after"),
    *("acceptance", "completion", "delivery", "final", "each", "every", "split", "across", "all", "the"),
    *("per", "cycle", "cycles", "deliverable", "net", "within", "due", "in", "30", "3.5", "days", "day"),
    *(",", ";", "and", ".", "\ud800"),
)


def damaged(rng: random.Random, text: str) -> str:
    """The text after some accidents of typing."""
    letters = list(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(letters) + 1)
        junk = rng.choice([*" ,;.%$-0123456789aZé€\u0660\ud800\x00", "and", "cycle", "net", "$5", "USD"])
        letters[at : at + rng.randint(0, 2)] = rng.choice([[], [junk]])
    return "".join(letters)


def check_read_or_refused(text: str) -> None:
    """Any text is read, and prints as a sentence of the same clauses, or refused at places it has."""
    found: tuple[TermsProblem, ...] = ()
    try:
        terms = parse_terms(text)
    except TermsError as error:
        found = error.problems
    else:
        assert terms.clauses
        assert parse_terms(print_terms(terms)).clauses == terms.clauses
        return
    assert 1 <= len(found) <= MAX_PROBLEMS
    for problem in found:
        assert 0 <= problem.start <= problem.end <= len(text)
        assert "expected" in problem.detail


def test_generated_sentences_mean_what_they_were_made_from(trials: Callable[[int, int], int]) -> None:
    """And what is printed of them reads the same again, and prints the same again."""
    for seed in range(trials(1_000, 20_000)):
        text, clauses = any_sentence(random.Random(seed))
        terms = parse_terms(text)
        assert terms.clauses == clauses, text
        printed = print_terms(terms)
        assert parse_terms(printed) == terms == Terms(printed, clauses), text
        assert print_terms(parse_terms(printed)) == printed


def test_damaged_sentences_are_read_or_refused(trials: Callable[[int, int], int]) -> None:
    for seed in range(trials(1_000, 20_000)):
        rng = random.Random(seed)
        check_read_or_refused(damaged(rng, any_sentence(rng)[0]))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_read_or_refused(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=24))
def test_any_heap_of_the_right_words_is_read_or_refused(words: list[str]) -> None:
    check_read_or_refused(" ".join(words))
    check_read_or_refused("".join(words))
