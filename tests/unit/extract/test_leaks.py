"""No secret leaves the extraction, wherever it stands in a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from support.secrets import (
    CARD,
    EMAIL,
    ENCODINGS,
    NAMED,
    PASSWORD,
    PHONE,
    SESSION,
    TELLING,
    TOKEN,
    leaks,
)

from hooktail.config.sections import (
    FieldSection,
    From,
    PrivacySection,
    RuleSection,
    SourceSection,
)
from hooktail.extract.explain import explain
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Extraction, Lines
from hooktail_parsers import Parsed, Record

NOW_MS = 1_705_314_660_000
VISIT = Record(
    time_ms=NOW_MS,
    ip="81.2.69.142",
    method="GET",
    status=200,
    host="shop.example",
    path="/thanks",
    query="order=1",
    user_agent="Mozilla/5.0 Firefox/128.0",
)
EVERYTHING = tuple(
    FieldSection(name=f"sent_{number}", source=place)
    for number, place in enumerate(
        ("path", "query", "referrer", "user", "user_agent", "query.q", "cookie.note",
         "header.X-Note", "fields.note", "xff")
    )
)  # fmt: skip
RULES = (
    RuleSection(
        name="thanks_{query.kind}", when={"query": {"kind": True}, "path": "prefix:/thanks"}
    ),
    RuleSection(name=From("fields.event"), when={"field": {"fields.event": True}}),
    RuleSection(
        name="thanks",
        when={"path": "prefix:/thanks"},
        fields=(
            *EVERYTHING,
            FieldSection(name="object", source="fields.object", type="json"),
            FieldSection(name="list", source="query.q", transform=("split",), type="list"),
            FieldSection(name="number", source="query.n", type="number"),
            FieldSection(name="text", template="{query.q} by {user}"),
        ),
    ),
)
SOURCE = SourceSection(name="shop", paths=("/a",), site="https://shop.example", rules=RULES)


class OneRecord:
    """A parser of one record."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def parse(self, line: bytes) -> Parsed:
        return copy(self._record)

    def parse_batch(self, lines: Sequence[bytes]) -> Sequence[Parsed]:
        return list(map(self.parse, lines))


def extractor_of(record: Record, privacy: PrivacySection | None = None) -> Extractor:
    return Extractor(
        replace(SOURCE, privacy=privacy or PrivacySection()),
        OneRecord(record),
        payload="both",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: NOW_MS,
    )


def everything_said(record: Record, privacy: PrivacySection | None = None) -> str:
    """What is sent, counted, logged or written down; and that there was something."""
    extractor = extractor_of(record, privacy)
    taken: Extraction = extractor.extract(Lines([b"line"], 0, 5), b"generation")
    assert taken.events or taken.settled
    assert "unparsable.internal_error" not in taken.settled
    said = [*taken.settled, *extractor.uncast]
    for event in taken.events:
        said += [event.name, event.event_id, event.body.decode()]
    return "\n".join(said)


