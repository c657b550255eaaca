from __future__ import annotations

import asyncio
import fcntl
import io
import json
import logging
import os
import pty
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TextIO

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail import telemetry
from hooktail.config.sections import Secret
from hooktail.telemetry import LineWriter, configure, secrets, setup, under_journald

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNALD_LINE = re.compile(r"<(\d)>(.*)")


@pytest.fixture(autouse=True)
def _untouched_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging is set up per process: each test begins and leaves it as it was."""
    monkeypatch.setattr(secrets, "_secrets", secrets.Secrets())
    root, watchdog = logging.getLogger(), logging.getLogger("watchdog")
    levels = root.level, watchdog.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = our_handlers(others=True)
    root.setLevel(levels[0])
    watchdog.setLevel(levels[1])


def our_handlers(*, others: bool = False) -> list[logging.Handler]:
    handlers = logging.getLogger().handlers
    return [one for one in handlers if isinstance(one, setup._FromLibraries) is not others]


@contextmanager
def pipe() -> Iterator[tuple[TextIO, int]]:
    """A stream that nobody reads from but the test, at the other end."""
    reading, writing = os.pipe()
    try:
        with open(writing, "w", encoding="utf-8") as stream:
            yield stream, reading
    finally:
        os.close(reading)


def only_record(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert isinstance(record, dict)
    return record


def journal_stream(stream: TextIO) -> str:
    status = os.fstat(stream.fileno())
    return f"{status.st_dev}:{status.st_ino}"


# What a line looks like


def test_a_json_line_begins_with_timestamp_level_and_event() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    structlog.get_logger().warning("delivery_retry", source="shop", delay_s=1.5)

    record = only_record(stream)
    assert list(record) == ["timestamp", "level", "event", "source", "delay_s"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "level": "warning",
        "event": "delivery_retry",
        "source": "shop",
        "delay_s": 1.5,
    }


def test_what_is_no_terminal_gets_json() -> None:
    stream = io.StringIO()
    configure("info", "auto", stream=stream, environ={})

    structlog.get_logger().info("started")

    assert only_record(stream)["event"] == "started"


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_words_in_colour_unless_refused(
    environ: dict[str, str], coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        configure("info", "auto", stream=terminal, environ=environ)
        structlog.get_logger().info("started", source="shop")
        shown = os.read(ours, 4096).decode()
    os.close(ours)

    assert ("\x1b[" in shown) is coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "started" in plain
    assert "source=shop" in plain


def test_a_console_line_elsewhere_has_no_colour() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream, environ={"TERM": "xterm"})

    structlog.get_logger().info("started", source="shop")

    assert re.fullmatch(r"\S+Z \[info +\] started +source=shop\n", stream.getvalue())


def test_a_quoted_log_line_cannot_move_the_readers_cursor() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream, environ={})

    structlog.get_logger().info("odd\x1b[2J", agent="a\x1b[2Jb\nfake", turned="\u202etxt")

    shown = stream.getvalue()
    assert shown.count("\n") == 1
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "\\u001b[2J" in shown


def test_a_line_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream=stream, environ={})

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert only_record(stream)["event"] == "loud"


@pytest.mark.parametrize("format_name", ["json", "console"])
def test_any_value_can_be_said(format_name: Literal["json", "console"]) -> None:
    """Paths with bytes that are no UTF-8, huge numbers, loops: none may cost the line."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    loop: list[object] = []
    loop.append(loop)
    stream = io.StringIO()
    writer = configure("info", format_name, stream=stream, environ={})

    structlog.get_logger().info(
        "odd",
        path=os.fsdecode(b"/var/log/\xff.log"),
        number=2**70,
        none=float("nan"),
        broken=Broken(),
        loop=loop,
        raw=b"\xff",
        long="x" * 100_000,
        mapping={1: {2, 3}},
        exception={"already": "there"},
        stack=["of", "papers"],
    )

    assert "/var/log/\\" in stream.getvalue()
    assert len(stream.getvalue()) < 10_000
    assert writer.dropped_lines == 0
    if format_name == "json":
        assert only_record(stream)["number"] == str(2**70)


