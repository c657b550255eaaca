"""Moves resume points, with the daemon stopped: what `checkpoint rewind` and `forget` do."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from hooktail import checked, telemetry
from hooktail.checkpoint import edits
from hooktail.checkpoint.lock import StateLock
from hooktail.checkpoint.places import is_of
from hooktail.checkpoint.store import Store, read_files
from hooktail.checkpoint.unwritable import FULL, refusal
from hooktail.checkpoint.whereabouts import locate
from hooktail.cli import logfiles, moments, sources, tables
from hooktail.errors import InputError, PermissionDeniedError, UsageError
from hooktail.fingerprint import HEAD_BYTES, Head
from hooktail.tail.file import TailedFile
from hooktail.tail.opening import open_log

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from hooktail.checkpoint.chain import Loaded
    from hooktail.checkpoint.state import FileEntry, State
    from hooktail.config import Config, SourceSection

_AGAIN = """\
hooktail: lines from there on are read again at the next start: their events have the same ids.
hooktail: lines that were settled before are counted once more, as read and by what becomes of them.
"""


def read(loaded: Config) -> Loaded:
    """Reads the checkpoint. Raises InputError if there is none, PermissionDeniedError."""
    try:
        found = read_files(loaded.state_dir)
    except PermissionError as error:
        raise PermissionDeniedError(f"{loaded.state_dir}: {error.strerror}") from error
    except FileNotFoundError as error:
        raise _none_yet(loaded) from error
    except OSError as error:
        raise InputError(f"{loaded.state_dir}: {error.strerror}") from error
    if not found.newest:
        raise _none_yet(loaded)
    return found


def _none_yet(loaded: Config) -> InputError:
    return InputError(f"{loaded.state_dir}: no checkpoint yet: the daemon has not run")


@contextlib.contextmanager
def _editing(loaded: Config) -> Iterator[Store]:
    """Opens the checkpoint for changes; a daemon that runs, or damage, is a refusal."""
    telemetry.configure(loaded.log.level, loaded.log.format, environ=os.environ)
    read(loaded)
    with StateLock(loaded.state_dir):
        store = Store.open(loaded.state_dir, on_error="fail")
        try:
            if store.hindered is not None:
                raise store.hindered
            yield store
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise refusal(str(loaded.state_dir), error) from error
        finally:
            store.close()


def _chosen(state: State, source: str, file: str | None) -> dict[int, FileEntry]:
    """Returns the entries that are meant. Raises UsageError if there are none."""
    own = {key: entry for key, entry in state.files.items() if is_of(entry.source, source)}
    if not own:
        known = sorted({entry.source for entry in state.files.values()})
        raise UsageError(
            f"--source: found {source!r}, of which the checkpoint knows no file; "
            f"allowed: {', '.join(known) or 'none'}"
        )
    if file is None:
        return own
    wanted = os.path.abspath(file)
    for by_now in (True, False):
        # A path names the file that is there now, before any that was there once.
        matching = {key: each for key, each in own.items() if _path(each, by_now) == wanted}
        if matching:  # the newest, of each destination's reading
            newest = {each.source: key for key, each in sorted(matching.items())}
            return {key: matching[key] for key in newest.values()}
    shown = ", ".join(sorted({entry.path for entry in own.values()}))
    raise UsageError(f"--file: found {file!r}; allowed: {shown}")


def _path(entry: FileEntry, by_now: bool) -> str | None:
    if not by_now:
        return entry.path
    found = locate(entry)
    return None if found is None else str(found.path)


class _Moved(NamedTuple):
    to: int
    asked: int


def rewind(args: argparse.Namespace) -> int:
    """Moves read offsets back."""
    # `shop>b` is what the source shop is called where it is read for the destination b.
    loaded, section = sources.pick(args.config, args.source.partition(">")[0])
    now_ms = time.time_ns() // 1_000_000
    time_ms = now_ms if args.to_time is None else moments.parse(args.to_time, now_ms)
    with _editing(loaded) as store:
        chosen = _chosen(store.state, args.source, args.file)
        if args.to_offset is not None and len({each.path for each in chosen.values()}) > 1:
            paths = ", ".join(sorted({entry.path for entry in chosen.values()}))
            raise UsageError(f"--to-offset is of one file: name it with --file; allowed: {paths}")
        rows: list[dict[str, Any]] = []
        problems: list[str] = []
        for key, entry in chosen.items():
            try:
                moved = _target(entry, section, args.to_offset, time_ms)
            except InputError as error:
                problems.append(str(error))
                continue
            if moved is None or moved.to == entry.read:
                problems.append(f"{entry.path}: nothing to read again")
                continue
            row = _rewound(entry, moved)
            store.append(edits.rewind(store.state, key, moved.to))
            rows.append(row)
    for problem in problems:
        sys.stderr.write(f"hooktail: {problem}\n")
    _write(rows, args)
    if rows:
        _explain_rewind(rows, section)
    return 0 if rows and not problems else 1


def _target(
    entry: FileEntry, section: SourceSection, to_offset: int | None, time_ms: int
) -> _Moved | None:
    if entry.is_pipe:
        raise InputError(f"{entry.path}: a pipe: what came through it cannot be read again")
    found = locate(entry)
    if found is None:
        raise InputError(f"{entry.path}: the file is gone, or another one stands in its place")
    if found.compressed and not _holds(found.path, entry):
        raise InputError(f"{found.path}: another content stands in its place")
    if to_offset is not None:
        if not 0 <= to_offset <= entry.read:
            raise UsageError(
                f"--to-offset: found {to_offset}; allowed: 0 to {entry.read}, what was read "
                "of the file"
            )
        return _Moved(_line_start(found.path, section, to_offset), to_offset)
    from hooktail.extract import registry

    start = moments.first_line_from(
        str(found.path),
        registry.make_parser(section),
        time_ms,
        below=entry.read,
        max_line_bytes=section.max_line_bytes,
        encoding=section.format_options.get("encoding"),
    )
    return None if start is None else _Moved(start, start)


def _holds(archive: Path, entry: FileEntry) -> bool:
    """Tells whether the content of a compressed file begins as what was read did."""
    with logfiles.opened(str(archive)) as stream:
        head = b""
        while len(head) < entry.head_length and (chunk := stream.read1(HEAD_BYTES)):
            head += chunk
    return Head(entry.head_length, entry.head_digest).matches(head)


def _line_start(path: Path, section: SourceSection, offset: int) -> int:
    """Returns the start of the line with the byte at `offset`, of what is decompressed."""
    encoding = section.format_options.get("encoding")
    try:
        file = open_log(path, max_line_bytes=section.max_line_bytes, encoding=encoding)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    if isinstance(file, TailedFile):
        with contextlib.closing(file):
            return file.line_start(min(offset, file.size))
    if file is not None:
        file.close()
    start, end = 0, 0
    with logfiles.opened(str(path)) as stream:
        for batch in logfiles.batches(stream, section.max_line_bytes, encoding):
            # What lies between two batches is a line over the limit.
            starts = [end] if batch.lines is None else [end, *batch.lines.starts]
            reached = bisect_right(starts, offset)
            start = starts[reached - 1]
            if reached < len(starts):
                break
            end = end if batch.lines is None else batch.lines.end
    return start


def _rewound(entry: FileEntry, moved: _Moved) -> dict[str, Any]:
    return {
        "source": entry.source,
        "path": entry.path,
        "from": entry.read,
        "to": moved.to,
        "asked": moved.asked,
        "bytes_to_read_again": entry.read - moved.to,
        "pending_uncounted": sum(start >= moved.to for start in entry.pending),
    }


def _explain_rewind(rows: list[dict[str, Any]], section: SourceSection) -> None:
    for row in rows:
        if row["asked"] != row["to"]:
            sys.stderr.write(
                f"hooktail: {row['path']}: byte {row['asked']} is inside a line; moved back to "
                f"the line's first byte, {row['to']}\n"
            )
    sys.stderr.write(_AGAIN)
    if section.max_event_age_s is not None:
        sys.stderr.write(
            "hooktail: of these, events older than max_event_age "
            f"({section.max_event_age_s:g} seconds) expire instead of being sent\n"
        )


def forget(args: argparse.Namespace) -> int:
    """Takes files, or a whole source, out of the checkpoint."""
    loaded = checked.load(args.config, os.environ)
    with _editing(loaded) as store:
        state = store.state
        started = [place for place in state.started if is_of(place, args.source)]
        if args.file is None and started:
            entries = [each for each in state.files.values() if is_of(each.source, args.source)]
            record = edits.forget_sources(state, started)
        else:
            chosen = _chosen(state, args.source, args.file)
            entries = list(chosen.values())
            record = edits.forget(state, chosen)
        rows = [
            {
                "source": entry.source,
                "path": entry.path,
                "read": entry.read,
                "pending_uncounted": len(entry.pending),
            }
            for entry in entries
        ]
        store.append(record)
    _write(rows, args)
    if args.file is None:
        sys.stderr.write(
            f"hooktail: the next start is the first of source {args.source}: its start_at says "
            "where the files begin that are there then\n"
        )
    else:
        again = "; ".join(
            f"{found.path}, {found.size} bytes"
            for entry in entries
            if (found := locate(entry)) is not None
        )
        sys.stderr.write(
            "hooktail: the next start reads it from its beginning: "
            f"{again or 'if it is found again; it is gone now'}\n"
        )
    return 0


def _write(rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    columns = [name for name in (rows[0] if rows else ()) if name != "asked"]
    tables.write(rows, as_json=args.json, columns=columns, cell=_cell)


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    return f"{value:,}" if isinstance(value, int) else str(value)
