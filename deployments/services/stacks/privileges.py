"""What a stack asks of its host beyond containers of its own, and whether the host's owner allows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories.adoption import adoption_rows

# Keys of a service that take it out of its container, whatever they say.
RAISING = frozenset(
    {
        *("privileged", "devices", "device_cgroup_rules", "gpus", "pid", "ipc", "uts", "userns_mode"),
        *("cgroup", "cgroup_parent", "runtime", "oom_kill_disable", "credential_spec", "use_api_socket"),
    }
)
# Settings that the kernel keeps apart for each container; all others are the host's.
OWN_SYSCTL = re.compile(
    r"(?:net|fs\.mqueue)\.[\w./-]+|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)"
)
# Rights that Docker gives every container: who dropped all may ask for these again.
USUAL_RIGHTS = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
HARMLESS_OPTION, NO_NETWORK = "no-new-privileges:true", "none"
SERVICE, KEY, ITEM = 2, 4, 6


def refuse_unallowed(*, config: Mapping[str, Any], project_id: UUID, server_id: UUID) -> None:
    """Raise Invalid when a service of this configuration needs more than the server's owner allows.

    Volumes that the project took over there are its own.
    """
    text = str(config.get("dockerComposeYml", ""))
    wanting = sorted({f"{name} ({why})" for name, why in privileged(text)})
    if present := present_volumes(text):
        adopted = adoption_rows.of_project(project_id=project_id, server_id=server_id)
        foreign = present - {name for each in adopted for name in each.volumes}
        wanting += [f"the volume {name} of the host" for name in sorted(foreign)]
    if wanting and not directory.allows_privileged(server_id=server_id):
        raise Invalid(
            sentence(
                "These services need more than this server allows: {wanting}. Its owner can allow "
                "privileged services on the server's page.",
                wanting=", ".join(wanting),
            ),
            details={"serverId": sentence("privileged services are not allowed there")},
        )


def privileged(compose: str) -> Iterator[tuple[str, str]]:
    """Yield service and reason, for each path of the host and each raising key in a generated compose file. Pure.

    Reads the layout that our own writer gives: two blanks before a service, four before its keys.
    """
    service = key = ""
    inside = False
    for line in compose.splitlines():
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if not text or text.startswith("#"):
            continue
        if depth == 0:
            inside = text == "services:"
        elif inside and depth == SERVICE:
            service, key = text.partition(":")[0].strip("\"'"), ""
        elif inside and depth == KEY:
            key, value = (part.strip().strip("\"'") for part in text.split(":", 1))
            written_here = key == "cap_add" and bool(value)
            if key in RAISING or written_here or (key == "network_mode" and value != NO_NETWORK):
                yield service, key
        elif inside and depth == ITEM and (why := _raised_by_item(key, text.removeprefix("- ").strip("\"'"))):
            yield service, why
        elif inside and key == "deploy" and text == "devices:":
            yield service, "a device of the host"


def present_volumes(compose: str) -> frozenset[str]:
    """Return the volumes that a generated compose file has of the host instead of its own, by name. Pure."""
    found, name, inside = set(), "", False
    for line in compose.splitlines():
        key, _, value = line.strip().partition(": ")
        if line[:1].strip():
            inside = line.strip() == "volumes:"
        elif inside and key == "name":
            name = value.strip("\"'")
        elif inside and key == "external" and value == "true":
            found.add(name)
    return frozenset(found)


def _raised_by_item(key: str, item: str) -> str:
    """Return what an item of a service's list asks of the host; empty for nothing."""
    if key == "volumes":
        return _path_of_host(item)
    if key == "sysctls":
        name = item.replace("=", ":").partition(":")[0].strip("\"' ")
        return "" if OWN_SYSCTL.fullmatch(name) else f"the kernel setting {name}"
    if key == "cap_add":
        return "" if item in USUAL_RIGHTS else f"the right {item}"
    return f"{key} {item}" if key == "security_opt" and item != HARMLESS_OPTION else ""


def _path_of_host(mounted: str) -> str:
    """Return what a volume of a service mounts of the host; empty for a volume by name."""
    return mounted.partition(":")[0] if mounted.startswith(("/", ".", "~")) else ""
