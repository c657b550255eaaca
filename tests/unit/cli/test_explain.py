"""`hooktail explain`: what it says about a line."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hooktail.cli import explain as command
from hooktail.cli import preview, sources

CONFIG = """
state_dir = "{directory}/state"
[destination.default]
account_id = "acc-4711-never-shown"
[[source]]
name = "shop"
paths = ["{directory}/*.log"]
site = "https://shop.example"
max_event_age = "0"
[[source.event]]
name = "purchase"
when = {{ path = "/thanks", status = "2xx" }}
[source.event.fields]
order_id = {{ from = "query.order", required = true }}
value = {{ from = "query.total", type = "number" }}
"""


def line(target: str, status: int = 200, ip: str = "81.2.69.142", agent: str = "Firefox") -> str:
    time = "15/Jan/2024:10:30:00 +0000"
    return f'{ip} - - [{time}] "GET {target} HTTP/1.1" {status} 5 "-" "{agent}"'


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "hooktail.toml"
    path.write_text(CONFIG.format(directory=tmp_path))
    return str(path)


def told(config: str, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = command.run(argparse.Namespace(config=config, source=None, line=text))
    return code, capsys.readouterr().out


def test_an_event_is_shown_with_its_body(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told(config, line("/a"), capsys)
    assert code == 0
    assert 'path         "/a"' in out
    assert 'rule purchase: does not match, because path is "/a"; the rule wants /thanks' in out
    assert "It would be sent:\n{" in out
    assert '"url": "https://shop.example/a"' in out
    assert "acc-4711" not in out


def test_what_auto_chose_is_named(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(config)
    path.write_text(path.read_text().replace("max_event_age", 'format = "auto"\nmax_event_age'))

    assert "format auto (ncsa_combined): reads" in told(config, line("/a"), capsys)[1]


PROXIED = line("/a", ip="10.0.0.1")


@pytest.mark.parametrize(
    ("log_format", "text", "words"),
    [
        ("combined", f'{PROXIED} "81.2.69.142"', "nginx_main reads it last, combined passes over"),
        ("nginx_main", f'{PROXIED} "81.2.69.142, unknown"', 'has "unknown" for a hop: no address'),
        ("nginx_main", f'{PROXIED} "unknown"', "have the proxy write addresses alone into x-forw"),
        ("nginx_main", f'{line("/a", ip="unix:")} "81.2.69.142"', 'add "unix" to trusted_proxies'),
        ("nginx_main", f'{line("/a", ip="172.16.0.9")} "81.2.69.142"', 'add "172.16.0.9" to trust'),
    ],
)
def test_a_remedy_that_is_taken_already_is_not_proposed(
    config: str, log_format: str, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(config)
    keys = f'format = "{log_format}"\ntrusted_proxies = ["10.0.0.0/8"]\nmax_event_age'
    path.write_text(path.read_text().replace("max_event_age", keys))

    code, out = told(config, text, capsys)

    assert code == 1
    assert words in out
    assert "set trusted_proxies" not in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (line("/thanks", 404), "because status is 404; the rule wants 2xx"),
        (line("/thanks"), "order_id (from query.order): the line does not have it; it is required"),
        (line("/thanks"), "counted as filtered.required_field_missing"),
        (line("/a.css"), "the path's extension is none that serves pages"),
        (line("/a", ip="10.0.0.1"), "the address is private"),
        (line("/a", agent="curl/8.0"), 'a bot or a monitor (curl): "curl/8.0"'),
        ("nonsense", "cannot read the line"),
        ("nonsense", "and kept"),
    ],
)
def test_what_decides_is_said(
    config: str, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    code, out = told(config, text, capsys)
    assert code == 1
    assert words in out


def test_a_value_that_cannot_be_cast_is_shown(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = told(config, line("/thanks?order=1&total=1.234,56"), capsys)
    assert code == 0
    assert '"1.234,56" is no number, and nothing is guessed' in out


def test_nothing_that_a_terminal_obeys_comes_out(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(config, line("/a", agent="x\x1b]0;y\x07\u202e"), capsys)[1]
    assert "\x1b" not in out
    assert "\x07" not in out
    assert out.replace("\n", "").isprintable()


def bodies(out: str) -> list[Any]:
    """The bodies in what is told, one behind each `It would be sent:`."""
    read = json.JSONDecoder().raw_decode
    return [read(part.lstrip())[0] for part in out.split("It would be sent:")[1:]]


def test_lines_of_one_input_are_explained_as_they_would_be_sent(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sessions and event ids too: each line's own would be those of no file."""
    text = "\n".join([line("/a"), line("/b"), line("/b"), line("/c", ip="81.2.69.143")]) + "\n"
    monkeypatch.setattr(sources, "secret_of", lambda _: b"s" * 32)

    def stdin() -> None:
        buffer = io.BufferedReader(io.BytesIO(text.encode()))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(buffer))

    stdin()
    _, out = told(config, "-", capsys)
    stdin()
    preview.run(argparse.Namespace(config=config, source="shop", files=["-"]))
    previewed = [json.loads(body) for body in capsys.readouterr().out.splitlines()]

    explained = bodies(out)
    assert explained == previewed
    sessions = [body["session_id"] for body in explained]
    assert sessions[0] == sessions[1] == sessions[2] != sessions[3]
    assert len({body["event_id"] for body in explained}) == 4
    assert bodies(told(config, text, capsys)[1]) == explained