# Under journald


def test_journald_is_known_by_the_file_behind_stderr() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pipe() as (other, _), open(theirs.detach(), "w") as stream:
        environ = {"JOURNAL_STREAM": journal_stream(stream)}

        assert under_journald(stream, environ)
        assert not under_journald(other, environ)
        assert not under_journald(stream, {})
        assert not under_journald(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not under_journald(io.StringIO(), environ)
        assert not under_journald(None, environ)


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)]
)
def test_journald_gets_the_priority_and_no_timestamp(level: str, priority: int) -> None:
    with pipe() as (stream, reading):
        environ = {"JOURNAL_STREAM": journal_stream(stream)}
        configure("debug", "auto", stream=stream, environ=environ)
        getattr(structlog.get_logger(), level)("said", source="shop")
        line = os.read(reading, 4096).decode()

    found = JOURNALD_LINE.fullmatch(line.rstrip("\n"))
    assert found is not None
    assert int(found[1]) == priority
    assert json.loads(found[2]) == {"level": level, "event": "said", "source": "shop"}


def test_journald_gets_the_priority_on_each_line_of_an_entry() -> None:
    with pipe() as (stream, reading):
        environ = {"JOURNAL_STREAM": journal_stream(stream)}
        configure("info", "console", stream=stream, environ=environ)
        structlog.get_logger().error("failed", exc_info=ValueError("boom"))
        lines = os.read(reading, 4096).decode().splitlines()

    assert len(lines) > 1
    assert all(line.startswith("<3>") for line in lines)
    assert any("message: boom" in line for line in lines)


# Libraries


def test_libraries_speak_through_the_same_renderer() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    logging.getLogger("asyncio").warning("slow %s", "callback")

    record = only_record(stream)
    assert list(record) == ["timestamp", "level", "event", "logger"]
    assert (record["level"], record["event"]) == ("warning", "slow callback")
    assert record["logger"] == "asyncio"


@pytest.mark.parametrize(
    ("level", "heard"), [("debug", ["aiohttp.access"]), ("info", []), ("error", [])]
)
def test_the_chatter_of_libraries_is_heard_at_debug_only(level: str, heard: list[str]) -> None:
    """watchdog tells every inotify event at debug, one for each line that we write to a file."""
    stream = io.StringIO()
    configure(level, "json", stream=stream, environ={})

    logging.getLogger("aiohttp.access").info("GET / 200")
    logging.getLogger("watchdog.observers.inotify_buffer").debug("in-event")

    assert [json.loads(line)["logger"] for line in stream.getvalue().splitlines()] == heard


def test_a_librarys_broken_log_call_is_counted_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    writer = configure("info", "json", stream=stream, environ={})
    # pytest's own handlers would raise.
    monkeypatch.setattr(logging.getLogger(), "handlers", our_handlers())

    logging.getLogger("aiohttp.server").error("%d", "no number")

    assert stream.getvalue() == ""
    assert writer.dropped_lines == 1


def test_configuring_again_says_each_line_once() -> None:
    configure("info", "json", stream=io.StringIO(), environ={})
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    logging.getLogger("asyncio").error("once")

    assert only_record(stream)["event"] == "once"


async def test_an_unhandled_exception_in_the_loop_becomes_one_structured_line() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    context = {"message": "lost", "exception": ValueError("boom")}
    asyncio.get_running_loop().call_exception_handler(context)

    record = only_record(stream)
    assert record["logger"] == "asyncio"
    assert record["exception"] == {"type": "ValueError", "message": "boom"}


# Exceptions


