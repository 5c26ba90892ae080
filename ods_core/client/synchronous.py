"""The client that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import httpx
import tenacity

from ods_core.client import wire
from ods_core.client.calls import Call
from ods_core.client.contract import Contract
from ods_core.client.models import Page

T = TypeVar("T")


class Client(Contract):
    """A client of one server, to be shared by threads and closed at the end, as by `with`.

    Args:
        url: where the server is, such as `https://ods.example.com`.
        key: an API key, sent as `Authorization: Bearer`.
        timeout: seconds to wait for a connection, and for each part of an answer.
        retry: how a call is tried again.
        headers: sent with each call.
        keys: makes the idempotency key of a command that is given without one.
        transport: replaces the network, for tests: `httpx.MockTransport`, `httpx.WSGITransport`.

    Every call raises `ClientError`; errors.py draws the tree.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retry: wire.Retry | None = None,
        headers: Mapping[str, str] | None = None,
        keys: Callable[[], str] = wire.new_key,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.retry = retry or wire.Retry()
        self.keys = keys
        self._http = httpx.Client(
            base_url=url, headers=wire.standing_headers(key, headers), timeout=timeout, transport=transport
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def answer(self, call: Call[T]) -> T:
        """Make a call; what comes back."""
        request = wire.request_of(self._http, call, self.keys)
        return tenacity.Retrying(**self.retry.policy())(lambda: wire.answer_of(call, self._send(request)))

    def pages(self, call: Call[Page[T]]) -> Pages[T]:
        """A list, to be read as far as it is wanted."""
        return Pages(self, call)

    def file(self, call: Call[bytes]) -> File:
        """A file, to be read when it is wanted."""
        return File(self, call)

    def opened(self, call: Call[bytes]) -> httpx.Response:
        """Make a call whose answer is read piece by piece, and which is to be closed."""
        request = wire.request_of(self._http, call, self.keys)
        return tenacity.Retrying(**self.retry.policy())(lambda: self._open(request))

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error

    def _open(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._http.send(request, stream=True)
            if not response.is_success:
                response.read()
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error
        wire.check(response)
        return response


class Pages(Generic[T]):
    """A list: loop over it for all its items, over `pages()` for its pages, or take the first one with `page()`."""

    def __init__(self, client: Client, call: Call[Page[T]]) -> None:
        self._client, self._call = client, call

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data

    def page(self) -> Page[T]:
        """One page; its `meta.cursor` is where the next one begins."""
        return self._client.answer(self._call)

    def pages(self) -> Iterator[Page[T]]:
        """Page after page, until there is no more."""
        call: Call[Page[T]] | None = self._call
        while call:
            page = self._client.answer(call)
            yield page
            call = wire.next_of(call, page)


class File:
    """A file on the server."""

    def __init__(self, client: Client, call: Call[bytes]) -> None:
        self._client, self._call = client, call

    @contextmanager
    def open(self) -> Iterator[Iterator[bytes]]:
        """Its content, piece by piece, within the block."""
        response = self._client.opened(self._call)
        try:
            yield self._pieces(response)
        finally:
            response.close()

    def read(self) -> bytes:
        """The whole of it."""
        with self.open() as pieces:
            return b"".join(pieces)

    def save(self, path: str | Path) -> Path:
        """Write it to a path, whole or not at all."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        try:
            with self.open() as pieces, part.open("wb") as out:
                for piece in pieces:
                    out.write(piece)
            return part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def _pieces(response: httpx.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error


__all__ = ["Client", "File", "Pages"]
