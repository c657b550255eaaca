"""Lines that are passed over unparsed: the same answers as the parser and the filters give."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hooktail.config.sections import PageviewSection, RuleSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.prefilter import Prefilter
from hooktail.model import Extraction, Lines

NOW_MS = 1_705_314_660_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FORMATS = ("combined", "common", "vhost_combined", "nginx_main", "morgan_combined")

# fmt: off
RULES: dict[str, dict[str, object]] = {
    "nothing": {},
    "a page": {"path": "/checkout/success"},
    "a folder with files": {"path": "prefix:/static/"},
    "a folder, encoded": {"path": "prefix:/café/"},
    "a percent sign": {"path": "/a b"},
    "a glob": {"path": "glob:/shop/*.js"},
    "any glob": {"path": "glob:*.css"},
    "a regex": {"path": "regex:^/shop/[0-9]+"},
    "a post": {"method": "POST", "path": "/order"},
    "any post": {"method": ["POST", "PUT"]},
    "errors": {"status": ["4xx", 500], "path": ["/order", "prefix:/shop/"]},
    "not modified": {"status": 304},
    "a referrer": {"referrer_host": "a.example"},
    "one of": {"any": [{"method": "POST"}, {"path": "/x.css"}]},
}
# fmt: on


def source(rules: tuple[str, ...] = (), **changes: object) -> SourceSection:
    made = SourceSection(
        name="shop",
        paths=("/var/log/access.log",),
        site="https://shop.example",
        rules=tuple(RuleSection(name=f"rule {each}", when=RULES[each]) for each in rules),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def extractor(section: SourceSection) -> Extractor:
    return build_extractor(
        section, payload="flat", visitor_secret=b"s" * 32, once=OnceBook(), now_ms=lambda: NOW_MS
    )


def prefilter(section: SourceSection) -> Prefilter:
    found = extractor(section)._prefilter
    assert found is not None
    return found


def facts(taken: Extraction) -> tuple[object, ...]:
    events = [(event.event_id, event.body, event.start) for event in taken.events]
    return events, taken.settled, taken.unparsable, taken.fitting, taken.refused, taken.sessions


def assert_the_same(section: SourceSection, raw: bytes, start: int = 0) -> None:
    texts = raw.split(b"\n")[:-1]
    careful = extractor(section).extract(Lines(texts, start, start + len(raw)), b"generation")
    assert facts(extractor(section).extract(Lines.of(raw, start), b"generation")) == facts(careful)


def line(target: str = "/", method: str = "GET", status: object = 200, agent: str = AGENT) -> bytes:
    request = f'"{method} {target} HTTP/1.1" {status} 512 "https://a.example/" "{agent}"\n'
    return f"81.2.69.142 - - [15/Jan/2024:10:30:00 +0000] {request}".encode()


# fmt: off
PATHS = ("/", "/a.css", "/static/app.min.JS", "/static/x", "/shop/1.js", "/shop/7", "/order",
         "/checkout/success", "/caf%C3%A9/x.png", "/café/x.png", "/a%20b", "/x.PHP", "/x.css;v=1",
         "//static/app.js", "/shop//1.js", "//order", "/checkout//success",
         "/v1.25", "/a.b/c", "//a//b.gif", "/x.", "/.css", "/a.abcdefghijk", "/x.css/",
         "a.css", "http://h/a.css", "*", "/a\tb.css", '/a"b.css', "/a\\x22.css", "/\x00.css")
PARTS = {
    "ip": ("81.2.69.142", "2001:db8::1", "::1", "-", "", "host.example", "1.2.3.4,5.6.7.8"),
    "user": ("-", "anna", "a b", 'x"y', "", "[x]", "-\x00"),
    "time": ("15/Jan/2024:10:30:00 +0000", "31/Dec/2023:23:59:59 -0800",
             "29/Feb/2023:00:00:00 +0000", "29/Feb/2024:00:00:00 +0000",
             "30/Feb/2024:00:00:00 +0000", "15/Jan/2024:24:00:00 +0000",
             "15/Jan/2024:10:30:60 +0000", "31/Apr/2024:10:30:00 +0000",
             "15/Foo/2024:10:30:00 +0000", "01/Jan/2024:00:00:00 +2400",
             "15/Jan/1924:10:30:00 +0000", "-"),
    "method": ("GET", "GET", "GET", "POST", "HEAD", "get", "PROPFIND", "G-T", "GETS", ""),
    "path": PATHS,
    "query": ("", "", "?", "?v=1", "?a=b.css", "?x=%41&y", "?a?b", '?q="', "?q=\\x22"),
    "protocol": (" HTTP/1.1", " HTTP/2.0", " HTTP/1.0", "", " FTP/1"),
    "status": ("200", "200", "304", "404", "206", "301", "500", "0", "-", "000", "99", "2000"),
    "size": ("512", "0", "-", "", "1" * 19),
    "referrer": ("-", "https://a.example/", "", 'x\\"y', "x\\\\", '" "', "\\x22", "é", "a\nb", '"'),
    "agent": (AGENT, "-", "", "Googlebot/2.1", 'a\\"', "\\", 'a" "b', "x\r", "ü"),
    "end": ("", "", "", "\r", " ", ' "81.2.69.142, 10.0.0.1"', ' "-"', ' "a" "b"', "x", '"'),
}
# fmt: on


@st.composite
def a_line(draw: st.DrawFn) -> bytes:
    usual = {name: values[0] for name, values in PARTS.items()}
    odd = draw(st.sets(st.sampled_from(sorted(PARTS)), max_size=4))
    part = usual | {name: draw(st.sampled_from(PARTS[name])) for name in odd | {"path"}}
    host = draw(st.sampled_from(("", "", "shop.example ", "shop.example:443 ")))
    text = (
        '{host}{ip} - {user} [{time}] "{method} {path}{query}{protocol}" {status} {size}'
        ' "{referrer}" "{agent}"{end}\n'
    )
    return text.format(host=host, **part).encode("utf-8", "surrogatepass")


LOG = st.lists(a_line() | st.binary(max_size=20).map(lambda text: text + b"\n"), max_size=12).map(
    b"".join
)


@given(
    LOG,
    st.sampled_from(FORMATS),
    st.lists(st.sampled_from(sorted(RULES)), max_size=3, unique=True).map(tuple),
    st.booleans(),
    st.integers(0, 2),
)
@example(
    b'1.1.1.1 - - [15/Jan/2024:10:30:00 +0000] "GET /a.css HTTP/1.1" 200 1 "-" "a\n" "b"\n',
    "combined",
    (),
    True,
    0,
)
@settings(max_examples=600, deadline=None)
def test_it_says_what_parser_and_filters_say(
    raw: bytes, format_name: str, rules: tuple[str, ...], pageviews: bool, start: int
) -> None:
    section = source(
        rules,
        format=format_name,
        pageview=PageviewSection(enabled=pageviews, include_extensions=("json",)),
    )
    assert_the_same(section, raw, start)


@pytest.mark.parametrize("rule", sorted(RULES))
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("status", [200, 304, 404, 206])
def test_no_rule_loses_a_line(rule: str, method: str, status: int) -> None:
    paths = [path for path in PATHS if path.isprintable()]
    raw = b"".join(line(path, method, status) for path in paths)
    for pageviews in (True, False):
        assert_the_same(source((rule,), pageview=PageviewSection(enabled=pageviews)), raw)


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_ordinary_lines_of_a_format_are_passed_over(format_name: str) -> None:
    lead = "shop.example:443 " if format_name.startswith("vhost") else ""
    tail = "" if format_name == "common" else f' "https://a.example/" "{AGENT}"'
    tail += ' "-"' if format_name == "nginx_main" else ""
    when = "[31/Dec/2023:10:30:00 +0100]"
    texts = [
        f'{lead}81.2.69.142 - anna {when} "GET /static/a-1.min.css?v=3 HTTP/2.0" 304 0{tail}\n',
        f'{lead}2001:470::5 - - {when} "POST /order?a=b HTTP/1.1" 302 -{tail}\n',
        f'{lead}81.2.69.142 - - {when} "GET /old HTTP/1.1" 301 169{tail}\n',
        f'{lead}81.2.69.142 - - {when} "GET /page?a=b.css HTTP/1.1" 200 169{tail}\n',
    ]
    raw = "".join(texts * 3).encode()
    sifted = prefilter(source(format=format_name)).sift(Lines.of(raw, 7))
    assert sifted is not None
    assert sifted.dropped == {
        "filtered.static_file": 3,
        "filtered.method": 3,
        "filtered.status": 3,
    }
    assert sifted.texts == [texts[3].strip().encode()] * 3
    for text, start in zip(sifted.texts, sifted.starts, strict=True):
        assert raw[start - 7 :].startswith(text)


def test_a_line_with_an_escaped_quote_goes_to_the_parser_and_the_others_do_not() -> None:
    odd = line("/a.css", agent='a \\"quoted\\" agent')
    raw = (line("/a.css") * 3 + odd) * 2 + line("/b.js")
    sifted = prefilter(source()).sift(Lines.of(raw, 0))
    assert sifted is not None
    assert sifted.texts == [odd.rstrip()] * 2
    assert sifted.dropped == {"filtered.static_file": 7}


def test_rules_that_want_any_line_leave_nothing_to_pass_over() -> None:
    assert extractor(source(("a referrer",)))._prefilter is None


def test_a_format_without_a_shape_has_no_prefilter() -> None:
    assert extractor(source(format="nginx_ingress"))._prefilter is None


def test_nothing_in_a_batch_makes_it_slow() -> None:
    """Not the quotes that never close, nor a million of them."""
    for text in (
        line("/a.css")[:-2] * 3000,
        line("/a.css")[:60] * 3000,
        b'"' * 250_000,
        line("/" + ".a" * 120_000 + "%"),
        (line("/a.css", agent='\\"')) * 1500,
        b"1.1.1.1 - - [" * 20_000,
    ):
        begin = time.process_time()
        assert_the_same(source(), text + b"\n")
        assert time.process_time() - begin < 5


@pytest.mark.parametrize("statuses", [(200,), (404, 200), (206,), (200, 206, 304)])
@pytest.mark.parametrize("methods", [("GET",), ("HEAD",), ("GET", "HEAD")])
def test_other_methods_and_statuses_of_pages_are_kept(
    statuses: tuple[int, ...], methods: tuple[str, ...]
) -> None:
    raw = b"".join(
        line(path, method, status)
        for path in ("/a.css", "/a", "/a.php")
        for method in ("GET", "HEAD", "POST")
        for status in (200, 206, 304, 404)
    )
    section = PageviewSection(methods=methods, statuses=statuses)
    for rules in ((), ("errors",), ("not modified",)):
        assert_the_same(source(rules, pageview=section), raw)
