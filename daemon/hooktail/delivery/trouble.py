"""What went wrong on the way to an answer, in our words instead of the library's."""

from __future__ import annotations

import ssl

import aiohttp

from hooktail.delivery.outcome import Misconfigured, Outcome, Retry

_PROXY_WANTS_A_PASSWORD = 407


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
        case aiohttp.ClientHttpProxyError(status=status):
            if status == _PROXY_WANTS_A_PASSWORD:
                return Misconfigured("proxy", status, "")
            return Retry("proxy")
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
