"""Rails' logs: a request begins on one line and is completed on another.

    Started GET "/a?b" for IP at TIME … Completed 200 OK in 5ms                  Rails 3 and later
    Processing X#y (for IP at TIME) [GET] … Completed in 5ms | 200 OK [URL]      Rails 1 and 2

Lines of requests served at the same time are joined by their tags, else by process, else by order.
A request of Rails 3 that is never completed is a record without a status, given up when the next
one of its key starts or when it has waited long enough. Of Rails 2 only the last line states the
target, so that there it is none; and where several requests are open and nothing tells which one is
completed, the record says only what is sure: of Rails 3 no status, of Rails 2 nothing in which they
differ.

Parameters, and whatever else stands between, are never read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Finished, Format, ParseError, Part, Record, Skip, Step
from hooktail_parsers.address import client_ip
from hooktail_parsers.apps.rails_lines import is_exception, is_torn, is_usual, read_line
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.request import read_target
from hooktail_parsers.times import OFFSET, ctime_ms, iso_time_ms, offset_s, zone_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import tzinfo

    from hooktail_parsers._api import JsonValue, Parsed, Result, StatefulParser
    from hooktail_parsers.apps.rails_lines import RailsLine

BLANK = Skip("blank")
PART_OF_RECORD = Skip("part_of_record")
NO_REQUEST = Skip("no_request")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

HOLD_S = 60.0
_HOLD_MS = 60_000
MOST_OPEN = 1000
MOST_OPEN_OF_A_KEY = 32
"""For Rails 2 without a process: beyond, the oldest are dead."""

_CONTROLLED_WITHIN_MS = 1000
"""For Rails 3 without a process: so late may a request of whole seconds come to its controller."""
_MOST_STRAYS = 32

_STARTED = re.compile(rb'Started ([!#$%&\'*+.^_`|~0-9A-Za-z-]++) "(.*)\Z', re.DOTALL).match
# An offset that is cut off would be another one.
_STARTED_END = re.compile(
    rb"(\S*+) at ([0-9A-Za-z:+ .-]{19,40}?)(?<! [+-][0-9])(?<! [+-][0-9]{2})(?<! [+-][0-9]{3})"
    rb"\s*+\Z"
).match
_PROCESSING_BY = re.compile(rb"Processing by ([\w:]{1,200}+)#(\w{1,200}+[?!]?)").match
_COMPLETED = re.compile(
    rb"Completed (?:([0-9]{3})\b)?[A-Za-z' -]*? ?in ([0-9]{1,9}(?:\.[0-9]{1,6})?)ms"
).match
_RUBY_TIME = re.compile(
    rb"([A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-3]?[0-9] [0-9:]{8}) (" + OFFSET + rb") ([0-9]{4})"
).fullmatch
_REQUEST_ID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}").fullmatch

_PROCESSING = re.compile(
    rb"Processing ([\w:]{1,200}+)#(\w{1,200}+[?!]?)(?: to \S{1,32}+)? \(for (\S{1,120}+) at"
    rb" ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\) \[([A-Za-z]{1,32}+)\]"
).match
_COMPLETED_IN = re.compile(
    rb"Completed in ([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms)?([^\[]*+)\[(https?://.*)\]\s*+\Z", re.DOTALL
).match
_OUTCOME = re.compile(rb"\| ([0-9]{3})(?: [^|]*+)?\Z").search


class _Open:
    """A request that is not completed."""

    __slots__ = ("failed", "key", "late", "name", "processing", "record")

    def __init__(self, name: int, key: bytes, record: Record, *, processing: bool) -> None:
        self.name = name
        self.key = key
        self.record = record
        self.processing = processing
        """A controller has it."""
        self.failed = False
        """An exception ended it."""
        self.late = False
        """The request before it, of the same key, may yet be completed."""


class _RailsParser:
    """Holds the open requests of one file, the oldest first; nothing else is carried."""

    hold_s = HOLD_S

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        self._options = options
        self._decode = text_decoder(options)
        zone = zone_of(options)
        self._times = Memo(lambda stamp: _time_ms(stamp, zone), 1024)
        self._ips = Memo(client_ip, 16_384)
        self._open: dict[int, _Open] = {}
        self._by_key: dict[bytes, list[_Open]] = {}
        self._name = 0

    def fork(self) -> StatefulParser:
        """Returns such a parser for another file."""
        return type(self)(self._options)

    def restore(self, state: str) -> None:
        """Begins anew; there is no state but the empty one."""
        if state:
            raise ValueError(f"{state[:80]!r} is no state of this parser")
        self._open.clear()
        self._by_key.clear()

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        read = read_line(line)
        message = read.message
        if is_torn(message):
            return self._torn(read.key)
        if message.startswith((b"Started ", b"Processing ", b"Completed ")):
            result = self._landmark(read)
            if result is not None:
                return result
        elif not message.strip(b"\x00 \t\r\n"):
            return BLANK
        open_ones = self._by_key.get(read.key)
        if open_ones:
            if is_exception(message):
                return self._exception(open_ones)
            return PART_OF_RECORD
        return NO_REQUEST if read.prefixed or is_usual(message) else SYNTAX

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        return [self.parse(line) for line in lines]

    def give_up(self, record: Hashable) -> Step:
        """Ends an open request that was never completed."""
        request = self._open.get(record) if isinstance(record, int) else None
        return Step(None) if request is None else Step(None, (self._abandon(request),))

    def _landmark(self, line: RailsLine) -> Result | None:
        """Takes a line that begins or completes a request; None if it does neither."""
        raise NotImplementedError

    def _exception(self, open_ones: list[_Open]) -> Result:
        """Takes a line that says that one of these requests has failed."""
        raise NotImplementedError

    def _abandoned(self, request: _Open) -> Parsed:
        """Says what a request is that was never completed."""
        raise NotImplementedError

    def _begin(
        self, key: bytes, record: Record, ended: list[Finished], *, processing: bool
    ) -> tuple[_Open, Result]:
        """Opens a request, and ends the oldest of all if there are too many."""
        self._name += 1
        request = _Open(self._name, key, record, processing=processing)
        self._open[request.name] = request
        self._by_key.setdefault(key, []).append(request)
        if len(self._open) > MOST_OPEN:
            ended.append(self._abandon(next(iter(self._open.values()))))
        part = Part(request.name)
        return request, Step(part, tuple(ended)) if ended else part

    def _torn(self, key: bytes) -> Result:
        """Takes a line of two requests: of all that are open, nobody knows which go on."""
        ended = [self._abandon(each) for each in tuple(self._by_key.get(key, ()))]
        return Step(SYNTAX, tuple(ended)) if ended else SYNTAX

    def _abandon(self, request: _Open) -> Finished:
        self._close(request)
        return Finished(request.name, self._abandoned(request))

    def _close(self, request: _Open) -> None:
        del self._open[request.name]
        open_ones = self._by_key[request.key]
        open_ones.remove(request)
        if not open_ones:
            del self._by_key[request.key]


class Rails3Parser(_RailsParser):
    """Joins `Started`, `Processing by` and `Completed`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._strays: list[int] = []
        """When those requests began, of no tag and no process, that may yet be completed, though
        another has begun since. As many of `Completed` are of nobody knows which."""

    def restore(self, state: str) -> None:
        """Begins anew; there is no state but the empty one."""
        super().restore(state)
        self._strays.clear()

    def _landmark(self, line: RailsLine) -> Result | None:
        message = line.message
        if message.startswith(b"Started "):
            return self._start(line)
        open_ones = self._by_key.get(line.key)
        if message.startswith(b"Processing by "):
            if not open_ones or open_ones[0].processing:
                return None
            return self._process(open_ones[0], message)
        completed = _COMPLETED(message)
        strays = self._strays if not line.key else None
        if completed is None or not open_ones:
            if completed is not None and strays:
                strays.pop()
            return None
        request = open_ones[0]
        if request.late and not request.processing:
            # The one before is completed: this one has not come to its controller yet.
            request.late = False
            if strays:
                strays.pop()
            return PART_OF_RECORD
        self._close(request)
        record = request.record
        if not strays:
            status, span_ms = completed.groups()
            record.status = (int(status) or None) if status else None
            record.duration_s = float(span_ms) / 1000
        return Step(Part(request.name), (Finished(request.name, record),))

    def _start(self, line: RailsLine) -> Result | None:
        started = _STARTED(line.message)
        if started is None:
            return None
        method, rest = started.groups()
        # The last `" for ` is Rails' own: a client may write another into its target.
        target, mark, end = rest.rpartition(b'" for ')
        whose = _STARTED_END(end)
        if not mark or whose is None:
            return None
        time_ms = self._times[whose[2]]
        if time_ms is None:
            return BAD_TIME
        request = None if method == b"-" else read_target(method.decode(), target, self._decode)
        if request is None:
            return NOT_A_REQUEST
        record = Record(time_ms, self._ips[whose[1]], *request)
        if _REQUEST_ID(line.tag):
            record.request_id = line.tag.decode("ascii")
        ended = []
        late = False
        for before in tuple(self._by_key.get(line.key, ())):
            late = before.late or (before.processing and not before.failed)
            ended.append(self._abandon(before))
            if not line.key and not before.failed:
                self._stray(before, time_ms)
        if not line.key and self._strays:
            self._strays = [each for each in self._strays if 0 <= time_ms - each <= _HOLD_MS]
        opened, result = self._begin(line.key, record, ended, processing=False)
        opened.late = late
        return result

    def _stray(self, request: _Open, now_ms: int) -> None:
        """Remembers a request that may yet be completed when the next has begun."""
        began_ms = request.record.time_ms
        if began_ms is None or len(self._strays) >= _MOST_STRAYS:
            return
        if request.processing or now_ms - began_ms <= _CONTROLLED_WITHIN_MS:
            self._strays.append(began_ms)

    def _process(self, request: _Open, message: bytes) -> Result:
        request.processing = True
        action = _PROCESSING_BY(message)
        if not request.key and self._strays and not request.late:
            action = None  # it may be another's
        if action is not None:
            request.record.fields = _action(action[1], action[2])
        return Part(request.name)

    def _exception(self, open_ones: list[_Open]) -> Result:
        open_ones[0].failed = True
        return PART_OF_RECORD

    def _abandoned(self, request: _Open) -> Parsed:
        return request.record


