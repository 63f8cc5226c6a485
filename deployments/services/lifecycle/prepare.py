"""All that the start of a deployment needs, worked out before its transaction: one way for each kind."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from agents.services import directory
from deployments.clients.peers import fetched_by_job
from deployments.data.variable_types import GivenVariables
from deployments.errors import Invalid
from deployments.repositories import deployments, history
from deployments.services.history import kept_data, snapshots
from deployments.services.lifecycle import approvals, engines, job_caller
from deployments.services.observation import drift
from deployments.services.permissions import target_agents
from deployments.services.projects import graph_source
from deployments.services.registries import logins
from deployments.services.secrets import sealing, stored_variables, variables
from deployments.services.stacks import generation, port_conflicts
from deployments.states import Kind
from deployments.types import DeploymentRecord, HistoryEntry, ProjectRecord, ServiceState
from stackgen.results import COMPOSE_FILE, Stack, StackService

# Of a stored configuration: whether its networks are encrypted.
ENCRYPTED = "encryptNetworks"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`config` is what is stored; `pinned_images` (service to image id) is empty when images are built.

    `renewed` are services to start anew although their definition is the same. `base`: what ran when this was
    prepared, where that is part of it. `marks`: to hold an approval against, but for what runs. `columns` are stored
    with the start.
    """

    agent_id: UUID
    config: dict[str, Any]
    values: dict[str, str] = field(repr=False)
    pinned_images: Mapping[str, str] = field(default_factory=dict)
    renewed: tuple[str, ...] = ()
    base: UUID | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict, repr=False)


def prepare(*, deployment: DeploymentRecord, project: ProjectRecord) -> Prepared:
    """Return what the start will store and send. No transaction is open.

    Raises Transient while there is no agent, PeerFailed while a peer does not do its part, and for what cannot pass
    Invalid, NotFound, PeerRefused, Forbidden or Unauthenticated.
    """
    if deployment.kind == Kind.STOP:
        engine = engines.engine_before(deployment)
        agent_id = target_agents.agent_to_stop(deployment, engine=engine)
        return _stopped(project=project, agent_id=agent_id, engine=engine)
    makers = {
        Kind.ROLLBACK: _restored,
        Kind.SCALE: _scaled,
        Kind.RESTART: _restarted,
        Kind.REPAIR: _repaired,
    }
    make = makers.get(deployment.kind, _generated)
    prepared = make(deployment=deployment, project=project, agent_id=target_agents.agent_to_start(deployment))
    engines.refuse_other_engine(deployment=deployment, config=prepared.config)
    has_jobs = prepared.config.get("jobs") and not prepared.pinned_images
    if has_jobs and not directory.knows_jobs(agent_id=prepared.agent_id):
        raise Invalid("The agent of this server is too old to run jobs. Bring it up to date, then deploy again.")
    services = snapshots.services_of(prepared.config)
    if not prepared.pinned_images:
        _refuse_unknown_builds(prepared, services)
    port_conflicts.refuse_taken_ports(project=project, target=deployment.target, services=services)
    kept_data.refuse_other_release(project=project, target=deployment.target, services=services)
    if deployment.kind in {Kind.REPAIR, Kind.RESTART}:
        # Exactly what was asked for.
        return prepared
    return replace(prepared, renewed=_changed_on_server(deployment, services))


def _refuse_unknown_builds(prepared: Prepared, services: Collection[StackService]) -> None:
    """Raise Invalid where an agent would build something else than the graph says, without a word."""
    jobs = (job.service for job in snapshots.jobs_of(prepared.config))
    special = next((service.name for service in (*services, *jobs) if service.is_built_specially), None)
    if special is not None and not directory.knows_builds(agent_id=prepared.agent_id):
        raise Invalid(
            f"The agent of this server is too old to build {special} as its node says. Bring it up to date, then "
            "deploy again."
        )


def _changed_on_server(deployment: DeploymentRecord, services: Collection[StackService]) -> tuple[str, ...]:
    """Return the services that somebody changed on the server, and that were not said to be left."""
    if not target_agents.starts_anew(deployment.target):
        # It would refuse all of the order for this part of it.
        return ()
    differing = drift.services_to_renew(project_id=deployment.project_id, server_id=deployment.target.id)
    return tuple(service.name for service in services if service.name in differing)


