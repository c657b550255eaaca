from __future__ import annotations

from dataclasses import replace

import pytest

from hooktail.delivery.gate import GateState, Mode
from hooktail.delivery.telling import (
    REMIND_S,
    REPEAT_S,
    STATE_REPEAT_S,
    Teller,
    held_hint,
    retry_hint,
)

OPEN = GateState(name=Mode.OPEN, since=0.0, until=0.0)
HELD = GateState(name=Mode.HELD, since=0.0, until=1.0, reason="http_403", answer="who are you")


class FakeLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, /, **fields: object) -> None:
        self.lines.append(("error", event, fields))


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.log = FakeLog()
        self.teller = Teller("default", self.log, lambda: self.now, OPEN)

    @property
    def said(self) -> list[str]:
        return [event for _, event, _ in self.log.lines]


def test_a_good_life_is_silent() -> None:
    scene = Scene()

    for _ in range(1000):
        scene.now += 10
        scene.teller.state(OPEN, 1)

    assert scene.said == []


def test_a_hold_is_said_once_with_the_endpoints_words_and_so_is_its_end() -> None:
    scene = Scene()

    for number in range(5):
        scene.teller.failure()
        scene.teller.state(replace(HELD, until=number + 1.0), 7)
    scene.now = 90.0
    scene.teller.state(replace(OPEN, since=90.0), 6)
    scene.teller.state(replace(OPEN, since=90.0), 6)

    assert scene.log.lines == [
        (
            "error",
            "destination_held",
            {
                "destination": "default",
                "reason": "http_403",
                "answer": "who are you",
                "next_try_s": 1.0,
                "hint": held_hint("http_403"),
                "outstanding": 7,
                "failures": 1,
                "changes": 1,
            },
        ),
        (
            "info",
            "destination_open",
            {
                "destination": "default",
                "shut_s": 90.0,
                "outstanding": 6,
                "failures": 4,
                "changes": 1,
            },
        ),
    ]


def test_a_hold_that_lasts_is_recalled() -> None:
    scene = Scene()

    while scene.now <= 2 * REMIND_S:
        scene.teller.state(replace(HELD, until=scene.now + 1), 1)
        scene.now += 10

    assert scene.said == ["destination_held"] * 3


def test_flapping_is_bounded_and_the_last_state_is_said_in_the_end() -> None:
    scene = Scene()

    for _ in range(50):
        scene.teller.state(replace(HELD, since=scene.now), 1)
        scene.now += 0.05
        scene.teller.state(replace(OPEN, since=scene.now), 1)
        scene.now += 0.05
    assert len(scene.said) == 2

    scene.now += STATE_REPEAT_S
    scene.teller.state(replace(HELD, since=scene.now), 1)
    assert scene.said[2:] == ["destination_held"]
    assert scene.log.lines[-1][2]["changes"] == 99


def test_a_suppressed_last_state_is_said_later() -> None:
    scene = Scene()
    scene.teller.state(HELD, 1)
    scene.teller.state(OPEN, 1)
    again = replace(HELD, since=1.0)

    scene.teller.state(again, 1)
    assert scene.said == ["destination_held", "destination_open"]

    scene.now = REPEAT_S + 1
    scene.teller.state(again, 1)
    assert scene.said[2:] == ["destination_held"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("dns", "set `proxy`"),
        ("connect", "`hooktail check` goes the way"),
        ("connect_timeout", "firewall"),
        ("timeout", "timeout_s"),
        ("proxy_connect", "the proxy does not answer"),
        ("proxy_502", "the proxy answers so"),
        ("http_503", "nothing to do here"),
        ("disconnected", "tried again until it answers"),
    ],
)
def test_a_request_that_is_tried_again_comes_with_what_to_do(reason: str, words: str) -> None:
    assert words in retry_hint(reason)


def test_repeated_trouble_is_said_once_a_minute_with_its_count() -> None:
    scene = Scene()

    for _ in range(1000):
        scene.teller.trouble("delivery_retry", "http_503")
        scene.now += 0.1

    assert [fields["repeated"] for _, _, fields in scene.log.lines] == [0, 599]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("http_401", "account_id"),
        ("http_403", "account_id"),
        ("http_404", "`endpoint` or `account_id`"),
        ("http_405", "POST"),
        ("http_410", "`endpoint`"),
        ("http_302", "redirects are not followed"),
        ("http_407", "`proxy`"),
        ("http_451", "ask the endpoint's operator"),
        ("tls", "ca_file"),
        ("proxy", "user and password"),
        ("url", "no address that can be used"),
    ],
)
def test_the_hint_of_a_hold_follows_its_reason(reason: str, words: str) -> None:
    """A wrong password of the proxy had the account and the certificate looked at."""
    scene = Scene()
    scene.teller.state(replace(HELD, reason=reason), 1)

    hint = str(scene.log.lines[0][2]["hint"])
    assert words in hint
    assert hint.startswith("nothing is lost or sent meanwhile; ")
    assert ("account_id" in hint) == (reason in ("http_401", "http_403", "http_404"))


@pytest.mark.parametrize("asked", ["refused again", "open at once"])
def test_a_hold_is_as_long_as_it_was_though_a_reload_came_in_between(asked: str) -> None:
    """It began anew with each reload, and one that ended at the first try was not told."""
    before = Scene()
    before.teller.state(HELD, 7)
    before.now = 8.0
    scene = Scene()
    scene.now = 8.5
    scene.teller = Teller(
        "default", scene.log, lambda: scene.now, replace(OPEN, since=8.5), before.teller.shut
    )
    if asked == "refused again":
        scene.now = 9.0
        scene.teller.state(replace(HELD, since=9.0), 7)

    scene.now = 10.4
    scene.teller.state(replace(OPEN, since=10.4), 6)

    assert scene.said[-1] == "destination_open"
    assert scene.log.lines[-1][2]["shut_s"] == 10.4
    assert scene.teller.shut is None
    scene.now = 99.0
    scene.teller.state(replace(OPEN, since=10.4), 6)
    assert scene.said.count("destination_open") == 1
