"""JSON that servers write without quite writing JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers.json_logs.repair import repaired


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (rb'{"a":"\x22q\x22"}', {"a": '"q"'}),
        (rb'{"a":"\x5C end"}', {"a": "\\ end"}),
        (rb'{"a":"caf\xC3\xA9"}', {"a": "café"}),
        (rb'{"a":"\x01\x0A"}', {"a": "\x01\n"}),
        (rb'{"a":"\\x22"}', {"a": "\\x22"}),
        (rb'{"a":"\q \v"}', {"a": "\\q \x0b"}),
        (b'{"a":"tab\tnewline\n"}', {"a": "tab\tnewline\n"}),
        (b'{"a":,"b":-,"c":}', {"a": None, "b": None, "c": None}),
        (b'{"a":000,"b":007 }', {"a": "000", "b": "007"}),
        (b'{"a":0.1, 0.2 : 0.3,"b":1}', {"a": "0.1, 0.2 : 0.3", "b": 1}),
        (b'{"a":1,}', {"a": 1}),
        (b'{"a":"x",}', {"a": "x"}),
        (b'{"a":[1,2,],"b":{"c":true,},}', {"a": [1, 2], "b": {"c": True}}),
        (b'{"a": "x:,}", "b" : -1.5e3}', {"a": "x:,}", "b": -1500.0}),
    ],
)
def test_what_was_meant_is_read(text: bytes, meant: object) -> None:
    assert json.loads(repaired(text)) == meant


@pytest.mark.parametrize("text", [b'{"a":"b', b'{"a":', b'{"a', b'{"a":"b\\', b'{"a":1,"b'])
def test_what_is_torn_off_stays_torn_off(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json.loads(repaired(text))


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    )
)
def test_json_stays_what_it_is(found: dict[str, object]) -> None:
    text = json.dumps(found).encode()

    assert json.loads(repaired(text)) == found
