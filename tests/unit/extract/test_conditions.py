"""Conditions beyond path and status: what they match, who decides, what is wrong with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.extract.rules import CompiledRule, RuleSet, check_rules, compile_rules, rule_warnings
from hooktail_parsers import Record

PAID = Record(
    method="POST",
    status=200,
    host="shop.example",
    path="/pay",
    query="step=3&empty=&ref=ad-7",
    referrer="https://me@www.Google.de:443/search?q=x",
    user="anna",
    bytes_sent=100,
    duration_s=1.5,
    cookies="consent=yes; id=5",
    headers={"X-Campaign": "spring"},
    fields={
        "event": "order.paid",
        "paid": True,
        "test": False,
        "amount": 12.5,
        "count": "3",
        "empty": "",
        "tags": ["new", "vip"],
        "load": {"min": 3, "max": 9},
        "user": {"id": "u1"},
        "content_type": "text/html; charset=utf-8",
        "message": "order 77 paid: 12.50 EUR by café",
    },
)


def source_of(*whens: dict[str, object]) -> SourceSection:
    rules = tuple(RuleSection(name=f"rule {n}", when=when) for n, when in enumerate(whens))
    return SourceSection(name="shop", paths=(), site="https://shop.example", rules=rules)


def rule_of(when: dict[str, object]) -> CompiledRule:
    return compile_rules(source_of(when))[0]


def problems_of(when: dict[str, object]) -> list[str]:
    return [each.key.partition("when.")[2] for each in check_rules(source_of(when), "f")]


@pytest.mark.parametrize(
    "when",
    [
        {"field": {"fields.event": "order.paid"}},
        {"field": {"fields.event": "order.*"}},
        {"field": {"fields.event": "prefix:order."}},
        {"field": {"fields.event": "glob:*.paid"}},
        {"field": {"fields.event": r"regex:\.paid$"}},
        {"field": {"fields.event": ["order.made", "order.paid"]}},
        {"field": {"fields.event": True, "user": True, "fields.none": False}},
        {"field": {"fields.paid": True, "fields.test": False, "fields.empty": False}},
        {"field": {"fields.paid": "true", "fields.test": "false"}},
        {"field": {"fields.amount": 12.5}},
        {"field": {"fields.count": 3}},
        {"field": {"fields.count": "3"}},
        {"field": {"fields.amount": {"min": 12.5, "max": 13}}},
        {"field": {"fields.count": {"max": 3}}},
        {"field": {"fields.amount": [1, {"min": 10}]}},
        {"field": {"fields.tags": "vip"}},
        {"field": {"fields.user.id": "u1"}},
        {"field": {"fields": {"user": {"id": "u1"}, "event": "order.paid"}}},
        {"field": {"fields": {"amount": {"min": 10}}}},
        {"field": {"fields.load.min": 3}},
        {"field": {"headers.x-campaign": "spring", "header.X-Campaign": True}},
        {"field": {"cookies.consent": "yes", "cookie.id": 5}},
        {"field": {"query.step": 3, "status": 200, "bytes_sent": 100}},
        {"query": {"step": ["2", 3], "empty": True}},
        {"query": {"ref": "prefix:ad-", "step": "regex:^[0-9]$"}},
        {"referrer_host": "*.google.*"},
        {"referrer_host": ["bing.com", "WWW.google.de"]},
        {"content_type": "text/html"},
        {"content_type": ["image/*", "TEXT/*"]},
        {"duration_s": ">1"},
        {"duration_s": 1.5},
        {"duration_s": "1.5"},
        {"duration_s": "1-1.5"},
        {"duration_s": {"max": 1.5}},
        {"bytes_sent": "<=100"},
        {"bytes_sent": ">= 100"},
        {"bytes_sent": {"min": 100, "max": 100}},
        {"not": {"method": "GET"}},
        {"not": {"method": "POST", "status": 404}},
        {"not": [{"method": "GET"}, {"status": 404}]},
        {"not": {"field": {"fields.none": True}}},
        {"any": [{"method": "GET"}, {"status": 200, "method": "POST"}]},
        {"any": {"method": "POST"}},
        {"all": [{"not": {"host": "old.*"}}, {"not": {"host": "test.*"}}]},
        {"any": [{"all": [{"not": {"any": [{"method": "GET"}]}}]}]},
        {"path": "/pay", "any": [{"query": {"step": 4}}, {"duration_s": "<2"}]},
    ],
)
def test_these_conditions_hold(when: dict[str, object]) -> None:
    rule = rule_of(when)
    assert rule.matches(PAID)
    assert rule.first_failing(PAID) is None
    assert problems_of(when) == []


@pytest.mark.parametrize(
    ("when", "failing"),
    [
        ({"field": {"fields.event": "order"}}, "field.fields.event"),
        ({"field": {"fields.event": False}}, "field.fields.event"),
        ({"field": {"fields.test": True}}, "field.fields.test"),
        ({"field": {"fields.empty": True}}, "field.fields.empty"),
        ({"field": {"fields.amount": "12"}}, "field.fields.amount"),
        ({"field": {"fields.amount": {"min": 13}}}, "field.fields.amount"),
        ({"field": {"fields.tags": ["old", "vi"]}}, "field.fields.tags"),
        ({"field": {"fields.user": "u1"}}, "field.fields.user"),
        ({"field": {"fields.none": "x"}}, "field.fields.none"),
        ({"field": {"fields.paid": 1}}, "field.fields.paid"),
        ({"query": {"empty": "x"}}, "query.empty"),
        ({"referrer_host": "google.*"}, "referrer_host"),
        ({"content_type": "text"}, "content_type"),
        ({"duration_s": ">1.5"}, "duration_s"),
        ({"duration_s": "<1.5"}, "duration_s"),
        ({"duration_s": "2-3"}, "duration_s"),
        ({"bytes_sent": {"min": 101}}, "bytes_sent"),
        ({"not": {"method": "POST"}}, "not.method"),
        ({"not": {"method": "POST", "status": 200}}, "not"),
        ({"not": [{"method": "GET"}, {"path": "prefix:/p"}]}, "not[1].path"),
        ({"any": [{"method": "GET"}, {"method": "POST", "status": 404}]}, "any[1].status"),
        ({"any": {"method": "GET"}}, "any.method"),
        ({"all": [{"method": "POST"}, {"status": 404}]}, "all[1].status"),
        ({"all": {"any": [{"method": "GET"}]}}, "all.any[0].method"),
        ({"any": [{"not": {"path": "/pay"}}]}, "any[0].not.path"),
        ({"method": "POST", "any": [{"any": [{"status": 1_00}]}]}, "any[0].any[0].status"),
    ],
)
def test_the_condition_that_decided_is_named_with_its_place(
    when: dict[str, object], failing: str
) -> None:
    rule = rule_of(when)
    condition = rule.first_failing(PAID)
    assert not rule.matches(PAID)
    assert condition is not None
    assert condition.key == failing


def test_what_is_named_comes_with_what_was_found() -> None:
    failing = rule_of({"not": {"method": "POST"}}).first_failing(PAID)
    assert failing is not None
    assert (failing.expected, failing.found(PAID)) == ("anything but POST", "POST")


@pytest.mark.parametrize(
    "when",
    [
        {"referrer_host": "*"},
        {"content_type": "*"},
        {"duration_s": ">=0"},
        {"bytes_sent": ">=0"},
        {"field": {"user": True}},
        {"field": {"cookie.a": "*"}},
    ],
)
def test_what_the_line_does_not_say_matches_nothing(when: dict[str, object]) -> None:
    assert not rule_of(when).matches(Record())


@pytest.mark.parametrize(
    ("when", "key"),
    [
        ({"field": "user"}, "field"),
        ({"field": {"usr": True}}, "field.usr"),
        ({"field": {"group.x": True}}, "field.group.x"),
        ({"field": {"fields": True}}, "field.fields"),
        ({"field": {"user": []}}, "field.user"),
        ({"field": {"user": ""}}, "field.user"),
        ({"field": {"user": "regex:("}}, "field.user"),
        ({"field": {"user": ["regex:(?P<a>.)", "b"]}}, "field.user"),
        ({"field": {"fields.a": {"min": "x"}}}, "field.fields.a"),
        ({"query": {"a": {"min": 3, "mx": 4}}}, "query.a"),
        ({"referrer_host": "https://a.example/"}, "referrer_host"),
        ({"referrer_host": 3}, "referrer_host"),
        ({"content_type": []}, "content_type"),
        ({"duration_s": "fast"}, "duration_s"),
        ({"duration_s": True}, "duration_s"),
        ({"duration_s": "3-1"}, "duration_s"),
        ({"duration_s": {}}, "duration_s"),
        ({"bytes_sent": {"low": 1}}, "bytes_sent"),
        ({"bytes_sent": [1, 2]}, "bytes_sent"),
        ({"not": "x"}, "not"),
        ({"any": []}, "any"),
        ({"any": [{"method": "GET"}, 3]}, "any[1]"),
        ({"any": [{}]}, "any[0]"),
        ({"all": [{"pth": "/a"}]}, "all[0].pth"),
        ({"not": {"any": [{"status": "2x"}]}}, "not.any[0].status"),
        ({"not": {"not": {"not": {"not": {"not": {"method": "GET"}}}}}}, "not.not.not.not.not"),
    ],
)
def test_a_wrong_condition_is_named_by_its_key(when: dict[str, object], key: str) -> None:
    assert problems_of(when) == [key]


def test_named_groups_come_from_paths_fields_and_queries() -> None:
    when: dict[str, object] = {
        "path": "regex:^/(?P<page>.+)$",
        "query": {"ref": "regex:^ad-(?P<ad>.)"},
        "any": [
            {"method": "GET", "field": {"user": "regex:(?P<who>.*)"}},
            {"field": {"fields.message": r"regex:^order (?P<order>\d+) paid: .* by (?P<who>.+)"}},
        ],
    }
    rule = rule_of(when)
    record = replace(PAID, path="/a%20b%2525")
    assert rule.matches(record)
    assert rule.groups(record) == {"page": "a b%25", "ad": "7", "order": "77", "who": "café"}


def test_two_groups_of_one_name_are_a_problem() -> None:
    when: dict[str, object] = {"path": "regex:(?P<a>.)", "query": {"x": "regex:(?P<a>.)"}}
    (problem,) = check_rules(source_of(when), "f")
    assert problem.key.endswith("when")
    assert "'a'" in problem.found


def test_a_dangerous_expression_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooktail_parsers.regexes._re2", lambda: None)
    (problem,) = check_rules(source_of({"path": r"regex:^(/\w+)+x$"}), "f")
    assert problem.key.endswith("when.path")
    assert "could take for ever" in problem.message
    assert "+x$" in problem.found

    costly = source_of({"path": "regex:/a.*b.*c"})
    assert check_rules(costly, "f") == []
    (warning,) = rule_warnings(costly, "f")
    assert "could take long" in warning.message
    assert "/a.*b.*c" in warning.found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_no_value_trips_a_condition(wanted: object, found: object) -> None:
    source = source_of({"field": {"fields.x": wanted}, "not": {"query": {"q": wanted}}})
    if check_rules(source, "f"):
        return
    record = Record(fields={"x": found}, query="q=1")  # type: ignore[dict-item]  # any JSON value
    (rule,) = compile_rules(source)
    assert rule.matches(record) == (rule.first_failing(record) is None)


PATHS = ("/", "/a", "/a/b", "/a%2Fb", "/b", None)
WHENS: list[dict[str, object]] = [
    {"path": "/a"},
    {"path": "prefix:/a"},
    {"path": ["/b", "glob:/*/b"], "method": "GET"},
    {"method": "POST"},
    {"not": {"path": "/a"}},
    {"path": "regex:^/(?P<x>.)$", "status": 200},
    {},
]


@given(
    st.lists(st.sampled_from(WHENS), max_size=6),
    st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(["GET", "POST"])), min_size=1, max_size=9
    ),
)
def test_remembering_paths_changes_nothing(
    whens: list[dict[str, object]], requests: list[tuple[str | None, str]]
) -> None:
    rules = compile_rules(source_of(*whens))
    known = RuleSet(rules)
    for path, method in requests:
        record = Record(path=path, method=method, status=200)
        assert known.first(record) is next((each for each in rules if each.matches(record)), None)


SHADOWED: list[tuple[dict[str, object], dict[str, object]]] = [
    ({}, {"path": "/a"}),
    ({}, {}),
    ({"path": "/a"}, {"path": "/a", "method": "GET"}),
    ({"path": "prefix:/a"}, {"path": "/a/b"}),
    ({"path": "prefix:/a"}, {"path": ["prefix:/a/b", "/a"]}),
    ({"path": "glob:/*/b"}, {"path": "/x/b"}),
    ({"path": ["/a", "/b"]}, {"path": "/b"}),
    ({"status": "2xx"}, {"status": 204}),
    ({"status": "200-399"}, {"status": ["2xx", 301]}),
    ({"method": ["GET", "POST"]}, {"method": "get"}),
    ({"host": "*.example"}, {"host": ["a.example", "*.b.example"]}),
    ({"query": {"a": True}}, {"query": {"a": "3", "b": "4"}}),
    ({"query": {"a": ["1", "2"]}}, {"query": {"a": "2"}}),
    ({"field": {"fields.n": True}}, {"field": {"fields.n": 3}}),
    ({"any": [{"method": "GET"}]}, {"any": [{"method": "GET"}], "path": "/a"}),
]
NOT_SHADOWED: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"path": "/a"}, {}),
    ({"path": "/a"}, {"path": "prefix:/a"}),
    ({"path": "/a", "method": "GET"}, {"path": "/a"}),
    ({"path": "prefix:/a/"}, {"path": "/a"}),
    ({"path": "regex:^/a"}, {"path": "/a"}),
    ({"status": 204}, {"status": "2xx"}),
    ({"host": "?.example"}, {"host": "*.example"}),
    ({"query": {"a": "1"}}, {"query": {"a": True}}),
    ({"query": {"a": True}}, {"query": {"a": False}}),
    ({"field": {"user": True}}, {"field": {"user": "*"}}),
    ({"any": [{"query": {"a": True}}]}, {"any": [{"query": {"a": 1}}]}),
]


@pytest.mark.parametrize(("earlier", "later"), SHADOWED)
def test_a_rule_that_can_never_match_is_a_warning(
    earlier: dict[str, object], later: dict[str, object]
) -> None:
    source = source_of({"method": "PURGE"}, earlier, later)
    (warning,) = rule_warnings(source, "hooktail.toml")
    assert warning.key == "source[shop].event[2]"
    assert warning.file == "hooktail.toml"
    assert "event[1] (rule 1)" in warning.message
    assert check_rules(source, "f") == []


@pytest.mark.parametrize(("earlier", "later"), NOT_SHADOWED)
def test_a_rule_that_may_match_is_none(
    earlier: dict[str, object], later: dict[str, object]
) -> None:
    assert rule_warnings(source_of(earlier, later), "f") == []


def keyed(**keys: object) -> SourceSection:
    given: dict[str, object] = {"source": "query.order"} | keys
    field = FieldSection(name="order", **given)  # type: ignore[arg-type]  # any keys
    rule = RuleSection(name="purchase", when={}, once_per="order", fields=(field,))
    return SourceSection(name="shop", paths=("/x",), rules=(rule,))


def test_once_per_on_a_field_that_a_line_may_lack_is_a_warning() -> None:
    (warning,) = rule_warnings(keyed(), "f")
    assert str(warning) == (
        "f: source[shop].event[0].once_per: lines without it are each an event of their own; "
        "found 'order'; add required = true to the field"
    )


@pytest.mark.parametrize(
    "keys", [{"required": True}, {"default": "none"}, {"source": None, "constant": "one"}]
)
def test_once_per_on_a_field_that_each_event_has_is_none(keys: dict[str, object]) -> None:
    assert rule_warnings(keyed(**keys), "f") == []


RECORDS = st.builds(
    Record,
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "POST", "PURGE"]),
    status=st.sampled_from([200, 204, 301, 404, None]),
    host=st.sampled_from(["a.example", "c.b.example", None]),
    query=st.sampled_from(["a=1", "a=2&b=4", "a=3&b=4", "a", None]),
    fields=st.sampled_from([None, {"n": 3}, {"n": False}, {"n": 0}]),
)
ALL_WHENS = [when for pair in SHADOWED + NOT_SHADOWED for when in pair] + WHENS


@given(st.sampled_from(ALL_WHENS), st.sampled_from(ALL_WHENS), RECORDS)
def test_no_rule_is_called_shadowed_that_is_not(
    earlier: dict[str, object], later: dict[str, object], record: Record
) -> None:
    source = source_of(earlier, later)
    first, second = compile_rules(source)
    if rule_warnings(source, "f"):
        assert first.matches(record) or not second.matches(record)


def test_the_rules_of_a_field_see_the_groups_of_the_conditions() -> None:
    rule = RuleSection(
        name="order_{group.kind}",
        when={"path": "regex:^/(?P<kind>[a-z]+)"},
        fields=(FieldSection(name="kind", source="group.kind"),),
    )
    (compiled,) = compile_rules(SourceSection(name="s", paths=(), rules=(rule,)))
    groups = compiled.groups(PAID)
    assert compiled.event_name(PAID, groups) == "order_pay"
    assert compiled.values(PAID, groups) == {"kind": "pay"}
