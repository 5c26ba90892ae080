"""What the criteria checker finds, and where; what it leaves alone; and that no text upsets it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ods_core.quality import Code, Severity, check_criteria, check_criterion

# The words that a finding is about stand between ⟦ and ⟧.
FIRING: dict[Code, list[str]] = {
    Code.VAGUE_TERM: [
        "The page loads ⟦fast⟧",
        "The importer is ⟦robust⟧",
        "A ⟦user-friendly⟧ form collects the address",
        "Images are scaled ⟦as needed⟧",
        "The header shows an ⟦appropriate⟧ greeting",
        "Dates are formatted ⟦properly⟧",
        "⟦Seamless⟧ import of the old orders",
        "The export lists names, amounts, ⟦etc⟧.",
        "Error rates in the report are ⟦low⟧",
    ],
    Code.NO_MEASURE: [
        "⟦Improve reliability⟧",
        "⟦It should work well⟧",
        "⟦The search feels modern⟧",
        "⟦Ensure scalability⟧",
        "  ⟦Support is helpful.⟧ ",
        "⟦Better onboarding for our partners⟧",
    ],
    Code.NO_CONDITION: [
        "Failure rate <⟦0.1%⟧",
        "Response time stays under ⟦200 ms⟧",
        "The service handles ⟦5,000 requests per second⟧",
        "Accuracy is at least ⟦92%⟧",
        "The app starts in ⟦2 seconds⟧",
        "CPU usage is below ⟦70 percent⟧",
    ],
    Code.COMPOUND: [
        "Deployed, monitored and ⟦documented⟧, and tests pass",
        "Invoices are numbered and ⟦refunds are booked the same day⟧",
        "The importer skips blank rows; ⟦the exporter writes UTF-8⟧",
        "The form shows errors inline. ⟦The footer links to the imprint⟧.",
        "Orders are exported nightly, ⟦stock is synced hourly⟧, prices are rounded",
    ],
    Code.NO_EVIDENCE: [
        "⟦The page loads fast⟧",
        "⟦Failure rate <0.1%⟧",
        "⟦Backups are encrypted⟧",
        "⟦No bugs in production⟧",
        "⟦The memory leak is fixed⟧",
    ],
    Code.UNBOUNDED: [
        "⟦No bugs⟧ in production",
        "The shop is ⟦always⟧ reachable",
        "A session ⟦never⟧ drops",
        "⟦All users⟧ can sign in",
        "⟦100%⟧ of addresses are valid",
        "The API is ⟦error-free⟧",
        "The form works on ⟦any device⟧",
    ],
    Code.OPEN_SCOPE: [
        "Login by password ⟦and/or⟧ fingerprint",
        "Exports for DATEV, SAP, ⟦etc⟧.",
        "Supports browsers ⟦including but not limited to⟧ Firefox 128",
        "The export lists the fields and ⟦TBD⟧ columns of the ledger table",
        "Animations are removed ⟦where possible⟧",
        "Filters ⟦such as⟧ colour are shown",
    ],
    Code.PLACEHOLDER: [
        "⟦TBD⟧",
        "⟦Lorem ipsum dolor⟧",
        "⟦-⟧",
        " ⟦n/a⟧ ",
        "⟦???⟧",
        "⟦To be defined with marketing⟧",
        "⟦xxx⟧",
    ],
}

SILENT: dict[Code, list[str]] = {
    Code.VAGUE_TERM: [
        "The fast-track queue lists express orders first",
        "The Goods received page lists deliveries of the past 90 days",
        "Search is fast: 95% of queries answer in under 300 ms with 50 users, as the load test shows",
        "The label reads “Easy and fast”",
        "The breakfast menu opens",
        "At most 3 high findings remain open in the re-test report",
    ],
    Code.NO_MEASURE: [
        "A visitor can reset the password by email",
        "The board signs the style guide",
        "Three readers find the opening hours",
        "The order form is published at /order",
        "The certificate is valid on the day of the report",
        "robots.txt disallows the staging folder",
    ],
    Code.NO_CONDITION: [
        "Failure rate <0.1% in staging load test.",
        "Response time stays under 200 ms with 50 concurrent users",
        "Unit test coverage of the handler reaches >90%",
        "The voucher reduces the price by 10%",
        "Sessions end after 30 minutes",
        "Uptime is 99.9% over the first 30 days",
        "The form has 3 fields",
    ],
    Code.COMPOUND: [
        "Change is deployed to production and monitored for 48 hours",
        "The list shows name, price and stock of each of the 12 articles",
        "When the cart is empty and the user is signed in, the checkout button is disabled",
        "Given a cart and a voucher, when the voucher expired, then the total is unchanged",
        "Restore takes at most 4 hours, as the drill protocol and the log show",
        "The report lists every order that was paid and has no invoice",
    ],
    Code.NO_EVIDENCE: [
        "The load test report shows a failure rate below 0.1%",
        "A visitor can reset the password by email",
        "Packet capture shows TLS 1.3 on each of the 6 links",
        "The memory leak is fixed, as the 12-hour soak test shows",
        "The form has 3 fields",
    ],
    Code.UNBOUNDED: [
        "Coverage report showing >90% with all tests passing.",
        "The app never loses a delivery in 200 scripted runs",
        "All 14 routes of the list answer with 200",
        "All fields of the form keep their values",
        "The shop is always reachable during the first 30 days",
        "The export has no header row",
    ],
    Code.OPEN_SCOPE: [
        "The table lists colour and size",
        "Login by password or fingerprint",
        "The label reads “etc.”",
        "F1 is 0.85 or higher on the test set",
        "Other tenants see no order of this one",
    ],
    Code.PLACEHOLDER: [
        'The status page shows "n/a" where nothing is known',
        "Pending orders are listed first",
        "The TODO list of the app shows 3 columns",
        "An invoice will be provided as PDF",
        "The bar chart shows 12 months",
    ],
}


def unmarked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A text without its marks, and the places that they marked."""
    start = text.index("⟦")
    end = text.index("⟧") - 1
    return text.replace("⟦", "").replace("⟧", ""), [(start, end)]


