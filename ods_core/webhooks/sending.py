"""One message to one receiver: connect to a checked address, post, and say what came of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpcore

from ods_core.webhooks.addresses import PORTS, AddressRefused, Target, refuse_private

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

MOST_OF_AN_ANSWER = 64 * 1024
"""Bytes of an answer that are read, so that its connection can be used again; longer ones cost theirs."""
IDLE_SECONDS = 5.0
MOST_IDLE = 4
"""Connections to one receiver that are kept open for the next message."""
MOST_POOLS = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt.

    `status` is the receiver's, None where it gave none; then `error` says why, in a few words.
    """

    status: int | None
    error: str
    milliseconds: int
    retry_after: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver took the message: any 2xx. A redirect is not followed, and is no acceptance."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_alive(self) -> bool:
        """Whether the receiver answered at all."""
        return self.status is not None


async def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name, as this machine's resolver has them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A zone (`fe80::1%eth0`) makes an address one of this network; it is kept, so that it is seen.
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses it has checked, and to no others.

    The name is resolved once; all its addresses are checked, and the connection goes to one of these. The name still
    stands in the `Host` header and in the TLS handshake, which this class does not touch.
    """

    def __init__(self, allow_private: bool, resolver: Resolver = resolve) -> None:
        self.allow_private = allow_private
        self.resolver = resolver
        self.network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of a host's addresses that answers.

        Raises:
            AddressRefused: one of them is not public.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        try:
            addresses = await asyncio.wait_for(self.resolver(host, port), timeout)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError(f"the name {host} is not known") from None
        if not self.allow_private:
            refuse_private(addresses, host)
        failed: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in addresses:
            try:
                return await self.network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never: a webhook goes over the network."""
        raise httpcore.ConnectError("webhooks are not sent to sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Sender:
    """Posts messages; one for a process, made inside its event loop.

    It speaks HTTP through httpcore, the engine of httpx, without what httpx adds: no redirect is followed, no proxy
    of the environment is used, no cookie is kept.

    Args:
        connect_seconds: to resolve the name, and again to connect to each of its addresses.
        read_seconds: for the whole attempt beyond that, however slowly an answer trickles in.
        allow_private: whether receivers may be on this machine or in its own network.
        resolver: finds the addresses of a name.
    """

    def __init__(
        self,
        connect_seconds: float,
        read_seconds: float,
        *,
        allow_private: bool = False,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.connect_seconds, self.read_seconds = connect_seconds, read_seconds
        self.backend = CheckedBackend(allow_private, resolver)
        self._ssl_context = ssl_context or httpcore.default_ssl_context()
        self._pools: OrderedDict[Target, httpcore.AsyncConnectionPool] = OrderedDict()

    async def post(self, target: Target, headers: dict[str, str], body: bytes) -> Answer:
        """Send one message; never raises for what the network or the receiver does."""
        began = time.monotonic()
        status, error, asked = None, "", None
        try:
            async with asyncio.timeout(self.connect_seconds + self.read_seconds):
                status, asked = await self._exchange(target, headers, body)
        except TimeoutError:
            error = "no answer in time"
        except httpcore.TimeoutException as late:
            error = "no connection in time" if isinstance(late, httpcore.ConnectTimeout) else "no answer in time"
        except AddressRefused as refused:
            error = refused.problems[0].detail
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as broken:
            error = _in_words(broken)
        return Answer(status, error, round((time.monotonic() - began) * 1000), asked)

    async def _exchange(self, target: Target, headers: dict[str, str], body: bytes) -> tuple[int, str | None]:
        timeouts = {
            "connect": self.connect_seconds,
            "read": self.read_seconds,
            "write": self.read_seconds,
            "pool": self.connect_seconds,
        }
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        sent = [("Host", _authority(target)), ("Content-Type", "application/json"), ("User-Agent", "ODS-Webhooks/1")]
        sent += [*headers.items(), ("Content-Length", str(len(body)))]
        extensions = {"timeout": timeouts}
        pool = await self._pool_for(target)
        async with pool.stream("POST", url, headers=sent, content=body, extensions=extensions) as response:
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > MOST_OF_AN_ANSWER:
                    break
            asked = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"retry-after"), None)
            return response.status, asked

    async def _pool_for(self, target: Target) -> httpcore.AsyncConnectionPool:
        """The connections to one receiver: a pool for all would look through all of them for each message."""
        if target not in self._pools:
            self._pools[target] = httpcore.AsyncConnectionPool(
                ssl_context=self._ssl_context,
                max_connections=None,
                max_keepalive_connections=MOST_IDLE,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self.backend,
            )
        self._pools.move_to_end(target)
        pool = self._pools[target]
        if len(self._pools) > MOST_POOLS:
            _, oldest = self._pools.popitem(last=False)
            await oldest.aclose()
        return pool

    async def aclose(self) -> None:
        """Close its connections."""
        for pool in self._pools.values():
            await pool.aclose()


def _authority(target: Target) -> str:
    """The host as a `Host` header has it: the port only where it is not the scheme's own."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == PORTS[target.scheme] else f"{host}:{target.port}"


def _in_words(error: Exception) -> str:
    """Why there was no answer, in a line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]
