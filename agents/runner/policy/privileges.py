"""What in a service's definition reaches beyond an ordinary container, unless the policy allows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.runner.policy.refusal import items, table
from agents.runner.policy.rules import Policy, bare_capability

SAFE_SECURITY = frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
# Field, the word for it in policy.host_namespaces, and values that stay within the stack.
NAMESPACE_FIELDS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("network_mode", "network", frozenset({"none"})),
    ("pid", "pid", frozenset()),
    ("ipc", "ipc", frozenset({"none", "private", "shareable"})),
    ("uts", "uts", frozenset()),
    ("userns_mode", "userns", frozenset()),
    ("cgroup", "cgroup", frozenset({"private"})),
)
OWN_SYSCTL = re.compile(
    r"(?:net|fs\.mqueue)\.[\w./-]+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
)
OF_ANOTHER_SERVICE = "service:"
GPU = "gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`asked` is what the service asks for; `key` of the policy would allow it, empty for none."""

    asked: str
    key: str = ""


def privileges_of(service: Mapping[str, Any], *, policy: Policy) -> Iterator[Problem]:
    """Return everything that the policy does not allow."""
    for find in FINDERS:
        yield from find(service, policy)


def _privileged(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    if service.get("privileged", False) is not False and not policy.privileged:
        yield Problem(asked="privileged", key="privileged")


def _capabilities(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for name in items(service.get("cap_add"), where="cap_add"):
        if not policy.allows_capability(str(name)):
            yield Problem(asked=f"the capability {bare_capability(str(name))}", key="capabilities")


def _devices(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for device in items(service.get("devices"), where="devices"):
        source = device.get("source", "") if isinstance(device, dict) else str(device).split(":", 1)[0]
        if source not in policy.devices and str(device) not in policy.devices:
            yield Problem(asked=f"the device {source}", key="devices")
    if service.get("device_cgroup_rules"):
        yield Problem(asked="device_cgroup_rules")
    deploy = table(service.get("deploy"), where="deploy")
    resources = table(deploy.get("resources"), where="deploy.resources")
    for part in resources.values():
        reserved = table(part, where="deploy.resources")
        wants_gpu = reserved.get("devices") or reserved.get("generic_resources")
        if wants_gpu and GPU not in policy.devices:
            yield Problem(asked="a reserved device", key="devices")
    if service.get("gpus") and GPU not in policy.devices:
        yield Problem(asked="a GPU", key="devices")


def _namespaces(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for field, word, safe in NAMESPACE_FIELDS:
        value = service.get(field)
        if value in (None, "") or value in safe:
            continue
        if isinstance(value, str) and value.startswith(OF_ANOTHER_SERVICE) and "$" not in value:
            continue
        if value == "host" and word in policy.host_namespaces:
            continue
        yield Problem(asked=f"{field}: {value}", key="host_namespaces" if value == "host" else "")


def _security_options(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for option in items(service.get("security_opt"), where="security_opt"):
        if option not in SAFE_SECURITY and option not in policy.security_options:
            yield Problem(asked=f"the security option {option}", key="security_options")


def _sysctls(service: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    del policy
    given = service.get("sysctls")
    named = given if isinstance(given, dict) else items(given, where="sysctls")
    for each in named:
        name = str(each).partition("=")[0].strip()
        if not OWN_SYSCTL.fullmatch(name):
            yield Problem(asked=f"the kernel setting {name}")


FINDERS: tuple[Callable[[Mapping[str, Any], Policy], Iterator[Problem]], ...] = (
    _privileged,
    _capabilities,
    _devices,
    _namespaces,
    _security_options,
    _sysctls,
)
