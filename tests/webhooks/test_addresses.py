"""No message to this machine or its own network, however the address is written and wherever a name leads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ods_core.webhooks import AddressRefused, Sender, is_public, read_target
from ods_core.webhooks.sending import Address

REFUSED = {
    # this machine
    "http://127.0.0.1/": "not a public address",
    "http://127.8.9.10:8501/hook": "not a public address",
    "http://localhost/": "own network",
    "https://LOCALHOST:443/": "own network",
    "http://localhost./": "own network",
    "http://hooks.localhost/": "own network",
    "http://intranet/": "own network",
    "http://db.internal/": "own network",
    "http://printer.local/": "own network",
    "http://router.lan/": "own network",
    "http://box.home.arpa./": "own network",
    "http://0.0.0.0/": "not a public address",
    "http://[::1]/": "not a public address",
    "http://[::]/": "not a public address",
    "http://[0:0:0:0:0:0:0:1]:80/": "not a public address",
    # numbers that some resolvers read as this machine
    "http://2130706433/": "four decimal numbers",
    "http://0x7f000001/": "four decimal numbers",
    "http://0x7f.0.0.1/": "four decimal numbers",
    "http://017700000001/": "four decimal numbers",
    "http://0177.0.0.1/": "",
    "http://127.1/": "four decimal numbers",
    "http://127.0.1/": "four decimal numbers",
    "http://127.0.0.01/": "",
    "http://127.0.0.1./": "not a public address",
    "http://0/": "four decimal numbers",
    "http://example.com.0x7f/": "four decimal numbers",
    "http://１２７.０.０.１/": "",
    "http://①②⑦.⓪.⓪.①/": "",
    "http://127。0。0。1/": "",
    # the network it stands in
    "http://10.0.0.7/": "not a public address",
    "http://172.16.0.1/": "not a public address",
    "http://172.31.255.255/": "not a public address",
    "http://192.168.1.1/admin": "not a public address",
    "http://169.254.169.254/latest/meta-data/": "not a public address",
    "http://100.64.0.1/": "not a public address",
    "http://100.127.255.254/": "not a public address",
    "http://198.18.0.1/": "not a public address",
    "http://192.0.0.170/": "not a public address",
    "http://192.0.2.1/": "not a public address",
    "http://198.51.100.7/": "not a public address",
    "http://203.0.113.7/": "not a public address",
    "http://192.88.99.1/": "not a public address",
    "http://224.0.0.251/": "not a public address",
    "http://240.0.0.1/": "not a public address",
    "http://255.255.255.255/": "not a public address",
    # IPv6 that is local, or stands for an IPv4 address that is
    "http://[fe80::1]/": "not a public address",
    "http://[fe80::1%25eth0]/": "",
    "http://[fc00::1]/": "not a public address",
    "http://[fd12:3456:789a::1]/": "not a public address",
    "http://[fec0::1]/": "not a public address",
    "http://[ff02::1]/": "not a public address",
    "http://[::ffff:127.0.0.1]/": "not a public address",
    "http://[::ffff:7f00:1]/": "not a public address",
    "http://[::ffff:10.0.0.1]/": "not a public address",
    "http://[::ffff:a9fe:a9fe]/": "not a public address",
    "http://[::127.0.0.1]/": "not a public address",
    "http://[64:ff9b::7f00:1]/": "not a public address",
    "http://[64:ff9b::10.0.0.1]/": "not a public address",
    "http://[64:ff9b:1::8.8.8.8]/": "not a public address",
    "http://[2002:7f00:1::]/": "not a public address",
    "http://[2002:0808:0808::1]/": "not a public address",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": "not a public address",
    "http://[2001:db8::1]/": "not a public address",
    "http://[3fff::1]/": "not a public address",
    "http://[100::1]/": "not a public address",
    "http://[4000::1]/": "not a public address",
    # who is asked for is not who it looks like
    "http://example.com@127.0.0.1/": "no user name",
    "http://user:password@example.com/": "no user name",
    "https://@example.com/": "no user name",
    "http://example.com\\@127.0.0.1/": "backslashes",
    "http://127.0.0.1\t/": "blanks",
    "http://example.com/\nHost: localhost": "blanks",
    "http://example.com#@127.0.0.1/": "fragment",
    # other schemes, ports and things that are no address
    "ftp://example.com/": "https:// or http://",
    "file:///etc/passwd": "https:// or http://",
    "gopher://example.com:70/_x": "https:// or http://",
    "ws://example.com/": "https:// or http://",
    "unix:///var/run/docker.sock": "https:// or http://",
    "//example.com/hook": "https:// or http://",
    "example.com/hook": "https:// or http://",
    "javascript:alert(1)": "https:// or http://",
    "": "https:// or http://",
    "https://": "host",
    "https:///hook": "host",
    "https://example.com:0/": "port",
    "https://example.com:65536/": "",
    "https://example.com:http/": "",
    "https://exa mple.com/": "blanks",
    "https://[::1/": "",
    "https://[gggg::1]/": "",
    "https://-example-.com/": "not the name",
    "https://example..com/": "",
    "https://" + "a" * 64 + ".example.com/": "",
    "https://example.com/" + "a" * 2_000: "at most 2,000",
}

TAKEN = {
    "https://example.com/hooks/ods": ("https", "example.com", 443, "/hooks/ods"),
    "HTTPS://Example.COM": ("https", "example.com", 443, "/"),
    "https://example.com.:8443/a?b=c%20d": ("https", "example.com", 8443, "/a?b=c%20d"),
    "http://hooks.example.com:8080/": ("http", "hooks.example.com", 8080, "/"),
    "https://müller.example/päth": ("https", "xn--mller-kva.example", 443, "/p%C3%A4th"),
    "http://8.8.8.8/": ("http", "8.8.8.8", 80, "/"),
    "http://100.128.0.1/": ("http", "100.128.0.1", 80, "/"),
    "https://[2606:4700::6810:84e5]:444/x": ("https", "2606:4700::6810:84e5", 444, "/x"),
    "https://[::ffff:8.8.8.8]/": ("https", "::ffff:808:808", 443, "/"),
    "https://local.example.com/": ("https", "local.example.com", 443, "/"),
}


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=[ascii(url)[1:60] for url in REFUSED])
def test_an_address_that_leads_inside_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        read_target(url)
    (problem,) = refused.value.problems
    assert problem.pointer == "/url"
    assert why in problem.detail


@pytest.mark.parametrize(("url", "expected"), TAKEN.items(), ids=list(TAKEN))
def test_an_address_of_the_open_internet_is_taken(url: str, expected: tuple[str, str, int, str]) -> None:
    target = read_target(url)
    assert (target.scheme, target.host, target.port, target.path) == expected


def test_receivers_inside_can_be_allowed_and_nonsense_cannot() -> None:
    for url in ("http://127.0.0.1:9/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/"):
        assert read_target(url, allow_private=True)
    for url in ("http://0x7f.1/", "http://u:p@127.0.0.1/", "ftp://127.0.0.1/", "http://127.0.0.1:0/"):
        with pytest.raises(AddressRefused):
            read_target(url, allow_private=True)


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_that_stands_for_an_ipv4_one_is_judged_as_that(address: Any) -> None:
    mapped = ip_address(f"::ffff:{address}")
    translated = ip_address(f"64:ff9b::{address}")
    assert is_public(mapped) == is_public(translated) == is_public(address)
    assert not is_public(address) or address.is_global


class Recorder(httpcore.AsyncNetworkBackend):
    """A network in which nobody answers, and which remembers who was called."""

    def __init__(self) -> None:
        self.called: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.called.append((host, port))
        raise httpcore.ConnectError("nobody there")


def posted(url: str, *answers: Sequence[str], times: int = 1, allow_private: bool = False) -> tuple[list[str], Any]:
    """The errors of some attempts at one address, and who was called, with a resolver that answers in turn."""
    waiting = list(answers)

    async def resolver(host: str, port: int) -> Sequence[Address]:
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [ip_address(text) for text in found]

    async def attempt() -> tuple[list[str], Any]:
        sender = Sender(1, 1, allow_private=allow_private, resolver=resolver)
        sender.backend.network = recorder = Recorder()
        target = read_target(url, allow_private=allow_private)
        errors = [(await sender.post(target, {}, b"{}")).error for _ in range(times)]
        await sender.aclose()
        return errors, recorder.called

    return asyncio.run(attempt())


@pytest.mark.parametrize(
    "inside",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "fd00::1", "::ffff:192.168.0.1", "64:ff9b::7f00:1"],
)
def test_a_name_that_leads_inside_is_not_connected_to(inside: str) -> None:
    errors, called = posted("https://hooks.example.com/", [inside])
    assert "not a public address" in errors[0]
    assert inside in errors[0] or "::" in errors[0]
    assert called == []


def test_one_address_inside_among_others_is_enough_to_refuse() -> None:
    errors, called = posted("https://hooks.example.com/", ["8.8.8.8", "127.0.0.1"])
    assert "127.0.0.1" in errors[0]
    assert called == []


def test_a_name_that_comes_to_lead_inside_is_refused_from_then_on() -> None:
    errors, called = posted("https://hooks.example.com/", ["8.8.8.8"], ["127.0.0.1"], times=2)
    assert errors[0] == "nobody there"
    assert "127.0.0.1" in errors[1]
    assert called == [("8.8.8.8", 443)], "what was checked is what is connected to; the name is not asked again"


def test_each_address_of_a_name_is_tried() -> None:
    errors, called = posted("http://hooks.example.com:81/", ["8.8.8.8", "2606:4700::1"])
    assert called == [("8.8.8.8", 81), ("2606:4700::1", 81)]
    assert errors == ["nobody there"]


def test_receivers_inside_are_connected_to_where_they_are_allowed() -> None:
    _, called = posted("http://hooks.example.com/", ["10.0.0.7"], allow_private=True)
    assert called == [("10.0.0.7", 80)]
