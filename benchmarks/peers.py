"""The whole job beside a peer written in C: from the file to one POST an event, in one run.

The peer is syslog-ng (Debian's packages syslog-ng-core, syslog-ng-scl and
syslog-ng-mod-http): it tails the same
file, parses it with its own apache-accesslog-parser, and posts one JSON body a line. It knows no
visitors, sessions, bots or ids, so it has less to do. The endpoint is `pixel.c`; over TLS, one
worker of nginx that answers by itself. Where a program is missing, its rows are left out and the
note says so.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from glob import glob
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.generate import write_log
from benchmarks.measure import Table, cpu_s, peak_rss_mib
from benchmarks.processes import BenchmarkError, configure, daemon, end, wait_for
from benchmarks.quick_endpoint import make_certificate
from benchmarks.settings import Setting, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WARM, COOL = 0.1, 0.95
"""Measured between these shares of the events."""
_LOOK_S = 0.02
SYSLOG_NG, NGINX = "/usr/sbin/syslog-ng", "/usr/sbin/nginx"
_APACHE = "/usr/share/syslog-ng/include/scl/apache/apache.conf"
_HTTP = "/usr/lib/syslog-ng/*/libhttp.so"


SIZES = {
    "full": Size(
        (
            Setting("http", 0, 64, 200_000),
            Setting("http", 50, 64, 10_000),
            Setting("http", 50, 256, 40_000),
            Setting("http", 50, 1000, 150_000),
            Setting("https", 0, 64, 150_000),
            Setting("https", 0, 256, 150_000),
        ),
        3,
    ),
    "quick": Size((Setting("http", 0, 64, 40_000), Setting("https", 0, 64, 40_000)), 1),
    "tiny": Size((Setting("http", 0, 8, 300),), 1),
}


class Target(NamedTuple):
    """Where events go, and how many have arrived."""

    url: str
    ca_file: Path | None
    arrived: Callable[[], int]


class Span(NamedTuple):
    events: int
    wall_s: float
    cpu_s: float
    peak_mib: float


def run(size: str, directory: Path) -> Table:
    """Measures both, in turn, at each setting."""
    wanted = SIZES[size]
    missing = [path for path in (SYSLOG_NG, _APACHE, _HTTP, NGINX) if not glob(path)]
    peer_is_whole = not {SYSLOG_NG, _APACHE, _HTTP} & set(missing)
    pixel = _compiled(directory)
    rows: list[tuple[str, ...]] = []
    for number, setting in enumerate(wanted.settings):
        if setting.scheme == "https" and NGINX in missing:
            continue
        place = directory / f"setting-{number}"
        place.mkdir()
        log = place / "access.log"
        write_log(log, setting.events, pageviews=True)
        seen: dict[str, list[Span]] = {"**hooktail**": []}
        if peer_is_whole:
            seen["syslog-ng"] = []
        for turn in range(wanted.rounds):
            for name, spans in seen.items():
                here = place / f"{name.strip('*')}-{turn}"
                here.mkdir()
                with _target(setting, pixel, here) as target:
                    way = _hooktail if name == "**hooktail**" else _syslog_ng
                    spans.append(way(setting, target, here, log))
        rows += [_row(name, setting, spans) for name, spans in seen.items()]
    note = f"Each the median of {wanted.rounds} turns, from {WARM:.0%} to {COOL:.0%} of the events."
    if missing:
        note += f" Not on this machine, and left out: {', '.join(missing)}."
    headers = ("who, over what, answers after, in flight", "events/s", "CPU µs an event", "MiB")
    return Table(headers, rows, note)


def _row(name: str, setting: Setting, spans: list[Span]) -> tuple[str, ...]:
    return (
        f"{name}, {setting}",
        f"{median(each.events / each.wall_s for each in spans):,.0f}",
        f"{median(each.cpu_s / each.events for each in spans) * 1e6:.1f}",
        f"{median(each.peak_mib for each in spans):.0f}",
    )


def _hooktail(setting: Setting, target: Target, directory: Path, log: Path) -> Span:
    delivery = f"concurrency = {setting.concurrency}"
    trust = "" if target.ca_file is None else f'\nca_file = "{target.ca_file}"'
    config = configure(directory, target.url, str(log), delivery=delivery)
    if trust:
        text = config.read_text()
        config.write_text(text.replace('account_id = "benchmark"', f'account_id = "b"{trust}'))
    with daemon(directory, config) as one:
        span = _watch(one.pid, target, setting.events)
        wait_for(lambda: target.arrived() >= setting.events, "the last events", 120)
        one.stop()
        if one.books().get("delivered") != setting.events:
            raise BenchmarkError(f"not all were delivered: {one.books()}")
    return span


def _syslog_ng(setting: Setting, target: Target, directory: Path, log: Path) -> Span:
    # It begins at the end of a file that it meets as a whole only if it is told where it was.
    copy = directory / "in.log"
    shutil.copyfile(log, copy)
    config = directory / "syslog-ng.conf"
    config.write_text(_syslog_ng_config(setting, target, copy))
    files = {"-f": config, "-R": directory / "p", "-c": directory / "ctl", "-p": directory / "pid"}
    options = [str(each) for pair in files.items() for each in pair]
    with (directory / "peer.log").open("wb") as said:
        process = subprocess.Popen(
            [SYSLOG_NG, "-F", "--no-caps", "--worker-threads=2", *options],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            return _watch(process.pid, target, setting.events)
        finally:
            end(process)


def _syslog_ng_config(setting: Setting, target: Target, log: Path) -> str:
    url = target.url.replace("{account_id}", "b")
    tls = "" if target.ca_file is None else f'tls(ca-file("{target.ca_file}") peer-verify(yes))'
    body = (
        'event_name=pageview timestamp="${ISODATE}" url="https://shop.example${.apache.request}" '
        'referrer="${.apache.referrer}" user_agent="${.apache.agent}" '
        'ip_address="${.apache.clientip}"'
    )
    return f"""\
