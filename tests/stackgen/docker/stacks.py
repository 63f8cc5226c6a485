"""Generated stacks on a real engine: built, started, asked and removed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stackgen.code.bundle import read_directory
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets
from stackgen.parts.variables import resolve
from stackgen.results import Stack, StackOptions
from stackgen.stack import generate
from tests.stackgen.docker.engine import build_images, run, write_files

# What a shell, a URL, a configuration file and Compose each take for something of their own.
NASTY_PASSWORD = "p$A{}\"' \\:/@#%&é"
# Prints those of the places "address,port,name" that it reaches. At once: whoever cannot be reached costs a second.
CONNECT = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor

def reached(place):
    host, port, _ = place.split(",")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True

places = sys.argv[1:]
with ThreadPoolExecutor(len(places)) as pool:
    print(*[place for place, found in zip(places, pool.map(reached, places)) if found])
"""
QUICK = StackOptions(health_interval_seconds=1)


def unique_stack_name() -> str:
    """Return a name that no other stack on this engine has."""
    return f"axion-sg-{uuid.uuid4().hex[:8]}"


@dataclass
class Running:
    """A stack on the engine, and the values it was started with."""

    stack: Stack
    folder: Path
    code: Mapping[str, Path]
    values: dict[str, str]

    def compose(self, *arguments: str, seconds: float = 120) -> str:
        command = ("docker", "compose", "--project-name", self.stack.name, *arguments)
        return run(*command, folder=self.folder, env=self.values, seconds=seconds)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return service name to what `docker inspect` tells."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(run("docker", "inspect", *ids, folder=self.folder))
        return {item["Config"]["Labels"]["axion.service"]: item for item in found}

    def health(self) -> dict[str, str]:
        states = {name: item["State"] for name, item in self.containers().items()}
        return {name: state.get("Health", {}).get("Status", state["Status"]) for name, state in states.items()}

    def up(self) -> None:
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "120", seconds=150)

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "2")
        images = sorted({service.image for service in self.stack.services if service.bundle_digest})
        if images:
            run("docker", "image", "rm", "--force", *images, folder=self.folder)


def build_stack(
    raw: dict[str, Any],
    code: Mapping[str, Path],
    folder: Path,
    name: str,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    options: StackOptions = QUICK,
) -> Running:
    """Generate, write and build a stack; nothing runs yet. `secrets` holds values other than NASTY_PASSWORD, by key."""
    parsed = parse_graph(split_secrets(raw).graph)
    names = {item.id: item.label for item in parsed.nodes}
    stack = generate(
        graph=parsed,
        stack_name=name,
        project_id="test-stackgen",
        code={node_id: read_directory(code[label]) for node_id, label in names.items() if label in code},
        env_names=["GREETING"],
        options=options,
    )
    nasty = {variable.key: NASTY_PASSWORD for variable in stack.variables if variable.source == "secret"}
    values = resolve(stack=stack, env={"GREETING": "it's $5"}, secrets={**nasty, **secrets})
    write_files(stack, folder)
    (folder / ".env").unlink()
    with_code = {node_id: names[node_id] for node_id in stack.names if names[node_id] in code}
    build_images(stack, folder, {stack.names[node_id]: code[label] for node_id, label in with_code.items()})
    return Running(stack=stack, folder=folder, code=code, values=values)
