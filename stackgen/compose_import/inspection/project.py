"""Running containers as a Compose project, which the importer then makes a graph of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.inspection.containers import SHORT_ID, Group, Seen
from stackgen.compose_import.inspection.settings import settings_of
from stackgen.compose_import.notation.opened import UploadedFiles
from stackgen.compose_import.report import Line, Outcome
from stackgen.compose_import.tree import Place

FILE = "containers"
DEPENDS = "com.docker.compose.depends_on"
DEFAULT_NETWORKS = frozenset({"bridge", "host", "none"})
UNNAMED = re.compile(r"[0-9a-f]{64}")
# Of the 40 that a key takes, with room for a number.
MAX_KEY = 36
NOT_OF_NAMES = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The graph of running containers, with their secrets in it, and what it takes over, by id and by name."""

    imported: Imported
    containers: tuple[tuple[str, str], ...]
    volumes: tuple[str, ...]


def adopt(chosen: Sequence[Group], *, all_containers: Sequence[Seen]) -> Adopted:
    """Return the graph of these groups, whose nodes refer to the volumes that are there.

    Raises ComposeInvalid for what no Compose file could say either, ValueError for a group that cannot be taken over.
    """
    for group in chosen:
        if group.why_not:
            raise ValueError(f"{group.name} cannot be taken over: {group.why_not}.")
    taken = [seen for group in chosen for seen in group.containers]
    document, lines = _document(chosen, all_containers)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    imported = import_compose(files=UploadedFiles({FILE: text}), paths=[FILE], in_place=True)
    return Adopted(
        imported=replace(imported, lines=(*lines, *imported.lines)),
        containers=tuple((seen.id, seen.name) for seen in taken),
        volumes=tuple(sorted({name for seen in taken for name in seen.volumes})),
    )


def _document(chosen: Sequence[Group], everything: Sequence[Seen]) -> tuple[dict[str, Any], list[Line]]:
    lines = list(_around(chosen, everything))
    services: dict[str, dict[str, Any]] = {}
    volumes: dict[str, dict[str, Any]] = {}
    networks: dict[str, dict[str, Any]] = {}
    for group in chosen:
        for seen in group.containers:
            name = seen.service
            if name in services and group.is_project:
                services[name]["scale"] = services[name].get("scale", 1) + 1
                continue
            service, lost = settings_of(seen)
            lines += [_line(name, f"HostConfig.{key}", f"{key} = {value}") for key, value in lost]
            image, said = _image(seen)
            lines += [_line(name, "image", said, Outcome.NEEDED)] if said else []
            services[_free(name, services)] = {
                "image": image,
                **service,
                **_mounts(seen, volumes),
                **_networks(seen, networks, project=group.name if group.is_project else ""),
                **_names(seen, group),
            }
    document: dict[str, Any] = {"name": _project_name(chosen), "services": services}
    document |= {key: value for key, value in (("volumes", volumes), ("networks", networks)) if value}
    return {key: _escaped(value) for key, value in document.items()}, lines


def _project_name(chosen: Sequence[Group]) -> str:
    return NOT_OF_NAMES.sub("-", chosen[0].name.lower()).strip("-_") or "adopted"


