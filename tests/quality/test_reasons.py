"""What the reason checker finds in a rejection, beside the deliverable's criteria and its earlier rejections."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ods_core.quality import NotMet, ReasonCode, Rejection, check_reason

CRITERIA = ["Failure rate <0.1% in staging load test.", "Coverage report showing >90% with all tests passing."]
LAST = Rejection(1, "The load test shows a failure rate of 0.4%.", [NotMet(1, "0.4% in run 8841")])


def codes(reason: str, *not_met: tuple[int, str], earlier: tuple[Rejection, ...] = ()) -> list[ReasonCode]:
    found = check_reason(reason, [NotMet(*one) for one in not_met], CRITERIA, earlier)
    return [ReasonCode(f.code) for f in found]


Case = tuple[str, tuple[tuple[int, str], ...]]

FIRING: dict[ReasonCode, list[Case]] = {
    ReasonCode.NO_CRITERION: [
        ("not good enough", ()),
        ("The page is broken in Firefox 128", ()),
        ("Please fix", ()),
        ("We saw 14 errors in the log", ()),
        ("The colours are wrong", ()),
    ],
    ReasonCode.UNKNOWN_CRITERION: [
        ("The rate is 0.4%", ((3, "0.4%"),)),
        ("Criterion 5 fails: 12 errors in the log", ()),
        ("Criteria 1, 2 and 7 fail in run 8841", ()),
        ("The rate is 0.4%", ((1, "0.4%"), (900, "0.4%"))),
        ("AC 4: the report is missing from the pack", ()),
    ],
    ReasonCode.NO_EVIDENCE: [
        ("Coverage too low", ((2, ""),)),
        ("Criterion 1 is not met", ()),
        ("Both fail", ((1, "0.2% in run 8841"), (2, ""))),
        ("Criterion 2 is not met", ((2, "see above"),)),
        ("Not acceptable", ((1, "n/a"),)),
        ("Not good enough. We would also like an Excel export of failed calls.", ()),
    ],
    ReasonCode.GENERIC: [
        ("not good enough", ()),
        ("It doesn't work.", ((1, ""),)),
        ("Please fix", ((2, "84% in the report"),)),
        ("Poor quality", ()),
        ("n/a", ()),
        ("Not good enough. We would also like an Excel export of failed calls.", ()),
    ],
    ReasonCode.NEW_DEMAND: [
        ("Please also add a dark mode to the admin panel.", ((1, "0.4% in run 8841"),)),
        ("The rate is 0.4%. We would also like an Excel export.", ((1, "0.4% in run 8841"),)),
        ("We decided that it should support PayPal", ((1, "https://ci.example.com/1"),)),
        ("Additionally the login needs a captcha", ((2, "84% in the report"),)),
        ("It would be nice if the menu had icons", ()),
    ],
    ReasonCode.REPEATED: [
        ("The load test shows a failure rate of 0.4%.", ((1, ""),)),
        ("the load test shows a failure rate of 0.4%", ((1, "0.4% in run 8841"),)),
        ("A failure rate of 0.4% is shown by the load test", ((1, ""),)),
        ("Load test: failure rate 0.4%", ((1, "0.4%  in run 8841"),)),
        ("The load test still shows a failure rate of 0.4%.", ()),
    ],
}

SILENT: dict[ReasonCode, list[Case]] = {
    ReasonCode.NO_CRITERION: [
        ("The rate is 0.4%", ((1, "0.4%"),)),
        ("Criterion 2 fails: the report shows 84%", ()),
        ("The failure rate in the staging load test is 0.4%", ()),
        ("The coverage report shows 84% and two tests fail", ()),
        ("Acceptance criteria 1 and 2 fail in run 8841", ()),
    ],
    ReasonCode.UNKNOWN_CRITERION: [
        ("The rate is 0.4%", ((1, "0.4%"),)),
        ("Criterion 2 fails: the report shows 84%", ()),
        ("Criteria 1 and 2 fail", ((1, "0.4%"), (2, "84%"))),
        ("We saw 14 errors", ((2, "14 errors"),)),
        ("The rate is 3 times what criterion 1 allows", ()),
    ],
    ReasonCode.NO_EVIDENCE: [
        ("Coverage too low", ((2, "the coverage report shows 84%"),)),
        ("The coverage report shows 84%", ((2, ""),)),
        ("Criterion 1 fails with 0.4%. Criterion 2 fails with 84%.", ((1, ""), (2, ""))),
        ("Both fail", ((1, "run 8841"), (2, "https://ci.example.com/8841"))),
        ("Criterion 2: the test of the refund handler fails in the build", ()),
    ],
    ReasonCode.GENERIC: [
        ("The login button doesn't work in Safari on the checkout page", ((1, ""),)),
        ("The rate is 0.4%", ((1, "0.4%"),)),
        ("Criterion 2 fails: the report shows 84%", ()),
        ("Not acceptable: the report lists 14 open findings", ((2, ""),)),
        ("The report says “not good enough” on page 4", ((2, ""),)),
    ],
    ReasonCode.NEW_DEMAND: [
        ("We need the coverage report to show more than 90%; it shows 84%", ((2, "84%"),)),
        ("The rate is 0.4%", ((1, "0.4%"),)),
        ("Criterion 1 fails in staging", ((1, "0.4% in run 8841"),)),
        ("Please also add the coverage report; it is missing", ((2, "No report in the pack"),)),
        ("The load test should have a failure rate below 0.1%", ((1, "0.4%"),)),
    ],
    ReasonCode.REPEATED: [
        ("The load test shows a failure rate of 0.2%.", ((1, "0.2% in run 8903"),)),
        ("Two tests of the refund handler fail", ((2, "run 8903"),)),
        ("The load test shows a failure rate of 0.4%.", ((1, "Same figure in run 8903, after the fix"),)),
        ("The coverage report shows 84%", ((2, ""),)),
        ("Criterion 1 fails again: timeout after 300 calls", ((1, ""),)),
    ],
}


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in FIRING.items() for case in cases])
def test_a_rejection_is_flagged(code: ReasonCode, case: Case) -> None:
    earlier = (LAST,) if code == ReasonCode.REPEATED else ()
    assert code in codes(case[0], *case[1], earlier=earlier)


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in SILENT.items() for case in cases])
def test_a_rejection_that_says_it_is_not(code: ReasonCode, case: Case) -> None:
    earlier = (LAST,) if code == ReasonCode.REPEATED else ()
    assert code not in codes(case[0], *case[1], earlier=earlier)


def test_a_full_rejection_has_nothing_to_add() -> None:
    assert codes("Criterion 1 is not met: the load test report shows 0.4%.", (1, "Report of 12 May: 0.4%")) == []


def test_a_new_demand_is_told_by_its_sentence() -> None:
    text = "The rate is 0.4%. We would also like an Excel export."
    (demand,) = [f for f in check_reason(text, [NotMet(1, "0.4%")], CRITERIA) if f.code == ReasonCode.NEW_DEMAND]
    assert text[demand.start : demand.end] == "We would also like an Excel export"


def test_what_the_deliverable_is_about_is_no_new_demand() -> None:
    text = "We need the Excel export of orders"
    assert any(f.code == ReasonCode.NEW_DEMAND for f in check_reason(text, [], CRITERIA))
    known = check_reason(text, [], CRITERIA, about="Excel export of all orders")
    assert all(f.code != ReasonCode.NEW_DEMAND for f in known)


def test_only_the_last_rejection_is_repeated() -> None:
    later = Rejection(2, "Two tests of the refund handler fail", [NotMet(2, "run 8903")])
    assert ReasonCode.REPEATED not in codes(LAST.reason, (1, ""), earlier=(LAST, later))


@given(
    st.text(max_size=200),
    st.lists(st.tuples(st.integers(-5, 2000), st.text(max_size=60)), max_size=4),
    st.lists(st.text(max_size=60), max_size=4),
    st.lists(st.text(max_size=200), max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_any_reason_is_checked(
    reason: str, given_as: list[tuple[int, str]], criteria: list[str], past: list[str]
) -> None:
    not_met = [NotMet(*one) for one in given_as]
    earlier = [Rejection(n, text) for n, text in enumerate(past, 1)]
    found = check_reason(reason, not_met, criteria, earlier)
    assert all(0 <= f.start <= f.end <= len(reason) for f in found)
    assert {n.criterion for n in not_met if not 1 <= n.criterion <= len(criteria)} == set() or any(
        f.code == ReasonCode.UNKNOWN_CRITERION for f in found
    )
    assert check_reason(reason, not_met, criteria, earlier) == found
