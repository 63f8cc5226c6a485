"""Docker's own events, heard while they happen.

The engine remembers only its last 256 events, and health checks fill them within a minute: looking back is not enough.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

# What Docker has told by now may still be on its way to us.
SETTLE_SECONDS = 0.5

Attributes = dict[str, str]


def heard_starts(*, label: str) -> AbstractContextManager[Callable[[], list[Attributes]]]:
    """While the block runs: the attributes (labels among them) of every start of a container with this label."""
    return heard_events(label=label, event="start")


@contextmanager
def heard_events(*, label: str, event: str) -> Iterator[Callable[[], list[Attributes]]]:
    """The same of any one kind of event, in order."""
    filters = ["--filter", "type=container", "--filter", f"event={event}", "--filter", f"label={label}"]
    command = ["docker", "events", *filters, "--format", "{{json .}}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        lines: list[str] = []
        assert listener.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(listener.stdout,), daemon=True)
        reader.start()

        def heard() -> list[Attributes]:
            time.sleep(SETTLE_SECONDS)
            return [json.loads(line)["Actor"]["Attributes"] for line in lines]

        try:
            yield heard
        finally:
            listener.terminate()
            reader.join(timeout=5)
