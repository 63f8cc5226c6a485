"""Starting a server that outlives us."""

from __future__ import annotations

from collections.abc import Callable

from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.errors import NotReady
from axion_deploy.embedded.readiness import wait_ready


def start_noted(child: Child, *, ledger: Ledger, probe: Callable[[], bool], seconds: float) -> None:
    """Starts the program, remembers it and waits for it; one that does not answer is ended. Raises NotReady."""
    child.start()
    ledger.note(name=child.name, pid=child.pid)
    try:
        wait_ready(child, probe=probe, seconds=seconds)
    except NotReady:
        child.stop()
        raise
