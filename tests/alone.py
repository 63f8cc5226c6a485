"""Try once more, one after the other on a machine at rest, what failed in a run of everything; say which passed then.

`python -m tests.alone STATUS` after a run that ended with STATUS. A test that passes only then is at fault, or
what it tests is: its name is printed last so that somebody mends it. More than MAX_CHANCE failures are no chance.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MAX_CHANCE = 3
# What pytest ends with when it ran everything and something failed.
TESTS_FAILED = 1
FAILED = Path(".pytest_cache/v/cache/lastfailed")


def names_to_try(*, status: int, failed: list[str]) -> list[str]:
    """Return which tests deserve a second look; none when the run was broken off or too much failed."""
    return sorted(failed) if status == TESTS_FAILED and 0 < len(failed) <= MAX_CHANCE else []


def main(status: int) -> int:
    names = names_to_try(status=status, failed=list(json.loads(FAILED.read_text())) if FAILED.is_file() else [])
    if not names:
        return status
    print(f"\n{len(names)} failed beside everything else; once more, alone:", *names, sep="\n  ", flush=True)
    ended = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *names], check=False)
    if ended.returncode == 0:
        print("Passed only alone, so decided by chance; mend it, or what it tests:", *names, sep="\n  ")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
