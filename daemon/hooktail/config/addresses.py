"""What makes an endpoint, a site and a listening address right. Pure: text in, text out.

Each function returns the text, or a `Refusal` that says what is wrong with it.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from hooktail.config.kinds import Refusal
from hooktail.endpoints import ACCOUNT_ID

_HOST = r"[\w.-]+|\[[0-9A-Fa-f:.]+\]"
_BRACKETS_HINT = "the angle brackets of the integration guide are typographic: leave them out"


def endpoint(text: str) -> str | Refusal:
    """Takes https anywhere, and http to loopback; `{account_id}` is the only placeholder."""
    split = _split(text)
    if isinstance(split, Refusal):
        return split
    wrong: list[Refusal] = []
    if re.search(r"[{}]", text.replace(ACCOUNT_ID, "")):
        hint = f"the only one is {ACCOUNT_ID}"
        wrong.append(Refusal("unknown placeholder or stray brace", hint))
    if split.fragment or text.endswith("#"):
        wrong.append(Refusal("has a fragment", "leave out the # and what follows"))
    if split.scheme == "http" and not _is_loopback(split.hostname or ""):
        wrong.append(Refusal("http would send events unencrypted", "write https://"))
    if wrong:
        return Refusal(
            ", and ".join(each.message for each in wrong), "; ".join(each.hint for each in wrong)
        )
    return text


def proxy(text: str) -> str | Refusal:
    """An http URL of host and port, with a name and a password if need be."""
    if re.search(r"[\s\\]", text):
        return Refusal("has white space or a backslash")
    try:
        split = urlsplit(text)
        host, _ = split.hostname, split.port
    except ValueError:
        return Refusal("not a URL", "a password with : / @ or # in it is percent-encoded")
    if split.scheme != "http":
        hint = "" if "://" in text else "write http:// before it"
        return Refusal("not an http proxy", hint)
    if not host:
        return Refusal("has no host")
    if split.path not in {"", "/"} or split.query or split.fragment:
        hint = "a password with : / @ or # in it is percent-encoded"
        return Refusal("has more than a host and a port", hint)
    return text


def site(text: str) -> str | Refusal:
    """Scheme and host, with a port if need be, and nothing behind it."""
    split = _split(text)
    if isinstance(split, Refusal):
        return split
    if not re.fullmatch(rf"[A-Za-z]+://(?:{_HOST})(?::[0-9]+)?", text):
        return Refusal(
            "more than scheme and host", f"write {split.scheme}://{split.netloc.rstrip(':')}"
        )
    return text


def listen(text: str) -> str | Refusal:
    """`host:port`, `[v6]:port`, `unix:/path`, or nothing for off."""
    if not text:
        return text
    if text.startswith("unix:"):
        return text if text.startswith("unix:/") else Refusal("the socket's path is not absolute")
    parts = re.fullmatch(rf"({_HOST}):([0-9]{{1,5}})", text)
    if parts is None:
        return Refusal("not a listening address")
    if int(parts[2]) > 65_535:
        return Refusal("the port is out of range", "ports go from 0 to 65535")
    if parts[1].startswith("[") and not _is_address(parts[1][1:-1]):
        return Refusal("not an IPv6 address in the brackets")
    return text


def _split(text: str) -> SplitResult | Refusal:
    """Checks what an endpoint and a site have in common."""
    if "<" in text or ">" in text:
        return Refusal("has angle brackets", _BRACKETS_HINT)
    if re.search(r"[\s\\]", text):
        return Refusal("has white space or a backslash")
    try:
        split = urlsplit(text)
        host, _ = split.hostname, split.port
    except ValueError:
        return Refusal("not a URL")
    if split.scheme not in {"http", "https"}:
        hint = "" if "://" in text else "write https:// before it"
        return Refusal("neither http nor https", hint)
    if "@" in split.netloc:
        return Refusal("has a user name or a password", "leave out what stands before the @")
    if not host:
        return Refusal("has no host")
    return split


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
