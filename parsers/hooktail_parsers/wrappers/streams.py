"""Joins the chunks of messages, and keeps a parser for each stream of a wrapped log.

Two names of an open record leave this module: `(stream,)` is a message whose end has not come, and
`(stream, name)` a record that the stream's own parser left open under that name. A message put
together from chunks may itself be a line of such a record; it is then handed on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hooktail_parsers._api import (
    Finished,
    ParseError,
    Part,
    Record,
    StatefulParser,
    Step,
)
from hooktail_parsers.headed import json_state
from hooktail_parsers.wrappers.messages import parse_messages, where_message_stops

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import TypeAlias

    from hooktail_parsers._api import Parsed, Parser, Result, Skip
    from hooktail_parsers.stops import Stop
    from hooktail_parsers.wrappers.messages import Message, Splitter, Stamp

TOO_LONG = ParseError("too_long")
UNFINISHED = ParseError("unfinished")

MOST_STREAMS = 64
LONGEST_MESSAGE_BYTES = 1 << 20
CHUNK_HOLD_S = 5.0
"""How long a message may wait for its next chunk."""

_LONGEST_STATE = 16 << 20

_Outcome: TypeAlias = "tuple[Parsed | Part | None, tuple[Finished, ...], bool]"
"""What a line is, the records that it finishes, and whether the state is another one now."""


class _Stream:
    """One stream: its parser, its unfinished message, its parser's unfinished records."""

    __slots__ = ("_chunks", "_open", "_size", "_stamp", "_time_ms", "inner", "name", "skipping",
                 "state")  # fmt: skip

    def __init__(self, name: str, inner: Parser, time_ms: Callable[[Stamp], int | None]) -> None:
        self.name = name
        self.inner = inner
        self.state = ""
        """What the parser carries, by its last word."""
        self.skipping = False
        """The message was too long, and its end has not come."""
        self._time_ms = time_ms
        self._open: dict[Hashable, Stamp] = {}
        """Stamps of the first lines of the parser's open records, by its names for them."""
        self._chunks: list[bytes] = []
        self._size = 0
        self._stamp: Stamp = None
        """That of the first chunk."""

    @property
    def is_idle(self) -> bool:
        """Tells whether nothing is lost when a stream around a parser without state goes."""
        return not self._chunks and not self.skipping

    def take(self, text: bytes, stamp: Stamp, *, ends: bool) -> _Outcome:
        """Takes a message, or a chunk of one."""
        if self.skipping:
            self.skipping = not ends
            return TOO_LONG, (), ends
        if ends and not self._chunks:
            return self.translate(self._parsed(text), stamp)
        message = (self.name,)
        if not self._chunks:
            self._stamp = stamp
        self._chunks.append(text)
        self._size += len(text)
        if self._size > LONGEST_MESSAGE_BYTES:
            self._joined()
            self.skipping = not ends
            return Part(message), (Finished(message, TOO_LONG),), self.skipping
        if not ends:
            return Part(message), (), False
        parsed, finished, changed = self.translate(self._parsed(self._joined()), self._stamp)
        return Part(message), (_finished(message, parsed), *finished), changed

    def translate(self, result: Result, stamp: Stamp) -> _Outcome:
        """Takes what the parser said of a message, and gives its records names of our own."""
        if not isinstance(result, Step):
            return self._own(result, stamp), (), False
        line = None if result.line is None else self._own(result.line, stamp)
        finished = []
        for each in result.finished:
            began = self._open.pop(each.record, stamp)
            finished.append(Finished((self.name, each.record), self._own(each.parsed, began)))
        if result.state is not None:
            self.state = result.state
        return line, tuple(finished), result.state is not None

    def give_up(self, record: Hashable) -> _Outcome:
        """Ends an open record, by the name that we gave it."""
        match record:
            case (_,) if self._chunks:
                parsed, finished, changed = self.translate(
                    self._parsed(self._joined()), self._stamp
                )
                if isinstance(parsed, ParseError):
                    parsed = UNFINISHED
                return None, (_finished(record, parsed), *finished), changed
            case (_, name) if name in self._open and isinstance(self.inner, StatefulParser):
                outcome = self.translate(self.inner.give_up(name), None)
                self._open.pop(name, None)
                return outcome
        return None, (Finished(record, UNFINISHED),), False

    def give_up_all(self) -> Iterable[Finished]:
        """Ends whatever is open."""
        if self._chunks:
            yield from self.give_up((self.name,))[1]
        for name in list(self._open):
            if name in self._open:
                yield from self.give_up((self.name, name))[1]

    def _parsed(self, text: bytes) -> Result:
        # As a batch: it gives a ParseError back, which `parse` may raise.
        return self.inner.parse_batch((text,))[0]

    def _joined(self) -> bytes:
        text = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        return text

    def _own(self, parsed: Parsed | Part, stamp: Stamp) -> Parsed | Part:
        if isinstance(parsed, Part):
            self._open.setdefault(parsed.record, stamp)
            return Part((self.name, parsed.record))
        if isinstance(parsed, Record) and parsed.time_ms is None:
            parsed.time_ms = self._time_ms(stamp)
        return parsed


def _finished(record: Hashable, parsed: Parsed | Part | None) -> Finished:
    return Finished(record, UNFINISHED if parsed is None else parsed)


