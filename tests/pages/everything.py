"""All that a page sends to the browser, as one text: labels, links, tables, charts, folded or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest


def everything(app: AppTest) -> str:
    """Every message of the page as text, without the signs that keep text from being markup."""
    return "\n".join(_messages(app._tree)).replace("\\", "")


def _messages(node: Any) -> Iterator[str]:
    proto = getattr(node, "proto", None)
    if proto is not None:
        yield str(proto)
    for child in getattr(node, "children", {}).values():
        yield from _messages(child)
