"""Projects whose services are built from code that differs by version."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from tests.runner.gateway import TestGateway
from tests.runner.registries.works import NAMESPACE
from tests.runner.stacks import Service, Stack


class CodeProject:
    """A stack of one service whose code differs by version."""

    def __init__(self, gateway: TestGateway, base_image: str) -> None:
        self.name = f"axion-test-{uuid4().hex[:8]}"
        self.id = str(uuid4())
        self._gateway = gateway
        self._base = base_image
        self._numbers: list[int] = []

    def version(self, tag: str, *, service: str = "web", project_id: str = "") -> pb.Command:
        dockerfile = f"FROM {self._base}\nRUN echo {tag}-{service}-{self.name} > /version\n"
        bundle = self._gateway.add_bundle({"Dockerfile": dockerfile})
        one = Service(name=service, image=f"axion/{self.name}-{service}:{tag}", bundle=bundle, version=tag)
        of_project = project_id or self.id
        return Stack(name=self.name, project_id=of_project, services=(one,), numbers=self._numbers).deploy()

    def of_image(self, image: str) -> Callable[[], pb.Command]:
        """As a stack of one service that is not built."""
        stack = Stack(
            name=self.name, project_id=self.id, services=(Service(name="web", image=image),), numbers=self._numbers
        )
        return stack.deploy

    def repository(self, service: str = "web") -> str:
        return f"{NAMESPACE}/{self.name}-{service}"

    def remove_images(self) -> None:
        listed = subprocess.run(
            ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], text=True, capture_output=True, check=True
        )
        for image in listed.stdout.split():
            if f"{self.name}-" in image:
                subprocess.run(["docker", "rmi", "--force", image], capture_output=True, check=False)
