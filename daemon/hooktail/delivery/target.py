"""Where the events of one destination go, how they are asked for, and what an answer means.

The URL holds the account id, and perhaps a key of the endpoint's own. Neither leaves the lanes in a
log, an outcome or an exception; an answer that repeats it ("Cannot POST /ID/pixel.png") has it
masked first.
"""

from __future__ import annotations

import json
import ssl
import time
from copy import copy
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from hooktail import endpoints
from hooktail.delivery.outcome import classify
from hooktail.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.sections import DestinationSection, Secret
    from hooktail.delivery.outcome import Outcome

KEEPALIVE_S = 10.0
"""Idle connections are closed by us first: common servers wait 15 s or longer."""
DNS_CACHE_S = 30
MAX_CONNECTION_AGE_S = 300.0
"""Give or take a fifth, so that connections opened together are not all closed together."""
AGE_SPREAD = 0.2
ANSWER_S = 5.0
"""For the body of an answer. Its status has judged the event by then."""
ANSWER_WORDS_BYTES = 4096
"""Of the body of an answer that is no 2xx, this much may become words for the operator."""


class Target:
    """One endpoint with one account. Raises ConfigError if `ca_file` cannot be used."""

    def __init__(self, section: DestinationSection, *, user_agent: str) -> None:
        self._make(
            destination=section.name,
            url=section.url().reveal(),
            endpoint=section.endpoint,
            secrets=sorted(_secrets(section)),
            timeout_s=section.timeout_s,
            connect_timeout_s=section.connect_timeout_s,
            ca_file=None if section.ca_file is None else str(section.ca_file),
            user_agent=user_agent,
            proxy=None if section.proxy is None else section.proxy.reveal(),
        )

    def packed(self) -> str:
        """Writes down all that makes it, for another process; it holds the account id."""
        return json.dumps(self._made_of)

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """Makes it again. Raises ConfigError as the constructor does."""
        one = cls.__new__(cls)
        one._make(**json.loads(text))
        return one

    def _make(
        self,
        *,
        destination: str,
        url: str,
        endpoint: str,
        secrets: list[str],
        timeout_s: float,
        connect_timeout_s: float,
        ca_file: str | None,
        user_agent: str,
        proxy: str | None,
    ) -> None:
        self._made_of = {name: value for name, value in locals().items() if name != "self"}
        self.url = url
        self.proxy = proxy
        self.timeout_s = timeout_s
        self.connect_timeout_s = connect_timeout_s
        self.secure = url[:6].lower() == "https:"
        self.tls = _tls_context(destination, ca_file) if self.secure else None
        self.headers = {
            "Content-Type": "application/json",
            "User-Agent": user_agent,
            # The first words of an answer are read as they come.
            "Accept-Encoding": "identity",
        }
        self._secrets = secrets
        self._parts = endpoints.masking(endpoint)

    def with_account(self, section: DestinationSection) -> Target:
        """Returns the same endpoint with the account of `section`, which else says the same."""
        other = copy(self)
        other.url = section.url().reveal()
        # A late answer may still repeat the account before.
        secrets = sorted({*self._secrets, *_secrets(section)})
        other._secrets = secrets  # noqa: SLF001 - our own
        other._made_of = self._made_of | {"url": other.url, "secrets": secrets}  # noqa: SLF001
        return other

    @property
    def total_s(self) -> float:
        """The longest that a request may take with everything around it."""
        return self.connect_timeout_s + self.timeout_s

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Says what an answer means; `headers` ignores case, `body` is the beginning."""
        if 200 <= status <= 299:
            return classify(status, {}, b"", 0.0)
        telling = {}
        if (retry_after := headers.get("Retry-After")) is not None:
            telling["Retry-After"] = retry_after
        if (location := headers.get("Location")) is not None:
            telling["Location"] = self._mask(location)
        text = self._mask(body.decode("utf-8", "replace"))
        return classify(status, telling, text.encode(), time.time())

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text if self._parts is None else self._parts.sub("***", text)


def _secrets(section: DestinationSection) -> set[str]:
    return _spellings(section.account_id) | endpoints.secrets_of(section.endpoint)


def _spellings(account_id: Secret) -> set[str]:
    text = account_id.reveal()
    return {text, quote(text, safe=""), quote(text)} - {""}


def _tls_context(destination: str, ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        problem = Problem(
            file=str(ca_file),
            key=f"destination.{destination}.ca_file",
            message=f"cannot be used: {error.strerror or error}",
            allowed="a readable file of PEM certificates",
        )
        raise ConfigError([problem]) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
