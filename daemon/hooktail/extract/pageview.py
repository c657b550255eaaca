"""The built-in page view: which requests are a person looking at a page.

Each refusal is a counter key, so that the books say what was left out and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.cache import Cache
from hooktail.extract.headers import LoggedHeaders
from hooktail.extract.text import as_served, glob_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.sections import PageviewSection
    from hooktail_parsers import Record

PAGE_EXTENSIONS = frozenset(
    "html htm xhtml shtml php asp aspx jsp jspx cfm do cgi".split()  # noqa: SIM905  # reads as a list
)
EXCLUDED_PATHS = (
    "/robots.txt",
    "/favicon.ico",
    "/ads.txt",
    "/sitemap*.xml",
    "/.well-known/*",
    "/health*",
    "/livez",
    "/readyz",
    "/ping",
    "/metrics",
    "/server-status",
    "/nginx_status",
    "/wp-admin/*",
    "/wp-login.php",
    "/wp-cron.php",
    "/wp-json/*",
    "/xmlrpc.php",
    "/admin/*",
    "/api/*",
    "/graphql",
    "/.git/*",
    "/.env*",
    "/cdn-cgi/*",
    "*/feed/",
)
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-moz")
TELLING_HEADERS = (*PREFETCH_HEADERS, "sec-fetch-dest", "x-requested-with")
_CONTENT_TYPES = ("content_type", "sent_http_content_type", "resp_content_type")


class PageviewFilter:
    """Tells page views from all other requests; remembers the verdict on each path."""

    def __init__(self, section: PageviewSection) -> None:
        self.enabled = section.enabled
        self.methods = frozenset(section.methods)
        self.statuses = frozenset(section.statuses)
        self.statuses_in_order = section.statuses
        # Asked first: a comparison is twice as fast as `in`.
        self.usual_method = section.methods[0]
        self.usual_status = section.statuses[0]
        self.content_types = tuple(text.lower() for text in section.content_types)
        self._drops_prefetch = section.prefetch == "drop"
        self._drops_subrequests = section.subrequests == "drop"
        self.extensions = PAGE_EXTENSIONS.union(
            extension.lower().removeprefix(".") for extension in section.include_extensions
        )
        self._built_in = glob_pattern(EXCLUDED_PATHS, ignore_case=True)
        self._included = glob_pattern(section.include_paths, ignore_case=True)
        self._excluded = glob_pattern(section.exclude_paths, ignore_case=True)
        self._headers = LoggedHeaders(TELLING_HEADERS)
        self.by_path: Cache[str | None] = Cache(self._refuse_path, 16_384)
        """The reason against a path, as a counter key, or None."""

    def refuses(self, record: Record) -> str | None:
        """Returns the counter key of the first reason why this is no page view, or None."""
        if not self.enabled:
            return "filtered.no_rule"
        if record.method != self.usual_method and record.method not in self.methods:
            return "filtered.method"
        if record.status != self.usual_status and record.status not in self.statuses:
            return "filtered.status"
        if record.path is None:
            return "filtered.no_path"
        refused = self.by_path[record.path]
        if refused is not None:
            return refused
        if record.headers is not None or record.fields is not None:
            return self._refuse_headers(record)
        return None

    def _refuse_headers(self, record: Record) -> str | None:
        logged = self._headers.of(record)
        if logged:
            if self._drops_prefetch and _is_prefetch(logged):
                return "filtered.prefetch"
            if self._drops_subrequests:
                if logged.get("sec-fetch-dest", "document").lower() != "document":
                    return "filtered.not_a_document"
                if "x-requested-with" in logged:
                    return "filtered.script_request"
        answered = content_type(record)
        if answered is not None and not answered.lower().startswith(self.content_types):
            return "filtered.content_type"
        return None

    def _refuse_path(self, path: str) -> str | None:
        if not path.startswith("/"):
            return "filtered.no_path"
        path = as_served(path)
        if not self._may_be_a_page(path):
            return "filtered.static_file"
        excluded = self._built_in.match(path) and not self._included.match(path)
        return "filtered.excluded_path" if excluded or self._excluded.match(path) else None

    def _may_be_a_page(self, path: str) -> bool:
        """Judges by extension: none, or one that serves pages.

        `/v1.2` has none, `/a.css;v=1` has.
        """
        name = path.rpartition("/")[2].partition(";")[0]
        _, dot, extension = name.rpartition(".")
        known = dot and len(extension) <= 10 and extension.isalnum() and not extension.isdigit()
        return not known or extension.lower() in self.extensions


def _is_prefetch(logged: Mapping[str, str]) -> bool:
    purposes = [logged.get(name, "").lower() for name in PREFETCH_HEADERS]
    return any("prefetch" in purpose or "prerender" in purpose for purpose in purposes)


def content_type(record: Record) -> str | None:
    """Returns the media type of the answer, with its parameters, where the line has it."""
    fields = record.fields
    if fields is None:
        return None
    for key in _CONTENT_TYPES:
        stated = fields.get(key)
        if isinstance(stated, str) and stated not in ("", "-"):
            return stated
    return None