@version: 3.38
@include "{_APACHE}"
options {{ stats-freq(0); log-msg-size(65536); threaded(yes); use-dns(no); keep-hostname(yes); }};
source s {{ file("{log}" flags(no-parse) log-fetch-limit(1000) log-iw-size(20000)); }};
parser p {{ apache-accesslog-parser(prefix(".apache.") template("${{MESSAGE}}")); }};
destination d {{ http(
    url("{url}") method("POST") headers("Content-Type: application/json")
    body('$(format-json --omit-empty-values {body})') {tls}
    workers({setting.concurrency}) batch-lines(1) timeout(30) log-fifo-size(50000)
    frac-digits(3) time-zone("UTC")); }};
log {{ source(s); parser(p); destination(d); flags(flow-control); }};
"""


def _compiled(directory: Path) -> Path:
    program = directory / "pixel"
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchmarkError("no C compiler is on this machine: apt-get install gcc libc6-dev")
    source = Path(__file__).with_name("pixel.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


@contextmanager
def _target(setting: Setting, pixel: Path, directory: Path) -> Iterator[Target]:
    if setting.scheme == "https":
        with _nginx(directory) as target:
            yield target
        return
    process = subprocess.Popen([str(pixel), str(setting.answer_ms)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        url = f"http://127.0.0.1:{port}/{{account_id}}/pixel.png"
        yield Target(url, None, lambda: int(json.loads(_get(port, "/stats"))["requests"]))
    finally:
        end(process)


@contextmanager
def _nginx(directory: Path) -> Iterator[Target]:
    certificate, key = make_certificate(directory)
    port, plain_port = _free_port(), _free_port()
    (directory / "logs").mkdir()
    config = directory / "nginx.conf"
    config.write_text(f"""\
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/logs/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_requests 10000000; client_body_temp_path {directory}/body;
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{ return 200; }}
    }}
    server {{ listen 127.0.0.1:{plain_port}; location / {{ stub_status; }} }}
}}
""")
    process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(config)])
    try:
        wait_for(lambda: _answers(plain_port), "nginx to listen", 20)

        looks = count(2)  # those that count are counted too, as was the one that found it

        def arrived() -> int:
            accepts_handled_requests = re.search(r"(\d+) (\d+) (\d+) ", _get(plain_port, "/"))
            if accepts_handled_requests is None:
                raise BenchmarkError("nginx has no stub_status: apt-get install nginx-light")
            return int(accepts_handled_requests[3]) - next(looks)

        yield Target(f"https://127.0.0.1:{port}/{{account_id}}/pixel.png", certificate, arrived)
    finally:
        end(process)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(OSError, HTTPException):
        return bool(_get(port, "/"))
    return False


def _get(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class _Moment(NamedTuple):
    arrived: int
    at: float
    cpu_s: float
    peak_mib: float


def _watch(pid: int, target: Target, events: int) -> Span:
    """Waits for the first and the last moment of the span; hardly costs the machine anything."""

    first = look = _Moment(0, time.perf_counter(), 0.0, 0.0)

    def reached(share: float) -> bool:
        nonlocal look
        look = _Moment(target.arrived(), time.perf_counter(), cpu_s(pid), peak_rss_mib(pid))
        return look.arrived >= share * events

    def begun() -> bool:
        # The last look before, so that a span is never empty, however quick the events are.
        nonlocal first
        before = look
        if not reached(WARM):
            return False
        first = before
        return True

    wait_for(begun, "the first events", 120, _LOOK_S)
    if look.arrived < COOL * events:
        wait_for(lambda: reached(COOL), "the last events", 300, _LOOK_S)
    last = look
    return Span(
        last.arrived - first.arrived,
        last.at - first.at,
        last.cpu_s - first.cpu_s,
        last.peak_mib,
    )
