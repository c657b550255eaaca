"""What holds for every format, wrapper and builder there is."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from fuzz.targets import TARGETS, Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooktail_parsers import ParseError, Record, StatefulParser
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.builtin import ALIASES, FORMATS
from hooktail_parsers.testing import check_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail_parsers import Parser

EVERY = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
# No deadline: `auto` makes seventy parsers, and machines are busy.
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])

REQUIRED = """
    ncsa_common ncsa_combined vhost_common vhost_combined vhost_combined_plus nginx_combined
    nginx_main nginx_with_time nginx_xff_first nginx_vhost_xff_first nginx_json nginx_ingress
    nginx_proxy_manager apache_ssl_request caddy_json traefik_json traefik_clf iis_w3c
    iis_advanced_logging w3c cloudfront_standard cloudfront_v2_json aws_s3 aws_alb
    aws_elb_classic gcp_http_lb_json azure_appservice_http akamai_datastream2_json
    cloudflare_logpush fastly_json haproxy_http envoy_text squid_native varnishncsa lighttpd
    litespeed_combined uwsgi gunicorn_default uvicorn werkzeug django_runserver
    rack_common_logger morgan_combined morgan_dev jetty_ncsa icecast2 shoutcast_w3c
    netscaler_w3c incapsula_w3c ovh gandi zeek_http heroku_router_logfmt rails2_log rails3_log
    rails_lograge_json laravel_app spring_app logfmt_app json_app pino_http_json ecs_json
    otlp_json docker_json cri docker_compose rfc3164 rfc5424 journald_json json_wrapped nginx
    apache goaccess grok regex auto
"""


@cache
def made(name: str) -> Parser:
    [target] = [each for each in TARGETS if each.name == name]
    return target.format.make(target.options)


def parser_of(target: Target) -> Parser:
    parser = made(target.name)
    return parser.fork() if isinstance(parser, StatefulParser) else parser


def read(target: Target, batches: Sequence[Sequence[bytes]]) -> list[Assembled[int]]:
    parser = parser_of(target)
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    number = 0
    for batch in batches:
        for result in parser.parse_batch(batch):
            done += assembler.take(number, result)
            number += 1
    return [*done, *assembler.give_up_all()]


def records(done: list[Assembled[int]]) -> list[Record]:
    return [each.parsed for each in done if isinstance(each.parsed, Record)]


def comparable(done: list[Assembled[int]]) -> list[object]:
    return [
        (each.keys, each.parsed.reason if isinstance(each.parsed, ParseError) else each.parsed)
        for each in done
    ]


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A line as it stands, cut, with bytes changed or put in, or two of them run together."""
    line = draw(st.sampled_from(samples))
    how = draw(st.sampled_from(["as it is", "cut", "end", "changed", "put in", "joined", "other"]))
    at = draw(st.integers(0, len(line)))
    if how == "cut":
        return line[:at]
    if how == "end":
        return line[at:]
    if how == "changed":
        return line[:at] + draw(st.binary(min_size=1, max_size=1)) + line[at + 1 :]
    if how == "put in":
        return line[:at] + draw(st.binary(max_size=8)) + line[at:]
    if how == "joined":
        return line[:at] + draw(st.sampled_from(samples))
    return draw(st.binary(max_size=60)).replace(b"\n", b"") if how == "other" else line


def test_every_format_that_is_promised_is_there() -> None:
    assert [name for name in REQUIRED.split() if ALIASES.get(name, name) not in FORMATS] == []


# Their examples are records only with what follows them, or with names that the user gives.
UNFINISHED = ("rails3_log", "laravel_app")


@pytest.mark.parametrize(
    "target",
    [each for each in TARGETS if each.format.example and not each.name.startswith(UNFINISHED)],
    ids=lambda target: target.name,
)
def test_the_example_is_a_record_of_the_client_it_names(target: Target) -> None:
    if target.format.kind == "builder" and not target.name.endswith("1"):
        pytest.skip("the example is a line of the first definition")

    [record] = records(read(target, [target.samples]))

    assert record.method or record.path or record.status
    assert record.ip in ("203.0.113.7", None)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"auto"}))
def test_a_format_says_what_it_is_and_where_that_is_defined(name: str) -> None:
    known = FORMATS[name]

    assert known.summary
    assert known.example
    assert known.source


@FEW
@EVERY
@given(st.data())
def test_any_bytes_mean_the_same_line_by_line_and_in_any_batches(
    target: Target, data: st.DataObject
) -> None:
    lines = data.draw(st.lists(damaged(target.samples), max_size=12))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=2)))
    batches = [lines[start:end] for start, end in pairwise((0, *cuts, len(lines)))]

    check_lines(target.format, lines, target.options)

    assert comparable(read(target, batches)) == comparable(read(target, [lines]))


# A value may be the line's last, with nothing behind it: a line cut within it looks whole.
ENDS_ANYWHERE = ("logfmt_app", "spring_app")


@pytest.mark.parametrize(
    "target",
    # Lines that wait are the same inside and outside of a wrapper; one of each is enough.
    [
        each
        for each in TARGETS
        if "auto" not in each.name
        and each.format.kind != "wrapper"
        and not each.name.startswith(ENDS_ANYWHERE)
    ],
    ids=lambda target: target.name,
)
def test_a_line_cut_anywhere_names_no_other_client(target: Target) -> None:
    *head, last = [each.replace(b"203.0.113.7", b"203.0.113.77") for each in target.samples]

    found = {
        record.ip
        for cut in range(len(last) + 1)
        for record in records(read(target, [[*head, last[:cut]]]))
    }

    assert found <= {"203.0.113.77", None}
