"""A stack with a service for every fault, and what people and programs do to the containers of each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.graphs import node
from tests.e2e.observing.loop_disk import LoopDisk
from tests.e2e.observing.page import Page

IMAGE = "python:3.13-slim"
# Does what it is told in a file; a container that Docker starts again still has it.
PROGRAM = """\
import sys, time
def told():
    try:
        with open("/tmp/told") as file:
            return file.read()
    except OSError:
        return ""
while True:
    if told() == "crash":
        sys.exit(3)
    if told() == "eat":
        kept = b"x" * (256 * 1024 * 1024)
    time.sleep(0.1)
"""
STANDING = ("kill", "stop", "pause", "changed", "sick")
RENEWED = ("rm", "recreate", "crash", "eat")
# The containers that nobody touches; with the others so many as the whole proof of idling wants.
CONTAINERS = int(os.environ.get("AXION_TEST_IDLE_CONTAINERS", "10"))
CALM_COPIES = max(1, CONTAINERS - len(STANDING) - len(RENEWED))


def graph() -> dict[str, Any]:
    config = {"image": IMAGE, "command": "python /program.py", "init": "true", "file./program.py": PROGRAM}
    asked = {
        "healthCommand": "! grep -qs sick /tmp/told",
        "healthInterval": "1s",
        "healthRetries": "1",
        "healthTimeout": "30s",
    }
    more: dict[str, dict[str, str]] = {
        "sick": asked,
        "eat": {"memory": "48M"},
        "calm": {"replicas": str(CALM_COPIES), **asked, "healthInterval": "30s", "healthRetries": "3"},
    }
    nodes = [node(name, config={**config, **more.get(name, {})}) for name in (*STANDING, *RENEWED, "calm")]
    return {"nodes": nodes, "edges": []}


def docker(*arguments: str, fails: bool = False) -> str:
    ran = subprocess.run(["docker", *arguments], check=not fails, capture_output=True, text=True, timeout=60)
    return ran.stdout.strip()


@dataclass(frozen=True)
class Fault:
    """`shown`: what the page is told of it; `over`: that it is told no more. `end` is None where a repair ends it."""

    name: str
    begin: Callable[[], object]
    shown: Callable[[], object]
    end: Callable[[], object] | None
    over: Callable[[], object]


class Scene:
    """The stack as it was deployed, with an open page on it."""

    def __init__(self, *, plane: ControlPlane, folder: Path, disk: LoopDisk) -> None:
        self.plane = plane
        self.disk = disk
        deadline = 60 + 5 * CONTAINERS
        made = write_project(folder / "watched", name="Watched", graph=graph(), code={}, health_deadline=deadline)
        self.project = plane.import_project(made)
        self.deployment = plane.deploy(self.project)
        ended = plane.wait_for_end(self.deployment, seconds=deadline)
        assert ended["status"] == 3, ended
        self.page = Page(plane=plane, project=self.project)
        self.page.becomes(self.page.is_well, what="that all of it runs")

    def container(self, service: str) -> dict[str, Any]:
        """As Docker has it now: by its labels, whatever its name is."""
        ours = f"label=axion.project={self.project}"
        (found,) = docker("ps", "-aq", "--filter", ours, "--filter", f"label=axion.service={service}").split()
        described: list[dict[str, Any]] = json.loads(docker("inspect", found))
        return described[0]

    def say(self, service: str, word: str) -> None:
        docker("exec", self.container(service)["Id"], "sh", "-c", f"printf {word} > /tmp/told")

    def labels(self, service: str, **others: str) -> list[str]:
        labels = {**self.container(service)["Config"]["Labels"], **others}
        return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]

    def intrude(self) -> None:
        labels = self.labels("changed", **{"com.docker.compose.service": "intruder"})
        docker("run", "--detach", "--name", self.intruder, *labels, IMAGE, "sleep", "600")

    @property
    def intruder(self) -> str:
        return f"intruder-{self.project[:8]}"

    def recreate(self, *, secret: str = "s3cret") -> None:
        """By hand, with one more variable."""
        before = self.container("recreate")
        labels = self.labels("recreate")
        network = next(iter(before["NetworkSettings"]["Networks"]))
        docker("rm", "--force", before["Id"])
        docker("run", "--detach", "--name", before["Name"].lstrip("/"), "--network", network, *labels,
               "--env", f"ADDED={secret}", before["Image"], "sleep", "600")  # fmt: skip

    def close(self) -> None:
        self.page.close()
        docker("rm", "--force", self.intruder, fails=True)
        self.plane.remove(self.project)

    def memory_kills(self) -> set[str]:
        """The containers that the project's charts mark as killed for lack of memory."""
        usage: Any = self.plane.api(f"projects/{self.project}/usage").data
        return {each["container"] for each in usage["data"]["usage"]["marks"] if each["kind"] == "memoryKill"}


