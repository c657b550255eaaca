"""uWSGI's own request log.

    [pid: 7|app: 0|req: 1/1] ip (user) {38 vars in 696 bytes} [Sun Mar  9 22:49:12 2025]
        GET /path => generated 47 bytes in 129 msecs (HTTP/1.1 200) 9 headers in 378 bytes (…)

The time is local and has no zone. Reports of memory may stand in front, and the way of sending
(`via sendfile()`) before the parenthesis. What uWSGI writes besides requests is no record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import BAD_TIME, NOT_A_REQUEST, START, SYNTAX, without_record
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.split_request import read_split_request
from hooktail_parsers.text import stated
from hooktail_parsers.times import ctime_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

_LINE = re.compile(
    START + rb"(?>(?:\{[^{}]*+\} )*)\[pid: ([0-9]{1,10})\|app: ([0-9-]{1,10})\|req: [^\]]*+\] "
    rb"([^()\[\]]*+)\(([^()]*+)\) \{[^{}]*+\} \[([^\]]{20,32})\] (\S*+) (.*?)"
    rb" => generated ([0-9]{1,18}) bytes in ([0-9]{1,15}) (msecs|micros)"
    rb"(?> via [^\s()]++\(\)|) \(\S*+ ([0-9]{1,3})\)",
    re.DOTALL,
).match
_ORDINARY = re.compile(
    rb"\[pid: ([0-9]{1,10})\|app: ([0-9-]{1,10})\|req: [^\]]*+\] ([0-9A-Fa-f.:]++) \(([^()]*+)\) "
    rb"\{[^{}]*+\} \[([^\]]{20,32})\] ([A-Z]++) (/[^ ?]*+)(?:\?([^ ]*+))?"
    rb" => generated ([0-9]{1,18}) bytes in ([0-9]{1,15}) (msecs|micros)"
    rb"(?> via [^\s()]++\(\)|) \(\S*+ ([0-9]{1,3})\)"
).match
_UNITS_PER_SECOND = {b"msecs": 1000, b"micros": 1_000_000}


class UwsgiParser:
    """Parses uWSGI's request lines."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        zone = zone_of(options)
        self._encoding = options.get("encoding", "utf-8")
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None, 1024)
        self._times = Memo(lambda stamp: ctime_ms(stamp, zone), 1024)
        self._ips = Memo(client_ip, 16_384)
        self._texts = Memo(lambda raw: stated(decode(raw)))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        encoding, times, ips, texts = self._encoding, self._times, self._ips, self._texts
        methods, statuses = self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = _ORDINARY(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            (
                pid, app, client, user, time, method, path, query, size, spent, unit, status,
            ) = found.groups()  # fmt: skip
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            append(
                Record(
                    time_ms,
                    ips[client],
                    methods[method],
                    None,
                    None,
                    None,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None,
                    None,
                    texts[user],
                    int(size),
                    int(spent) / _UNITS_PER_SECOND[unit],
                    fields={"pid": int(pid), "app": app.decode("ascii")},
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = _LINE(line)
        if found is None:
            return without_record(line)
        pid, app, client, user, time, method, target, size, spent, unit, status = found.groups()
        if b"[pid: " in target:
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = read_split_request(method, target, self._decode)
        if request is None:
            return NOT_A_REQUEST
        client = client.strip()
        fields: dict[str, JsonValue] = {"pid": int(pid), "app": self._decode(app)}
        # With `log-x-forwarded-for` it is that header, a list.
        is_list = b"," in client
        return Record(
            time_ms,
            forwarded_ip(client) if is_list else self._ips[client],
            *request,
            int(status) or None,
            user=self._texts[user],
            bytes_sent=int(size),
            duration_s=int(spent) / _UNITS_PER_SECOND[unit],
            xff=self._decode(client) if is_list else None,
            fields=fields,
        )


FORMATS = (
    Format(
        "uwsgi",
        "uWSGI's request log (local time: give the timezone)",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "user",
            "bytes_sent", "duration_s", "xff", "fields",
        ),
        UwsgiParser,
        example=(
            "[pid: 77|app: 0|req: 1/1] 203.0.113.7 () {38 vars in 696 bytes}"
            " [Fri Mar 14 09:26:53 2025] GET /p?a=1 => generated 512 bytes in 12 msecs"
            " (HTTP/1.1 200) 9 headers in 378 bytes (1 switches on core 0)"
        ),
        source="uWSGI core/logging.c, the default request log",
    ),
)  # fmt: skip
