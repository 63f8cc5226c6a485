"""Keys that reach beyond the container. The server's owner must allow them, and its agent has the last word."""

from __future__ import annotations

import posixpath
import re

from stackgen.keys.amounts import shown
from stackgen.keys.container import read_capability
from stackgen.keys.data import INSIDE, INSIDE_WANTED, MOUNT, VOLUME_NAME, VOLUME_WANTED
from stackgen.keys.form import Form, choice, flag, listed, matching, one_of
from stackgen.keys.key import ALL, Key
from stackgen.nodes import VolumeMount

DEVICE = re.compile(r"/dev/[A-Za-z0-9._/-]{1,200}(?::/[A-Za-z0-9._/-]{1,200})?(?::[rwm]{1,3})?")
GPUS = re.compile(r"all|[1-9][0-9]?")
SECURITY_OPTION = re.compile(r"(?:seccomp|apparmor)[:=][A-Za-z0-9._-]{1,100}|label[:=][A-Za-z0-9._:-]{1,100}")
PRESENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
HOST = {"host": "host"}


def _host_path(given: str) -> VolumeMount:
    path, _, option = given.partition(":")
    if not (MOUNT.fullmatch(given) or path == "/") or posixpath.normpath(path) != (path.rstrip("/") or "/"):
        raise ValueError(f"must be a path of the host such as /srv/data or /srv/data:ro, not {shown(given)}")
    return VolumeMount(path=path.rstrip("/") or "/", read_only=option == "ro")


PRIVILEGES = (
    Key(name="hostPath.", follows="/PATH", field="host_paths", nodes=ALL, group="Beyond the container",
        form=Form(read=_host_path, takes="a path of the host, `:ro` to read it only"), named=INSIDE,
        named_wanted=INSIDE_WANTED, meaning="a path of the host, Docker's socket too, at this path of the container"),
    Key(name="volumeName.", follows="NAME", field="volume_names", nodes=ALL, group="Beyond the container",
        form=matching(PRESENT_NAME, "the name of a volume of the host"), named=VOLUME_NAME, named_wanted=VOLUME_WANTED,
        meaning="the volume of the host that the node's volume NAME stands for, in place of one of its own; it must be"
        " there, and only what was taken over on this server may say so"),
    Key(name="privileged", field="privileged", nodes=ALL, group="Beyond the container", form=flag(),
        meaning="all rights and devices of the host"),
    Key(name="pid", field="pid", nodes=ALL, group="Beyond the container", form=choice(HOST),
        meaning="`host`: sees the processes of the host"),
    Key(name="ipc", field="ipc", nodes=ALL, group="Beyond the container", form=choice(HOST),
        meaning="`host`: shares memory with processes of the host"),
    Key(name="capAdd", field="cap_add", nodes=ALL, group="Beyond the container",
        form=listed(read_capability, "capabilities"),
        meaning="further rights; those that every container has may be given back after `capDrop` without being asked"),
    Key(name="devices", field="devices", nodes=ALL, group="Beyond the container",
        form=listed(one_of(DEVICE, "devices such as /dev/ttyUSB0:/dev/ttyUSB0:rw"), "devices"),
        meaning="devices of the host"),
    Key(name="gpus", field="gpus", nodes=ALL, group="Beyond the container",
        form=matching(GPUS, "all or a number"), meaning="graphics processors: `all` or how many (Compose only)"),
    Key(name="securityOpt", field="security_opt", nodes=ALL, group="Beyond the container",
        form=listed(one_of(SECURITY_OPTION, "options such as seccomp:unconfined"), "options"),
        meaning="options of the kernel's protections, such as `seccomp:unconfined`"),
)  # fmt: skip
