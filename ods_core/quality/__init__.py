"""The quality gate: what acceptance criteria, and reasons of rejections, would be better without. Pure."""

from ods_core.quality.criteria import Checked, CheckedList, check_criteria, check_criterion
from ods_core.quality.findings import Code, Finding, ReasonCode, Severity
from ods_core.quality.language import Language, LanguageError, language, read_language
from ods_core.quality.reasons import NotMet, Rejection, check_reason

__all__ = [
    "Checked",
    "CheckedList",
    "Code",
    "Finding",
    "Language",
    "LanguageError",
    "NotMet",
    "ReasonCode",
    "Rejection",
    "Severity",
    "check_criteria",
    "check_criterion",
    "check_reason",
    "language",
    "read_language",
]
