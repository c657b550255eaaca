"""The reference of formats is what the code says."""

from __future__ import annotations

from importlib import util
from pathlib import Path

from hooktail_parsers.builtin import ALIASES, FORMATS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_reference_of_formats_is_up_to_date() -> None:
    spec = util.spec_from_file_location("docs_tables", DOCS / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = util.module_from_spec(spec)
    spec.loader.exec_module(tables)

    page = (DOCS / "reference/formats.md").read_text(encoding="utf-8")

    # `make tables` writes it.
    assert page.partition("\n## Formats\n")[2].strip() == (
        tables.format_chapters().partition("## Formats\n")[2].strip()
    )


def test_every_name_of_a_format_is_in_the_reference() -> None:
    page = (DOCS / "reference/formats.md").read_text(encoding="utf-8")

    assert [name for name in (*FORMATS, *ALIASES) if f"`{name}`" not in page] == []
