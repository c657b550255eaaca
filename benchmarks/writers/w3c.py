"""Lines under a header that names the columns: IIS, other writers of the W3C format, Zeek."""

from __future__ import annotations

from benchmarks.writers.hit import HOST, Hit, Written, with_percent, with_plus

_W3C = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip"
    " cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)


def _iis(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock} 10.0.0.4 {hit.method} {hit.path} {hit.query or '-'} 443 - {hit.ip} "
        f"{with_plus(hit.agent)} {hit.referrer} {hit.status} 0 0 {hit.taken_ms}"
    )


def _advanced(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock}.{hit.ms} {hit.method} {hit.path} {hit.ip} "
        f'"{hit.agent}" "{HOST}" {hit.status} {hit.taken_ms}'
    )


def _shoutcast(hit: Hit) -> str:
    return (
        f"{hit.ip} {hit.ip} {hit.day} {hit.clock} {hit.target} {hit.status} "
        f"{with_percent(hit.agent)} {hit.size} {hit.taken_ms} 524640"
    )


def _netscaler(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock} {hit.ip} - {hit.method} {hit.path} {hit.query or '-'} "
        f"{hit.status} {hit.size} {hit.taken_ms} {with_plus(hit.agent)}"
    )


def _incapsula(hit: Hit) -> str:
    values = (
        hit.day, hit.clock, hit.ip, hit.agent, HOST + hit.path, "HTTPS", hit.referrer, "443",
        hit.method, hit.query, str(hit.status),
    )  # fmt: skip
    return " ".join(f'"{value}"' for value in values)


def _zeek(hit: Hit) -> str:
    return "\t".join(
        (
            f"{hit.epoch_s}.{hit.us:06}", f"C{hit.id[:16]}", hit.ip, str(hit.port), "10.0.0.4",
            "80", hit.method, HOST, hit.target, hit.referrer, hit.agent, str(hit.size),
            str(hit.status),
        )
    )  # fmt: skip


FORMATS: tuple[Written, ...] = (
    Written("w3c", _iis, _W3C),
    Written("iis_w3c", _iis, _W3C),
    Written(
        "iis_advanced_logging",
        _advanced,
        "#Fields: date-local time-local cs-method cs-uri-stem c-ip cs(User-Agent) cs(Host)"
        " sc-status TimeTakenMS",
    ),
    Written(
        "shoutcast_w3c",
        _shoutcast,
        "#Fields: c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration"
        " avgbandwidth",
    ),
    Written(
        "netscaler_w3c",
        _netscaler,
        "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes"
        " time-taken cs(User-Agent)",
    ),
    Written(
        "incapsula_w3c",
        _incapsula,
        "#Fields: date time c-ip cs(User-Agent) cs-uri cs-version cs(Referrer) s-port cs-method"
        " cs-uri-query sc-status",
    ),
    Written(
        "zeek_http",
        _zeek,
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmethod\thost\turi\t"
        "referrer\tuser_agent\tresponse_body_len\tstatus_code",
    ),
)
