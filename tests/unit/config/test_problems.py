"""What a wrong configuration is answered with: every problem, with its address."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hooktail import config
from hooktail.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path


DESTINATION = '[destination.default]\naccount_id = "acc-4711"\n'
SOURCE = '[[source]]\nname = "shop"\npaths = ["/var/log/shop.log"]\n'
RULE = '[[source.event]]\nname = "buy"\n'


def problems(folder: Path, text: str | bytes, **environ: str) -> list[Problem]:
    path = folder / "hooktail.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config.collect(path, environ=environ)[1]


def only(folder: Path, text: str | bytes, **environ: str) -> Problem:
    found = problems(folder, text, **environ)
    assert len(found) == 1, [str(problem) for problem in found]
    assert "acc-4711" not in str(found[0])
    return found[0]


@pytest.mark.parametrize(
    ("text", "key", "found", "allowed"),
    [
        ("concurrency = 0", "concurrency", "0 (whole number)", "1 to 10000"),
        ("concurrency = 10001", "concurrency", "10001 (whole number)", "1 to 10000"),
        ('concurrency = "64"', "concurrency", '"64" (text)', "1 to 10000"),
        ("concurrency = true", "concurrency", "true (boolean)", "1 to 10000"),
        ("concurrency = 6.5", "concurrency", "6.5 (number)", "1 to 10000"),
        ("concurrency = 2024-01-01", "concurrency", "a date or time", "1 to 10000"),
        ("queue_events = 1000001", "queue_events", "1000001", "1 to 1000000"),
        ("drain_timeout_s = 0", "drain_timeout_s", "0 (whole number)", "seconds"),
        ("drain_timeout_s = -1.5", "drain_timeout_s", "-1.5 (number)", "seconds"),
        ("drain_timeout_s = nan", "drain_timeout_s", "nan (number)", "seconds"),
        ("drain_timeout_s = inf", "drain_timeout_s", "inf (number)", "seconds"),
        ("drain_timeout_s = false", "drain_timeout_s", "false (boolean)", "seconds"),
        ('drain_timeout_s = "20 s"', "drain_timeout_s", '"20 s" (text)', "seconds"),
        ("drain_timeout_s = [1]", "drain_timeout_s", "a list", "seconds"),
        (f"drain_timeout_s = {9:0<400}", "drain_timeout_s", "very large", "seconds"),
        ("workers = 0", "workers", "0 (whole number)", "a whole number from 1 to 64"),
        ("retry_initial_s = 90", "retry_initial_s", "90 s", "60 s"),
    ],
)
def test_values_of_delivery(tmp_path: Path, text: str, key: str, found: str, allowed: str) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}[delivery]\n{text}")

    assert problem.file == str(tmp_path / "hooktail.toml")
    assert problem.key == f"delivery.{key}"
    assert found in problem.found
    assert allowed in problem.allowed


@pytest.mark.parametrize(
    ("text", "key", "found", "words"),
    [
        ('format = ""', "format", '""', "empty"),
        ("exclude = 3", "exclude", "3 (whole number)", "list"),
        ('exclude = "/a"', "exclude", '"/a"', "in brackets"),
        ('start_at = "ende"', "start_at", '"ende"', "did you mean 'end'?"),
        ('max_event_age = "7"', "max_event_age", '"7"', '"7s"'),
        ("max_event_age = -1", "max_event_age", "-1", "no limit"),
        ("max_line_bytes = 1023", "max_line_bytes", "1023", "1024 to 16777216"),
        ("max_url_length = 2049", "max_url_length", "2049", "from 64 to 2048"),
        ("max_user_agent_length = 63", "max_user_agent_length", "63", "from 64 to 1024"),
        ("max_body_bytes = 32769", "max_body_bytes", "32769", "from 1024 to 32768"),
        ("pageview = { statuses = 200 }", "pageview.statuses", "200", "in brackets"),
        ("pageview = { statuses = [200, 600] }", "pageview.statuses[1]", "600", "out of range"),
        ("pageview = { statuses = [] }", "pageview.statuses", "an empty list", "empty"),
        ("pageview = { methods = ['get'] }", "pageview.methods[0]", '"get"', "not a method"),
        ("pageview = { content_types = ['a'] }", "pageview.content_types[0]", '"a"', "media"),
        ("pageview = { prefetch = false }", "pageview.prefetch", "false", '"drop", "send"'),
        ("send_event_id = 1", "send_event_id", "1 (whole number)", "true or false"),
        ('private_ips = "keep"', "private_ips", '"keep"', '"drop", "send"'),
        ('bots = "keep"', "bots", '"keep"', '"drop", "tag", "send"'),
        ('year = "2024"', "year", '"2024"', "without quotes"),
        ("timezone = 1", "timezone", "1 (whole number)", "text"),
        ('site = "<https://shop.example>"', "site", "<https", "typographic"),
        ('site = "shop.example"', "site", '"shop.example"', "https:// before it"),
        ('site = "https://shop.example/"', "site", "example/", "write https://shop.example"),
        ('site = "https://me:pw@shop.example"', "site", "//***@", "before the @"),
        ('site = "ftp://shop.example"', "site", "ftp:", "neither http nor https"),
        ('site = "https://"', "site", "https://", "no host"),
        ('destination = "eu"', "destination", '"eu"', "there is no [destination.eu]"),
        ('destination = "defualt"', "destination", "defualt", "did you mean 'default'?"),
        ("map = 1", "map", "1 (whole number)", "a table"),
        ("map = { ip = 1 }", "map.ip", "1 (whole number)", "text"),
        ("pageview = { enabled = 1 }", "pageview.enabled", "1", "true or false"),
        ("pageview = { exclude = [] }", "pageview.exclude", "exclude", "'exclude_paths'?"),
        ("event = { name = 'x' }", "event", "a table", "[[source.event]]"),
        ("event = [1]", "event[0]", "1 (whole number)", "a table"),
        ("path = ['/a']", "path", '"path"', "did you mean 'paths'?"),
    ],
)
def test_values_of_a_source(tmp_path: Path, text: str, key: str, found: str, words: str) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}{text}")

    assert problem.key == f"source[shop].{key}"
    assert found in problem.found
    assert words.replace("[[", "[").rstrip("]") in str(problem)


@pytest.mark.parametrize(
    ("paths", "item", "words"),
    [
        ("[]", "", "empty"),
        ('"/a"', "", "in brackets"),
        ('["/a", "b.log"]', "[1]", 'not an absolute path; found "b.log"'),
        ("[1]", "[0]", "wrong type; found 1 (whole number); allowed: an absolute path"),
        ('["/a\\u0000b"]', "[0]", "not an absolute path"),
    ],
)
def test_paths_are_absolute_globs(tmp_path: Path, paths: str, item: str, words: str) -> None:
    text = f'{DESTINATION}[[source]]\nname = "shop"\npaths = {paths}'

    problem = only(tmp_path, text)

    assert problem.key == f"source[shop].paths{item}"
    assert words in str(problem)


def test_name_and_paths_are_required(tmp_path: Path) -> None:
    first, second = problems(tmp_path, f"{DESTINATION}[[source]]\n")

    assert (first.key, first.message) == ("source[0].name", "missing")
    assert (second.key, second.message) == ("source[0].paths", "missing")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[source.event.when]\npaht = '/'", "when.paht", "did you mean 'path'?"),
        ("[source.event.when]\nstatus = 2024-01-01", "when.status", "wrong type"),
        ("[source.event.when]\nstatus = nan", "when.status", "not a finite number"),
        ("when = '/buy'", "when", "a table"),
        ("once_per = 'order'", "once_per", "names no field of this rule"),
        ("once_for = '9d'", "once_for", "stands without once_per"),
        (
            "once_per = 'x'\nonce_for = '59s'\n[source.event.fields]\nx = 1",
            "once_for",
            "from 1m to 3660d",
        ),
        ("[source.event.fields]\nurl = 'x'", "fields.url", "key of the event itself"),
        ("[source.event.fields]\nevent_payload = 'x'", "fields.event_payload", "of the event"),
        ("[source.event.fields]\nx = nan", "fields.x", "not a finite number"),
        ("[source.event.fields]\nx = ''", "fields.x", "empty"),
        ("[source.event.fields]\nx = [1]", "fields.x", "a table with from"),
        ("[source.event.fields]\nx = 9007199254740993", "fields.x", "as text"),
        ("[source.event.fields]\nx = {}", "fields.x.from", "missing"),
        ("[source.event.fields]\nx = { from = 'a', typ = 'b' }", "fields.x.typ", "'type'?"),
        ("[source.event.fields]\nx = { from = 'a', type = 'int' }", "fields.x.type", '"integer"'),
        ("[source.event.fields]\nx = { from = 'a', max_length = 0 }", "fields.x.max_length", "1"),
        ("[source.event.fields]\nx = { from = 'a', required = 1 }", "fields.x.required", "true"),
        (
            "[source.event.fields]\nx = { from = 'a', type = 'number', default = true }",
            "fields.x.default",
            "does not fit",
        ),
        ("[source.event.fields]\n'' = 1", 'fields.""', "the name is empty"),
        ("sample = 0.5", "sample", "page views alone may be sampled"),
        ("drop = 1", "drop", "true or false"),
        ("[source.event.fields]\nx = { template = '{a}', from = 'b' }", "fields.x.template", "one"),
        (
            "[source.event.fields]\nx = { from = 'a', transform = 'trim' }",
            "fields.x.transform",
            "[",
        ),
        (
            "[source.event.fields]\nx = { from = 'a', transform = ['trim', 'hash_mail'] }",
            "fields.x.transform[1]",
            "not one of the allowed words",
        ),
        ("[source.event.fields]\nx = { from = 'a', decimal = ',' }", "fields.x.decimal", '"comma"'),
        (
            "[source.event.fields]\nx = { from = 'a', separator = '' }",
            "fields.x.separator",
            "empty",
        ),
        (
            "[source.event.fields]\nx = { from = 'a', type = 'json', default = '{}' }",
            "fields.x.default",
            "no default",
        ),
    ],
)
def test_values_of_a_rule(tmp_path: Path, text: str, key: str, words: str) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}{RULE}{text}")

    assert problem.key == f"source[shop].event[0].{key}"
    assert words in str(problem)


@pytest.mark.parametrize(
    ("rule", "key", "words"),
    [
        ("", "name", "missing"),
        ("drop = false", "name", "missing"),
        ("name = ''", "name", "empty"),
        ("name = 3", "name", "wrong type"),
        ("name = { form = 'fields.event' }", "name", "not a table with from alone"),
        ("name = { from = '' }", "name", "not a table with from alone"),
    ],
)
def test_a_rule_has_a_name_or_drops(tmp_path: Path, rule: str, key: str, words: str) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}[[source.event]]\n{rule}")

    assert problem.key == f"source[shop].event[0].{key}"
    assert words in str(problem)
    assert problems(tmp_path, f"{DESTINATION}{SOURCE}[[source.event]]\ndrop = true") == []


@pytest.mark.parametrize("sample", ["0", "1.5", "-1", "nan", "true", '"10%"'])
def test_a_sample_is_a_share(tmp_path: Path, sample: str) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}[source.pageview]\nsample = {sample}")

    assert problem.key == "source[shop].pageview.sample"
    assert "above 0, at most 1" in str(problem)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://listen.audiohook.com/{account_id}", "unencrypted"),
        ("http://127.0.0.1.evil.example/", "unencrypted"),
        ("http://localhost\\\\@evil.example/", "backslash"),
        ("<https://listen.audiohook.com/>", "typographic"),
        ("https://me:secret@h.example/", "user name"),
        ("https://h.example/#part", "fragment"),
        ("https://h.example/{id}", "the only one is {account_id}"),
        ("https://h.example/{{account_id}}", "stray brace"),
        ("https:///pixel.png", "no host"),
        ("https://[::1/", "not a URL"),
        ("https://h.example:port/", "not a URL"),
        ("https://h.example/a b", "white space"),
        ("listen.audiohook.com", "https:// before it"),
    ],
)
def test_endpoints(tmp_path: Path, endpoint: str, words: str) -> None:
    problem = only(tmp_path, f'{DESTINATION}endpoint = "{endpoint}"\n{SOURCE}')

    assert problem.key == "destination.default.endpoint"
    assert words in str(problem)
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    "listen", ["9178", ":9178", "host:99999", "unix:rel/path", "[nonsense:1", "[:]:1", "a b:1"]
)
def test_listening_addresses(tmp_path: Path, listen: str) -> None:
    problem = only(tmp_path, f'{DESTINATION}{SOURCE}[status]\nlisten = "{listen}"')

    assert problem.key == "status.listen"
    assert "host:port" in problem.allowed


@pytest.mark.parametrize("value", ['"state"', '""', "3", '"~/state"'])
def test_the_state_directory_is_absolute(tmp_path: Path, value: str) -> None:
    problem = only(tmp_path, f"state_dir = {value}\n{DESTINATION}{SOURCE}")

    assert problem.key == "state_dir"
    assert problem.allowed == "an absolute path"


def test_a_state_directory_of_the_environment_is_absolute_too(tmp_path: Path) -> None:
    problem = only(tmp_path, DESTINATION + SOURCE, HOOKTAIL_STATE_DIR="state")

    assert (problem.file, problem.key) == ("environment", "HOOKTAIL_STATE_DIR")


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("concurency = 1", "concurency", ""),
        ("[destinaton.default]", "destinaton", "did you mean 'destination'?"),
        ("[sources]", "sources", "did you mean 'source'?"),
        ("concurrency = 1", "concurrency", "concurrency belongs in [delivery]"),
    ],
)
def test_unknown_keys_at_the_top(tmp_path: Path, text: str, key: str, hint: str) -> None:
    problem = only(tmp_path, f"{text}\n{DESTINATION}{SOURCE}")

    assert (problem.key, problem.message, problem.hint) == (key, "unknown key", hint)
    assert "state_dir" in problem.allowed


def test_where_many_keys_are_allowed_the_list_is_pointed_at(tmp_path: Path) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}fomat = 'combined'\n")

    assert problem.allowed == ""
    assert problem.hint.startswith("did you mean 'format'?; all keys: ")
    assert "`hooktail config schema`" in problem.hint
    assert len(str(problem)) < 250


def test_an_unknown_key_gets_a_suggestion(tmp_path: Path) -> None:
    problem = only(tmp_path, f"{DESTINATION}{SOURCE}[delivery]\nconcurency = 1")

    assert problem.hint == "did you mean 'concurrency'?"


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        ("account_id = 'acc 4711'", "account_id", "not an account id"),
        ("account_id = ''", "account_id", "empty"),
        ("account_id = 4711", "account_id", "wrong type"),
        ("account_id = 'YOUR_AUDIOHOOK_ID'", "account_id", "placeholder"),
        ("account_id = 'a'\naccount_id_file = '/x'", "account_id", "beside account_id_file"),
        ("account_id_file = 'x'", "account_id_file", "not an absolute path"),
        ("account_id_file = '/no/such/file'", "account_id_file", "no such file"),
        ("account_id_file = '/'", "account_id_file", "not a regular file"),
        ("account_id_file = '/dev/null'", "account_id_file", "not a regular file"),
        ("", "account_id", "HOOKTAIL_ACCOUNT_ID"),
    ],
)
def test_account_ids(tmp_path: Path, lines: str, key: str, words: str) -> None:
    problem = only(tmp_path, f"[destination.default]\n{lines}\n{SOURCE}")

    assert problem.key == f"destination.default.{key}"
    assert words in str(problem)
    assert "4711" not in str(problem)
    assert "YOUR_" not in str(problem)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (b"acc-4711", 0o660, "chmod go-w"),
        (b"acc-4711", 0o602, "chmod go-w"),
        (b"\xff\xfe", 0o600, "not text"),
        (b"acc-4711\nacc-4712", 0o600, "not an account id"),
    ],
)
def test_a_file_of_the_account_id(tmp_path: Path, content: bytes, mode: int, words: str) -> None:
    file = tmp_path / "account_id"
    file.write_bytes(content)
    file.chmod(mode)

    named = only(tmp_path, f'[destination.default]\naccount_id_file = "{file}"\n{SOURCE}')
    credential = only(
        tmp_path, f"[destination.default]\n{SOURCE}", CREDENTIALS_DIRECTORY=str(tmp_path)
    )

    assert named.key == "destination.default.account_id_file"
    assert credential.file == str(file)
    assert words in str(named)
    assert words in str(credential)


def test_an_empty_account_id_file_is_named_but_an_empty_credential_is_as_good_as_none(
    tmp_path: Path,
) -> None:
    """The unit gives an empty credential where /etc/hooktail/account_id is missing."""
    file = tmp_path / "account_id"
    file.write_bytes(b" \n")

    named = only(tmp_path, f'[destination.default]\naccount_id_file = "{file}"\n{SOURCE}')
    credential = only(
        tmp_path, f"[destination.default]\n{SOURCE}", CREDENTIALS_DIRECTORY=str(tmp_path)
    )

    assert "is empty" in str(named)
    assert "there is no account id" in str(credential)


def test_a_pipe_in_place_of_the_account_id_file_does_not_hold_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    problem = only(tmp_path, f'[destination.default]\naccount_id_file = "{pipe}"\n{SOURCE}')

    assert "not a regular file" in str(problem)


def test_the_account_id_is_masked_wherever_else_it_was_written(tmp_path: Path) -> None:
    text = f'{DESTINATION}endpoint = "http://h.example/acc-4711/x"\n{SOURCE}site = "acc-4711"\n'

    found = problems(tmp_path, f'{text}[status]\nlisten = "acc-4711"')

    assert len(found) == 3
    assert all("***" in problem.found for problem in found)
    assert "acc-4711" not in str(ConfigError(found))


def test_there_is_a_source(tmp_path: Path) -> None:
    assert only(tmp_path, DESTINATION).message == "there is no source: nothing to read"
    assert only(tmp_path, f"source = []\n{DESTINATION}").key == "source"


def test_a_source_needs_its_destination(tmp_path: Path) -> None:
    problem = only(tmp_path, SOURCE)

    assert problem.key == "source[shop].destination"
    assert problem.found == '"default" (text) (the default)'
    assert problem.hint == "add [destination.default]"


def test_single_brackets_around_source(tmp_path: Path) -> None:
    problem = only(tmp_path, DESTINATION + SOURCE.replace("[[source]]", "[source]"))

    assert problem.key == "source"
    assert "two brackets" in problem.hint


def test_destinations_have_names(tmp_path: Path) -> None:
    first, *_ = problems(tmp_path, f'[destination]\naccount_id = "acc-4711"\n{SOURCE}')

    assert first.key == "destination.account_id"
    assert first.hint == "write [destination.default] above it"
    assert "acc-4711" not in str(first)

    text = f'{DESTINATION}[destination."a b"]\naccount_id = "x"\n{SOURCE}'
    assert only(tmp_path, text).key == 'destination."a b"'


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = (
        "colour = 1\n[destination.default]\npayload = 'flatt'\n"
        "[delivery]\nconcurrency = 0\n[[source]]\nname = 'a b'\npaths = []\n"
        "[[source.event]]\nwhen = { method = 'GET' }\n"
    )

    found = problems(tmp_path, text)

    assert {problem.key for problem in found} == {
        "colour",
        "destination.default.account_id",
        "destination.default.payload",
        "delivery.concurrency",
        "source[0].name",
        "source[0].paths",
        "source[0].event[0].name",
    }
    error = ConfigError(found)
    assert error.exit_code == 78
    assert len(str(error).splitlines()) == len(found)


def test_every_problem_names_the_file_its_key_came_from(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    drop_in = folder / "a.toml"
    drop_in.write_text(
        f"[delivery]\nworkers = 0\n{SOURCE}[[source]]\nname = 'b'\n[destination.c]\n"
    )

    found = problems(tmp_path, f"[delivery]\nqueue_events = 0\n{DESTINATION}{SOURCE}")

    main = str(tmp_path / "hooktail.toml")
    places = {(problem.file, problem.key) for problem in found}
    assert places == {
        (main, "delivery.queue_events"),
        (str(drop_in), "delivery.workers"),
        (str(drop_in), "destination.c.account_id"),
        (str(drop_in), "source[1].name"),
        (str(drop_in), "source[b].paths"),
    }
    repeated = next(problem for problem in found if problem.key == "source[1].name")
    assert main in repeated.message


def test_a_key_given_in_two_files_names_both(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "a.toml").write_text('[destination.default]\naccount_id = "other"')

    problem = only(tmp_path, DESTINATION + SOURCE)

    assert problem.file == str(folder / "a.toml")
    assert problem.key == "destination.default.account_id"
    assert str(tmp_path / "hooktail.toml") in problem.message
    assert "other" not in str(problem)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[delivery]\nconcurrency = = 1", "line 2, column 15: not valid TOML: Invalid value"),
        (b'a = "x', "not valid TOML"),
        (b"a = 1\na = 2", "line 2, column 6: not valid TOML"),
        (b"ok = 1\nb = '\xe4'", "line 2: not UTF-8; found the byte 0xe4"),
        (b"a = " + b"[" * 5000, "not valid TOML"),
        (b"a = " + b"9" * 5000, "not valid TOML"),
        (b"#" * (4 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_files_that_are_no_toml(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in str(only(tmp_path, content))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert problems(tmp_path, "\ufeff" + DESTINATION + SOURCE) == []


def test_files_that_are_none(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError) as caught:
        config.load(missing, environ={})
    assert str(missing) in str(caught.value)
    assert "--config" in str(caught.value)
    assert "hooktail demo" in str(caught.value)

    with pytest.raises(ConfigError, match="is a directory"):
        config.load(tmp_path, environ={})
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / ("x" * 300), environ={})


def test_a_drop_in_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "a.toml").symlink_to(tmp_path / "gone.toml")

    assert only(tmp_path, DESTINATION + SOURCE).file == str(folder / "a.toml")


def test_a_file_in_place_of_the_drop_in_folder(tmp_path: Path) -> None:
    (tmp_path / "conf.d").write_text("")

    assert "cannot be listed" in only(tmp_path, DESTINATION + SOURCE).message


def test_every_wrong_item_of_a_list_is_told(tmp_path: Path) -> None:
    text = f'{DESTINATION}[[source]]\nname = "shop"\npaths = ["a", "/b", "c"]'

    found = problems(tmp_path, text)

    assert [problem.key for problem in found] == ["source[shop].paths[0]", "source[shop].paths[2]"]
    assert [problem.found for problem in found] == ['"a" (text)', '"c" (text)']


def test_a_key_given_twice_hides_nothing(tmp_path: Path) -> None:
    """It was the only thing that was told; the rest came out one start later."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "b.toml").write_text('state_dir = "/b"\n[delivery]\nworkers = 0\n')

    found = problems(tmp_path, f'state_dir = "/a"\n{DESTINATION}{SOURCE}start_at = "x"\n')

    assert sorted(problem.key for problem in found) == [
        "delivery.workers", "source[shop].start_at", "state_dir"
    ]  # fmt: skip


def test_all_that_is_wrong_with_an_endpoint_is_told(tmp_path: Path) -> None:
    problem = only(tmp_path, f'{DESTINATION}endpoint = "http://h.example/{{id}}#a"\n{SOURCE}')

    for words in ("stray brace", "fragment", "unencrypted", "write https://", "{account_id}"):
        assert words in str(problem)


def test_two_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    found = problems(tmp_path, f"{DESTINATION}{SOURCE}bots = 1\n{SOURCE}bots = 2\n")

    assert sorted(problem.key for problem in found) == [
        "source[1].bots", "source[1].name", "source[shop].bots"
    ]  # fmt: skip
