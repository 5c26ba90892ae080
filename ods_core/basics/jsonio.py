"""JSON as the contract writes it: money exact, times with a `Z`, dates plain."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import orjson

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A JSON number with every digit it has; a float would lose some.
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def dumps(value: Any) -> bytes:
    """JSON bytes of dicts, lists, texts, numbers, `Decimal`, `date` and `datetime`."""
    return orjson.dumps(value, default=_default, option=_OPTIONS)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def loads(text: str | bytes) -> Any:
    """Read JSON; numbers with a fraction or an exponent become `Decimal`, digit by digit.

    Raises:
        ValueError: not JSON, or not UTF-8.
    """
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counted.items() if count > 1)
        raise ValueError(f"the name {twice[:100]!r} stands twice in one object")
    return made


def loads_strict(text: str | bytes) -> Any:
    """Read JSON that somebody sent: as `loads`, and no name may stand twice in one object.

    Raises:
        ValueError: not JSON, not UTF-8, a name twice, or a number of more digits than anybody needs.
    """
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once)
