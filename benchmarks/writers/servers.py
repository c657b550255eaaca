"""Lines of web servers and proxies that write JSON."""

from __future__ import annotations

from benchmarks.writers.hit import HOST, Hit, Written, as_json, content_type


def caddy_line(hit: Hit) -> str:
    headers = {
        "User-Agent": [hit.agent],
        "Accept": ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        "Accept-Language": ["en-US,en;q=0.5"],
        "Accept-Encoding": ["gzip, deflate, br, zstd"],
        "Sec-Fetch-Dest": ["document"],
        "Sec-Fetch-Mode": ["navigate"],
        "Sec-Fetch-Site": ["same-origin"],
        "Sec-Ch-Ua-Platform": ['"Linux"'],
        "Cookie": ["REDACTED"],
    }
    if hit.referrer_if_any:
        headers["Referer"] = [hit.referrer]
    return as_json(
        {
            "level": "info",
            "ts": hit.epoch_s + hit.us / 1_000_000,
            "logger": "http.log.access.log0",
            "msg": "handled request",
            "request": {
                "remote_ip": hit.ip, "remote_port": str(hit.port), "client_ip": hit.ip,
                "proto": "HTTP/2.0", "method": hit.method, "host": HOST, "uri": hit.target,
                "headers": headers,
                "tls": {
                    "resumed": False, "version": 772, "cipher_suite": 4865, "proto": "h2",
                    "server_name": HOST,
                },
            },
            "bytes_read": 0,
            "user_id": "",
            "duration": hit.taken_ms / 1000 + hit.us / 10**9,
            "size": hit.size,
            "status": hit.status,
            "resp_headers": {
                "Server": ["Caddy"], "Alt-Svc": ['h3=":443"; ma=2592000'],
                "Content-Type": [content_type(hit)], "Content-Length": [str(hit.size)],
            },
        }
    )  # fmt: skip


def _traefik_json(hit: Hit) -> str:
    return as_json(
        {
            "ClientAddr": f"{hit.ip}:{hit.port}", "ClientHost": hit.ip,
            "ClientPort": str(hit.port), "ClientUsername": "-", "DownstreamContentSize": hit.size,
            "DownstreamStatus": hit.status, "Duration": hit.taken_ms * 1_000_000 + hit.us,
            "OriginContentSize": hit.size, "OriginDuration": hit.taken_ms * 1_000_000,
            "OriginStatus": hit.status, "Overhead": hit.us, "RequestAddr": HOST,
            "RequestContentSize": 0, "RequestCount": hit.number, "RequestHost": HOST,
            "RequestMethod": hit.method, "RequestPath": hit.target, "RequestPort": "-",
            "RequestProtocol": "HTTP/2.0", "RequestScheme": "https", "RetryAttempts": 0,
            "RouterName": "shop@docker", "ServiceAddr": hit.upstream, "ServiceName": "shop@docker",
            "ServiceURL": f"http://{hit.upstream}", "StartLocal": f"{hit.iso}123Z",
            "StartUTC": f"{hit.iso}123Z", "entryPointName": "websecure", "level": "info",
            "msg": "", "request_Referer": hit.referrer, "request_User-Agent": hit.agent,
            "time": f"{hit.day}T{hit.clock}Z",
        }
    )  # fmt: skip


def _nginx_json(hit: Hit) -> str:
    return as_json(
        {
            "time": f"{hit.day}T{hit.clock}+00:00", "remote_addr": hit.ip, "remote_user": "",
            "request": f"{hit.method} {hit.target} {hit.protocol}", "status": str(hit.status),
            "body_bytes_sent": str(hit.size), "request_time": hit.taken_s,
            "http_referer": hit.referrer_if_any,
            "http_user_agent": hit.agent, "host": HOST, "scheme": "https",
            "http_x_forwarded_for": "",
        }
    )  # fmt: skip


FORMATS: tuple[Written, ...] = (
    Written("nginx_json", _nginx_json),
    Written("caddy_json", caddy_line),
    Written("traefik_json", _traefik_json),
)
