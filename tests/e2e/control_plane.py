"""The whole control plane as real processes on servers of its own, for tests and benchmarks that kill parts of it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from redis import Redis

from axion_deploy.demo.http import Answer, NoAnswer, ask
from axion_deploy.demo.manage import manage_json
from axion_deploy.demo.options import REPOSITORY
from axion_deploy.demo.processes import Addresses, agent, agent_environment, control_plane_environment
from axion_deploy.demo.servers import Servers
from axion_deploy.embedded.binaries import find_postgres, find_redis
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.postgres import EmbeddedPostgres
from axion_deploy.embedded.redis import EmbeddedRedis
from tests.e2e import docker_view
from tests.e2e.processes import separate_processes
from tests.e2e.stored import Stored
from tests.e2e.uploads import put, tar_of
from tests.servers.migrated import copy_server

FINISHED = {3: "success", 4: "failed", 6: "rolled_back"}
START_SECONDS = 60.0
# What project.json calls otherwise than REST.
SETTINGS = {"health_window": "healthWindow", "health_deadline": "healthDeadline"}


class ControlPlane:
    """Web, worker, gateway, publisher, reconciler and one agent; a consumer for those who ask over Kafka.

    `stop` ends them and removes all they made.
    """

    def __init__(
        self, *, folder: Path, settings: dict[str, str] | None = None, agent_settings: dict[str, str] | None = None
    ) -> None:
        self.agent_settings = agent_settings or {}
        self.folder = folder
        self.log = folder / "manage.log"
        self.projects: list[str] = []
        self._ids: dict[str, str] = {}
        # A person's uploads are taken one at a time, and threads share this person.
        self._uploading = threading.Lock()
        self.children: dict[str, Child] = {}
        self.settings = settings or {}
        self.addresses = Addresses(web=free_port(), gateway=free_port(), mutual=free_port())

    def start(self) -> None:
        """Returns when the web process answers and the agent is connected."""
        self._start_servers()
        for child in self._processes():
            self._begin(child)
        # While they start: this is a program that begins with Django, too.
        self.bootstrap = manage_json("bootstrap_demo", "--user", "demo", environment=self.environment, log=self.log)
        self._begin(self._agent())
        wait_for(self.web_answers, seconds=START_SECONDS, what="the web process", details=self.tails)
        wait_for(self.agent_is_connected, seconds=START_SECONDS, what="the agent", details=self.tails)

    def _start_servers(self) -> None:
        """Servers of their own, so that a test may restart them under the control plane."""
        programs, store = find_postgres(only="path"), find_redis()
        assert programs is not None, "make services installs PostgreSQL"
        assert store is not None, "make services installs Redis"
        self.postgres = EmbeddedPostgres(programs=programs, folder=self.folder / "postgres", durable=False)
        self.redis = EmbeddedRedis(program=store, folder=self.folder / "redis")
        self.stored = Stored(self.postgres)
        copy_server(programs=programs, to=self.postgres.folder)
        self.postgres.start()
        self.redis.start()
        servers = Servers(database_url=self.postgres.url, redis_url=self.redis.url, sources="tests")
        keys = {
            "AXION_SECRET_KEY": secrets.token_urlsafe(50),
            "AXION_ENCRYPTION_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "AXION_DEMO_PASSWORD": secrets.token_urlsafe(12),
            "AXION_RATE_LIMIT": "100000/min",
        }
        environment = control_plane_environment(servers=servers, secrets=keys, addresses=self.addresses)
        self.environment = {**environment, **self.settings}

    def _begin(self, child: Child) -> None:
        self.children[child.name] = child
        child.start()

    def _agent(self) -> Child:
        token = str(self.bootstrap["enrolment_token"])
        server, folder = str(self.bootstrap["server"]), self.folder / "agent"
        environment = agent_environment(token=token, server=server, folder=folder, addresses=self.addresses)
        return agent(environment={**environment, **self.agent_settings}, logs=self.folder)

    def _processes(self) -> list[Child]:
        return separate_processes(environment=self.environment, addresses=self.addresses, logs=self.folder)

    def start_consumer(self, **settings: str) -> None:
        """Returns when it serves the brokers that the environment or `settings` name."""
        self.children["consumer"] = Child(
            name="consumer",
            command=(sys.executable, "manage.py", "consume_patterns"),
            log_file=self.folder / "consumer.log",
            env={**self.environment, **settings},
            cwd=REPOSITORY,
        )
        self.children["consumer"].start()
        wait_for(self.consumer_serves, seconds=START_SECONDS, what="the consumer", details=self.tails)

    def consumer_serves(self) -> bool:
        """As the web process hears of it: true for some seconds more when it was killed."""
        return bool(ask(f"{self.addresses.url}/healthz").member("kafka").get("status") == "healthy")

    def stop(self) -> None:
        for child in self.children.values():
            child.request_stop()
        for child in self.children.values():
            child.stop(grace=10)
        for project in list(self.projects):
            self.remove(project)
        self.redis.stop()
        self.stored.close()
        self.postgres.stop()

    def remove(self, project: str) -> None:
        """Take all of the project off the host: what runs on is asked for its health every other second."""
        docker_view.remove_all_of(project)
        self.projects.remove(project)

    def kill(self, name: str) -> None:
        """SIGKILL to this process alone; what it started goes on, as after a crash."""
        self._signal(name, signal.SIGKILL)
        self.children[name].stop(grace=5) if name != "runner" else _reap(self.children[name])

    def restart(self, name: str) -> None:
        self.start_another(name, name=name)

    def start_another(self, kind: str, *, name: str) -> None:
        """One more process like this one, under a name of its own; the control plane's have its environment of now."""
        like = self.children[kind]
        environment = like.env if kind == "runner" else self.environment
        self.children[name] = Child(
            name=name, command=like.command, log_file=like.log_file, env=environment, cwd=like.cwd
        )
        self.children[name].start()

    def put_asleep(self, name: str) -> None:
        """Stopped where it is, with all that it holds, until `wake`; nobody is told."""
        self._signal(name, signal.SIGSTOP)

    def wake(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self.children[name].pid
        assert pid is not None
        os.kill(pid, number)

    def sql(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Behind the back of all processes, in a transaction of its own."""
        with psycopg.connect(self.postgres.url) as database:
            found = database.execute(statement, values)
            return found.fetchall() if found.description else []

    def flush_redis(self) -> None:
        with Redis.from_url(self.redis.url) as client:
            client.flushdb()

    def web_answers(self) -> bool:
        try:
            return ask(f"{self.addresses.url}/healthz").status == 200
        except NoAnswer:
            return False

    def agent_is_connected(self) -> bool:
        server = self.api(f"servers/{self.bootstrap['server']}").member("server")
        return server.get("presence") == "online"

    def api(self, path: str, *, send: object = None, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Token {token or self.bootstrap['api_token']}"}
        return ask(f"{self.addresses.url}/api/{path}", send=send, headers=headers)

    def import_project(self, folder: Path) -> str:
        """Make the project of this folder, or bring it up to date, over REST: a program for it would start first."""
        described = json.loads((folder / "project.json").read_text())
        graph = json.loads((folder / described["graph"]).read_text())
        name = described["name"]
        if name not in self._ids:
            settings = {SETTINGS.get(key, key): value for key, value in described["settings"].items()}
            made = self.api("projects", send={"name": name, **settings})
            assert made.status == 201, made
            self._ids[name] = str(made.member("project")["id"])
            self.projects.append(self._ids[name])
        project = self._ids[name]
        self.put_graph(project, graph)
        ids = {each["data"]["serviceName"]: each["id"] for each in graph["nodes"]}
        for service, place in described["code"].items():
            found = [path for path in (folder / place).rglob("*") if path.is_file()]
            files = {str(path.relative_to(folder / place)): path.read_text() for path in found}
            self.put_code(project, ids[service], files)
        return project

    def put_graph(self, project: str, graph: dict[str, Any]) -> None:
        self._put(f"projects/{project}/graph", json.dumps(graph).encode(), kind="application/json")

    def put_code(self, project: str, node_id: str, files: dict[str, str]) -> None:
        """Replace the code of one node over REST."""
        self._put(f"projects/{project}/code/{node_id}", tar_of(files), kind="application/x-tar")

    def _put(self, path: str, content: bytes, *, kind: str) -> None:
        token = str(self.bootstrap["api_token"])
        with self._uploading:
            put(f"{self.addresses.url}/api/{path}", content=content, kind=kind, token=token)

    def deploy(self, project: str, **fields: Any) -> str:
        body = {"projectId": project, "serverId": str(self.bootstrap["server"]), **fields}
        answer = self.api("deployments", send=body)
        assert answer.status in (200, 201, 202), answer
        return str(answer.data["deployment"]["id"])  # type: ignore[index]  # asserted above

    def get(self, deployment: str) -> dict[str, Any]:
        answer = self.api(f"deployments/{deployment}")
        assert answer.data is not None
        return dict(answer.data["deployment"])

    def events(self, deployment: str) -> list[dict[str, Any]]:
        answer = self.api(f"deployments/{deployment}/events?after=0&limit=500")
        assert answer.data is not None
        return list(answer.data["events"])

    def wait_for_end(self, deployment: str, *, seconds: float = 90) -> dict[str, Any]:
        """The deployment once it has ended. Fails with the logs when it does not in time."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            if self.stored.progress(deployment)[0] not in FINISHED.values():
                return False
            try:
                found.update(self.get(deployment))
            except NoAnswer:
                return False
            return found["status"] in FINISHED

        wait_for(ended, seconds=seconds, what="the end of the deployment", details=self.tails)
        return found

    def tails(self) -> str:
        return "\n".join(f"--- {child.name}\n{child.tail(lines=15)}" for child in self.children.values())


def _reap(child: Child) -> None:
    """Take the exit code of a killed process without touching what it had started."""
    wait_for(lambda: not child.is_running(), seconds=5, what=f"the end of {child.name}")


def wait_for(
    condition: Callable[[], bool],
    *,
    seconds: float,
    what: str,
    details: Callable[[], str] = lambda: "",
    pause: float = 0.1,
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:g} s for {what}\n{details()}")
        time.sleep(pause)


def write_project(
    folder: Path, *, name: str, graph: dict[str, Any], code: dict[str, dict[str, str]], **settings: object
) -> Path:
    """A project's directory with these files per service, and settings besides the usual quick ones."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "graph.json").write_text(json.dumps(graph))
    for service, files in code.items():
        for path, text in files.items():
            file = folder / service / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    described = {
        "name": name,
        "graph": "graph.json",
        "code": {service: service for service in code},
        "settings": {"health_window": 1, "health_deadline": 30, **settings},
    }
    (folder / "project.json").write_text(json.dumps(described))
    return folder
