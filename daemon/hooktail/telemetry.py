"""How the daemon talks about itself: one line per event on stderr, and nothing secret in it.

`configure` sets up structlog, and the standard library's logging for the sake of the libraries:

    on a terminal   people's lines, coloured unless $NO_COLOR is set or $TERM is dumb
    to journald     JSON behind a `<N>` priority, without a timestamp (journald has its own)
    elsewhere       JSON lines: timestamp (ISO 8601, UTC, milliseconds), level, event, the rest

Talking never stops the work: what stderr does not take is dropped and counted. It does not know
what a configuration is; a secret is whatever has a `reveal()` method, or was given to `mask`.
"""

from __future__ import annotations

import logging
import math
import os
import re
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from traceback import walk_tb
from typing import TYPE_CHECKING, Literal, Protocol, TextIO, cast, runtime_checkable
from urllib.parse import quote

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, MutableMapping

    from structlog.typing import EventDict, ExcInfo, Processor

MASK = "***"
_MOST_SECRETS = 256
_LEAST_SECRET_CHARS = 4  # a shorter text is part of ordinary words; it would blot out the log
_MOST_TEXT_CHARS = 2_000
_MOST_ITEMS = 64
_MOST_DEPTH = 10
_MOST_FRAMES = 12
_MOST_CAUSES = 3  # in a row; a group's members count as one, and take two levels of depth
_MOST_MEMBERS = 5  # of an exception group
_PATIENCE_MS = 100
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
# Control characters and the ones that turn the direction of writing: a log line that quotes a
# request must not move the cursor of whoever reads it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@runtime_checkable
class Revealable(Protocol):
    """A value that keeps a secret, such as `config.sections.Secret`."""

    def reveal(self) -> str:
        """Returns the secret text."""


class _Secrets:
    """The texts that no line may show, in each spelling that a renderer or a URL gives them."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, text: str) -> None:
        if len(text) < _LEAST_SECRET_CHARS:
            return
        self._texts.pop(text, None)
        self._texts[text] = None
        if len(self._texts) > _MOST_SECRETS:
            del self._texts[next(iter(self._texts))]
        spellings = {spelling for text in self._texts for spelling in _spellings(text)}
        # The longest first: a secret that begins like another must not leave its end behind.
        ordered = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)))

    def hide(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)


def _spellings(text: str) -> tuple[str, ...]:
    as_json = orjson.dumps(_encodable(text)).decode()[1:-1]
    url_safe = quote(text, safe="", errors="backslashreplace")
    return text, as_json, repr(text)[1:-1], _printable(text), url_safe


_secrets = _Secrets()


def mask(secret_text: str) -> None:
    """Shows `***` from now on wherever `secret_text` would occur in a line.

    The last 256 different texts are kept. A text of fewer than 4 characters is not looked for
    (a `Secret` that holds one is masked all the same).
    """
    _secrets.add(secret_text)


class LineWriter:
    """Writes lines to a stream that may be closed, broken, full or slow. Any thread may call it.

    It goes past the stream's own buffer, which would keep a refused line and fail again with it.
    A stream that takes nothing is waited for once, for a tenth of a second; until it takes
    something again, lines are dropped at once.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.dropped_lines = 0
        self._stream = stream
        self._lock = threading.Lock()
        self._stuck = False
        self._torn = False

    def write(self, line: str) -> None:
        """Writes `line` and a newline, or counts it in `dropped_lines`."""
        with self._lock:
            try:
                written = self._write(line)
            except (OSError, ValueError):  # ValueError: the stream object is closed
                written = False
            self._stuck = not written
            self.dropped_lines += not written

    # What structlog calls, by the name of the level.
    debug = info = warning = error = critical = msg = write

    def _write(self, line: str) -> bool:
        if self._stream is None:
            return False
        try:
            descriptor = self._stream.fileno()
        except OSError:  # io.UnsupportedOperation: a stream in memory
            self._stream.write(line + "\n")
            return True
        # A line that broke off is ended first, so that it spoils no other.
        rest = ("\n" * self._torn + line + "\n").encode("utf-8", "backslashreplace")
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while rest:
            # stderr is shared with others, so it cannot be made non-blocking; a pipe that is
            # ready takes PIPE_BUF bytes without blocking.
            if not poll.poll(0 if self._stuck else _PATIENCE_MS):
                return False
            rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
            self._torn = bool(rest)
        return True


