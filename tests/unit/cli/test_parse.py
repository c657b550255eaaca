"""`hooktail parse` and `hooktail formats`."""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import lzma
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hooktail.cli import formats, parse
from hooktail.errors import InputError, PermissionDeniedError, UsageError
from hooktail.extract import registry
from hooktail.extract.plugin_file import ParserFileError

if TYPE_CHECKING:
    from pathlib import Path

LINE = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /s?a=1 HTTP/1.1" 200 5 "-" "x"'
LOG = b"\n".join([LINE, b"", b"#note", b"garbage", LINE])


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    parse.register(commands)
    formats.register(commands)
    args = parser.parse_args(words)
    code = args.run(args)
    assert isinstance(code, int)
    return code


def shown(capsysbinary: pytest.CaptureFixture[bytes]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(LOG)
    return path


def test_every_line_gets_one_object(log: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("parse", "--format", "combined", str(log)) == 0

    objects = shown(capsysbinary)
    assert [(each["line"], each["status"], each.get("reason")) for each in objects] == [
        (1, "record", None),
        (2, "skipped", "blank"),
        (3, "skipped", "directive"),
        (4, "rejected", "syntax"),
        (5, "record", None),
    ]


def test_a_record_shows_what_is_missing_as_null(
    log: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run("parse", "--format", "combined", str(log))

    record = shown(capsysbinary)[0]["record"]
    assert list(record.items()) == [
        ("time", "2025-03-14T08:26:53.000Z"),
        ("ip", "203.0.113.7"),
        ("method", "GET"),
        ("scheme", None),
        ("host", None),
        ("port", None),
        ("path", "/s"),
        ("query", "a=1"),
        ("status", 200),
        ("referrer", None),
        ("user_agent", "x"),
        ("user", None),
        ("bytes_sent", 5),
    ]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_known_by_their_first_bytes(
    compress: Any, log: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    half = len(LOG) // 2
    log.write_bytes(compress(LOG[:half]) + compress(LOG[half:]))

    assert run("parse", "--format", "combined", str(log)) == 0
    assert [each["status"] for each in shown(capsysbinary)].count("record") == 2


def test_stdin_is_read_by_default(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(LOG)))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert run("parse", "--format", "combined") == 0
    assert len(shown(capsysbinary)) == 5


def test_no_record_at_all_is_exit_code_1(log: Path) -> None:
    assert run("parse", "--format", "vhost_combined", str(log)) == 1


def test_options_reach_the_format(log: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    log.write_bytes(LINE.replace(b"/s", b"/\xe9"))

    run("parse", "--format", "combined", "--set", "encoding=latin-1", str(log))

    assert shown(capsysbinary)[0]["record"]["path"] == "/é"


@pytest.mark.parametrize("setting", ["colour=red", "encoding=klingon", "encoding", "=x"])
def test_a_wrong_option_is_a_usage_error(setting: str, log: Path) -> None:
    with pytest.raises(UsageError, match="--set"):
        run("parse", "--format", "combined", "--set", setting, str(log))


def test_every_wrong_option_is_told_at_once_and_once(log: Path) -> None:
    settings = ["colour=red", "encoding=klingon", "timezone=Nowhere"]
    words = [word for setting in settings for word in ("--set", setting)]

    with pytest.raises(UsageError) as caught:
        run("parse", "--format", "combined", *words, str(log))

    told = [line.partition(": ")[0] for line in str(caught.value).splitlines()]
    assert sorted(told) == ["--set colour", "--set encoding", "--set timezone"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nginx:$remote_addr $"], "--format nginx:$remote_addr $: a $ without the name"),
        (["cri+apache:%h %q"], "--format cri+apache:%h %q: states no time"),
        (["nginx"], "--format nginx: no definition is given; allowed: behind a colon"),
        (["nginx", "--set", "log_format=$"], "--set log_format: a $ without the name"),
        (["regex:" + "(" * 80], f"--format regex:{'(' * 51}...: no regular expression"),
    ],
)
def test_a_wrong_definition_is_named_as_it_was_typed(
    words: list[str], told: str, log: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        run("parse", "--format", *words, str(log))

    assert str(caught.value).startswith(told)


def test_what_is_wrong_for_want_of_a_wrong_option_is_not_told(log: Path) -> None:
    layout = "nginx:$remote_addr [$date_gmt] $request"
    with pytest.raises(UsageError) as caught:
        run("parse", "--format", layout, "--set", "date_format=%Q", str(log))

    [told] = str(caught.value).splitlines()
    assert told.startswith("--set date_format: ")


OURS = """
from hooktail_parsers import Format, LineParser, Record

class Ours(LineParser):
    def parse(self, line):
        if line == b"nothing":
            return None
        return Record(path=f"/{int(line)}")

OURS = Format("ours", "ours", ("path",), lambda options: Ours())
"""


def test_a_parser_file_gives_a_format_and_what_it_raises_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, log = tmp_path / "ours.py", tmp_path / "ours.log"
    file.write_text(OURS)
    file.chmod(0o644)
    log.write_bytes(b"1\nx\n2\nx\nnothing\n")

    code = run("parse", "--format", "cri+ours", "--parser-file", str(file), str(log))
    assert code == 1
    code = run("parse", "--format", "ours", "--parser-file", str(file), str(log))

    out, err = capsys.readouterr()
    assert code == 0
    assert out.count('"reason":"parser_failed"') == 3
    raised = "ValueError: invalid literal for int() with base 10: b'x' (ours.py, line 8)"
    assert err.splitlines() == [
        f"{log}: the parser fails on line 2: {raised}",
        f"{log}: the parser fails on line 5: it returned NoneType, which is no result",
    ]


def test_a_parser_file_that_others_may_write_is_refused(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "ours.py"
    file.write_text(OURS)
    file.chmod(0o666)

    with pytest.raises(ParserFileError, match="chmod go-w"):
        run("parse", "--format", "ours", "--parser-file", str(file), str(log))


IN_DOCKER = orjson.dumps({"log": LINE.decode() + "\n", "stream": "stdout"}) + b"\n"


@pytest.mark.parametrize("spec", ["docker_json", "docker_json+auto"])
@pytest.mark.parametrize("lines", [1, 40])
def test_what_auto_chose_inside_a_wrapper_is_said(
    spec: str, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "docker.log"
    log.write_bytes(IN_DOCKER * lines)

    run("parse", "--format", spec, str(log))

    assert capsys.readouterr().err == f"{log}: auto chose docker_json+ncsa_combined\n"


def test_nothing_is_said_of_a_choice_that_was_not_left_to_auto(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "docker.log"
    log.write_bytes(IN_DOCKER)

    assert run("parse", "--format", "docker_json+combined", str(log)) == 0

    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.log", tmp_path):
        with pytest.raises(InputError, match=path.name):
            run("parse", "--format", "combined", str(path))


def test_a_forbidden_file_is_named(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)

    with pytest.raises(PermissionDeniedError, match=r"access\.log: Permission denied"):
        run("parse", "--format", "combined", str(log))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_damaged_compressed_data_is_an_input_error(compress: Any, log: Path) -> None:
    log.write_bytes(compress(LOG)[:-9])

    with pytest.raises(InputError, match=r"access\.log"):
        run("parse", "--format", "combined", str(log))


def test_an_unknown_format_is_refused_with_a_suggestion(log: Path) -> None:
    with pytest.raises(registry.UnknownFormatError, match="ncsa_combined") as caught:
        run("parse", "--format", "ncsa_combine", str(log))

    assert caught.value.exit_code == 64


@pytest.mark.parametrize("lines", [1, 40])
def test_what_auto_chose_is_said_on_stderr(
    lines: int, log: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    log.write_bytes((b"shop.example:443 " + LINE + b"\n") * lines)

    run("parse", "--format", "auto", str(log))

    said = capsysbinary.readouterr().err.decode()
    assert said == f"{log}: auto chose vhost_combined\n"


def test_that_auto_finds_nothing_is_said_too(
    log: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    log.write_bytes(b"of no format\n" * 40)

    assert run("parse", "--format", "auto", str(log)) == 1

    assert capsysbinary.readouterr().err.endswith(b": auto finds no format that fits\n")


def test_a_named_format_is_not_said_to_be_chosen(
    log: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run("parse", "--format", "combined", str(log))

    assert capsysbinary.readouterr().err == b""


def test_formats_are_listed_one_a_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("formats") == 0

    names = [line.split()[0].decode() for line in capsysbinary.readouterr().out.splitlines()]
    assert {"ncsa_common", "vhost_combined", "nginx_combined"} <= set(names)


def test_formats_as_json_name_kind_and_fields(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("formats", "--json") == 0

    listed = {each["name"]: each for each in orjson.loads(capsysbinary.readouterr().out)}
    assert set(listed["ncsa_combined"]) == {"name", "kind", "fields", "summary"}
    assert listed["ncsa_combined"]["kind"] == "format"
    assert "user_agent" in listed["ncsa_combined"]["fields"]


def test_a_broken_plugin_is_named_beside_the_sound_formats(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    broken = registry.PluginError("acme-logs: format 'acme' cannot be loaded")
    sound = registry.all_formats()
    monkeypatch.setattr(formats, "usable_formats", lambda: (sound, [broken]))

    assert run("formats") == 1

    captured = capsysbinary.readouterr()
    assert b"ncsa_combined" in captured.out
    assert b"acme-logs" in captured.err


FORGOT = """
from hooktail_parsers import Format, LineParser, Record

class Ours(LineParser):
    def parse(self, line):
        return Record(ip="81.2.69.142", method="GET", path="/", user_agent="Mozilla", {field})

OURS = Format("ours", "ours", ("path",), lambda options: Ours())
"""


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("scheme=line", "scheme is bytes; allowed: str or None"),
        ("status='200'", "status is str; allowed: int or None"),
        ("status=True", "status is bool; allowed: int or None"),
        ("time_ms=1.5", "time_ms is float; allowed: int or None"),
        ("time_ms=10**18", "time_ms is out of range; allowed: milliseconds of the years 1 to 9999"),
        ("duration_s='1'", "duration_s is str; allowed: float or None"),
        ("headers=[]", "headers is list; allowed: dict of str or None"),
        ("headers={'a': line}", "headers is bytes; allowed: str or None"),
        ("fields=line", "fields is bytes; allowed: dict or None"),
        ("fields={'a': [line]}", "fields has bytes; allowed: what JSON has"),
        ("fields={1: 2}", "fields has a name of int; allowed: str"),
        ("fields={'a': 1 << 64}", "fields has a number of more than 64 bits"),
        ("query='\\udcff'", "query holds a lone surrogate; decode with errors='replace'"),
    ],
)
@pytest.mark.parametrize("spec", ["ours", "cri+ours"])
def test_a_record_of_wrong_types_is_the_parser_s_failure(
    spec: str, field: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, log = tmp_path / "ours.py", tmp_path / "ours.log"
    file.write_text(FORGOT.replace("{field}", field))
    file.chmod(0o644)
    log.write_bytes(b"x\n" if spec == "ours" else b"2025-03-14T08:26:53Z stdout F x\n")

    code = run("parse", "--format", spec, "--parser-file", str(file), str(log))

    out, err = capsys.readouterr()
    assert code == 1
    assert '"reason":"parser_failed"' in out
    assert f"it returned a record whose {told}\n" in err
