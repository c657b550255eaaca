"""Lines of proxies with formats of their own."""

from __future__ import annotations

from benchmarks.writers.hit import HOST, Hit, Written, content_type, syslog_time


def _proxy_manager(hit: Hit) -> str:
    return (
        f"[{hit.clf}] - {hit.status} {hit.status} - {hit.method} https {HOST} "
        f'"{hit.target}" [Client {hit.ip}] [Length {hit.size}] [Gzip {hit.number % 40 / 10}] '
        f'[Sent-to {hit.upstream}] "{hit.agent}" "{hit.referrer}"'
    )


def _haproxy(hit: Hit) -> str:
    waited = hit.taken_ms // 2
    return (
        f"{syslog_time(hit)} lb1 haproxy[417]: {hit.ip}:{hit.port} [{hit.clf[:20]}.{hit.ms}] www~ "
        f"shop/web{hit.number % 4} 0/0/1/{waited}/{hit.taken_ms} {hit.status} {hit.size} - - ---- "
        f"{hit.port % 90}/{hit.port % 80}/3/1/0 0/0 {{{HOST}|{hit.agent}|"
        f'{hit.referrer_if_any}}} "{hit.method} {hit.target} HTTP/1.1"'
    )


def _envoy(hit: Hit) -> str:
    return (
        f'[{hit.iso_ms}Z] "{hit.method} {hit.target} HTTP/1.1" {hit.status} - '
        f'via_upstream - "-" 0 {hit.size} {hit.taken_ms} {hit.taken_ms} "{hit.ip},10.0.0.1" '
        f'"{hit.agent}" "{hit.id[:8]}-{hit.id[8:12]}-4{hit.id[13:16]}-9{hit.id[17:20]}-'
        f'{hit.id[20:]}" "{HOST}" "{hit.upstream}" outbound|80||shop.default.svc.cluster.local '
        f"10.0.0.2:{hit.port} 10.0.0.3:80 {hit.ip}:0 - default"
    )


def _squid(hit: Hit) -> str:
    return (
        f"{hit.epoch_s}.{hit.ms} {hit.taken_ms:6} {hit.ip} TCP_MISS/{hit.status:03} {hit.size} "
        f"{hit.method} http://{HOST}{hit.target} - HIER_DIRECT/{hit.upstream[:-5]} "
        f"{content_type(hit)}"
    )


def _zoraxy(hit: Hit) -> str:
    return (
        f"[{hit.day} {hit.clock}.{hit.us:06}] [router:host-http] [origin:{HOST}] "
        f"[client: {hit.ip}] [useragent: {hit.agent}] {hit.method} {hit.target} {hit.status}"
    )


FORMATS: tuple[Written, ...] = (
    Written("nginx_proxy_manager", _proxy_manager),
    Written("haproxy_http", _haproxy, options=(("request_captures", "host,user-agent,referer"),)),
    Written("envoy_text", _envoy),
    Written("squid_native", _squid),
    Written("zoraxy", _zoraxy),
)
