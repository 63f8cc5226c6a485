"""Installations as REST, sockets and pages show them."""

from __future__ import annotations

from typing import Any

from deployments.data.installation_types import InstallationRecord, InstallationState, ServerAccess, StepRecord
from deployments.event_types import epoch_ms
from deployments.ssh.ssh_host import fingerprint_of


def installation_shape(record: InstallationRecord) -> dict[str, Any]:
    asks = record.state is InstallationState.CONFIRMING
    return {
        "id": str(record.id),
        "serverId": str(record.server_id),
        "serverName": record.server_name,
        "action": str(record.action),
        "state": str(record.state),
        "host": record.address.host,
        "port": record.address.port,
        "username": record.address.username,
        "offeredKey": fingerprint_of(record.offered_key) if asks else "",
        "attempt": record.attempt,
        "number": record.number,
        "message": record.message,
        "cancelRequestedAt": epoch_ms(record.cancel_requested_at),
        "requestedBy": record.requested_by,
        "requestedAt": epoch_ms(record.requested_at),
        "endedAt": epoch_ms(record.ended_at),
        "steps": [step_shape(each) for each in record.steps],
    }


def step_shape(step: StepRecord) -> dict[str, Any]:
    return {
        "step": str(step.step),
        "state": str(step.state),
        "message": step.message,
        "startedAt": epoch_ms(step.started_at),
        "endedAt": epoch_ms(step.ended_at),
    }


def access_shape(access: ServerAccess) -> dict[str, Any]:
    return {
        "host": access.address.host,
        "port": access.address.port,
        "username": access.address.username,
        "hostKey": access.fingerprint,
        "pinnedBy": access.pinned_by,
        "pinnedAt": epoch_ms(access.pinned_at),
        "hasLogin": access.has_login,
    }
