"""`manage.py deployments volumes`: what is left over on servers, and the end of one volume by its whole name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.end_types import VolumeLine
from deployments.services.ends import volume_deletion, volumes
from deployments.types import Caller

MEBIBYTE = 1024 * 1024


def volumes_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """List the project's volumes, or order the end of the named one."""
    project = names.project_named(caller=caller, text=options["project"])
    if options["delete"]:
        target = names.target_named(caller=caller, project_id=project.id, server=options["server"], cluster=None)
        ordered = volume_deletion.delete_project_volume(
            caller=caller,
            project_id=project.id,
            server_id=target.id,
            name=options["delete"],
            deletion_id=uuid4(),
            at=timezone.now(),
        )
        screen.say(
            sentence(
                "{volume} is being deleted on {server_name}: the command was sent to the agent.",
                volume=ordered.volume,
                server_name=ordered.server_name,
            )
        )
        screen.tell("deletion", {"id": str(ordered.id), "name": ordered.volume, "state": str(ordered.state)})
        return Exit.DONE
    found = volumes.list_project_volumes(caller=caller, project_id=project.id)
    for line in found:
        show_volume(line, screen)
    if not found:
        screen.say(sentence("No volumes reported by an agent."))
    return Exit.DONE


def show_volume(line: VolumeLine, screen: Screen) -> None:
    size = line.volume.size_bytes
    words = sentence("size unknown") if size is None else f"{size / MEBIBYTE:.1f} MiB"
    unknown = f"  ({screen.words(line.why_unknown)})" if line.why_unknown else ""
    said = sentence("{volume} on {server}, {size}", volume=line.volume.name, server=line.server_name, size=words)
    screen.say(f"{line.state:<9} {screen.words(said)}{unknown}")
    shape = {"name": line.volume.name, "state": str(line.state), "serverId": str(line.server_id), "sizeBytes": size}
    screen.tell("volume", {**shape, "usedBy": list(line.volume.used_by), "unknown": line.why_unknown})