def _generated(*, deployment: DeploymentRecord, project: ProjectRecord, agent_id: UUID) -> Prepared:
    deployment, columns = _with_origin(deployment)
    request = variables.request_env(deployment_id=deployment.id)
    given = stored_variables.given_variables(project_id=project.id, target_id=deployment.target.id, request=request)
    stack = generation.generate_stack(
        project=project,
        graph=deployment.graph,
        code=deployment.code,
        env_names=given.shared_names,
        node_env_names=given.node_names,
        engine=target_agents.engine_of(deployment.target),
        has_registry=bool(registry := logins.destination_of(deployment.target)),
    )
    values = variables.resolve_values(
        project_id=project.id, stack=stack, given=given, new_password=secrets.token_urlsafe
    )
    hashes = variables.content_hashes(project_id=project.id, services=stack.everything, values=values)
    marks = _marks(deployment=deployment, project=project, stack=stack, given=given) if deployment.approval else {}
    if given.shared != request:
        # From its start on it holds all that its services were given, so that a scale is given the same.
        columns["env_vars"] = sealing.seal_env(values=given.shared, deployment_id=deployment.id)
    stored_names = sorted(given.shared.keys() - request.keys())
    config = {**config_of(stack=stack, hashes=hashes), "storedNames": stored_names, "registry": registry}
    config[ENCRYPTED] = project.encrypt_networks
    return Prepared(agent_id=agent_id, config=config, values=values, marks=marks, columns=columns)


def _with_origin(deployment: DeploymentRecord) -> tuple[DeploymentRecord, dict[str, Any]]:
    """Return it with graph and code of the peers where they have them, and what the start then stores of these."""
    if not fetched_by_job():
        return deployment, {}
    caller = job_caller.load_caller(deployment_id=deployment.id)
    origin = graph_source.fetch_graph_and_code(caller=caller, project_id=deployment.project_id)
    fetched = replace(deployment, graph=origin.graph.graph, graph_version=origin.graph.version, code=dict(origin.code))
    return fetched, {"graph_version_id": origin.graph.id, "code": dict(origin.code)}


def _marks(
    *, deployment: DeploymentRecord, project: ProjectRecord, stack: Stack, given: GivenVariables
) -> dict[str, str]:
    return approvals.marks_of(
        project=project,
        graph_version=deployment.graph_version,
        code=deployment.code,
        env=given.flat,
        stack=stack,
        force=deployment.force_redeploy,
    )


def _restored(*, deployment: DeploymentRecord, project: ProjectRecord, agent_id: UUID) -> Prepared:
    """Return the kept success exactly as it was: files, hashes, values, and images by id."""
    assert deployment.restores is not None, "a rollback is stored with the entry it restores"
    snapshot = history.snapshot(history_id=deployment.restores)
    values = snapshots.values_of(snapshot)
    hashes = snapshots.hashes_of(snapshot, project_id=project.id, values=values)
    return Prepared(
        agent_id=agent_id,
        config={**snapshot.config, "hashes": hashes},
        values=values,
        pinned_images=snapshot.images,
    )


def _repaired(*, deployment: DeploymentRecord, project: ProjectRecord, agent_id: UUID) -> Prepared:
    """Return what runs, exactly as it was proven, with the services of the repair started anew."""
    entry = running_entry(deployment)
    if entry.id != deployment.restores:
        raise Invalid("Something else was deployed there meanwhile, which this repair was not asked for.")
    restored = _restored(deployment=deployment, project=project, agent_id=agent_id)
    # What is not there, stands still or has another image the agent starts anew by itself.
    renewed = drift.services_to_renew(
        project_id=deployment.project_id, server_id=deployment.target.id, named=deployment.renews
    )
    return replace(restored, renewed=renewed, base=entry.id)


def _stopped(*, project: ProjectRecord, agent_id: UUID, engine: str) -> Prepared:
    """Return a stack without services: whatever runs of the project goes, volumes stay."""
    name = generation.stack_name(project)
    compose = f"name: {name}\nservices: {{}}\n"
    config = {
        "dockerComposeYml": compose,
        "dockerfiles": {},
        "dockerImages": {},
        "serviceDependencies": [],
        "stackName": name,
        "engine": engine,
        "contentHash": "",
        "files": {COMPOSE_FILE: compose},
        "services": [],
        "variableNames": [],
        "nodeVariables": {},
        "warnings": [],
        "hashes": {},
    }
    return Prepared(agent_id=agent_id, config=config, values={})


