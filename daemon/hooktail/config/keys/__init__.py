"""Every section and key of the configuration: its kind, its default's place, and one sentence.

    daemon     top level, status, log            visitors   visitor, session, privacy
    delivery   destination, delivery             events     event, when, fields, pageview
    source     source, map, multiline            words      what a key and a section are
    index      all of them in their order

From these tables come the checks, the JSON Schema, `config show`, and the test that keeps
docs/reference/configuration.md complete. Defaults stand in `sections` and are looked up there.
"""

from __future__ import annotations

from hooktail.config.keys.daemon import LOG, ROOT, STATUS
from hooktail.config.keys.delivery import DELIVERY, DESTINATION
from hooktail.config.keys.events import (
    EVENT,
    FIELD,
    FIELD_NAME,
    FIELD_TYPES,
    PAGEVIEW,
    RESERVED_FIELDS,
    TRANSFORMS,
    WHEN,
)
from hooktail.config.keys.index import SECTIONS, homes
from hooktail.config.keys.source import MAP, MAP_NAME, MAP_VALUE, MULTILINE, OPTION_KEYS, SOURCE
from hooktail.config.keys.visitors import PRIVACY, SESSION, VISITOR
from hooktail.config.keys.words import NAME_TEXT, Key, Section

__all__ = [
    "DELIVERY",
    "DESTINATION",
    "EVENT",
    "FIELD",
    "FIELD_NAME",
    "FIELD_TYPES",
    "LOG",
    "MAP",
    "MAP_NAME",
    "MAP_VALUE",
    "MULTILINE",
    "NAME_TEXT",
    "OPTION_KEYS",
    "PAGEVIEW",
    "PRIVACY",
    "RESERVED_FIELDS",
    "ROOT",
    "SECTIONS",
    "SESSION",
    "SOURCE",
    "STATUS",
    "TRANSFORMS",
    "VISITOR",
    "WHEN",
    "Key",
    "Section",
    "homes",
]
