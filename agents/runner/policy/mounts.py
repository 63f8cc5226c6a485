"""Which mounts a service may have: its stack's volumes, memory, files of its own release, and paths allowed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.runner.policy.refusal import fixed, only, refuse, table
from agents.runner.policy.rules import Policy

VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
OPTIONS = frozenset({"ro", "rw", "nocopy", "z", "Z"})
LONG = frozenset({"type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"})
MAX_FIELDS = 3
BIND_OPTIONS = frozenset({"create_host_path", "selinux"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """`volumes`: names in the file; `files`: names of the release's files."""

    volumes: frozenset[str]
    files: frozenset[str]
    policy: Policy

    def check(self, mount: object, *, service: str) -> None:
        """Raise StepFailedError(invalid) for a mount that this machine does not allow."""
        if isinstance(mount, dict):
            self._check_long(mount, service=service)
        else:
            self._check_short(fixed(mount, where=f"a mount of {service}"), service=service)

    def _check_short(self, text: str, *, service: str) -> None:
        source, target, options = _fields(text)
        if not target.startswith("/") or not options <= OPTIONS:
            raise refuse(f"{service} has the mount {text!r}, which cannot be judged", service=service)
        if not source or (VOLUME.fullmatch(source) and source in self.volumes):
            return
        # Of both words Compose takes the last one.
        self._check_bind(source, read_only="ro" in options and "rw" not in options, service=service)

    def _check_long(self, mount: Mapping[str, Any], *, service: str) -> None:
        where = f"a mount of {service}"
        only(mount, LONG, where=where, service=service)
        kind = mount.get("type")
        if kind == "bind":
            only(table(mount.get("bind"), where=where), BIND_OPTIONS, where=f"{where} (bind)", service=service)
            source = fixed(mount.get("source"), where=f"the source of {where}")
            self._check_bind(source, read_only=mount.get("read_only") is True, service=service)
        elif kind == "volume":
            volume = mount.get("source")
            if volume is not None and volume not in self.volumes:
                raise refuse(f"{service} mounts {volume!r}, which is not a volume of the stack", service=service)
        elif kind != "tmpfs":
            raise refuse(f"{service} has a mount of the kind {kind!r}", service=service)

    def _check_bind(self, source: str, *, read_only: bool, service: str) -> None:
        if source.startswith("/"):
            if not self.policy.allows_path(source):
                raise refuse(f"{service} mounts {source} of the host", service=service, key="bind_mounts")
            return
        path = posixpath.normpath(source)
        if not source.startswith(".") or path == ".." or path.startswith("../"):
            raise refuse(f"{service} mounts {source!r}, which leaves the release's folder", service=service)
        if not self._is_ours(path):
            raise refuse(f"{service} mounts {source!r}, which is not a file of the release", service=service)
        if not read_only:
            raise refuse(f"{service} mounts {source!r} of the release to write to it", service=service)

    def _is_ours(self, path: str) -> bool:
        return any(path == "." or name == path or name.startswith(f"{path}/") for name in self.files)


def _fields(text: str) -> tuple[str, str, frozenset[str]]:
    """Return source, target and options of the short form, as Compose splits it."""
    fields = text.split(":")
    if len(fields) == 1:
        return "", fields[0], frozenset()
    if len(fields) > MAX_FIELDS:
        return "", "", frozenset()
    return fields[0], fields[1], frozenset(fields[2].split(",")) if len(fields) == MAX_FIELDS else frozenset()
