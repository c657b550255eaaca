"""The JSON Schema of the configuration file (draft 2020-12), for editors.

It says what each key may be. What needs two keys at once (a destination that exists, one account
id) or the world (files) is checked by `load` alone.
"""

from __future__ import annotations

from hooktail.config import keys
from hooktail.config.kinds import NAME, Constant


def schema() -> dict[str, object]:
    """Returns the schema as a JSON object."""
    given = {"anyOf": [{"required": ["from"]}, {"required": ["template"]}]}
    field = {"anyOf": [Constant().schema(), _table(keys.FIELD) | given]}
    fields = {
        "type": "object",
        "description": keys.FIELD.about,
        "propertyNames": {
            **keys.FIELD_NAME.schema(),
            "not": {"enum": list(keys.RESERVED_FIELDS)},
        },
        "additionalProperties": field,
    }
    drops = {"properties": {"drop": {"enum": [True]}}, "required": ["drop"]}
    event = {
        **_table(keys.EVENT, when=_table(keys.WHEN), fields=fields),
        "anyOf": [{"required": ["name"]}, drops],
    }
    mapping = {
        "type": "object",
        "description": keys.MAP.about,
        "propertyNames": keys.MAP_NAME.schema(),
        "additionalProperties": keys.MAP_VALUE.schema(),
    }
    source = _table(
        keys.SOURCE,
        map=mapping,
        multiline=_table(keys.MULTILINE),
        visitor=_table(keys.VISITOR),
        session=_table(keys.SESSION),
        privacy=_table(keys.PRIVACY),
        pageview=_table(keys.PAGEVIEW),
        event={"type": "array", "items": event},
    )
    destination = {
        "type": "object",
        "propertyNames": {"pattern": f"^(?:{NAME})$"},
        "additionalProperties": {
            **_table(keys.DESTINATION),
            "not": {"required": ["account_id", "account_id_file"]},
        },
    }
    root = _table(
        keys.ROOT,
        destination=destination,
        delivery=_table(keys.DELIVERY),
        source={"type": "array", "minItems": 1, "items": source},
        status=_table(keys.STATUS),
        log=_table(keys.LOG),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hooktail configuration",
        **root,
        # They may stand in different files of conf.d, so neither is required of one file.
        "required": [],
    }


def _table(section: keys.Section, **inner: object) -> dict[str, object]:
    properties: dict[str, object] = {}
    for key in section.keys:
        described = {**key.kind.schema(), "description": key.about}
        default = section.default(key)
        properties[key.name] = described if default is None else described | {"default": default}
    return {
        "type": "object",
        "description": section.about,
        "properties": properties | inner,
        "required": [key.name for key in section.keys if key.required],
        "additionalProperties": False,
    }
