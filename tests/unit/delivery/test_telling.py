from __future__ import annotations

from dataclasses import replace

import pytest

from hooktail.delivery.gate import GateState, Mode
from hooktail.delivery.telling import REMIND_S, REPEAT_S, STATE_REPEAT_S, Teller, retry_hint

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
                "hint": "nothing is lost or sent meanwhile; check account_id, endpoint and the "
                "certificate",
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
