"""For any document: a configuration or problems, and never the account id in sight."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooktail import config
from hooktail.config import checking, keys
from hooktail.config.files import Document
from hooktail.config.show import to_toml
from hooktail.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path


SECRET = "acc-4711-never-shown"
GOOD: dict[str, Any] = {
    "state_dir": "/s",
    "destination": {"default": {"account_id": SECRET, "endpoint": f"https://h.example/{SECRET}"}},
    "delivery": {"concurrency": 3, "retry_max_s": "1m"},
    "status": {"listen": ""},
    "log": {"level": "info"},
    "source": [
        {
            "name": "shop",
            "paths": ["/a"],
            "max_event_age": "0",
            "map": {"ip": "x"},
            "pageview": {"enabled": False, "sample": 0.25},
            "event": [
                {
                    "name": "buy",
                    "when": {"path": "/buy", "status": [200, "3xx"]},
                    "once_per": "id",
                    "fields": {
                        "id": {"from": "query.id", "transform": ["trim"], "decimal": "comma"},
                        "n": 1,
                        "t": True,
                        "l": {"template": "{query.a}-{user}"},
                    },
                },
                {"drop": True, "when": {"not": [{"field": {"fields.x": {"min": 1}}}]}},
                {"name": {"from": "fields.event"}},
            ],
        }
    ],
}
NAMES = sorted({name for section in keys.SECTIONS for name in section.known})
scalars = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.just(dt.time(12, 30)),
    st.sampled_from(["default", "shop", "", "0", "7d", "https://h.example", "unix:/x", SECRET]),
)
names = st.one_of(st.sampled_from(NAMES), st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def check(tree: dict[str, Any]) -> list[Problem]:
    """Returns what is wrong with a document, each in one line and without the secret."""
    document = Document(tree=tree, origins={(): "main.toml"})
    result, problems = checking.check(document, {})
    for problem in problems:
        assert len(str(problem).splitlines()) == 1
    if not problems:
        assert SECRET not in repr(result)
        described = config.describe(result)
        assert SECRET not in json.dumps(described, allow_nan=False)
    return problems


def places(tree: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(tree, dict):
        inner = list(tree.items())
    elif isinstance(tree, list):
        inner = list(enumerate(tree))
    return [path, *(each for key, value in inner for each in places(value, (*path, key)))]


@given(st.dictionaries(names, values, max_size=6))
def test_any_tables_without_what_is_required_are_problems(tree: dict[str, Any]) -> None:
    assert check(tree)


@given(st.sampled_from([path for path in places(GOOD) if path]), values, names)
def test_any_value_in_any_place_of_a_good_document(
    path: tuple[str | int, ...], value: object, name: str
) -> None:
    tree = copy.deepcopy(GOOD)
    inner: Any = tree
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict):
        inner[name] = inner.get(name, value)
    inner[path[-1]] = value

    document = Document(tree=tree, origins={(): "main.toml"})
    result, problems = checking.check(document, {})

    if tree["destination"] == GOOD["destination"] and SECRET not in (name, value):
        # Elsewhere the value may have become a name or a key, which are not masked.
        assert SECRET not in "\n".join(str(problem) for problem in problems)
    if not problems:
        json.dumps(config.describe(result), allow_nan=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_configuration_or_problems(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError):
        config.load(path, environ={})


def test_tables_within_tables_without_end(tmp_path: Path) -> None:
    """Dotted keys nest as deep as they are long, without any brackets."""
    deep = ".".join("a" * 3000)
    path = tmp_path / "hooktail.toml"
    (tmp_path / "conf.d").mkdir()
    for text in (f"{deep} = 1", f"[[source]]\n[[source.event]]\nwhen.query.{deep} = 1"):
        for file in (path, tmp_path / "conf.d/a.toml"):
            file.write_text(text)
            with pytest.raises(ConfigError):
                config.load(path, environ={})


def test_what_is_shown_may_be_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(to_toml(copy.deepcopy(GOOD)))
    first = config.load(path, environ={})

    shown = to_toml(config.describe(first))
    assert SECRET not in shown
    path.write_text(shown.replace("***", SECRET))

    assert config.load(path, environ={}) == first