def test_an_exception_is_a_compact_field_with_what_led_to_it() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    try:
        try:
            dict[str, int]()["shop"]
        except KeyError as error:
            raise ValueError("no such source") from error
    except ValueError:
        structlog.get_logger().exception("failed")

    record = only_record(stream)
    assert record["level"] == "error"
    assert record["exception"]["type"] == "ValueError"
    assert record["exception"]["message"] == "no such source"
    assert record["exception"]["cause"]["type"] == "KeyError"
    (frame,) = record["exception"]["stack"]
    assert re.fullmatch(
        r"unit/test_telemetry\.py:\d+ in test_an_exception_is_a_compact_field\w+", frame
    )


def test_a_task_groups_exceptions_are_told_one_by_one() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    inner: BaseException = ValueError("deep")
    for _ in range(10):
        inner = BaseExceptionGroup("group", [inner, OSError(28, "No space left on device")])
    structlog.get_logger().error("failed", exc_info=inner)

    field = only_record(stream)["exception"]
    assert [one["type"] for one in field["exceptions"]] == ["ExceptionGroup", "OSError"]
    assert field["exceptions"][1]["message"] == "[Errno 28] No space left on device"
    assert len(stream.getvalue()) < 10_000


def test_an_endless_recursion_is_told_by_its_innermost_frames() -> None:
    def recurse() -> None:
        recurse()

    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})

    try:
        recurse()
    except RecursionError:
        structlog.get_logger().exception("failed")

    stack = only_record(stream)["exception"]["stack"]
    assert 1 < len(stack) < 50
    assert stack[-1].endswith("in recurse")


# A stderr out of order


def say_once(stream: TextIO | None) -> LineWriter:
    writer = configure("info", "json", stream=stream, environ={})
    structlog.get_logger().info("anyone_there")
    logging.getLogger("asyncio").error("hello")
    return writer


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    with open("/dev/full", "w") as stream:
        assert say_once(stream).dropped_lines == 2


def test_a_reader_that_went_away_costs_lines_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:
        assert say_once(stream).dropped_lines == 2


def test_a_closed_stderr_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """Its descriptor may be a file of ours by now: it must not be written to."""
    with open(tmp_path / "log", "w") as stream:
        pass
    assert say_once(stream).dropped_lines == 2


def test_a_process_without_stderr_drops_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    assert say_once(None).dropped_lines == 2


@pytest.mark.parametrize("blocking", [True, False])
def test_a_reader_that_stopped_reading_does_not_stop_us(blocking: bool) -> None:
    with pipe() as (stream, reading):
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        os.write(stream.fileno(), b"x" * 4096)
        os.set_blocking(stream.fileno(), blocking)

        writer = say_once(stream)
        assert writer.dropped_lines == 2

        os.read(reading, 4096)
        structlog.get_logger().info("again")
        assert json.loads(os.read(reading, 4096))["event"] == "again"
        assert writer.dropped_lines == 2


def test_a_line_that_broke_off_spoils_no_other() -> None:
    with pipe() as (stream, reading):
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        writer = LineWriter(stream)

        writer.write("x" * 5000)
        torn = os.read(reading, 8192)
        writer.write("whole")
        after = os.read(reading, 8192)

    assert torn == b"x" * 4096
    assert after == b"\nwhole\n"
    assert writer.dropped_lines == 1


def test_a_long_line_arrives_whole_in_a_file(tmp_path: Path) -> None:
    with open(tmp_path / "log", "w") as stream:
        writer = LineWriter(stream)
        writer.write("ä" * 50_000)

    assert (tmp_path / "log").read_text() == "ä" * 50_000 + "\n"
    assert writer.dropped_lines == 0


# Secrets

# The mask itself may stand in a line.
secret_texts = st.text(min_size=4, max_size=30).filter(lambda text: "*" not in text)
account_ids = st.from_regex(r"[A-Za-z0-9._~-]{8,40}", fullmatch=True)


