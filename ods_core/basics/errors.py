"""Everything that can be said no to, as one tree.

    OdsError                      any refusal; carries `code`, `status`, `detail`
    ├── Unauthenticated   401     nobody we know
    ├── Forbidden         403     known, but not for this role
    ├── NotFound          404     unknown id, or another organisation's
    ├── NotAllowed        409     right command, wrong moment: carries the current state
    │   ├── ScopeExpired          the proposal's `valid_until` has passed
    │   ├── DoesNotFit            over budget or over time: carries both gaps
    │   ├── AmountExceedsOpen     more money than is open on a payment: carries what is open
    │   ├── DuplicateReceipt      a reference that stands on that payment already
    │   ├── KeyReused             an idempotency key that was sent before with something else
    │   └── ChangedMeanwhile  412 `If-Match` names what is not there any more
    ├── Invalid           422     bad values: carries a list of (pointer, detail)
    ├── StoreError        503     the database cannot be used: says why and what to do
    │   └── StoreHeld             another process has it
    ├── TooManyRequests   429     (service/access.py) a key or an address has had its share of this minute
    ├── RemoteUnreachable 503     (mirror/remote.py) the server that is followed does not answer
    ├── TooManyExports    429     (service/preparations.py) as many files are being written as may be
    ├── ExchangeRatesError 503    (payments/exchange.py) nothing can be converted with the exchange rates
    └── RateCardError     503     (payments/pricing.py) no quote can be made from the rate card

Each page, route and command handles `OdsError` alone; a subclass never needs a handler of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad place: a JSON pointer into what was given (`/cycles/0/planned_end`), and what was expected there.

    `extra` may place it further, as `start` and `end` do within a sentence of payment terms.
    """

    pointer: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """`{"pointer", "detail", …}`, as a problem answer lists it."""
        return {"pointer": self.pointer, **self.extra, "detail": self.detail}


class OdsError(Exception):
    """A refusal with a stable `code` (snake_case), an HTTP `status` and a `detail` that a person can act on."""

    code = "error"
    status = 400
    title = "The request could not be carried out"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: dict[str, Any] = extra


class Unauthenticated(OdsError):
    """No caller could be made out."""

    code, status, title = "unauthenticated", 401, "Sign in first"


class Forbidden(OdsError):
    """The caller is known and may not do this."""

    code, status, title = "forbidden", 403, "Not for this role"


class NotFound(OdsError):
    """No such thing for this caller."""

    code, status, title = "not_found", 404, "Not found"

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"there is no {kind.replace('_', ' ')} {id}", kind=kind, id=id)


class NotAllowed(OdsError):
    """The state does not allow it; `current_state` says which state that is."""

    code, status, title = "not_allowed", 409, "Not allowed in this state"

    def __init__(self, detail: str, *, current_state: str | None = None, **extra: Any) -> None:
        super().__init__(detail, **({"current_state": current_state} if current_state else {}), **extra)
        self.current_state = current_state


class ScopeExpired(NotAllowed):
    """A proposal past its `valid_until`."""

    code, title = "scope_expired", "The proposal has expired"


class DoesNotFit(NotAllowed):
    """A proposal over the request's budget or timeline; `extra` holds `price_gap` and `weeks_gap`."""

    code, title = "does_not_fit", "The proposal does not fit the request"


class AmountExceedsOpen(NotAllowed):
    """A receipt of more than is open; `extra` holds `open` and `currency`."""

    code, title = "amount_exceeds_open", "More than is open"


class DuplicateReceipt(NotAllowed):
    """A reference that was recorded on this payment already; `extra` holds the `receipt_id`."""

    code, title = "duplicate_receipt", "Recorded already"


class KeyReused(NotAllowed):
    """An idempotency key that came before with another body, or for another call."""

    code, title = "idempotency_key_reused", "This idempotency key was used before"


class ChangedMeanwhile(NotAllowed):
    """The caller was sure of a state that is not the present one."""

    code, status, title = "precondition_failed", 412, "Changed meanwhile"


class Invalid(OdsError):
    """Bad values; `problems` names each place and what was expected there."""

    code, status, title = "invalid", 422, "Some values cannot be right"

    def __init__(self, problems: Iterable[Problem], *, code: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in self.problems[:5]))
        if code:
            self.code = code

    @classmethod
    def at(cls, pointer: str, detail: str, *, code: str | None = None) -> Invalid:
        """One problem, at one place."""
        return cls([Problem(pointer, detail)], code=code)


class StoreError(OdsError):
    """The database cannot be opened or used."""

    code, status, title = "store_unavailable", 503, "The database cannot be used"


class StoreHeld(StoreError):
    """Another process holds the database, which lets one at a time."""

    title = "The database is held by another process"
