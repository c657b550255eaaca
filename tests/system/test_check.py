"""`hooktail check` as it is typed: with the rights of others, beside a daemon, and answered."""

from __future__ import annotations

import grp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.certificates import make_certificates
from support.lines import AGENT, page_view
from support.processes import HOOKTAIL, daemon, endpoint, free_port

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user")

CONFIG = """
state_dir = "{place}/state"
[destination.default]
account_id = "acct-secret-7"
endpoint = "{endpoint}"
[[source]]
name = "shop"
paths = ["{place}/log/access.log*"]
site = "https://shop.example"
"""


@dataclass
class Typed:
    """What came of a command."""

    code: int
    out: str
    err: str

    def named(self, name: str) -> dict[str, str]:
        """The one finding of that name (with --json)."""
        found = [json.loads(line) for line in self.out.splitlines()]
        [wanted] = [each for each in found if each["name"] == name]
        return {key: str(value) for key, value in wanted.items()}


class Host:
    """A web host in a directory that every user may enter."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.log = place / "log" / "access.log"
        self.log.parent.mkdir()
        self.log.write_text("".join(map(page_view, range(20))))
        self.config = place / "hooktail.toml"
        self.state_dir = place / "state"
        self.state_dir.mkdir(mode=0o700)
        self.configure()

    def configure(self, endpoint: str = "http://127.0.0.1:1/{account_id}/pixel.png") -> None:
        self.config.write_text(CONFIG.format(place=self.place, endpoint=endpoint))

    def check(self, *words: str, user: str = "", timeout_s: float = 60.0) -> Typed:
        user = user or str(os.geteuid())
        ended = subprocess.run(
            [*HOOKTAIL, "check", "--config", str(self.config), "--user", user, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert "Traceback" not in ended.stderr
        assert "acct-secret-7" not in ended.stdout + ended.stderr
        return Typed(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def host() -> Iterator[Host]:
    place = Path(tempfile.mkdtemp(prefix="hooktail-"))
    place.chmod(0o755)
    yield Host(place)
    shutil.rmtree(place)


@as_root
def test_a_log_that_the_service_may_not_read_is_77_and_mended_by_the_command_it_names(
    host: Host,
) -> None:
    shutil.chown(host.state_dir, "nobody")
    host.log.chmod(0o640)
    os.chown(host.log, 0, grp.getgrnam("adm").gr_gid)

    refused = host.check("--offline", "--json", user="nobody")
    assert refused.code == 77
    told = refused.named("file_unreadable")
    assert str(host.log) in told["message"]
    assert "`usermod -aG adm nobody`" in told["hint"]

    os.chown(host.log, 0, grp.getgrnam("nogroup").gr_gid)  # as if nobody were in the log's group
    assert host.check("--offline", user="nobody").code == 0


@as_root
def test_a_configuration_that_the_service_may_not_read_is_77_and_the_rest_is_looked_at(
    host: Host,
) -> None:
    shutil.chown(host.state_dir, "nobody")
    host.config.chmod(0o600)

    checked = host.check("--offline", "--json", user="nobody")

    assert checked.code == 77
    assert "setfacl -m u:nobody:r" in checked.named("config_unreadable")["hint"]
    assert checked.named("format_matches")["level"] == "ok"


@as_root
def test_an_account_id_that_systemd_hands_over_is_found_beside_the_configuration(
    host: Host,
) -> None:
    """The unit loads it as a credential: the service cannot read the file, and need not."""
    shutil.chown(host.state_dir, "nobody")
    credential = host.place / "account_id"
    credential.write_text("acct-secret-7\n")
    credential.chmod(0o600)
    text = host.config.read_text()
    host.config.write_text(text.replace('account_id = "acct-secret-7"\n', ""))

    checked = host.check("--offline", "--json", user="nobody")

    assert checked.code == 0, checked.out
    assert checked.named("config_valid")


@as_root
def test_an_account_file_that_the_service_may_not_read_is_a_mistake_and_the_rest_is_looked_at(
    host: Host,
) -> None:
    shutil.chown(host.state_dir, "nobody")
    secret = host.place / "id"
    secret.write_text("acct-secret-7\n")
    secret.chmod(0o600)
    text = host.config.read_text()
    inline = 'account_id = "acct-secret-7"'
    host.config.write_text(text.replace(inline, f'account_id_file = "{secret}"'))

    checked = host.check("--offline", "--json", user="nobody")

    assert checked.code == 78
    assert "denied" in checked.named("config_invalid")["message"]
    assert checked.named("format_matches")["level"] == "ok"


@as_root
def test_a_format_of_the_users_own_never_runs_as_root(host: Host) -> None:
    """A parser file of the service's user would let that user become root."""
    shutil.chown(host.state_dir, "nobody")
    told = host.place / "state" / "ran_as"
    home = host.place / "parsers"
    home.mkdir(mode=0o755)
    parser = home / "own.py"
    parser.write_text(
        "import os, pathlib, time\n"
        "from hooktail_parsers import Format, LineParser, Record\n"
        f"pathlib.Path({str(told)!r}).write_text(str(os.geteuid()))\n"
        "class Own(LineParser):\n"
        "    def parse(self, line):\n"
        "        now = int(time.time() * 1000)\n"
        f"        return Record(now, '81.2.69.142', 'GET', path='/', user_agent={AGENT!r})\n"
        "OWN = Format('own', 'mine', ('path',), lambda options: Own())\n"
    )
    shutil.chown(parser, "nobody")
    with host.config.open("a") as file:
        file.write(f'format = "own"\nparser_file = "{parser}"\n')

    checked = host.check("--offline", "--json", user="nobody")

    assert checked.code == 0, checked.out
    assert told.read_text() == subprocess.check_output(["id", "-u", "nobody"], text=True).strip()


