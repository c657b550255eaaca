"""Rules: which lines they match, which values they take, and what is wrong with them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.errors import ConfigError
from hooktail.extract.casts import CASTS, to_boolean, to_integer, to_number, to_string
from hooktail.extract.rules import CompiledRule, check_rules, compile_rules
from hooktail.extract.text import parse_query
from hooktail_parsers import JsonValue, Record

ORDER = Record(
    method="GET", status=200, host="shop.example", path="/checkout/success", query="order=A1&step=3"
)


def source_of(*rules: RuleSection) -> SourceSection:
    return SourceSection(
        name="shop", paths=("/var/log/access.log",), site="https://site.example", rules=rules
    )


def rule_of(when: dict[str, object], *fields: FieldSection) -> CompiledRule:
    return compile_rules(source_of(RuleSection(name="purchase", when=when, fields=fields)))[0]


def value_of(record: Record, field: FieldSection, when: dict[str, object] | None = None) -> object:
    rule = rule_of(when or {}, field)
    values = rule.values(record, rule.groups(record))
    return values if isinstance(values, str) else values.get(field.name)


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"method": "GET"},
        {"method": "get"},
        {"method": ["POST", "GET"]},
        {"path": "/checkout/success"},
        {"path": "prefix:/checkout/"},
        {"path": "glob:/*/success"},
        {"path": "regex:^/(?P<step>[a-z]+)/"},
        {"path": ["/other", "/checkout/success"]},
        {"host": "shop.example"},
        {"host": "*.EXAMPLE"},
        {"host": ["a.example", "shop.*"]},
        {"status": 200},
        {"status": "200"},
        {"status": "2xx"},
        {"status": "200-299"},
        {"status": [404, "2xx"]},
        {"query": {"order": True}},
        {"query": {"order": "A1", "step": 3}},
        {"query": {"order": "A*"}},
        {"query": {"missing": False}},
        {"method": "GET", "path": "/checkout/success", "status": "2xx"},
    ],
)
def test_these_conditions_hold(when: dict[str, object]) -> None:
    rule = rule_of(when)
    assert rule.matches(ORDER)
    assert rule.first_failing(ORDER) is None


@pytest.mark.parametrize(
    ("when", "failing"),
    [
        ({"method": "POST"}, "method"),
        ({"path": "/checkout"}, "path"),
        ({"path": "prefix:/success"}, "path"),
        ({"path": "glob:/*/succes?/x"}, "path"),
        ({"path": "regex:^/success"}, "path"),
        ({"host": "example"}, "host"),
        ({"status": "3xx"}, "status"),
        ({"status": "201-299"}, "status"),
        ({"query": {"order": "A"}}, "query.order"),
        ({"query": {"order": "B*"}}, "query.order"),
        ({"query": {"order": False}}, "query.order"),
        ({"query": {"missing": True}}, "query.missing"),
        ({"method": "GET", "path": "/checkout/success", "status": 404}, "status"),
    ],
)
def test_the_first_condition_that_fails_is_named(when: dict[str, object], failing: str) -> None:
    rule = rule_of(when)
    condition = rule.first_failing(ORDER)
    assert not rule.matches(ORDER)
    assert condition is not None
    assert condition.key == failing


@pytest.mark.parametrize("when", [{"method": "GET"}, {"path": "/"}, {"status": 200},
                                  {"query": {"a": True}}])  # fmt: skip
def test_what_the_line_does_not_say_matches_nothing(when: dict[str, object]) -> None:
    assert not rule_of(when).matches(Record())


def test_a_log_without_hosts_is_of_the_site() -> None:
    assert rule_of({"host": "site.example"}).matches(replace(ORDER, host=None))


def test_a_path_may_be_written_as_people_read_it() -> None:
    assert rule_of({"path": "/café"}).matches(replace(ORDER, path="/caf%C3%A9"))
    assert rule_of({"path": "/caf%C3%A9"}).matches(replace(ORDER, path="/caf%C3%A9"))


def test_the_first_occurrence_counts_and_is_decoded_once() -> None:
    record = replace(ORDER, query="q=%2525+a%C3%A9%FF%00b&q=second")
    assert value_of(record, FieldSection(name="q", source="query.q")) == "%25 aé\ufffdb"


@pytest.mark.parametrize("query", [None, "", "order", "order=", "order=-", "order=%20", "x=1"])
def test_an_empty_value_is_a_missing_one(query: str | None) -> None:
    field = FieldSection(name="order_id", source="query.order")
    assert value_of(replace(ORDER, query=query), field) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("query.order", "A1"),
        ("group.id", "a b"),
        ("fields.a.b", "deep"),
        ("fields.x.y", "flat"),
        ("fields.list", None),
        ("cookie.sid", "s 1"),
        ("cookie.none", None),
        ("header.x-test", "h"),
        ("header.X-Test", "h"),
        ("user", "anna"),
        ("status", "200"),
        ("host", "shop.example"),
    ],
)
def test_values_come_from_everywhere_in_the_record(source: str, expected: str | None) -> None:
    fields: dict[str, JsonValue] = {"a": {"b": "deep"}, "x.y": "flat", "list": [1]}
    record = replace(
        ORDER,
        path="/o/a%20b",
        cookies='a=1; sid="s%201"',
        headers={"X-Test": "h"},
        user="anna",
        fields=fields,
    )
    when: dict[str, object] = {"path": "regex:^/o/(?P<id>.+)"}
    assert value_of(record, FieldSection(name="v", source=source), when) == expected


def test_defaults_fill_what_is_missing_or_cannot_be_cast() -> None:
    field = FieldSection(name="n", source="query.n", type="integer", default=7)
    assert value_of(replace(ORDER, query="n=5"), field) == 5
    assert value_of(replace(ORDER, query="n=x"), field) == 7
    assert value_of(replace(ORDER, query=None), field) == 7


def test_a_required_field_that_is_missing_prevents_the_event() -> None:
    field = FieldSection(name="order_id", source="query.nothing", required=True)
    assert value_of(ORDER, field) == "filtered.required_field_missing"


def test_a_text_over_its_limit_is_kept_and_not_cut() -> None:
    """A cut order id would be another order's."""
    field = FieldSection(name="order_id", source="query.order", max_length=1)
    assert value_of(ORDER, field) == "unparsable.too_large"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("99.99", 99.99),
        ("100", 100),
        (" -1.5 ", -1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        (99.99, 99.99),
        (7, 7),
        ("1.234,56", None),
        ("1,234.56", None),
        ("1 000", None),
        ("12 EUR", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        (math.nan, None),
        (math.inf, None),
        (True, None),
        ("0x10", None),
        ("1_000", None),
        ("\u0661\u0662", None),
        ("", None),
        ([1], None),
        ("9007199254740992", 9_007_199_254_740_992),
        ("9007199254740993", "9007199254740993"),
        (-9_007_199_254_740_993, "-9007199254740993"),
    ],
)
def test_numbers_are_cast_and_never_guessed(value: object, expected: object) -> None:
    assert to_number(value) == expected
    assert type(to_number(value)) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("+5", 5),
        ("-007", -7),
        ("-0", 0),
        (5.0, 5),
        (5.5, None),
        ("5.0", None),
        ("5x", None),
        (True, None),
        (None, None),
        ("0" * 5000 + "1", 1),
        ("9" * 20, "9" * 20),
    ],
)
def test_integers_are_cast(value: object, expected: object) -> None:
    assert to_integer(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("No", False), ("1", True), (0, False), (False, False), ("on", None),
     (2, None), (1.0, None), (None, None)],
)  # fmt: skip
def test_booleans_are_cast(value: object, expected: object) -> None:
    assert to_boolean(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a\x00\x1b[31mb\u0085", "a[31mb"), ("\ud800x", "\ufffdx"), (5, "5"), (True, "true"),
     (1.5, "1.5"), (math.inf, None), ({}, None), ("-", None), (None, None)],
)  # fmt: skip
def test_strings_are_cleaned(value: object, expected: str | None) -> None:
    assert to_string(value) == expected


@given(st.sampled_from(sorted(CASTS)), st.text() | st.integers() | st.floats() | st.booleans())
def test_no_value_trips_a_cast(kind: str, value: object) -> None:
    result = CASTS[kind](value)
    assert result not in ("", "-")
    assert not isinstance(result, float) or math.isfinite(result)


@given(st.text())
def test_no_query_trips_the_parser(query: str) -> None:
    assert all(name.isprintable() or name for name in parse_query(query) if name)


@pytest.mark.parametrize(
    ("when", "key"),
    [
        ({"status": "2x"}, "when.status"),
        ({"status": 42}, "when.status"),
        ({"status": True}, "when.status"),
        ({"status": "300-200"}, "when.status"),
        ({"status": []}, "when.status"),
        ({"method": "GE T"}, "when.method"),
        ({"method": 5}, "when.method"),
        ({"path": "checkout"}, "when.path"),
        ({"path": "regex:("}, "when.path"),
        ({"path": "prefix:"}, "when.path"),
        ({"path": ["regex:(?P<a>.)", "/b"]}, "when.path"),
        ({"host": "https://a.example"}, "when.host"),
        ({"query": "order"}, "when.query"),
        ({"query": {"order": []}}, "when.query.order"),
        ({"pth": "/a"}, "when.pth"),
    ],
)
def test_a_wrong_condition_is_named_by_its_key(when: dict[str, object], key: str) -> None:
    problems = check_rules(source_of(RuleSection(name="purchase", when=when)), "hooktail.toml")
    assert [problem.key for problem in problems] == [f"source[shop].event[0].{key}"]
    assert problems[0].file == "hooktail.toml"


@pytest.mark.parametrize(
    ("field", "key"),
    [
        (FieldSection(name="a", source="query.a", type="money"), "fields.a.type"),
        (FieldSection(name="a", source="qery.a"), "fields.a.from"),
        (FieldSection(name="a", source="query."), "fields.a.from"),
        (FieldSection(name="a", source="group.id"), "fields.a.from"),
        (FieldSection(name="a", source="query.a", type="integer", default="x"), "fields.a.default"),
        (FieldSection(name="a", source="query.a", max_length=0), "fields.a.max_length"),
        (FieldSection(name="a", constant=math.nan), "fields.a"),
        (FieldSection(name="a", constant=""), "fields.a"),
        (FieldSection(name="a"), "fields.a"),
        (FieldSection(name="url", constant="x"), "fields.url"),
    ],
)
def test_a_wrong_field_is_named_by_its_key(field: FieldSection, key: str) -> None:
    rule = RuleSection(name="purchase", when={}, fields=(field,))
    assert [each.key for each in check_rules(source_of(rule), "f")] == [
        f"source[shop].event[0].{key}"
    ]


def test_all_problems_come_at_once() -> None:
    first = RuleSection(name="a", when={"status": "no", "method": 1}, once_per="order")
    second = RuleSection(name="", when={"path": "x"})
    keys = [each.key for each in check_rules(source_of(first, second), "f")]
    assert keys == [
        "source[shop].event[0].when.method",
        "source[shop].event[0].when.status",
        "source[shop].event[0].once_per",
        "source[shop].event[1].when.path",
        "source[shop].event[1].name",
    ]
    with pytest.raises(ConfigError) as raised:
        compile_rules(source_of(first, second))
    assert len(raised.value.problems) == 5


def test_a_misspelt_condition_comes_with_a_suggestion() -> None:
    problem = check_rules(source_of(RuleSection(name="a", when={"statsu": 200})), "f")[0]
    assert problem.hint == "did you mean status?"


@pytest.mark.parametrize(
    "field",
    [
        FieldSection(name="shop", source="host"),
        FieldSection(name="shop", template="{host}"),
    ],
)
def test_the_host_of_the_site_fills_places_as_it_fulfils_conditions(field: FieldSection) -> None:
    """A log without hosts let `when.host` match and left everything made of the host empty."""
    hostless = replace(ORDER, host=None)
    when: dict[str, object] = {"host": "site.example", "field": {"host": "site.example"}}

    assert rule_of(when).matches(hostless)
    assert value_of(hostless, field, when) == "site.example"
    assert value_of(ORDER, field) == "shop.example"


def test_the_host_of_the_site_names_events() -> None:
    rule = compile_rules(source_of(RuleSection(name="buy_{host}", when={})))[0]

    assert rule.event_name(Record(path="/a"), {}) == "buy_site.example"
