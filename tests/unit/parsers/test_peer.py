"""Peers with their ports, and forwarded chains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.peer import forwarded_ip, peer_ip


@given(st.ip_addresses(v=6), st.integers(1, 65_535))
def test_a_peer_ends_at_its_last_colon(address: object, port: int) -> None:
    mapped = getattr(address, "ipv4_mapped", None)

    assert peer_ip(f"{address}:{port}".encode()) == str(mapped or address)


@pytest.mark.parametrize(
    ("token", "ip"),
    [(b"203.0.113.7:1", "203.0.113.7"), (b"203.0.113.7", "203.0.113.7"), (b"-", None), (b"", None)],
)
def test_a_peer_may_have_no_port_or_no_address(token: bytes, ip: str | None) -> None:
    assert peer_ip(token) == ip


@pytest.mark.parametrize(
    ("chain", "ip"),
    [
        (b"203.0.113.7, 198.51.100.1", "203.0.113.7"),
        (b"10.0.0.1, 100.64.0.1, ::1, fe80::1, 198.51.100.1", "198.51.100.1"),
        (b"172.31.0.1,127.0.0.1", "172.31.0.1"),
        (b"172.32.0.1,203.0.113.7", "172.32.0.1"),
        (b"unknown, _x, [2001:db8::7]:1", "2001:db8::7"),
        (b'"203.0.113.7"', "203.0.113.7"),
        (b"", None),
        (b"-", None),
        (b"x," * 100_000 + b"203.0.113.7", None),
    ],
)
def test_a_chains_client_is_its_first_public_address_or_its_first(
    chain: bytes, ip: str | None
) -> None:
    assert forwarded_ip(chain) == ip