class _FromLibraries(logging.Handler):
    """Brings the log records of aiohttp, asyncio and watchdog to the same writer."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a library's broken log call must not stop the daemon
            self._writer.dropped_lines += 1
        else:
            self._writer.write(line)


def configure(
    level: str,
    format: Literal["auto", "json", "console"],  # noqa: A002 - named like the key `log.format`
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> LineWriter:
    """Sets up logging for the process; call it once, before the first line.

    `level` is debug, info, warning or error; `stream` is stderr unless given. Returns the writer,
    for its count of dropped lines. A logger that has spoken keeps the set-up it spoke with, so
    that a later call reaches only the libraries and loggers made afterwards.
    """
    stream = sys.stderr if stream is None else stream
    environ = os.environ if environ is None else environ
    journald = under_journald(stream, environ)
    terminal = _is_terminal(stream)
    if format == "console" or (format == "auto" and terminal):
        colours = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        render = _console_renderer(colours=colours)
    else:
        render = _render_json
    before: list[Processor] = [structlog.processors.add_log_level]
    if not journald:
        before.append(_add_timestamp)
    after: list[Processor] = [
        structlog.processors.ExceptionRenderer(_exception_field),
        _make_plain,
        _line_renderer(render, journald=journald),
    ]
    writer = LineWriter(stream)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=True,
    )
    formatter = ProcessorFormatter(
        foreign_pre_chain=[*before, structlog.stdlib.add_logger_name],
        processors=[ProcessorFormatter.remove_processors_meta, *after],
    )
    _listen_to_libraries(writer, formatter, threshold)
    return writer


def under_journald(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Tells whether `stream` is the connection to journald that systemd made for this process.

    $JOURNAL_STREAM alone proves nothing: it is inherited by a child whose stderr goes elsewhere.
    """
    if stream is None:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _listen_to_libraries(writer: LineWriter, formatter: logging.Formatter, threshold: int) -> None:
    root = logging.getLogger()
    for former in [handler for handler in root.handlers if isinstance(handler, _FromLibraries)]:
        root.removeHandler(former)
    handler = _FromLibraries(writer)
    handler.setFormatter(formatter)
    root.addHandler(handler)
    # A library's info (a line for each request to the status page) is our debug.
    chatty = threshold <= logging.DEBUG
    root.setLevel(logging.DEBUG if chatty else max(threshold, logging.WARNING))
    # Its debug tells every inotify event: a loop, where stderr is a file in a watched directory.
    logging.getLogger("watchdog").setLevel(max(root.level, logging.INFO))


def _add_timestamp(_logger: object, _name: str, event: EventDict) -> EventDict:
    record = cast("logging.LogRecord | None", event.get("_record"))
    moment = datetime.fromtimestamp(time.time() if record is None else record.created, UTC)
    event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _make_plain(_logger: object, _name: str, event: EventDict) -> MutableMapping[str, object]:
    """Orders the keys; turns each value into what JSON has, masked, bounded and encodable."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return cast("dict[str, object]", _plain({**first, **event}, 0))


def _keeps_a_secret(value: object) -> bool:
    # Asked once for each type: `isinstance` of a protocol costs as much as a whole log line.
    kind: type = type(value)
    return _reveals(kind)


@cache
def _reveals(kind: type) -> bool:
    return issubclass(kind, Revealable)


def _plain(value: object, depth: int) -> object:
    if _keeps_a_secret(value):
        return MASK
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        shown = _secrets.hide(str(value))
        fits = math.isfinite(value) and -(2**63) <= value < 2**64
        return value if fits and MASK not in shown else _bounded(shown)
    if isinstance(value, Mapping) and depth < _MOST_DEPTH:
        items = islice(value.items(), _MOST_ITEMS)
        return {_shown(key): _plain(member, depth + 1) for key, member in items}
    if isinstance(value, list | tuple | set | frozenset) and depth < _MOST_DEPTH:
        members = islice(cast("Iterable[object]", value), _MOST_ITEMS)
        return [_plain(member, depth + 1) for member in members]
    return _shown(value)


def _shown(value: object) -> str:
    # Masked before it is shortened, so that no half of a secret is left at the cut.
    return _bounded(_encodable(_secrets.hide(MASK if _keeps_a_secret(value) else _text(value))))


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - any class may break its own __str__; the line is still said
        return f"<{type(value).__qualname__} without a text>"


def _bounded(text: str) -> str:
    return text if len(text) <= _MOST_TEXT_CHARS else text[:_MOST_TEXT_CHARS] + "..."


def _encodable(text: str) -> str:
    """Spells out lone surrogates: the name of a file may hold bytes that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _exception_field(exc_info: ExcInfo) -> dict[str, object]:
    return _exception(exc_info[1], 0)


