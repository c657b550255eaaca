"""Apache's LogFormat items: what each looks like in a log, and what it says of the request."""

from __future__ import annotations

from hooktail_parsers._api import OptionError
from hooktail_parsers.builders.record_plan import Column, Meaning, Role
from hooktail_parsers.builders.shapes import HEADER, LIST, REQUEST, TEXT, TOKEN, USER, WORD, Shape

NUMBER = Shape(rb"(?:-?[0-9]{1,18}+(?:\.[0-9]{1,9}+|)|-|)", chars=b"0123456789.-")
CLF_TIME = Shape(rb"\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}\]")
_HOST = Shape(spaced=False, never=b'"/')
_PROTOCOL = Shape(
    rb"(?:[A-Z]{1,8}+/[0-9.]{1,4}+|-|)", chars=b"ABCDEFGHIJKLMNOPQRSTUVWXYZ/0123456789.-"
)
_PORT = Shape(rb"(?:[0-9]{1,5}+|-|)", chars=b"0123456789-")
_FLAG = Shape(rb"[X+-]", chars=b"X+-")
_TARGET = Shape(begins=b"/")
_QUERY = Shape(begins=b"?")

_ITEMS: dict[str, tuple[Shape, Meaning]] = {
    "a": (TOKEN, Meaning("ip", "remote_ip")),
    "h": (TOKEN, Meaning("ip", "remote_host", rank=1)),
    "A": (TOKEN, Meaning("field", "local_ip")),
    "l": (TOKEN, Meaning("field", "ident")),
    "u": (USER, Meaning("user")),
    "r": (REQUEST, Meaning("request", "request")),
    "m": (Shape(spaced=False, never=b'"'), Meaning("method")),
    "U": (_TARGET, Meaning("target", rank=1)),
    "q": (_QUERY, Meaning("query")),
    "H": (_PROTOCOL, Meaning("field", "protocol")),
    "s": (Shape(rb"(?:[0-9]{1,3}+|-|)", chars=b"0123456789-"), Meaning("status", rank=1)),
    "b": (NUMBER, Meaning("bytes_sent")),
    "B": (NUMBER, Meaning("bytes_sent")),
    "O": (NUMBER, Meaning("bytes_sent", "bytes_out", rank=1)),
    "I": (NUMBER, Meaning("field", "bytes_in")),
    "S": (NUMBER, Meaning("field", "bytes_total")),
    "V": (_HOST, Meaning("host", rank=1)),
    "v": (_HOST, Meaning("host", rank=2)),
    "p": (_PORT, Meaning("port")),
    "D": (NUMBER, Meaning("duration_s", per_s=1_000_000)),
    "T": (NUMBER, Meaning("duration_s", rank=2)),
    "X": (_FLAG, Meaning("field", "connection_status")),
    "k": (NUMBER, Meaning("field", "keepalive")),
    "L": (TOKEN, Meaning("field", "log_id")),
    "P": (NUMBER, Meaning("field", "pid")),
    "f": (TEXT, Meaning("field", "filename")),
    "R": (TOKEN, Meaning("field", "handler")),
}
_HEADERS: dict[str, tuple[Shape, Role, int]] = {
    "referer": (WORD, "referrer", 0),
    "user-agent": (TEXT, "user_agent", 0),
    "cookie": (TEXT, "cookies", 0),
    "host": (_HOST, "host", 0),
    "x-forwarded-for": (LIST, "xff", 50),
    "x-real-ip": (LIST, "ip", 30),
    "cf-connecting-ip": (LIST, "ip", 31),
    "true-client-ip": (LIST, "ip", 32),
    "fastly-client-ip": (LIST, "ip", 33),
    "x-forwarded-proto": (LIST, "scheme", 2),
    "x-request-id": (TOKEN, "request_id", 1),
    "accept-language": (TEXT, "header", 0),
    "accept": (TEXT, "header", 0),
}
_DURATIONS = {"us": (1_000_000, 0), "ms": (1000, 1), "s": (1, 2)}
_VARIABLES: dict[str, Meaning] = {
    "HTTPS": Meaning("https", rank=1),
    "SSL_PROTOCOL": Meaning("tls", "SSL_PROTOCOL", rank=3),
    "UNIQUE_ID": Meaning("request_id", "UNIQUE_ID"),
    "REQUEST_SCHEME": Meaning("scheme"),
}


def apache_column(shown: str, letter: str, argument: str | None, *, final: bool) -> Column:
    """Returns the column of an item other than `%t`; `final` is said by `>`.

    Raises:
        OptionError: there is no such item.
    """
    if argument is not None:
        return _with_argument(shown, letter, argument)
    if letter not in _ITEMS:
        raise OptionError("log_format", f"{shown} is no item of Apache's LogFormat known here")
    shape, meaning = _ITEMS[letter]
    if letter == "s" and final:
        meaning = Meaning("status")
    return Column(shown, shape, meaning)


def _with_argument(shown: str, letter: str, argument: str) -> Column:
    match letter:
        case "i":
            return _header(shown, argument)
        case "o":
            name = "sent_http_" + argument.lower().replace("-", "_")
            return Column(shown, WORD, Meaning("field", name))
        case "C":
            return Column(shown, WORD, Meaning("cookie", argument))
        case "e" | "x":
            meaning = _VARIABLES.get(argument, Meaning("field", argument))
            return Column(shown, WORD if meaning.role == "field" else TOKEN, meaning)
        case "T" if argument in _DURATIONS:
            per_s, rank = _DURATIONS[argument]
            return Column(shown, NUMBER, Meaning("duration_s", per_s=per_s, rank=rank))
        case "a" if argument == "c":
            return Column(shown, TOKEN, Meaning("ip", "peer_ip", rank=10))
        case "h" if argument == "c":
            return Column(shown, TOKEN, Meaning("ip", "peer_host", rank=11))
        case "p" if argument == "remote":
            return Column(shown, _PORT, Meaning("field", "remote_port"))
        case "p":
            return Column(shown, _PORT, Meaning("port", rank=1 if argument == "local" else 0))
        case "n" | "^ti" | "^to" | "P" | "c" | "s" | "r":
            # Tomcat's cookies and session attributes among them.
            role: Role = "cookie" if letter == "c" else "field"
            return Column(shown, WORD, Meaning(role, argument))
    raise OptionError("log_format", f"{shown} is no item of Apache's LogFormat known here")


def _header(shown: str, argument: str) -> Column:
    name = argument.lower()
    if name not in _HEADERS:
        return Column(shown, HEADER, Meaning("header", name))
    shape, role, rank = _HEADERS[name]
    return Column(shown, shape, Meaning(role, name, header=name, rank=rank))
