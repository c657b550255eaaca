"""The parser of docs/how-to/write-a-parser.md works as it stands there: as a file, as a package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from types import ModuleType

import pytest

from hooktail.extract.registry import find
from hooktail_parsers import Record
from hooktail_parsers.testing import check_parser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/write-a-parser.md").read_text(encoding="utf-8")
LINE = b"2025-03-14T08:26:53.123Z 203.0.113.7 GET /cart?item=1 200"


def block(language: str, holding: str) -> str:
    """The page's only block of a language that holds these words."""
    blocks = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE)
    [found] = [each for each in blocks if holding in each]
    return str(found)


def module(source: str, name: str) -> ModuleType:
    made = ModuleType(name)
    exec(source, made.__dict__)
    return made


def test_the_parser_has_no_more_than_fifteen_lines_of_code() -> None:
    lines = [line for line in block("python", "class OursParser").splitlines() if line.strip()]

    assert len(lines) <= 15
    assert block("text", "GET /cart?item=1").encode().strip() == LINE


def test_the_parsers_of_the_page_keep_the_contract() -> None:
    ours = module(block("python", "class OursParser"), "ours_logs")
    two = module(block("python", "class TwoLinesParser"), "two_lines")

    check_parser(ours.OURS, [LINE, LINE.replace(b"?item=1", b"")])
    check_parser(two.TWO_LINES, [b"begin 7 203.0.113.7 GET /cart", b"end 7 200"])


def test_the_parser_is_used_from_a_file(tmp_path: Path) -> None:
    options = tomllib.loads(block("toml source", "parser_file"))
    file = tmp_path / Path(options["parser_file"]).name
    file.write_text(block("python", "class OursParser"))
    file.chmod(0o600)

    [record] = find(options["format"], file).make({}).parse_batch([LINE])

    assert isinstance(record, Record)
    assert (record.ip, record.path, record.query) == ("203.0.113.7", "/cart", "item=1")


@pytest.mark.system
def test_the_parser_is_built_installed_and_used_in_a_fresh_environment(tmp_path: Path) -> None:
    project, wheels, fresh = (tmp_path / name for name in ("project", "wheels", "fresh"))
    project.mkdir()
    (project / "ours_logs.py").write_text(block("python", "class OursParser"))
    (project / "pyproject.toml").write_text(block("toml package", 'name = "ours-logs"'))
    log = tmp_path / "access.log"
    log.write_bytes(LINE + b"\nnonsense\n")
    # The same two steps as for any package; the build back end comes from the index.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    command = ["wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT), str(project)]
    subprocess.run([*pip, *command], check=True)
    venv.create(fresh, with_pip=False, symlinks=True)
    python = fresh / "bin" / "python"
    built = [str(path) for path in wheels.glob("*.whl")]
    assert len(built) == 2
    install = ["--python", str(python), "install", "--no-index", "--no-deps", *built]
    subprocess.run([*pip, *install], check=True)
    # What hooktail depends on is taken from this environment, as no index is asked for it.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = sysconfig.get_paths()
    depends = "\n".join(sorted({paths["purelib"], paths["platlib"]}))
    (fresh / "lib" / version / "site-packages" / "depends.pth").write_text(depends)

    def hooktail(*arguments: str) -> list[str]:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            [str(fresh / "bin" / "hooktail"), *arguments],
            check=True, capture_output=True, text=True, cwd=tmp_path, env=environment,
        )  # fmt: skip
        return done.stdout.splitlines()

    parsed, refused = map(json.loads, hooktail("parse", "--format", "ours", str(log)))
    listed = [line for line in hooktail("formats") if line.startswith("ours ")]

    assert parsed["record"]["ip"] == "203.0.113.7"
    assert parsed["record"]["time"] == "2025-03-14T08:26:53.123Z"
    assert refused["reason"] == "syntax"
    assert len(listed) == 1
