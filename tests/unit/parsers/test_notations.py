"""What people paste behind a builder's colon that is not what it takes, and with quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hooktail_parsers import OptionError, Record
from hooktail_parsers.builders import apache, goaccess, grok, nginx, regex

if TYPE_CHECKING:
    from types import ModuleType

LINE = (
    b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 200 512 '
    b'"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
)
MAIN = "log_format main '$remote_addr - $remote_user [$time_local] \"$request\" $status';"


@pytest.mark.parametrize(
    ("builder", "definition", "told"),
    [
        (nginx, "combined", "'combined' is a name, not a layout; allowed: the text of log_format"),
        (nginx, "main", "a format of that name without nginx: before it"),
        (nginx, " main; ", "'main' is a name"),
        (apache, "combined", "the text of LogFormat combined in the configuration of Apache"),
        (
            nginx,
            "access_log /var/log/nginx/access.log main;",
            "allowed: the directive log_format main, which says how its lines are written",
        ),
        (nginx, '%h %l %u %t "%r" %>s %b', "'%h' is in Apache's notation; allowed: apache: before"),
        (apache, '$remote_addr [$time_local] "$request"', "allowed: nginx: before it"),
        (
            apache,
            '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i',
            'the quote before %{User-Agent}i is not closed; allowed: "%{User-Agent}i"',
        ),
        (
            nginx,
            '$remote_addr [$time_local] "$request" "$http_user_agent',
            'the quote before $http_user_agent is not closed; allowed: "$http_user_agent"',
        ),
        (nginx, f"http {{ {MAIN} {MAIN} }}", "holds the directive log_format 2 times"),
    ],
)
def test_what_is_no_definition_is_told_with_what_to_do(
    builder: ModuleType, definition: str, told: str
) -> None:
    with pytest.raises(OptionError) as caught:
        builder.build(definition, {})

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("builder", "definition"),
    [
        (grok, '"%{COMBINEDAPACHELOG}"'),
        (grok, "'%{COMBINEDAPACHELOG}'"),
        (goaccess, '\'%h %^[%d:%t %^] "%r" %s %b "%R" "%u"\''),
        (goaccess, r'"%h %^[%d:%t %^] \"%r\" %s %b \"%R\" \"%u\""'),
        (goaccess, '"COMBINED"'),
        (nginx, f"http {{\n    {MAIN}\n}}"),
        (nginx, f"http {{ include x; {MAIN} access_log /var/log/a.log main; }}"),
    ],
)
def test_a_definition_may_be_pasted_with_the_quotes_around_it(
    builder: ModuleType, definition: str
) -> None:
    parsed = builder.build(definition, {}).parse(LINE)

    assert isinstance(parsed, Record)
    assert (parsed.ip, parsed.path, parsed.status) == ("203.0.113.7", "/p", 200)


@pytest.mark.parametrize("name", ["?P<", "?<"])
def test_groups_may_be_named_as_other_tools_name_them(name: str) -> None:
    regexp = r'(?P<ip>[^ ]+) [^"]*"(?P<request>[^"]*)" (?P<status>[0-9]+)'.replace("?P<", name)
    mixed = r'%{IP:ip} [^"]*"(?P<request>[^"]*)" %{INT:status}'.replace("?P<", name)

    for parser in (regex.build(regexp, {}), grok.build(mixed, {})):
        parsed = parser.parse(LINE)

        assert isinstance(parsed, Record)
        assert (parsed.ip, parsed.path, parsed.status) == ("203.0.113.7", "/p", 200)


def test_the_quotes_of_the_layout_itself_stay() -> None:
    definition = '"%{IP:ip}" "%{HTTPDATE:timestamp}" "%{DATA:request}"'
    line = b'"203.0.113.7" "14/Mar/2025:09:26:53 +0100" "GET /p HTTP/1.1"'

    parsed = grok.build(definition, {}).parse(line)

    assert isinstance(parsed, Record)
    assert (parsed.ip, parsed.path) == ("203.0.113.7", "/p")
