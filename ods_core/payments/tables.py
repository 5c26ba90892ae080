"""What is wrong in a table that an operator wrote, in the words of this project."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError


def misread(error: ValidationError) -> Iterator[str]:
    """Each place of a table that cannot be right, and what was expected there: `roles.lead.day_rate: expected …`."""
    for found in error.errors():
        place = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
        yield f"{place}: {message[:1].lower()}{message[1:]}"