def _exception(error: BaseException, depth: int) -> dict[str, object]:
    """Tells an exception in a few words: type, message, innermost frames, what led to it."""
    frames: deque[str] = deque(maxlen=_MOST_FRAMES)
    for frame, line in walk_tb(error.__traceback__):
        path = "/".join(frame.f_code.co_filename.rsplit("/", 2)[-2:])
        frames.append(f"{path}:{line} in {frame.f_code.co_name}")
    field: dict[str, object] = {"type": type(error).__qualname__, "message": _text(error)}
    if frames:
        field["stack"] = list(frames)
    if depth < _MOST_CAUSES:
        former = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if former is not None:
            field["cause"] = _exception(former, depth + 1)
        if isinstance(error, BaseExceptionGroup):
            inner = cast("tuple[BaseException, ...]", error.exceptions)
            field["exceptions"] = [_exception(one, depth + 1) for one in inner[:_MOST_MEMBERS]]
    return field


def _render_json(_logger: object, _name: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


def _console_renderer(*, colours: bool) -> Callable[[object, str, EventDict], str]:
    renderer = structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False)

    def render(logger: object, name: str, event: EventDict) -> str:
        shown = {key: _printable(v) if isinstance(v, str) else v for key, v in event.items()}
        # The renderer takes these two for finished text.
        told = {key: shown.pop(key) for key in ("exception", "stack") if key in shown}
        text = renderer(logger, name, shown)
        return "\n".join([text, *(line for value in told.values() for line in _outline(value, 1))])

    return render


def _outline(value: object, depth: int) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            nested = isinstance(member, Mapping | list)
            yield "    " * depth + (f"{key}:" if nested else f"{key}: {_printable(str(member))}")
            if nested:
                yield from _outline(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _outline(member, depth)
    else:
        yield "    " * depth + _printable(str(value))


def _line_renderer(
    render: Callable[[object, str, EventDict], str], *, journald: bool
) -> Callable[[object, str, EventDict], str]:
    def finish(logger: object, name: str, event: EventDict) -> str:
        # Values are masked already; this is for what a renderer might have brought together.
        line = _secrets.hide(render(logger, name, event))
        if not journald:
            return line
        prefix = f"<{_PRIORITY.get(name, 6)}>"
        return prefix + line.replace("\n", "\n" + prefix)

    return finish


class OncePer:
    """Lets repeated trouble be said once per interval, with its count.

        if (unsaid := once.allow(("dns", destination))) is not None:
            log.warning("dns_failed", destination=destination, repeated=unsaid)

    Keys beyond `max_keys` within one interval share one turn, so that the number of lines stays
    bounded whatever the keys are. Not for several threads.
    """

    _OTHERS = object()

    def __init__(
        self, interval_s: float, clock: Callable[[], float], *, max_keys: int = 1024
    ) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._max_keys = max_keys
        self._said: dict[Hashable, tuple[float, int]] = {}

    def allow(self, key: Hashable) -> int | None:
        """Returns how often `key` was kept silent since it was last said, or None: keep silent."""
        now = self._clock()
        if key not in self._said and len(self._said) >= self._max_keys:
            oldest = next(iter(self._said))
            if now - self._said[oldest][0] >= self._interval_s:
                del self._said[oldest]
            else:
                key = self._OTHERS
        last, unsaid = self._said.get(key, (-math.inf, 0))
        if now - last < self._interval_s:
            self._said[key] = last, unsaid + 1
            return None
        # Taken out and put in again: the order of the keys is the order in which they were said.
        self._said.pop(key, None)
        self._said[key] = now, 0
        return unsaid
