"""What is taken out of addresses before they leave the host: parameters that name a person.

It judges names of parameters and the look of values; it does not know rules or destinations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hooktail.extract.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Collection

# Whole names, without separators and in lower case.
# fmt: off
_NAMES = frozenset((
    "name", "firstname", "lastname", "fullname", "username", "surname", "givenname",
    "familyname", "fname", "lname", "address", "address1", "address2", "streetaddress",
    "billingaddress", "shippingaddress", "street", "code", "authcode", "state", "oauthstate",
    "key", "apikey", "authkey", "accesskey", "secretkey", "privatekey", "tel", "mobile", "sid",
    "phpsessid", "jsessionid", "sessionid", "sess", "sig", "pwd", "pass",
))
# fmt: on
# Words that tell wherever they stand in a name: `user[email]`, `access_token`, `billing-phone`.
# fmt: off
_WORDS = frozenset((
    "email", "mail", "phone", "telephone", "password", "passwd", "token", "secret", "signature",
    "session", "otp", "emailaddress", "phonenumber", "accesstoken", "refreshtoken", "idtoken",
    "authtoken", "csrftoken",
))
# fmt: on
_CLICK_IDS = frozenset(("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "twclid"))
# Begins only where a word does and never steps back over it: linear in the length of the text.
_EMAIL = re.compile(
    r"(?<![^\s/?&=;,:@])[^\s/?&=;,:@]++@[^\s/?&=;,:@]+\.[A-Za-z]{2,}(?![^\s/?&=;,:@])"
)
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)


def is_sensitive(name: str) -> bool:
    """Whether a parameter of this (raw) name is likely to hold a secret or personal data."""
    text = unquote(name.replace("+", " "), errors="replace").lower()
    if text.startswith("utm_") or text in _CLICK_IDS or text == "li_fat_id":
        return False
    words = re.findall(r"[^\W_]+", text)
    joined = "".join(words)
    return joined in _NAMES or joined in _WORDS or not _WORDS.isdisjoint(words)


class Scrubber:
    """Takes personal data out of paths and queries; `keep` are parameter names a rule uses."""

    def __init__(self, keep: Collection[str] = ()) -> None:
        self._keep = frozenset(keep)
        self._names: Cache[bool] = Cache(self._goes, 4096)

    def _goes(self, name: str) -> bool:
        return unquote(name.replace("+", " ")) not in self._keep and is_sensitive(name)

    def query(self, query: str) -> str:
        """Returns the raw query without sensitive parameters and values that look like e-mail."""
        pairs = query.split("&")
        names = self._names
        mails = "@" in query or "%40" in query
        kept = [
            pair
            for pair in pairs
            if not names[pair.partition("=")[0]] and not (mails and self._is_mail(pair))
        ]
        return query if len(kept) == len(pairs) else "&".join(kept)

    def _is_mail(self, pair: str) -> bool:
        name, _, value = pair.partition("=")
        decoded = unquote(value.replace("+", " ")) if value else unquote(name)
        return _EMAIL.search(decoded) is not None and unquote(name) not in self._keep

    def path(self, path: str) -> str:
        """Returns the raw path without `;jsessionid=` and segments that look like e-mail."""
        if ";" in path:
            path = _SESSION_IN_PATH.sub("", path)
        if "@" not in path and "%40" not in path:
            return path
        segments = path.split("/")
        return "/".join(part for part in segments if not _EMAIL.search(unquote(part))) or "/"