def _free(name: str, taken: Mapping[str, object]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _escaped(value: Any) -> Any:
    """Return the value with every dollar as a file says it: what runs has been filled in long ago."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {str(key): _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def _image(seen: Seen) -> tuple[str, str]:
    """Return a reference to the very image that runs, and what to say where there is none."""
    asked = str(seen.config.get("Image", ""))
    whole = asked if "@" in asked or ":" in asked.rpartition("/")[2] else f"{asked}:latest"
    if whole in seen.tags or whole in seen.digests:
        return asked, ""
    if seen.digests:
        return seen.digests[0], f"{asked} names another image by now; {seen.digests[0]} is what runs"
    if seen.tags:
        return seen.tags[0], f"{asked} names another image by now; {seen.tags[0]} is what runs"
    return asked, f"{asked} names another image by now, and what runs has no name: a deployment starts the other one"


def _mounts(seen: Seen, volumes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for each in seen.mounts:
        kind, target = each.get("Type", ""), each.get("Destination", "")
        entry: dict[str, Any] = {
            "type": kind,
            "target": target,
            **({} if each.get("RW", True) else {"read_only": True}),
        }
        if kind == "volume":
            entry["source"] = _volume_key(seen, str(each["Name"]), target, volumes)
        elif kind == "bind":
            entry["source"] = each.get("Source", "")
        found.append(entry)
    in_memory = [f"{path}:{options}" if options else path for path, options in (seen.host.get("Tmpfs") or {}).items()]
    return {**({"volumes": found} if found else {}), **({"tmpfs": in_memory} if in_memory else {})}


def _volume_key(seen: Seen, name: str, target: str, volumes: dict[str, dict[str, Any]]) -> str:
    """Return a short name for a volume, the same for the same one: a node's key holds no more."""
    for key, volume in volumes.items():
        if volume["name"] == name:
            return key
    short = target.strip("/").replace("/", "-") if UNNAMED.fullmatch(name) else name.removeprefix(f"{seen.project}_")
    key = _free(NOT_OF_NAMES.sub("-", short.lower())[:MAX_KEY].strip("-_") or "data", volumes)
    volumes[key] = {"name": name, "external": True}
    return key


def _networks(seen: Seen, networks: dict[str, dict[str, Any]], *, project: str) -> dict[str, Any]:
    mode = str(seen.host.get("NetworkMode", ""))
    if mode in {"host", "none"} or mode.startswith("container:"):
        return {"network_mode": mode}
    found: dict[str, dict[str, Any]] = {}
    for name, joined in sorted(seen.networks.items()):
        if name in DEFAULT_NETWORKS:
            continue
        short = name.removeprefix(f"{project}_") if project else name
        own = {seen.service, seen.name, seen.id[:SHORT_ID]}
        aliases = sorted(set(joined.get("Aliases") or ()) - own)
        address = (joined.get("IPAMConfig") or {}).get("IPv4Address", "")
        found[short] = {**({"aliases": aliases} if aliases else {}), **({"ipv4_address": address} if address else {})}
        networks.setdefault(short, {})
    return {"networks": found} if found else {}


def _names(seen: Seen, group: Group) -> dict[str, Any]:
    """Return the name that others may know it by, and what it was to wait for."""
    usual = {f"{group.name}-{seen.service}-{seen.number}", f"{group.name}_{seen.service}_{seen.number}", seen.service}
    found: dict[str, Any] = {} if seen.name in usual else {"container_name": seen.name}
    needed = {}
    there = {each.service for each in group.containers}
    for item in filter(None, seen.labels.get(DEPENDS, "").split(",")):
        name, _, rest = item.partition(":")
        condition = rest.partition(":")[0] or "service_started"
        if name in there:
            needed[name] = {"condition": condition}
    return {**found, **({"depends_on": needed} if needed else {})}


def _around(chosen: Sequence[Group], everything: Sequence[Seen]) -> Iterator[Line]:
    """Yield what others of the host lose, and what must not stay: containers that are left where they are."""
    taken = {seen.id: seen for group in chosen for seen in group.containers}
    others = [seen for seen in everything if seen.id not in taken]
    for seen in taken.values():
        for name in sorted(set(seen.networks) - DEFAULT_NETWORKS):
            if there := [each.name for each in others if name in each.networks]:
                text = f"{', '.join(there)} on the network {name} stay there, and reach it no more"
                yield _line(seen.service, f"networks.{name}", text, Outcome.NEEDED)
        for name in sorted(seen.volumes):
            if there := [each.name for each in others if name in each.volumes]:
                text = f"{', '.join(there)} have the volume {name} open, too: take them over with it, or stop them"
                yield _line(seen.service, f"volumes.{name}", text, Outcome.NEEDED)


def _line(service: str, path: str, text: str, outcome: Outcome = Outcome.NOT_KEPT) -> Line:
    return Line(place=Place(FILE, 0, f"services.{service}.{path}"), outcome=outcome, text=text, node=service)
