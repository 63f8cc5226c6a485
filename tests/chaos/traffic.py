"""People who deploy, cancel, go back, scale and stop, at random, whatever the weather."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.error import URLError

import psycopg

from axion_deploy.demo.http import Answer, NoAnswer
from tests.chaos.installation import Installation
from tests.e2e.control_plane import write_project
from tests.e2e.graphs import edge, node, node_id, server_code

PROJECTS = ("Alpha", "Beta", "Gamma")
MAX_UNFINISHED = 3
SLOW_SECONDS = 6
# How often each is done, against the others.
ACTIONS = {"deploy": 8, "fail": 3, "slow": 3, "cancel": 4, "roll_back": 3, "scale": 2, "stop": 1, "again": 2}
UNFINISHED = ("pending", "in_progress", "rolling_back")
# Builds in a moment also where little is left of the processor.
DOCKERFILE = """\
FROM python:3.13-slim
WORKDIR /app
COPY app.py .
EXPOSE 8000
HEALTHCHECK --interval=1s --timeout=3s --retries=5 CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["python", "app.py"]
"""


def code_of(text: str, **code: Any) -> dict[str, str]:
    """The code of a service that answers with this text."""
    return {**server_code(text=text, **code), "Dockerfile": DOCKERFILE}


def graph() -> dict[str, Any]:
    """A web service that calls an api service, which keeps something in a store."""
    python = {"runtime": "dockerfile", "port": "8000"}
    store = node("store", kind=2, config={"databaseType": "redis"})
    nodes = [node("web", config=python), node("api", config=python), store]
    return {"nodes": nodes, "edges": [edge("web", "api"), edge("api", "store")]}


@dataclass
class Traffic:
    """Uses an installation. What was answered with success is remembered: it must be found in the end."""

    plane: Installation
    random: Random
    say: Callable[[str], None]
    projects: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    _version: int = 0

    def set_up(self, folder: Path) -> None:
        """Make the projects and bring the first version of each up, while nothing is wrong."""
        code = {"web": code_of("web"), "api": code_of("version 0")}
        for name in PROJECTS:
            made = write_project(folder / name, name=f"Chaos {name}", graph=graph(), code=code, health_deadline=25)
            self.projects[name] = self.plane.import_project(made)
        first = [self.plane.deploy(project) for project in self.projects.values()]
        for deployment in first:
            ended = self.plane.wait_for_end(deployment, seconds=180)
            assert ended["status"] == 3, ended
        self.accepted += first

    def act(self) -> None:
        """Do one thing with one project, if it has not too much on its way."""
        name = self.random.choice(PROJECTS)
        action = self.random.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        try:
            if action != "cancel" and self._unfinished(name) >= MAX_UNFINISHED:
                return
            answer = self._do(action, name)
        except (NoAnswer, URLError, OSError, AssertionError, psycopg.OperationalError) as error:
            self.say(f"{action} of {name}: no answer ({str(error)[:80]})")
            return
        status = answer.status if answer else 0
        self.counts[f"{action} {status}"] = self.counts.get(f"{action} {status}", 0) + 1
        if answer and (made := answer.member("deployment").get("id")) and status in (200, 201, 202):
            self.accepted.append(str(made))
        self.say(f"{action} of {name}: {status or 'nothing to do'}")

    def _do(self, action: str, name: str) -> Answer | None:
        project = self.projects[name]
        if action in ("deploy", "fail", "slow"):
            self._version += 1
            wait = SLOW_SECONDS if action == "slow" else 0
            code = code_of(f"version {self._version}", healthy=action != "fail", listens_after=wait)
            self.plane.put_code(project, node_id("api"), code)
        if action in ("deploy", "fail", "slow", "again"):
            return self.plane.api("deployments", send=self._target(projectId=project))
        if action == "scale":
            send = self._target(serviceName="web", replicas=self.random.randint(1, 2))
            return self.plane.api(f"projects/{project}/scale", send=send)
        if action == "stop":
            return self.plane.api(f"projects/{project}/stop", send=self._target())
        if action == "cancel":
            return self._on_one(name, UNFINISHED, "cancel")
        return self._on_one(name, ("success", "failed"), "rollback")

    def _target(self, **fields: object) -> dict[str, object]:
        return {"serverId": str(self.plane.bootstrap["server"]), **fields}

    def _on_one(self, name: str, statuses: tuple[str, ...], what: str) -> Answer | None:
        """Of the project's newest deployments in one of these states."""
        found = self.plane.sql(
            "SELECT id FROM deployments WHERE project_id = %s AND status = ANY(%s) ORDER BY created_at DESC LIMIT 4",
            self.projects[name],
            list(statuses),
        )
        if not found:
            return None
        return self.plane.api(f"deployments/{self.random.choice(found)[0]}/{what}", send={})

    def _unfinished(self, name: str) -> int:
        """By what is stored. Raises psycopg.OperationalError while the database is away."""
        found = self.plane.sql(
            "SELECT count(*) FROM deployments WHERE project_id = %s AND status = ANY(%s)",
            self.projects[name],
            list(UNFINISHED),
        )
        return int(found[0][0])
