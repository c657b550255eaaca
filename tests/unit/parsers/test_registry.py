"""Formats by name: built in, by alias, and from other distributions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hooktail.errors import HooktailError
from hooktail.extract.registry import (
    PluginError,
    UnknownFormatError,
    all_formats,
    find,
    usable_formats,
)

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """\
from hooktail_parsers import Format, LineParser
acme = Format("acme", "made for this test", ("ip",), lambda options: LineParser())
number = 7
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A distribution on the path, offering nothing yet; see `offer`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "hooktail_acme_plugin.py").write_text(PLUGIN)
    (tmp_path / "hooktail_acme_broken.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.delitem(sys.modules, "hooktail_acme_plugin", raising=False)
    return {"path": str(tmp_path)}


def offer(tmp_path: Path, *entries: str, distribution: str = "acme-logs") -> None:
    info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[hooktail.parsers]", *entries, ""]))


def test_a_built_in_format_is_found_by_name_and_alias() -> None:
    assert find("ncsa_combined").name == "ncsa_combined"
    assert find("combined") is find("ncsa_combined")
    assert find("common") is find("ncsa_common")


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownFormatError, match=r"did you mean .*combined") as caught:
        find("combind")

    assert isinstance(caught.value, HooktailError)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("COMBINED", "did you mean combined?"),
        ("Nginx-Combined", "did you mean nginx_combined?"),
        ("cri+COMBINED", "did you mean combined?"),
        ("Apache:%h", "did you mean apache?"),
        ("alb", "did you mean aws_alb?"),
        ("docker+combined", "did you mean docker_json or docker_compose?"),
    ],
)
def test_capitals_hyphens_and_parts_of_a_name_are_near_misses(name: str, near: str) -> None:
    with pytest.raises(UnknownFormatError) as caught:
        find(name)

    assert str(caught.value).endswith(f"; {near}")


def test_a_name_like_no_other_points_to_the_list() -> None:
    with pytest.raises(UnknownFormatError, match="hooktail formats"):
        find("qqqqqqqq")


@pytest.mark.usefixtures("install")
def test_a_plugin_format_is_found_and_listed(tmp_path: Path) -> None:
    offer(tmp_path, "acme = hooktail_acme_plugin:acme")

    assert find("acme").summary == "made for this test"
    assert all_formats()[-1].name == "acme"


@pytest.mark.usefixtures("install")
def test_a_plugin_cannot_replace_a_built_in_format(tmp_path: Path) -> None:
    built_in = find("combined")
    offer(tmp_path, "combined = hooktail_acme_plugin:acme")

    assert find("combined") is built_in
    with pytest.raises(PluginError, match=r"acme-logs.*built in"):
        all_formats()


@pytest.mark.usefixtures("install")
@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("acme = hooktail_acme_broken:acme", "ModuleNotFoundError"),
        ("acme = hooktail_acme_plugin:gone", "AttributeError"),
        ("acme = hooktail_acme_plugin:number", "no hooktail_parsers.Format"),
        ("other = hooktail_acme_plugin:acme", "calls itself 'acme'"),
    ],
)
def test_a_broken_plugin_is_an_error_only_when_asked_for(
    tmp_path: Path, entry: str, complaint: str
) -> None:
    offer(tmp_path, entry)

    assert find("combined").name == "ncsa_combined"
    with pytest.raises(PluginError, match=f"acme-logs.*{complaint}"):
        find(entry.split(maxsplit=1)[0])
    formats, problems = usable_formats()
    assert find("combined") in formats
    assert len(problems) == 1


@pytest.mark.usefixtures("install")
def test_two_plugins_of_one_name_are_refused(tmp_path: Path) -> None:
    offer(tmp_path, "acme = hooktail_acme_plugin:acme")
    offer(tmp_path, "acme = hooktail_acme_plugin:number", distribution="zeta-logs")

    with pytest.raises(PluginError, match=r"acme-logs, zeta-logs.*more than once"):
        find("acme")


@pytest.mark.parametrize(
    ("pasted", "builder"),
    [
        ("log_format main '$remote_addr - $remote_user [$time_local] \"$request\"';", "nginx"),
        ("'$remote_addr - $remote_user [$time_local] \"$request\"'", "nginx"),
        ('LogFormat "%h %l %u %t \\"%r\\" %>s %b" common', "apache"),
        ('%h %l %u %t "%r" %>s %b', "apache"),
        ("%{X-Forwarded-For}i %l %u %t", "apache"),
    ],
)
def test_a_definition_without_its_builder_is_told_which(pasted: str, builder: str) -> None:
    with pytest.raises(UnknownFormatError, match=f"allowed: {builder}: before it") as caught:
        find(pasted)

    assert len(str(caught.value)) < 100
