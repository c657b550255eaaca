"""The effective configuration in the shape of the file, with the secrets masked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from hooktail import endpoints
from hooktail.config import keys, proxies
from hooktail.config.kinds import Seconds, written
from hooktail.endpoints import MASK

if TYPE_CHECKING:
    from hooktail.config.sections import (
        Config,
        DestinationSection,
        FieldSection,
        RuleSection,
        SourceSection,
    )


def describe(config: Config) -> dict[str, object]:
    """Returns every key with the value in force, as the file would have it; secrets are `***`."""
    return {
        **_values(keys.ROOT, config),
        "destination": {
            name: _account(section)
            | _values(keys.DESTINATION, section)
            | {"endpoint": endpoints.shown(section.endpoint)}
            | ({"proxy": MASK} if section.proxy else {})
            for name, section in config.destinations.items()
        },
        "delivery": _values(keys.DELIVERY, config.delivery),
        "status": _values(keys.STATUS, config.status),
        "log": _values(keys.LOG, config.log),
        "source": [_source(source) for source in config.sources],
    }


def _account(section: DestinationSection) -> dict[str, object]:
    """The file that the id stands in, if it does in one of its own."""
    if section.account_file is None:
        return {"account_id": MASK}
    return {"account_id_file": str(section.account_file).replace(section.account_id.reveal(), MASK)}


def _source(source: SourceSection) -> dict[str, object]:
    options = source.format_options
    plain = {name: value for name, value in options.items() if not name.startswith("map.")}
    mapped = {name[4:]: value for name, value in options.items() if name.startswith("map.")}
    year = {"year": int(plain["year"])} if "year" in plain else {}
    return {
        **_values(keys.SOURCE, source),
        **plain,
        **year,
        **({"map": mapped} if mapped else {}),
        **({"multiline": _values(keys.MULTILINE, source.multiline)} if source.multiline else {}),
        "visitor": _values(keys.VISITOR, source.visitor),
        "session": _values(keys.SESSION, source.session),
        "privacy": _values(keys.PRIVACY, source.privacy),
        "pageview": _values(keys.PAGEVIEW, source.pageview),
        "event": [_rule(rule) for rule in source.rules],
    }


def _rule(rule: RuleSection) -> dict[str, object]:
    values = _values(keys.EVENT, rule)
    if rule.once_per is None:
        values.pop("once_for")
    return {
        **values,
        "when": dict(rule.when),
        "fields": {field.name: _field(field) for field in rule.fields},
    }


def _field(field: FieldSection) -> object:
    return _values(keys.FIELD, field) if field.constant is None else field.constant


def _values(section: keys.Section, given: object) -> dict[str, object]:
    """Returns the keys that have a value; secrets and options are no plain values."""
    apart = {"account_id", "account_id_file", *proxies.KEYS}
    if section is keys.SOURCE:
        apart.update(key.name for key in keys.OPTION_KEYS)
    values: dict[str, object] = {}
    for key in section.keys:
        if key.name in apart:
            continue
        value = getattr(given, key.attribute)
        no_limit = isinstance(key.kind, Seconds) and key.kind.zero_is_none
        if value is not None or no_limit:
            values[key.name] = written(key.kind, value)
    return values


def to_toml(table: dict[str, object], path: tuple[str, ...] = ()) -> str:
    """Writes nested tables as TOML: plain keys first, then `[tables]` and `[[lists of them]]`."""
    lines: list[str] = []
    inner: list[str] = []
    for name, value in table.items():
        here = (*path, name)
        title = ".".join(_key(part) for part in here)
        if isinstance(value, dict):
            body = to_toml(value, here)
            # A table that holds only tables needs no header of its own.
            has_header = not value or not body.startswith("\n")
            inner.append(_block(f"[{title}]", body) if has_header else body.removeprefix("\n"))
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            inner += [_block(f"[[{title}]]", to_toml(item, here)) for item in value]
        else:
            lines.append(f"{_key(name)} = {_inline(value)}\n")
    return "".join(lines) + "".join(f"\n{block}" for block in inner)


def _block(title: str, body: str) -> str:
    return f"{title}\n{body}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _inline(name)


def _inline(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(_inline(item) for item in value)}]"
        case dict():
            pairs = (f"{_key(str(name))} = {_inline(item)}" for name, item in value.items())
            return f"{{ {', '.join(pairs)} }}" if value else "{}"
        case int() | float():
            return repr(value)
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else _inline(str(value))