def places(code: Code, text: str) -> list[tuple[int, int]]:
    return [(f.start, f.end) for f in check_criterion(text).findings if f.code == code]


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in FIRING.items() for text in texts])
def test_a_code_fires_at_its_words(code: Code, text: str) -> None:
    plain, expected = unmarked(text)
    assert places(code, plain) == expected


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SILENT.items() for text in texts])
def test_a_code_leaves_alone_what_is_fine(code: Code, text: str) -> None:
    assert places(code, text) == []


DOUBLES = [
    ("The export opens in Excel", "The export opens in Excel"),
    (
        "Order mail arrives within 2 minutes in 20 of 20 tests",
        "Within 2 minutes the order mail arrives in 20 of 20 tests",
    ),
    ("Null rate is below 0.5% in the July snapshot", "In the July snapshot the null rate is less than 0.5%"),
    ("Each of the 42 controls has a dated screenshot", "A dated screenshot for every one of the 42 controls"),
    ("A visitor can reset the password by email.", "  a visitor can reset the password by email"),
]
DIFFERENT = [
    ("Order mail arrives within 2 minutes", "Order mail arrives within 5 minutes"),
    ("CPU is below 70% in the load test", "CPU is above 70% in the load test"),
    ("The German form shows the imprint", "The French form shows the terms"),
    ("Export as CSV opens in Excel 365", "Import of the price list takes 3 clicks"),
    ("The link is shown", "The link is not shown"),
]


@pytest.mark.parametrize(("one", "other"), DOUBLES)
def test_what_is_said_twice_is_found_once_at_the_second(one: str, other: str) -> None:
    first, second = check_criteria([one, other]).criteria
    assert Code.DUPLICATE not in {f.code for f in first.findings}
    (double,) = [f for f in second.findings if f.code == Code.DUPLICATE]
    assert other[double.start : double.end] == other.strip()
    assert "criterion 1" in double.message


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_in_a_figure_or_a_word_is_no_duplicate(one: str, other: str) -> None:
    assert all(f.code != Code.DUPLICATE for checked in check_criteria([one, other]).criteria for f in checked.findings)


SEED = [
    "Webhook handler passes load test at 2x peak throughput with <0.1% failure rate",
    "Unit test coverage of the handler reaches >90%",
    "Change is deployed to production and monitored for 48 hours",
    "Failure rate <0.1% in staging load test.",
    "Coverage report showing >90% with all tests passing.",
    "48-hour monitoring report showing <0.1% failure rate in production.",
]


@pytest.mark.parametrize("text", SEED)
def test_the_documented_criteria_are_acceptable(text: str) -> None:
    assert check_criterion(text).score >= 70


def test_an_opinion_is_not() -> None:
    assert check_criterion("It should work well").score < 40


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_criterion_blocks(text: str) -> None:
    checked = check_criterion(text)
    assert checked.is_blocked
    assert checked.score == 0


def test_only_a_placeholder_blocks() -> None:
    findings = [f for texts in FIRING.values() for t in texts for f in check_criterion(unmarked(t)[0]).findings]
    assert {f.code for f in findings if f.severity == Severity.BLOCKER} == {Code.PLACEHOLDER}


def test_a_placeholder_is_nothing_else_as_well() -> None:
    assert [f.code for f in check_criterion("TBD, etc.").findings] == [Code.PLACEHOLDER]


def test_the_score_of_a_list_is_the_mean_and_of_none_zero() -> None:
    both = check_criteria(["TBD", "The form has 3 fields"])
    assert [one.score for one in both.criteria] == [0, 100]
    assert both.score == 50
    assert check_criteria([]).score == 0


def test_a_suggestion_fits_the_kind_of_word() -> None:
    slow, pretty = (check_criterion(t).findings for t in ("The list opens quickly", "The list looks beautiful"))
    said = [next(f.suggestion for f in fs if f.code == Code.VAGUE_TERM) for fs in (slow, pretty)]
    assert "300 ms" in said[0]
    assert "signs it off" in said[1]


def test_places_count_code_points() -> None:
    text = "🚀🚀 The page loads ﬁne and fast"
    assert [text[f.start : f.end] for f in check_criterion(text).findings if f.code == Code.VAGUE_TERM][-1] == "fast"


ANY_TEXT = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["no", "all", "fast", "99%", "and", ",", ".", "is", "<", "in", "5 ms", "TBD", "etc", "“", '"', "\n", "😀"]
    ),
    max_size=40,
).map(" ".join)


@given(st.lists(ANY_TEXT, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_texts_are_checked_within_their_bounds_and_the_same_again(texts: list[str]) -> None:
    checked = check_criteria(texts)
    assert [one.text for one in checked.criteria] == texts
    assert 0 <= checked.score <= 100
    for one in checked.criteria:
        assert 0 <= one.score <= 100
        assert all(0 <= f.start <= f.end <= len(one.text) for f in one.findings)
        assert (one.score == 100) == (not one.findings)
    assert check_criteria(texts) == checked
