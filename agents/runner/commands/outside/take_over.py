"""Containers of others, in whose place a stack starts: stopped when all of it can start, put back when it fails.

The same data is never open twice: what is taken over has stopped, as Docker says, before anything of the stack starts,
and the stack is gone before it is started again.
"""

from __future__ import annotations

from typing import Any

from agents.runner.commands.context import Work
from agents.runner.errors import StepFailedError
from agents.runner.journal.taken_over import forget_taken, note_taken, taken_by
from agents.runner.planning.model import Release
from agents.runner.policy.refusal import refuse

LOOK_SECONDS = 0.2
BACK_SECONDS = 60.0


def check_takeover(*, work: Work, release: Release) -> None:
    """Raise StepFailedError(invalid) where it is not allowed, cannot be put back, or would open data twice.

    Touches nothing. What does not run any more is left as it is: nobody has its data open.
    """
    if (release.takes_over or release.adopted_volumes) and not work.policy.adopt:
        raise refuse("the stack takes over containers and volumes that are not its own", key="adopt")
    for container_id, name in release.takes_over.items():
        state = work.host.foreign_state(container_id)
        if state is None:
            raise StepFailedError("invalid", f"{name}, which it takes over, is not there any more. Look again.")
        if state["ours"] or state["vanishes"]:
            raise StepFailedError("invalid", f"{name} cannot be taken over: once stopped it could not be put back.")
    for volume in release.adopted_volumes if release.services else ():
        if work.host.volume_labels(volume) is None:
            raise StepFailedError("invalid", f"The volume {volume} is not there any more; nothing was touched.")
        others = work.host.running_users(volume, but=release.project_id).items()
        if there := [name for each, name in others if each not in release.takes_over]:
            message = f"The volume {volume} is open in {', '.join(sorted(there))}: stop or take over these first."
            raise StepFailedError("invalid", message)


def take_over(*, work: Work, release: Release) -> None:
    """Stop what the release takes over, written down first; proven by Docker. Safe to repeat."""
    if not release.takes_over:
        return
    containers = []
    for container_id in release.takes_over:
        state = work.host.foreign_state(container_id)
        if state is None:
            raise StepFailedError("invalid", f"{release.takes_over[container_id]} is not there any more.")
        if state["runs"]:
            containers.append({"id": container_id, "name": state["name"], "restart": state["restart"]})
    note_taken(work.releases.store, deployment_id=release.deployment_id, containers=containers)
    # A repeat goes on with all that was noted first.
    containers = taken_by(work.releases.store, deployment_id=release.deployment_id)
    for each in containers:
        work.interrupt.check()
        work.host.rest_foreign(each["id"])
        state = work.host.foreign_state(each["id"])
        if state is not None and state["runs"]:
            raise StepFailedError("apply", f"{each['name']} still runs after Docker was told to stop it.")
    names = ", ".join(each["name"] for each in containers)
    work.reporter.log(source="agent", text=f"Stopped, to be taken over: {names}.\n")


def put_back(*, work: Work, deployment_id: str) -> tuple[str, ...]:
    """Start again what the deployment stopped, and return the names once Docker says that they run, and are healthy
    where they say so. Safe to repeat. Raises StepFailedError when one does not come back within BACK_SECONDS."""
    containers = taken_by(work.releases.store, deployment_id=deployment_id)
    for each in containers:
        if work.host.foreign_state(each["id"]) is None:
            raise StepFailedError("internal", f"{each['name']}, which was taken over, is not there any more.")
        work.host.wake_foreign(each["id"], restart=each["restart"])
    for each in containers:
        _await_back(work, each)
    if containers:
        names = ", ".join(each["name"] for each in containers)
        work.reporter.log(source="agent", text=f"Runs again, as before it was taken over: {names}.\n")
        forget_taken(work.releases.store, deployment_id=deployment_id)
    return tuple(each["name"] for each in containers)


def _await_back(work: Work, container: dict[str, Any]) -> None:
    give_up_at = work.clock() + BACK_SECONDS
    while True:
        state = work.host.foreign_state(container["id"])
        if state is not None and state["runs"] and state["health"] in ("none", "healthy"):
            return
        if work.clock() >= give_up_at:
            told = "gone" if state is None else f"{'running' if state['runs'] else 'stopped'}, health {state['health']}"
            raise StepFailedError("internal", f"{container['name']} was started again but is {told}.")
        work.interrupt.pause(LOOK_SECONDS)