class Rails2Parser(_RailsParser):
    """Joins `Processing` and `Completed in`."""

    def _landmark(self, line: RailsLine) -> Result | None:
        processing = _PROCESSING(line.message)
        if processing is not None:
            return self._process(line.key, processing)
        completed = _COMPLETED_IN(line.message)
        if completed is None:
            return None
        span, unit, between, url = completed.groups()
        outcome = _OUTCOME(between.rstrip())
        open_ones = self._by_key.get(line.key)
        if outcome is None or not open_ones:
            return None
        _share(open_ones)
        request, record = open_ones[0], open_ones[0].record
        self._close(request)
        target = read_target(record.method or "GET", url, self._decode)
        parsed: Parsed = NOT_A_REQUEST
        if target is not None:
            _, record.scheme, record.host, record.port, record.path, record.query = target
            record.status = int(outcome[1]) or None
            record.duration_s = float(span) / 1000 if unit else float(span)
            parsed = record
        return Step(Part(request.name), (Finished(request.name, parsed),))

    def _process(self, key: bytes, processing: re.Match[bytes]) -> Result:
        controller, action, ip, stamp, method = processing.groups()
        time_ms = self._times[stamp]
        if time_ms is None:
            return BAD_TIME
        record = Record(time_ms, self._ips[ip], method.decode("ascii"))
        record.fields = _action(controller, action)
        open_ones = self._by_key.get(key, [])
        # A process of Rails 2 serves one request at a time.
        dead = [each for each in open_ones if each.failed or key]
        if not dead and len(open_ones) >= MOST_OPEN_OF_A_KEY:
            dead = open_ones[:1]
        ended = [self._abandon(each) for each in dead]
        return self._begin(key, record, ended, processing=True)[1]

    def _exception(self, open_ones: list[_Open]) -> Result:
        if len(open_ones) == 1:
            open_ones[0].failed = True
            return PART_OF_RECORD
        _share(open_ones)
        return Step(PART_OF_RECORD, (self._abandon(open_ones[0]),))

    def _abandoned(self, request: _Open) -> Parsed:  # noqa: ARG002  # whatever it was
        return NO_REQUEST