def holding(token: str) -> st.SearchStrategy[object]:
    """Any value with the token somewhere in it: in a text, a key, bytes, an error, a number."""
    words = st.text("ab '\"\\\n%", max_size=5)
    text = st.builds(lambda before, after: before + token + after, words, words)
    leaf: st.SearchStrategy[object] = st.one_of(
        text,
        text.map(str.encode),
        text.map(ValueError),
        st.just(Secret(token)),
        st.just(int(token) if token.isascii() and token.isdigit() else token),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.tuples(inner),
            st.dictionaries(text, inner, min_size=1, max_size=2),
        ),
        max_leaves=4,
    )


def said(
    format_name: Literal["json", "console"], token: str, value: object, *, journald: bool
) -> str:
    with pipe() as (stream, reading):
        environ = {"JOURNAL_STREAM": journal_stream(stream)} if journald else {}
        configure("info", format_name, stream=stream, environ=environ)
        telemetry.mask(token)
        log = structlog.get_logger()
        log.info("said", value=value)
        log.info(token, **{token: value})
        log.error("failed", exc_info=OSError(5, token, token))
        logging.getLogger("asyncio").error("said %s %r", value, value)
        return os.read(reading, 1 << 16).decode()


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    token=st.one_of(secret_texts, account_ids),
    format_name=st.sampled_from(["json", "console"]),
    journald=st.booleans(),
)
def test_a_masked_text_never_appears_whatever_holds_it(
    data: st.DataObject, token: str, format_name: Literal["json", "console"], journald: bool
) -> None:
    value = data.draw(holding(token))

    shown = said(format_name, token, value, journald=journald)

    for line in shown.splitlines():
        text = line.removeprefix("<6>").removeprefix("<3>")
        assert token not in text
        assert json.dumps(token, ensure_ascii=False)[1:-1] not in text
    assert "***" in shown


@settings(max_examples=40, deadline=None)
@given(data=st.data(), token=account_ids)
def test_masking_an_account_id_leaves_lines_that_parse(data: st.DataObject, token: str) -> None:
    value = data.draw(holding(token))

    lines = said("json", token, value, journald=False).splitlines()

    assert [json.loads(line)["event"] for line in lines[:3]] == ["said", "***", "failed"]
    assert len(lines) == 4


@pytest.mark.parametrize("format_name", ["json", "console"])
def test_a_secret_shows_as_asterisks_without_being_registered(
    format_name: Literal["json", "console"],
) -> None:
    stream = io.StringIO()
    configure("info", format_name, stream=stream, environ={})

    structlog.get_logger().info("said", account=Secret("ab"), all={"deep": [Secret("cd")]})

    assert "***" in stream.getvalue()
    assert not re.search("ab|cd", stream.getvalue())


def test_a_secret_in_a_url_is_masked_in_its_encoded_spelling() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})
    telemetry.mask("a b/ü")

    structlog.get_logger().info("said", url="https://listen.example/a%20b%2F%C3%BC/pixel.png")

    assert only_record(stream)["url"] == "https://listen.example/***/pixel.png"


def test_the_longer_of_two_secrets_leaves_no_end_behind() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})
    telemetry.mask("account")
    telemetry.mask("account-77")

    structlog.get_logger().info("said", value="account-77")

    assert only_record(stream)["value"] == "***"


def test_masks_are_bounded_and_the_newest_hold() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})
    telemetry.mask("kept-by-renewal")
    for number in range(400):
        telemetry.mask(f"secret-{number:04}")
        telemetry.mask("kept-by-renewal")

    structlog.get_logger().info(
        "said", old="secret-0000", new="secret-0399", kept="kept-by-renewal"
    )

    record = only_record(stream)
    assert (record["old"], record["new"], record["kept"]) == ("secret-0000", "***", "***")


def test_a_text_too_short_to_be_a_secret_does_not_blot_out_the_log() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})
    telemetry.mask("")
    telemetry.mask("e")

    structlog.get_logger().info("delivered", source="e")

    assert only_record(stream)["event"] == "delivered"


def test_a_shortened_text_leaves_no_half_of_a_secret() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream, environ={})
    telemetry.mask("account-77")

    structlog.get_logger().info("said", value="x" * 1995 + "account-77")

    assert "acc" not in only_record(stream)["value"]
