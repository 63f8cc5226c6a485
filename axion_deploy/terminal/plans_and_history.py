"""Plans and versions of the history, for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict

from agents.wording.sentences import sentence
from axion_deploy.terminal.screen import Screen
from deployments.services.requests.make_plan import PlannedDeployment
from deployments.types import HistoryEntry


def show_plan(plan: PlannedDeployment, screen: Screen) -> None:
    changes = [
        {
            "serviceName": change.service,
            "action": str(change.action),
            "reasons": list(change.reasons),
            "downtime": change.downtime,
        }
        for change in plan.changes
    ]
    screen.tell(
        "plan",
        {
            "changes": changes,
            "text": plan.text,
            "approval": plan.approval,
            "warnings": list(plan.warnings),
            "variables": {name: list(names) for name, names in asdict(plan.variables).items()},
        },
    )
    # Said below, in the reader's language.
    screen.say(plan.text.removesuffix(f"approval {plan.approval}\n").rstrip("\n"))
    for warning in plan.warnings:
        screen.say(f"! {screen.words(warning)}")
    if plan.approval:
        screen.say(sentence("approval: {approval}", approval=plan.approval))


def show_entry(entry: HistoryEntry, screen: Screen) -> None:
    shape = {
        "version": entry.version,
        "deploymentId": str(entry.deployment_id),
        f"{entry.target.kind}Id": str(entry.target.id),
        "kind": entry.kind,
        "graphVersion": entry.graph_version,
        "requestedBy": entry.requested_by,
        "createdAt": entry.created_at.isoformat(),
        "rolledBack": entry.rolled_back,
        "restorable": entry.restorable,
        "whyNot": entry.why_not,
    }
    screen.tell("history", {"entry": shape})
    state = _restorable(entry)
    how = sentence("rolled back; {state}", state=state) if entry.rolled_back else state
    screen.say(
        f"{entry.version:>5}  {entry.created_at:%Y-%m-%d %H:%M}Z  {entry.kind:<8} {entry.deployment_id}"
        f"  {screen.words(sentence('by {who}; {state}', who=entry.requested_by, state=how))}"
    )


def _restorable(entry: HistoryEntry) -> str:
    if entry.restorable:
        return sentence("can be restored")
    return sentence("cannot be restored: {why}", why=entry.why_not)
