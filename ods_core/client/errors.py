"""Everything that can go wrong with a call, as one tree.

    ClientError                        any of these
    ├── Unreachable                    nothing came back: no connection, or one that broke
    │   └── TimedOut                   the server took longer than the client waits
    ├── UnreadableAnswer               something came back that is not of the contract
    ├── BadSignature                   a webhook message that the sender did not sign, or not now
    └── Refused                        the server said no: `code`, `status`, `detail`, `request_id`, `errors`
        ├── Unauthenticated       401  no key, or one that is not known
        ├── Forbidden             403  known, but not for these roles
        ├── NotFound              404  unknown id, or another organisation's
        ├── NotAllowed            409  right command, wrong moment: `current_state`
        ├── ChangedMeanwhile      412  it is not what bore the `if_match` any more: read it again
        ├── EtagNeeded            428  the server wants to be told an `if_match`
        ├── Invalid               422  bad values: each of `errors` has a `pointer` and a `detail`
        ├── TooManyRequests       429  `retry_after` seconds, where the server says so
        └── ServerFailed          5xx  a defect, or something the server needs that is not there

Other statuses (400, 413, 415) are `Refused` itself. Decide by class or by `code`; `detail` is for
people and may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict


class ClientError(Exception):
    """Any failure of a call."""


class Unreachable(ClientError):
    """Nothing came back; whether a command was carried out is not known, unless it is sent again with its key."""


class TimedOut(Unreachable):
    """The server took longer than the client waits."""


class UnreadableAnswer(ClientError):
    """An answer that is not of the contract: another server, a proxy in between, or a newer contract."""


class BadSignature(ClientError):
    """A message that does not bear the signature of the secret, or bears one of another time."""


class ErrorPlace(BaseModel):
    """One bad place in what was sent: a JSON pointer into it, and what was expected there.

    Some have more, such as `start` and `end` within payment terms: `model_extra` has it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    pointer: str = ""
    detail: str = ""


class Refused(ClientError):
    """The server said no (RFC 9457).

    `extra` holds the members that depend on `code`, such as `open` for `amount_exceeds_open`. `retry_after` is in
    seconds, None where the server names none.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code") or f"http_{status}")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or self.title or f"the server answered {status}")
        self.request_id = str(problem.get("request_id") or "")
        self.errors = tuple(ErrorPlace.model_validate(place) for place in _places(problem.get("errors")))
        current = problem.get("current_state")
        self.current_state = str(current) if current is not None else None
        known = {"type", "title", "status", "detail", "code", "request_id", "errors", "current_state"}
        self.extra = {name: value for name, value in problem.items() if name not in known}
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {self.detail}")


class Unauthenticated(Refused):
    """No key, or one that is not known."""


class Forbidden(Refused):
    """Known, but not for these roles."""


class NotFound(Refused):
    """No such thing for this key."""


class NotAllowed(Refused):
    """The state does not allow it; `current_state` says which state that is."""


class ChangedMeanwhile(Refused):
    """What was to be decided on has changed since it was read; `etag` is that of its present state, where told."""

    @property
    def etag(self) -> str | None:
        """What a decision on the present state has to name."""
        told = self.extra.get("etag")
        return told if isinstance(told, str) else None


class EtagNeeded(Refused):
    """The server takes this command only with an `if_match`, so that nothing is decided on unseen."""


class Invalid(Refused):
    """Bad values; `errors` names each place."""


class TooManyRequests(Refused):
    """Too much at once; later it will do."""


class ServerFailed(Refused):
    """A defect of the server, or something it needs that is not there."""


_BY_STATUS: Mapping[int, type[Refused]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: NotAllowed,
    412: ChangedMeanwhile,
    422: Invalid,
    428: EtagNeeded,
    429: TooManyRequests,
}


def refusal(status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> Refused:
    """The error for an answer of 400 or more."""
    of = ServerFailed if status >= 500 else _BY_STATUS.get(status, Refused)
    return of(status, problem, retry_after)


def _places(given: object) -> Sequence[Mapping[str, Any]]:
    return [place for place in given if isinstance(place, Mapping)] if isinstance(given, list) else []
