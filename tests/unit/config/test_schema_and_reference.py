"""The schema, the reference and the example say what the tables of keys say."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hooktail import config
from hooktail.config import keys

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/configuration.md").read_text()
EXAMPLE = (ROOT / "configs/hooktail.toml").read_text()
EVERY_KEY = [
    pytest.param(section, key, id=f"{section.title}-{key.name}")
    for section in keys.SECTIONS
    for key in section.keys
]


def chapter(section: keys.Section) -> str:
    heading = "Top level" if section is keys.ROOT else f"`{section.title}`"
    return REFERENCE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


PROXY = {"HOOKTAIL_PROXY": "http://proxy.example:3128"}


def examples(text: str) -> str:
    return "\n".join(re.findall(r"```toml\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(("section", "key"), EVERY_KEY)
def test_the_reference_has_every_key(section: keys.Section, key: keys.Key) -> None:
    default = section.default(key)
    shown = "none" if default is None else f"`{json.dumps(default)}`"
    cell = "required" if key.required else shown

    assert f"| `{key.name}` | {key.kind.allowed} | {cell} | {key.about} |" in chapter(section)
    assert re.search(rf"(?m)(^|[{{,] ){key.name}\s*=", examples(chapter(section)))


@pytest.mark.parametrize("section", keys.SECTIONS, ids=lambda section: section.title)
def test_the_reference_says_what_a_section_is_for(section: keys.Section) -> None:
    assert chapter(section).startswith(f"\n{section.about}\n")


@pytest.mark.parametrize(("section", "key"), EVERY_KEY)
def test_the_example_file_has_every_key(section: keys.Section, key: keys.Key) -> None:
    assert re.search(rf"(?m)(^(# )?|[{{,] ){key.name}\s*= ", EXAMPLE)


def test_the_commented_keys_of_the_example_are_right_too(tmp_path: Path) -> None:
    uncommented = re.sub(r"(?m)^# (\w+\s*= |\[)", r"\1", EXAMPLE)
    file = tmp_path / "account_id"
    file.write_text("acc-1")
    uncommented = re.sub(r"(?m)^(account_id|proxy|proxy_file)\s.*\n", "", uncommented)
    path = tmp_path / "hooktail.toml"
    path.write_text(uncommented.replace("/etc/hooktail/account_id", str(file)))

    result = config.load(path, environ=PROXY)

    assert set(result.sources[0].format_options) == {
        *(key.name for key in keys.OPTION_KEYS),
        "map.ip",
    }


def test_the_examples_of_the_reference_load(tmp_path: Path) -> None:
    file = tmp_path / "account_id"
    file.write_text("acc-1")
    path = tmp_path / "hooktail.toml"
    proxy = tmp_path / "proxy"
    proxy.write_text(PROXY["HOOKTAIL_PROXY"])
    named = {"/etc/hooktail/account_id": file, "/etc/hooktail/proxy": proxy}
    text = examples(REFERENCE)
    for there, here in named.items():
        text = text.replace(there, str(here))
    path.write_text(text)

    assert len(config.load(path, environ=PROXY).sources) == 2


def accepts(schema: dict[str, Any], value: object) -> bool:
    """A validator for the words of JSON Schema that ours uses."""
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    types |= {"object": dict, "array": list}
    checks = [True]
    if "type" in schema:
        named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        is_bool = isinstance(value, bool)
        checks.append(
            any(
                isinstance(value, types[name]) and (not is_bool or name == "boolean")
                for name in named
            )
        )
    if "enum" in schema:
        checks.append(value in schema["enum"])
    if "anyOf" in schema:
        checks.append(any(accepts(each, value) for each in schema["anyOf"]))
    if "not" in schema:
        checks.append(not accepts(schema["not"], value))
    if isinstance(value, str):
        checks.append(re.search(schema.get("pattern", ""), value) is not None)
        checks.append(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 9**9))
    if isinstance(value, int | float):
        checks.append(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    if isinstance(value, list):
        checks.append(len(value) >= schema.get("minItems", 0))
        checks += [accepts(schema.get("items", {}), item) for item in value]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", {})
        checks += [name in value for name in schema.get("required", [])]
        for name, item in value.items():
            checks.append(accepts(schema.get("propertyNames", {}), name))
            inner = known.get(name, others)
            checks.append(inner is not False and accepts(inner, item))
    return all(checks)


ACCEPTED = [EXAMPLE, (ROOT / "configs/minimal-nginx.toml").read_text(), examples(REFERENCE)]
START = '[destination.default]\naccount_id = "a"\n[[source]]\n'
NAMED = f'{START}name = "shop"\npaths = ["/a"]\n'


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_schema_accepts_the_examples(text: str) -> None:
    assert accepts(config.schema(), tomllib.loads(text))


@pytest.mark.parametrize(
    "extra",
    [
        "",
        'max_event_age = "0"',
        "max_event_age = 0",
        "[status]\nlisten = ''",
        "[source.map]\nip = 'x'",
        "[[source.event]]\ndrop = true",
        "[[source.event]]\nname = { from = 'fields.event' }",
        "[[source.event]]\nname = 'x'\n[source.event.fields]\na = { template = '{user}' }",
        "[source.pageview]\nsample = 0.1",
        "[[source.event]]\nname = 'x'\n[source.event.fields]\na = 1.5\nb = { from = 'query.b' }",
    ],
)
def test_what_loads_the_schema_accepts(tmp_path: Path, extra: str) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(NAMED + extra)

    config.load(path, environ={})
    assert accepts(config.schema(), tomllib.loads(NAMED + extra))


@pytest.mark.parametrize(
    "text",
    [
        f"{START}name = 'shop'",
        f"{NAMED}colour = 1",
        f"{NAMED}bots = 'keep'",
        f"{NAMED}max_line_bytes = true",
        f"{NAMED}max_event_age = '7'",
        f"{NAMED}[delivery]\nworkers = 65",
        f"{NAMED}[[source.event]]\nwhen = {{}}",
        f"{NAMED}[[source.event]]\ndrop = false",
        f"{NAMED}[[source.event]]\nname = 'x'\nsample = 0.5",
        f"{NAMED}[[source.event]]\nname = {{ form = 'x' }}",
        f"{NAMED}[source.pageview]\nsample = 2",
        f"{NAMED}[[source.event]]\nname = 'x'\n[source.event.when]\npaht = '/'",
        f"{NAMED}[[source.event]]\nname = 'x'\n[source.event.fields]\nurl = 1",
        f"{NAMED}[[source.event]]\nname = 'x'\n[source.event.fields]\na = {{ type = 'string' }}",
        NAMED.replace('account_id = "a"', 'account_id = "a"\naccount_id_file = "/a"'),
    ],
)
def test_what_the_schema_refuses_does_not_load(tmp_path: Path, text: str) -> None:
    assert not accepts(config.schema(), tomllib.loads(text))

    path = tmp_path / "hooktail.toml"
    path.write_text(text)
    assert config.collect(path, environ={})[1]
