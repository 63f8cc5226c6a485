"""The reference of statuses, kinds, reasons and stages: which there are from states.py, what they mean from here."""

from __future__ import annotations

from axion_deploy.operator_docs.tables import code, table
from deployments.states import Kind, Reason, Stage, Status

INTRODUCTION = """# Statuses and reasons

A deployment has one status. When it did not succeed, it also has a reason, beside a sentence that says what happened.
The words are explained in the [glossary](../glossary.md).
"""
STATUSES = {
    Status.PENDING: "It waits: for its turn on the target, or for the server's agent. A deadline ends that.",
    Status.IN_PROGRESS: "The agent has the order, or is about to get it. It can be cancelled.",
    Status.SUCCESS: "The agent saw every service running at the deployed image and healthy. It says nothing about now.",
    Status.FAILED: "It did not come up, or nobody can prove that it did. The reason and the message say why.",
    Status.ROLLING_BACK: "What ran before is being put back: by itself, or because a rollback of it is at work.",
    Status.ROLLED_BACK: "What ran before is back, and that was proven.",
}
KINDS = {
    Kind.DEPLOY: "The newest graph and code.",
    Kind.ROLLBACK: "A version of the history once more: files, values and images as they were; nothing is built.",
    Kind.STOP: "No service at all: containers and networks go, volumes stay.",
    Kind.SCALE: "What runs, with another number of copies of one service.",
    Kind.RESTART: "What runs, with one service's containers made anew, or one job run: images, values and copies stay.",
    Kind.REPAIR: "What was proven last, with the services started anew that somebody changed on the server.",
    Kind.UNKNOWN: "Stored by a later version than the one that shows it.",
}
REASONS = {
    Reason.UNHEALTHY: "A service did not come up, did not stay up, or failed its health check. Read its log.",
    Reason.BUILD: "An image could not be built from the code. The log of the build says why.",
    Reason.IMAGE: "An image could not be pulled, or one that a rollback needs is not on the host any more.",
    Reason.APPLY: "Docker or Compose refused the stack, or the host had no space.",
    Reason.CANCELLED: "A person cancelled it.",
    Reason.EXPIRED: "A deadline passed: its turn, the server's agent or the deployment itself took too long.",
    Reason.AGENT_LOST: "The agent was silent for `AXION_AGENT_LOST_AFTER`. Containers may still run.",
    Reason.SUPERSEDED: "A newer deployment took its place before it started, as the project's setting says.",
    Reason.INVALID: "Graph, code, variables or the approved plan do not allow it, or a machine's policy refused it.",
    Reason.PEER: "Another service of the platform did not answer, or refused. Only with `AXION_PEERS`.",
    Reason.REFUSED: "The agent does not take the order, for example because it is too old for it.",
    Reason.INTERNAL: "A fault of the control plane or the agent. Its log says how.",
}
STAGES = {
    Stage.BUILDING: "Images are built or pulled.",
    Stage.PUSHING: "Images go to a registry. Not used while clusters take no deployments.",
    Stage.DEPLOYING: "Containers are started, moved and ended.",
    Stage.HEALTH_CHECKING: "Every service is watched until it is proven.",
    Stage.COMPLETED: "The result is stored.",
}


def states_page() -> str:
    """Return the page. Raises KeyError for a status, kind, reason or stage that nobody describes."""
    return "\n".join((
        INTRODUCTION,
        table(("Status", "Meaning"), ((code(status), STATUSES[status]) for status in Status)),
        "## Reasons\n",
        table(("Reason", "Meaning"), ((code(reason), REASONS[reason]) for reason in Reason if reason)),
        "## Kinds\n",
        table(("Kind", "What is brought to the target"), ((code(kind), KINDS[kind]) for kind in Kind)),
        "## Stages of a deployment in progress\n",
        table(("Stage", "Meaning"), ((code(stage), STAGES[stage]) for stage in Stage if stage)),
    ))  # fmt: skip
