"""Whether a format fits: from real files to what a person is told."""

from __future__ import annotations

import gzip
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.lines import AGENT, asset, clf_time, page_view

from hooktail.checkup import fit
from hooktail.checkup.finding import Finding, Level
from hooktail.checkup.remedies import how_to_log
from hooktail.config.sections import (
    FieldSection,
    MultilineSection,
    RuleSection,
    SourceSection,
    VisitorSection,
)
from hooktail.extract import registry


def look(*files: Path, **keys: object) -> dict[str, Finding]:
    """The findings by name; of several with one name the first."""
    source = SourceSection(
        **{"name": "shop", "paths": ("/x",), "site": "https://shop.example"} | keys  # type: ignore[arg-type]  # any keys of the section
    )
    found = list(fit.look(source, list(files), "flat"))
    return {finding.name: finding for finding in reversed(found)}


def look_with_parser(directory: Path, parse: str) -> dict[str, Finding]:
    """The findings where a parser of the user's own does `parse` with every line."""
    directory.chmod(0o700)
    file = directory / "ours.py"
    file.write_text(
        "from hooktail_parsers import Format, LineParser, Record\n"
        "class Ours(LineParser):\n"
        "    def parse(self, line):\n"
        f"        {parse}\n"
        "FORMAT = Format('ours', 'ours', (), lambda options: Ours())\n"
    )
    file.chmod(0o644)
    log = directory / "access.log"
    log.write_text("203.0.113.7 x\n" * 20)
    return look(log, format="ours", parser_file=file)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(map(page_view, range(20))) + asset(1))
    return path


def test_a_format_that_fits_is_said_to_with_what_comes_of_it(log: Path) -> None:
    found = look(log)

    assert set(found) == {"format_matches", "events"}
    assert found["format_matches"].message == "combined reads 21 of 21 sampled lines in 1 file"
    assert "20 would be events (pageview 20)" in found["events"].message
    assert "filtered.static_file 1" in found["events"].message


def test_a_format_that_fits_nothing_fails_and_names_place_and_remedy(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(f"shop.example:443 {page_view(number)}" for number in range(40)))

    found = look(log)

    nothing = found["format_matches_nothing"]
    assert (nothing.level, nothing.code) == (Level.FAIL, 65)
    assert "reads none of 40 sampled lines" in nothing.message
    assert nothing.hint == 'format = "vhost_combined" reads 40 of 40 refused lines'
    line = found["line_refused"].message
    assert "line 1 is refused (syntax) at column" in line
    assert "events" not in found


def test_the_format_that_is_proposed_mends_it(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(f"shop.example:443 {page_view(number)}" for number in range(40)))
    proposed = look(log)["format_matches_nothing"].hint.split('"')[1]

    mended = look(log, format=proposed)

    assert {each.level for each in mended.values()} == {Level.OK}


def test_a_format_that_changed_in_the_middle_is_a_warning_with_the_first_bad_line(
    log: Path,
) -> None:
    with log.open("a") as file:
        file.writelines(page_view(1).replace("512", "512 17") for _ in range(10))

    found = look(log)

    partly = found["format_matches_partly"]
    assert (partly.level, partly.code) == (Level.WARN, 0)
    assert "reads 21 of 31" in partly.message
    assert "line 22 is refused" in found["line_refused"].message


def test_a_few_bad_lines_are_shown_without_alarm(log: Path) -> None:
    with log.open("a") as file:
        file.write("a line of something else\n")

    found = look(log)

    assert {each.level for each in found.values()} == {Level.OK}
    assert "a line of <here>something else" in found["line_refused"].message


def test_what_scanners_send_does_not_speak_against_the_format(log: Path) -> None:
    scan = f'81.2.69.1 - - [{clf_time()}] "\\x16\\x03\\x01" 400 150 "-" "-"\n'
    with log.open("a") as file:
        file.write(scan * 30)

    found = look(log)

    assert found["format_matches"].level is Level.OK
    assert "30 of them are no requests" in found["format_matches"].message


def test_a_log_with_a_header_is_known_by_it(tmp_path: Path) -> None:
    log = tmp_path / "u_ex250314.log"
    at = datetime.now(UTC)
    log.write_text(
        "#Software: Microsoft Internet Information Services 10.0\n"
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n"
        + f"{at:%Y-%m-%d %H:%M:%S} 81.2.69.142 GET /p 200 {AGENT.replace(' ', '+')}\n"
        * 20
    )

    found = look(log)["format_matches_nothing"]

    assert 'format = "' in found.hint
    proposed = look(log, format=found.hint.split('"')[1])
    assert proposed["format_matches"].message.startswith(("w3c", "iis"))


