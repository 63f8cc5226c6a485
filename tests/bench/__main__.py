"""python -m tests.bench [--row NAME] [--json FILE]: figures of this machine, as ratios where there is something to
compare with.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests import environment as _environment  # noqa: F401 - names the servers of `make services`
from tests.bench.figures import Figure, table, write_json
from tests.bench.rows import ROWS, Row
from tests.e2e.control_plane import ControlPlane


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--row", choices=sorted(ROWS), help="measure this alone")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    chosen = {options.row: ROWS[options.row]} if options.row else ROWS
    figures = [figure for row in chosen.values() if row.alone for figure in row.alone()]
    figures += on_plane(chosen)
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    sys.stdout.write(f"{table(figures)}\nload average of the machine: {load}\n")
    if options.json:
        write_json(figures, options.json)
    return 0


def on_plane(chosen: Mapping[str, Row]) -> list[Figure]:
    """Measure the rows that need a control plane, on one that they share; none is started when there are none."""
    measures = [row.on_plane for row in chosen.values() if row.on_plane]
    if not measures:
        return []
    with tempfile.TemporaryDirectory(prefix="axion-bench-") as name:
        plane = ControlPlane(folder=Path(name))
        try:
            plane.start()
            return [figure for measure in measures for figure in measure(plane, Path(name))]
        finally:
            plane.stop()


if __name__ == "__main__":
    sys.exit(main())
