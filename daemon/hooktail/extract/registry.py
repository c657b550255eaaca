"""Which formats there are: the built-in ones, then those of installed distributions.

A distribution offers a `Format` under its name in the entry-point group `hooktail.parsers`. It is
imported only when its format is asked for or listed, and it cannot replace a built-in one.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from hooktail.errors import HooktailError
from hooktail.extract.blame import blame
from hooktail.extract.plugin_file import formats_of
from hooktail.extract.typed import held_to_types
from hooktail_parsers import Format, OptionError
from hooktail_parsers.builtin import ALIASES, FORMATS
from hooktail_parsers.joining import JoinRules, join

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from hooktail.config.sections import SourceSection
    from hooktail_parsers import Parser

GROUP = "hooktail.parsers"
FORMAT = "format"
"""Where an OptionError is about what stands behind a builder's colon, as the option's name."""
_LONGEST_NAME = 80
_MOST_NEAR = 3


class UnknownFormatError(HooktailError):
    """No format has this name."""

    exit_code = 64


class PluginError(HooktailError):
    """An installed distribution offers a format that cannot be used."""

    exit_code = 78


def find(spec: str, parser_file: Path | None = None) -> Format:
    """Returns the format that a configuration names: `combined`, `cri+combined`, `nginx:…`.

    Names that a parser file defines come first: it was written for this source.

    Raises:
        ParserFileError: the file cannot be used.
        UnknownFormatError: there is none; the text suggests the nearest names.
        PluginError: the distribution that offers it is broken.
    """
    if pasted := _pasted(spec):
        raise UnknownFormatError(pasted)
    wrapper_name, plus, rest = spec.partition("+")
    if plus and ":" not in wrapper_name:
        wrapper = _known(wrapper_name.strip(), parser_file)
        return _wrapped(spec, wrapper, find(rest.strip(), parser_file))
    builder_name, colon, definition = spec.partition(":")
    if colon:
        return _built(_known(builder_name.strip(), parser_file), definition)
    return _known(spec.strip(), parser_file)


def make_parser(source: SourceSection) -> Parser:
    """Makes the parser of a source: its format, and around it what joins lines to records.

    Raises:
        HooktailError: the format cannot be found or used.
        OptionError: an option is wrong, or a key of `multiline` (`multiline.start`).
    """
    options = parser_options(source.format_options)
    return joined(find(source.format, source.parser_file).make(options), source)


def joined(parser: Parser, source: SourceSection) -> Parser:
    """Puts around a parser what joins lines to records, if the source wants that.

    Raises OptionError: a key of `multiline` is wrong, or the parser joins lines itself.
    """
    rules = source.multiline
    if rules is None:
        return parser
    try:
        return join(
            parser,
            JoinRules(
                start=rules.start,
                end=rules.end,
                indented=rules.indented,
                json=rules.json,
                hold_s=rules.hold_s,
                max_lines=rules.max_lines,
                max_bytes=rules.max_bytes,
            ),
        )
    except OptionError as error:
        if error.option == FORMAT:
            raise
        raise OptionError(f"multiline.{error.option}", error.message) from error


def wrong_options(
    make: Callable[[Mapping[str, str]], object], options: Mapping[str, str]
) -> list[OptionError]:
    """Returns what is wrong with a format's options: all of it, each option once.

    A parser refuses the first. So each that is refused is left out, and what is left tried again.
    """
    left = dict(options)
    wrong: dict[str, OptionError] = {}
    while True:
        try:
            make(left)
        except OptionError as error:
            of_definition = error.option in (FORMAT, "log_format")
            if error.option in wrong or (of_definition and "date_format" in wrong):
                break  # this is wrong only because something was left out
            wrong[error.option] = error
            if left.pop(error.option, None) is not None:
                continue
        break
    return list(wrong.values())


def parser_options(options: Mapping[str, str]) -> dict[str, str]:
    """Leaves out an encoding in which the reader finds lines itself: it hands over UTF-8."""
    try:
        wide = codecs.lookup(options.get("encoding", "utf-8")).name.startswith("utf-16")
    except LookupError:
        wide = False  # the format says what is wrong with it
    return {key: text for key, text in options.items() if not (wide and key == "encoding")}


def _wrapped(spec: str, wrapper: Format, inner: Format) -> Format:
    wrap = wrapper.wrap
    if wrap is None:
        raise UnknownFormatError(f"{wrapper.name!r} in {spec!r} wraps nothing; wrappers end in `+`")
    return replace(
        inner,
        name=f"{wrapper.name}+{inner.name}",
        summary=f"{wrapper.summary}; in it {inner.summary}",
        fields=tuple(dict.fromkeys((*inner.fields, *wrapper.fields))),
        make=lambda options: wrap(inner.make(_inside(options)), options),
    )


def _inside(options: Mapping[str, str]) -> dict[str, str]:
    """The wrapper's own option is not one of what it wraps."""
    return {key: text for key, text in options.items() if key != "map.message"}


