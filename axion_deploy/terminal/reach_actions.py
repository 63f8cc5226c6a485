"""`manage.py deployments reach`: whether a server reaches the project's external nodes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.reach_types import ReachRecord, ReachState
from deployments.services.requests import check_reach
from deployments.types import Caller

# A little longer than an agent may take.
WAIT_SECONDS, LOOK_SECONDS = 150.0, 0.2


def reach_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Have external nodes tried and show the answer; failed unless every one accepted a connection."""
    project = names.project_named(caller=caller, text=options["project"])
    target = names.target_named(
        caller=caller, project_id=project.id, server=options["server"], cluster=options["cluster"]
    )
    made = check_reach.check_reach(
        caller=caller, project_id=project.id, target=target, check_id=uuid4(), nodes=options["node"]
    )
    give_up_at = time.monotonic() + WAIT_SECONDS
    while made.state is ReachState.PENDING and options["wait"] and time.monotonic() < give_up_at:
        time.sleep(LOOK_SECONDS)
        made = check_reach.get_check(caller=caller, project_id=project.id, check_id=made.id)
    show_check(made, screen)
    if made.state is ReachState.PENDING and not options["wait"]:
        return Exit.DONE
    return Exit.DONE if all(line.reached for line in made.lines) else Exit.FAILED


def show_check(check: ReachRecord, screen: Screen) -> None:
    said = sentence("from {server}: {state}", server=check.server_name, state=check.state)
    screen.say(f"{screen.words(said)}  {screen.words(check.message)}".rstrip())
    for line in check.lines:
        said = sentence("after {count} ms", count=line.milliseconds)
        after = f"  {screen.words(said)}" if line.milliseconds else ""
        screen.say(f"  {line.outcome or 'unknown':<11} {line.name or line.node_id}  {line.host}:{line.port}{after}")
        shape = {"nodeId": line.node_id, "name": line.name, "host": line.host, "port": line.port}
        screen.tell("reach", {**shape, "outcome": line.outcome, "milliseconds": line.milliseconds})
