"""The configuration: TOML files in, frozen sections out, every problem at once.

    files      reads and merges          keys       the tables of sections and keys
    checking   tables -> sections        kinds      what a value may be
    account    finds the account ids     findings   problems with their addresses

`load` is the way in. Whether a format exists, a file is readable or an endpoint answers is not
known here.
"""

from __future__ import annotations

from hooktail.config.json_schema import schema
from hooktail.config.loading import collect, load
from hooktail.config.sections import (
    DEFAULT_ENDPOINT,
    DEFAULT_PATH,
    DEFAULT_STATE_DIR,
    Config,
    DeliverySection,
    DestinationSection,
    FieldSection,
    LogSection,
    PageviewSection,
    RuleSection,
    Secret,
    SourceSection,
    StatusSection,
)
from hooktail.config.show import describe

__all__ = [
    "DEFAULT_ENDPOINT",
    "DEFAULT_PATH",
    "DEFAULT_STATE_DIR",
    "Config",
    "DeliverySection",
    "DestinationSection",
    "FieldSection",
    "LogSection",
    "PageviewSection",
    "RuleSection",
    "Secret",
    "SourceSection",
    "StatusSection",
    "collect",
    "describe",
    "load",
    "schema",
]