@as_root
def test_a_state_directory_of_another_user_is_73(host: Host) -> None:
    checked = host.check("--offline", "--json", user="nobody")

    assert checked.code == 73
    assert "chown -R nobody:" in checked.named("state_dir_not_writable")["hint"]


def test_a_wrong_format_is_65_and_the_format_it_names_mends_it(host: Host) -> None:
    host.log.write_text("".join(f"shop.example:443 {page_view(n)}" for n in range(20)))
    refused = host.check("--offline", "--json")
    assert refused.code == 65

    with host.config.open("a") as file:
        file.write(refused.named("format_matches_nothing")["hint"].partition(" reads")[0] + "\n")

    assert host.check("--offline").code == 0


def test_beside_a_running_daemon_it_says_so_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("".join(map(page_view, range(5))))
    with endpoint(tmp_path) as stand_in, daemon(tmp_path) as running:
        running.configure(stand_in.template, f"{tmp_path}/access.log*")
        running.start()
        ended = subprocess.run(
            [*HOOKTAIL, "check", "--json", "--config", str(running.config),
             "--user", str(os.geteuid())],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        found = {each["name"]: each for each in map(json.loads, ended.stdout.splitlines())}

        assert ended.returncode == 0, ended.stdout
        assert f"process {running.running.pid}" in found["daemon_runs"]["message"]
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("fail", "code", "words"),
    [
        ("", 0, "was accepted; it counts there as an event named hooktail_test"),
        ("400", 69, "events like it would become dead letters"),
        ("403", 69, "the daemon would hold the destination"),
        ("302", 69, "the daemon would hold the destination"),
        ("429=retry-after-7", 69, "asks to wait 7 s"),
        ("503", 69, "the daemon would send it again until it is"),
        ("reset-after", 69, "the daemon would send it again until it is"),
    ],
)
def test_a_test_event_is_one_event_and_each_class_of_answer_is_explained(
    host: Host, fail: str, code: int, words: str
) -> None:
    options = ("--fail", fail) if fail else ()
    with endpoint(host.place, *options) as stand_in:
        host.configure(stand_in.template)
        checked = host.check("--send-test", "--json")
        received = stand_in.requests()

    assert checked.code == code
    assert words in checked.named("test_event")["message"]
    assert [each["body"]["event_name"] for each in received] == ["hooktail_test"] * len(received)
    assert len(received) <= 1
    if not fail:
        assert received[0]["accepted"]


def test_without_asking_nothing_is_sent(host: Host) -> None:
    with endpoint(host.place) as stand_in:
        host.configure(stand_in.template)
        assert host.check().code == 0
        assert stand_in.requests() == []


def test_a_certificate_of_an_unknown_authority_is_69_until_the_authority_is_named(
    host: Host, tmp_path: Path
) -> None:
    certificates = make_certificates(tmp_path)
    port = free_port()
    serve = [
        *("openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}"),
        *("-cert", f"{certificates}/good.pem", "-key", f"{certificates}/good.key"),
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as server:
        try:
            host.configure(f"https://127.0.0.1:{port}/{{account_id}}/pixel.png")
            refused = wait_until_it_listens(host)
            text = host.config.read_text()
            ca_file = f'ca_file = "{certificates}/ca.pem"\n'
            host.config.write_text(text.replace("[[source]]", f"{ca_file}[[source]]"))
            mended = host.check()
        finally:
            server.kill()

    assert refused.code == 69
    assert "issuer" in refused.named("endpoint_tls")["message"]
    assert mended.code == 0


def wait_until_it_listens(host: Host) -> Typed:
    ends_at = time.monotonic() + 20
    while True:
        checked = host.check("--json")
        if '"endpoint_tls"' in checked.out or time.monotonic() > ends_at:
            return checked


def test_a_huge_log_and_a_pipe_take_no_time(host: Host) -> None:
    with host.log.open("ab") as file:
        file.truncate(100 << 30)  # sparse
        file.seek(0, os.SEEK_END)
        file.write(("\n" + "".join(map(page_view, range(50)))).encode())
    os.mkfifo(host.place / "pipe")
    with host.config.open("a") as file:
        file.write(f'[[source]]\nname = "piped"\npaths = ["{host.place}/pipe", "-"]\n')

    began = time.monotonic()
    checked = host.check("--offline", "--json")

    assert checked.code == 0
    assert time.monotonic() - began < 30
    assert "70 sampled lines" in checked.named("format_matches")["message"]


def test_standard_input_is_not_drained(host: Host) -> None:
    with host.config.open("a") as file:
        file.write('[[source]]\nname = "piped"\npaths = ["-"]\n')
    command = f"{sys.executable} -m hooktail check --offline --config {host.config}"

    ended = subprocess.run(
        ["sh", "-c", f"{command} 2>/dev/null; cat"],
        input="still here\n", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ended.stdout == "still here\n"


def test_a_reader_that_has_seen_enough_ends_it_quietly(host: Host) -> None:
    command = f"{sys.executable} -m hooktail check --json --offline --config {host.config}"

    ended = subprocess.run(
        ["sh", "-c", f"{command} | head -n 1"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ended.stdout.count("\n") == 1
    assert ended.stderr == ""
