"""Rollouts of agent updates as REST, terminals and pages show them."""

from __future__ import annotations

from typing import Any

from agents.reports.update_rules import AgentUpdateRecord, RolloutRecord
from deployments.event_types import epoch_ms


def rollout_shape(record: RolloutRecord) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "version": record.version,
        "state": str(record.state),
        "message": record.message,
        "requestedBy": record.requested_by,
        "requestedAt": epoch_ms(record.requested_at),
        "cancelRequestedAt": epoch_ms(record.cancel_requested_at),
        "endedAt": epoch_ms(record.ended_at),
        "updates": [update_shape(each) for each in record.updates],
    }


def update_shape(record: AgentUpdateRecord) -> dict[str, Any]:
    return {
        "serverId": str(record.server_id),
        "serverName": record.server_name,
        "agentId": str(record.agent_id),
        "wave": record.wave,
        "state": str(record.state),
        "progress": record.told,
        "message": record.message,
        "fromVersion": record.from_version,
        "endedAt": epoch_ms(record.ended_at),
    }
