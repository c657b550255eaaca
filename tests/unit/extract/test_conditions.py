"""Conditions beyond path and status: what they match, who decides, what is wrong with them."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.re2 import without_re2

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


@pytest.mark.parametrize(
    "path", ["/internal/x", "//internal/x", "/internal//x", "//%69nternal//x", "/internal%2F%2Fx"]
)
@pytest.mark.parametrize(
    "wanted", ["/internal/x", "prefix:/internal/", "glob:/int*/x", "regex:^/internal/x$"]
)
def test_slashes_in_a_row_and_encoding_hide_no_path(path: str, wanted: str) -> None:
    (rule,) = compile_rules(source_of({"path": wanted}))
    assert rule.path is not None
    assert rule.path.holds(Record(path=path))


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
    without_re2(monkeypatch)
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
    ({"path": "prefix:/a"}, {"path": "glob:/a/*"}),
    ({"path": "glob:/a*"}, {"path": ["prefix:/a/b", "glob:/a/*/c"]}),
    ({"any": [{"method": "GET"}, {"path": "/b"}]}, {"method": "GET", "path": "/a"}),
    ({"any": [{"method": "GET"}, {"method": "POST"}]}, {"any": {"method": "POST"}}),
    ({"path": "prefix:/a"}, {"any": [{"path": "/a"}, {"path": "/ab"}]}),
    ({"all": [{"method": "GET"}, {"path": "/a"}]}, {"method": "GET", "path": "/a", "status": 200}),
    ({"method": "GET"}, {"all": [{"not": {"path": "/b"}}, {"method": "GET"}]}),
    ({"not": {"path": "/a/b"}}, {"not": {"path": "prefix:/a"}}),
    (
        {"not": [{"path": "/a"}, {"path": "/b", "method": "GET"}]},
        {"not": [{"path": ["/a", "/b"]}, {"host": "x"}]},
    ),
    ({"query": {"a": ["1", "2", "3"]}}, {"query": {"a": [1, 2]}}),
    ({"query": {"a": "prefix:1"}}, {"query": {"a": [1, "10", "glob:1?"]}}),
    ({"query": {"a": "x*"}}, {"query": {"a": "xy"}}),
    ({"query": {"a": {"min": 1}}}, {"query": {"a": {"min": 2, "max": 3}}}),
    ({"query": {"a": {"min": 1}}}, {"query": {"a": 2}}),
    ({"field": {"fields.n": True}}, {"field": {"fields": {"n": {"min": 3}}}}),
    ({"bytes_sent": ">=10"}, {"bytes_sent": "10-20"}),
    ({"duration_s": "<2"}, {"duration_s": {"min": 1, "max": 1.5}}),
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
    ({"any": [{"query": {"a": "1"}}]}, {"any": [{"query": {"a": True}}]}),
    ({"path": "prefix:/r"}, {"path": "regex:^x"}),
    ({"path": "glob:/a?"}, {"path": "prefix:/a"}),
    ({"path": "prefix:/a/b"}, {"path": "glob:/a*"}),
    ({"query": {"a": {"min": 1}}}, {"query": {"a": "10-20"}}),
    ({"query": {"a": "x*"}}, {"query": {"a": "*"}}),
    ({"query": {"a": "x?"}}, {"query": {"a": "xy"}}),
    ({"any": [{"method": "GET"}, {"path": "/b"}]}, {"path": "/a"}),
    ({"path": "/a"}, {"any": [{"path": "/a"}, {"method": "GET"}]}),
    ({"not": {"path": "prefix:/a"}}, {"not": {"path": "/a/b"}}),
    ({"not": {"path": "/a"}}, {"not": {"path": "/a", "method": "GET"}}),
    ({"bytes_sent": ">10"}, {"bytes_sent": "10-20"}),
    ({"all": [{"method": "GET"}, {"path": "/a"}]}, {"method": "GET"}),
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


@pytest.mark.parametrize(
    ("when", "key", "words"),
    [
        ({"path": "/a?step=done"}, "path", "query = {"),
        ({"path": ["/b", "prefix:/a?"]}, "path", "before its ? or #"),
        ({"path": "/a#done"}, "path", "before its ? or #"),
        ({"host": "shop.example:8443"}, "host", "without its port"),
        ({"referrer_host": ["a.example", "*.b.example:443"]}, "referrer_host", "without its port"),
        ({"any": [{"host": "b:1"}]}, "any[0].host", "without its port"),
        ({"content_type": "text/html; charset=utf-8"}, "content_type", "without its parameters"),
    ],
)
def test_a_condition_that_hardly_ever_holds_is_a_warning(
    when: dict[str, object], key: str, words: str
) -> None:
    (warning,) = rule_warnings(source_of(when), "f")
    assert warning.key == f"source[shop].event[0].when.{key}"
    assert words in str(warning)
    assert check_rules(source_of(when), "f") == []


@pytest.mark.parametrize(
    "when", [{"path": "glob:/a?"}, {"path": "regex:^/a?#"}, {"host": "[2001:db8::1]"}]
)
def test_signs_that_mean_something_are_no_warning(when: dict[str, object]) -> None:
    assert rule_warnings(source_of(when), "f") == []


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


TEXTS = st.sampled_from(
    ["1", "2", "12", "x", "xy", "*", "x*", "1*", "?", "prefix:1", "prefix:x", "prefix:x*",
     "glob:1*", "glob:x?", "glob:?", "glob:*y", "regex:^1", "10-20", ">1", "false", "true", "x?",
     "prefix:"]
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, 12, 1.5, -1])
BOUNDS = st.dictionaries(st.sampled_from(["min", "max"]), NUMBERS, min_size=1)
VALUE_TESTS = st.one_of(
    st.booleans(), TEXTS, NUMBERS, BOUNDS, st.lists(TEXTS | NUMBERS, min_size=1, max_size=2)
)
PATH_TESTS = st.sampled_from(
    ["/a", "/a/b", "/ab", "/b", "/a b", "/*", "prefix:/", "prefix:/a", "prefix:/a/", "prefix:r",
     "prefix:/a*", "prefix:g", "prefix:/a b", "glob:/a*", "glob:/a?", "glob:/?", "glob:*b",
     "glob:*", "glob:/a/*", "glob:/*/b", "regex:^/a", "regex:b$", "glob:/a%*"]
)  # fmt: skip
GLOBS = st.sampled_from(
    ["a.example", "*.example", "*", "*.b.example", "?.example", "A.Example", "a*"]
)
TYPES = st.sampled_from(["text/html", "text/*", "*", "TEXT/HTML", "*/html", "?ext/html"])
STATUSES = st.sampled_from([200, "200", "2xx", "200-299", "2XX", 404, "204-404", "4xx"])
RANGES = st.sampled_from([">1", ">=1", "<2", "<=2", "1-2", "1", 1, 2.0, ">1.5"]) | BOUNDS


def one_or_more(items: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return items | st.lists(items, min_size=1, max_size=3)


def tables_of(inner: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[object]:
    table = inner.filter(bool)
    return table | st.lists(table, min_size=1, max_size=2)


FLAT = st.fixed_dictionaries(
    {},
    optional={
        "method": one_or_more(st.sampled_from(["GET", "get", "POST", "Purge"])),
        "path": one_or_more(PATH_TESTS),
        "status": one_or_more(STATUSES),
        "host": one_or_more(GLOBS),
        "referrer_host": one_or_more(GLOBS),
        "content_type": one_or_more(TYPES),
        "bytes_sent": RANGES,
        "duration_s": RANGES,
        "query": st.dictionaries(st.sampled_from("ab"), VALUE_TESTS, min_size=1),
        "field": st.dictionaries(
            st.sampled_from(["fields.n", "fields.o.p", "user"]), VALUE_TESTS, min_size=1
        )
        | st.fixed_dictionaries({"fields": st.dictionaries(st.just("n"), VALUE_TESTS, min_size=1)}),
    },
).filter(lambda when: len(when) <= 2)
WHENS_OF_ALL_KINDS: st.SearchStrategy[dict[str, object]] = st.recursive(
    FLAT,
    lambda inner: st.builds(
        lambda flat, nests: flat | nests,
        FLAT,
        st.dictionaries(st.sampled_from(["not", "any", "all"]), tables_of(inner), max_size=1),
    ),
    max_leaves=4,
)
FOUND = st.sampled_from(
    [None, 0, 1, 2, 12, 1.5, -1, True, False, "", "-", "1", "2", "12", "x", "xy", "x*", "10-20",
     "false", "true", [], [1, "x"], ["2"], {"min": 1}]
)  # fmt: skip
RECORDS = st.builds(
    Record,
    path=st.sampled_from([*PATHS, "/ab", "/a%20b", "/a b", "/%61", "/*", "*", "reg", "/a%"]),
    method=st.sampled_from(["GET", "POST", "PURGE", None]),
    status=st.sampled_from([200, 204, 301, 404, None]),
    host=st.sampled_from(["a.example", "c.b.example", "b", None]),
    referrer=st.sampled_from([None, "https://a.example/x", "https://c.b.example:8/", "app"]),
    query=st.sampled_from(
        ["a=1", "a=2&b=4", "a=3&b=x", "a", "a=12", "a=xy&b=1", "a=10-20", "a=&b=-1", "a=x*",
         "a=%31", "a=false", "a=1.5&b=12", None]
    ),
    bytes_sent=st.sampled_from([None, 0, 1, 2, 3]),
    duration_s=st.sampled_from([None, 0.5, 1.0, 1.5, 2.0, 3.0]),
    user=st.sampled_from([None, "x", "xy", "1"]),
    fields=st.builds(
        lambda n, p, kind: {"n": n, "o": {"p": p}, "content_type": kind},
        FOUND,
        FOUND,
        st.sampled_from([None, "text/html", "text/html; charset=utf-8", "image/png", "Text/Html"]),
    )
    | st.none(),
)  # fmt: skip
ALL_WHENS = [when for pair in SHADOWED + NOT_SHADOWED for when in pair] + WHENS


@settings(max_examples=400)
@given(
    st.sampled_from(ALL_WHENS) | WHENS_OF_ALL_KINDS,
    st.sampled_from(ALL_WHENS) | WHENS_OF_ALL_KINDS,
    st.booleans(),
    st.lists(RECORDS, min_size=4, max_size=12),
)
def test_no_rule_is_called_shadowed_that_is_not(
    earlier: dict[str, object], later: dict[str, object], both: bool, records: list[Record]
) -> None:
    """For any conditions and any records; with `both`, the later rule asks for both."""
    if both:
        later = {"all": [when for when in (earlier, later) if when]} if earlier or later else {}
    source = source_of(earlier, later)
    if check_rules(source, "f"):
        return
    first, second = compile_rules(source)
    shadowed = any("never matches" in each.message for each in rule_warnings(source, "f"))

    for record in records:
        if shadowed:
            assert first.matches(record) or not second.matches(record)
    if both:
        assert shadowed


def test_rules_that_would_take_long_to_compare_are_not_compared() -> None:
    """Each table of each `any` would have to be held against each of the others'."""
    many = [{"any": [{"path": f"/{a}/{b}"} for b in range(8)]} for a in range(8)]
    began = perf_counter()

    assert rule_warnings(source_of({"all": many, "method": "GET"}, {"all": many}), "f") == []
    assert perf_counter() - began < 2


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


@pytest.mark.parametrize("path", ["prefix:welcome", "glob:welcome/*", ["/a", "prefix:a"]])
def test_a_path_that_no_path_begins_with_is_a_warning(path: object) -> None:
    """`path = "welcome"` was an error, and `prefix:welcome`, which matches as little, nothing."""
    (warning,) = rule_warnings(source_of({"path": path}), "f")

    assert "matches no path: they begin with /" in str(warning)


@pytest.mark.parametrize(
    "path", ["/welcome", "prefix:/welcome", "glob:*/welcome", "glob:?a", "glob:[/]a", "prefix:*"]
)
def test_paths_that_may_match_are_none(path: str) -> None:
    assert rule_warnings(source_of({"path": path}), "f") == []
