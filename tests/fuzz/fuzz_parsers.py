"""Fuzzes every format, wrapper and builder: `make fuzz`, or this module with libFuzzer's options.

The seeds are the formats' own examples. What it finds it leaves in a file `crash-…`; keep the bytes
as a case of tests/unit/parsers/test_fuzz_findings.py.
"""

from __future__ import annotations

import importlib
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

# Not imported by name: only a machine that fuzzes has it, and it has no types.
atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["hooktail_parsers"]):
    from fuzz.inputs import LIMIT_S, LONGEST_BYTES, check_input, seeds


def main() -> None:
    """Writes the seeds to the folder that is the first argument, and fuzzes from there."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (folder / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    bounds = [f"-max_len={LONGEST_BYTES + 2}", f"-timeout={10 * LIMIT_S:.0f}", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *bounds, *sys.argv[1:]], check_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
