"""A forwarded list that no quotes hold together is the list, whole, or a rejection.

Its hops are parted by `, `, and columns by a space: cut at the first space, the second hop is
taken for the peer and every column behind it for its neighbour.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record
from hooktail_parsers.builders import apache, goaccess, grok, nginx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hooktail_parsers import Parsed

TIME = "[14/Mar/2025:09:26:53 +0100]"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"
HOPS = ["81.2.69.142", "172.68.1.9", "10.0.0.9", "2001:db8::7", "[2001:db8::8]:4711", "unknown"]
APACHE: dict[str, tuple[str, str | None, str]] = {
    "%h": ("10.0.0.1", "ip", "10.0.0.1"),
    "%a": ("10.0.0.1", "ip", "10.0.0.1"),
    "%l": ("-", None, ""),
    "%u": ("alice", "user", "alice"),
    "%t": (TIME, None, ""),
    '"%r"': ('"GET /p HTTP/1.1"', "path", "/p"),
    "%>s": ("200", "status", "200"),
    "%b": ("512", "bytes_sent", "512"),
    "%v": ("shop.example", "host", "shop.example"),
    "%D": ("1500", None, ""),
    "%{X-Request-Id}i": ("ab12", "request_id", "ab12"),
    "%{X-Forwarded-Proto}i": ("https", "scheme", "https"),
    '"%{User-Agent}i"': (f'"{AGENT}"', "user_agent", AGENT),
    "%{Referer}i": ("https://a.example/x", "referrer", "https://a.example/x"),
    "%{BALANCER}e": ("Zx", None, ""),
    "%{sid}C": ("abc", None, ""),
    "%X": ("+", None, ""),
}
NGINX: dict[str, tuple[str, str | None, str]] = {
    "$remote_addr": APACHE["%h"],
    "$remote_user": APACHE["%u"],
    "[$time_local]": APACHE["%t"],
    '"$request"': APACHE['"%r"'],
    "$status": APACHE["%>s"],
    "$body_bytes_sent": APACHE["%b"],
    "$host": APACHE["%v"],
    "$request_time": ("0.015", None, ""),
    "$request_id": APACHE["%{X-Request-Id}i"],
    "$http_x_forwarded_proto": APACHE["%{X-Forwarded-Proto}i"],
    '"$http_user_agent"': APACHE['"%{User-Agent}i"'],
}


def hops() -> st.SearchStrategy[str]:
    """Lists as proxies write them, and as clients do who write what they like."""
    separators = st.sampled_from([", ", ", ", ",", ",  ", " , "])
    return st.tuples(st.lists(st.sampled_from(HOPS), min_size=1, max_size=8), separators).map(
        lambda drawn: drawn[1].join(drawn[0])
    )


def assert_whole(
    build: Callable[[str], Callable[[bytes], Parsed]],
    known: dict[str, tuple[str, str | None, str]],
    order: Sequence[str],
    header: tuple[str, Callable[[Record], str | None]],
    at: int,
    hops: str,
) -> None:
    item, read = header
    items = [*order[:at], item, *order[at:]]
    line = " ".join(known[each][0] if each in known else hops for each in items)
    try:
        parse = build(" ".join(items))
    except OptionError:
        return

    parsed = parse(line.encode())

    if isinstance(parsed, ParseError):
        return
    assert isinstance(parsed, Record)
    assert read(parsed) == hops, (items, line)
    for each in order:
        _, key, text = known[each]
        if key is not None:
            assert str(getattr(parsed, key)) == text, (each, items, line)


def xff(record: Record) -> str | None:
    return record.xff


def other_header(record: Record) -> str | None:
    return (record.headers or {}).get("x-original-forwarded-for")


def of_apache(definition: str) -> Callable[[bytes], Parsed]:
    return apache.build(definition, {}).parse


def of_nginx(definition: str) -> Callable[[bytes], Parsed]:
    return nginx.build(definition, {}).parse


@given(st.permutations(list(APACHE)), st.integers(3, len(APACHE)), st.data(), hops())
def test_a_list_of_any_length_anywhere_in_a_log_format_of_apache(
    order: list[str], count: int, data: st.DataObject, hops: str
) -> None:
    at = data.draw(st.integers(0, count))
    header = data.draw(
        st.sampled_from(
            [("%{X-Forwarded-For}i", xff), ("%{X-Original-Forwarded-For}i", other_header)]
        )
    )
    # A client of a lower rank than another, and two items of one meaning, would hide each other.
    order = [each for each in order if each != "%a"]
    assert_whole(of_apache, APACHE, order[:count], header, min(at, len(order)), hops)


@given(st.permutations(list(NGINX)), st.integers(3, len(NGINX)), st.data(), hops())
def test_a_list_of_any_length_anywhere_in_a_log_format_of_nginx(
    order: list[str], count: int, data: st.DataObject, hops: str
) -> None:
    at = data.draw(st.integers(0, count))
    header = data.draw(
        st.sampled_from(
            [("$http_x_forwarded_for", xff), ("$http_x_original_forwarded_for", other_header)]
        )
    )
    assert_whole(of_nginx, NGINX, order[:count], header, at, hops)


@pytest.mark.parametrize(
    "front",
    [
        "%{X-Forwarded-For}i %h %l %u",
        "%{X-Forwarded-For}i %l %u",
        "%v %{X-Forwarded-For}i %u",
        "%h %{X-Forwarded-For}i %l %u",
        "%{X-Forwarded-For}i %a %u",
        "(%{X-Forwarded-For}i) %h %l %u",
        "%h %l %u %{X-Forwarded-For}i",
    ],
)
def test_the_layouts_behind_a_balancer_are_read_whole(front: str) -> None:
    chain = "81.2.69.142, 172.68.1.9"
    line = front.replace("%{X-Forwarded-For}i", chain).replace("%h", "10.0.0.1")
    line = line.replace("%l", "-").replace("%u", "-").replace("%v", "a.example")
    line = line.replace("%a", "10.0.0.1") + f' {TIME} "GET /p HTTP/1.1" 200 512'

    parsed = of_apache(f'{front} %t "%r" %>s %b')(line.encode())

    assert isinstance(parsed, Record)
    assert (parsed.xff, parsed.user, parsed.path) == (chain, None, "/p")


@pytest.mark.parametrize(
    ("front", "values", "user"),
    [
        # What tells where a column ends looks across the columns behind it, the list among them.
        ("%u %L %{UNIQUE_ID}e %m %{X-Original-Forwarded-For}i %X", "alice Zx uu GET {} +", "alice"),
        ("%{X-Foo}i %{sid}C %l %v %D %{XFF}e %p %u", "bar abc - a.example 15 {} 443 bob", "bob"),
    ],
)
@pytest.mark.parametrize("chain", ["2001:db8::7, 10.0.0.9", "10.0.0.9,  10", "10.0.0.9"])
def test_a_list_that_stands_further_on_shifts_no_column(
    front: str, values: str, user: str, chain: str
) -> None:
    line = f'{values.format(chain)} "GET /p HTTP/1.1" {TIME} 10.0.0.1'

    parsed = of_apache(f'{front} "%r" %t %h')(line.encode())

    assert isinstance(parsed, Record)
    assert (parsed.user, parsed.path, parsed.ip) == (user, "/p", "10.0.0.1")


@pytest.mark.parametrize(
    "definition",
    [
        '~h{, } %h %^ %^ %^[%d:%t %^] "%r" %s %b',
        '~h{, } %^[%d:%t %^] "%r" %s %b',
        '%^ %h %^[%d:%t %^] "%r" %s %b',
    ],
)
def test_a_list_in_a_layout_of_goaccess_is_read_whole(definition: str) -> None:
    chain, peer = "81.2.69.142, 172.68.1.9", "10.0.0.1"
    line = f'{chain} {peer} - - {TIME} "GET /p HTTP/1.1" 200 512'.encode()

    parsed = goaccess.build(definition, {"date_format": "%d/%b/%Y %H:%M:%S"}).parse(line)

    assert isinstance(parsed, ParseError) or (
        isinstance(parsed, Record)
        and parsed.xff in (chain, None)
        and parsed.ip in ("81.2.69.142", peer)
    )
    if definition.startswith("~h{, } "):
        assert isinstance(parsed, Record)
        assert parsed.xff == chain


@pytest.mark.parametrize("dot", [".", r"\."])  # as a regular expression, and as a layout
@pytest.mark.parametrize("pattern", ["DATA", "GREEDYDATA", "NOTSPACE"])
def test_a_list_in_a_grok_expression_is_read_whole(pattern: str, dot: str) -> None:
    chain = "81.2.69.142, 172.68.1.9"
    line = f'{chain} 10.0.0.1 - - {TIME} "GET /p HTTP/1.1" 200 512'.encode()

    parsed = grok.build(
        f"%{{{pattern}:xff}} %{{IPORHOST:clientip}} %{{USER:ident}} %{{DATA:auth}} "
        r'\[%{HTTPDATE:timestamp}\] "%{WORD:verb} %{NOTSPACE:request} HTTP/1'
        f'{dot}1" %{{NUMBER:response}}',
        {},
    ).parse(line)

    assert isinstance(parsed, ParseError) or (
        isinstance(parsed, Record) and (parsed.xff, parsed.ip) == (chain, "10.0.0.1")
    )


def parted_by(end: str) -> str:
    return end.join(["%{X-Forwarded-For}i", "%h", "%l", "%u", "%t", '"%r"', "%s"])


def test_a_list_that_would_end_at_a_comma_is_refused() -> None:
    with pytest.raises(OptionError, match=r"%\{X-Forwarded-For\}i may be a list.*between quotes"):
        of_apache(parted_by(","))


@pytest.mark.parametrize("end", ["|", ";"])
def test_a_list_in_a_layout_parted_by_other_signs_is_read_whole(end: str) -> None:
    chain = "81.2.69.142,172.68.1.9"
    line = end.join([chain, "10.0.0.1", "-", "-", TIME, '"GET /p HTTP/1.1"', "200"])

    parsed = of_apache(parted_by(end))(line.encode())

    assert isinstance(parsed, Record)
    assert (parsed.xff, parsed.user) == (chain, None)


@given(st.text(string.ascii_lowercase + " ", min_size=1, max_size=12))
def test_spaces_of_a_client_s_own_shift_nothing(forged: str) -> None:
    line = f'{forged} 10.0.0.1 - alice {TIME} "GET /p HTTP/1.1" 200 512'.encode()

    parsed = of_apache('%{X-Forwarded-For}i %h %l %u %t "%r" %>s %b')(line)

    assert isinstance(parsed, ParseError) or (
        isinstance(parsed, Record) and (parsed.ip, parsed.user) == ("10.0.0.1", "alice")
    )
