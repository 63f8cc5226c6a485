"""The demo on a cluster: three servers that are one Swarm, the sample spread over them, and one of them cut off."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from axion_deploy.demo.checks import Sample, count_a_vote
from axion_deploy.demo.cluster.forming import ClusterApi
from axion_deploy.demo.cluster.hosts import NAMES, Hosts, clear_leftovers, find_needed
from axion_deploy.demo.disturbance import SERVICE
from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.processes import agent
from axion_deploy.demo.run import Demo
from axion_deploy.demo.supervisor import Supervisor
from axion_deploy.embedded.child import Child

CLUSTER = "Three servers"
GATEWAY = "gateway"
# What keeps data is bound to its server: cutting that one off would take the data away.
KEEPERS = frozenset({"db", "redis"})
POLL_SECONDS = 1.0
# Swarm takes up to 16 s to miss a server and up to 53 s after the loss of its leader until all runs elsewhere.
SURVIVAL_SECONDS = 180.0


class ClusterDemo(Demo):
    """One run. The three servers exist only while it lasts, so that nothing is kept from one run to the next."""

    disturbance = "A service"

    def _prepare(self) -> None:
        registry = find_needed(folder=self.state.root)
        left = self.state.facts().get("engines")
        super()._prepare()
        if left is not None:
            clear_leftovers(Path(str(left)))
        self.hosts = Hosts(registry=registry)
        self.state.remember(engines=str(self.hosts.folder))
        self.cleanup.callback(self.hosts.stop)
        with self.screen.step("Three servers, each with a Docker engine of its own, and a registry"):
            self.hosts.start(note=lambda name, pid: self.ledger.note(name=name, pid=pid))
        with self.screen.step("Base images on each of them"):
            self.hosts.copy_images()

    def _environment(self) -> dict[str, str]:
        # The routing mesh and virtual addresses need parts of the kernel that not every machine has.
        return {"AXION_SWARM_PORTS": "host", "AXION_SWARM_ENDPOINTS": "dnsrr"}

    def _bootstrap_arguments(self) -> tuple[str, ...]:
        return ("--cluster", CLUSTER, "--servers", *NAMES)

    def _agents(self, bootstrap: Mapping[str, Any]) -> list[Child]:
        return [
            agent(
                name=f"runner-{server['name']}",
                environment={
                    **self._agent_environment(server, folder=self.state.folder / server["name"]),
                    "DOCKER_HOST": self.hosts.network.servers[server["name"]].host,
                },
                logs=self.state.logs,
            )
            for server in bootstrap["servers"]
        ]

    def _ready(self, supervisor: Supervisor, bootstrap: Mapping[str, Any]) -> None:
        """Make the servers one Swarm, with the registry that its images go through."""
        api = ClusterApi(url=self.addresses.url, token=str(bootstrap["api_token"]), cluster=str(bootstrap["cluster"]))
        addresses = self.hosts.addresses()
        with self.screen.step("The three servers become one Swarm"):
            if self.hosts.registry is not None:
                api.use_registry(address=self.hosts.registry.address)
            api.form(
                addresses={str(server["id"]): addresses[server["name"]] for server in bootstrap["servers"]},
                check=supervisor.check,
            )
        self.outcome = replace(self.outcome, engine="swarm", nodes=NAMES)

    def _target(self, bootstrap: Mapping[str, Any]) -> dict[str, str]:
        return {"clusterId": str(bootstrap["cluster"])}

    def _sample(self, port: int) -> Sample:
        """Return the sample where its gateway runs, which Swarm decides."""
        node = self._where(by=NAMES[0]).get(GATEWAY, {NAMES[0]})
        return Sample(url=f"http://{self.hosts.addresses()[min(node)]}:{port}")

    def _disturb(self, supervisor: Supervisor, bootstrap: Mapping[str, Any], project: str, port: int) -> None:
        """Remove a service, then cut a server off and have a vote counted by what Swarm starts on the others."""
        super()._disturb(supervisor, bootstrap, project, port)
        cut = self._expendable()
        with self.screen.step(f"{cut} is cut off, and a vote is counted all the same"):
            self.hosts.network.servers[cut].cut()
            self._count_without(cut, port=port, supervisor=supervisor)
        self.outcome = replace(self.outcome, survived=True)

    def _remove(self, project: str) -> None:
        """Remove a service with Docker alone: of a container Swarm itself would start another one."""
        engine = self.hosts.network.servers[NAMES[0]]
        ours = ("service", "ls", "--quiet", "--filter", f"label=axion.project={project}")
        found = engine.docker(*ours, "--filter", f"label=axion.service={SERVICE}").stdout.split()
        done = engine.docker("service", "rm", *found)
        if not found or done.returncode:
            raise DemoError(f"The service {SERVICE} could not be removed: {done.stderr}")

    def _expendable(self) -> str:
        """Return the server that runs most, of those that keep no data."""
        where = self._where(by=NAMES[0])
        keeping = {node for keeper in KEEPERS for node in where.get(keeper, ())}
        load = {name: sum(name in nodes for nodes in where.values()) for name in NAMES if name not in keeping}
        if not load:
            raise DemoError("Every server keeps data, so none can be cut off.")
        return max(load, key=lambda name: (load[name], name))

    def _count_without(self, cut: str, *, port: int, supervisor: Supervisor) -> None:
        by = next(name for name in NAMES if name != cut)
        give_up_at = time.monotonic() + SURVIVAL_SECONDS
        problem = "the gateway runs nowhere"
        while time.monotonic() < give_up_at:
            supervisor.check()
            for node in self._where(by=by).get(GATEWAY, set()) - {cut}:
                try:
                    count_a_vote(Sample(url=f"http://{self.hosts.addresses()[node]}:{port}"))
                except DemoError as error:
                    problem = str(error)
                else:
                    return
            time.sleep(POLL_SECONDS)
        raise DemoError(f"No vote was counted within {SURVIVAL_SECONDS:g} s after {cut} was cut off: {problem}")

    def _where(self, *, by: str) -> dict[str, set[str]]:
        """Return on which servers each service of the sample is meant to run, as this manager tells it."""
        engine = self.hosts.network.servers[by]
        stacks = engine.docker("stack", "ls", "--format", "{{.Name}}").stdout.split()
        wanted = ("--filter", "desired-state=running", "--format", "{{.Name}} {{.Node}}")
        found: dict[str, set[str]] = {}
        for stack in stacks:
            for line in engine.docker("stack", "ps", stack, *wanted).stdout.splitlines():
                task, _, node = line.partition(" ")
                found.setdefault(task.removeprefix(f"{stack}_").rpartition(".")[0], set()).add(node)
        return found
