"""The control plane's certificate authorities and what they signed for agents."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Now

from agents.models import Agent, AgentCertificate, Authority
from agents.pki.records import AuthorityData, CertificateData
from agents.states import AuthorityState

TRUSTED = (AuthorityState.ISSUING, AuthorityState.FORMER)


def trusted() -> tuple[AuthorityData, ...]:
    """Return the authorities that are trusted, the one that signs first."""
    rows = Authority.objects.filter(state__in=TRUSTED).order_by("-created_at", "id")
    return tuple(sorted(map(_as_data, rows), key=lambda each: each.state is not AuthorityState.ISSUING))


def add_first(*, authority_id: UUID, certificate: str, sealed_key: str, now: datetime) -> None:
    """Store the first authority, unless another process stored one meanwhile. In a transaction of its own."""
    try:
        with transaction.atomic():
            _add(authority_id=authority_id, certificate=certificate, sealed_key=sealed_key, now=now)
    except IntegrityError:
        return


def replace(*, authority_id: UUID, certificate: str, sealed_key: str, now: datetime) -> bool:
    """Let a new authority sign from now on; the present one stays trusted. False while a former one is trusted still.

    Needs a transaction.
    """
    present = list(Authority.objects.select_for_update().filter(state__in=TRUSTED))
    if any(each.state == AuthorityState.FORMER for each in present):
        return False
    Authority.objects.filter(state=AuthorityState.ISSUING).update(state=AuthorityState.FORMER)
    _add(authority_id=authority_id, certificate=certificate, sealed_key=sealed_key, now=now)
    return True


def retire_former() -> bool:
    """Trust the former authority no more; False when there is none."""
    return (
        Authority.objects.filter(state=AuthorityState.FORMER).update(
            state=AuthorityState.RETIRED, retired_at=Now(), sealed_key=""
        )
        > 0
    )


def store_certificate(*, agent_id: UUID, authority_id: UUID, data: CertificateData) -> None:
    """Note a certificate that was made for the agent. Needs a transaction."""
    AgentCertificate.objects.create(
        agent_id=agent_id,
        authority_id=authority_id,
        serial=data.serial,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
    )


def is_valid(*, agent_id: UUID, serial: str) -> bool:
    """Tell whether this is a certificate of this agent that was not revoked, is not over by the database's clock, and
    was signed by an authority that is trusted.
    """
    return AgentCertificate.objects.filter(
        agent_id=agent_id,
        serial=serial,
        revoked_at__isnull=True,
        valid_until__gt=Now(),
        authority__state__in=TRUSTED,
    ).exists()


def revoke_all(*, agent_id: UUID) -> None:
    """Revoke every certificate of the agent."""
    AgentCertificate.objects.filter(agent_id=agent_id, revoked_at__isnull=True).update(revoked_at=Now())


def newest_of(*, agent_id: UUID) -> CertificateData | None:
    """Return the agent's certificate that is good the longest; None for an agent without one."""
    row = AgentCertificate.objects.filter(agent_id=agent_id, revoked_at__isnull=True).order_by("-valid_until").first()
    if row is None:
        return None
    return CertificateData(serial=row.serial, valid_from=row.valid_from, valid_until=row.valid_until)


def ends(*, agent_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return by agent when its certificate that was not revoked and lasts the longest ends."""
    rows = AgentCertificate.objects.filter(agent_id__in=agent_ids, revoked_at__isnull=True).order_by()
    return dict(rows.values_list("agent_id").annotate(end=Max("valid_until")))


def needs_renewal(*, agent_id: UUID) -> bool:
    """Tell whether the agent's newest certificate is of an authority that does not sign any more."""
    newest = AgentCertificate.objects.filter(agent_id=agent_id, revoked_at__isnull=True).order_by("-valid_until", "-id")
    state = newest.values_list("authority__state", flat=True).first()
    return state is not None and state != AuthorityState.ISSUING


def not_renewed(*, limit: int) -> tuple[tuple[UUID, ...], int]:
    """Return the servers of agents whose newest certificate is not of the signing authority, and how many there are."""
    newest = AgentCertificate.objects.filter(agent=OuterRef("pk"), revoked_at__isnull=True).order_by(
        "-valid_until", "-id"
    )
    rows = (
        Agent.objects.active()
        .filter(certified=True)
        .annotate(authority_state=Subquery(newest.values("authority__state")[:1]))
        .exclude(authority_state=AuthorityState.ISSUING)
        .order_by("server_id")
        .values_list("server_id", flat=True)
    )
    return tuple(rows[:limit]), rows.count()


def _add(*, authority_id: UUID, certificate: str, sealed_key: str, now: datetime) -> None:
    Authority.objects.create(
        id=authority_id,
        state=AuthorityState.ISSUING,
        certificate=certificate,
        sealed_key=sealed_key,
        created_at=now,
    )


def _as_data(row: Authority) -> AuthorityData:
    return AuthorityData(
        id=row.id, state=AuthorityState(row.state), certificate=row.certificate, sealed_key=row.sealed_key
    )