def test_times_written_in_another_way_are_a_misfit_at_the_time(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1).replace(clf_time(), "2025-03-14T09:26:53+01:00x") * 9)

    found = look(log)

    assert found["format_matches_nothing"].code == 65
    assert "(bad_time)" in found["line_refused"].message
    assert "a valid time" in found["line_refused"].message


def test_a_log_of_nothing_but_scans_is_a_warning(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(f'81.2.69.1 - - [{clf_time()}] "\\x16\\x03" 400 150 "-" "-"\n' * 30)

    assert look(log)["no_records"].level is Level.WARN


def test_the_lines_that_are_shown_name_nobody(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        '{"remote_addr":"203.0.113.77","user":"anna","q":"/?email=anna@shop.example"}\n' * 9
    )

    messages = " ".join(each.message + each.hint for each in look(log).values())

    assert "is refused" in messages
    assert "anna" not in messages
    assert "203.0.113.77" not in messages


def test_a_json_format_says_where_the_json_breaks(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text('{"request":{"uri" "/p"}}\n' + page_view(1))

    found = [
        each.message
        for each in fit.look(
            SourceSection(name="shop", paths=("/x",), format="caddy_json"), [log], "flat"
        )
        if each.name == "line_refused"
    ]

    assert "at column 19, where the format has other JSON" in found[0]
    assert "at column 1, where the format has a JSON object" in found[1]


def test_a_format_without_an_expression_is_compared_with_its_example(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(page_view(1) * 3)

    message = look(log, format="haproxy_http")["line_refused"].message

    assert "at column" in message
    assert "of its example" in message


def test_auto_says_what_it_found(log: Path) -> None:
    assert (
        "auto (ncsa_combined) reads 21 of 21" in look(log, format="auto")["format_matches"].message
    )


def test_a_format_that_reads_fewer_than_half_of_the_refused_lines_is_named_too(
    tmp_path: Path,
) -> None:
    """Nothing is said of there being no other format."""
    log = tmp_path / "access.log"
    vhosts = [f"shop.example:443 {page_view(number)}" for number in range(12)]
    log.write_text("".join([*vhosts, "nonsense of another kind\n" * 28]))

    hint = look(log, format="combined")["format_matches_nothing"].hint

    assert hint == 'format = "vhost_combined" reads 12 of 40 refused lines'


def test_a_format_that_reads_most_goes_before_one_that_says_more_of_a_few(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    few = [f"shop.example:443 {page_view(number)}" for number in range(15)]
    most = [f'[14/Mar/2025 09:26:53] "GET /{number} HTTP/1.1" 200 5\n' for number in range(25)]
    log.write_text("".join([*few, *most]))

    hint = look(log, format="nginx_json")["format_matches_nothing"].hint

    assert hint == 'format = "django_runserver" reads 25 of 40 refused lines'


def test_a_format_that_knows_lines_without_requests_is_named(tmp_path: Path) -> None:
    log = tmp_path / "laravel.log"
    log.write_text('[2025-03-14 08:26:54] production.ERROR: Undefined {"a":1} []\n' * 20)

    hint = look(log)["format_matches_nothing"].hint
    assert hint == 'format = "laravel_app" knows these lines, and none of them is a request'

    found = look(log, format="auto")
    assert set(found) == {"no_records", "no_events"} & set(found)
    assert "no_request 20" in found["no_records"].message


def test_where_nothing_is_taken_the_mapped_keys_that_no_line_has_are_named(tmp_path: Path) -> None:
    log = tmp_path / "laravel.log"
    log.write_text(
        '[2025-03-14 08:26:54] production.INFO: paid {"address":"81.2.69.142"} []\n' * 20
    )
    mapped = {"map.event": "message", "map.ip": "ip", "map.user_agent": "context.ua"}

    found = look(log, format="laravel_app", format_options=mapped)

    told = "no sampled line has what [source.map] names: ip = 'ip', user_agent = 'context.ua'"
    assert found["no_records"].hint == told


def test_a_parser_that_fails_is_named_and_no_other_format_looked_for(tmp_path: Path) -> None:
    found = look_with_parser(tmp_path, "raise ValueError(line.decode())")

    assert found["format_matches_nothing"].hint == "mend the parser of ours"
    told = found["line_refused"].message
    assert "line 1 is refused (parser_failed: ValueError: " in told
    assert "(ours.py, line 4))" in told
    assert "203.0.113.7" not in told


def test_a_parser_whose_records_have_wrong_types_is_named_with_field_and_type(
    tmp_path: Path,
) -> None:
    found = look_with_parser(
        tmp_path, "return Record(time_ms='now', path='/', user_agent='Firefox')"
    )

    assert found["format_matches_nothing"].hint == "mend the parser of ours"
    told = "(parser_failed: it returned a record whose time_ms is str; allowed: int or None)"
    assert told in found["line_refused"].message


def test_a_log_of_other_things_is_no_request_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("# a comment\n\n" * 20)

    found = look(log)

    assert found["no_records"].level is Level.WARN
    assert "directive 20" in found["no_records"].message


def test_an_empty_log_says_nothing_about_the_format(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()

    assert {name: each.level for name, each in look(log).items()} == {"file_empty": Level.OK}


def test_archives_are_sampled_beside_the_log(log: Path, tmp_path: Path) -> None:
    archive = tmp_path / "access.log.2.gz"
    archive.write_bytes(gzip.compress(log.read_bytes()))

    assert "42 of 42 sampled lines in 2 files" in look(log, archive)["format_matches"].message


def test_no_event_at_all_comes_with_its_reason_and_remedy(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(n, ip="10.0.0.7") for n in range(20)) + asset(1) * 50)

    found = look(log)["no_events"]

    assert found.level is Level.WARN
    assert "filtered.private_ip 20" in found.message
    assert "set trusted_proxies" in found.hint
    trusting = look(log, trusted_proxies=("private",))["no_events"]
    assert "set trusted_proxies" not in trusting.hint
    assert "nginx_main" in trusting.hint


def test_columns_that_the_log_lacks_are_named_with_what_to_log(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(n).split(' "-"')[0] + "\n" for n in range(20)))

    found = look(log, format="common", site=None)

    assert {"no_user_agent", "no_host", "no_events"} <= set(found)
    assert "$http_user_agent" in found["no_user_agent"].hint
    assert "`site`" in found["no_host"].hint


def test_a_format_that_never_states_what_an_event_needs_fails(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(n).split(' "-"')[0] + "\n" for n in range(20)))

    for name in ("common", "auto"):
        lack = look(log, format=name)["no_user_agent"]
        assert (lack.level, lack.code) == (Level.FAIL, 65)
        assert "can come of the format ncsa_common, which never does" in lack.message
        assert 'set format = "combined"; user_agent_default stands for it' in lack.hint
    assert "no_user_agent" not in look(log, format="common", user_agent_default="Unknown/1.0")


def test_a_format_that_may_state_it_is_a_warning(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(n).replace(AGENT, "-") for n in range(20)))

    assert look(log)["no_user_agent"].level is Level.WARN


@pytest.mark.parametrize(
    ("format_name", "hint"),
    [
        ("haproxy_http", 'request_captures = "user-agent"'),
        ("rfc3164+haproxy_http", 'request_captures = "user-agent"'),
        ("json_app", '[source.map] user_agent = "..."'),
        ("cri+logfmt_app", '[source.map] user_agent = "..."'),
        ("iis_w3c", "cs(User-Agent)"),
        ("combined", "$http_user_agent"),
        ("aws_s3", "have what writes the log state it"),
    ],
)
def test_how_to_log_what_is_missing_depends_on_the_format(format_name: str, hint: str) -> None:
    assert hint in how_to_log(registry.find(format_name), "user_agent")


def test_what_auto_chose_is_named_for_each_file(log: Path, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.log"
    hosts.write_text("".join(f"shop.example:443 {page_view(number)}" for number in range(40)))

    assert "auto (ncsa_combined) reads" in look(log, format="auto")["format_matches"].message
    both = look(log, hosts, format="auto")["format_matches"].message
    assert "auto (ncsa_combined 1, vhost_combined 1 files) reads 61 of 61" in both


def test_cookies_are_missed_only_where_they_are_looked_at(log: Path) -> None:
    assert "no_cookies" not in look(log)
    missed = look(log, visitor=VisitorSection(cookie="uid"))["no_cookies"]
    assert "source.visitor.cookie" in missed.message
    assert "$http_cookie" in missed.hint


def test_a_log_from_the_future_is_a_zone_read_wrongly(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    written = page_view(1).replace(clf_time(), clf_time(datetime.now(UTC) + timedelta(hours=2)))
    log.write_text(written * 9)

    found = look(log)

    assert found["log_is_ahead"].level is Level.WARN
    assert "2 hours ahead" in found["log_is_ahead"].hint


def test_a_log_older_than_its_last_write_by_whole_hours_is_one_too(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    at = datetime.now(UTC) - timedelta(hours=5)
    log.write_text(page_view(1).replace(clf_time(), clf_time(at)) * 9)
    assert "timezone" in look(log)["log_is_behind"].hint

    os.utime(log, (at.timestamp(), at.timestamp()))
    assert "log_is_behind" not in look(log)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "access.log.gz"
    whole = gzip.compress("".join(page_view(number) for number in range(3000)).encode())
    archive.write_bytes(whole[: len(whole) // 2])

    found = look(archive)

    assert found["archive_damaged"].level is Level.WARN
    assert "format_matches" in found


def test_only_the_newest_of_many_files_are_sampled(tmp_path: Path) -> None:
    logs = [tmp_path / f"{number}.log" for number in range(fit.MOST_FILES + 10)]
    for each in logs:
        each.write_text(page_view(1))

    found = look(*logs)

    assert f"{fit.MOST_FILES} newest of {len(logs)} files" in found["files_not_sampled"].message
    assert f"in {fit.MOST_FILES} files" in found["format_matches"].message


def test_many_files_that_do_not_fit_are_told_of_in_few_lines(tmp_path: Path) -> None:
    logs = [tmp_path / f"{number}.log" for number in range(20)]
    for each in logs:
        each.write_text("nonsense\n" * 3)
    source = SourceSection(name="shop", paths=("/x",))

    found = list(fit.look(source, logs, "flat"))

    assert len(found) <= 2 * fit.MOST_BAD_FILES + 1
    assert "15 more files do not fit" in found[-1].message


def test_a_multi_line_record_cut_by_the_sample_is_no_misfit(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    entry = {"level": "info", "msg": "x" * 2000}
    request = {
        "time": datetime.now(UTC).isoformat(), "remote_ip": "81.2.69.142", "method": "GET",
        "path": "/p", "status": 200, "user_agent": AGENT,
    }  # fmt: skip
    pretty = json.dumps(request, indent=2) + "\n" + json.dumps(entry, indent=2) + "\n"
    log.write_text(pretty * 700)
    found = look(log, format="json_app", multiline=MultilineSection(json=True))

    assert log.stat().st_size > 1 << 20
    assert "format_matches" in found, found
    assert found["format_matches"].level is Level.OK


def test_it_is_quick(tmp_path: Path) -> None:
    """Fifty files of a format that fits none of them: bounded all the same."""
    logs = [tmp_path / f"{number}.log" for number in range(50)]
    for each in logs:
        each.write_text("a line of an application that says nothing of requests\n" * 600)

    began = time.monotonic()
    look(*logs)

    assert time.monotonic() - began < fit.BUDGET_S + 20


def test_values_that_cannot_be_cast_are_a_warning(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    request = page_view(1).split('"')[1]
    totals = ["19,99", "1.234,56", "5.00"]
    log.write_text(
        "".join(page_view(1).replace(request, f"GET /ok?t={each} HTTP/1.1") for each in totals)
    )
    value = FieldSection(name="value", source="query.t", type="number")
    rule = RuleSection(name="purchase", when={"path": "/ok"}, fields=(value,))

    found = look(log, rules=(rule,))["values_uncast"]

    assert found.level is Level.WARN
    assert (
        found.message == "of the sampled lines 2 have a value that cannot be cast: purchase.value 2"
    )
    assert "hooktail explain" in found.hint


def test_lines_that_do_not_give_their_events_name_are_a_warning(log: Path) -> None:
    rule = RuleSection(name="buy_{query.plan}", when={})

    found = look(log, rules=(rule,))["no_event_name"]

    assert found.level is Level.WARN
    assert "21 sampled lines" in found.message
    assert "hooktail explain" in found.hint


def test_rules_that_no_business_event_can_reach_are_a_warning(tmp_path: Path) -> None:
    """Purchases of an application's log were passed over, and check said that all was well."""
    log = tmp_path / "app.log"
    at = datetime.now(UTC).isoformat()
    client = {"ts": at, "ip": "81.2.69.142", "user_agent": AGENT}
    request = {"level": "info", "method": "GET", "path": "/p", "status": 200, **client}
    order = {"level": "info", "event": "order.placed", "order_id": "A-1", **client}
    log.write_text("".join(f"{json.dumps(each)}\n" for each in [request, request, order] * 10))
    rule = RuleSection(name="purchase", when={"field": {"fields.event": "order.placed"}})

    found = look(log, format="json_app", rules=(rule,))["no_event_key"]
    mended = look(log, format="json_app", rules=(rule,), format_options={"map.event": "event"})

    assert found.level is Level.WARN
    assert (
        found.message == "10 sampled lines state no request, so that no rule sees them (purchase)"
    )
    assert '[source.map] event = "..."' in found.hint
    assert "no_event_key" not in mended
    assert "purchase 10" in mended["events"].message


def test_private_peers_in_front_of_a_logged_header_need_no_other_log(tmp_path: Path) -> None:
    """It advised to log X-Forwarded-For, which the very lines had."""
    log = tmp_path / "access.log"
    log.write_text(
        "".join(f'{page_view(n, ip="10.0.0.7").rstrip()} "81.2.69.142"\n' for n in range(20))
    )

    hint = look(log, format="nginx_main")["no_events"].hint

    assert hint.startswith("the lines have X-Forwarded-For: set trusted_proxies")
