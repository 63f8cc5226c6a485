"""The demo from the first program started to the last container removed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axion_deploy.demo import signals
from axion_deploy.demo.checks import Sample, count_a_vote
from axion_deploy.demo.deployment import Api, Progress, follow
from axion_deploy.demo.disturbance import remove_behind_its_back, remove_container, wait_until_it_runs
from axion_deploy.demo.docker import remove_labelled
from axion_deploy.demo.engine import ensure_engine, ensure_images
from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.http import NoAnswer, ask
from axion_deploy.demo.ledger import Ledger
from axion_deploy.demo.manage import manage, manage_json
from axion_deploy.demo.options import Options
from axion_deploy.demo.processes import (
    CONTROL_PLANE,
    Addresses,
    agent,
    agent_environment,
    control_plane,
    control_plane_environment,
)
from axion_deploy.demo.sample import copy_sample
from axion_deploy.demo.servers import start_servers
from axion_deploy.demo.state import State
from axion_deploy.demo.supervisor import Supervisor
from axion_deploy.demo.terminal import Screen
from axion_deploy.embedded.child import Child, tail
from axion_deploy.embedded.ports import free_port

WEB_SECONDS, AGENT_SECONDS = 60.0, 60.0
USER = "demo"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it; `seconds` from the request to the stored success.

    `noticed_seconds`: from a container removed behind our back to a browser that knows; `repaired`: by deploying. Of a
    cluster, `nodes` are the names of its servers; `survived`: a vote was counted with one of them cut off.
    """

    deployment: str | None = None
    status: str = ""
    seconds: float = 0.0
    engine: str = "docker"
    services: tuple[str, ...] = field(default=())
    vote_counted: bool = False
    noticed_seconds: float = 0.0
    repaired: bool = False
    nodes: tuple[str, ...] = field(default=())
    survived: bool = False


