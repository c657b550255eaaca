"""Formats within formats, definitions, and `auto`."""

from __future__ import annotations

from benchmarks.writers.hit import Hit, Written, as_json, syslog_time
from benchmarks.writers.ncsa import ingress_line
from benchmarks.writers.servers import caddy_line


def _docker(hit: Hit) -> str:
    return as_json({"log": f"{hit.line}\n", "stream": "stdout", "time": f"{hit.iso}123Z"})


def _journald(hit: Hit) -> str:
    return as_json(
        {
            "__REALTIME_TIMESTAMP": str(hit.epoch_s * 1_000_000 + hit.us), "_PID": "77",
            "_HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "nginx", "PRIORITY": "6",
            "MESSAGE": hit.line,
        }
    )  # fmt: skip


COMPOSED: tuple[Written, ...] = (
    Written("docker_json+ncsa_combined", _docker),
    Written("cri+nginx_ingress", lambda hit: f"{hit.iso}123Z stdout F {ingress_line(hit)}"),
    Written("cri+caddy_json", lambda hit: f"{hit.iso}123Z stdout F {caddy_line(hit)}"),
    Written("docker_compose+ncsa_combined", lambda hit: f"web-1  | {hit.line}"),
    Written("rfc3164+ncsa_combined", lambda hit: f"<190>{syslog_time(hit)} web1 nginx: {hit.line}"),
    Written("rfc5424+ncsa_combined", lambda hit: f"<190>1 {hit.iso}Z web1 nginx 77 - - {hit.line}"),
    Written("journald_json+ncsa_combined", _journald),
    Written("auto", lambda hit: hit.line),
    Written(
        'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent" $request_time',
        lambda hit: f"{hit.line} {hit.taken_s}",
    ),
    Written(
        r'apache:%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D',
        lambda hit: f"{hit.line} {hit.taken_ms * 1000}",
    ),
    Written('goaccess:%h %^[%d:%t %^] "%r" %s %b "%R" "%u"', lambda hit: hit.line),
    Written("grok:%{COMBINEDAPACHELOG}", lambda hit: hit.line),
    Written(
        r'regex:(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) '
        r'(?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<user_agent>[^"]*)"',
        lambda hit: hit.line,
    ),
)
