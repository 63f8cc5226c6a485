"""What history keeps on the hosts of agents, for the gateway to tell them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from agents.retention import KeptStack, Retention
from agents.services import directory
from deployments.services.queries import history_view


def retentions_of(*, agent_ids: Collection[UUID]) -> Mapping[UUID, Retention]:
    targets = directory.targets_of(agent_ids=agent_ids)
    clusters = {target_id for several in targets.values() for target_id in several[1:]}
    needed = history_view.kept_images(target_ids={target_id for several in targets.values() for target_id in several})
    stacks = defaultdict(list)
    for images in needed:
        stack = KeptStack(
            stack_name=images.stack_name,
            project_id=images.project_id,
            image_ids=images.image_ids,
            deployment_ids=images.deployment_ids,
            in_cluster=images.target_id in clusters,
        )
        stacks[images.target_id].append(stack)
    return {
        agent_id: Retention(
            stacks=tuple(stack for target_id in targets.get(agent_id, ()) for stack in stacks[target_id])
        )
        for agent_id in agent_ids
    }
