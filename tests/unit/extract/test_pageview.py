"""What the built-in page view takes for a person looking at a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from hooktail.config.sections import PageviewSection
from hooktail.extract.pageview import EXCLUDED_PATHS, PAGE_EXTENSIONS, PageviewFilter
from hooktail_parsers import Record

PAGE = Record(method="GET", status=200, path="/shop", user_agent="Firefox", ip="81.2.69.142")


def refused(record: Record, section: PageviewSection | None = None) -> str | None:
    return PageviewFilter(section or PageviewSection()).refuses(record)


def refused_path(path: str) -> str | None:
    return refused(structs.replace(PAGE, path=path))


def test_a_successful_get_of_a_page_is_a_page_view() -> None:
    assert refused(PAGE) is None


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "get", None])
def test_only_get_is_a_page_view(method: str | None) -> None:
    assert refused(structs.replace(PAGE, method=method)) == "filtered.method"


def test_an_unchanged_page_is_a_page_view() -> None:
    assert refused(structs.replace(PAGE, status=304)) is None


@pytest.mark.parametrize("status", [None, 199, 201, 204, 206, 301, 302, 403, 404, 500])
def test_other_answers_are_none(status: int | None) -> None:
    assert refused(structs.replace(PAGE, status=status)) == "filtered.status"


@pytest.mark.parametrize("path", [None, "*", "example.com:443", ""])
def test_a_request_for_no_path_is_none(path: str | None) -> None:
    assert refused(structs.replace(PAGE, path=path)) == "filtered.no_path"


@pytest.mark.parametrize("extension", sorted(PAGE_EXTENSIONS))
def test_extensions_that_serve_pages_are_page_views(extension: str) -> None:
    assert refused_path(f"/a/page.{extension}") is None
    assert refused_path(f"/a/page.{extension.upper()}") is None


def test_the_page_extensions_are_those_of_the_reference() -> None:
    words = "html htm xhtml shtml php asp aspx jsp jspx cfm do cgi"
    assert frozenset(words.split()) == PAGE_EXTENSIONS


@pytest.mark.parametrize(
    "path", ["/", "/a/b/", "/v1.2", "/blog/2024.01", "/index.php/a", "/a.", "/what.is-this-thing"]
)
def test_paths_without_an_extension_are_page_views(path: str) -> None:
    assert refused_path(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "/a.css",
        "/a.JS",
        "/a.png",
        "/a.woff2",
        "/media/a.mp3",
        "/a.zip",
        "/a.pdf",
        "/a.json",
        "/a.css;v=1",
        "/a%2ecss",
        "/a.unknown",
    ],
)
def test_static_media_font_and_download_files_are_none(path: str) -> None:
    assert refused_path(path) == "filtered.static_file"


def test_a_session_in_the_path_does_not_hide_the_extension() -> None:
    assert refused_path("/page.jsp;jsessionid=ABC.node1") is None


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/security",
        "/health",
        "/healthz",
        "/livez",
        "/readyz",
        "/ping",
        "/metrics",
        "/server-status",
        "/nginx_status",
        "/wp-admin/index.php",
        "/wp-login.php",
        "/wp-cron.php",
        "/wp-json/v2/posts",
        "/xmlrpc.php",
        "/admin/users",
        "/api/v1/items",
        "/graphql",
        "/.git/HEAD",
        "/cdn-cgi/trace",
        "/blog/feed/",
        "/feed/",
    ],
)
def test_paths_of_machines_and_of_the_house_are_none(path: str) -> None:
    assert refused_path(path) == "filtered.excluded_path"
    assert refused_path(path.upper()) == "filtered.excluded_path"


@pytest.mark.parametrize("glob", EXCLUDED_PATHS)
def test_every_excluded_path_is_refused_for_one_reason_or_another(glob: str) -> None:
    assert refused_path(glob.replace("*", "/x")) in (
        "filtered.excluded_path",
        "filtered.static_file",
    )


@pytest.mark.parametrize("path", ["/%61dmin/users", "//admin//users", "/api%2Fv1"])
def test_spelling_a_path_otherwise_does_not_get_it_past(path: str) -> None:
    assert refused_path(path) == "filtered.excluded_path"


@pytest.mark.parametrize("path", ["/administration", "/a/api/b", "/pinguin", "/feedback"])
def test_paths_that_only_look_alike_are_page_views(path: str) -> None:
    assert refused_path(path) is None


def test_more_paths_can_be_excluded() -> None:
    section = PageviewSection(exclude_paths=("/intern/*", "/a?c"))
    assert refused(structs.replace(PAGE, path="/intern/x"), section) == "filtered.excluded_path"
    assert refused(structs.replace(PAGE, path="/abc"), section) == "filtered.excluded_path"
    assert refused(structs.replace(PAGE, path="/abbc"), section) is None
    assert refused(structs.replace(PAGE, path="/ping"), section) == "filtered.excluded_path"


def test_page_views_can_be_turned_off() -> None:
    assert refused(PAGE, PageviewSection(enabled=False)) == "filtered.no_rule"


@pytest.mark.parametrize("name", ["Sec-Purpose", "purpose", "X-Moz"])
def test_a_page_fetched_in_advance_is_none(name: str) -> None:
    assert (
        refused(structs.replace(PAGE, headers={name: "prefetch;prerender"})) == "filtered.prefetch"
    )


def test_what_is_no_document_is_none_where_that_is_logged() -> None:
    image = structs.replace(PAGE, headers={"Sec-Fetch-Dest": "image"})
    document = structs.replace(PAGE, headers={"Sec-Fetch-Dest": "document", "Purpose": "-"})
    assert refused(image) == "filtered.not_a_document"
    assert refused(document) is None


def test_what_a_script_asked_for_is_none() -> None:
    script = structs.replace(PAGE, headers={"x-requested-with": "XMLHttpRequest"})
    assert refused(script) == "filtered.script_request"


def test_an_answer_that_is_no_html_is_none_where_that_is_logged() -> None:
    json = structs.replace(PAGE, fields={"sent_http_content_type": "application/json"})
    html = structs.replace(PAGE, fields={"content_type": "text/html; charset=utf-8", "other": 1})
    assert refused(json) == "filtered.content_type"
    assert refused(html) is None


def test_paths_can_be_taken_out_of_the_built_in_exclusions() -> None:
    section = PageviewSection(include_paths=("/api/docs/*",), exclude_paths=("/api/docs/old*",))
    pages = PageviewFilter(section)

    def refused(path: str) -> str | None:
        return pages.refuses(Record(method="GET", status=200, path=path))

    assert refused("/api/docs/start") is None
    assert refused("/api/docs/old/start") == "filtered.excluded_path"
    assert refused("/api/orders") == "filtered.excluded_path"


def test_methods_statuses_and_media_types_can_be_others() -> None:
    section = PageviewSection(
        methods=("HEAD", "GET"), statuses=(206, 200), content_types=("Application/PDF",)
    )
    for method, status in (("HEAD", 200), ("GET", 206)):
        assert refused(structs.replace(PAGE, method=method, status=status), section) is None
    assert refused(structs.replace(PAGE, method="POST"), section) == "filtered.method"
    assert refused(structs.replace(PAGE, status=304), section) == "filtered.status"
    pdf = structs.replace(PAGE, fields={"content_type": "application/pdf; q=1"})
    assert refused(pdf, section) is None
    assert refused(pdf) == "filtered.content_type"
    html = structs.replace(PAGE, fields={"content_type": "text/html"})
    assert refused(html, section) == "filtered.content_type"


@pytest.mark.parametrize(
    ("header", "value", "key"),
    [
        ("sec-purpose", "prefetch", "prefetch"),
        ("sec-fetch-dest", "iframe", "subrequests"),
        ("x-requested-with", "com.example.app", "subrequests"),
    ],
)
def test_what_headers_tell_against_a_page_can_be_sent(header: str, value: str, key: str) -> None:
    told = structs.replace(PAGE, headers={header: value})
    assert refused(told) is not None
    sending = replace(PageviewSection(), **{key: "send"})  # type: ignore[arg-type]  # either key
    assert refused(told, sending) is None
