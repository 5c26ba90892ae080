"""Where webhooks may go: not to this machine, not into the network it stands in.

Whoever may add an endpoint chooses where this server connects to. Without a guard that is a way to reach what only the
server reaches: its own services, the machines beside it, the metadata address of a cloud. So an address is looked at
twice: when it is given, and, since names may come to point elsewhere, when a connection is made, at the very IP
address that is connected to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from httpx import URL, InvalidURL

from ods_core.basics.errors import Invalid

LONGEST_URL = 2_000
PORTS = {"http": 80, "https": 443}

_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion")
_LIKE_A_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)", re.ASCII)
_AUTHORITY = re.compile(r"(?:[^:/?#]*:)?(?://)?[^/?#]*")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")

# The registries of special addresses (RFC 6890 and what was added since), beside what `is_global` knows.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20"))
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an address leads: `host` is a name in its ASCII form, or an IP address in its canonical one."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """The host as an IP address; None where it is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


class AddressRefused(Invalid):
    """An address that webhooks are not sent to; its problem says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(Invalid.at("/url", detail).problems)


def read_target(url: str, *, allow_private: bool = False) -> Target:
    """Where an address leads, as far as the text alone tells.

    Args:
        url: what was given.
        allow_private: for receivers on this machine or in its own network.

    Raises:
        AddressRefused: no address of a public http or https receiver.
    """
    parsed = _parsed(url)
    if parsed.scheme not in PORTS:
        raise AddressRefused("expected an address that starts with https:// or http://")
    if parsed.userinfo or "@" in _AUTHORITY.match(url).group():  # type: ignore[union-attr]  # it matches anything
        raise AddressRefused("expected no user name and no password in the address")
    if parsed.fragment:
        raise AddressRefused("expected no fragment (#) in the address")
    host = _host(parsed)
    port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port < 65536:
        raise AddressRefused("expected a port between 1 and 65535")
    target = Target(parsed.scheme, host, port, parsed.raw_path.decode("ascii"))
    if not allow_private:
        _refuse_private_host(target)
    return target


def _parsed(url: str) -> URL:
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"expected at most {LONGEST_URL:,} characters, found {len(url):,}")
    if any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise AddressRefused("expected an address without blanks, control characters or backslashes")
    try:
        return URL(url)
    except (InvalidURL, ValueError, UnicodeError):
        raise AddressRefused("expected an address such as https://example.com/hooks/ods") from None


def _host(parsed: URL) -> str:
    """The host as it will be connected to; what other programs would read as another one is refused."""
    host = parsed.raw_host.decode("ascii").lower().strip("[]").removesuffix(".")
    if not host:
        raise AddressRefused("expected an address with a host, such as https://example.com/hooks/ods")
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except ValueError:
            raise AddressRefused(f"{host[:100]} is not an IPv6 address") from None
    if _LIKE_A_NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are this machine to some resolvers: only the usual form is taken.
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise AddressRefused(f"expected an IPv4 address as four decimal numbers, found {host[:100]}") from None
    if not _NAME.fullmatch(host):
        raise AddressRefused(f"{host[:100]} is not the name of a host")
    return host


def _refuse_private_host(target: Target) -> None:
    ip = target.ip
    if ip is not None:
        refuse_private([ip], target.host)
    elif "." not in target.host or target.host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES)):
        raise AddressRefused(f"{target.host} is a name of this machine or its own network; {_WAY_OUT}")


_WAY_OUT = "ODS_WEBHOOK_ALLOW_PRIVATE=1 allows such receivers"


def refuse_private(addresses: Sequence[IPv4Address | IPv6Address], host: str) -> None:
    """Refuse a host if any of its addresses is not public: which of them is connected to is anybody's guess.

    Raises:
        AddressRefused: names the address.
    """
    for address in addresses:
        if not is_public(address):
            named = f"{host} leads to {address}, which" if str(address) != host else f"{host}"
            raise AddressRefused(f"{named} is not a public address; {_WAY_OUT}")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the open internet, whichever way it is written.

    Loopback, link-local, private, shared (CGNAT), multicast, reserved and documentation addresses are not; an IPv6
    address that stands for an IPv4 one (mapped, NAT64) is what that is; 6to4 and Teredo, which tunnel, are not.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in n for n in _NOT_PUBLIC_4)
    if address in _MAPPED or address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.scope_id is not None or address not in _PUBLIC_6:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC_6)
