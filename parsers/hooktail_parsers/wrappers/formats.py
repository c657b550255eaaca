"""The formats that wrap another one: `docker_json+combined`, `cri+nginx_ingress`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers.wrappers.containers import Cri, DockerCompose, DockerJson
from hooktail_parsers.wrappers.enveloped import JournaldJson, JsonWrapped
from hooktail_parsers.wrappers.parser import wrapper_format
from hooktail_parsers.wrappers.syslog import Rfc3164, Rfc5424

if TYPE_CHECKING:
    from hooktail_parsers._api import Format

_LINE = '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart HTTP/1.1" 200 5 "-" "Agent/1.0"'
_IN_JSON = _LINE.replace('"', '\\"')

FORMATS: tuple[Format, ...] = (
    wrapper_format(
        "docker_json",
        "Docker's json-file logging driver",
        lambda _: DockerJson(),
        f'{{"log":"{_IN_JSON}\\n","stream":"stdout","time":"2025-03-14T08:26:53.987654321Z"}}',
        "Docker documentation, JSON File logging driver",
    ),
    wrapper_format(
        "cri",
        "Kubernetes container logs (containerd, CRI-O)",
        lambda _: Cri(),
        f"2025-03-14T08:26:53.987654321Z stdout F {_LINE}",
        "Kubernetes design proposal, CRI logging",
    ),
    wrapper_format(
        "docker_compose",
        "docker compose logs, kubectl logs --prefix",
        lambda _: DockerCompose(),
        f"web-1  | {_LINE}",
        "Docker documentation, docker compose logs",
    ),
    wrapper_format(
        "rfc3164",
        "old syslog prefix, with or without priority; rsyslog's file format",
        Rfc3164,
        f"<190>Mar 14 09:26:53 web1 nginx: {_LINE}",
        "RFC 3164, and rsyslog's RSYSLOG_FileFormat",
    ),
    wrapper_format(
        "rfc5424",
        "syslog prefix with structured data",
        Rfc5424,
        f"<190>1 2025-03-14T08:26:53.987654Z web1 nginx 77 - - {_LINE}",
        "RFC 5424",
    ),
    wrapper_format(
        "journald_json",
        "journalctl -o json",
        lambda _: JournaldJson(),
        f'{{"__REALTIME_TIMESTAMP":"1741940813987654","_PID":"77","MESSAGE":"{_IN_JSON}"}}',
        "systemd documentation, Journal JSON Format",
    ),
    wrapper_format(
        "json_wrapped",
        "a JSON object with the line in message, log, msg, @message or event.original",
        JsonWrapped,
        f'{{"message":"{_IN_JSON}","timestamp":"2025-03-14T08:26:53.987Z","host":"web1"}}',
        "what Vector, Fluent Bit, Fluentd and Filebeat write",
    ),
)
