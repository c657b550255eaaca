"""Every regular expression that the project compiles: when it is imported, when formats are made.

As a program it prints, as JSON, how many there are and those that an old Python reads wrongly. It
is one because only a fresh interpreter compiles what modules compile when they are imported.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from re import _compiler as sre_compiler  # type: ignore[attr-defined]  # where all are compiled
from re import _constants as sre  # type: ignore[attr-defined]  # the only tree of an expression
from re import _parser as sre_parser  # type: ignore[attr-defined]  # as above
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_CHARACTER = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def is_wrong_before_3_11_5(pattern: str | bytes, flags: int = 0) -> bool:
    """Tells whether a possessive repetition repeats more than one character."""
    return _is_wrong(sre_parser.parse(pattern, flags))


def _is_wrong(items: Any) -> bool:
    for op, value in items:
        if op is sre.POSSESSIVE_REPEAT:
            body = value[2]
            if len(body) != 1 or body[0][0] not in _ONE_CHARACTER:
                return True
        if any(_is_wrong(inner) for inner in _inside(op, value)):
            return True
    return False


def _inside(op: Any, value: Any) -> list[Any]:
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return [value[2]]
    if op is sre.SUBPATTERN:
        return [value[3]]
    if op is sre.ATOMIC_GROUP:
        return [value]
    if op is sre.BRANCH:
        return list(value[1])
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if op is sre.GROUPREF_EXISTS:
        return [branch for branch in value[1:] if branch is not None]
    return []


def _compiled() -> dict[tuple[str | bytes, int], None]:
    seen: dict[tuple[str | bytes, int], None] = {}
    compile_as_ever = sre_compiler.compile

    def note(pattern: Any, flags: int = 0) -> Any:
        if isinstance(pattern, (str, bytes)):
            seen[pattern, flags] = None
        return compile_as_ever(pattern, flags)

    sre_compiler.compile = note
    for name in _modules("hooktail_parsers", "hooktail"):
        importlib.import_module(name)
    for target in importlib.import_module("fuzz.targets").TARGETS:
        target.format.make(target.options)
    return seen


def _modules(*packages: str) -> Iterator[str]:
    for package in packages:
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            if not module.name.endswith(".__main__"):
                yield module.name


if __name__ == "__main__":
    expressions = _compiled()
    wrong = [str(each) for each, flags in expressions if is_wrong_before_3_11_5(each, flags)]
    print(json.dumps({"count": len(expressions), "wrong": wrong}))
