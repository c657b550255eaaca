"""What may be shown of an endpoint: its path and its parameters may hold a key. Pure.

A host is shown, for who looks after the connection has to know it; a key in it is known to every
name server anyway.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

MASK = "***"
ACCOUNT_ID = "{account_id}"
_PLAIN = re.compile(
    r"(?:[a-z]{0,3}|v[0-9]{1,2}|pixel|events?|track|collect|ingest|hooks?|webhooks?)(?:\.[a-z]{2,4})?"
    # A placeholder; also a wrong one, which has to be seen to be mended.
    r"|\{\w*\}"
)
"""Segments that are no key. Of all others nobody knows which is a word and which is one."""
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<host>(?:\[[0-9A-Fa-f:.]*\]|[\w.{}-]*)(?::[0-9]{0,5})?)"
    r"(?P<path>(?:/[^?#]*)?)(?:\?(?P<query>[^#]*))?(?P<fragment>\#.*)?",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_-]{0,16}")
"""Of a parameter; a longer one, or one with digits, may be a key in the wrong place."""
_BARE_HOST = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?::[0-9]{1,5})?")
_LEAST_CHARS = 4
"""A shorter text is part of ordinary words."""
_WORD = re.compile(r"[a-z]{1,16}(?:[._-][a-z]{1,16})*|v[0-9]{1,2}", re.IGNORECASE)


def shown(endpoint: str) -> str:
    """Returns an endpoint, right or wrong, as it may be printed."""
    if "@" in endpoint:  # a password may hold what else ends the host
        scheme, separator, _ = endpoint.partition("://")
        return f"{scheme}://{MASK}" if separator and scheme.isalpha() else MASK
    found = _ADDRESS.fullmatch(endpoint)
    if found is None:
        return endpoint if _BARE_HOST.fullmatch(endpoint) else MASK
    path = "/".join(part if _PLAIN.fullmatch(part) else MASK for part in found["path"].split("/"))
    query = "" if found["query"] is None else f"?{_shown_query(found['query'])}"
    fragment = f"#{MASK}" if found["fragment"] else ""
    return f"{found['scheme']}{found['host']}{path}{query}{fragment}"


def _shown_query(query: str) -> str:
    return "&".join(map(_shown_pair, query.split("&")))


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return MASK if name else ""
    shown_name = name if _NAME.fullmatch(name) else MASK
    return f"{shown_name}={value if value in ('', ACCOUNT_ID) else MASK}"


def parts_of(endpoint: str) -> set[str]:
    """Returns what may be a key in the path and in the parameters, in each spelling."""
    found = _ADDRESS.fullmatch(endpoint)
    if found is None:
        return set()
    segments = {part for part in found["path"].split("/") if not _PLAIN.fullmatch(part)}
    pairs = [pair.partition("=") for pair in (found["query"] or "").split("&")]
    values = {value if equals else name for name, equals, value in pairs}
    names = {name for name, equals, _ in pairs if equals and not _NAME.fullmatch(name)}
    parts = segments | names | values - {"", ACCOUNT_ID}
    return {spelling for part in parts for spelling in _spellings(part)}


def secrets_of(endpoint: str) -> set[str]:
    """Returns the parts that are no words: they are a key's, wherever they turn up."""
    return {
        part
        for part in parts_of(endpoint)
        if len(part) >= _LEAST_CHARS and not _WORD.fullmatch(part) and ACCOUNT_ID not in part
    }


def masking(endpoint: str) -> re.Pattern[str] | None:
    """Compiles a pattern for the parts where they stand as parts of an address; None for none."""
    parts = sorted(parts_of(endpoint), key=len, reverse=True)
    if not parts:
        return None
    either = "|".join(map(re.escape, parts))
    return re.compile(rf"(?<=[/=?&])(?:{either})(?![\w.~%-])|(?<=%2F)(?:{either})(?![\w.~-])")


def _spellings(part: str) -> set[str]:
    plain = unquote(part)
    return {part, plain, quote(plain, safe=""), quote(plain)}
