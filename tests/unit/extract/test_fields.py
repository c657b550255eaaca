"""Fields: types, transforms, templates, and what explains a value that is lost."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.config.keys import FIELD_TYPES, TRANSFORMS
from hooktail.config.sections import FieldSection, From, RuleSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.casts import MAX_DEPTH, MAX_VALUES, TYPES, longest_text
from hooktail.extract.explain import explain
from hooktail.extract.once import OnceBook
from hooktail.extract.rules import CompiledRule, check_rules, compile_rules, kept_parameters
from hooktail.extract.steps import (
    FieldStep,
    FilterStep,
    RuleStep,
)
from hooktail.extract.transforms import NAMES
from hooktail.extract.validation import TooLarge
from hooktail.model import Lines
from hooktail_parsers import Record

LOG = SourceSection(name="app", paths=(), site="https://shop.example")


def rule_of(*fields: FieldSection, source: SourceSection = LOG, **rule: Any) -> CompiledRule:
    section = RuleSection(**{"name": "event", "when": {}, "fields": fields} | rule)
    return compile_rules(replace(source, rules=(section,)))[0]


def outcome(found: object, source: SourceSection = LOG, **field: Any) -> tuple[object, str]:
    section = FieldSection(**{"name": "x", "source": "fields.x"} | field)
    record = Record(fields={"x": found})  # type: ignore[dict-item]  # any JSON value
    (compiled,) = rule_of(section, source=source).fields
    return compiled.outcome(record, {})


def value(found: object, source: SourceSection = LOG, **field: Any) -> object:
    return outcome(found, source, **field)[0]


def problems_of(*fields: FieldSection, **rule: Any) -> list[str]:
    section = RuleSection(**{"name": "event", "when": {}, "fields": fields} | rule)
    found = check_rules(replace(LOG, rules=(section,)), "f")
    return [each.key.partition("event[0].")[2] for each in found]


def test_the_configuration_knows_all_types_and_transforms() -> None:
    assert set(FIELD_TYPES) == set(TYPES)
    assert set(TRANSFORMS) == set(NAMES)


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("1.234,56", "comma", 1234.56),
        ("1 234,56", "comma", 1234.56),
        ("1\u202f234\u202f567,5", "comma", 1234567.5),
        ("1234,5", "comma", 1234.5),
        ("-1.234", "comma", -1234),
        ("12", "comma", 12),
        ("12,00", "comma", 12),
        ("1.23,4", "comma", None),
        ("1.2345", "comma", None),
        ("1,234,5", "comma", None),
        ("1.234 567", "comma", None),
        ("1,234.56", "point", 1234.56),
        ("1'234.5", "point", 1234.5),
        ("1234.5", "point", 1234.5),
        ("1.234,56", "point", None),
        ("1,5", "point", None),
        ("1.234,56", None, None),
        ("1,234.56", None, None),
        ("9.007.199.254.740.993", "comma", "9007199254740993"),
        (12.5, "comma", 12.5),
        ("", "comma", None),
        ("12 EUR", "comma", None),
    ],
)
def test_how_numbers_are_written_is_declared_and_not_guessed(
    text: object, style: str | None, expected: object
) -> None:
    assert value(text, type="number", decimal=style) == expected


def test_a_styled_integer_has_no_decimals() -> None:
    assert value("1.234", type="integer", decimal="comma") == 1234
    assert value("1.234,00", type="integer", decimal="comma") == 1234
    assert value("1.234,50", type="integer", decimal="comma") is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["a", 1, True, 2.5], ["a", 1, True, 2.5]),
        (["a", None, "-", "", " b\x00 "], ["a", "b"]),
        ('["a","b"]', ["a", "b"]),
        ([], None),
        ([None, "-"], None),
        ([["a"]], None),
        ([{"a": 1}], None),
        ("a", None),
        ("[a]", None),
        ({"a": 1}, None),
        (7, None),
        ([math.nan], None),
    ],
)
def test_lists_hold_texts_numbers_and_booleans(found: object, expected: object) -> None:
    assert value(found, type="list") == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"sku": "A", "qty": 2}, {"sku": "B"}], [{"sku": "A", "qty": 2}, {"sku": "B"}]),
        ('[{"sku":"A","qty":2}]', [{"sku": "A", "qty": 2}]),
        ({"a": None, "b": "-", "c": {"d": ""}, "e": 1}, {"e": 1}),
        ({"a\x00": "b\x1f"}, {"a": "b"}),
        ({"n": 2**53 + 1}, {"n": str(2**53 + 1)}),
        ('{"n": 123456789012345678901234567890}', {"n": "123456789012345678901234567890"}),
        (5, 5),
        (True, True),
        ("text", None),
        ("{}", None),
        ('{"a":', None),
        ('{"a": NaN}', None),
        ("[1e999]", None),
        ({"a": math.inf}, None),
        ("[" * 30_000, None),
    ],
)
def test_json_is_kept_as_it_is_but_for_what_says_nothing(found: object, expected: object) -> None:
    assert value(found, type="json") == expected


def nested(depth: int) -> object:
    found: object = 1
    for _ in range(depth):
        found = [found]
    return found


def test_json_is_bounded() -> None:
    assert value(nested(MAX_DEPTH), type="json") == nested(MAX_DEPTH)
    for found in (
        nested(MAX_DEPTH + 1),
        list(range(MAX_VALUES)),
        {"k" * 129: 1},
        "[" + " " * 40_000 + "]",
    ):
        with pytest.raises(TooLarge):
            value(found, type="json")
    with pytest.raises(TooLarge):
        value([{"a": "xxxx"}], type="json", max_length=3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("2025-03-14T08:26:53.123456Z", "2025-03-14T08:26:53.123Z"),
        ("2025-03-14 09:26:53 +0100", "2025-03-14T08:26:53.000Z"),
        ("2025-03-14T09:26:53", "2025-03-14T08:26:53.000Z"),
        ("2025-07-14", "2025-07-13T22:00:00.000Z"),
        (1741940813, "2025-03-14T08:26:53.000Z"),
        ("1741940813123", "2025-03-14T08:26:53.123Z"),
        (1741940813.5, "2025-03-14T08:26:53.500Z"),
        ("14.03.2025", None),
        ("2025-02-30", None),
        ("2025", None),
        (2025, None),
        (True, None),
        (math.nan, None),
        (["2025-03-14"], None),
        ("2025-03-14T08:26:53Z" + "0" * 99, None),
    ],
)
def test_timestamps_are_utc_with_milliseconds(found: object, expected: str | None) -> None:
    berlin = replace(LOG, format_options={"timezone": "Europe/Berlin"})
    assert value(found, berlin, type="timestamp") == expected


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("x=tel:+491701234567", "tel:+491701234567"),
        ("x=+49%C2%A0170%C2%A01234567", "+49\u00a0170\u00a01234567"),
        ("x=call+(+49+170+1234567)+now", "call (+49 170 1234567) now"),
        ("x=%2B491701234567,+491701234568", "+491701234567,+491701234568"),
        ("x=+491701234567", "+491701234567"),
        ("x=+1234567", "+1234567"),
        ("x=size+42", "size 42"),
        ("x=a+b%2B1", "a b+1"),
        ("a=+49&x=1+2&x=tel:+491701234567", "1 2"),
        ("x=", ""),
        ("x=+", ""),
        ("a=b", None),
        ("", None),
    ],
)
def test_a_plus_that_begins_a_phone_number_is_no_blank(query: str, found: str | None) -> None:
    (compiled,) = rule_of(FieldSection(name="x", source="query.x")).fields
    assert compiled.read(Record(query=query), {}) == found


def test_a_plus_in_the_name_of_a_parameter_is_a_blank() -> None:
    (compiled,) = rule_of(FieldSection(name="x", source="query.my tel")).fields
    assert compiled.read(Record(query="my%20tel=1&my+tel="), {}) == "1"
    for name in ("my+tel", "my%20tel"):
        read = compiled.read(Record(query=f"{name}=tel:+491701234567"), {})
        assert read == ("tel:+491701234567" if "+" in name else "tel: 491701234567")


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
CARD = "4111-1111-1111-1111"


@pytest.mark.parametrize(
    ("found", "field", "sent"),
    [
        (JWT, {"transform": ("upper",)}, None),
        (f"x {JWT}", {"transform": ("trim", "lower"), "default": "none"}, None),
        (CARD, {"transform": ("split",), "separator": "-", "type": "list"}, None),
        (JWT, {"transform": ("sha256",)}, sha(JWT)),
        (JWT, {"transform": ("lower", "sha256")}, sha(JWT.lower())),
        (JWT, {"name": "order_id", "transform": ("lower",)}, JWT.lower()),
        (CARD, {"transform": ("trim",)}, CARD),
        ("a-b", {"transform": ("split",), "separator": "-", "type": "list"}, ["a", "b"]),
        ("Anna", {"transform": ("upper",)}, "ANNA"),
    ],
)
def test_no_transform_hides_a_card_or_a_token_from_who_looks_next(
    found: object, field: dict[str, Any], sent: object
) -> None:
    """What can still be seen (`trim`) is left to the guard, whose spared fields are sent."""
    assert outcome(found, **field) == (sent, "")


@pytest.mark.parametrize(
    ("found", "transform", "expected"),
    [
        ("  A b ", ["trim", "lower"], "a b"),
        ("abc", ["upper"], "ABC"),
        ("a%2520b+c%00", ["urldecode"], "a%20b c"),
        ("%FF", ["urldecode"], "\ufffd"),
        ("Anna", ["lower", "sha256"], sha("anna")),
        (5, ["sha256"], sha("5")),
        (" Anna@Shop.Example ", ["hash_email"], sha("anna@shop.example")),
        (sha("x").upper(), ["hash_email"], sha("x")),
        ("no address", ["hash_email"], None),
        ("+49 (30) 1234567", ["hash_phone"], sha("49301234567")),
        ("tel:+49301234567+or+more", ["urldecode"], "tel:+49301234567 or more"),
        ("%2B49301234567+x", ["urldecode"], "+49301234567 x"),
        ({"a": 1}, ["lower"], None),
        ("-", ["lower"], None),
    ],
)
def test_values_are_transformed_step_by_step(
    found: object, transform: list[str], expected: str | None
) -> None:
    assert value(found, transform=tuple(transform)) == expected


def test_a_phone_number_may_be_hashed_with_its_plus() -> None:
    hashed = value("+49 30 1234567", transform=("hash_phone",), phone_plus=True)
    assert hashed == sha("+49301234567")


def test_national_numbers_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    field = FieldSection(name="x", source="user", transform=("hash_phone",), phone_region="DE")
    monkeypatch.setattr("hooktail.extract.fields.knows_national_numbers", lambda: False)
    assert problems_of(field) == ["fields.x.phone_region"]
    assert value("030 1234567", transform=("hash_phone",)) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("1999", 19.99),
        (1999, 19.99),
        ("-5", -0.05),
        ("100", 1),
        (0, 0),
        (1999.0, 19.99),
        ("19.99", None),
        ("x", None),
        (10**15, None),
    ],
)
def test_cents_are_divided_exactly(found: object, expected: float | None) -> None:
    assert value(found, type="number", transform=("cents_to_units",)) == expected


@given(st.integers(1 - 10**15, 10**15 - 1))
def test_any_cents_are_written_as_their_digits(cents: int) -> None:
    units = value(cents, type="number", transform=("cents_to_units",))
    assert isinstance(units, int | float)
    whole, _, decimals = json.dumps(units).lstrip("-").partition(".")
    assert int(whole) * 100 + int(decimals.ljust(2, "0")) == abs(cents)
    assert (units < 0) == (cents < 0)


def test_text_is_split_into_a_list() -> None:
    tags: dict[str, Any] = {"type": "list", "transform": ("split", "lower")}
    assert value("A, b,,C ", **tags) == ["a", "b", "c"]
    assert value("A|b", separator="|", **tags) == ["a", "b"]
    assert value(",", **tags) is None
    assert value("a@b.example,x", type="list", transform=("split", "hash_email")) == [
        sha("a@b.example")
    ]
    with pytest.raises(TooLarge):
        value(",".join("x" * (MAX_VALUES + 1)), **tags)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{fields.kind}-{query.id}", "pro-7"),
        ("{{{fields.kind}}}", "{pro}"),
        ("{ user }!", "anna!"),
        ("{fields.n}", "5"),
        ("{fields.kind}{query.none}", None),
        ("{fields.list}", None),
    ],
)
def test_templates_are_filled_or_missing(template: str, expected: str | None) -> None:
    record = Record(query="id=7", user="anna", fields={"kind": "pro", "n": 5, "list": [1]})
    rule = rule_of(FieldSection(name="x", template=template))
    assert rule.values(record, {}) == ({} if expected is None else {"x": expected})


def test_a_template_is_transformed_and_cast_like_any_value() -> None:
    field = FieldSection(
        name="x", template="{query.a}00", transform=("cents_to_units",), type="integer"
    )
    assert rule_of(field).values(Record(query="a=7"), {}) == {"x": 7}


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ({"template": "{query.a"}, "fields.x.template"),
        ({"template": "a}"}, "fields.x.template"),
        ({"template": "{qery.a}"}, "fields.x.template"),
        ({"template": "{group.a}"}, "fields.x.template"),
        ({"template": "{}"}, "fields.x.template"),
        ({"template": "a", "source": "user"}, "fields.x.template"),
        ({"source": "user", "transform": ("hash_mail",)}, "fields.x.transform"),
        ({"source": "user", "transform": ("split",)}, "fields.x.type"),
        ({"source": "user", "separator": ""}, "fields.x.separator"),
        ({"source": "user", "decimal": "comma"}, "fields.x.decimal"),
        ({"source": "user", "type": "timestamp", "default": "soon"}, "fields.x.default"),
    ],
)
def test_a_wrong_field_is_named_by_its_key(field: dict[str, Any], key: str) -> None:
    assert problems_of(FieldSection(name="x", **field)) == [key]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"name": "a{query.x"}, "name"),
        ({"name": "a{usr}"}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": " a"}, "name"),
        ({"name": From("usr")}, "name.from"),
        ({"name": None}, "name"),
        ({"name": None, "drop": True, "fields": (FieldSection(name="x", constant=1),)}, "fields"),
    ],
)
def test_a_wrong_name_is_named_by_its_key(rule: dict[str, Any], key: str) -> None:
    assert problems_of(**rule) == [key]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("purchase", "purchase"),
        ("a{{b}}", "a{b}"),
        ("{fields.kind}_made", "order_made"),
        (From("fields.kind"), "order"),
        (From("fields.dirty"), "a b"),
        (From("fields.long"), "x" * 128),
        (From("fields.none"), None),
        (From("fields.empty"), None),
        (From("fields.number"), "5"),
        (From("fields.list"), None),
    ],
)
def test_the_line_may_name_the_event(name: str | From, expected: str | None) -> None:
    record = Record(
        fields={
            "kind": "order",
            "dirty": " a\x00 b\x1b ",
            "long": "x" * 500,
            "empty": "-",
            "number": 5,
            "list": ["a"],
        }
    )
    assert rule_of(name=name).event_name(record, {}) == expected


AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SHOP = replace(
    LOG,
    rules=(
        RuleSection(name=None, drop=True, when={"path": "prefix:/internal/"}),
        RuleSection(
            name="order_{query.kind}",
            when={"path": "/order"},
            fields=(
                FieldSection(name="email", source="query.mail", transform=("hash_email",)),
                FieldSection(name="value", source="query.total", type="number"),
            ),
        ),
    ),
)


def line(target: str) -> bytes:
    return (
        f'81.2.69.142 - - [15/Jan/2024:10:30:00 +0000] "GET {target} HTTP/1.1" 200 5 "-" "{AGENT}"'
    ).encode()


def shop(*fields: FieldSection) -> Any:
    rules = (RuleSection(name="event", when={}, fields=fields),) if fields else SHOP.rules
    return build_extractor(
        replace(SHOP, rules=rules),
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: 1_705_314_660_000,
    )


def test_lines_of_a_rule_that_drops_make_no_event() -> None:
    text = line("/internal/a")
    taken = shop().extract(Lines([text], 0, len(text) + 1), b"g")
    assert taken.settled == {"filtered.dropped_by_rule": 1}
    told = explain(shop(), text)
    assert told.verdict == "filtered.dropped_by_rule"
    assert told.steps[-1] == RuleStep(name="drop", matched=True, drops=True)


def test_a_line_without_the_name_makes_no_event() -> None:
    text = line("/order?total=5")
    taken = shop().extract(Lines([text], 0, len(text) + 1), b"g")
    assert taken.settled == {"filtered.no_event_name": 1}
    told = explain(shop(), text)
    assert told.steps[-1] == FilterStep(
        stage="name", key="filtered.no_event_name", sign="query.kind"
    )


def test_the_event_bears_the_name_that_the_line_gives() -> None:
    text = line("/order?kind=big&total=5")
    (event,) = shop().extract(Lines([text], 0, len(text) + 1), b"g").events
    assert event.name == "order_big"
    assert json.loads(event.body)["event_name"] == "order_big"


def test_a_phone_number_behind_a_raw_plus_is_hashed_in_a_field() -> None:
    target = "/a?x=tel:+491701234567&y=+49%C2%A0170%C2%A01234567"
    fields = [FieldSection(name=name, source=f"query.{name}") for name in ("x", "y")]
    text = line(target)
    (event,) = shop(*fields).extract(Lines([text], 0, len(text) + 1), b"g").events
    body = json.loads(event.body)

    assert (body["x"], body["y"]) == (f"tel:{sha('491701234567')}", sha("491701234567"))
    assert "1234567" not in event.body.decode()


def test_explain_says_that_a_transformed_field_was_withheld() -> None:
    field = FieldSection(name="x", source="query.x", transform=("upper",))
    (step,) = [
        step
        for step in explain(shop(field), line(f"/a?x={JWT}")).steps
        if isinstance(step, FieldStep)
    ]
    assert (step.private, step.value, step.lost_in) == (True, None, "")


def test_what_could_not_be_cast_is_counted_and_explained() -> None:
    extractor = shop()
    texts = [line("/order?kind=a&total=1,5&mail=no"), line("/order?kind=b&total="), line("/")]
    extractor.extract(Lines(texts, 0, sum(map(len, texts)) + 3), b"g")
    assert extractor.uncast == {"order_{query.kind}.value": 1, "order_{query.kind}.email": 1}
    email, amount = (
        step for step in explain(shop(), texts[0]).steps if isinstance(step, FieldStep)
    )
    assert (email.value, email.lost_in) == (None, "hash_email")
    assert (amount.value, amount.lost_in) == (None, "number")


def test_a_parameter_that_is_sent_as_its_hash_alone_goes_from_the_url() -> None:
    """The rule uses it, but a url beside the hash would tell what was hashed."""
    (event,) = (
        shop()
        .extract(Lines([line("/order?kind=a&email=a@b.example&total=5")], 0, 500), b"g")
        .events
    )
    assert json.loads(event.body)["url"] == "https://shop.example/order?kind=a&total=5"


def test_parameters_that_rules_use_stay_in_urls() -> None:
    rule = RuleSection(
        name="{query.a}",
        when={
            "query": {"b": True},
            "not": [{"any": [{"query": {"c": "1"}}]}],
            "field": {"query.d": True, "user": True},
        },
        fields=(
            FieldSection(name="x", source="query.e"),
            FieldSection(name="y", template="{query.f}-{group.g}"),
            FieldSection(name="z", source="query.h", transform=("sha256",)),
        ),
    )
    named = RuleSection(name=From("query.i"), when={"field": {"query": {"j": "1"}}})
    source = replace(LOG, rules=(rule, named))
    assert kept_parameters(source) == set("abcdef") | {"i", "j"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


def says_nothing(found: object) -> bool:
    if isinstance(found, list):
        return not found or any(map(says_nothing, found))
    if isinstance(found, dict):
        return not found or any(map(says_nothing, found.values())) or "" in found
    is_absurd = isinstance(found, float) and not math.isfinite(found)
    is_beyond = isinstance(found, int) and abs(found) > 2**53
    return found is None or found in ("", "-") or is_absurd or is_beyond


@settings(max_examples=200)
@given(
    JSON | JSON.map(json.dumps),
    st.sampled_from(TYPES),
    st.lists(st.sampled_from(NAMES), max_size=3),
    st.sampled_from(["point", "comma", None]),
)
def test_whatever_the_log_holds_a_value_is_fit_for_a_body(
    found: object, kind: str, transform: list[str], decimal: str | None
) -> None:
    field: dict[str, Any] = {"type": kind, "transform": tuple(transform)}
    if kind in ("number", "integer"):
        field["decimal"] = decimal
    if problems_of(FieldSection(name="x", source="fields.x", **field)):
        return
    try:
        cast = value(found, **field)
    except TooLarge:
        return
    if cast is None:
        return
    assert not says_nothing(cast)
    assert longest_text(cast) <= 1024  # type: ignore[arg-type]  # what a cast returns
    json.dumps(cast, allow_nan=False).encode()
