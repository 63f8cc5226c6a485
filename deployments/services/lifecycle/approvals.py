"""The approval of a plan: a mark for each thing that the plan was made of, so that a refusal can name what changed.

Marks are HMAC-SHA-256 (RFC 2104) under the project's key, shortened to 80 bits: they tell nobody a value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.repositories import deployments, history, lanes
from deployments.repositories.records import service_to_json
from deployments.services.observation import drift
from deployments.services.secrets import variables
from deployments.states import Kind, Result
from deployments.types import DeploymentRecord, ProjectRecord, Target
from stackgen.results import Stack

RUNNING = "running"
IMAGES = "images"
# What was seen to differ on the server: somebody touched it when this changes.
SERVER = "server"
PART_WORDS = {
    "graph": "the graph",
    "code": "the code",
    "environment": "the variables",
    "settings": "the project's settings",
    IMAGES: "the images",
    RUNNING: "what is running",
    SERVER: "what was changed on the server",
}
PARTS = ("graph", "code", "environment", "settings", IMAGES, RUNNING, SERVER)
# Of a version that did not know what is seen on the server.
FORMER_PARTS = PARTS[:-1]
MARK_LENGTH = 20
# Kind and source of a variable whose value a person gave in the graph.
GIVEN_SECRET = ("supplied", "secret")
# Of a project: those that change what the agent is ordered to do.
SETTINGS = frozenset({"slug", "restore_on_failure", "health_deadline", "health_window"})


def marks_of(
    *,
    project: ProjectRecord,
    graph_version: int,
    code: Mapping[str, str],
    env: Mapping[str, str],
    stack: Stack,
    force: bool,
) -> dict[str, str]:
    """Return the marks of everything but what runs. Opens no transaction.

    Raises Invalid when the project has no fingerprint key yet: nobody has made a plan then.
    """
    stored = variables.project_secrets(project_id=project.id)
    given = {
        variable.key: stored.get(variable.key)
        for variable in stack.variables
        if (variable.kind, variable.source) == GIVEN_SECRET
    }
    settings = {name: value for name, value in asdict(project).items() if name in SETTINGS}
    facts: dict[str, object] = {
        "graph": graph_version,
        "code": dict(code),
        "environment": [dict(env), given],
        "settings": [settings, force],
        IMAGES: stack.content_hash,
    }
    if variables.FINGERPRINT_KEY not in stored:
        raise invalid_approval()
    key = stored[variables.FINGERPRINT_KEY].encode()
    return {part: _mark(key=key, part=part, fact=fact) for part, fact in facts.items()}


def lane_marks(*, project_id: UUID, target: Target) -> dict[str, str]:
    """Return the marks of what runs in the lane and of what is seen to differ there, as the lane's lock holds them."""
    key = variables.project_secrets(project_id=project_id)[variables.FINGERPRINT_KEY].encode()
    observed = drift.observed_digest(project_id=project_id, server_id=target.id)
    return {
        RUNNING: running_mark(project_id=project_id, target=target),
        SERVER: _mark(key=key, part=SERVER, fact=observed),
    }


def running_mark(*, project_id: UUID, target: Target) -> str:
    """Return the mark of what runs in the lane. True only for as long as the lane's lock is held."""
    key = variables.project_secrets(project_id=project_id)[variables.FINGERPRINT_KEY].encode()
    entry = history.running(project_id=project_id, target_id=target.id)
    last = lanes.last_started(project_id=project_id, target_id=target.id)
    if last is not None and last.result is Result.RESTORED:
        # Proven: what ran before it runs again, so a plan that was made by then is as true as before.
        last = deployments.get(deployment_id=entry.deployment_id) if entry else None
    states = [service_to_json(state) for state in last.services] if last else []
    fact = [str(entry.id) if entry else None, str(last.id) if last else None, last.status if last else None, states]
    return _mark(key=key, part=RUNNING, fact=fact)


def approval_of(marks: Mapping[str, str]) -> str:
    """Return all marks as one text."""
    return "-".join(marks[part] for part in PARTS)


def check_approval(*, approved: str, marks: Mapping[str, str]) -> None:
    """Raise Conflict naming what changed since the plan was approved, or Invalid for what is not an approval."""
    given = approved.split("-")
    parts = FORMER_PARTS if len(given) == len(FORMER_PARTS) else PARTS
    if len(given) != len(parts) or any(len(mark) != MARK_LENGTH for mark in given):
        raise invalid_approval()
    changed = [part for part, mark in zip(parts, given, strict=True) if not hmac.compare_digest(mark, marks[part])]
    if changed and changed != [RUNNING]:
        # The images follow from the others; alone they tell that the product itself makes other ones now.
        changed = [part for part in changed if part != IMAGES] or changed
    if changed:
        words = ", ".join(PART_WORDS[part] for part in changed)
        message = f"Changed since the plan was reviewed: {words}. Review the new plan."
        raise Conflict(message, details=dict.fromkeys(changed, "changed since the plan"))


def check_at_start(*, deployment: DeploymentRecord, marks: Mapping[str, str]) -> None:
    """Raise Conflict when something changed since the plan. True only for as long as the lane's lock is held."""
    project_id, target = deployment.project_id, deployment.target
    if deployment.kind == Kind.REPAIR:
        if deployment.approval != drift.observed_digest(project_id=project_id, server_id=target.id):
            raise Conflict(drift.TOUCHED)
        return
    check_approval(approved=deployment.approval, marks={**marks, **lane_marks(project_id=project_id, target=target)})


def invalid_approval() -> Invalid:
    return Invalid(sentence("This is not the approval of a plan."), details={"approval": sentence("not of a plan")})


def _mark(*, key: bytes, part: str, fact: object) -> str:
    content = json.dumps([part, fact], sort_keys=True).encode()
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:MARK_LENGTH]
