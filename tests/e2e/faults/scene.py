"""One project held in one stage: a version runs, the next one is on its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.faults.host import Picture, Running, picture
from tests.e2e.faults.stages import Stage
from tests.e2e.graphs import node_id, server_code, two_services
from tests.e2e.holder import Holder, holding

STAGE_SECONDS = 60.0
# By the table of states; what happened in between must have been announced.
SUCCEEDED = [("pending", "in_progress"), ("in_progress", "success")]
CANCELLED = [("pending", "in_progress"), ("in_progress", "failed")]


class Scene:
    """Keeps its project from case to case: each begins with the version that the one before it left running."""

    def __init__(self, *, plane: ControlPlane, stage: Stage, folder: Path, holder: Holder) -> None:
        self.stage = stage
        self._plane = plane
        self._holder = holder
        self._name = f"{type(self).__name__} in {stage.name}"
        self._version = 1
        project = write_project(
            folder / stage.name,
            name=self._name,
            graph=two_services(slow_build=stage.slow_build, lives_long=True),
            code={"web": server_code(text="web"), "api": self._code()},
            # Whoever is held is not healthy, however long the others take to get where they shall be.
            health_deadline=120,
        )
        self.project = plane.import_project(project)
        ended = plane.wait_for_end(plane.deploy(self.project))
        assert ended["status"] == 3, ended

    def begin(self, *, window: int) -> None:
        """Note what runs, and ask for the next version, which is held: in a watched stage for `window` seconds."""
        self.before = picture(self.project)
        self._version += 1
        self._hold(self._text())
        self._watch_for(window)
        self._plane.put_code(self.project, node_id("api"), self._code())
        self.deployment = self._plane.deploy(self.project)

    def release(self) -> None:
        """Let the deployment leave its stage, unless that is watched: then it does by itself."""
        self._holder.release(self._held)

    def wait_until_there(self) -> None:
        """The deployment is in the stage by what the control plane has stored."""
        wait_for(
            lambda: self._plane.stored.progress(self.deployment)[1] == self.stage.name,
            seconds=STAGE_SECONDS,
            what=f"the stage {self.stage.name}",
            details=self._plane.tails,
        )
        assert self._status()["status"] == 2, f"the deployment did not stay in {self.stage.name}"

    def cancel(self) -> None:
        answer = self._plane.api(f"deployments/{self.deployment}/cancel", send={})
        assert answer.status == 202, answer

    def end(self) -> dict[str, Any]:
        ended = self._plane.wait_for_end(self.deployment)
        self.release()
        return ended

    def after(self) -> Picture:
        return picture(self.project)

    def changes(self) -> list[tuple[str, str]]:
        """The announced changes of status; every event before and between them is there."""
        events = self._plane.events(self.deployment)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        found = [event["payload"] for event in events if event["type"] == "deployment.status_changed"]
        return [(each["from"], each["to"]) for each in found]

    def _text(self) -> str:
        return f"{self._name}, version {self._version}"

    def _code(self) -> dict[str, str]:
        """Return the code of `api`, which asks the holder unless its stage is watched."""
        held = None if self.stage.watched else self._holder
        return server_code(text=self._text(), slow_build=self.stage.slow_build, held=held)

    def _hold(self, text: str) -> None:
        self._held = text
        self._holder.hold(text)

    def _watch_for(self, window: int) -> None:
        if self.stage.watched:
            self._plane.sql("UPDATE projects SET health_window = %s WHERE id = %s", window, self.project)

    def _status(self) -> dict[str, Any]:
        answer = self._plane.api(f"deployments/{self.deployment}/status")
        assert answer.data is not None, answer
        return dict(answer.data["data"])


class RollbackScene(Scene):
    """Goes back and forth between two versions, each of which stays in the stage when it comes up."""

    def __init__(self, *, plane: ControlPlane, stage: Stage, folder: Path, holder: Holder) -> None:
        super().__init__(plane=plane, stage=stage, folder=folder / "rollback", holder=holder)
        self._versions = [self._succeed(), self._succeed()]
        self.running = self._versions[-1][0]

    def begin(self, *, window: int) -> None:
        """Note what runs, and ask for the other version."""
        self.before = picture(self.project)
        target, self.wanted, text = next(
            each for each in self._versions if each[1].image != self.before.services["api"].image
        )
        self._hold(text)
        self._watch_for(window)
        answer = self._plane.api(f"deployments/{self.running}/rollback", send={"targetDeploymentId": target})
        assert answer.status == 201, answer
        self.undone, self.deployment = self.running, str(answer.member("deployment")["id"])

    def succeeded(self) -> None:
        """From now on the rollback is what runs."""
        self.running = self.deployment

    def status_of_undone(self) -> int:
        return int(self._plane.get(self.undone)["status"])

    def _succeed(self) -> tuple[str, Running, str]:
        super().begin(window=1)
        self.release()
        ended = self.end()
        assert ended["status"] == 3, ended
        return self.deployment, self.after().services["api"], self._text()


S = TypeVar("S", bound=Scene)


def all_scenes(kind: type[S], *, plane: ControlPlane, stages: Sequence[Stage], folder: Path) -> Iterator[list[S]]:
    """One for each stage, made at the same time. Their projects go at the end."""
    with holding() as holder:
        with ThreadPoolExecutor() as pool:
            scenes = list(pool.map(lambda stage: kind(plane=plane, stage=stage, folder=folder, holder=holder), stages))
        yield scenes
        for scene in scenes:
            plane.remove(scene.project)
