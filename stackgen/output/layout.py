"""The parts in start order with everything that joins them: what an engine's file format is written from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stackgen.databases.kind import Volume
from stackgen.output.aspects import aspects
from stackgen.output.container import SHARED, declared_labels, volume_key
from stackgen.parts.declared import written_paths
from stackgen.parts.environment import plain
from stackgen.parts.names import short_hash
from stackgen.parts.order import Order
from stackgen.parts.types import Part
from stackgen.results import StackOptions
from stackgen.yaml import Value

HASH_DIGITS = 16
# Nothing that a container starts may gain rights by a setuid file.
SECURITY = ("no-new-privileges:true",)
# These change how many start and when, not what one is: a container that runs need not be replaced for them.
NOT_IN_THE_CONTAINER = frozenset({"depends_on", "build", "profiles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Same hash, nothing to do; with another one, `aspects` say why."""

    content_hash: str
    aspects: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`networks` holds each part's networks by its name; `all_networks` each network once,
    `healthy` the names of the parts that have a health check, `jobs` of those that run to their end."""

    stack_name: str
    project_id: str
    parts: tuple[Part, ...]
    order: Order
    networks: Mapping[str, tuple[str, ...]]
    all_networks: tuple[str, ...]
    healthy: frozenset[str]
    jobs: frozenset[str]
    options: StackOptions

    @property
    def project_labels(self) -> dict[str, Value]:
        """The labels of everything that is ours."""
        return {"axion.project": plain(self.project_id)}

    def labels(self, part: Part, content_hash: str) -> dict[str, Value]:
        """Return labels that stay from one deployment to the next: others would replace unchanged containers."""
        return {
            **declared_labels(part),
            **self.project_labels,
            "axion.node": plain(part.node.id),
            "axion.service": part.name,
            "axion.hash": content_hash,
        }

    def starts_first(self, part: Part) -> bool:
        """Return whether a new copy may run beside the old one: it has no data, and no port of a host of its own."""
        shares_ports = self.options.engine == "swarm" and self.options.swarm_ports == "ingress"
        has_port = any(port.outside is not None for port in part.ports)
        has_data = part.volumes or written_paths(part.node)
        return not has_data and (not has_port or shares_ports)

    def volume_name(self, part: Part, volume: Volume) -> str:
        """Return a name made of the node's id, so that a service that is renamed finds its data again."""
        if present := part.node.settings.volume_names.get(volume.name):
            return present
        if volume.shared:
            return f"{self.stack_name}_{SHARED}-{volume.name}"
        return f"{self.stack_name}_{short_hash(part.node.id, 12)}-{volume.name}"

    def volumes(self) -> dict[str, Value]:
        """Return every volume of the stack once, by its name in the file."""
        return {
            volume_key(part, volume): {"name": self.volume_name(part, volume), **self._whose(part, volume)}
            for part in self.parts
            for volume in part.volumes
        }

    def _whose(self, part: Part, volume: Volume) -> dict[str, Value]:
        # One that is there already must never be made: an empty one would stand for the data.
        present = volume.name in part.node.settings.volume_names
        return {"external": True} if present else {"labels": self.project_labels}

    def by_level(self) -> list[tuple[str, list[Part]]]:
        """Return parts that start together, each group with a sentence for people."""
        groups: list[tuple[str, list[Part]]] = []
        last = -1
        for part in self.parts:
            level = self.order.level[part.name]
            if level != last:
                sentence = "These start first." if level == 0 else "These start when what they need is ready."
                groups.append((sentence, []))
                last = level
            groups[-1][1].append(part)
        return groups


def volume_names(compose: str, *, node_id: str) -> tuple[str, ...]:
    """Return the volumes of a node by a file that was generated once."""
    return tuple(re.findall(rf"^ +name: (\S+_{short_hash(node_id, 12)}-\S+)$", compose, re.MULTILINE))


def identify(part: Part, definition: Mapping[str, Value]) -> Identity:
    """Return a hash of everything one container of the service is made of, the texts of its files included."""
    texts = [file.text for file in part.files]
    texts += [f"{name}={present}" for name, present in sorted(part.node.settings.volume_names.items())]
    made_of = {key: value for key, value in definition.items() if key not in NOT_IN_THE_CONTAINER}
    deploy = definition.get("deploy")
    if isinstance(deploy, dict):
        # The number of copies must change no container.
        made_of["deploy"] = {key: value for key, value in deploy.items() if key != "replicas"}
    whole = json.dumps([made_of, texts], ensure_ascii=True, separators=(",", ":"))
    content_hash = hashlib.sha256(whole.encode()).hexdigest()[:HASH_DIGITS]
    return Identity(content_hash=content_hash, aspects=aspects(part, definition))