@contextmanager
def agent_on_small_disk(plane: ControlPlane) -> Iterator[LoopDisk]:
    """While the block runs the agent's folder lies on a small disk of its own."""
    disk = LoopDisk(folder=plane.folder / "agent")

    def away(move: Callable[[], None]) -> None:
        plane.children["runner"].stop(grace=10)
        move()
        plane.restart("runner")

    away(disk.mount)
    try:
        yield disk
    finally:
        away(disk.unmount)


def faults(scene: Scene) -> list[Fault]:
    """The table. Services that are not meant here stay as they are."""
    page, of = scene.page, {name: scene.container(name) for name in (*STANDING, *RENEWED)}
    ids, names = {name: each["Id"] for name, each in of.items()}, {name: each["Name"][1:] for name, each in of.items()}
    network = next(iter(of["changed"]["NetworkSettings"]["Networks"]))

    def state(name: str, *states: str) -> Callable[[], bool]:
        return lambda: page.state(name) in states

    def differs(*keys: str) -> Callable[[], bool]:
        return lambda: set(keys) <= page.differences()

    def agrees(key: str) -> Callable[[], bool]:
        return lambda: key not in page.differences()

    def told(words: str) -> Callable[[], bool]:
        return lambda: words in str(page.services())

    def told_of(cause: str) -> Callable[[], bool]:
        return lambda: cause in page.incidents()

    def seen_no_more(cause: str) -> Callable[[], bool]:
        return lambda: cause not in page.incidents() or page.incidents()[cause]["quietSince"] > 0

    def does(*words: str) -> Callable[[], object]:
        return lambda: docker(*words)

    down = ("stopped", "exited", "restarting")
    return [
        Fault("kill", does("kill", ids["kill"]), state("kill", *down), does("start", ids["kill"]),
              state("kill", "running")),
        Fault("stop", does("stop", "--time", "0", ids["stop"]), state("stop", "stopped"), does("start", ids["stop"]),
              state("stop", "running")),
        Fault("pause", does("pause", ids["pause"]), state("pause", "paused"), does("unpause", ids["pause"]),
              state("pause", "running")),
        Fault("rename", does("rename", ids["changed"], f"{names['changed']}-x"), differs("changed/name"),
              does("rename", ids["changed"], names["changed"]), agrees("changed/name")),
        Fault("docker update", does("update", "--restart", "no", ids["changed"]), differs("changed/restart"),
              does("update", "--restart", "unless-stopped", ids["changed"]), agrees("changed/restart")),
        Fault("network disconnect", does("network", "disconnect", network, ids["changed"]),
              differs("changed/networks"), does("network", "connect", network, ids["changed"]),
              agrees("changed/networks")),
        Fault("health gone bad", lambda: scene.say("sick", "sick"), state("sick", "unhealthy"),
              lambda: scene.say("sick", "well"), state("sick", "running")),
        Fault("a stranger with our labels", scene.intrude, differs("intruder/extra"),
              does("rm", "--force", scene.intruder), agrees("intruder/extra")),
        Fault("rm", does("rm", "--force", ids["rm"]), state("rm", "gone"), None, state("rm", "running")),
        Fault("another environment by recreation", scene.recreate, differs("recreate/env", "recreate/command"),
              None,
              agrees("recreate/env")),
        Fault("crash loop", lambda: scene.say("crash", "crash"), told("exited with code 3"), None,
              state("crash", "running")),
        Fault("out of memory", lambda: scene.say("eat", "eat"),
              told("ran out of memory"), None, state("eat", "running")),
        Fault("disk nearly full", scene.disk.fill, told_of("disk_nearly_full"), scene.disk.empty,
              seen_no_more("disk_nearly_full")),
    ]  # fmt: skip
