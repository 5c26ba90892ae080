"""What one process shares: settings, store, service, and the first filling of an empty store.

Pages, API and background work live in one process and use one `Runtime`; `runtime()` makes it at first need.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from ods_core.basics.clock import Clock
from ods_core.basics.errors import StoreError
from ods_core.basics.parties import read_parties
from ods_core.basics.settings import Settings
from ods_core.lifecycle import Policy
from ods_core.mirror import Follower, Mirror
from ods_core.service.access import Access
from ods_core.service.calendars import CalendarLinks
from ods_core.service.facade import Service
from ods_core.service.mirrored import MirroredService, follower_of
from ods_core.service.people import People
from ods_core.service.preparations import Preparations
from ods_core.service.webhooks import WebhookPolicy, Webhooks
from ods_core.store import Store
from ods_core.store.replica import Figures


@dataclass(slots=True)
class Filling:
    """How far the first filling of an empty store has come; `share` runs from 0 to 1."""

    share: float = 1.0
    step: str = ""
    error: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the store can be shown."""
        return self.share >= 1.0


@dataclass(slots=True)
class Runtime:
    """The parts of a running program.

    Args:
        signs_in: whether people sign in here; then nobody is let in without, neither to the pages nor to the API.
    """

    settings: Settings
    store: Store
    service: Service
    clock: Clock
    filling: Filling = field(default_factory=Filling)
    follower: Follower | None = None
    signs_in: bool = False
    figures: Figures = field(init=False)
    preparations: Preparations = field(init=False)
    access: Access = field(init=False)
    people: People = field(init=False)
    calendars: CalendarLinks = field(init=False)
    webhooks: Webhooks = field(init=False)
    word: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """What this process alone knows, and those that it tells."""

    def __post_init__(self) -> None:
        self.figures = Figures(self.store, self.settings.analytics_url)
        self.preparations = Preparations(self.figures)
        self.access = Access(
            self.store,
            self.clock,
            signs_in=self.signs_in,
            per_key=self.settings.rate_per_key,
            per_address=self.settings.rate_per_address,
            wrong_keys=self.settings.wrong_keys_per_address,
        )
        self.calendars = CalendarLinks(self.store, self.clock, self.access.note)
        self.webhooks = Webhooks(self.store, self.clock, webhook_policy_of(self.settings))
        self.people = People(self.store, self.clock, self.access, self.settings.administrators)

    @classmethod
    def open(cls, settings: Settings | None = None, *, signs_in: bool = False) -> Runtime:
        """Open the database that the settings name.

        Raises:
            StoreError: it cannot be opened; says why and what to do.
        """
        settings = settings or Settings()
        store = Store(settings.database_url, settings.now)
        try:
            follower, policy = follower_of(settings, store), policy_of(settings)
        except StoreError:
            store.close()
            raise
        if follower is None:
            return cls(settings, store, Service(store, settings.now, policy), settings.now, signs_in=signs_in)
        service = MirroredService(store, settings.now, policy, follower)
        return cls(settings, store, service, settings.now, follower=follower, signs_in=signs_in)

    @property
    def mirror(self) -> Mirror | None:
        """How the following of another server goes, None where none is followed."""
        return self.follower.mirror if self.follower else None

    @property
    def changes(self) -> int:
        """A number that is another one once anything changed that pages show."""
        followed = self.follower.mirror.changes if self.follower else 0
        return self.store.last_sequence + followed + self.figures.changes

    def close(self) -> None:
        """Let go of the database, and of the server that is followed."""
        if self.follower:
            self.follower.stop()
        self.preparations.close()
        self.figures.close()
        self.store.close()


def policy_of(settings: Settings) -> Policy:
    """What the owner of an installation decided, out of its settings.

    Raises:
        StoreError: the parties file cannot be used; says why.
    """
    return Policy(
        lead_time_days=settings.lead_time_days,
        remediation_days=settings.remediation_days,
        proposal_days=settings.proposal_days,
        reminder_days=settings.reminder_days,
        review_reminder_days=settings.review_reminder_days,
        parties=read_parties(settings.parties),
        invoice_note=settings.invoice_note,
        review_days=settings.review_days,
    )


def webhook_policy_of(settings: Settings) -> WebhookPolicy:
    """What the owner of an installation decided about webhooks, out of its settings."""
    return WebhookPolicy(settings.webhook_allow_private, timedelta(hours=settings.webhook_overlap_hours))


_lock = threading.Lock()
_current: Runtime | None = None
_signs_in = False


def require_sign_in(is_needed: bool) -> None:
    """Say whether people sign in to this process; before its runtime is opened."""
    global _signs_in  # noqa: PLW0603
    with _lock:
        _signs_in = is_needed


def runtime() -> Runtime:
    """The process's runtime, opened at first need.

    Raises:
        StoreError: the database cannot be opened.
    """
    global _current  # noqa: PLW0603  # the one thing a process has one of
    with _lock:
        if _current is None:
            _current = Runtime.open(signs_in=_signs_in)
        return _current


@contextmanager
def using(replacement: Runtime) -> Iterator[Runtime]:
    """Let `runtime()` answer with another runtime within the block; for tests."""
    global _current  # noqa: PLW0603
    with _lock:
        before, _current = _current, replacement
    try:
        yield replacement
    finally:
        with _lock:
            _current = before


def shut_down() -> None:
    """Close the process's runtime, if it was opened."""
    global _current  # noqa: PLW0603
    with _lock:
        if _current is not None:
            _current.close()
            _current = None
