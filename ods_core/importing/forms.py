"""Whether a value has the form that its column asks for, and what it is once it has: as SQL, over whole columns."""

from __future__ import annotations

from ods_core.basics.money import currencies, exponent
from ods_core.importing.columns import CRITERION_TEXT, Column, Form
from ods_core.importing.files import quoted

_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x{9F}]"
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z"
_DAY = r"\d{4}-\d{2}-\d{2}"
_AMOUNT = r"\d{1,12}(\.\d{1,4}0*)?"
_LINK = r"https?://[^\s/]+\S*"
EXACT = "DECIMAL(18, 4)"
"""Any amount that a file may have. Up to 18 digits the database counts in machine words; of more, as the store keeps
them, one value takes a hundred times as long to read or to write out."""


def is_wrong(column: Column, v: str, now: str) -> str:
    """The SQL condition under which the value `v` cannot stand in a column; `now` is an SQL time."""
    missing = f"{v} IS NULL OR " if column.required else ""
    return f"({missing}({v} IS NOT NULL AND coalesce({_bad(column, v, now)}, true)))"


def _bad(column: Column, v: str, now: str) -> str:  # noqa: PLR0911  # one answer a form
    match column.form:
        case Form.TEXT:
            return _bad_text(v, column.longest)
        case Form.REFERENCE:
            return f"NOT {_is_reference(v, column.prefix)}"
        case Form.WHOLE:
            bounds = f"{column.low} AND {column.high}"
            return f"NOT regexp_full_match({v}, '\\d{{1,9}}') OR TRY_CAST({v} AS BIGINT) NOT BETWEEN {bounds}"
        case Form.AMOUNT:
            sign = "-?" if column.negative else ""
            nothing = "" if column.zero else f" OR TRY_CAST({v} AS {EXACT}) = 0"
            return f"NOT regexp_full_match({v}, '{sign}{_AMOUNT}'){nothing}"
        case Form.CURRENCY:
            return f"{v} NOT IN ({', '.join(map(quoted, currencies()))})"
        case Form.TIME:
            at = f"TRY_CAST({v} AS TIMESTAMP)"
            return f"NOT regexp_full_match({v}, '{_TIME}') OR {at} NOT BETWEEN TIMESTAMP '2000-01-01' AND {now}"
        case Form.DAY:
            at = f"TRY_CAST({v} AS DATE)"
            return f"NOT regexp_full_match({v}, '{_DAY}') OR year({at}) NOT BETWEEN 2000 AND 2199"
        case Form.WORD:
            return f"{v} NOT IN ({', '.join(map(quoted, column.words))})"
        case Form.FLAG:
            return f"lower({v}) NOT IN ('true', 'false')"
    return _bad_list(column, v)


def _bad_text(v: str, longest: int) -> str:
    return f"trim({v}) = '' OR length({v}) > {longest} OR regexp_matches({v}, '{_CONTROL}')"


def _is_reference(v: str, prefix: str) -> str:
    return f"regexp_full_match({v}, '{prefix}-\\d{{2}}-\\d{{6,18}}')"


def _bad_list(column: Column, v: str) -> str:
    """Of a JSON list: most are empty, and those are not looked at further."""
    entries = {Form.TEXTS: _bad_texts, Form.EVIDENCE: _bad_links, Form.CRITERIA: _bad_criteria}[column.form]
    empty = "true" if column.required else "false"
    # A branch is looked at only where none before it holds: what is no JSON is never taken apart.
    return (
        f"CASE WHEN {v} = '[]' THEN {empty} WHEN NOT json_valid({v}) THEN true "
        f"WHEN json_type({v}) <> 'ARRAY' THEN true ELSE {entries(column, v)} END"
    )


def _bad_texts(column: Column, v: str) -> str:
    texts = f"from_json({v}, '[\"VARCHAR\"]')"
    bad = f"NOT {_is_reference('x', column.prefix)}" if column.prefix else _bad_text("x", CRITERION_TEXT)
    kinds = f"len(list_filter(json_type({v}, '$[*]'), lambda t: t <> 'VARCHAR')) > 0"
    return f"({kinds} OR len({texts}) > 100 OR len(list_filter({texts}, lambda x: {bad})) > 0)"


def _bad_links(column: Column, v: str) -> str:
    urls, titles = f"json_extract_string({v}, '$[*].url')", f"json_extract_string({v}, '$[*].title')"
    bad_url = f"NOT regexp_full_match(x, '{_LINK}') OR length(x) > 2000"
    bad_title = f"length(x) > 200 OR regexp_matches(x, '{_CONTROL}')"
    return f"(json_array_length({v}) > 50 OR {_bad_members(v, (urls, bad_url), (titles, bad_title))})"


def _bad_criteria(column: Column, v: str) -> str:
    places, shown = f"json_extract_string({v}, '$[*].criterion')", f"json_extract_string({v}, '$[*].evidence')"
    bad_place, bad_text = (
        "NOT regexp_full_match(x, '[1-9]\\d{0,2}')",
        f"length(x) > 20000 OR regexp_matches(x, '{_CONTROL}')",
    )
    doubled = f"len(list_distinct({places})) <> len({places})"
    kinds = f"len(list_filter(json_type({v}, '$[*].criterion'), lambda t: t <> 'UBIGINT')) > 0"
    return f"({doubled} OR {kinds} OR {_bad_members(v, (places, bad_place), (shown, bad_text))})"


def _bad_members(v: str, *members: tuple[str, str]) -> str:
    """Of a list of objects: a member that not all of them have as a text, or a text `x` that is bad."""
    each = (
        f"len({texts}) <> json_array_length({v}) OR len(list_filter({texts}, lambda x: x IS NULL OR {bad})) > 0"
        for texts, bad in members
    )
    return " OR ".join(each)


def read_as(column: Column) -> str:  # noqa: PLR0911  # one answer a form
    """The SQL of a value that has its form, in the database's own type."""
    v = f'"{column.name}"'
    match column.form:
        case Form.WHOLE:
            return f"CAST({v} AS INTEGER)"
        case Form.AMOUNT:
            return f"CAST({v} AS {EXACT})"
        case Form.TIME:
            return f"CAST({v} AS TIMESTAMP)"
        case Form.DAY:
            return f"CAST({v} AS DATE)"
        case Form.FLAG:
            return f"coalesce(lower({v}) = 'true', false)"
        case Form.TEXTS | Form.EVIDENCE | Form.CRITERIA:
            return f"CASE WHEN {v} IS NULL OR {v} = '[]' THEN '[]' ELSE CAST(json({v}) AS VARCHAR) END"
    return v


def decimals() -> str:
    """Currency and decimals, as the rows of a VALUES list."""
    return ", ".join(f"({quoted(code)}, {exponent(code)})" for code in currencies())
