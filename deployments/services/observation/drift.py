"""Hold what an agent sees against what was deployed, and keep what differs, since when.

What was meant is what the proof of the last success saw. It is stored in the transaction that ends the deployment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.types import ServiceObserved
from agents.wording.sentences import sentence
from deployments.errors import Conflict, NotFound
from deployments.event_types import epoch_ms
from deployments.repositories import clock, history, lanes
from deployments.repositories.observation import observed_stacks, stack_drifts
from deployments.repositories.observation.stack_drifts import DriftRow, difference_to_json
from deployments.repositories.reads import light_rows
from deployments.rules.conditions import StackCondition
from deployments.rules.drift import (
    ANY_AGENT_REPAIRS,
    Difference,
    MeantSetup,
    SeenDrift,
    carry_over,
    compare,
    digest_of,
    keep_meant,
)
from deployments.rules.observed import SeenStack
from deployments.services.observation import stacks
from deployments.states import Kind
from deployments.types import DeploymentRecord, ProjectRecord, ServiceState

# After a deployment its agent has so long to tell what runs since, before what it told earlier is compared.
SETTLE = timedelta(seconds=5)
# A stack that nobody can look at now is tried again.
AGAIN = timedelta(seconds=5)
NOT_COMPARED = "Not compared yet with what was deployed."
NOT_RECORDED = "What was meant is not recorded in full for {names}: deploy again, with an agent of this version."
# The proof of a success has seen that nothing differs in these.
PROVEN = ANY_AGENT_REPAIRS
TOUCHED = "Something else differs on the server since the plan was made. Look at the new plan."
SOAKED = frozenset({Kind.DEPLOY})


def note_success(*, deployment: DeploymentRecord, project: ProjectRecord, proven: Sequence[ServiceObserved]) -> None:
    """Store what is meant to run in the lane from now on. Inside the transaction that ends the deployment.

    A success that a person asked for also has automatic repairs begin again, and starts its watch.
    """
    former = stack_drifts.find_locked(project_id=deployment.project_id, server_id=deployment.target.id)
    before = {each.name: each for each in former.meant} if former else {}
    meant = _meant(deployment=deployment, proven=proven, before=before)
    now = clock.now()
    columns: dict[str, Any] = {
        "due_at": now + SETTLE,
        "differences": _outlasting(former, proven=proven),
        "soak_until": None,
        "soak_message": "",
    }
    if not deployment.cause:
        columns |= {"repairs_stopped_at": None, "repairs_message": ""}
    if project.soak_minutes and deployment.kind in SOAKED:
        columns["soak_until"] = now + timedelta(minutes=project.soak_minutes)
    stack_drifts.prove(
        project_id=deployment.project_id,
        server_id=deployment.target.id,
        deployment_id=deployment.id,
        meant=meant,
        proven_ids=[container_id for service in proven for container_id in service.container_ids],
        at=now,
        columns=columns,
    )


def _outlasting(former: DriftRow | None, *, proven: Sequence[ServiceObserved]) -> list[dict[str, Any]]:
    """Return what differs still: the rest was made anew, or the proof saw that it is as it was meant."""
    stayed = {service.service_name for service in proven if not service.started}
    return [
        difference_to_json(each)
        for each in (former.differences if former else ())
        if each.service in stayed and each.aspect not in PROVEN
    ]


def _meant(
    *, deployment: DeploymentRecord, proven: Sequence[ServiceObserved], before: Mapping[str, MeantSetup]
) -> list[MeantSetup]:
    seen = {service.service_name: service for service in proven}
    hashes = deployment.config.get("hashes", {})
    meant = []
    for state in deployment.services:
        setup = replace(_setup_of(state), content_hash=hashes.get(state.name, ""))
        if service := seen.get(state.name):
            setup = replace(setup, settings=dict(service.settings), shown=dict(service.shown))
            setup = keep_meant(former=before, proven=setup, started=service.started)
        meant.append(setup)
    return meant


def _setup_of(state: ServiceState) -> MeantSetup:
    return MeantSetup(name=state.name, node_id=state.node_id, copies=state.replicas, image=state.image_digest)


def compare_after_end(*, deployment: DeploymentRecord) -> None:
    """Have the stack compared a moment after a deployment ended without success. Inside its transaction."""
    if deployment.started_at is not None:
        stack_drifts.change(
            project_id=deployment.project_id,
            server_id=deployment.target.id,
            proven_ids=[],
            due_at=clock.now() + SETTLE,
        )


def compare_stack(*, project_id: UUID, server_id: UUID) -> bool:
    """Compare what is seen of the stack with what was meant, and store what differs; return whether that changed.

    Inside a transaction. While a deployment works there, and until its agent has told what runs since, nothing is
    compared: it would differ for no fault of anybody's.
    """
    row = _row(project_id=project_id, server_id=server_id)
    if row is None or lanes.holder(project_id=project_id, target_id=server_id) is not None:
        return False
    now = clock.now()
    seen = observed_stacks.of_stack(project_id=project_id, server_id=server_id)
    containers = seen.containers if seen else ()
    settled = bool(row.proven_ids) and row.proven_ids <= {each.id for each in containers}
    if row.due_at is not None and row.due_at > now and not settled:
        return False
    found = compare(meant=row.meant, containers=containers)
    differences = carry_over(new=found.differences, old=row.differences, now_ms=int(now.timestamp() * 1000))
    if differences == row.differences and found.unknown == row.unknown and row.due_at is None:
        return False
    known = {(each.key, each.mark) for each in row.differences}
    touched = any(each.by_people and (each.key, each.mark) not in known for each in differences)
    stack_drifts.store_differences(
        row=row,
        differences=differences,
        unknown=found.unknown,
        touched_at=now if touched else row.touched_at,
    )
    return differences != row.differences or found.unknown != row.unknown


def _row(*, project_id: UUID, server_id: UUID) -> DriftRow | None:
    """Return the stack's row; one that was deployed before this was recorded gets what its deployment tells."""
    row = stack_drifts.find_locked(project_id=project_id, server_id=server_id)
    if row is not None:
        return row
    entry = history.running(project_id=project_id, target_id=server_id)
    if entry is None:
        return None
    states = light_rows.services_of(deployment_ids=[entry.deployment_id]).get(entry.deployment_id, ())
    stack_drifts.prove(
        project_id=project_id,
        server_id=server_id,
        deployment_id=entry.deployment_id,
        meant=[_setup_of(state) for state in states] if entry.kind != Kind.STOP else [],
        proven_ids=(),
        at=entry.created_at,
        columns={},
    )
    return stack_drifts.find_locked(project_id=project_id, server_id=server_id)


