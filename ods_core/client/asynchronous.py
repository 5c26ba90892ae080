"""The client that is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
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


class AsyncClient(Contract):
    """A client of one server for asyncio, to be shared by tasks and closed at the end, as by `async with`.

    Its arguments are those of `Client`, its methods the same, to be awaited; `transport` is an asynchronous one, such
    as `httpx.ASGITransport`.
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.retry = retry or wire.Retry()
        self.keys = keys
        self._http = httpx.AsyncClient(
            base_url=url, headers=wire.standing_headers(key, headers), timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def answer(self, call: Call[T]) -> T:
        """Make a call; what comes back."""
        request = wire.request_of(self._http, call, self.keys)

        async def attempt() -> T:
            return wire.answer_of(call, await self._send(request))

        return await tenacity.AsyncRetrying(**self.retry.policy())(attempt)

    def pages(self, call: Call[Page[T]]) -> AsyncPages[T]:
        """A list, to be read as far as it is wanted."""
        return AsyncPages(self, call)

    def file(self, call: Call[bytes]) -> AsyncFile:
        """A file, to be read when it is wanted."""
        return AsyncFile(self, call)

    async def opened(self, call: Call[bytes]) -> httpx.Response:
        """Make a call whose answer is read piece by piece, and which is to be closed."""
        request = wire.request_of(self._http, call, self.keys)
        return await tenacity.AsyncRetrying(**self.retry.policy())(self._open, request)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._http.send(request)
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error

    async def _open(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._http.send(request, stream=True)
            if not response.is_success:
                await response.aread()
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error
        wire.check(response)
        return response


class AsyncPages(Generic[T]):
    """A list: loop over it for all its items, over `pages()` for its pages, or await the first one with `page()`."""

    def __init__(self, client: AsyncClient, call: Call[Page[T]]) -> None:
        self._client, self._call = client, call

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item

    async def page(self) -> Page[T]:
        """One page; its `meta.cursor` is where the next one begins."""
        return await self._client.answer(self._call)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page, until there is no more."""
        call: Call[Page[T]] | None = self._call
        while call:
            page = await self._client.answer(call)
            yield page
            call = wire.next_of(call, page)


class AsyncFile:
    """A file on the server."""

    def __init__(self, client: AsyncClient, call: Call[bytes]) -> None:
        self._client, self._call = client, call

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its content, piece by piece, within the block."""
        response = await self._client.opened(self._call)
        try:
            yield self._pieces(response)
        finally:
            await response.aclose()

    async def read(self) -> bytes:
        """The whole of it."""
        async with self.open() as pieces:
            return b"".join([piece async for piece in pieces])

    async def save(self, path: str | Path) -> Path:
        """Write it to a path, whole or not at all."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        try:
            out = await asyncio.to_thread(part.open, "wb")
            with out:
                async with self.open() as pieces:
                    async for piece in pieces:
                        await asyncio.to_thread(out.write, piece)
            return await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    @staticmethod
    async def _pieces(response: httpx.Response) -> AsyncIterator[bytes]:
        try:
            async for piece in response.aiter_bytes():
                yield piece
        except httpx.HTTPError as error:
            raise wire.transport_error(error) from error


__all__ = ["AsyncClient", "AsyncFile", "AsyncPages"]
