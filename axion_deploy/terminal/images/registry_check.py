"""`manage.py deployments registries ADDRESS --test-from SERVER`: have a server try it, and say how it went."""

from __future__ import annotations

import time
from uuid import uuid4

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.registry_types import CheckState, RegistryRecord
from deployments.services.registries import registries
from deployments.services.requests import check_registry
from deployments.types import Caller

WAIT_SECONDS = 130.0
LOOK_SECONDS = 0.5


def tested(*, caller: Caller, registry: RegistryRecord, server: str, screen: Screen) -> Exit:
    """Ask for the test and say how it went; FAILED where it did not work or nobody said."""
    server_id = names.own_server_named(caller=caller, text=server).id
    found = check_registry.check_registry(caller=caller, registry_id=registry.id, server_id=server_id, check_id=uuid4())
    give_up_at = time.monotonic() + WAIT_SECONDS
    while found.check_state is CheckState.PENDING and time.monotonic() < give_up_at:
        time.sleep(LOOK_SECONDS)
        found = registries.get_registry(caller=caller, registry_id=registry.id)
    screen.say(
        sentence(
            "{address} from {server}: {state}. {message}",
            address=found.address,
            server=found.check_server_name,
            state=str(found.check_state),
            message=found.check_message,
        )
    )
    screen.tell("test", {"address": found.address, "state": str(found.check_state), "message": found.check_message})
    return Exit.DONE if found.check_state is CheckState.PASSED else Exit.FAILED
