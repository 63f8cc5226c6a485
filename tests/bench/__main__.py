"""python -m tests.bench [--json FILE]: figures of this machine, as ratios where there is something to compare with."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests import environment as _environment  # noqa: F401 - names the servers of `make services`
from tests.bench import asking, deploying, generation, importing, listing, memory, resting, undoing
from tests.bench.figures import table, write_json
from tests.e2e.control_plane import ControlPlane


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    figures = [*generation.measure(), *importing.measure(), *listing.measure()]
    with tempfile.TemporaryDirectory(prefix="axion-bench-") as name:
        plane = ControlPlane(folder=Path(name))
        try:
            plane.start()
            folder = Path(name)
            figures += [*deploying.measure(plane, folder), *undoing.measure(plane, folder), *memory.measure(plane)]
            figures += resting.measure(plane)
            figures += asking.measure(plane, folder)
        finally:
            plane.stop()
    sys.stdout.write(table(figures) + "\n")
    if options.json:
        write_json(figures, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