BEFORE = st.sampled_from(["", "a ", "to:", "(", '"', "a,", "x=", "<", "\t"])
BEHIND = st.sampled_from(["", " b", ",", ")", '"', ">", "\n"])
TELLING_TEXT = st.builds("{}{}{}".format, BEFORE, st.sampled_from(TELLING), BEHIND)
ENCODED = st.builds(
    lambda encode, text: encode(text), st.sampled_from(ENCODINGS), st.sampled_from(TELLING)
)
NAMED_PAIR = st.sampled_from([f"{name}={value}" for name, value in NAMED.items()])
PARTS = ENCODED | NAMED_PAIR
JSON_TEXT = st.sampled_from(
    [
        json.dumps({"n": 1, "password": PASSWORD}),
        json.dumps({"user": {"email": "planted"}, "sessionId": SESSION}, separators=(",", ":")),
        f"{{'access_token': '{SESSION}'}}",
    ]
)
IN_JSON = JSON_TEXT.map(lambda text: f"data={quote(text, safe='')}")
USER_INFO = st.sampled_from(["https://planted:x@intranet/", "ftp://planted:1@[::1]/a"])
"""Of hosts without a dot, so that it is no e-mail address."""
SEGMENTS = st.sampled_from(
    [
        f"reset-password/{PASSWORD}",
        f"token/{SESSION}",
        f"magic_token/{quote(SESSION)}",
        f"sid/{SESSION}",
        "password/reset/planted5t21z5v55vlm25s55",
        "reset/MQ/planted5t21z5v55vlm25s55/",
        "(S(planted5t21z5v55vlm25s55))",
        "(X(1)S(planted5t21z5v55vlm25s55)F(a))",
        CARD.replace(" ", "/"),
        PHONE.replace(" ", "/"),
        quote(PHONE.replace(" ", "/")),
        f"tel/{PHONE[1:].replace(' ', '/')}",
        EMAIL.replace("@", "@/"),
        EMAIL.replace("@", "(at)"),
    ]
)
"""Known by the segment before them, as a session of ASP.NET without cookies, or only together."""
NESTED = NAMED_PAIR.map(lambda pair: f"next=%2Flogin%3F{pair.replace('=', '%3D')}")
QUERIES = st.lists(
    st.sampled_from(["order=1", "page=2", "q=shoes", "utm_source=mail", "n=4111111111111111"])
    | ENCODED.map(lambda text: f"q={text}")
    | ENCODED.map(lambda text: f"utm_content={text}")
    | ENCODED
    | ENCODED.map(lambda text: f"{text}=1")
    | NAMED_PAIR
    | NESTED
    | IN_JSON
    | USER_INFO.map(lambda text: f"to={text}")
    | USER_INFO.map(lambda text: f"to={quote(text, safe='')}")
    | SEGMENTS.map(lambda text: f"next=/{text}")
    | SEGMENTS.map(lambda text: f"next={quote(f'/{text}', safe='')}"),
    min_size=1,
    max_size=4,
).map("&".join)
PATHS = st.lists(
    st.sampled_from(["shoes", "en", f"a;jsessionid={SESSION}", f"b;token={SESSION}"])
    | PARTS
    | SEGMENTS,
    max_size=3,
).map(lambda parts: "/" + "/".join(["thanks", *parts]))
REFERRERS = st.builds(
    "https://{}a.example{}?{}#{}".format,
    st.sampled_from(["", f"planted:{PASSWORD}@", "planted%40mail.example@"]),
    PATHS,
    QUERIES,
    PARTS,
)
RECORDS = st.builds(
    lambda **given: structs.replace(VISIT, **given),
    path=PATHS | st.builds("{}#{}".format, PATHS, PARTS),
    query=QUERIES | st.builds("{}#{}".format, QUERIES, PARTS),
    host=st.sampled_from(
        ["shop.example", f"{CARD.replace(' ', '')}.example", f"{TOKEN.lower()}", EMAIL]
    ),
    session=st.none() | st.just(SESSION),
    referrer=st.none() | REFERRERS,
    user_agent=st.just(VISIT.user_agent)
    | TELLING_TEXT.map(lambda text: f"Mozilla/5.0 (X11) {text} Firefox/128.0")
    | NAMED_PAIR.map(lambda pair: f"ShopApp/4.1 (iPhone; {pair}; de)")
    | JSON_TEXT.map(lambda text: f"ShopApp/4.1 {text}")
    | st.sampled_from(TELLING),
    user=st.none() | TELLING_TEXT,
    cookies=st.just(f"PHPSESSID={SESSION}; note=1")
    | TELLING_TEXT.map(lambda text: f"PHPSESSID={SESSION}; note={text.strip()}"),
    headers=st.just({"Authorization": f"Bearer {TOKEN}", "Cookie": f"sid={SESSION}"})
    | TELLING_TEXT.map(lambda text: {"X-Note": text}),
    xff=st.none() | TELLING_TEXT,
    fields=st.just({"password": PASSWORD})
    | TELLING_TEXT.map(lambda text: {"note": text})
    | TELLING_TEXT.map(lambda text: {"event": text})
    | JSON_TEXT.map(lambda text: {"note": text})
    | st.sampled_from(
        [f"Authorization: Bearer {SESSION}", f"password: {PASSWORD}", f"Cookie: sid={SESSION}"]
    ).map(lambda text: {"note": text})
    | SEGMENTS.map(lambda text: {"note": f"https://a.example/{text}/x"})
    | st.sampled_from(TELLING).map(lambda text: {"object": {text: 1, "a": {f"x {text}": [1]}}})
    | TELLING_TEXT.map(
        lambda text: {"object": {"a": [text, {"password": PASSWORD}], "accessToken": SESSION}}
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    RECORDS,
    st.sampled_from(
        [
            PrivacySection(),
            PrivacySection(fields="drop"),
            PrivacySection(parameters="hash"),
            PrivacySection(allow_parameters=("q", "page")),
        ]
    ),
)
def test_no_secret_leaves_wherever_it_stands(record: Record, privacy: PrivacySection) -> None:
    assert leaks(everything_said(record, privacy)) == []


@given(ENCODED)
def test_nor_in_the_name_of_an_event(secret: str) -> None:
    said = everything_said(structs.replace(VISIT, query=f"kind={secret}"))

    assert leaks(said) == []
    assert said == "filtered.no_event_name"


@pytest.mark.parametrize("key", Record.__struct_fields__)
def test_the_test_knows_every_key_of_a_record(key: str) -> None:
    """Who adds a key to the record says here what becomes of a secret in it."""
    never_sent = {"bytes_sent", "duration_s", "request_id", "scheme", "port", "status", "method"}
    checked = {
        "path", "query", "referrer", "user_agent", "user", "cookies", "headers", "xff", "host",
        "session",
    }  # fmt: skip
    sent_as_it_is = {"time_ms", "ip"}
    assert key in never_sent | checked | sent_as_it_is | {"fields"}


def test_the_search_finds_what_was_planted() -> None:
    """A test that cannot fail shows nothing."""
    for secret in TELLING:
        for encode in ENCODINGS:
            assert leaks(f"https://shop.example/{encode(secret)}")


def test_explain_says_that_a_field_was_withheld() -> None:
    extractor = extractor_of(structs.replace(VISIT, user="planted.person@mail.example"))
    explanation = explain(extractor, b"line")
    (step,) = [step for step in explanation.steps if getattr(step, "source", "") == "user"]

    assert getattr(step, "private", False)
    assert explanation.event is not None
    assert leaks(explanation.event.body.decode()) == []
