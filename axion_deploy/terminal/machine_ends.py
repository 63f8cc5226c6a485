"""Deleting servers (`agents delete`) and clusters (`deployments cluster NAME delete`): what follows is said first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.wording.sentences import sentence
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.end_types import DeletionState, MachineDeletionRecord, MachineEnd, ProjectDeletionRecord
from deployments.services.ends import machine_deletion, machine_ends
from deployments.types import Caller, Target


def delete_machine_action(*, caller: Caller, target: Target, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Begin with `--confirm NAME` and `--end`, cancel with `--cancel`; else say what would follow, or how far it is."""
    if options["cancel"]:
        machine_deletion.cancel_deletion(caller=caller, target=target)
        screen.say(sentence("It is not deleted. What was stopped or removed stays that way."))
        screen.tell("deletion", {"machineId": str(target.id), "state": "cancelled"})
        return Exit.DONE
    found = machine_deletion.deletion_of(caller=caller, machine_id=target.id)
    if options["confirm"]:
        found = machine_deletion.delete_machine(
            caller=caller, target=target, typed_name=options["confirm"], end=MachineEnd(options["end"])
        )
    elif found is None or found.state is DeletionState.STUCK:
        _say_what_follows(caller=caller, target=target, screen=screen)
    if found is not None:
        say_deletion(found, screen)
        shape = {"machineId": str(target.id), "end": str(found.end), "state": str(found.state)}
        screen.tell("deletion", {**shape, "message": found.message})
    return Exit.DONE


def say_deletion(found: ProjectDeletionRecord | MachineDeletionRecord, screen: Screen) -> None:
    """Say how far a deletion is, who asked for it, and what it waits for."""
    said = sentence(
        "{name} is {state}, requested by {who}.", name=found.name, state=found.state, who=found.requested_by
    )
    screen.say(f"{screen.words(said)} {screen.words(found.message)}".rstrip())


def _say_what_follows(*, caller: Caller, target: Target, screen: Screen) -> None:
    for option in machine_ends.options_of(caller=caller, target=target):
        screen.say(
            sentence(
                "--end {end}: {text}",
                end=option.end,
                text=option.why_not or " ".join(map(screen.words, option.follows)),
            )
        )
        shape = {"end": str(option.end), "whyNot": option.why_not, "follows": list(option.follows)}
        screen.tell("way", shape)
    screen.say(sentence("To delete it, add --end and --confirm with its full name."))