class StreamWrapper:
    """Around any parser: joins the chunks of messages, and forks a parser with state per stream.

    At most `MOST_STREAMS` streams are known. The one that was silent longest is forgotten for a
    new one, with its state, and what is open in it ends.
    """

    def __init__(self, splitter: Splitter, inner: Parser, name: str) -> None:
        """Prepares one file; `name` is the wrapper's, as configurations have it."""
        self._name = name
        self._splitter = splitter
        self._inner = inner
        self._stateful = inner if isinstance(inner, StatefulParser) else None
        self.hold_s = max(CHUNK_HOLD_S, self._stateful.hold_s if self._stateful else 0.0)
        # The most recent one is the last. Around a parser without state a stream is here only as
        # long as a message of it is unfinished.
        self._streams: dict[str, _Stream] = {}

    def fork(self) -> StreamWrapper:
        """Returns a parser for another file."""
        return StreamWrapper(self._splitter, self._inner, self._name)

    @property
    def chosen(self) -> str:
        """What `auto` has found inside, behind the wrapper's name; of several streams each."""
        found = (getattr(stream.inner, "chosen", "") for stream in self._streams.values())
        return ", ".join(f"{self._name}+{spec}" for spec in sorted({*filter(None, found)}))

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self._take(self._splitter.split(line))

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order; the inner parser gets them as batches where it can."""
        split = list(map(self._splitter.split, lines))
        if self._stateful is None:
            if not self._streams and all(type(each) is not tuple or each[3] for each in split):
                return parse_messages(split, self._inner, self._splitter.time_ms)
            return [self._take(each) for each in split]
        results: list[Result] = []
        at = 0
        while at < len(split):
            end = _end_of_run(split, at)
            first = split[at]
            results.append(self._take(first))
            if end > at + 1 and isinstance(first, tuple):
                results += self._take_run(self._streams[first[2]], split[at + 1 : end])
            at = end
        return results

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where the text inside a refused line stops fitting."""
        return where_message_stops(self._splitter.split(line), self._inner, line, reason)

    def give_up(self, record: Hashable) -> Step:
        """Ends an open record; a message without its end is parsed as far as it came."""
        name = record[0] if isinstance(record, tuple) and record else None
        stream = self._streams.get(name) if isinstance(name, str) else None
        if stream is None:
            return Step(None, (Finished(record, UNFINISHED),))
        _, finished, changed = stream.give_up(record)
        self._drop_idle(stream)
        return Step(None, finished, self._state() if changed else None)

    def restore(self, state: str) -> None:
        """Carries the states of all streams; raises ValueError for a text that is none."""
        if len(state) > _LONGEST_STATE:
            raise ValueError(f"a state of {len(state)} characters is none of this parser")
        carried = json_state(state) if state else {"streams": {}, "skipping": []}
        match carried:
            case {"streams": dict(states), "skipping": list(skipping), **rest} if not rest:
                texts = (*states.values(), *skipping)
            case _:
                raise ValueError(f"{state[:80]!r} is no state of this parser")
        if not all(isinstance(text, str) for text in texts) or (states and self._stateful is None):
            raise ValueError(f"{state[:80]!r} is no state of this parser")
        streams = {name: self._new_stream(name) for name in (*states, *skipping)}
        if len(streams) > MOST_STREAMS:
            raise ValueError(f"a state of {len(streams)} streams is none of this parser")
        for name, stream in streams.items():
            stream.skipping = name in skipping
            if name in states and isinstance(stream.inner, StatefulParser):
                stream.inner.restore(states[name])
                stream.state = states[name]
        self._streams = streams

    def _state(self) -> str:
        streams = self._streams.values()
        return json.dumps(
            {
                "streams": {each.name: each.state for each in streams if each.state},
                "skipping": [each.name for each in streams if each.skipping],
            }
        )

    def _take(self, split: Message | Skip | ParseError) -> Result:
        if not isinstance(split, tuple):
            return split
        text, stamp, name, ends = split
        stream = self._streams.pop(name, None)
        if stream is not None:
            self._streams[name] = stream
            return self._result(stream, stream.take(text, stamp, ends=ends))
        forgotten: _Outcome = (None, (), False)
        if len(self._streams) >= MOST_STREAMS:
            forgotten = self._forget_oldest()
        stream = self._streams[name] = self._new_stream(name)
        line, finished, changed = stream.take(text, stamp, ends=ends)
        outcome = line, (*forgotten[1], *finished), changed or forgotten[2]
        return self._result(stream, outcome)

    def _take_run(
        self, stream: _Stream, split: Sequence[Message | Skip | ParseError]
    ) -> Iterable[Result]:
        """Takes messages of one stream that each are whole."""
        messages = [each for each in split if isinstance(each, tuple)]
        parsed = stream.inner.parse_batch([each[0] for each in messages])
        for each, result in zip(messages, parsed, strict=True):
            yield self._result(stream, stream.translate(result, each[1]))

    def _result(self, stream: _Stream, outcome: _Outcome) -> Result:
        line, finished, changed = outcome
        self._drop_idle(stream)
        if line is not None and not finished and not changed:
            return line
        return Step(line, finished, self._state() if changed else None)

    def _new_stream(self, name: str) -> _Stream:
        inner = self._inner if self._stateful is None else self._stateful.fork()
        return _Stream(name, inner, self._splitter.time_ms)

    def _drop_idle(self, stream: _Stream) -> None:
        if self._stateful is None and stream.is_idle:
            self._streams.pop(stream.name, None)

    def _forget_oldest(self) -> _Outcome:
        stream = self._streams.pop(next(iter(self._streams)))
        return None, tuple(stream.give_up_all()), bool(stream.state) or stream.skipping


def _end_of_run(split: Sequence[Message | Skip | ParseError], at: int) -> int:
    """Returns the end of the whole messages of one stream that begin here, one at the least.

    The first may end a chunked message; those behind it stand alone.
    """
    first = split[at]
    end = at + 1
    if isinstance(first, tuple) and first[3]:
        while end < len(split):
            each = split[end]
            if not isinstance(each, tuple) or each[2] != first[2] or not each[3]:
                break
            end += 1
    return end
