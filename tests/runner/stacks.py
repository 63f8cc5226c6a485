"""Small stacks for tests: Python services in three levels that say what they are and answer a health check at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from agents.contracts import runner_pb2 as pb

PROGRAM = """
import os, signal, sys, time
mode = os.environ.get("MODE", "healthy")
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(3 if mode == "slow" else 0), sys.exit(0)))
print("mode", mode, "password", os.environ.get("PASSWORD", "none"), flush=True)
if mode == "crash":
    sys.exit(3)
if mode == "hungry":
    kept = bytearray(256 * 1024 * 1024)
open("/tmp/ready", "w").write(mode)
while True:
    time.sleep(0.2)
"""
CHECK = "import sys; sys.exit(open('/tmp/ready').read() == 'sick')"
DOCKERFILE = 'FROM python:3.13-slim\nCOPY main.py /main.py\nCMD ["python", "/main.py"]\n'


@dataclass(frozen=True, kw_only=True)
class Service:
    """`version` is part of the content: another one is another hash."""

    name: str
    image: str
    level: int = 0
    needs: tuple[str, ...] = ()
    mode: str = "healthy"
    version: str = "1"
    bundle: str = ""
    dockerfile: str = ""
    volume: bool = False
    grace: int = 10
    memory: str = ""
    starts_first: bool = False
    # A program in place of the usual one makes a job of it.
    job: str = ""
    repeatable: bool = False
    by_hand: bool = False
    schedule: str = ""
    overlap: str = "forbid"
    timeout: int = 60
    # In place of the stack's.
    interval: str = ""

    @property
    def content_hash(self) -> str:
        return f"{self.name}-{self.mode}-{self.version}{self.job and '-job'}"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One project on one target. `number` counts its commands."""

    name: str
    project_id: str
    services: tuple[Service, ...]
    window: int = 0
    deadline: int = 60
    restart: str = "unless-stopped"
    secret: bool = False
    interval: str = "500ms"
    start_period: str = ""
    numbers: list[int] = field(default_factory=list)

    def with_service(self, name: str, **changes: object) -> Stack:
        services = tuple(
            replace(service, **changes) if service.name == name else service  # type: ignore[arg-type]
            for service in self.services
        )
        return replace(self, services=services)

    def deploy(
        self,
        *,
        force: bool = False,
        restore: bool = True,
        pinned: Mapping[str, str] | None = None,
        restarts: tuple[str, ...] = (),
    ) -> pb.Command:
        self.numbers.append(1)
        dockerfiles = {service.dockerfile: DOCKERFILE for service in self.services if service.dockerfile}
        order = pb.Deploy(
            stack_name=self.name,
            files={"docker-compose.yml": self.compose(), **dockerfiles},
            services=[self._spec(service) for service in self.services if not service.job],
            jobs=[self._job(service) for service in self.services if service.job],
            variable_names=["PASSWORD_VALUE"] if self.secret else [],
            force_redeploy=force,
            health_deadline_seconds=self.deadline,
            health_window_seconds=self.window,
            build_deadline_seconds=60,
            restore_on_failure=restore,
            pinned_images=pinned,
            restarts=restarts,
        )
        return pb.Command(
            command_id=f"deploy-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=f"d{len(self.numbers)}-{uuid4().hex[:8]}",
            project_id=self.project_id,
            deploy=order,
        )

    def stop(self) -> pb.Command:
        return replace(self, services=()).deploy()

    def revert(self, command: pb.Command) -> pb.Command:
        self.numbers.append(1)
        return pb.Command(
            command_id=f"revert-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=command.deployment_id,
            project_id=self.project_id,
            revert=pb.Revert(stack_name=self.name, asked_by="alice", cause="cancelled"),
        )

    def delete_volume(self, name: str) -> pb.Command:
        self.numbers.append(1)
        return pb.Command(
            command_id=f"delete-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=f"v{len(self.numbers)}-{uuid4().hex[:8]}",
            project_id=self.project_id,
            delete_volume=pb.DeleteVolume(stack_name=self.name, volume_name=name),
        )

    def check_reach(self, *endpoints: tuple[str, str, int]) -> pb.Command:
        """Node id, host and port each."""
        self.numbers.append(1)
        wanted = [pb.Endpoint(node_id=node, host=host, port=port) for node, host, port in endpoints]
        return pb.Command(
            command_id=f"reach-{uuid4().hex[:8]}",
            lane=f"reach:{self.project_id}",
            number=len(self.numbers),
            deployment_id=f"v{len(self.numbers)}-{uuid4().hex[:8]}",
            project_id=self.project_id,
            check_reach=pb.CheckReach(endpoints=wanted),
        )

    def inspect(self) -> pb.Command:
        self.numbers.append(1)
        return pb.Command(
            command_id=f"inspect-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=f"i{len(self.numbers)}-{uuid4().hex[:8]}",
            project_id=self.project_id,
            inspect_host=pb.InspectHost(),
        )

    def _job(self, service: Service) -> pb.JobSpec:
        return pb.JobSpec(
            service=self._spec(service),
            repeatable=service.repeatable,
            by_hand=service.by_hand or bool(service.schedule),
            schedule=service.schedule,
            overlap=service.overlap,
            timeout_seconds=service.timeout,
            needs=service.needs,
        )

    def _spec(self, service: Service) -> pb.ServiceSpec:
        return pb.ServiceSpec(
            node_id=f"node-{service.name}",
            name=service.name,
            image=service.image,
            bundle_digest=service.bundle,
            dockerfile=service.dockerfile,
            depends_on=service.needs,
            has_health_check=True,
            replicas=1,
            content_hash=service.content_hash,
            level=service.level,
            starts_first=service.starts_first,
        )

    def compose(self) -> str:
        document = {
            "services": {service.name: self._compose_service(service) for service in self.services},
            "volumes": {f"{s.name}-data": {} for s in self.services if s.volume},
        }
        return json.dumps(document)

    def _condition(self, need: str) -> dict[str, str]:
        jobs = {service.name for service in self.services if service.job}
        return {"condition": "service_completed_successfully" if need in jobs else "service_healthy"}

    def _compose_service(self, service: Service) -> dict[str, object]:
        environment = {"MODE": service.mode, "VERSION": service.version}
        if self.secret:
            environment["PASSWORD"] = "${PASSWORD_VALUE:?}"
        return {
            "image": service.image,
            "init": True,
            "restart": self.restart,
            "stop_grace_period": f"{service.grace}s",
            "environment": environment,
            **({"profiles": ["jobs"]} if service.schedule else {}),
            **({"mem_limit": service.memory} if service.memory else {}),
            "volumes": [f"{service.name}-data:/data"] if service.volume else [],
            "depends_on": {need: self._condition(need) for need in service.needs},
            **({"command": ["python", "-c", service.job], "restart": "no"} if service.job else {}),
            "healthcheck": {
                "test": ["CMD", "python", "-c", CHECK],
                "interval": service.interval or self.interval,
                "timeout": "20s",
                "retries": 3,
                **({"start_period": self.start_period} if self.start_period else {}),
            },
        }
