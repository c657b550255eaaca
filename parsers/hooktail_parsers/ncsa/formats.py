"""The formats of the NCSA family that differ by no more than a few columns, by writer."""

from __future__ import annotations

from hooktail_parsers.ncsa.parser import NOTHING_MORE, Layout, writer_format
from hooktail_parsers.ncsa.tails import (
    TRAEFIK_END,
    drop_scheme,
    read_cookies_and_latency,
    read_forwarded,
    read_ingress,
    read_seconds,
    read_traefik,
)

_COMMON = '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p?a=1 HTTP/1.1" 200 512'
_COMBINED = f'{_COMMON} "https://ref.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
_HOST_SECOND = _COMBINED.replace(" - - ", " shop.example - ", 1)

FORMATS = (
    writer_format(
        "ncsa_common",
        "Apache common (alias: common): no referrer, no user agent",
        layout=Layout(agent=False),
        example=_COMMON,
        source="Apache httpd mod_log_config, LogFormat common",
    ),
    writer_format(
        "ncsa_combined",
        "Apache or nginx combined (alias: combined)",
        layout=Layout(),
        example=_COMBINED,
        source="Apache httpd mod_log_config, LogFormat combined",
    ),
    writer_format(
        "vhost_common",
        "common behind the virtual host, %v or %v:%p",
        layout=Layout(vhost=True, agent=False),
        example=f"shop.example:443 {_COMMON}",
        source="Apache httpd mod_log_config, %v before common",
    ),
    writer_format(
        "vhost_combined",
        "combined behind the virtual host, %v or %v:%p (Debian's Apache)",
        layout=Layout(vhost=True),
        example=f"shop.example:443 {_COMBINED}",
        source="Debian's apache2.conf, LogFormat vhost_combined",
    ),
    writer_format(
        "nginx_combined",
        "nginx's predefined combined",
        layout=Layout(),
        example=_COMBINED,
        source="nginx ngx_http_log_module, log_format combined",
    ),
    writer_format(
        "nginx_main",
        "nginx's packaged main: combined and X-Forwarded-For",
        layout=Layout(finish=read_forwarded, more_quoted=1),
        example=f'{_COMBINED} "198.51.100.4, 10.0.0.1"',
        source="nginx.conf of the nginx packages, log_format main",
        more_fields=("xff",),
    ),
    writer_format(
        "nginx_ingress",
        "ingress-nginx for Kubernetes: combined, timing and upstreams",
        layout=Layout(finish=read_ingress, more_quoted=None),
        example=(
            f"{_COMBINED} 431 0.012 [default-shop-80] [] 10.0.0.9:8080 512 0.011 200"
            " c99400a4db42e32187a3cbda00920e41"
        ),
        source="ingress-nginx user guide, log format",
        more_fields=("duration_s", "request_id"),
    ),
    writer_format(
        "traefik_clf",
        "Traefik's common log format",
        layout=Layout(raw_agent_end=TRAEFIK_END, finish=read_traefik, more_quoted=None),
        example=f'{_COMBINED} 42 "shop@docker" "http://10.0.0.9:80" 12ms',
        source="Traefik documentation, access logs, format common",
        more_fields=("duration_s",),
    ),
    writer_format(
        "varnishncsa",
        "varnishncsa: combined with absolute URLs, whose scheme is no evidence",
        layout=Layout(absolute=True, finish=drop_scheme),
        example=_COMBINED.replace("/p?", "http://shop.example/p?", 1),
        source="Varnish Cache reference, varnishncsa",
    ),
    writer_format(
        "lighttpd",
        "lighttpd: combined with the host in the second column",
        layout=Layout(host_second=True),
        example=_HOST_SECOND,
        source="lighttpd mod_accesslog, default accesslog.format",
    ),
    writer_format(
        "ovh",
        "OVH web hosting: combined with the host in the second column",
        layout=Layout(host_second=True),
        example=_HOST_SECOND,
        source="OVHcloud web hosting logs",
    ),
    writer_format(
        "litespeed_combined",
        "LiteSpeed's combined",
        layout=Layout(quoted_prefix=True),
        example=_COMBINED.replace("HTTP/1.1", "HTTP/3", 1),
        source="LiteSpeed Web Server documentation, access log format",
    ),
    writer_format(
        "gunicorn_default",
        "gunicorn's default access_log_format",
        layout=Layout(clientless=True),
        example=_COMBINED,
        source="Gunicorn settings, access_log_format",
    ),
    writer_format(
        "morgan_combined",
        "morgan's combined (Node.js)",
        layout=Layout(raw_agent_end=NOTHING_MORE),
        example=_COMBINED,
        source="morgan's README, predefined format combined",
    ),
    writer_format(
        "jetty_ncsa",
        "Jetty's request log: combined, with cookies and latency if they are on",
        layout=Layout(finish=read_cookies_and_latency, more_quoted=None),
        example=f'{_COMBINED} "sid=abc"  12',
        source="Jetty documentation, NCSARequestLog and CustomRequestLog",
        more_fields=("cookies", "duration_s"),
    ),
    writer_format(
        "icecast2",
        "Icecast 2: combined and the seconds that a client listened",
        layout=Layout(finish=read_seconds, more_quoted=None),
        example=f"{_COMBINED} 1807",
        source="Icecast 2 documentation, access log",
        more_fields=("duration_s",),
    ),
)
