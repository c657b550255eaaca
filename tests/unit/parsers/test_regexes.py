import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.re2 import without_re2

from hooktail_parsers import regexes
from hooktail_parsers.regexes import compile_user_regex, danger_of

LINEAR = [
    r"^(?P<ip>\S+) \S+ \S+ \[(?P<date>[^\]]+)\] \"(?P<request>[^\"]*)\" (?P<status>\d{3})",
    r'"([^"\\]*(?:\\.[^"\\]*)*)" x',
    r'(?:[^"\\]|\\.)*"',
    r"(?:\d{1,3}\.){3}\d{1,3} ",
    r"^/shop/([^/]+)/(.*)/x",
    r"a*$",
    r"(?i)get|post",
    r"(?>(?:[a-z]+,)*)x",
]
DANGEROUS = [
    r"(a+)+$",
    r"(?:a|a)*b",
    r"(?:a?)*b",
    r"(\w+\s?)*$",
    r"(x)\1*y",
    r"(?:(?=a*b)a)*c",
    "a?" * 30 + "a" * 30,
    r"((((a{0,64}){0,64}){0,64}){0,64})b",
    r".*a.*b.*c.*d",
]
SLOW = 1.0


@pytest.fixture
def no_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    without_re2(monkeypatch)


@pytest.mark.parametrize("pattern", LINEAR)
def test_an_expression_whose_next_byte_decides_is_linear(pattern: str, no_re2: None) -> None:
    regex = compile_user_regex(pattern)

    assert danger_of(pattern) is None
    assert regex.longest_match_bytes is None


@pytest.mark.parametrize("pattern", DANGEROUS)
def test_a_dangerous_expression_is_refused_where_google_re2_is_missing(
    pattern: str, no_re2: None
) -> None:
    assert danger_of(pattern)
    with pytest.raises(ValueError, match="a hostile line could take for ever"):
        compile_user_regex(pattern)


@pytest.mark.parametrize("pattern", [*LINEAR, *DANGEROUS])
@pytest.mark.parametrize("unit", [b"a", b'"', b"\\", b"a ", b"1.", b"/shop/", b"x"])
def test_no_hostile_text_takes_long(pattern: str, unit: bytes) -> None:
    try:
        regex = compile_user_regex(pattern)
    except ValueError:
        return
    begun = time.perf_counter()

    for text in (unit * (65_536 // len(unit)), unit * 1200, unit * 120):
        regex.match(text)
        regex.search(text)

    assert time.perf_counter() - begun < SLOW


def test_both_engines_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("re2")
    pattern, text = r'(?P<first>.*?) "(?P<second>.*)"|(?P<third>x)', 'a "b" "c\xe9"'.encode()

    with_re2 = compile_user_regex(pattern)
    without_re2(monkeypatch)
    without = compile_user_regex(pattern)

    found = [regex.search(text) for regex in (with_re2, without)]
    assert with_re2.longest_match_bytes is None
    assert without.longest_match_bytes is not None
    for regex, each in zip((with_re2, without), found, strict=True):
        assert each is not None
        assert regex.named(each) == {"first": b"a", "second": b'b" "c\xc3\xa9', "third": None}
        assert (each.start(1), each.end(2)) == (0, 10)
        assert each.groups() == (b"a", b'b" "c\xc3\xa9', None)


def test_a_text_beyond_the_quick_length_does_not_match(no_re2: None) -> None:
    regex = compile_user_regex(r".*a.*b")

    assert regex.match(b"ab")
    assert regex.match(b"a" * 10_000 + b"b") is None
    assert regex.search(b"a" * 10_000 + b"b") is None


def test_an_expression_must_be_quick_on_the_length_that_the_caller_needs(no_re2: None) -> None:
    compile_user_regex(r".*a.*b", 1024)

    with pytest.raises(ValueError, match="google-re2"):
        compile_user_regex(r".*a.*b", 8192)


def test_groups_are_known_by_name_and_number() -> None:
    assert compile_user_regex(r"(x)(?P<ip>\S+) (?P<path>\S+)").groups == {"ip": 2, "path": 3}


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[[:alpha:]]",
        "(" * 5000 + ")" * 5000,
        "(" * 300 + "a" + ")*" * 300,
        "a{2,1}",
        "x" * 20_000,
        r"\q",
        "(?",
    ],
)
def test_what_is_no_expression_is_a_value_error(pattern: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the library's
        compile_user_regex(pattern)
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        danger_of(pattern)


@pytest.mark.parametrize("pattern", [r"(?:a|bc)*+d", r"x(y)?+", r"(?>(?:ab){2,}+)"])
def test_what_an_old_python_reads_wrongly_is_refused_there(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regexes, "_IS_WRONG_ABOUT_POSSESSIVE_GROUPS", True)

    with pytest.raises(ValueError, match=r"before 3\.11\.5 .* write \(\?>"):
        compile_user_regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"(?>(?:a|bc)*)d", b"abcd"), (r"x(?>(y)?)", b"xy"), (r"[a-z]++,?+", b"abc,")],
)
def test_what_every_python_reads_rightly_is_not(
    pattern: str, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regexes, "_IS_WRONG_ABOUT_POSSESSIVE_GROUPS", True)

    found = compile_user_regex(pattern).match(text)

    assert found is not None
    assert found.end() == len(text)


def test_an_atomic_repetition_is_judged_as_a_possessive_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(regexes, "_IS_WRONG_ABOUT_POSSESSIVE_GROUPS", False)

    assert danger_of(r"(?>(?:ab?,)*)a") is danger_of(r"(?:ab?,)*+a") is None


@given(st.text(alphabet="ab.*+?()[]{}|^$\\1,2<>P=!:dwsé", max_size=20), st.binary(max_size=40))
def test_any_text_is_compiled_or_refused(pattern: str, text: bytes) -> None:
    try:
        regex = compile_user_regex(pattern)
    except ValueError:
        return

    regex.match(text)
    regex.search(text)
