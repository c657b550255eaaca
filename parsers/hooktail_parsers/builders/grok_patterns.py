r"""The patterns that grok expressions are made of, by their usual names.

Written for this project from what the names usually stand for. Each is linear by itself: where it
ends, the next byte says. `TEXTS` hold anything up to what follows them; `LAYOUTS` name their parts.
"""

from __future__ import annotations

PATTERNS = {
    "INT": r"[+-]?[0-9]+",
    "POSINT": r"[1-9][0-9]*",
    "NONNEGINT": r"[0-9]+",
    "BASE10NUM": r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)",
    "NUMBER": r"%{BASE10NUM}",
    "BASE16NUM": r"[+-]?(?:0[xX])?[0-9A-Fa-f]+",
    "BASE16FLOAT": r"[+-]?(?:0[xX])?[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?",
    "WORD": r"\w+",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "QUOTEDSTRING": r'(?:"[^"\\]*(?:\\.[^"\\]*)*"|\'[^\'\\]*(?:\\.[^\'\\]*)*\')',
    "QS": r"%{QUOTEDSTRING}",
    "UUID": r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"%{USERNAME}",
    "EMAILLOCALPART": r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+",
    "EMAILADDRESS": r"%{EMAILLOCALPART}@%{HOSTNAME}",
    "HTTPDUSER": r"[^\s\[\]]+",
    # Networks
    "IPV4": r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
    "IPV6": r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45}(?:%[0-9A-Za-z]{1,16})?",
    "IP": r"(?:%{IPV6}|%{IPV4})",
    "HOSTNAME": r"[0-9A-Za-z_][0-9A-Za-z_.-]*",
    "HOST": r"%{HOSTNAME}",
    "IPORHOST": r"(?:%{IPV6}|%{HOSTNAME})",
    "HOSTPORT": r"%{IPORHOST}:%{POSINT}",
    "MAC": r"(?:%{COMMONMAC}|%{CISCOMAC})",
    "COMMONMAC": r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}",
    "CISCOMAC": r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
    # Paths and addresses
    "PATH": r"(?:%{WINPATH}|%{UNIXPATH})",
    "UNIXPATH": r"/[^\s\"<>|]*",
    "WINPATH": r"(?:[A-Za-z]+:|\\)\\[^\s\"<>|]*",
    "TTY": r"/dev/[a-z0-9/]+",
    "URIPROTO": r"[A-Za-z][A-Za-z0-9+.-]*",
    "URIHOST": r"%{IPORHOST}(?::%{POSINT})?",
    "URIPATH": r"/[^\s?#\"<>]*",
    "URIPARAM": r"\?[^\s#\"<>]*",
    "URIQUERY": r"[^\s#\"<>]+",
    "URIPATHPARAM": r"%{URIPATH}(?:%{URIPARAM})?",
    "URI": r"%{URIPROTO}://[^\s\"<>]+",
    # Times
    "MONTH": r"[A-Z][a-z]{2,8}",
    "MONTHNUM": r"(?:0[1-9]|1[0-2]|[1-9])",
    "MONTHNUM2": r"(?:0[1-9]|1[0-2])",
    "MONTHDAY": r"(?:0[1-9]|[12][0-9]|3[01]|[1-9])",
    "DAY": r"[A-Z][a-z]{2,8}",
    "YEAR": r"[0-9]{4}",
    "HOUR": r"[0-9]{1,2}",
    "MINUTE": r"[0-5][0-9]",
    "SECOND": r"[0-6][0-9](?:[.,:][0-9]{1,9})?",
    "TIME": r"%{HOUR}:%{MINUTE}:%{SECOND}",
    "DATE_US": r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
    "DATE_EU": r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
    "DATE": r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}",
    "TZ": r"[A-Z]{3,5}",
    "ISO8601_TIMEZONE": r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    "ISO8601_SECOND": r"%{SECOND}",
    "TIMESTAMP_ISO8601": r"%{YEAR}-[0-9]{2}-[0-9]{2}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
    r"%{ISO8601_TIMEZONE}?",
    "DATESTAMP": r"%{DATE}[- ]%{TIME}",
    "HTTPDATE": r"[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}",
    "HTTPDERROR_DATE": r"%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}",
    "SYSLOGTIMESTAMP": r"[A-Z][a-z]{2} [ 0-3]?[0-9] %{TIME}",
    "PROG": r"[!-Z^-~]+",
    "SYSLOGHOST": r"%{IPORHOST}",
    "LOGLEVEL": r"[A-Za-z]{3,11}",
    "HTTP_VERSION": r"[0-9](?:\.[0-9])?",
}
"""Expressions, in terms of one another."""

TEXTS = frozenset({"DATA", "GREEDYDATA"})
"""Text that may hold anything."""

TOKENS = frozenset({"NOTSPACE", "HTTPDUSER"})
"""Text without spaces, which what follows may end earlier."""

STAMPS = frozenset(
    {"HTTPDATE", "TIMESTAMP_ISO8601", "SYSLOGTIMESTAMP", "DATESTAMP", "HTTPDERROR_DATE", "TIME"}
)
"""What always ends by itself."""

QUOTED = frozenset({"QS", "QUOTEDSTRING"})

_COMMON = (
    "%{IPORHOST:clientip} %{HTTPDUSER:ident} %{DATA:auth} \\[%{HTTPDATE:timestamp}\\] "
    '"%{DATA:rawrequest}" %{NOTSPACE:response} %{NOTSPACE:bytes}'
)
_COMBINED = _COMMON + ' "%{DATA:referrer}" "%{DATA:agent}"'

LAYOUTS = {
    "COMMONAPACHELOG": _COMMON,
    "HTTPD_COMMONLOG": _COMMON,
    "COMBINEDAPACHELOG": _COMBINED,
    "HTTPD_COMBINEDLOG": _COMBINED,
    "SYSLOGPROG": "%{PROG:program}",
    "SYSLOGBASE": "%{SYSLOGTIMESTAMP:timestamp} %{SYSLOGHOST:logsource} %{NOTSPACE:program}:",
}
"""Layouts with named parts, in terms of the patterns."""
