"""A call as data, and how a description of calls becomes methods of a client that waits or awaits.

`contract.py` says once what each call is: its address, what goes with it, what comes back. The descriptors here turn
each description into a method. On a `Client` it returns the answer, on an `AsyncClient` something to await; type
checkers see both, with the parameters that the description names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ods_core.client.models import Page

if TYPE_CHECKING:
    from ods_core.client.asynchronous import AsyncClient, AsyncFile, AsyncPages
    from ods_core.client.synchronous import Client, File, Pages

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call of the contract.

    `template` is its path under the capability, or under `/v1/` where it says so; `parts` fill its `{places}`.
    `answer` is the type of what comes back: of `data`, or of the whole body where `whole` says so.
    """

    method: str
    template: str
    answer: Any
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    idempotency_key: str | None = None
    whole: bool = False
    if_match: str | None = None

    def at(self, cursor: str) -> Call[T]:
        """The same call, further on in its list."""
        return replace(self, query={**self.query, "cursor": cursor})

    def on(self, etag: str | None) -> Call[T]:
        """The same call, meant for what bears this `etag` alone; None: whatever it is by then."""
        return replace(self, if_match=etag)


class Unset:
    """Nothing was given, where None would say something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


def get(template: str, answer: type[T], query: Mapping[str, Any] | None = None, **parts: str) -> Call[T]:
    """A call that reads one thing."""
    return Call("GET", template, answer, parts, query or {})


def page(template: str, item: type[T], query: Mapping[str, Any], **parts: str) -> Call[Page[T]]:
    """A call that reads a list."""
    return Call("GET", template, Page[item], parts, query, whole=True)  # type: ignore[valid-type]


def post(template: str, answer: type[T], body: Mapping[str, Any], key: str | None = None, /, **parts: str) -> Call[T]:
    """A call that gives a command; what is None in its body is left out, what is UNSET too."""
    return Call("POST", template, answer, parts, {}, given(body), key)


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are not None."""
    return {name: value for name, value in values.items() if value is not None and value is not UNSET}


class Answered(Generic[P, T]):
    """A method whose answer is one thing."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Answered[P, T]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self if client is None else _bound(self.describe, client, client.answer)


class Listed(Generic[P, T]):
    """A method whose answer is a list that goes on from page to page."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[Page[T]]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Listed[P, T]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Pages[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncPages[T]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self if client is None else _bound(self.describe, client, client.pages)


class Filed(Generic[P]):
    """A method whose answer is a file."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[bytes]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Filed[P]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, File]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncFile]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        return self if client is None else _bound(self.describe, client, client.file)


def _bound(describe: Callable[..., Any], client: Any, carry_out: Callable[[Any], Any]) -> Callable[..., Any]:
    @functools.wraps(describe)
    def method(*args: Any, **kwargs: Any) -> Any:
        return carry_out(describe(client, *args, **kwargs))

    return method
