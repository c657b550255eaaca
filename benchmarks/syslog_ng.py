"""syslog-ng on the same work: a file through `apache-accesslog-parser` and a filter for page views.

What passes is written as JSON to a file, so that nothing but reading, parsing, filtering and
formatting is measured. With a prefilter one expression drops lines for assets before the parser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measure import cpu_s
from benchmarks.processes import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

_APACHE = Path("/usr/share/syslog-ng/include/scl/apache/apache.conf")
MISSING = "not installed here: `apt-get install syslog-ng-core syslog-ng-scl`"
_LONGEST_S = 600.0
_LOOK_EVERY_S = 0.02
_ASSETS = (
    "js|css|png|jpe?g|gif|webp|svg|ico|woff2?|ttf|eot|map|mp[34]|webm|txt|xml|json|pdf|zip|avif"
)
_BOTS = "bot|crawl|spider|slurp|curl|wget|python|go-http|facebookexternalhit|monitor"
_CONFIGURATION = r"""
@version: {version}
@include "{apache}"
options {{ stats-freq(0); log-msg-size(65536); threaded(yes); use-dns(no); keep-hostname(yes); }};
source s {{ file("{log}" flags(no-parse) log-fetch-limit(1000) log-iw-size(20000)); }};
parser p {{ apache-accesslog-parser(prefix(".apache.") template("${{MESSAGE}}")); }};
filter f {{
  match("GET" value(".apache.verb") type(string))
  and match("2" value(".apache.response") type(string) flags(prefix))
  and not match('\.(?:{assets})(?:$|\?)' value(".apache.request") type(pcre) flags(ignore-case))
  and not match("{bots}" value(".apache.agent") type(pcre) flags(ignore-case));
}};
destination d {{
  file("{out}" template('$(format-json --omit-empty-values event_name=pageview
    timestamp="${{ISODATE}}" url="https://shop.example${{.apache.request}}"
    referrer="${{.apache.referrer}}" user_agent="${{.apache.agent}}"
    ip_address="${{.apache.clientip}}")
') log-fifo-size(200000) flush-lines(1000));
}};
log {{ source(s); {prefilter} parser(p); filter(f); destination(d); flags(flow-control); }};
"""
_PREFILTER = (
    r"""filter {{ not match('"[A-Z]+ [^ ?"]*\.(?:{assets})[ ?]' value(MESSAGE) type(pcre)); }};"""
)


class Outcome(NamedTuple):
    """What syslog-ng needed for a file."""

    cpu_s: float
    events: int


def is_there() -> bool:
    """Tells whether syslog-ng and its parser of access logs are installed."""
    return shutil.which("syslog-ng") is not None and _APACHE.exists()


def version() -> str:
    """Returns the version, as a configuration states it."""
    said = subprocess.run(
        ["syslog-ng", "--version"], check=True, capture_output=True, text=True
    ).stdout
    number = said.partition("(")[2].partition(")")[0] or said.split()[1]
    return ".".join(number.split(".")[:2])


def run(log: Path, directory: Path, *, prefilter: bool) -> Outcome:
    """Reads a file to its end; raises BenchmarkError if that does not come to pass."""
    directory.mkdir(mode=0o700)
    out, configuration = directory / "out", directory / "syslog-ng.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            version=version(),
            apache=_APACHE,
            log=log,
            out=out,
            assets=_ASSETS,
            bots=_BOTS,
            prefilter=_PREFILTER.format(assets=_ASSETS) if prefilter else "",
        ).lstrip()
    )
    command = ["syslog-ng", "--foreground", "--no-caps", "--cfgfile", str(configuration)]
    for option, name in (("persist-file", "persist"), ("control", "ctl"), ("pidfile", "pid")):
        command += [f"--{option}", str(directory / name)]
    with (directory / "said").open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            spent_s = _spent_s(process, log)
        finally:
            process.terminate()
            process.wait()
    if spent_s is None:
        raise BenchmarkError(f"syslog-ng: {(directory / 'said').read_text()[-500:]}")
    return Outcome(spent_s, out.read_bytes().count(b"\n") if out.exists() else 0)


def _spent_s(process: subprocess.Popen[bytes], log: Path) -> float | None:
    """Waits until the file is read and what came of it is written; None if it ends before."""
    size_bytes, ends_at = log.stat().st_size, time.monotonic() + _LONGEST_S
    before = -1.0
    while time.monotonic() < ends_at and process.poll() is None:
        time.sleep(_LOOK_EVERY_S)
        if max(_offsets(process.pid, log), default=0) < size_bytes:
            continue
        now = cpu_s(process.pid)
        if now == before:
            return now
        before = now
        time.sleep(10 * _LOOK_EVERY_S)
    return None


def _offsets(pid: int, log: Path) -> Iterator[int]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if Path(os.readlink(link)) == log:
                yield int(Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split()[1])
        except OSError:
            continue
