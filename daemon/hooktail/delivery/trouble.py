"""What went wrong on the way to an answer, in our words instead of the library's."""

from __future__ import annotations

import ssl

import aiohttp

from hooktail.delivery.outcome import Misconfigured, Outcome, Retry, words

_PROXY_IS_UNWELL = frozenset({408, 425, 429})


def translate(error: aiohttp.ClientError | TimeoutError | UnicodeError) -> Outcome:
    """Says what an exception of aiohttp means for an event, the special before the general."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            return Misconfigured("tls", None, _tls_words(cause))
        case aiohttp.ClientSSLError(os_error=cause):
            if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
                return Retry("connect")  # hung up in the middle of a handshake
            return Misconfigured("tls", None, _tls_words(cause))
        case aiohttp.ServerFingerprintMismatch():
            return Misconfigured("tls", None, "")
        case aiohttp.InvalidURL() | UnicodeError():
            return Misconfigured("url", None, "")
        case aiohttp.ClientHttpProxyError(status=status, message=message):
            if 300 <= status <= 499 and status not in _PROXY_IS_UNWELL:
                # Above all 407: it wants a password, or another one.
                return Misconfigured("proxy", status, words(f"{status} {message}".encode()))
            return Retry(f"proxy_{status}")
        case aiohttp.ClientProxyConnectionError():
            return Retry("proxy_connect")
        case aiohttp.ConnectionTimeoutError():
            return Retry("connect_timeout")
        case TimeoutError():
            return Retry("timeout")
        case aiohttp.ClientConnectorDNSError():
            return Retry("dns")
        case aiohttp.ClientConnectorError():
            return Retry("connect")
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            return Retry("disconnected")
        case _:
            return Retry("protocol")


def _tls_words(cause: Exception) -> str:
    """Returns why a handshake failed; OpenSSL's words name hosts and issuers, never a URL."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return getattr(cause, "reason", None) or type(cause).__name__
