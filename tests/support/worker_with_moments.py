"""A worker whose moments (`delivery.target`) and names are those of the test that started it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from hooktail.delivery import target, worker

sys.path.insert(0, str(Path(__file__).parents[1]))
from support import names  # a script: its folder is not where tests are imported from

if __name__ == "__main__":
    for name, value in json.loads(os.environ.get("TEST_MOMENTS", "{}")).items():
        setattr(target, name, value)
    names.install()
    sys.exit(worker.main(sys.argv[1:]))