def test_a_line_that_does_not_fit_is_held_against_lines_of_the_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A format of the user's own has no example but the log itself."""
    path = tmp_path / "hooktail.toml"
    layout = '$remote_addr [$time_iso8601] "$request" $status "$http_user_agent"'
    path.write_text(
        CONFIG.format(directory=tmp_path).replace(
            "max_event_age", f"format = '''nginx:{layout}'''\nmax_event_age", 1
        )
    )
    good = '81.2.69.142 [2024-01-15T10:30:00+00:00] "GET /a HTTP/1.1" 200 "Firefox"'
    (tmp_path / "access.log").write_text(f"{good}\n")

    code, out = told(str(path), good.replace(" 200 ", " none "), capsys)

    assert code == 1
    assert "it fits up to character" in out
    assert "a line that fits goes on there with, for example: " in out


def test_the_missing_part_of_a_name_or_template_is_named(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It said that the line did not say what the event is called, and not what it looked for."""
    path = Path(config)
    rules = """
[[source.event]]
name = "buy_{query.plan}"
when = { path = "/buy" }
[[source.event]]
name = "book"
when = { path = "/book" }
[source.event.fields]
label = { template = "{query.kind}@{query.plan}" }
"""
    path.write_text(path.read_text() + rules)

    code, out = told(config, line("/buy"), capsys)
    assert code == 1
    assert "the line does not say what the event is called: query.plan is missing" in out

    code, out = told(config, line("/book?kind=a"), capsys)
    assert code == 0
    assert "the line does not have query.plan, of which it is made; it is left out" in out


def test_a_name_that_tells_on_somebody_is_told(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(config)
    rule = '[[source.event]]\nname = { from = "query.who" }\nwhen = { path = "/buy" }\n'
    path.write_text(f"{path.read_text()}\n{rule}")

    out = told(config, line("/buy?who=jane@doe.example"), capsys)[1]

    assert "event name: no, because what it would be called tells on somebody" in out


def test_a_private_peer_with_a_logged_header_needs_no_other_log(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It advised to log X-Forwarded-For, which the very line had."""
    path = Path(config)
    path.write_text(
        path.read_text().replace("max_event_age", 'format = "nginx_main"\nmax_event_age')
    )

    out = told(config, f'{PROXIED} "81.2.69.142"', capsys)[1]

    assert "the lines have X-Forwarded-For: set trusted_proxies" in out
    assert "have the server log" not in out


def test_a_parser_whose_records_have_wrong_types_is_told_as_its_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = tmp_path / "ours.py"
    parser.write_text(
        "from hooktail_parsers import Format, LineParser, Record\n"
        "class Ours(LineParser):\n"
        "    def parse(self, line):\n"
        "        return Record(method='GET', path=line, user_agent='Firefox')\n"
        "OURS = Format('ours', 'ours', (), lambda options: Ours())\n"
    )
    parser.chmod(0o644)
    path = tmp_path / "hooktail.toml"
    own = f'format = "ours"\nparser_file = "{parser}"\n[[source.event]]'
    path.write_text(CONFIG.format(directory=tmp_path).replace("[[source.event]]", own, 1))

    _, out = told(str(path), "x", capsys)

    assert "it returned a record whose path is bytes; allowed: str or None" in out


LARAVEL = (
    "[2025-03-14 08:26:53] production.{level}: order.placed "
    '{{"address":"81.2.69.142","url":"/thanks"{more}}} []'
)


@pytest.mark.parametrize(
    ("keys", "text", "told_of"),
    [
        ({"ip": "client"}, LARAVEL.format(level="INFO", more=""), '"client" (ip); or [source.map]'),
        (
            {"event": "message", "ip": "client", "user_agent": "ua"},
            LARAVEL.format(level="INFO", more=""),
            'what [source.map] names and the line lacks: "client" (ip), "ua" (user_agent).',
        ),
        (
            {"event": "message", "ip": "address"},
            LARAVEL.format(level="ERROR", more=""),
            "a level from info to warning",
        ),
        ({}, LARAVEL.format(level="INFO", more=""), '[source.map] event = "..." takes lines'),
    ],
)
def test_of_a_line_without_a_request_the_mapped_keys_that_it_lacks_are_named(
    keys: dict[str, str],
    text: str,
    told_of: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "hooktail.toml"
    own = ['format = "laravel_app"', *(["[source.map]"] if keys else [])]
    own += [f'{key} = "{value}"' for key, value in keys.items()]
    named = "\n".join([*own, "[[source.event]]"])
    path.write_text(CONFIG.format(directory=tmp_path).replace("[[source.event]]", named, 1))

    code, out = told(str(path), text, capsys)

    assert code == 1
    assert "counted as filtered.no_request" in out
    assert told_of in out


def test_of_a_line_whose_columns_no_header_names_it_is_said_how_to_give_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hooktail.toml"
    named = 'format = "iis_w3c"\n[[source.event]]'
    path.write_text(CONFIG.format(directory=tmp_path).replace("[[source.event]]", named, 1))

    _, out = told(str(path), "2025-03-14 08:26:53 10.0.0.1 GET /thanks - 443 - 81.2.69.142", capsys)

    assert "If it should be one: give the file's header (#Fields) before the line" in out
    assert "or set fields" in out
