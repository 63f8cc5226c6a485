"""How servers are reached by SSH: pinned host keys and kept logins."""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Now

from deployments.data.installation_types import ServerAccess, SshAddress
from deployments.models import ServerAccess as ServerAccessRow


def get(*, server_id: UUID) -> ServerAccess | None:
    row = ServerAccessRow.objects.filter(pk=server_id).first()
    if row is None:
        return None
    return ServerAccess(
        server_id=row.server_id,
        address=SshAddress(host=row.host, port=row.port, username=row.username),
        host_key=row.host_key,
        fingerprint=row.fingerprint,
        pinned_at=row.pinned_at,
        pinned_by=row.pinned_by_name,
        has_login=bool(row.sealed),
    )


def pin(*, server_id: UUID, address: SshAddress, host_key: str, fingerprint: str, by: str) -> None:
    """Store the key by which the server at this address is known from now on."""
    ServerAccessRow.objects.update_or_create(
        pk=server_id,
        defaults={
            "host": address.host,
            "port": address.port,
            "username": address.username,
            "host_key": host_key,
            "fingerprint": fingerprint,
            "pinned_at": Now(),
            "pinned_by_name": by[:150],
        },
    )


def keep_login(*, server_id: UUID, address: SshAddress, sealed: str) -> None:
    """Keep the login for the next time."""
    ServerAccessRow.objects.filter(pk=server_id).update(username=address.username, sealed=sealed)


def sealed_login(*, server_id: UUID) -> str:
    return ServerAccessRow.objects.filter(pk=server_id).values_list("sealed", flat=True).first() or ""


def forget(*, server_id: UUID) -> bool:
    """Forget the host key and any login."""
    gone, _ = ServerAccessRow.objects.filter(pk=server_id).delete()
    return bool(gone)
