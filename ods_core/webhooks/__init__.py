"""Webhooks: where they may go, how they are signed, when they are tried again, and how one is sent."""

from ods_core.webhooks.addresses import AddressRefused, Target, is_public, read_target, refuse_private
from ods_core.webhooks.schedule import RetrySchedule, retry_after
from ods_core.webhooks.sending import Answer, CheckedBackend, Resolver, Sender, resolve
from ods_core.webhooks.signing import new_secret, signed_headers

__all__ = [
    "AddressRefused",
    "Answer",
    "CheckedBackend",
    "Resolver",
    "RetrySchedule",
    "Sender",
    "Target",
    "is_public",
    "new_secret",
    "read_target",
    "refuse_private",
    "resolve",
    "retry_after",
    "signed_headers",
]
