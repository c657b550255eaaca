"""Layouts that are JSON texts with variables in them, read by their keys.

Where a line was written by the template itself, its layout reads it. This reads the others: lines
whose keys came in another order, with other spaces, or with more keys than the template has.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import orjson

from hooktail_parsers import json_text
from hooktail_parsers.builders.columns import Layout, compile_layout
from hooktail_parsers.builders.record_plan import Column
from hooktail_parsers.builders.writers import NGINX_NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Path: TypeAlias = tuple[str | int, ...]

_MARK = "\ufdd0"  # no character; it stands around a variable's number
_DEEPEST = 16


class JsonTemplate:
    """Finds the texts of a template's variables in JSON lines."""

    def __init__(self, parts: Sequence[bytes | Column]) -> None:
        """Reads the template.

        Raises:
            ValueError: it is no JSON object, whatever its variables hold.
        """
        self._columns = [part for part in parts if isinstance(part, Column)]
        tree = json.loads(_marked(parts))
        if not isinstance(tree, dict):
            raise ValueError("no JSON object")  # noqa: TRY004 - as of all texts that are none
        self._leaves: list[tuple[Path, list[int], Layout | None]] = []
        for path, text in _leaves(tree, ()):
            places = [int(piece) for piece in text.split(_MARK)[1::2]]
            if places:
                whole = text == f"{_MARK}{places[0]}{_MARK}"
                self._leaves.append((path, places, None if whole else self._layout(text)))

    def _layout(self, text: str) -> Layout:
        pieces = text.split(_MARK)
        return compile_layout(
            [
                self._columns[int(piece)] if at % 2 else piece.encode()
                for at, piece in enumerate(pieces)
            ],
            NGINX_NONE,
            whole=True,
        )

    def texts(self, line: bytes) -> list[bytes] | None:
        """Returns the text of each variable, empty where the line has none.

        None if the line is no JSON object, or has none of the template's keys.
        """
        try:
            tree = json_text.loads(line)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(tree, dict):
            return None
        texts = [b""] * len(self._columns)
        for path, places, layout in self._leaves:
            raw = _text(_at(tree, path))
            if layout is None:
                texts[places[0]] = raw
                continue
            found = layout.match(raw)
            if found:
                for place, text in zip(places, found.groups(), strict=True):
                    texts[place] = text
        return texts if any(texts) else None


def _marked(parts: Sequence[bytes | Column]) -> str:
    """Returns the template with a mark for each variable, in quotes where it stands outside."""
    text, number, inside = "", 0, False
    for part in parts:
        if isinstance(part, Column):
            mark = f"{_MARK}{number}{_MARK}"
            text += mark if inside else f'"{mark}"'
            number += 1
            continue
        piece = part.decode()
        text += piece
        inside ^= bool(piece.replace("\\\\", "").replace('\\"', "").count('"') % 2)
    return text


def _leaves(tree: object, path: Path) -> Iterator[tuple[Path, str]]:
    if len(path) > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from _leaves(value, (*path, at))
    elif isinstance(tree, str):
        yield path, tree


def _at(tree: object, path: Path) -> object:
    for step in path:
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def _text(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return b""
    return str(value).encode()
