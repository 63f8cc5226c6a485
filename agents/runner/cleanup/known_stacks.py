"""What the journal remembers of each stack, for judging what is still needed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.runner.cleanup.rules import Remembered, StackMemory
from agents.runner.journal.commands import Entry, Journal
from agents.runner.journal.releases import Phase, Releases

IN_VAIN = frozenset({Phase.FAILED, Phase.REVERTED})
# As long as the control plane has not said what it keeps, so many releases of a stack are.
UNTOLD_RELEASES = 20


def remember(*, journal: Journal, releases: Releases) -> tuple[StackMemory, ...]:
    """Every stack that this agent ever had a release of, as of one moment."""
    with releases.store.transaction():
        rows = releases.store.rows("SELECT * FROM releases ORDER BY stack, position")
        unfinished = journal.unfinished()
        retention = releases.retention()
        currents = {row["stack"]: row["current"] for row in releases.store.rows("SELECT * FROM stacks")}
    begun = [(row["stack"], _project_of(row), _remembered(row)) for row in rows]
    known = {each.deployment_id for _, _, each in begun}
    begun += [_unbegun(entry) for entry in unfinished if entry.kind == "deploy" and entry.deployment_id not in known]
    working = frozenset(entry.deployment_id for entry in unfinished)
    memories = []
    for stack, group in groupby(sorted(begun, key=lambda each: each[0]), key=lambda each: each[0]):
        found = tuple(group)
        remembered = tuple(each for _, _, each in found)
        memory = StackMemory(
            stack=stack,
            project_id=found[-1][1],
            releases=remembered,
            current=currents.get(stack, ""),
            working=working & {each.deployment_id for each in remembered},
            kept=_kept(stack, remembered, retention),
        )
        memories.append(memory)
    return tuple(memories)


def _kept(stack: str, remembered: tuple[Remembered, ...], retention: pb.Retention | None) -> frozenset[str]:
    if retention is None:
        return frozenset(each.deployment_id for each in remembered[-UNTOLD_RELEASES:])
    return frozenset(name for kept in retention.stacks if kept.stack_name == stack for name in kept.deployment_ids)


def _project_of(row: Any) -> str:
    return pb.Command.FromString(row["payload"]).project_id


def _remembered(row: Any) -> Remembered:
    deploy = pb.Command.FromString(row["payload"]).deploy
    return Remembered(
        deployment_id=row["deployment"],
        base=row["base"],
        owners=frozenset(json.loads(row["owners"]).values()),
        images=frozenset({*json.loads(row["images"]).values(), *deploy.pinned_images.values()} - {""}),
        tags=_tags(deploy.services),
        ended_in_vain=Phase(row["phase"]) in IN_VAIN,
    )


def _unbegun(entry: Entry) -> tuple[str, str, Remembered]:
    command = entry.command()
    remembered = Remembered(
        deployment_id=entry.deployment_id,
        base="",
        owners=frozenset(),
        images=frozenset(command.deploy.pinned_images.values()),
        tags=_tags(command.deploy.services),
        ended_in_vain=False,
    )
    return command.deploy.stack_name, command.project_id, remembered


def _tags(services: Iterable[pb.ServiceSpec]) -> frozenset[str]:
    return frozenset(service.image for service in services)