def _scaled(*, deployment: DeploymentRecord, project: ProjectRecord, agent_id: UUID) -> Prepared:
    """Return what runs now, with another number of copies: its graph, code, images and values."""
    running = running_entry(deployment)
    snapshot = history.snapshot(history_id=running.id)
    deployed = deployments.get(deployment_id=snapshot.deployment_id)
    replicas = {**snapshot.replicas, **deployment.replicas}
    env = snapshots.env_of(snapshot)
    # What runs, not what was chosen since.
    encrypted = bool(snapshot.config.get(ENCRYPTED, False))
    stack = generation.generate_stack(
        project=replace(project, encrypt_networks=encrypted),
        graph=generation.with_replicas(graph=deployed.graph, replicas=replicas),
        code=snapshot.code,
        env_names=tuple(sorted(env)),
        node_env_names=snapshots.node_env_names(snapshot.config),
        engine=target_agents.engine_of(deployment.target),
        has_registry=bool(registry := snapshot.config.get("registry", {})),
    )
    values = snapshots.values_of(snapshot)
    if missing := sorted({variable.name for variable in stack.variables} - set(values)):
        raise Invalid(f"What runs has no value for {', '.join(missing)}; deploy the project first.")
    values = {variable.name: values[variable.name] for variable in stack.variables}
    hashes = variables.content_hashes(project_id=project.id, services=stack.everything, values=values)
    columns = {
        "graph_version_id": snapshot.graph_version_id,
        "code": dict(snapshot.code),
        "env_vars": sealing.seal_env(values=env, deployment_id=deployment.id),
        "replicas": replicas,
    }
    stored_names = snapshot.config.get("storedNames", [])
    config = {**config_of(stack=stack, hashes=hashes), "storedNames": stored_names, "registry": registry}
    config[ENCRYPTED] = encrypted
    return Prepared(
        agent_id=agent_id, config=config, values=values, pinned_images=snapshot.images, base=running.id, columns=columns
    )


def _restarted(*, deployment: DeploymentRecord, project: ProjectRecord, agent_id: UUID) -> Prepared:
    """Return what runs now exactly as it is; the order says which service's containers are made anew."""
    running = running_entry(deployment)
    snapshot = history.snapshot(history_id=running.id)
    jobs = {job.service.name for job in snapshots.jobs_of(snapshot.config)}
    services = {service.name for service in snapshots.services_of(snapshot.config)}
    if deployment.restarted_service not in services | jobs:
        raise Invalid(f"{deployment.restarted_service} does not run there any more, so it cannot be started anew.")
    values = snapshots.values_of(snapshot)
    hashes = snapshots.hashes_of(snapshot, project_id=project.id, values=values)
    columns = {
        "graph_version_id": snapshot.graph_version_id,
        "code": dict(snapshot.code),
        "env_vars": sealing.seal_env(values=snapshots.env_of(snapshot), deployment_id=deployment.id),
        "replicas": dict(snapshot.replicas),
    }
    engines.refuse_unknown_moves(deployment=deployment, agent_id=agent_id)
    return Prepared(
        agent_id=agent_id,
        renewed=tuple(dict.fromkeys((deployment.restarted_service, *deployment.moved))),
        config={**snapshot.config, "hashes": hashes},
        values=values,
        pinned_images=snapshot.images,
        base=running.id,
        columns=columns,
    )


def running_entry(deployment: DeploymentRecord) -> HistoryEntry:
    """Return what runs in the deployment's lane. Raises Invalid when nothing does."""
    running = history.running(project_id=deployment.project_id, target_id=deployment.target.id)
    if running is None or running.kind == Kind.STOP:
        raise Invalid("The project is not running there, so there is nothing to scale or restart. Deploy it first.")
    return running


def states_of(prepared: Prepared) -> tuple[ServiceState, ...]:
    """Return the services that the agent will report."""
    return snapshots.states_of(snapshots.services_of(prepared.config))


def config_of(*, stack: Stack, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return the stored configuration: the wire's four keys, and what history and rollback need besides."""
    built = [service for service in stack.everything if service.dockerfile]
    dockerfiles = {service.name: stack.files[service.dockerfile] for service in built}
    return {
        "dockerComposeYml": stack.files[COMPOSE_FILE],
        "dockerfiles": dockerfiles,
        "dockerImages": {service.name: service.image for service in stack.services},
        "serviceDependencies": [service.name for service in stack.services],
        "stackName": stack.name,
        "engine": stack.engine,
        "contentHash": stack.content_hash,
        "files": dict(stack.files),
        "services": [asdict(service) for service in stack.services],
        "jobs": [asdict(job) for job in stack.jobs],
        "variableNames": [variable.name for variable in stack.variables],
        "nodeVariables": {each.key: each.name for each in stack.variables if each.source == "node"},
        "warnings": list(stack.warnings),
        "hashes": dict(hashes),
    }
