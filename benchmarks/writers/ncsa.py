"""Lines of the NCSA family: the common format, the combined one, and what others made of them."""

from __future__ import annotations

from benchmarks.writers.hit import HOST, Hit, Written


def ingress_line(hit: Hit) -> str:
    return (
        f"{hit.line} {200 + hit.port % 2000} {hit.taken_s} [default-shop-80] [] "
        f"{hit.upstream} {hit.size} {hit.taken_s} {hit.status} {hit.id}"
    )


FORMATS: tuple[Written, ...] = (
    Written("ncsa_common", lambda hit: hit.common),
    Written("ncsa_combined", lambda hit: hit.line),
    Written("vhost_common", lambda hit: f"{HOST}:443 {hit.common}"),
    Written("vhost_combined", lambda hit: f"{HOST}:443 {hit.line}"),
    Written("nginx_combined", lambda hit: hit.line),
    Written("nginx_main", lambda hit: f'{hit.line} "{hit.ip}, 10.0.0.1"'),
    Written("nginx_ingress", ingress_line),
    Written(
        "traefik_clf",
        lambda hit: (
            f'{hit.line} {hit.number} "shop@docker" "http://{hit.upstream}" {hit.taken_ms}ms'
        ),
    ),
    Written(
        "varnishncsa", lambda hit: hit.line.replace(f" {hit.path}", f" http://{HOST}{hit.path}", 1)
    ),
    Written("lighttpd", lambda hit: hit.line.replace(" - - ", f" {HOST} - ", 1)),
    Written("ovh", lambda hit: hit.line.replace(" - - ", f" {HOST} - ", 1)),
    Written("litespeed_combined", lambda hit: hit.line),
    Written("gunicorn_default", lambda hit: hit.line),
    Written("morgan_combined", lambda hit: hit.line),
    Written("jetty_ncsa", lambda hit: f'{hit.line} "sid={hit.id[:8]}"  {hit.taken_ms}'),
    Written("icecast2", lambda hit: f"{hit.line} {hit.taken_ms}"),
    Written(
        "vhost_combined_plus",
        lambda hit: f"{HOST}:443 {hit.line} {hit.taken_ms // 1000}/{hit.taken_ms * 1000}",
    ),
    Written("nginx_with_time", lambda hit: f"{hit.common} {hit.taken_s} {hit.agents}"),
    Written("nginx_xff_first", lambda hit: f"{hit.ip}, 10.0.0.1{hit.line[len(hit.ip) :]}"),
    Written(
        "nginx_vhost_xff_first", lambda hit: f"{HOST} {hit.ip}, 10.0.0.1{hit.line[len(hit.ip) :]}"
    ),
    Written("gandi", lambda hit: f"{HOST} {hit.line.replace('] ', '] (0 s) ', 1)}"),
    Written("tomcat", lambda hit: f"{hit.common} {hit.id.upper()} {hit.taken_ms}"),
    Written(
        "apache_ssl_request",
        lambda hit: (
            f"[{hit.clf}] {hit.ip} TLSv1.3 TLS_AES_256_GCM_SHA384 "
            f'"{hit.method} {hit.target} HTTP/1.1" {hit.size}'
        ),
    ),
    Written(
        "clf_no_time",
        lambda hit: (
            f'{hit.ip} - - "{hit.method} {hit.target} {hit.protocol}" {hit.status} '
            f"{hit.size} {hit.taken_s}"
        ),
    ),
)