class Demo:
    """One run. Everything it starts is put on `cleanup` before it starts."""

    disturbance = "A container"

    def __init__(self, *, options: Options, screen: Screen, state: State, cleanup: ExitStack) -> None:
        self.options = options
        self.screen = screen
        self.state = state
        self.cleanup = cleanup
        self.outcome = Outcome()
        self.has_servers = False
        self.ledger = Ledger(state.root / "processes.json")
        self.log = state.logs / "demo.log"

    def run(self) -> None:
        """Run until the sample has answered or, without --once, somebody stops it. Raises DemoError, EmbeddedError."""
        with signals.deadline(self.options.deadline):
            self._prepare()
            environment = self._start_servers()
            bootstrap = self._install(environment)
            supervisor = self._start_processes(environment, bootstrap)
            self._ready(supervisor, bootstrap)
            project, port = self._import(environment)
            self._deploy(supervisor, bootstrap, project)
            sample = self._sample(port)
            with self.screen.step("A vote posted through the gateway shows up in the result"):
                count_a_vote(sample)
            self.outcome = replace(self.outcome, vote_counted=True)
            if self.options.once:
                self._disturb(supervisor, bootstrap, project, port)
        if not self.options.once:
            self._stay(supervisor, sample)

    def _prepare(self) -> None:
        for name in self.ledger.end_leftovers():
            self.screen.say(f"  ended {name}, left behind by an earlier run")
        forgotten = self.state.facts().get("project") if self.state.fresh else None
        self.state.prepare()
        self.cleanup.callback(self.state.discard)
        self.cleanup.callback(self.ledger.close)
        with self.screen.step("A Docker engine"):
            engine = ensure_engine(folder=self.state.root / "engine", log=self.log, cleanup=self.cleanup)
        self.screen.say(f"  {engine}", style="dim")
        if forgotten is not None:
            remove_labelled(label=f"axion.project={forgotten}", images=True)
        with self.screen.step("Base images"):
            ensure_images(log=self.log)

    def _start_servers(self) -> Mapping[str, str]:
        self.has_servers = True
        with self.screen.step("PostgreSQL and Redis"):
            servers = start_servers(
                folder=self.state.folder,
                keep=not self.state.fresh,
                ledger=self.ledger,
                cleanup=self.cleanup,
            )
        self.screen.say(f"  {servers.sources}", style="dim")
        self.addresses = Addresses(web=free_port(preferred=self.options.port), gateway=free_port(), mutual=free_port())
        environment = control_plane_environment(servers=servers, secrets=self.state.secrets(), addresses=self.addresses)
        return {**environment, **self._environment()}

    def _environment(self) -> dict[str, str]:
        """Return settings of the control plane that only this kind of demo needs."""
        return {}

    def _install(self, environment: Mapping[str, str]) -> dict[str, Any]:
        with self.screen.step("Tables, a user, this machine as a server"):
            manage("migrate", "--no-input", environment=environment, log=self.log)
            arguments = ("bootstrap_demo", "--user", USER, *self._bootstrap_arguments())
            return manage_json(*arguments, environment=environment, log=self.log)

    def _bootstrap_arguments(self) -> tuple[str, ...]:
        return ()

    def _agents(self, bootstrap: Mapping[str, Any]) -> list[Child]:
        """Return the agent of this machine."""
        (server,) = bootstrap["servers"]
        environment = self._agent_environment(server, folder=self.state.folder / "runner")
        return [agent(environment=environment, logs=self.state.logs)]

    def _agent_environment(self, server: Mapping[str, Any], *, folder: Path) -> dict[str, str]:
        return agent_environment(
            server=str(server["id"]), token=str(server["token"]), folder=folder, addresses=self.addresses
        )

    def _start_processes(self, environment: Mapping[str, str], bootstrap: Mapping[str, Any]) -> Supervisor:
        children = [
            control_plane(environment=environment, addresses=self.addresses, logs=self.state.logs),
            *self._agents(bootstrap),
        ]
        supervisor = Supervisor(children=children, on_start=self._note)
        # The agent must be gone before its containers go, or it would start them again.
        self.cleanup.callback(self._remove_sample)
        self.cleanup.callback(self._stop_processes, supervisor)
        with self.screen.step("The control plane and the agent"):
            supervisor.start()
            self._wait_for_web(supervisor)
            for server in bootstrap["servers"]:
                self._wait_for_agent(supervisor, str(server["id"]), token=str(bootstrap["api_token"]))
        return supervisor

    def _wait_for_agent(self, supervisor: Supervisor, server: str, *, token: str) -> None:
        """Ask over REST: a program that begins with Django costs seconds of a processor."""
        url, headers = f"{self.addresses.url}/api/servers/{server}", {"Authorization": f"Token {token}"}
        deadline = time.monotonic() + AGENT_SECONDS
        while time.monotonic() < deadline:
            supervisor.check()
            try:
                if ask(url, headers=headers).member("server").get("presence") == "online":
                    return
            except NoAnswer:
                pass
            time.sleep(0.2)
        raise DemoError(f"No agent of this server was online within {AGENT_SECONDS:g} s.")

    def _ready(self, supervisor: Supervisor, bootstrap: Mapping[str, Any]) -> None:
        """Do what is needed between the first heartbeat and the first deployment: with one server, nothing."""

    def _target(self, bootstrap: Mapping[str, Any]) -> dict[str, str]:
        """Return where to deploy to, as the REST interface takes it."""
        return {"serverId": str(bootstrap["servers"][0]["id"])}

    def _note(self, child: Child) -> None:
        self.ledger.note(name=child.name, pid=child.pid)

    def _wait_for_web(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + WEB_SECONDS
        while time.monotonic() < deadline:
            supervisor.check()
            try:
                if ask(f"{self.addresses.url}/healthz").status == 200:
                    return
            except NoAnswer:
                pass
            time.sleep(0.1)
        said = supervisor.child(CONTROL_PLANE).tail()
        raise DemoError(f"The web process did not answer within {WEB_SECONDS:g} s:\n{said}")

    def _import(self, environment: Mapping[str, str]) -> tuple[str, int]:
        with self.screen.step("The sample project"):
            folder, port = copy_sample(state=self.state, wanted_port=self.options.app_port)
            imported = manage_json(
                "import_project",
                str(folder),
                "--owner",
                USER,
                "--json",
                environment=environment,
                log=self.log,
            )
            self.state.remember(project=imported["project"])
        self.screen.say(f"  {imported['name']}, project {imported['project']}", style="dim")
        return str(imported["project"]), port

    def _sample(self, port: int) -> Sample:
        """Return where the sample that runs is reached."""
        return Sample(url=f"http://127.0.0.1:{port}")

    def _deploy(self, supervisor: Supervisor, bootstrap: Mapping[str, Any], project: str) -> None:
        api = Api(url=self.addresses.url, token=str(bootstrap["api_token"]))
        started = time.monotonic()
        deployment = api.deploy(project=project, target=self._target(bootstrap))
        self.screen.say(f"  Deployment {deployment}: {self._page(deployment)}", style="dim")
        self.outcome = replace(self.outcome, deployment=deployment, status="pending")
        with self.screen.following() as following:
            end = follow(api=api, deployment=deployment, show=following.show, check=supervisor.check)
        services = tuple(service.name for service in end.services)
        seconds = round(time.monotonic() - started, 2)
        self.outcome = replace(self.outcome, status=end.status, seconds=seconds, services=services)
        if end.status != "success":
            raise DemoError(self._why(end, api.last_words(deployment)))

    def _disturb(self, supervisor: Supervisor, bootstrap: Mapping[str, Any], project: str, port: int) -> None:
        """Remove a container as no deployment does, see that it is noticed, and have it back by deploying again."""
        line = {"url": self.addresses.url, "token": str(bootstrap["api_token"]), "project": project}
        with self.screen.step(f"{self.disturbance} removed behind our back is noticed"):
            noticed = remove_behind_its_back(**line, remove=lambda: self._remove(project))
        self.screen.say(f"  told after {noticed:g} s", style="dim")
        first = self.outcome
        self._deploy(supervisor, bootstrap, project)
        with self.screen.step("Deploying again brings it back, and a vote is counted"):
            wait_until_it_runs(**line)
            count_a_vote(self._sample(port))
        self.outcome = replace(first, noticed_seconds=noticed, repaired=True)

    def _remove(self, project: str) -> None:
        """Remove what is called `disturbance`, as no deployment does."""
        remove_container(project)

    def _why(self, end: Progress, last_words: str) -> str:
        troubled = [f"  {service.name}: {service.error}" for service in end.services if service.error]
        logs = sorted(self.state.logs.glob("runner*.log"))
        runners = [f"The end of {log}:\n{tail(log)}" for log in logs]
        return "\n".join([f"The deployment ended as {end.status}: {end.error}", *troubled, last_words, *runners])

    def _page(self, deployment: str) -> str:
        return f"{self.addresses.url}/admin/deployments/deployment/{deployment}/change/"

    def _stay(self, supervisor: Supervisor, sample: Sample) -> None:
        password = self.state.secrets()["AXION_DEMO_PASSWORD"]
        self.screen.welcome(
            admin=f"{self.addresses.url}/admin/",
            user=USER,
            password=password,
            vote=f"{sample.link}/",
            result=f"{sample.link}/result/",
            logs=str(self.state.logs),
            keeps=self.options.keep,
        )
        while True:
            supervisor.check()
            time.sleep(0.5)

    def _stop_processes(self, supervisor: Supervisor) -> None:
        if killed := supervisor.stop():
            self.screen.say(f"  Did not end by themselves and were killed: {', '.join(killed)}.")

    def _remove_sample(self) -> None:
        project = self.state.facts().get("project")
        if project is None:
            return
        if self.options.keep:
            self.screen.say("  The sample's containers, networks and volumes stay, as asked.")
            return
        removed = remove_labelled(label=f"axion.project={project}", images=self.options.once)
        counted = ", ".join(f"{number} {kind}s" for kind, number in removed.items() if number)
        self.screen.say(f"  Removed of the sample: {counted or 'nothing, there was nothing'}.")
