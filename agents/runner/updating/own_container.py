"""The container that this agent runs in, and others like it: for another version of the agent in its place.

Another one is started as this one was, by what the engine knows of it: mounts, network, variables, labels.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.runner.docker.cli import PASSED_ON
from agents.runner.docker.engine import QUESTION_SECONDS, Engine
from agents.runner.release import BUILD_VARIABLE

# A kill is answered once the process has ended.
END_SECONDS = 30.0
BUILD_SECONDS = 900.0
NOT_RUNNING = 409
# Of the new container only: which one it is to take the place of, and within how many seconds.
FORMER = "AXION_AGENT_FORMER_CONTAINER"
SECONDS = "AXION_AGENT_HELLO_SECONDS"
OF_ONE_START = frozenset({BUILD_VARIABLE, FORMER, SECONDS})
# What Docker mounts into each container from its folder.
MOUNTED = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf) ")
MOUNTS = Path("/proc/self/mountinfo")
NEXT, TRIAL = "-next", "-trial"
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class ImageNotBuiltError(Exception):
    """The image of another version could not be built; the text is the end of what was said."""


class OwnContainer:
    """`id` is the engine's, `build` names the archive that the image was built from. Methods raise EngineAwayError.

    Every question ends within seconds. What the engine refuses is APIError.
    """

    def __init__(self, *, id: str, build: str, engine: Engine) -> None:  # noqa: A002 - what it is
        self.id, self.build = id, build
        self._engine = engine

    def name(self) -> str:
        """Return what containers of this agent are called when none is on the way to another."""
        return str(self._described(self.id)["Name"]).lstrip("/").removesuffix(NEXT)

    def build_image(self, *, build: str, content: bytes) -> None:
        """Have the image of the archive, built by its own Dockerfile. Raises ImageNotBuiltError. Blocks for minutes."""
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        command = ["docker", "build", "--quiet", "--tag", self._image_of(build), "-"]
        try:
            done = subprocess.run(
                command, input=content, env=environment, capture_output=True, timeout=BUILD_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ImageNotBuiltError(str(error)) from error
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise ImageNotBuiltError(said[-1])

    def create_like(self, *, ending: str, build: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        """Make a container of this build beside this one, in place of one with its name; return its id.

        Docker never starts it by itself.
        """
        name, image = f"{self.name()}{ending}", self._image_of(build)
        self.remove(name)
        new = self._call(lambda api: api.inspect_image(image))
        config = like(self._described(self.id), own=self._own_image(), new=new["Config"])
        config["Image"] = image
        config["Cmd"] = [*(new["Config"].get("Cmd") or ()), *arguments]
        config["Env"] += [f"{key}={value}" for key, value in {**environment, BUILD_VARIABLE: build}.items()]
        return str(self._call(lambda api: api.create_container_from_config(config, name=name))["Id"])

    def start(self, container: str) -> None:
        """Start it; one that runs is left alone."""
        self._call(lambda api: api.start(container))

    def end(self, container: str) -> None:
        """Kill it, if it runs: it has ended when this returns."""
        try:
            self._engine.attempt(lambda api: api.kill(container), seconds=END_SECONDS)
            self._engine.attempt(lambda api: api.wait(container), seconds=END_SECONDS)
        except APIError as error:
            if error.status_code not in (NOT_RUNNING, 404):
                raise

    def remove(self, container: str) -> None:
        """Remove it, running or not; one that is not there is none."""
        try:
            self._engine.attempt(lambda api: api.remove_container(container, force=True), seconds=END_SECONDS)
        except NotFound:
            return

    def keep_running(self, container: str) -> None:
        """Have Docker start it after a crash or a reboot, as it did the former."""
        self._call(lambda api: api.update_container(container, restart_policy={"Name": "unless-stopped"}))

    def take_place_of(self, former: str) -> None:
        """Be started by Docker, remove the former container, and bear its name. Each step may be done already."""
        self.keep_running(self.id)
        name = self.name()
        if (there := self.find(former)) is not None:
            self.remove(former)
            self._remove_images(kept={str(there["Config"]["Image"]), self._image_of(self.build)})
        if str(self._described(self.id)["Name"]).lstrip("/") != name:
            self._call(lambda api: api.rename(self.id, name))

    def successor(self, *, build: str) -> str:
        """Return the container of this build that is to be, or is, in this one's place; empty for none."""
        name = self.name()
        for candidate in (f"{name}{NEXT}", name):
            found = self.find(candidate)
            if found is None or str(found["Id"]) == self.id:
                continue
            if f"{BUILD_VARIABLE}={build}" in (found["Config"].get("Env") or ()):
                return str(found["Id"])
        return ""

    def exit_code(self, container: str) -> int | None:
        """Return with what it ended; None while it runs."""
        found = self.find(container)
        if found is None:
            return -1
        state = found["State"]
        return int(state["ExitCode"]) if state["Status"] in ("exited", "dead") else None

    def last_line(self, container: str) -> str:
        """Return the last line that it wrote."""
        said = bytes(self._call(lambda api: api.logs(container, tail=1))).decode(errors="replace").strip()
        return (said.splitlines() or ["it said nothing"])[-1]

    def find(self, container: str) -> Mapping[str, Any] | None:
        """Return what the engine knows of it; None where there is none."""
        try:
            return self._described(container)
        except NotFound:
            return None

    def _described(self, container: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._call(lambda api: api.inspect_container(container))
        return found

    def _own_image(self) -> Mapping[str, Any]:
        """Return how this container's image is set up; nothing where it is gone."""
        image = self._described(self.id)["Image"]
        try:
            return dict(self._call(lambda api: api.inspect_image(image))["Config"])
        except NotFound:
            return {}

    def _image_of(self, build: str) -> str:
        """Return the image of another build beside this one's; the script that installs agents calls it so, too."""
        image = str(self._described(self.id)["Config"]["Image"])
        repository, _, tag = image.rpartition(":")
        return f"{image if not repository or '/' in tag else repository}:{build}-image"

    def _remove_images(self, *, kept: set[str]) -> None:
        """Remove the images of older builds, those that nothing uses."""
        repository = self._image_of(self.build).rpartition(":")[0]
        for image in self._call(lambda api: api.images(name=repository)):
            for tag in set(image.get("RepoTags") or ()) - kept:
                self._remove_image(tag)

    def _remove_image(self, tag: str) -> None:
        try:
            self._engine.attempt(lambda api: api.remove_image(tag), seconds=END_SECONDS)
        except APIError as error:
            logger.info("the image %s stays: %s", tag, error.explanation)

    def _call(self, call: Callable[[Any], Result]) -> Result:
        return self._engine.attempt(call, seconds=QUESTION_SECONDS)


def own_container() -> OwnContainer | None:
    """Return the container that this program runs in; None outside of one, and where its build is not known."""
    build = os.environ.get(BUILD_VARIABLE, "")
    found = MOUNTED.search(MOUNTS.read_text()) if build else None
    return None if found is None else OwnContainer(id=found[1], build=build, engine=Engine())


def like(described: Mapping[str, Any], *, own: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a container is made that is started as this one was, from another image. Pure.

    What the own image brought is left to the `new` one, which may need something else.
    """
    config, host = described["Config"], described["HostConfig"]
    baked = set(own.get("Env") or ())
    labels = {**(config.get("Labels") or {})}
    for name, value in (own.get("Labels") or {}).items():
        if labels.get(name) == value:
            del labels[name]
    return {
        "Env": [
            each for each in config.get("Env") or () if each not in baked and each.partition("=")[0] not in OF_ONE_START
        ],
        "Labels": {**(new.get("Labels") or {}), **labels},
        "User": config.get("User") if config.get("User") != own.get("User") else new.get("User"),
        "HostConfig": {**host, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": False},
    }
