"""The words of `hooktail collector`, and what it shows on a terminal."""

from __future__ import annotations

import argparse

import orjson
import pytest

from hooktail.cli import collector as command
from hooktail.collector import Received
from hooktail.errors import UsageError


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    return parser.parse_args(["collector", *words])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8093", ("127.0.0.1", 8093)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("[::1]:80", ("::1", 80)),
        ("8093", ("127.0.0.1", 8093)),
        (":0", ("127.0.0.1", 0)),
    ],
)
def test_addresses_are_understood(text: str, address: tuple[str, int]) -> None:
    assert command.parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "h:65536", "::1:80:", "::1", "h:-1"])
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        command.parse_listen(text)


@pytest.mark.parametrize(
    "words",
    [
        ("--listen", "0.0.0.0:0"),
        ("--listen", "192.0.2.1:0"),
        ("--listen", "shop.example:0"),
        ("--idle-close", "0"),
        ("--fail", "nonsense"),
    ],
)
def test_what_the_command_refuses(words: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=words[0]):
        command.run(arguments(*words))


def test_a_line_on_the_terminal_obeys_nothing_that_came_from_the_network(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = orjson.dumps({"event_name": "x\x1b[2J\n", "url": "https://a.example/"})
    show = command._show(colour=False)

    show(Received(1, 0.0, "/i/pixel.png", body, True, orjson.loads(body), [], 200, "close", True))

    line = capsys.readouterr().err
    assert "\x1b" not in line
    assert line.count("\n") == 1
    assert "x?[2J?  https://a.example/  (close)" in line
