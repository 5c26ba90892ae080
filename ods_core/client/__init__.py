"""A client of the REST contract, over httpx: `Client` waits, `AsyncClient` is awaited, both have one method a call.

    with Client("http://127.0.0.1:8501", key="…") as ods:
        for deliverable in ods.list_deliverables(status="ready_for_acceptance"):
            ods.decide_deliverable(deliverable.id, accepted=True, notes="Report read.")

It knows the contract alone, nothing of the server. docs/client.md shows more.
"""

from ods_core.client import models
from ods_core.client.asynchronous import AsyncClient, AsyncFile, AsyncPages
from ods_core.client.calls import UNSET
from ods_core.client.errors import (
    BadSignature,
    ChangedMeanwhile,
    ClientError,
    ErrorPlace,
    EtagNeeded,
    Forbidden,
    Invalid,
    NotAllowed,
    NotFound,
    Refused,
    ServerFailed,
    TimedOut,
    TooManyRequests,
    Unauthenticated,
    Unreachable,
    UnreadableAnswer,
)
from ods_core.client.synchronous import Client, File, Pages
from ods_core.client.webhooks import WebhookMessage, verify_webhook
from ods_core.client.wire import Retry

__all__ = [
    "UNSET",
    "AsyncClient",
    "AsyncFile",
    "AsyncPages",
    "BadSignature",
    "ChangedMeanwhile",
    "Client",
    "ClientError",
    "ErrorPlace",
    "EtagNeeded",
    "File",
    "Forbidden",
    "Invalid",
    "NotAllowed",
    "NotFound",
    "Pages",
    "Refused",
    "Retry",
    "ServerFailed",
    "TimedOut",
    "TooManyRequests",
    "Unauthenticated",
    "Unreachable",
    "UnreadableAnswer",
    "WebhookMessage",
    "models",
    "verify_webhook",
]
