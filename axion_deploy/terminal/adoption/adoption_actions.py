"""`manage.py agents containers` and `adopt`: what runs on a server without us, and a project that takes it over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from agents.wording.sentences import sentence
from axion_deploy.terminal.exits import Exit, Unreachable
from axion_deploy.terminal.names import own_server_named
from axion_deploy.terminal.screen import Screen
from deployments.data.adoption_types import AdoptionState, ContainerGroup
from deployments.errors import Conflict, Invalid
from deployments.services.adoption import adopt, inspections
from deployments.services.adoption.adopt import AdoptionPlan
from deployments.types import Caller

Options = Mapping[str, Any]
POLL_SECONDS = 0.3


def containers_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Have the agent describe its containers, and list what can be taken over."""
    server = own_server_named(caller=caller, text=options["server"])
    _, groups = _look(caller=caller, server_id=server.id, seconds=options["timeout"])
    for group in groups:
        screen.say(counted(group))
        named = [each.name for each in group.containers]
        screen.tell("group", {"key": group.key, "name": group.name, "containers": named, "whyNot": group.why_not})
    if not groups:
        screen.say(sentence("Only what Axion Deploy started is running there."))
    return Exit.DONE


def adopt_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Show what a project would be made of the named Compose projects and containers, or make it with --project."""
    server = own_server_named(caller=caller, text=options["server"])
    adoption_id, groups = _look(caller=caller, server_id=server.id, seconds=options["timeout"])
    named: dict[str, Any] = {
        "caller": caller,
        "server_id": server.id,
        "adoption_id": adoption_id,
        "keys": [_key_of(text, groups) for text in options["names"]],
    }
    if not options["project"]:
        _show(adopt.plan_adoption(**named), screen)
        screen.say(sentence("Nothing was stored. Create the project with --project NAME."))
        return Exit.DONE
    project, plan = adopt.adopt_containers(**named, name=options["project"], project_id=uuid4())
    _show(plan, screen)
    screen.say(
        sentence(
            "{project} was created. Its first deployment to {server} takes over the containers.",
            project=project.name,
            server=server.name,
        )
    )
    screen.tell("project", {"id": str(project.id), "name": project.name})
    return Exit.DONE


def _look(*, caller: Caller, server_id: UUID, seconds: float) -> tuple[UUID, tuple[ContainerGroup, ...]]:
    """Look anew and wait for the answer. Raises Unreachable when none comes in time, Conflict for a refusal."""
    asked = inspections.inspect_server(caller=caller, server_id=server_id, adoption_id=uuid4())
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        last, groups = inspections.last_inspection(caller=caller, server_id=server_id)
        if last is not None and last.id == asked.id and last.state is not AdoptionState.ASKED:
            if last.state is AdoptionState.DESCRIBED:
                return asked.id, groups
            raise Conflict(last.message)
        time.sleep(POLL_SECONDS)
    raise Unreachable(sentence("The agent did not answer within --timeout."))


def _key_of(text: str, groups: tuple[ContainerGroup, ...]) -> str:
    found = [group.key for group in groups if text in (group.name, group.key)]
    if not found:
        raise Invalid(sentence("No Compose project or container named {name!r} there.", name=text))
    if len(found) > 1:
        raise Invalid(sentence("Several Compose projects or containers are named {name!r} there.", name=text))
    return found[0]


def counted(group: ContainerGroup) -> str:
    count = len(group.containers)
    if not group.why_not:
        return sentence("{name}: {count} containers", name=group.name, count=count)
    return sentence("{name}: {count} containers. {why}", name=group.name, count=count, why=group.why_not)


def _show(plan: AdoptionPlan, screen: Screen) -> None:
    for line in plan.result.lines:
        screen.say(f"{line.outcome.value}: {line.place.path} - {line.text}")
    screen.say(sentence("Nodes: {names}", names=", ".join(plan.nodes)))
    screen.say(sentence("Volumes that stay as they are: {names}", names=", ".join(plan.volumes) or sentence("none")))
    screen.tell("adoption", {"nodes": list(plan.nodes), "volumes": list(plan.volumes)})
