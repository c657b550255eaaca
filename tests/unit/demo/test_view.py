"""The live view: calm at any rate, honest about what it leaves out, harmless to a terminal."""

from __future__ import annotations

from hooktail.collector import Received
from hooktail.demo.view import ANSI, Colours, View


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def view(*, width: int | None = None, colours: Colours | None = None) -> tuple[View, list[str]]:
    said: list[str] = []
    shown = View(
        said.append,
        intro=lambda *_: None,
        width=width,
        colours=colours or Colours(),
        clock=Clock(),
    )
    return shown, said


def clock_of(shown: View) -> Clock:
    assert isinstance(shown._clock, Clock)
    return shown._clock


def post(path: str = "/shoes/", **more: object) -> Received:
    body: dict[str, object] = {
        "event_name": "pageview",
        "visitor_id": "0123456789abcdef",
        "url": f"https://shop.example{path}",
        **more,
    }
    return Received(
        n=1, time=0.0, path="/demo/pixel.png", body=b"", is_json=True, json=body, problems=[],
        answer=200, fault=None, accepted=True,
    )  # fmt: skip


def test_a_hundred_page_views_at_once_are_one_line_and_a_number() -> None:
    shown, said = view()

    for _ in range(100):
        shown.event(post())
    clock_of(shown).now_s += 1
    shown.event(post("/bags/"))

    assert len(said) == 2
    assert "01234567  /shoes/" in said[0]
    assert said[1].endswith("/bags/  (+99 more)")


def test_what_was_not_shown_is_told_in_the_end() -> None:
    shown, said = view()
    for _ in range(4):
        shown.event(post())

    shown.drained()

    assert any("pageview  (+3 more)" in line for line in said)


def test_a_purchase_shows_its_value_and_order() -> None:
    shown, said = view()

    shown.event(
        post(
            "/checkout/success?order=7&total=9.50",
            event_name="purchase",
            value=9.5,
            currency="USD",
            order_id="7",
        )
    )

    assert said[0].endswith("/checkout/success  9.50 USD  order 7")


def test_a_refused_try_says_what_happens_next() -> None:
    shown, said = view()

    shown.event(post()._replace(accepted=False, answer=503, fault="503"))

    assert said[0].endswith("503, to be sent again")


def test_without_colours_there_is_no_escape_code() -> None:
    """Neither ours nor one that came in with an event."""
    shown, said = view()

    shown.event(post("/%1b[31m", event_name="page\x1b[2Jview"))
    shown.outage_begins(3.0)

    assert not any("\x1b" in line for line in said)


def test_lines_fit_the_terminal() -> None:
    shown, said = view(width=60)

    shown.event(post("/" + "x" * 300))
    shown.reopened(9)

    assert all(len(line) <= 60 for line in said)


def test_colours_end_where_they_began() -> None:
    shown, said = view(colours=ANSI)

    shown.event(post())
    shown.renamed(1)

    assert all(line.count("\x1b[0m") * 2 == line.count("\x1b[") for line in said)
