"""What Docker says of one container, as a service of a Compose file, without what its image says by itself. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stackgen.compose_import.inspection.containers import SHORT_ID, Seen

NANOSECONDS = 1_000_000_000
DEFAULT_SHM = 64 * 1024 * 1024
# HostConfig whose meaning is told elsewhere, or that only repeats what Docker does by itself.
TOLD_ELSEWHERE = frozenset({
    "Binds", "Mounts", "VolumesFrom", "ContainerIDFile", "ConsoleSize", "CgroupnsMode", "Isolation", "MaskedPaths",
    "ReadonlyPaths", "NetworkMode", "PortBindings", "RestartPolicy", "Tmpfs", "LogConfig", "MemorySwap", "Runtime",
    "AutoRemove", "VolumeDriver", "Cgroup",
})  # fmt: skip
LIKE_DOCKER: Mapping[str, frozenset[object] | set[object]] = {
    "IpcMode": {"private", "shareable"},
    "ShmSize": {DEFAULT_SHM},
    "PidsLimit": {-1},
    "Runtime": {"runc"},
}
Say = Callable[[Mapping[str, Any]], Any]
SAID: Mapping[str, tuple[str, Say]] = {
    "Privileged": ("privileged", lambda _: True),
    "CapAdd": ("cap_add", lambda host: list(host["CapAdd"])),
    "CapDrop": ("cap_drop", lambda host: list(host["CapDrop"])),
    "PidMode": ("pid", lambda host: host["PidMode"]),
    "IpcMode": ("ipc", lambda host: host["IpcMode"]),
    "UTSMode": ("uts", lambda host: host["UTSMode"]),
    "UsernsMode": ("userns_mode", lambda host: host["UsernsMode"]),
    "SecurityOpt": ("security_opt", lambda host: list(host["SecurityOpt"])),
    "ReadonlyRootfs": ("read_only", lambda _: True),
    "ShmSize": ("shm_size", lambda host: int(host["ShmSize"])),
    "Sysctls": ("sysctls", lambda host: dict(host["Sysctls"])),
    "ExtraHosts": ("extra_hosts", lambda host: list(host["ExtraHosts"])),
    "Dns": ("dns", lambda host: list(host["Dns"])),
    "DnsSearch": ("dns_search", lambda host: list(host["DnsSearch"])),
    "DnsOptions": ("dns_opt", lambda host: list(host["DnsOptions"])),
    "Memory": ("mem_limit", lambda host: int(host["Memory"])),
    "MemoryReservation": ("mem_reservation", lambda host: int(host["MemoryReservation"])),
    "NanoCpus": ("cpus", lambda host: host["NanoCpus"] / NANOSECONDS),
    "CpuShares": ("cpu_shares", lambda host: int(host["CpuShares"])),
    "CpusetCpus": ("cpuset", lambda host: host["CpusetCpus"]),
    "PidsLimit": ("pids_limit", lambda host: int(host["PidsLimit"])),
    "Init": ("init", lambda _: True),
    "GroupAdd": ("group_add", lambda host: list(host["GroupAdd"])),
    "CgroupParent": ("cgroup_parent", lambda host: host["CgroupParent"]),
    "OomScoreAdj": ("oom_score_adj", lambda host: int(host["OomScoreAdj"])),
    "OomKillDisable": ("oom_kill_disable", lambda _: True),
    "Links": ("links", lambda host: [_link(each) for each in host["Links"]]),
    "Devices": ("devices", lambda host: [_device(each) for each in host["Devices"]]),
    "Ulimits": ("ulimits", lambda host: {each["Name"]: _ulimit(each) for each in host["Ulimits"]}),
    "DeviceRequests": ("deploy", lambda host: {"resources": {"reservations": {"devices": _gpus(host)}}}),
}


def settings_of(seen: Seen) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the keys of a service, and what of HostConfig no Compose file says, as key and value."""
    service = {**_of_program(seen), **_of_health(seen), **_of_ports(seen), **_of_logs(seen)}
    lost: list[tuple[str, str]] = []
    for key, value in sorted(seen.host.items()):
        if not value or key in TOLD_ELSEWHERE or (key in LIKE_DOCKER and value in LIKE_DOCKER[key]):
            continue
        if key in SAID:
            name, say = SAID[key]
            service[name] = say(seen.host)
        else:
            lost.append((key, str(value)))
    if seen.host.get("Runtime", "runc") not in {"runc", "io.containerd.runc.v2"}:
        service["runtime"] = seen.host["Runtime"]
    return service, lost


