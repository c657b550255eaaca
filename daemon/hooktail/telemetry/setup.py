"""Sets up structlog, and the standard library's logging for the sake of the libraries."""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter

from hooktail.telemetry.console import console_renderer
from hooktail.telemetry.plain import exception_field, make_plain
from hooktail.telemetry.secrets import hide
from hooktail.telemetry.writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, Processor

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


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
        render = console_renderer(colours=colours)
    else:
        render = _render_json
    before: list[Processor] = [structlog.processors.add_log_level]
    if not journald:
        before.append(_add_timestamp)
    after: list[Processor] = [
        structlog.processors.ExceptionRenderer(exception_field),
        make_plain,
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
    logging.getLogger("watchdog.observers.inotify").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Leaves out what watchdog calls an error and is none: a watch that was just taken away."""
    return "called when the thread is inactive" not in str(record.msg)


def _add_timestamp(_logger: object, _name: str, event: EventDict) -> EventDict:
    record = cast("logging.LogRecord | None", event.get("_record"))
    moment = datetime.fromtimestamp(time.time() if record is None else record.created, UTC)
    event["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _render_json(_logger: object, _name: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


def _line_renderer(
    render: Callable[[object, str, EventDict], str], *, journald: bool
) -> Callable[[object, str, EventDict], str]:
    def finish(logger: object, name: str, event: EventDict) -> str:
        # Values are masked already; this is for what a renderer might have brought together.
        line = hide(render(logger, name, event))
        if not journald:
            return line
        prefix = f"<{_PRIORITY.get(name, 6)}>"
        return prefix + line.replace("\n", "\n" + prefix)

    return finish
