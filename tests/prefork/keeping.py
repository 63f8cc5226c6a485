"""A program with two parts, for tests: each says who it is in a file named like it, and waits or ends as argv says."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from axion_deploy.prefork.master import REFUSED, Master
from axion_deploy.prefork.parts import Part


def main(folder: Path, behaviour: str) -> int:
    master = Master([Part(name=name, command="") for name in ("first", "second")])
    part = master.run()
    if part is None:
        return REFUSED if master.refused else 0
    (folder / f"{part.name}.{os.getpid()}").touch()
    if behaviour == "refuses" and part.name == "second":
        return REFUSED
    if behaviour == "hangs" and part.name == "second":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(300)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
