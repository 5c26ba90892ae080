"""Webhook messages are believed only with the right signature, of the right time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from decimal import Decimal

import pytest

from ods_core.client import BadSignature, UnreadableAnswer, verify_webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, as long").decode()
BODY = (
    b'{"type": "ods.payment.due", "timestamp": "2026-04-15T10:00:00Z", "data": {"id": "EVT-26-000007", '
    b'"type": "ods.payment.due", "occurred_at": "2026-04-15T10:00:00Z", "sequence": 7, '
    b'"actor": {"kind": "local", "id": "local"}, "subject": {"kind": "payment", "id": "PAY-26-000001"}, '
    b'"request_id": "OREQ-26-000041", "scope_id": null, "organization_id": "ORG-26-000001", '
    b'"workspace_id": "WS-26-000001", "data": {"amount": 9007199254740993.01}}}'
)


def signed(body: bytes = BODY, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Headers with a signature that is computed here, without the library."""
    stamp = str(int(at or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b".".join([b"EVT-26-000007", stamp.encode(), body]), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"Webhook-Id": "EVT-26-000007", "Webhook-Timestamp": stamp, "Webhook-Signature": signature}


def test_a_signed_message_is_read_exactly() -> None:
    message = verify_webhook(BODY, signed(), SECRET)
    assert (message.id, message.type, message.data.sequence) == ("EVT-26-000007", "ods.payment.due", 7)
    assert message.data.data["amount"] == Decimal("9007199254740993.01")


def test_while_a_secret_is_replaced_both_are_good() -> None:
    assert verify_webhook(BODY, signed(secret=OTHER), [SECRET, OTHER]).id == "EVT-26-000007"


@pytest.mark.parametrize(
    ("body", "headers", "secret"),
    [
        (BODY.replace(b"OREQ-26-000041", b"OREQ-26-000042"), signed(), SECRET),
        (BODY, signed(), OTHER),
        (BODY, signed(), []),
        (BODY, signed(at=time.time() - 3600), SECRET),
        (BODY, signed(at=time.time() + 3600), SECRET),
        (BODY, {}, SECRET),
        (BODY, signed() | {"Webhook-Signature": "nonsense"}, SECRET),
        (BODY, signed() | {"Webhook-Signature": "v1,%%%"}, SECRET),
        (BODY, signed() | {"Webhook-Timestamp": "yesterday"}, SECRET),
        (b"\xff\xfe", signed(b"\xff\xfe"), SECRET),
    ],
    ids=["altered", "other secret", "no secret", "old", "early", "unsigned", "form", "base64", "time", "not text"],
)
def test_anything_else_is_refused(body: bytes, headers: dict[str, str], secret: str | list[str]) -> None:
    with pytest.raises(BadSignature):
        verify_webhook(body, headers, secret)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"not JSON", b'{"type": "x", "timestamp": 1, "data": {}}'])
def test_a_signed_message_of_another_kind_is_told_apart(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        verify_webhook(body, signed(body), SECRET)
