"""Webhook messages: who sent them, and what they say.

They are signed as Standard Webhooks has it; the library of that name checks signature and time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from ods_core.client.errors import BadSignature, UnreadableAnswer
from ods_core.client.models import Answer, Event
from ods_core.client.wire import loads


class WebhookMessage(Answer):
    """A message; `id` is its event's, the same each time it is sent, so that one that came twice is recognised."""

    id: str
    type: str
    timestamp: datetime
    data: Event


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str | Sequence[str]) -> WebhookMessage:
    """What a message says, once its signature is found to be right and its time within five minutes of now.

    Args:
        body: as it came, to the byte.
        headers: as they came, in whatever case.
        secret: the endpoint's `whsec_…`; while one is being replaced, both.

    Raises:
        BadSignature: no secret's signature fits, a header is missing, or the time is another.
        UnreadableAnswer: rightly signed, but not a message of this contract.
    """
    secrets = [secret] if isinstance(secret, str) else [*secret]
    problems = [_problem(body, headers, one) for one in secrets]
    if None not in problems:
        raise BadSignature(next(filter(None, problems), "no secret to check the signature with"))
    named = {name.lower(): value for name, value in headers.items()}
    try:
        return WebhookMessage.model_validate({**loads(body), "id": named["webhook-id"]})
    except (ValueError, TypeError, ValidationError) as error:
        raise UnreadableAnswer(f"a signed message that is not of this contract: {error}") from None


def _problem(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    """What is wrong with a signature by this secret; None: nothing."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except Exception as error:  # The library lets errors of base64 and of unpacking out as they are.
        return str(error) or "the signature cannot be read"
    return None
