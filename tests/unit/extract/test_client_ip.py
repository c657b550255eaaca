"""Whose address a line is about. Addresses that begin with 10. are the proxies'."""

from __future__ import annotations

import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.config.sections import SourceSection
from hooktail.extract.client_ip import MOST_HOPS, ClientIps
from hooktail.extract.ranges import Ranges, network
from hooktail_parsers import Record

DEFAULT = SourceSection(name="shop", paths=("/var/log/access.log",)).client_ip_headers
TRUSTED = Ranges([network("10.0.0.0/8"), network("fd00::/8")])
PROXY = "10.0.0.1"


def client(record: Record, headers: tuple[str, ...] = DEFAULT, *, unix: bool = False) -> str | None:
    return ClientIps(TRUSTED, headers=headers, trust_nameless=unix).client_of(record)


def forwarded_for(chain: str, peer: str | None = PROXY, *, unix: bool = False) -> str | None:
    return client(Record(ip=peer, xff=chain), unix=unix)


def forwarded(elements: str) -> str | None:
    return client(Record(ip=PROXY, headers={"forwarded": elements}))


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_an_untrusted_peer_says_is_nothing(chain: str, other: str) -> None:
    headers = {name.lower(): other for name in DEFAULT}
    record = Record(ip="81.2.69.142", xff=chain, headers=headers)

    assert client(record) == "81.2.69.142"


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ("81.2.69.142", "81.2.69.142"),
        ("81.2.69.142, 10.0.0.2", "81.2.69.142"),
        ("81.2.69.142,10.0.0.2,10.0.0.3", "81.2.69.142"),
        ("6.6.6.6, 81.2.69.142", "81.2.69.142"),
        ("6.6.6.6, 81.2.69.142, 10.0.0.2", "81.2.69.142"),
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, , 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, <script>", PROXY),
        ("unknown", PROXY),
        ("", PROXY),
        ("-", PROXY),
        (" 81.2.69.142 ", "81.2.69.142"),
        ("81.2.69.142:50123", "81.2.69.142"),
        ("2A01:4F8:0:0::5", "2a01:4f8::5"),
        ("[2a01:4f8::5]", "2a01:4f8::5"),
        ("[2a01:4f8::5]:443, 10.0.0.2:80", "2a01:4f8::5"),
        ("fe80::1%eth0, fd00::1", "fe80::1"),
        ("::ffff:81.2.69.142", "81.2.69.142"),
        ("6.6.6.6, ::ffff:10.0.0.2", "6.6.6.6"),
        ("081.2.69.142", PROXY),
        ("81.2.69.142.5", PROXY),
    ],
)
def test_a_list_is_walked_from_the_right_past_trusted_hops(chain: str, found: str) -> None:
    assert forwarded_for(chain) == found


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ("for=81.2.69.142", "81.2.69.142"),
        ("For=81.2.69.142;proto=https;by=10.0.0.1", "81.2.69.142"),
        ("proto=https; for=81.2.69.142", "81.2.69.142"),
        ('for="81.2.69.142:4711"', "81.2.69.142"),
        ('for="[2001:DB8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("for=6.6.6.6, for=81.2.69.142, for=10.0.0.2", "81.2.69.142"),
        ("for=6.6.6.6, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=6.6.6.6, for=unknown", PROXY),
        ("for=6.6.6.6, by=10.0.0.2", PROXY),
        ('for="_gazonk"', PROXY),
        ('for="81.2.69.142', PROXY),
        ("xfor=81.2.69.142", PROXY),
        ("for = 81.2.69.142", "81.2.69.142"),
        ("for=81.2.69.142;", "81.2.69.142"),
        ('host="a,b";for=6.6.6.6', PROXY),
        ('for=81.2.69.142;host="a,for=6.6.6.6;x"', PROXY),
        ('for=81.2.69.142;host="a\\",for=6.6.6.6;x=\\""', PROXY),
        ("for=81.2.69.142;host=a;x", PROXY),
        ('proto=https;host="x;for=6.6.6.6";for=81.2.69.142', "81.2.69.142"),
        ('host="x;for=6.6.6.6;y";for=81.2.69.142', "81.2.69.142"),
        ('by="_x;for=6.6.6.6";for=81.2.69.142', "81.2.69.142"),
        ('host="a\\";for=6.6.6.6;\\"";for=81.2.69.142', "81.2.69.142"),
        ('host="a\\";for=6.6.6.6";for=81.2.69.142', "81.2.69.142"),
        ('host="x;for=6.6.6.6"', PROXY),
        ("for=6.6.6.6;for=81.2.69.142", PROXY),
        ("for=6.6.6.6;For=81.2.69.142, for=10.0.0.2", "10.0.0.2"),
        ('for="81.2.\\69.142"', "81.2.69.142"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(elements: str, found: str) -> None:
    assert forwarded(elements) == found


def elements_of(header: str) -> list[list[tuple[str, str]]]:
    """Reads a well-formed `Forwarded` sign by sign: of each element its names and plain values."""
    elements: list[list[tuple[str, str]]] = [[]]
    name, value, is_value, is_quoted, is_escaped = "", "", False, False, False
    for sign in f"{header};":
        if is_escaped:
            value, is_escaped = value + sign, False
        elif is_quoted and sign == "\\":
            is_escaped = True
        elif sign == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            value += sign
        elif sign in ";,":
            elements[-1].append((name.strip().lower(), value))
            name, value, is_value = "", "", False
            if sign == ",":
                elements.append([])
        elif sign == "=":
            is_value = True
        elif is_value:
            value += sign
        else:
            name += sign
    return elements


def client_by(elements: list[list[tuple[str, str]]]) -> str:
    """Walks from the right as long as each element names one address, and a trusted one."""
    found = PROXY
    for element in reversed(elements):
        named = [value for name, value in element if name.lower() == "for"]
        try:
            (address,) = map(str, map(ipaddress.ip_address, named))
        except ValueError:
            break
        found = address
        if not found.startswith("10."):
            break
    return found


QUOTED = st.text(alphabet='x;=",for \\', max_size=8) | st.just(';for=6.6.6.6;x="')
NODES = st.sampled_from(["6.6.6.6", "81.2.69.142", "10.0.0.2", "10.0.0.3", "unknown"])
PAIRS = st.tuples(st.sampled_from(["by", "host"]), QUOTED) | st.tuples(
    st.sampled_from(["for", "For"]), NODES
)


def written(name: str, value: str, *, bare: bool) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f"{name}={value}" if bare and name.lower() == "for" else f'{name}="{quoted}"'


@given(
    st.lists(st.lists(PAIRS, min_size=1, max_size=4), min_size=1, max_size=4),
    st.booleans(),
)
def test_what_stands_in_quotes_is_never_believed(
    elements: list[list[tuple[str, str]]], bare: bool
) -> None:
    """Where a comma stands in quotes less is believed, never anything else."""
    header = ", ".join(
        ";".join(written(name, value, bare=bare) for name, value in element) for element in elements
    )
    assert elements_of(header) == [
        [(name.lower(), value) for name, value in element] for element in elements
    ]

    has_comma = any("," in value for element in elements for _, value in element)
    wanted = client_by(elements)
    # What lies right of an element is believed also if the element cannot be read.
    allowed = {client_by(elements[at:]) for at in range(len(elements) + 1)}
    assert forwarded(header) in (allowed if has_comma else {wanted})


@given(st.text(max_size=200))
def test_nothing_that_a_client_sends_hides_what_the_trusted_proxy_adds(sent: str) -> None:
    """Open quotes, commas, garbage: what stands to the left changes nothing on the right."""
    assert forwarded_for(f"{sent}, 81.2.69.142") == "81.2.69.142"
    assert forwarded_for(f"{sent},81.2.69.142, 10.0.0.2") == "81.2.69.142"
    assert forwarded(f"{sent}, for=81.2.69.142") == "81.2.69.142"
    assert forwarded(f'{sent}, for="[2a01:4f8::5]:443";proto=https') == "2a01:4f8::5"


@given(st.text(alphabet='for=",;:.[]%_ 0123456789abx', max_size=80))
def test_whatever_is_sent_the_client_is_an_address(sent: str) -> None:
    for found in (forwarded_for(sent), forwarded(sent)):
        assert found is not None
        assert str(ipaddress.ip_address(found)) == found


@pytest.mark.parametrize(
    "sent", [",", "for=", ";", "; ", " ", 'for="', "10.0.0.1,", "for=10.0.0.1,"]
)
def test_a_long_header_takes_no_time(sent: str) -> None:
    clients = ClientIps(TRUSTED, headers=DEFAULT)
    long = sent * (262_144 // len(sent))
    began = time.perf_counter()

    clients.client_of(Record(ip=PROXY, xff=long))
    clients.client_of(Record(ip=PROXY, headers={"forwarded": long}))

    assert time.perf_counter() - began < 0.5


def test_only_so_many_hops_count() -> None:
    proxies = ", ".join(["10.0.0.2"] * (MOST_HOPS - 1))

    assert forwarded_for(f"81.2.69.142, {proxies}") == "81.2.69.142"
    assert forwarded_for(f"81.2.69.142, 10.0.0.2, {proxies}") == "10.0.0.2"


def test_the_first_header_that_is_there_decides() -> None:
    headers = {"x-real-ip": "5.5.5.5", "cf-connecting-ip": "4.4.4.4", "forwarded": "for=3.3.3.3"}
    record = Record(ip=PROXY, xff="2.2.2.2", headers=headers)

    assert client(record) == "2.2.2.2"
    assert client(record, ("X-Real-IP", "X-Forwarded-For")) == "5.5.5.5"
    assert client(record, ("Fastly-Client-IP", "CF-Connecting-IP")) == "4.4.4.4"
    assert client(Record(ip=PROXY, xff="-", headers=headers)) == "3.3.3.3"
    assert client(record, ("Fastly-Client-IP",)) == PROXY


def test_a_header_that_is_there_and_wrong_hands_over_to_no_other() -> None:
    record = Record(ip=PROXY, xff="unknown", headers={"x-real-ip": "6.6.6.6"})

    assert client(record) == PROXY


@pytest.mark.parametrize(
    "record",
    [
        Record(ip=PROXY, headers={"X-Real-IP": "5.5.5.5"}),
        Record(ip=PROXY, headers={"x-real-ip": "5.5.5.5"}),
        Record(ip=PROXY, fields={"http_x_real_ip": "5.5.5.5"}),
        Record(ip=PROXY, fields={"x_real_ip": "5.5.5.5"}),
        Record(ip=PROXY, headers={"a": "b"}, fields={"x-real-ip": "5.5.5.5"}),
    ],
)
def test_a_header_is_found_wherever_the_format_puts_it(record: Record) -> None:
    assert client(record) == "5.5.5.5"


def test_a_peer_without_an_address_is_believed_only_if_unix_is_trusted() -> None:
    assert forwarded_for("81.2.69.142", None) is None
    assert forwarded_for("81.2.69.142", None, unix=True) == "81.2.69.142"
    assert forwarded_for("unknown", None, unix=True) is None
    assert forwarded_for("6.6.6.6", "81.2.69.142", unix=True) == "81.2.69.142"
