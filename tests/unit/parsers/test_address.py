"""Normal forms of client addresses and hosts."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.address import client_ip, split_authority, virtual_host
from hooktail_parsers.text import decoder


@pytest.mark.parametrize(
    ("token", "ip"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        (b"203.0.113.7:50599", "203.0.113.7"),
        (b"2001:DB8::1", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"[2001:db8::1]:443", "2001:db8::1"),
        (b"0:0:0:0:0:0:0:1", "::1"),
        (b"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        (b"fe80::1%eth0", "fe80::1"),
        (b"[fe80::1%25eth0]:80", "fe80::1"),
        (b"198.51.100.7:443", "198.51.100.7"),
        (b"::ffff:198.51.100.7", "198.51.100.7"),
        (b"::FFFF:198.51.100.7:51234", "198.51.100.7"),
        (b"::FFFF:c633:6407", "198.51.100.7"),
        (b"[::ffff:198.51.100.7]:80", "198.51.100.7"),
        (b"2601:1:2:3:4:5:6:6bbc:50599", "2601:1:2:3:4:5:6:6bbc"),
    ],
)
def test_an_address_loses_port_brackets_and_zone(token: bytes, ip: str) -> None:
    assert client_ip(token) == ip


@pytest.mark.parametrize(
    "token",
    [
        b"", b"-", b"unix:", b"unix:/run/x.sock", b"crawl-1.example.com", b"localhost", b"1.2.3",
        b"1.2.3.256", b"01.2.3.4", b"1.2.3.4.5", b"[", b"[]", b"[::1", b"::1]", b":::", b"\xff",
        b"1.2.3.4:x", b"1:2:3:4:5:6:7:8:9:10", b"unknown", b":" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_address_gives_none(token: bytes) -> None:
    assert client_ip(token) is None


@given(st.integers(0, 2**32 - 1))
def test_every_ipv4_address_is_itself(number: int) -> None:
    text = str(IPv4Address(number))

    assert client_ip(text.encode()) == text
    assert client_ip(f"::ffff:{text}".encode()) == text


@given(st.lists(st.sampled_from([0, 1, 0xDB8, 0xFFFF]), min_size=8, max_size=8), st.booleans())
def test_every_ipv6_address_gets_its_normal_form(groups: list[int], exploded: bool) -> None:
    address = IPv6Address(b"".join(group.to_bytes(2) for group in groups))
    token = address.exploded if exploded else address.compressed

    assert client_ip(token.upper().encode()) == str(address.ipv4_mapped or address)
    assert client_ip(token.encode()) == str(address.ipv4_mapped or address)


@given(st.binary())
def test_what_any_bytes_are_read_as_is_read_as_the_same_again(token: bytes) -> None:
    ip = client_ip(token)
    parts = split_authority(token, decoder("utf-8"))
    host, _ = virtual_host(token, decoder("utf-8"))

    assert ip is None or client_ip(ip.encode()) == ip
    assert parts is None or split_authority(parts[0].encode(), decoder("utf-8")) == (parts[0], None)
    assert host is None or virtual_host(host.encode(), decoder("utf-8")) == (host, None)


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        (b"Example.COM", ("example.com", None)),
        (b"example.com:8080", ("example.com", 8080)),
        (b"example.com:", ("example.com", None)),
        (b"user:secret@example.com:81", ("example.com", 81)),
        (b"[2001:DB8:0::1]:443", ("[2001:db8::1]", 443)),
        (b"", None),
        (b"-", None),
        (b":80", None),
        (b"example.com:65536", None),
        (b"example.com:99999999999999999999", None),
        (b"a b", None),
        (b"[::1", None),
        (b"[::g]", None),
    ],
)
def test_an_authority_is_a_host_and_perhaps_a_port(
    authority: bytes, parts: tuple[str, int | None] | None
) -> None:
    assert split_authority(authority, bytes.decode) == parts


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        (b"Shop.example.com:443", ("shop.example.com", 443)),
        (b"shop.example.com", ("shop.example.com", None)),
        (b"[2001:db8::1]:80", ("[2001:db8::1]", 80)),
        (b"2001:db8::1", ("[2001:db8::1]", None)),
        (b"-", (None, None)),
        (b"_", (None, None)),
        (b"a:b:c", (None, None)),
        (b"", (None, None)),
    ],
)
def test_a_virtual_host_is_a_name_and_perhaps_a_port(
    token: bytes, parts: tuple[str | None, int | None]
) -> None:
    assert virtual_host(token, bytes.decode) == parts
