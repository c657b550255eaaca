r"""nginx's `log_format`, as it stands in a configuration or bare, to its layout's text.

    log_format name [escape=default|json|none] 'part' 'part' ...;

The parts follow one another without anything between them. A bare layout is the text itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hooktail_parsers._api import OptionError

_DIRECTIVE = re.compile(r"\s*log_format\s+")
# Pasted with what stands around it: `http { log_format ...`.
_INSIDE = re.compile(r"(?:\A|(?<=[\s{;]))(log_format\s+[\w-]+\s)")
_ESCAPE = re.compile(r"\s*escape=(\w+)\s+")
_GAP = re.compile(r"(?:\s+|#[^\n]*(?:\n|\Z))*")
_PART = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s;'"#][^\s;]*)""", re.DOTALL)
_BACKSLASH = re.compile(r"""\\(["'\\trn])""")
_BACKSLASHES = {"t": "\t", "r": "\r", "n": "\n"}
MODES = ("default", "json", "none")


class NginxFormat(NamedTuple):
    """What a definition says: the text with its variables, and the mode of escaping if it does."""

    text: str
    escape: str | None


def read_definition(definition: str) -> NginxFormat:
    """Reads a directive, its parts alone, or a bare layout.

    Raises:
        OptionError: the directive is not complete, or its mode of escaping unknown.
    """
    inside = [each.start(1) for each in _INSIDE.finditer(definition)]
    if len(inside) > 1:
        raise OptionError(
            "log_format", f"holds the directive log_format {len(inside)} times; allowed: one"
        )
    definition = definition[inside[0] :] if inside else definition
    directive = _DIRECTIVE.match(definition)
    if directive:
        parts = _parts(definition, directive.end())
        if parts is None:
            raise OptionError("log_format", "cannot be read as nginx reads a log_format directive")
        escape = None
        values = [text for text, _ in parts[1:]]
        if values and not parts[1][1] and values[0].startswith("escape="):
            escape = _mode(values.pop(0).removeprefix("escape="))
        if not values:
            raise OptionError("log_format", "the directive log_format holds no layout")
        return NginxFormat("".join(values), escape)
    stated = _ESCAPE.match(definition)
    escape = _mode(stated[1]) if stated else None
    bare = definition[stated.end() :] if stated else definition
    return NginxFormat(_bare(bare.strip()), escape)


def _mode(name: str) -> str:
    if name not in MODES:
        raise OptionError("log_format", f"found escape={name}; allowed: {', '.join(MODES)}")
    return name


def _bare(text: str) -> str:
    # A layout may itself begin with a quote: only quotes that cannot be its own are taken off.
    if text.startswith("'") or (text.startswith('"') and '\\"' in text):
        parts = _parts(text, 0)
        if parts is not None and all(quoted for _, quoted in parts):
            return "".join(part for part, _ in parts)
    return text


def _parts(text: str, at: int) -> list[tuple[str, bool]] | None:
    """Splits at white space and comments up to `;`: each part, and whether it was quoted."""
    parts: list[tuple[str, bool]] = []
    while True:
        gap = _GAP.match(text, at)
        at = gap.end() if gap else at
        if at == len(text) or text[at] == ";":
            return parts
        part = _PART.match(text, at)
        if part is None:
            return None
        at = part.end()
        single, double, plain = part.groups()
        raw = next(each for each in (single, double, plain) if each is not None)
        parts.append((_BACKSLASH.sub(_meaning, raw), plain is None))


def _meaning(escape: re.Match[str]) -> str:
    return _BACKSLASHES.get(escape[1], escape[1])
