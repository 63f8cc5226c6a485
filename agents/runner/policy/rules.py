"""What the owner of this machine allows a stack, whatever the control plane orders: the section [policy]."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

# Who reaches one of these has the whole machine.
SOCKETS = frozenset(
    f"{folder}/{name}"
    for folder in ("/run", "/var/run")
    for name in ("docker.sock", "docker", "containerd", "podman", "crio")
)
ENGINE_FOLDERS = frozenset({"/var/lib/docker", "/var/lib/containerd", "/var/lib/axion", "/etc/axion"})
NAMESPACES = frozenset({"network", "pid", "ipc", "uts", "userns", "cgroup"})
# Those that Docker gives every container: a stack that drops all may ask for these again.
USUAL_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Nothing beyond an ordinary container unless it is named here.

    `bind_mounts`: paths of the host, with what lies below. `guarded`: paths that are mounted only when they are named
    themselves, not by a folder around them. `devices`: paths, or `gpu`. `external`: volumes and networks that belong to
    no stack. `registry_certificates`: Docker may be told whose certificate to trust for a registry, for a while.
    `adopt`: containers that are not ours may be described to the control plane, with the values of their variables, and
    a stack may be put in their place, with their volumes.
    """

    bind_mounts: frozenset[str] = frozenset()
    guarded: frozenset[str] = SOCKETS | ENGINE_FOLDERS
    privileged: bool = False
    capabilities: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    host_namespaces: frozenset[str] = frozenset()
    security_options: frozenset[str] = frozenset()
    external: frozenset[str] = frozenset()
    registry_certificates: bool = False
    adopt: bool = False

    def allows_path(self, path: str) -> bool:
        """Tell whether this absolute path of the host may be mounted, and what it is a link to."""
        if posixpath.normpath(path) != (path.rstrip("/") or "/"):
            return False
        return all(self._allows(each) for each in {posixpath.normpath(path), os.path.realpath(path)})

    def _allows(self, path: str) -> bool:
        covering = {each for each in self.bind_mounts if _is_below(path, each)}
        for guarded in self.guarded:
            if _is_below(guarded, path) and guarded not in self.bind_mounts:
                return False
            if _is_below(path, guarded):
                covering = {each for each in covering if _is_below(each, guarded)}
        return bool(covering)

    def allows_capability(self, name: str) -> bool:
        bare = bare_capability(name)
        return bare in USUAL_CAPABILITIES or bare in self.capabilities


def bare_capability(name: str) -> str:
    """Return NET_ADMIN for `cap_net_admin`."""
    return name.upper().removeprefix("CAP_")


def with_links(paths: Iterable[str]) -> frozenset[str]:
    """Return absolute paths without detours, and what they link to. Raises ValueError for one that is not absolute."""
    found = frozenset(posixpath.normpath(path) for path in paths)
    for path in found:
        if not path.startswith("/"):
            raise ValueError(f"{path!r} is not an absolute path")
    return found | {os.path.realpath(path) for path in found}


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