def _built(builder: Format, definition: str) -> Format:
    build = builder.build
    if build is None:
        raise UnknownFormatError(f"{builder.name!r} is no builder: it takes nothing behind a colon")

    def make(options: Mapping[str, str]) -> Parser:
        try:
            return build(definition, options)
        except OptionError as error:
            if error.option != "log_format":
                raise
            raise OptionError(FORMAT, error.message) from error

    return replace(builder, kind="format", make=make)


_DIRECTIVE = re.compile(r"\s*(log_format|LogFormat|CustomLog)\s", re.IGNORECASE).match
_LAYOUT = re.compile(r"""\s*(?:\w*\s*["'\[({]|)\s*(\$\{?[a-z]|%[<>!0-9,]*(?:[a-zA-Z]|\{))""").match


def _pasted(spec: str) -> str:
    """Says which builder is missing before a server's own definition; `""` for any other text."""
    if directive := _DIRECTIVE(spec):
        builder = "nginx" if directive[1].lower() == "log_format" else "apache"
        return f"{directive[1]} without its builder; allowed: {builder}: before it"
    if layout := _LAYOUT(spec):
        builder = "nginx" if layout[1].startswith("$") else "apache"
        return f"a layout of a line without its builder; allowed: {builder}: before it"
    return ""


def _known(name: str, parser_file: Path | None) -> Format:
    """Returns the format of this name or alias."""
    defined = {} if parser_file is None else formats_of(parser_file)
    if name in defined:
        return held_to_types(defined[name])
    built_in = FORMATS.get(ALIASES.get(name, name))
    if built_in is not None:
        return built_in
    offers = list(entry_points(group=GROUP, name=name))
    if offers:
        return held_to_types(_load(offers))
    near = _near(name, {*defined, *FORMATS, *ALIASES, *entry_points(group=GROUP).names})
    hint = f"did you mean {' or '.join(near)}?" if near else "`hooktail formats` lists them"
    raise UnknownFormatError(f"no format is called {name!r}; {hint}")


def _near(name: str, known: Collection[str]) -> list[str]:
    """Finds the names that may be meant: first without regard to capitals and hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "_", name[:_LONGEST_NAME].lower()).strip("_")
    if plain in known:
        return [plain]
    near = get_close_matches(plain, sorted(known), n=_MOST_NEAR)
    words = [each for each in sorted(known) if plain in each.split("_")]
    return list(dict.fromkeys((*near, *words)))[:_MOST_NEAR]


def all_formats() -> list[Format]:
    """Returns every format, the built-in ones first; raises PluginError for a broken plugin."""
    formats, problems = usable_formats()
    if problems:
        raise problems[0]
    return formats


def usable_formats() -> tuple[list[Format], list[PluginError]]:
    """Returns the formats that can be used, and an error for each plugin that cannot."""
    formats, problems = list(FORMATS.values()), []
    offered = entry_points(group=GROUP)
    for name in sorted(offered.names):
        offers = list(offered.select(name=name))
        if name in FORMATS or name in ALIASES:
            who = _distributions(offers)
            problems.append(PluginError(f"{who}: format {name!r} is built in and stays as it is"))
            continue
        try:
            formats.append(_load(offers))
        except PluginError as error:
            problems.append(error)
    return formats, problems


def _load(offers: list[EntryPoint]) -> Format:
    first = offers[0]
    offer = f"{_distributions(offers)}: format {first.name!r}"
    if len({entry.value for entry in offers}) > 1:
        raise PluginError(f"{offer} is offered more than once; uninstall all but one")
    try:
        loaded = first.load()  # the plugin's code runs here and may raise anything
    except Exception as error:
        raise PluginError(f"{offer} cannot be loaded from {first.value}: {blame(error)}") from error
    if not isinstance(loaded, Format):
        raise PluginError(f"{offer}: {first.value} is no hooktail_parsers.Format")
    if loaded.name != first.name:
        raise PluginError(f"{offer}: {first.value} calls itself {loaded.name!r}")
    return loaded


def _distributions(offers: list[EntryPoint]) -> str:
    names = {entry.dist.name if entry.dist else "an unnamed distribution" for entry in offers}
    return ", ".join(sorted(names))
