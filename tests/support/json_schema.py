"""A validator for the words of JSON Schema that the schema of the event body uses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hooktail

EVENT_SCHEMA: dict[str, Any] = json.loads(
    (Path(hooktail.__file__).parent / "event.schema.json").read_text()
)
_TYPES: dict[str, Any] = {"string": str, "number": (int, float), "boolean": bool}
_TYPES |= {"object": dict, "array": list}
# fmt: off
_WORDS = {
    "$schema", "$defs", "$ref", "title", "description", "type", "enum", "anyOf", "allOf", "not",
    "required", "properties", "additionalProperties", "minProperties", "items", "minItems",
    "minLength", "maxLength", "pattern",
}
# fmt: on


def breaches(value: object, schema: dict[str, Any] = EVENT_SCHEMA, where: str = "$") -> list[str]:
    """Says where a value breaks a schema; refuses words that it does not know."""
    assert schema.keys() <= _WORDS, schema.keys() - _WORDS
    found: list[str] = []

    def need(holds: bool, word: str) -> None:
        if not holds:
            found.append(f"{where}: {word} {schema[word]!r}: {value!r:.100}")

    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        found += breaches(value, EVENT_SCHEMA["$defs"][name], where)
    if "type" in schema:
        is_bool = isinstance(value, bool) and schema["type"] != "boolean"
        need(isinstance(value, _TYPES[schema["type"]]) and not is_bool, "type")
    if "enum" in schema:
        need(value in schema["enum"], "enum")
    if "anyOf" in schema:
        need(any(not breaches(value, each, where) for each in schema["anyOf"]), "anyOf")
    for each in schema.get("allOf", ()):
        found += breaches(value, each, where)
    if "not" in schema:
        need(bool(breaches(value, schema["not"], where)), "not")
    match value:
        case str():
            need(len(value) >= schema.get("minLength", 0), "minLength")
            need(len(value) <= schema.get("maxLength", len(value)), "maxLength")
            need(re.search(schema.get("pattern", ""), value) is not None, "pattern")
        case list():
            need(len(value) >= schema.get("minItems", 0), "minItems")
            for number, item in enumerate(value):
                found += breaches(item, schema.get("items", {}), f"{where}[{number}]")
        case dict():
            need(set(schema.get("required", ())) <= value.keys(), "required")
            need(len(value) >= schema.get("minProperties", 0), "minProperties")
            known = schema.get("properties", {})
            for name, item in value.items():
                inner = known.get(name, schema.get("additionalProperties", {}))
                found += breaches(item, inner, f"{where}.{name}")
    return found
