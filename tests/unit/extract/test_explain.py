"""One line told step by step."""

from __future__ import annotations

from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.explain import explain
from hooktail.extract.once import OnceBook
from hooktail.extract.steps import (
    EVENT,
    Explanation,
    FieldStep,
    FilterStep,
    ParseStep,
    RuleStep,
)

SHOP = SourceSection(
    name="shop",
    paths=("/var/log/access.log",),
    site="https://shop.example",
    rules=(
        RuleSection(name="signup", when={"path": "/welcome", "status": "2xx"}),
        RuleSection(
            name="purchase",
            when={"path": "/thanks"},
            once_per="order_id",
            fields=(
                FieldSection(name="order_id", source="query.order", required=True),
                FieldSection(name="value", source="query.total", type="number"),
            ),
        ),
    ),
)


def told(target: str, status: int = 200, once: OnceBook | None = None) -> Explanation:
    extractor = build_extractor(
        SHOP,
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook() if once is None else once,
        now_ms=lambda: 1_705_314_660_000,
    )
    line = (
        f'81.2.69.142 - - [15/Jan/2024:10:30:00 +0000] "GET {target} HTTP/1.1" {status} 5 "-" "UA"'
    )
    return explain(extractor, line.encode())


def test_the_steps_of_a_page_view() -> None:
    explanation = told("/a")
    parse, signup, purchase, page, audience = explanation.steps
    assert isinstance(parse, ParseStep)
    assert parse.record is not None
    assert parse.record.path == "/a"
    assert signup == RuleStep(
        name="signup", matched=False, condition="path", expected="/welcome", found="/a"
    )
    assert isinstance(purchase, RuleStep)
    assert page == FilterStep(stage="pageview")
    assert audience == FilterStep(stage="audience")
    assert explanation.verdict == EVENT
    assert explanation.event is not None


def test_the_first_condition_that_fails_is_told_with_what_was_found() -> None:
    step = told("/welcome", status=404).steps[1]
    assert step == RuleStep(
        name="signup", matched=False, condition="status", expected="2xx", found=404
    )


def test_the_filter_that_decides_is_the_last_step() -> None:
    explanation = told("/a.css")
    assert explanation.steps[-1] == FilterStep(
        stage="pageview", key="filtered.static_file", found="/a.css"
    )
    assert explanation.verdict == "filtered.static_file"
    assert explanation.event is None


def test_a_value_that_cannot_be_cast_is_shown_as_found() -> None:
    explanation = told("/thanks?order=A1&total=1.234,56")
    order, value = explanation.steps[-2:]
    assert isinstance(order, FieldStep)
    assert order.value == "A1"
    assert isinstance(value, FieldStep)
    assert (value.found, value.value) == ("1.234,56", None)
    assert explanation.verdict == EVENT


def test_explaining_claims_nothing() -> None:
    book = OnceBook()
    assert told("/thanks?order=A1", once=book).verdict == EVENT
    assert len(book) == 0


def test_a_line_that_cannot_be_read_has_one_step() -> None:
    extractor = build_extractor(
        SHOP, payload="flat", visitor_secret=b"s", once=OnceBook(), now_ms=lambda: 0
    )
    explanation = explain(extractor, b"nonsense")
    (step,) = explanation.steps
    assert isinstance(step, ParseStep)
    assert step.rejected
    assert explanation.verdict == f"unparsable.{step.rejected}"