def _share(open_ones: list[_Open]) -> None:
    """Leaves to requests that cannot be told apart only what holds for all of them."""
    if len(open_ones) == 1:
        return
    for name in ("time_ms", "ip", "method", "fields"):
        values = [getattr(each.record, name) for each in open_ones]
        if any(value != values[0] for value in values):
            for each in open_ones:
                setattr(each.record, name, None)


def _action(controller: bytes, action: bytes) -> dict[str, JsonValue]:
    return {
        "controller": controller.decode("utf-8", "replace"),
        "action": action.decode("utf-8", "replace"),
    }


def _time_ms(stamp: bytes, zone: tzinfo) -> int | None:
    """Reads a time as Ruby writes it: `2025-03-14 08:26:53 +0000`, `Fri Mar 14 08:26:53 UTC 2025`.

    Rails 2 writes it without a zone.
    """
    time_ms = iso_time_ms(stamp, zone)
    if time_ms is not None:
        return time_ms
    ruby = _RUBY_TIME(stamp)
    if ruby is None:
        return None
    clock, offset, year = ruby.groups()
    time_ms = ctime_ms(clock + b" " + year)
    return None if time_ms is None else max(0, time_ms - offset_s(offset) * 1000)


_FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "duration_s",
    "fields",
)  # fmt: skip
FORMATS = (
    Format(
        "rails3_log",
        "Rails 3 and later: Started, Processing and Completed, by tag, process or order",
        (*_FIELDS, "request_id"),
        Rails3Parser,
        example='Started GET "/orders/5?tab=items" for 203.0.113.7 at 2025-03-14 08:26:53 +0000',
        source="Rails, Rails::Rack::Logger and ActionController::LogSubscriber",
    ),
    Format(
        "rails2_log",
        "Rails 1 and 2: Processing and Completed in, by process or order",
        _FIELDS,
        Rails2Parser,
        example=(
            "Processing ShopController#index (for 203.0.113.7 at 2025-03-14 08:26:53) [GET]\n"
            "Completed in 61ms (View: 12, DB: 3) | 200 OK [http://shop.example/shop]"
        ),
        source="Rails 2, ActionController::Benchmarking",
    ),
)
