"""The keys for a proxy: found in one of three places, and shown in none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooktail import config
from hooktail.config import show
from hooktail.errors import ConfigError

PROXY = "http://bob:s3cret-word@proxy.example:3128"
START = '[destination.default]\naccount_id = "acct-1"\n'
SOURCE = '[[source]]\nname = "shop"\npaths = ["/a"]\n'


def load(tmp_path: Path, lines: str, **environ: str) -> config.Config:
    path = tmp_path / "hooktail.toml"
    path.write_text(f"{START}{lines}\n{SOURCE}")
    return config.load(path, environ=environ)


def problem(tmp_path: Path, lines: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, lines, **environ)
    assert "s3cret" not in str(error.value)
    assert len(error.value.problems) == 1
    return str(error.value)


def proxy_of(result: config.Config) -> str | None:
    found = result.destinations["default"].proxy
    return None if found is None else found.reveal()


def test_it_is_found_in_each_of_the_three_places(tmp_path: Path) -> None:
    file = tmp_path / "proxy"
    file.write_text(f"{PROXY}\n")

    for lines in (f'proxy = "{PROXY}"', f'proxy_file = "{file}"', 'proxy_env = "OUR_PROXY"'):
        result = load(tmp_path, lines, OUR_PROXY=PROXY)

        assert proxy_of(result) == PROXY
        shown = show.to_toml(show.describe(result))
        assert 'proxy = "***"' in shown
        assert "s3cret" not in shown + repr(result)


def test_the_environment_alone_says_nothing(tmp_path: Path) -> None:
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY")
    result = load(tmp_path, "", **dict.fromkeys(names, PROXY))

    assert proxy_of(result) is None
    assert "proxy" not in show.to_toml(show.describe(result))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (f'proxy = "{PROXY}"\nproxy_env = "OUR_PROXY"', "given beside proxy"),
        ('proxy = "https://bob:s3cret@proxy.example:3128"', "not an http proxy"),
        ('proxy = "socks5://bob:s3cret@proxy.example:1080"', "not an http proxy"),
        ('proxy = "bob:s3cret@proxy.example:3128"', "write http:// before it"),
        ('proxy = "http://bob:s3cret/x@proxy.example:3128"', "percent-encoded"),
        ('proxy = "http://bob:s3cret@proxy.example:99999"', "not a URL"),
        ('proxy = "http://proxy.example:3128/path"', "more than a host and a port"),
        ('proxy = "http://"', "has no host"),
        ('proxy = ""', "empty"),
        ("proxy = 3128", "wrong type"),
        ('proxy_env = "OUR_PROXY"', "OUR_PROXY: is empty or not set"),
        ('proxy_env = "WRONG_PROXY"', "WRONG_PROXY: not an http proxy"),
        ('proxy_env = "$OUR_PROXY"', "not such a name"),
        ('proxy_file = "/nowhere/proxy"', "no such file"),
        ('proxy_file = "proxy"', "not an absolute path"),
    ],
)
def test_what_is_wrong_with_it_is_said_without_the_password(
    tmp_path: Path, lines: str, words: str
) -> None:
    said = problem(tmp_path, lines, WRONG_PROXY="ftp://bob:s3cret@proxy.example")

    assert words in said


def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "proxy"
    file.write_text(PROXY)
    file.chmod(0o666)

    assert "writable by group or others" in problem(tmp_path, f'proxy_file = "{file}"')
