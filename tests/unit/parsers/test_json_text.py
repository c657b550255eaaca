"""JSON as its writers meant it: whole numbers to the digit, texts that JavaScript has cut."""

from __future__ import annotations

import json
import re
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract.casts import to_integer, to_json, to_string
from hooktail_parsers import Record
from hooktail_parsers.builders.nginx import build
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.json_text import LARGEST, SMALLEST, loads, may_round

IDS = [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1,
       10**30 + 7]  # fmt: skip
REQUEST = '"time":"2025-03-14T08:26:53Z","ip":"203.0.113.7","method":"GET","path":"/p","status":200'


def fields_of(name: str, line: str) -> dict[str, object]:
    options = {"map.fields.order": "order"} if name == "laravel_app" else {}
    parser = FORMATS[name].make(options)
    (record,) = parser.parse_batch([line.encode()])
    assert isinstance(record, Record), record
    orjson.dumps(record.fields)
    return dict(record.fields or {})


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize("name", ["json_app", "nginx_json"])
def test_a_whole_number_keeps_its_digits(name: str, number: int) -> None:
    found = fields_of(name, f'{{{REQUEST},"order":{number},"cart":{{"ids":[{number}]}}}}')

    assert to_string(found["order"]) == str(number)
    assert str(to_integer(found["order"])) == str(number)
    assert to_json(found["cart"]) == {"ids": [str(number)]}


def test_two_order_ids_stay_two() -> None:
    parser = FORMATS["json_app"].make({"map.request_id": "order"})
    lines = [f'{{{REQUEST},"order":{2**64 + more}}}'.encode() for more in (0, 1)]

    records = parser.parse_batch(lines)

    assert [getattr(record, "request_id", None) for record in records] == [
        "18446744073709551616",
        "18446744073709551617",
    ]


@pytest.mark.parametrize("line", ["{%s: 1}", '{"a":""%s:"b"}', '{"a":%s  :1}', '{"a":%s'])
def test_no_run_of_digits_takes_long(line: str) -> None:
    text = (line % ("1" * 250_000)).encode()
    before_s = time.process_time()
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)
    assert time.process_time() - before_s < 1


def test_a_number_of_any_length_is_read() -> None:
    assert loads(b'{"a":%s}' % (b"9" * 5000)) == {"a": "9" * 5000}
    assert loads(b'{"a":-%s}' % (b"9" * 400)) == {"a": "-" + "9" * 400}


@pytest.mark.parametrize(
    ("written", "meant"),
    [(r"cut \ud83d", "cut \ufffd"), (r"\ud83d\ude00", "\U0001f600"), (r"\udc00\n", "\ufffd\n"),
     (r"\uD83D\ud83d\uDE00", "\ufffd\U0001f600"), (r"\\ud83d \ud83d", "\\ud83d \ufffd")],
)  # fmt: skip
def test_half_a_surrogate_pair_is_a_replacement_character(written: str, meant: str) -> None:
    found = fields_of("json_app", f'{{{REQUEST},"title":"{written}","\\ud83d":1}}')

    assert found["title"] == meant
    assert found["\ufffd"] == 1


def test_half_a_surrogate_pair_in_a_wrapper_is_none_of_its_lines() -> None:
    line = (
        rb'{"log":"203.0.113.7 - - [14/Mar/2025:08:26:53 +0000] \"GET /p HTTP/1.1\" 200 5'
        rb' \"-\" \"A \ud83d\"\n","stream":"stdout","time":"2025-03-14T08:26:53Z"}'
    )
    inner = FORMATS["ncsa_combined"].make({})
    wrap = FORMATS["docker_json"].wrap
    assert wrap is not None
    parser = wrap(inner, {})

    (result,) = parser.parse_batch([line])
    record = getattr(result, "finished", None)

    parsed = record[0].parsed if record else result
    assert isinstance(parsed, Record)
    assert parsed.user_agent == "A \ufffd"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400 + ".0"])
def test_a_number_beyond_all_floats_is_left_out_and_nothing_else(number: str) -> None:
    found = fields_of("json_app", f'{{{REQUEST},"big":{number},"order":"A1"}}')

    assert found["order"] == "A1"
    assert "big" not in found


@pytest.mark.parametrize(
    "text",
    [b'{12345678901234567890123:1}', b'{"a":012345678901234567890123}',
     b'{"a":12345678901234567890123x}', b'{"a":1 12345678901234567890123}', b'{"a":"\\ud83d}',
     b"[" * 100_000, b'{"a":' * 100_000 + b"1e400", b'{"a":1e400', b"12345678901234567890123:"],
)  # fmt: skip
def test_what_is_no_json_stays_none(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)
    (parsed,) = FORMATS["json_app"].make({}).parse_batch([text])
    assert not isinstance(parsed, Record)


def test_a_definition_in_json_keeps_the_digits() -> None:
    definition = (
        '{"t":"$time_iso8601","ip":"$remote_addr","r":"$request","s":$status,"order":$arg_order}'
    )
    parser = build(definition, {})
    line = (
        b'{"order": 18446744073709551617, "t":"2025-03-14T08:26:53+00:00","ip":"203.0.113.7",'
        b'"r":"GET /p HTTP/1.1","s":200}'
    )

    (record,) = parser.parse_batch([line])

    assert isinstance(record, Record)
    assert "18446744073709551617" in str(record.fields)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


def texted(value: object) -> object:
    """States what the standard library reads, as `loads` promises to."""
    match value:
        case bool():
            return value
        case int():
            return value if SMALLEST <= value <= LARGEST else str(value)
        case list():
            return [texted(each) for each in value]
        case dict():
            return {key: texted(each) for key, each in value.items()}
        case _:
            return value


@given(VALUES, st.booleans())
def test_it_reads_what_the_standard_library_reads(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert loads(text) == texted(json.loads(text))


@given(st.integers(min_value=LARGEST + 1) | st.integers(max_value=SMALLEST - 1), st.integers(0, 9))
def test_no_number_that_would_be_rounded_is_overlooked(number: int, before: int) -> None:
    assert may_round(b" " * before + str(number).encode() + b"}")


@given(st.integers(10**18, 10**22) | st.integers(-(10**22), -(10**18)), st.integers(0, 9))
def test_numbers_about_the_limit_are_exact(number: int, before: int) -> None:
    (found,) = loads(b" " * before + b"[" + str(number).encode() + b"]")

    assert str(found) == str(number)


@given(
    st.lists(
        st.one_of(
            st.text("0123456789-", min_size=1, max_size=24),
            st.text(' ,:"a', min_size=1, max_size=6),
        ),
        max_size=60,
    )
)
def test_a_run_of_twenty_digits_is_what_is_looked_for(pieces: list[str]) -> None:
    """However many shorter ones are there, and wherever it begins."""
    text = "".join(pieces).encode()

    assert may_round(text) is bool(re.search(rb"[0-9-]{20}", text))
