"""The addresses of an event: where it happened and where the visitor came from.

It does not know rules; `privacy` decides which parameters stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from hooktail.extract.addresses import address_kind
from hooktail.extract.cache import Cache
from hooktail.extract.personal import reveals
from hooktail.extract.text import stated
from hooktail.extract.validation import MAX_URL, TooLarge

if TYPE_CHECKING:
    from hooktail.extract.privacy import Scrubber
    from hooktail_parsers import Record

_SITE = re.compile(
    r"<?(?:(https?)://)?(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]+)(?::(\d+))?", re.IGNORECASE
)
_HOST = re.compile(r"[\w.-]+")
_IPV6 = re.compile(r"\[?([0-9a-f:.]*:[0-9a-f:.]*)\]?", re.IGNORECASE)
_UNSAFE = re.compile("[\x00-\x20\x7f-\x9f#<>\ud800-\udfff]|\\s")
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f<>\ud800-\udfff]")
_BLANK = re.compile(r"\s")
_REFERRER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]+)([^?]*)(?:\?(.*))?", re.DOTALL)
_LOWER_TOKEN = re.compile(r"(?<![^\W_])eyj[\w-]{8,}\.[\w-]{4,}\.", re.IGNORECASE)
"""A JSON Web Token; hosts are in lower case."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_PORT = 65_535


class Links:
    """Builds urls and cleans referrers for one source; `site` fills what the log leaves out.

    None is longer than `max_length` characters.
    """

    def __init__(self, site: str | None, scrubber: Scrubber, max_length: int = MAX_URL) -> None:
        found = _SITE.match(site.strip()) if site else None
        self.site_host: str | None = found[2].lower() if found else None
        self._site_scheme = (found[1] or "https").lower() if found else "https"
        self._site_port = int(found[3]) if found and found[3] else None
        self._scrubber = scrubber
        self.max_length = max_length
        self._origins: Cache[str | None] = Cache(self._origin, 1024)
        self._site_origin = self._origins["None None None"]
        self._referrers: Cache[str | None] = Cache(self._clean_referrer)
        self._paths: Cache[str] = Cache(self._clean_path)
        self._queries: Cache[str] = Cache(self._clean_query, 4096)

    def url(self, record: Record) -> str | None:
        """Returns the absolute address of the request, None if its host or path is unknown.

        Raises TooLarge if it would be longer than may be.
        """
        path = record.path
        if path is None or not path.startswith("/"):
            return None
        if record.host is None and record.scheme is None and record.port is None:
            origin = self._site_origin
        else:
            origin = self._origins[f"{record.scheme} {record.port} {record.host}"]
        if origin is None:
            return None
        query = record.query or ""
        if len(path) + len(query) > self.max_length:
            raise TooLarge
        # First what no address holds, then what may not be told: nothing hides behind the former.
        url = origin + self._paths[path]
        if query and "#" not in path and (query := self.query(query)):
            url = f"{url}?{query}"
        if len(url) > self.max_length:
            raise TooLarge
        return url

    def query(self, query: str) -> str:
        """Returns what may be told of a query, perhaps nothing."""
        return self._queries[query]

    def _clean_path(self, path: str) -> str:
        return self._scrubber.path(_safe(path) if _UNSAFE.search(path) else path)

    def _clean_query(self, query: str) -> str:
        query = _safe(query) if _UNSAFE.search(query) else query
        return self._scrubber.query(query) if query else query

    def _origin(self, key: str) -> str | None:
        scheme_text, port_text, host_text = key.split(" ", 2)
        scheme = scheme_text if scheme_text in _DEFAULT_PORTS else None
        port = int(port_text) if port_text.isdecimal() and int(port_text) <= _MOST_PORT else None
        host = _host(host_text.rstrip(".")) if host_text != "None" else None
        if host is not None and _host_reveals(host):
            host = None
        if host is None or host == self.site_host:
            host = self.site_host
            port = self._site_port if port is None else port
        if host is None:
            return None
        if scheme is None:
            scheme = self._site_scheme
            # A default port of either scheme says nothing about a scheme that the log leaves out.
            port = None if port in _DEFAULT_PORTS.values() else port
        shown = "" if port is None or port == _DEFAULT_PORTS[scheme] else f":{port}"
        return f"{scheme}://{host}{shown}"

    def referrer(self, text: str | None) -> str | None:
        """Returns the referrer without fragment, user and personal data; None if it is none."""
        return None if text is None else self._referrers[text]

    def _clean_referrer(self, text: str) -> str | None:
        whole = stated(text)
        if whole is None:
            return None
        found = _REFERRER.fullmatch(_safe(whole))
        if found is None:
            return None
        scheme, authority, path, query = found.groups()
        host = authority.rpartition("@")[2]
        if not host or (scheme.lower() in _DEFAULT_PORTS and not _is_authority(host)):
            return None
        if _host_reveals(host):
            return None
        kept_path = self._scrubber.path(path) if len(path) <= self.max_length else path
        bare = f"{scheme}://{host}{kept_path}"
        if len(bare) > self.max_length:
            return None
        if query and len(query) <= self.max_length:
            kept = self._scrubber.query(query)
            if kept and len(bare) + 1 + len(kept) <= self.max_length:
                return f"{bare}?{kept}"
        return bare


def _safe(target: str) -> str:
    kept = _DROPPED.sub("", target.partition("#")[0])
    return _BLANK.sub(lambda found: quote(found[0]), kept)


def _host(text: str) -> str | None:
    if _HOST.fullmatch(text):
        return text.lower()
    found = _IPV6.fullmatch(text)
    if found is None or address_kind(found[1]) == "invalid":
        return None
    return f"[{found[1].lower()}]"


def _host_reveals(host: str) -> bool:
    """Whether a client wrote a secret where the host belongs."""
    return reveals(host) or _LOWER_TOKEN.search(host) is not None


def _is_authority(text: str) -> bool:
    host, port = text, ""
    if not text.endswith("]") and ":" in text:
        host, _, port = text.rpartition(":")
    if ":" in host and not host.startswith("["):
        return False
    return _host(host) is not None and (not port or port.isdecimal())
