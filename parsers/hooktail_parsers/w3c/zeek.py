r"""The http.log of Zeek (formerly Bro): columns by `#fields`, or one JSON object per line.

    #separator \x09
    #fields	ts	uid	id.orig_h	…
    1741940813.123456	CKx2	203.0.113.7	…

The header says what separates the values, and what stands for an unset and for an empty one. Bytes
that would break the layout are `\xHH` in the values, and a backslash is doubled. The JSON writer
has the same names as keys, and leaves out what is unset.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from hooktail_parsers import json_text
from hooktail_parsers._api import Format, OptionError, ParseError, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.headed import (
    BAD_FIELDS,
    BAD_TIME,
    BLANK,
    BOM,
    COLUMN_COUNT,
    DIRECTIVE,
    LONGEST_HEADER_BYTES,
    MOST_COLUMNS,
    NO_FIELDS_YET,
    NOT_A_REQUEST,
    SYNTAX,
    HeadedParser,
    column_names,
)
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder
from hooktail_parsers.request import read_target
from hooktail_parsers.text import stated
from hooktail_parsers.times import epoch_ms, epoch_number_ms, iso_time_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Result

# The columns that make the record, in the order in which `_record` takes them.
_KEYS = (
    "ts", "method", "uri", "status_code", "host", "id.resp_p", "id.orig_h", "referrer",
    "user_agent", "username", "response_body_len",
)  # fmt: skip
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|\\)")
_SEPARATOR = re.compile(rb"#separator[ \t]++(.+)", re.DOTALL).fullmatch
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch
_LONGEST_MARK_BYTES = 64
_LONGEST_NUMBER = 18
_HIGHEST_PORT = 65_535
_STATUS_END = 1000
_MOST_DIGITS = 10
"""Of the seconds, until 2286. A stamp with more is glued to the beginning of one."""


def _unescape(raw: bytes) -> bytes:
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"\\", raw)


def _number(raw: bytes) -> int | None:
    return int(raw) if raw.isdigit() and len(raw) <= _LONGEST_NUMBER else None


class ZeekParser(HeadedParser):
    """Parses the lines of one http.log."""

    header_keys: ClassVar = frozenset(("fields", "separator", "unset_field", "empty_field"))

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__()
        self._options = options
        decode = self._decode = text_decoder(options)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda raw: virtual_host(_unescape(raw), decode))
        self._methods = Memo(lambda raw: _METHOD(raw) is not None and raw != b"-", 64)
        self._numbers = Memo(_number)
        self._header_changed()

    def fork(self) -> ZeekParser:
        """Returns a parser for another file."""
        return ZeekParser(self._options)

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        return [self._parse(line) for line in lines]

    def _parse(self, line: bytes) -> Result:
        if not b"#" < line[:1] < b"{":
            line = line.removeprefix(BOM).strip(b"\x00")
            start = line.lstrip(b" \t\r")[:1]
            if not start:
                return BLANK
            if start == b"#":
                return self._directive(line.strip(b" \t\r\n"))
            if start == b"{":
                return self._parse_json(line)
        if line[-1:] == b"\r":
            line = line[:-1]
        if not self._names:
            return NO_FIELDS_YET
        values = line.split(self._separator)
        if len(values) != len(self._names):
            return COLUMN_COUNT
        values.append(self._missing[0])
        stamp, *raw = self._pick(values)
        time_ms = None
        if stamp not in self._missing:
            time_ms = epoch_ms(stamp)
            if time_ms is None or stamp[_MOST_DIGITS : _MOST_DIGITS + 1].isdigit():
                return BAD_TIME
        return self._record(time_ms, raw, None, self._fields_of, values)

    def _parse_json(self, line: bytes) -> Result:
        try:
            entry = json_text.loads(line)
        except ValueError:
            return SYNTAX
        if not isinstance(entry, dict) or "uri" not in entry:
            return SYNTAX
        stamp = entry.pop("ts", None)
        time_ms = None
        if isinstance(stamp, int | float):
            time_ms = epoch_number_ms(stamp)
        elif isinstance(stamp, str):
            time_ms = iso_time_ms(stamp.encode("utf-8", "replace"))
        if time_ms is None and stamp is not None:
            return BAD_TIME
        raw = [_json_bytes(entry.pop(key, None)) for key in _KEYS[1:]]
        return self._record(time_ms, raw, {k: v for k, v in entry.items() if v is not None})

    def _record(
        self,
        time_ms: int | None,
        raw: Sequence[bytes],
        fields: dict[str, JsonValue] | None,
        fields_of: Callable[[list[bytes]], Record] | None = None,
        values: list[bytes] | None = None,
    ) -> Record | ParseError:
        method, uri, status_raw, host, port, ip, referrer, agent, user, size = raw
        if method in self._missing or uri in self._missing or not self._methods[method]:
            return NOT_A_REQUEST
        verb = method.decode("ascii")
        scheme: str | None = None
        own_host: str | None = None
        own_port: int | None = None
        query: str | None = None
        if uri[:1] == b"/" and b"\\" not in uri:
            target, mark, behind = uri.partition(b"?")
            path: str | None = self._decode(target)
            if mark:
                query = self._decode(behind)
        else:
            request = read_target(verb, _unescape(uri), self._decode)
            if request is None:
                return NOT_A_REQUEST
            _, scheme, own_host, own_port, path, query = request
        texts, numbers, missing = self._texts, self._numbers, self._missing
        status = 0 if status_raw in missing else numbers[status_raw]
        if status is None or status >= _STATUS_END:
            return SYNTAX
        named = (None, None) if host in missing else self._hosts[host]
        if named[0] is None:
            named = own_host, own_port
        named_host, named_port = named
        server_port = numbers[port]
        if named_port is None and server_port is not None and server_port <= _HIGHEST_PORT:
            named_port = server_port
        return LateRecord(
            time_ms,
            self._ips[ip],
            verb,
            scheme,
            named_host,
            named_port,
            path,
            query,
            status or None,
            texts[referrer],
            texts[agent],
            texts[user],
            # Sizes hardly repeat: nothing to remember.
            _number(size),
            fields=fields or None,
            careful=fields_of,
            source=values,
        )

    def _directive(self, text: bytes) -> Result:
        separator = _SEPARATOR(text)
        if separator:
            mark = _unescape(separator[1])
            if len(mark) > _LONGEST_MARK_BYTES:
                return DIRECTIVE
            return self._change(DIRECTIVE, separator=mark)
        name, _, value = text.partition(self._separator)
        if name == b"#fields":
            names = value.split(self._separator)
            if len(value) > LONGEST_HEADER_BYTES or not 0 < len(names) <= MOST_COLUMNS:
                return self._change(BAD_FIELDS, fields=b"")
            return self._change(DIRECTIVE, fields=b"\n".join(names))
        if name in (b"#unset_field", b"#empty_field") and len(value) <= _LONGEST_MARK_BYTES:
            return self._change(DIRECTIVE, **{name[1:].decode(): _unescape(value)})
        return DIRECTIVE

    def _header_changed(self) -> None:
        self._separator = self._said("separator") or b"\t"
        unset, empty = self._said("unset_field"), self._said("empty_field")
        missing = self._missing = (unset or b"-", empty or b"(empty)", b"")
        decode = self._decode
        self._texts = Memo(
            lambda raw: None if raw in missing else stated(decode(_unescape(raw))), 8192
        )
        fields = self._said("fields")
        if fields is None:
            fields = b"\n".join(column_names(self._options.get("fields", "").encode()) or ())
        self._names = [self._decode(name) for name in fields.split(b"\n")] if fields else []
        at = {name: index for index, name in reversed(list(enumerate(self._names)))}
        self._pick = itemgetter(*(at.get(key, len(self._names)) for key in _KEYS))
        others = [(index, name) for index, name in enumerate(self._names) if name not in _KEYS]
        texts = self._texts

        def fields_of(values: list[bytes]) -> Record:
            fields: dict[str, JsonValue] = {
                name: text for index, name in others if (text := texts[values[index]]) is not None
            }
            return Record(fields=fields or None)

        self._fields_of = fields_of


def _json_bytes(value: object) -> bytes:
    """Returns a JSON value as it would stand in a column, where a backslash is doubled."""
    if isinstance(value, str):
        return value.encode().replace(b"\\", b"\\\\")
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value
    return b""


def _make(options: Mapping[str, str]) -> ZeekParser:
    check_options(options, (*COMMON_OPTIONS, "fields"))
    if "fields" in options and column_names(options["fields"].encode()) is None:
        raise OptionError("fields", "found no usable list; allowed: 1 to 256 column names")
    return ZeekParser(options)


FORMATS: tuple[Format, ...] = (
    Format(
        "zeek_http",
        "Zeek (Bro) http.log, with its header or as JSON",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "referrer", "user_agent", "user", "bytes_sent", "fields",
        ),
        _make,
        example="#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmethod\thost\turi"
        "\treferrer\tuser_agent\tresponse_body_len\tstatus_code\n"
        "1741940813.123456\tCKx2aB\t203.0.113.7\t51234\t192.0.2.10\t80\tGET\tshop.example\t/cart?id=7"
        "\t-\tMozilla/5.0 (X11; Linux)\t2300\t200",
        source="Zeek documentation, http.log and the ASCII log writer",
    ),
)  # fmt: skip
