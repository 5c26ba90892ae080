"""Signatures, as Standard Webhooks has them; made by its own library."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """A secret that nobody can guess: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(id: str, sent_at: datetime, body: str, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of a message; one signature for each secret that is valid at present.

    Args:
        id: the same at every attempt, so that a receiver knows what it had already.
        sent_at: when this attempt is made, UTC; receivers refuse what is more than five minutes off.
        body: exactly what is sent.
        keys: `whsec_…` secrets, the present one first.
    """
    signatures = [Webhook(key).sign(id, sent_at, body) for key in keys]
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
