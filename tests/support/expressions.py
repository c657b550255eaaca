"""Every regular expression that the project compiles: when it is imported, when formats are made.

As a program it prints, as JSON, how many there are and those that an old Python reads wrongly. It
is one because only a fresh interpreter compiles what modules compile when they are imported.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from re import _compiler as sre_compiler  # type: ignore[attr-defined]  # where all are compiled
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    # Not imported above: it brings modules whose expressions would not be seen.
    is_wrong = importlib.import_module("hooktail_parsers.backtracking").repeats_group_possessively
    wrong = [str(each) for each, flags in expressions if is_wrong(each, flags)]
    print(json.dumps({"count": len(expressions), "wrong": wrong}))
