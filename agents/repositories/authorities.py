"""The control plane's certificate authorities and what they signed for agents."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q
from django.db.models.functions import Coalesce, Now

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
    """Return the agent's certificate that is good the longest of those it came with, or else of those made for it.

    None for an agent without one.
    """
    rows = AgentCertificate.objects.select_related("authority").filter(agent_id=agent_id, revoked_at__isnull=True)
    row = rows.order_by(F("presented_at").desc(nulls_last=True), "-valid_until").first()
    if row is None:
        return None
    return CertificateData(
        serial=row.serial,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        trusted=row.authority.state in TRUSTED,
    )


def ends(*, agent_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return by agent when the certificate ends that lasts the longest of those it came with, or else of all.

    What was made for an agent and never reached it keeps nobody connected.
    """
    rows = AgentCertificate.objects.filter(agent_id__in=agent_ids, revoked_at__isnull=True).order_by()
    presented = Max("valid_until", filter=Q(presented_at__isnull=False))
    return dict(rows.values_list("agent_id").annotate(end=Coalesce(presented, Max("valid_until"))))


def signers_of(*, serials: Collection[str]) -> dict[str, AuthorityState]:
    """Return by certificate in what state its signer is; certificates that were revoked are left out."""
    rows = AgentCertificate.objects.filter(serial__in=serials, revoked_at__isnull=True)
    return {serial: AuthorityState(state) for serial, state in rows.values_list("serial", "authority__state")}


def not_renewed(*, limit: int) -> tuple[tuple[UUID, ...], int]:
    """Return the servers of agents that never came with a certificate of the signing authority, and how many there are.

    One that was made for an agent does not count: its answer may have been lost.
    """
    moved = AgentCertificate.objects.filter(
        agent=OuterRef("pk"),
        revoked_at__isnull=True,
        presented_at__isnull=False,
        authority__state=AuthorityState.ISSUING,
    )
    rows = (
        Agent.objects.active()
        .filter(certified=True)
        .exclude(Exists(moved))
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
