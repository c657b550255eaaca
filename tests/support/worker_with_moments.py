"""A worker whose moments (`delivery.target`) are those of the test that started it."""

from __future__ import annotations

import json
import os
import sys

from hooktail.delivery import target, worker

if __name__ == "__main__":
    for name, value in json.loads(os.environ["TEST_MOMENTS"]).items():
        setattr(target, name, value)
    sys.exit(worker.main(sys.argv[1:]))