def _of_program(seen: Seen) -> dict[str, Any]:
    """Return what is started, as whom and where, and its variables, where the image says otherwise."""
    config, image, found = seen.config, seen.image, dict[str, Any]()
    if config.get("Entrypoint") != image.get("Entrypoint"):
        found["entrypoint"] = list(config.get("Entrypoint") or ())
        found["command"] = list(config.get("Cmd") or ())
    elif config.get("Cmd") != image.get("Cmd"):
        found["command"] = list(config.get("Cmd") or ())
    for key, name in (("User", "user"), ("WorkingDir", "working_dir"), ("StopSignal", "stop_signal")):
        if config.get(key) and config[key] != image.get(key):
            found[name] = config[key]
    given = [each for each in config.get("Env") or () if each not in (image.get("Env") or ())]
    if given:
        found["environment"] = dict(each.partition("=")[::2] for each in given)
    if config.get("StopTimeout") is not None:
        found["stop_grace_period"] = f"{config['StopTimeout']}s"
    found |= {name: True for key, name in (("Tty", "tty"), ("OpenStdin", "stdin_open")) if config.get(key)}
    # A name that Docker made up is that of this one container.
    if config.get("Hostname") and config["Hostname"] != seen.id[:SHORT_ID] and seen.host.get("NetworkMode") != "host":
        found["hostname"] = config["Hostname"]
    if config.get("Domainname"):
        found["domainname"] = config["Domainname"]
    labels = {name: text for name, text in seen.labels.items() if (seen.image.get("Labels") or {}).get(name) != text}
    if labels := {name: text for name, text in labels.items() if not name.startswith("com.docker.")}:
        found["labels"] = labels
    return {**found, "restart": _restart(seen.host.get("RestartPolicy") or {})}


def _restart(policy: Mapping[str, Any]) -> str:
    name, times = policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0
    return f"{name}:{times}" if times else str(name)


def _of_health(seen: Seen) -> dict[str, Any]:
    check = seen.config.get("Healthcheck")
    if not check or check == seen.image.get("Healthcheck"):
        return {}
    if check.get("Test") == ["NONE"]:
        return {"healthcheck": {"disable": True}}
    times = {"Interval": "interval", "Timeout": "timeout", "StartPeriod": "start_period"}
    found: dict[str, Any] = {"test": list(check.get("Test") or ())} if check.get("Test") else {}
    found |= {name: f"{check[key] / NANOSECONDS:g}s" for key, name in times.items() if check.get(key)}
    return {"healthcheck": {**found, **({"retries": check["Retries"]} if check.get("Retries") else {})}}


def _of_ports(seen: Seen) -> dict[str, Any]:
    ports = [text for inside, outside in sorted(_bindings(seen)) for text in _published(inside, outside)]
    expose = sorted(set(seen.config.get("ExposedPorts") or ()) - set(seen.image.get("ExposedPorts") or ()))
    published = {inside for inside, _ in _bindings(seen)}
    expose = [each for each in expose if each not in published]
    return {**({"ports": ports} if ports else {}), **({"expose": expose} if expose else {})}


def _bindings(seen: Seen) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    for inside, outside in (seen.host.get("PortBindings") or {}).items():
        yield inside, outside or []


def _published(inside: str, outside: list[Mapping[str, str]]) -> Iterator[str]:
    port, _, protocol = inside.partition("/")
    ending = f"/{protocol}" if protocol not in ("", "tcp") else ""
    for each in outside:
        address, of_host = each.get("HostIp") or "", each.get("HostPort") or ""
        written = f"[{address}]" if ":" in address else address
        if of_host in ("", "0"):
            yield f"{port}{ending}"
        else:
            yield f"{written}:{of_host}:{port}{ending}" if written else f"{of_host}:{port}{ending}"


def _of_logs(seen: Seen) -> dict[str, Any]:
    logs = seen.host.get("LogConfig") or {}
    driver, options = logs.get("Type") or "json-file", logs.get("Config") or {}
    if driver == "json-file" and not options:
        return {}
    return {"logging": {"driver": driver, **({"options": dict(options)} if options else {})}}


def _link(text: str) -> str:
    target, _, alias = text.partition(":")
    return f"{target.strip('/')}:{alias.rpartition('/')[2]}"


def _device(each: Mapping[str, str]) -> str:
    return ":".join((each["PathOnHost"], each["PathInContainer"], each.get("CgroupPermissions") or "rwm"))


def _ulimit(each: Mapping[str, int]) -> dict[str, int]:
    return {"soft": each["Soft"], "hard": each["Hard"]}


def _gpus(host: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "driver": each.get("Driver") or "nvidia",
            "count": "all" if each.get("Count") == -1 else each.get("Count") or 1,
            "capabilities": (each.get("Capabilities") or [["gpu"]])[0],
        }
        for each in host["DeviceRequests"]
    ]
