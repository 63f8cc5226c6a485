"""Which registries an agent may sign in to for a deployment, opened for it alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

import structlog

from agents.types import RegistryLogin
from deployments.data.registry_types import OpenLogin, RegistryRecord, SealedRegistry
from deployments.repositories import projects
from deployments.repositories.registries import registry_rows
from deployments.rules import registry_rules
from deployments.services.history import snapshots
from deployments.services.secrets import sealing
from deployments.services.secrets.sealing import CannotUnsealError
from deployments.types import DeploymentRecord, Target, TargetKind
from stackgen.references import parse_reference

logger = structlog.get_logger(__name__)


def logins_for(deployment: DeploymentRecord) -> tuple[OpenLogin, ...]:
    """Return the registries that the deployment's images come from or go to, as they are stored now. Secret.

    Of a project's own, its owner's and the installation's the first for each address, and only those that an image
    names; all of them where something is built, since a Dockerfile may name any. A cluster's own goes before all.
    """
    return opened(chosen_for(deployment))


def chosen_for(deployment: DeploymentRecord) -> tuple[SealedRegistry, ...]:
    """Return the same registries as they are stored, closed."""
    owner_id = projects.get(project_id=deployment.project_id).owner_id
    usable = list(registry_rows.usable_by(project_id=deployment.project_id, owner_ids=[owner_id]))
    hosts = _hosts_of(deployment)
    if deployment.target.kind is TargetKind.CLUSTER and (through := registry_of_cluster(deployment.target.id)):
        usable.insert(0, through)
        hosts = None if hosts is None else {*hosts, through.record.address}
    chosen = {each.id for each in registry_rules.chosen([each.record for each in usable], hosts=hosts)}
    return tuple({each.record.id: each for each in usable if each.record.id in chosen}.values())


def opened(chosen: Iterable[SealedRegistry]) -> tuple[OpenLogin, ...]:
    """Return what an agent signs in with to each of them; those whose key is missing are left out. Secret."""
    return tuple(login for each in chosen if (login := open_login(each)))


def mark_of(chosen: Iterable[SealedRegistry]) -> str:
    """Return what is another text as soon as one of them is stored otherwise, or they are others."""
    stored = [
        [str(each.record.id), each.record.name, each.record.address, each.record.username, each.record.ca_certificate,
         each.sealed]
        for each in chosen
    ]  # fmt: skip
    return sha256(json.dumps(stored).encode()).hexdigest()


def registry_of_cluster(cluster_id: UUID) -> SealedRegistry | None:
    """Return the registry that images of the cluster go through: the chosen one, or else the installation's oldest."""
    return registry_rows.of_cluster(cluster_id=cluster_id) or next(iter(registry_rows.installation()), None)


def destination_of(target: Target) -> dict[str, str]:
    """Return where images go that are built for a cluster, as it is stored with a deployment; nothing for none."""
    through = registry_of_cluster(target.id) if target.kind is TargetKind.CLUSTER else None
    return {"address": through.record.address, "namespace": through.record.namespace} if through else {}


def for_agent(login: OpenLogin) -> RegistryLogin:
    """Return it as an agent is handed it. Secret."""
    return RegistryLogin(
        name=login.name,
        address=login.address,
        username=login.username,
        password=login.password,
        ca_certificate=login.ca_certificate,
    )


def open_login(registry: SealedRegistry) -> OpenLogin | None:
    """Return what an agent signs in with; None where the key of the password is missing, which is logged."""
    record: RegistryRecord = registry.record
    password = ""
    if registry.sealed:
        try:
            password = sealing.unseal_registry(sealed=registry.sealed, registry_id=record.id)
        except CannotUnsealError:
            logger.error("password of a registry cannot be opened", registry_id=str(record.id))
            return None
    return OpenLogin(
        name=record.name,
        address=record.address,
        username=record.username,
        password=password,
        ca_certificate=record.ca_certificate,
    )


def _hosts_of(deployment: DeploymentRecord) -> set[str] | None:
    """Return the registries that the deployment's images name; None where something may be built from code."""
    jobs = (job.service for job in snapshots.jobs_of(deployment.config))
    services = (*snapshots.services_of(deployment.config), *jobs)
    if any(service.bundle_digest for service in services):
        return None
    return set(_hosts(service.image for service in services))


def _hosts(images: Iterable[str]) -> Iterable[str]:
    for image in images:
        try:
            yield registry_rules.usual_address(parse_reference(image).domain)
        except ValueError:
            continue