def compare_due(*, limit: int) -> tuple[UUID, ...]:
    """Compare stacks that are owed it; return the projects of those that changed. Opens a transaction for each."""
    changed = []
    for project_id, server_id in stack_drifts.due(at=clock.now(), limit=limit):
        with transaction.atomic():
            if stacks.why_unknown(server_id=server_id):
                # What was told before the agent went silent says nothing of what runs since.
                stack_drifts.change(project_id=project_id, server_id=server_id, due_at=clock.now() + AGAIN)
            elif compare_stack(project_id=project_id, server_id=server_id):
                changed.append(project_id)
    return tuple(changed)


def seen_drifts(*, project_id: UUID, seen: Mapping[UUID, SeenStack]) -> dict[UUID, SeenDrift]:
    """Return by server how the project's stacks differ, as they were compared last. `seen` is how they are now."""
    rows = stack_drifts.of_project(project_id=project_id)
    return {server_id: _seen_drift(rows.get(server_id), stack=stack) for server_id, stack in seen.items()}


def _seen_drift(row: DriftRow | None, *, stack: SeenStack) -> SeenDrift:
    unknown = stack.state.message if stack.state.condition is StackCondition.UNKNOWN else ""
    if row is None:
        return SeenDrift(differences=(), why_not=unknown or NOT_COMPARED)
    return SeenDrift(
        differences=row.differences,
        why_not=unknown or unknown_sentence(row),
        repairs_message=row.repairs_message,
        soak_until_ms=epoch_ms(row.soak_until),
        soak_message=row.soak_message,
    )


def differences_of(*, project_id: UUID, server_id: UUID) -> tuple[Difference, ...]:
    """Return what differs there, as it was compared last."""
    row = stack_drifts.find(project_id=project_id, server_id=server_id)
    return row.differences if row else ()


def services_to_renew(*, project_id: UUID, server_id: UUID, named: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the services that a deployment starts anew although their definition is the same: those that differ.

    All that were not said to be left, or those that are `named`.
    """
    found = differences_of(project_id=project_id, server_id=server_id)
    wanted = [each for each in found if (not each.left_by if named is None else each.service in named)]
    return tuple(sorted({each.service for each in wanted if each.aspect not in PROVEN}))


def observed_digest(*, project_id: UUID, server_id: UUID) -> str:
    """Name what was seen to differ there: another name means that somebody touched the host."""
    return digest_of(differences_of(project_id=project_id, server_id=server_id))


def unknown_sentence(row: DriftRow) -> str:
    """Return what cannot be compared there, for people; empty when all of it can."""
    return NOT_RECORDED.format(names=", ".join(row.unknown)) if row.unknown else ""


def leave(*, project_id: UUID, server_id: UUID, service: str, aspect: str, by: str) -> DriftRow:
    """Silence this one difference until it changes, or with an empty `by` no longer. Opens a transaction.

    Raises NotFound when it is not there (any more), and Conflict when it is left already.
    """
    with transaction.atomic():
        row = stack_drifts.find_locked(project_id=project_id, server_id=server_id)
        key = f"{service}/{aspect}"
        found = [each for each in row.differences if each.key == key] if row else []
        if row is None or not found:
            raise NotFound(sentence("There is no such difference (any more)."))
        if all(bool(each.left_by) == bool(by) for each in found):
            raise Conflict("It is left as it is already." if by else "It is not left as it is.")
        changed = tuple(replace(each, left_by=by) if each.key == key else each for each in row.differences)
        stack_drifts.store_differences(row=row, differences=changed, unknown=row.unknown, touched_at=row.touched_at)
        return replace(row, differences=changed)
