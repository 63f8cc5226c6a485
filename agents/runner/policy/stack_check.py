"""Judges a stack before Compose sees it: every key is known, and nothing reaches beyond what this machine allows.

What is not named here is refused: a key that a newer Compose understands and this agent does not may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agents.runner.planning.codec import COMPOSE_FILE
from agents.runner.planning.model import Release
from agents.runner.planning.stackfile import read_stack
from agents.runner.policy.mounts import Mounts
from agents.runner.policy.privileges import privileges_of
from agents.runner.policy.refusal import items, only, refuse, table
from agents.runner.policy.rules import Policy
from agents.runner.policy.shared_parts import check_shared

TOP_LEVEL = frozenset({"name", "version", "services", "networks", "volumes", "configs", "secrets"})
# These can only shape the container itself, or are looked at one by one below.
KNOWN = frozenset(
    {
        *("attach", "build", "cap_add", "cap_drop", "cgroup", "command", "configs", "cpu_count"),
        *("cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus"),
        *("cpuset", "depends_on", "deploy", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search"),
        *("domainname", "entrypoint", "environment", "expose", "extra_hosts", "gpus", "group_add", "healthcheck"),
        *("hostname", "image", "init", "ipc", "labels", "links", "logging", "mem_limit", "mem_reservation"),
        *("mem_swappiness", "memswap_limit", "network_mode", "networks", "pid", "pids_limit", "platform", "ports"),
        *("privileged", "profiles", "pull_policy", "read_only", "restart", "scale", "secrets", "security_opt"),
        *("shm_size", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits"),
        *("user", "userns_mode", "uts", "volumes", "working_dir"),
    }
)
LOG_DRIVERS = frozenset({"json-file", "local", "none"})
VARIABLE = re.compile(r"\$(?:\$|\{?([A-Za-z_][A-Za-z0-9_]*))")


def check_stack(*, release: Release, policy: Policy) -> None:
    """Raise StepFailedError(invalid) for a stack that Compose must not see; names the service, what it asks for, and
    the key of agent.toml that would allow it."""
    if not release.services:
        return
    document = read_stack(release.files.get(COMPOSE_FILE, ""))
    only(document, TOP_LEVEL, where="docker-compose.yml")
    services = table(document.get("services"), where="services")
    if set(services) != {service.name for service in release.in_file}:
        raise refuse("docker-compose.yml has other services than the deployment names")
    check_shared(document=document, release=release, policy=policy)
    mounts = Mounts(
        volumes=frozenset(table(document.get("volumes"), where="volumes")),
        files=frozenset(release.files),
        policy=policy,
    )
    for name, definition in services.items():
        _check_service(name, table(definition, where=f"services.{name}"), policy=policy, mounts=mounts)
    _check_variables(document, allowed=frozenset(release.variable_names))


def _check_service(name: str, service: Mapping[str, Any], *, policy: Policy, mounts: Mounts) -> None:
    only(service, KNOWN, where=name, service=name)
    for problem in privileges_of(service, policy=policy):
        raise refuse(f"{name} asks for {problem.asked}", service=name, key=problem.key)
    for mount in items(service.get("volumes"), where=f"services.{name}.volumes"):
        mounts.check(mount, service=name)
    logging = table(service.get("logging"), where=f"services.{name}.logging")
    if logging.get("driver", "json-file") not in LOG_DRIVERS:
        raise refuse(f"{name} asks for the logging driver {logging['driver']!r}", service=name)


def _check_variables(document: Mapping[str, Any], *, allowed: frozenset[str]) -> None:
    """Refuse all but the deployment's own variables: Compose would fill others from the agent's environment."""
    for text in _texts(document):
        for found in VARIABLE.finditer(text):
            if found[1] and found[1] not in allowed:
                raise refuse(f"docker-compose.yml uses the variable {found[1]}, which the deployment does not have")
    for name, service in document["services"].items():
        for variable in _passed_through(service.get("environment")):
            if variable not in allowed:
                message = f"{name} takes the variable {variable} from its surroundings, which the deployment lacks"
                raise refuse(message, service=name)


def _passed_through(environment: object) -> Iterator[str]:
    """Return the variables of a container that are named without a value."""
    if isinstance(environment, dict):
        yield from (name for name, value in environment.items() if value is None)
    for entry in environment if isinstance(environment, list) else ():
        if "=" not in str(entry):
            yield str(entry)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(below)
