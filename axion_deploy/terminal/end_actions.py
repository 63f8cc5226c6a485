"""`manage.py deployments delete`: the end of a project by its whole name, how far it is, and its cancellation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.machine_ends import say_deletion
from axion_deploy.terminal.screen import Screen
from deployments.services.ends import project_deletion
from deployments.types import Caller


def delete_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Begin the deletion with `--confirm NAME`, cancel it with `--cancel`; say how far it is otherwise."""
    project = names.project_named(caller=caller, text=options["project"])
    if options["cancel"]:
        project_deletion.cancel_deletion(caller=caller, project_id=project.id)
        screen.say(sentence("{name} is not deleted. What was stopped stays stopped.", name=project.name))
        screen.tell("deletion", {"projectId": str(project.id), "state": "cancelled"})
        return Exit.DONE
    if options["confirm"]:
        found = project_deletion.delete_project(
            caller=caller, project_id=project.id, typed_name=options["confirm"], delete_volumes=options["volumes"]
        )
    else:
        seen = project_deletion.deletion_of(caller=caller, project_id=project.id)
        if seen is None:
            screen.say(
                sentence(
                    "No deletion of {name} was requested. To request it, add --confirm with its full name.",
                    name=project.name,
                )
            )
            return Exit.DONE
        found = seen
    say_deletion(found, screen)
    shape = {"projectId": str(found.project_id), "state": str(found.state), "message": found.message}
    screen.tell("deletion", {**shape, "deleteVolumes": found.delete_volumes})
    return Exit.DONE
