"""`python -m tests.chaos --seconds 3600 --seed 7`: random faults for as long as one likes; prints what was broken."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.storm import run

MAX_SECONDS = 6 * 3600


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="axion-chaos-"))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f}  {text}", flush=True)

    outcome = run(
        folder=folder / "plane",
        engine_folder=folder / "engine",
        seconds=min(options.seconds, MAX_SECONDS),
        seed=options.seed,
        say=say,
    )
    print(json.dumps(asdict(outcome), indent=2))
    print(f"logs: {folder}")
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    # Read before Django is: the environment of the tests.
    import tests.environment  # noqa: F401

    sys.exit(main(sys.argv[1:]))
