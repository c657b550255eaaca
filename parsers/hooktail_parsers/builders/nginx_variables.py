"""nginx's variables: what each looks like in a log, and what it says of the request."""

from __future__ import annotations

import re

from hooktail_parsers.builders.record_plan import Column, Meaning, Role
from hooktail_parsers.builders.shapes import HEADER, LIST, REQUEST, TEXT, TOKEN, USER, WORD, Shape

_ADDRESS = Shape(rb"(?:unix:|[0-9A-Fa-f:.]{1,64}+|-|)", chars=b"0123456789abcdefABCDEF:.unix-")
_NUMBER = Shape(rb"(?:[0-9]{1,18}+(?:\.[0-9]{1,9}+|)|-|)", chars=b"0123456789.-")
_STATUS = Shape(rb"(?:[0-9]{1,3}+|-|)", chars=b"0123456789-")
_CLF_TIME = Shape(rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}")
_ISO_TIME = Shape(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[+-][0-9]{2}:[0-9]{2}|Z)")
_HOST = Shape(spaced=False, never=b'"/')
_SCHEME = Shape(rb"[a-z]{0,10}+-?+", chars=b"abcdefghijklmnopqrstuvwxyz-")
_METHOD = Shape(spaced=False, never=b'"')
_TARGET = Shape(spaced=None, begins=b"/")
_QUERY = Shape(spaced=None)
_PROTOCOL = Shape(rb"(?:HTTP/[0-9.]{1,4}+|-|)", chars=b"HTP/0123456789.-")
# Servers tried in turn are parted by `, `, internal redirects by ` : `.
_TRIED = Shape(
    rb"[^\s,]*+(?:(?:, | : )[^\s,]++)*",
    chars=bytes(set(range(256)) - set(b" \t")),
    bounded=False,
)
_FLAG = Shape(rb"[a-zA-Z.?-]?+", chars=b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.?-")

_KNOWN: dict[str, tuple[Shape, Role, int]] = {
    "remote_addr": (_ADDRESS, "ip", 0),
    "realip_remote_addr": (_ADDRESS, "ip", 10),
    "proxy_protocol_addr": (_ADDRESS, "ip", 20),
    "http_x_real_ip": (LIST, "ip", 30),
    "http_cf_connecting_ip": (LIST, "ip", 31),
    "http_true_client_ip": (LIST, "ip", 32),
    "http_fastly_client_ip": (LIST, "ip", 33),
    "http_x_forwarded_for": (LIST, "xff", 50),
    "proxy_add_x_forwarded_for": (LIST, "xff", 51),
    "remote_user": (USER, "user", 0),
    "jwt_claim_sub": (WORD, "user", 1),
    "time_local": (_CLF_TIME, "ignored", 0),
    "time_iso8601": (_ISO_TIME, "ignored", 0),
    "msec": (_NUMBER, "ignored", 0),
    "request": (REQUEST, "request", 0),
    "request_method": (_METHOD, "method", 0),
    "request_uri": (_TARGET, "target", 1),
    # Decoded and perhaps rewritten: they stand in where the client's own target is not logged.
    "uri": (_TARGET, "target", 2),
    "document_uri": (_TARGET, "target", 2),
    "args": (_QUERY, "query", 0),
    "query_string": (_QUERY, "query", 0),
    "is_args": (Shape(rb"\??+", chars=b"?"), "ignored", 0),
    "server_protocol": (_PROTOCOL, "field", 0),
    "http_host": (_HOST, "host", 0),
    "host": (_HOST, "host", 1),
    "server_name": (_HOST, "host", 2),
    "server_port": (Shape(rb"(?:[0-9]{1,5}+|-|)", chars=b"0123456789-"), "port", 0),
    "scheme": (_SCHEME, "scheme", 0),
    "https": (_SCHEME, "https", 1),
    "http_x_forwarded_proto": (LIST, "scheme", 2),
    "ssl_protocol": (Shape(spaced=False, never=b'"'), "tls", 3),
    "status": (_STATUS, "status", 0),
    "body_bytes_sent": (_NUMBER, "bytes_sent", 0),
    "bytes_sent": (_NUMBER, "bytes_sent", 1),
    "request_time": (_NUMBER, "duration_s", 0),
    "http_referer": (WORD, "referrer", 0),
    "http_user_agent": (TEXT, "user_agent", 0),
    "http_cookie": (TEXT, "cookies", 0),
    "request_id": (TOKEN, "request_id", 0),
    "req_id": (TOKEN, "request_id", 1),
    "http_x_request_id": (TOKEN, "request_id", 2),
    "pipe": (_FLAG, "field", 0),
    "ssl_session_reused": (_FLAG, "field", 0),
    "ssl_client_s_dn": (TEXT, "field", 0),
    "ssl_client_i_dn": (TEXT, "field", 0),
    "server_addr": (TOKEN, "field", 0),
    "http_accept_language": (TEXT, "header", 0),
    "http_accept": (TEXT, "header", 0),
    "request_body": (TEXT, "field", 0),
}
_NUMBERS = (
    "connection", "connection_requests", "content_length", "gzip_ratio", "nginx_pid",
    "proxy_protocol_port", "realip_remote_port", "remote_port", "request_length",
    "tcpinfo_rtt", "tcpinfo_rttvar", "tcpinfo_snd_cwnd", "connection_time",
)  # fmt: skip
_HEADERS_OF_ROLES = frozenset({"ip", "request_id", "scheme"})
_PREFIXED = re.compile(r"(http|cookie)_(.+)").fullmatch
_UPSTREAM_LISTS = re.compile(
    r"upstream_(?:addr|status|cache_status|bytes_(?:received|sent)|queue_time"
    r"|(?:response|connect|header|first_byte|session)_(?:time|length))"
).fullmatch


def nginx_column(name: str) -> Column:
    """Returns the column of a variable; one that is unknown here is kept in `fields`."""
    shown = f"${name}"
    known = _KNOWN.get(name)
    if known is not None:
        shape, role, rank = known
        kept = name
        header = ""
        if name.startswith("http_"):
            header = name.removeprefix("http_").replace("_", "-")
            kept = header if role == "header" else name
            header = header if role in _HEADERS_OF_ROLES else ""
        return Column(shown, shape, Meaning(role, kept, header=header, rank=rank))
    if name in _NUMBERS:
        return Column(shown, _NUMBER, Meaning("field", name))
    if _UPSTREAM_LISTS(name):
        return Column(shown, _TRIED, Meaning("field", name))
    prefixed = _PREFIXED(name)
    if prefixed is None:
        return Column(shown, WORD, Meaning("field", name))
    if prefixed[1] == "cookie":
        return Column(shown, WORD, Meaning("cookie", prefixed[2]))
    return Column(shown, HEADER, Meaning("header", prefixed[2].replace("_", "-")))
