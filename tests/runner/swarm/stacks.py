"""Stacks for a Swarm, generated from a graph as the product does it, and what the engines say of their tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from stackgen.graph.reader import parse_graph
from stackgen.results import StackOptions
from stackgen.stack import generate
from tests.runner.served import _spec as spec_of
from tests.stackgen.graphs import graph, node

# Virtual addresses and the routing mesh do not work on every test machine.
OPTIONS = StackOptions(engine="swarm", swarm_ports="host", swarm_endpoints="dnsrr", health_interval_seconds=1)
CHECK = "python -c \"import sys; sys.exit(open('/tmp/ready').read() == 'sick')\""


@dataclass(frozen=True, kw_only=True)
class SwarmStack:
    """One project in one cluster. `nodes` are config keys by node; `numbers` are those of its commands so far."""

    name: str
    project_id: str
    image: str
    nodes: Mapping[str, Mapping[str, str]]
    window: int = 1
    deadline: int = 60
    encrypted: bool = False
    numbers: list[int] = field(default_factory=list)

    def with_node(self, name: str, **config: str) -> SwarmStack:
        return replace(self, nodes={**self.nodes, name: {**self.nodes.get(name, {}), **config}})

    def without(self, name: str) -> SwarmStack:
        return replace(self, nodes={each: config for each, config in self.nodes.items() if each != name})

    def deploy(self, *, pinned: Mapping[str, str] | None = None, force: bool = False) -> pb.Command:
        stack = generate(
            graph=parse_graph(self._graph()),
            stack_name=self.name,
            project_id=self.project_id,
            code={},
            env_names=("PASSWORD",),
            options=replace(OPTIONS, encrypted=self.encrypted),
        )
        order = pb.Deploy(
            stack_name=self.name,
            files=dict(stack.files),
            services=[spec_of(service) for service in stack.services],
            variable_names=[variable.name for variable in stack.variables],
            force_redeploy=force,
            health_deadline_seconds=self.deadline,
            health_window_seconds=self.window,
            restore_on_failure=True,
            pinned_images=pinned,
            engine="swarm",
        )
        return self._command("deploy", f"d{len(self.numbers)}-{uuid4().hex[:8]}", deploy=order)

    def stop(self) -> pb.Command:
        order = pb.Deploy(stack_name=self.name, engine="swarm", restore_on_failure=True)
        return self._command("deploy", f"d{len(self.numbers)}-{uuid4().hex[:8]}", deploy=order)

    def revert(self, command: pb.Command, *, keep_proven: bool = False) -> pb.Command:
        order = pb.Revert(stack_name=self.name, asked_by="alice", engine="swarm", keep_proven=keep_proven)
        return self._command("revert", command.deployment_id, revert=order)

    def again(self, command: pb.Command, *, reports: int) -> pb.Command:
        """The same command for another agent: under the lane's next number, as the ledger gives it."""
        self.numbers.append(1)
        moved = pb.Command()
        moved.CopyFrom(command)
        moved.number, moved.last_report_number = len(self.numbers), reports
        return moved

    def _graph(self) -> dict[str, Any]:
        return graph(*(self._node(name, config) for name, config in self.nodes.items()))

    def _node(self, name: str, config: Mapping[str, str]) -> dict[str, Any]:
        return node(
            name,
            image=self.image,
            healthCommand=CHECK,
            **{"stopGraceSeconds": "2", "healthStartPeriod": "1s", **config},
        )

    def _command(self, kind: str, deployment_id: str, **payload: pb.Deploy | pb.Revert) -> pb.Command:
        self.numbers.append(1)
        return pb.Command(
            command_id=f"{kind}-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=deployment_id,
            project_id=self.project_id,
            **payload,  # type: ignore[arg-type]
        )
