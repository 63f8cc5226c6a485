"""Runs Docker's command line for one command's work: its output goes to the log, its end can be asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.runner.activity import WorkProgress
from agents.runner.control_plane.reports import Reporter
from agents.runner.docker import arguments, processes
from agents.runner.docker.versions import numbers_of
from agents.runner.errors import StepFailedError
from agents.runner.interrupt import Interrupt

TAIL_LINES = 30
# Enough of a command line to know it by; what follows may be anything.
MAX_WORDS = 2
PULL_SECONDS = 900.0
VERSION_SECONDS = 20.0
INSPECT_SECONDS = 60.0
TASK_LOG_SECONDS = 10.0
# What Docker's command line needs of our environment; nothing else of it reaches a project's file.
PASSED_ON = (
    "PATH",
    "HOME",
    "TMPDIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


@dataclass(frozen=True, kw_only=True)
class DockerCommands:
    """`marker` is put on every process started. `client_config`: what stands for DOCKER_CONFIG, where anything does."""

    marker: str
    reporter: Reporter
    progress: WorkProgress
    client_config: Path | None = None

    def build(
        self, *, order: arguments.Build, values: Mapping[str, str], service: str, deadline: float, interrupt: Interrupt
    ) -> None:
        """Build the image; `values` are those of its secrets. Raises StepFailedError(build) with the last lines."""
        ended, tail = self._run(
            argv=arguments.build(order),
            extra={"DOCKER_BUILDKIT": "1", **values},
            deadline=deadline,
            interrupt=interrupt,
            say=lambda line: self.reporter.log(source="build", service=service, text=line),
        )
        if ended.late:
            message = f"Building {service} took longer than {deadline:.0f} s."
            raise StepFailedError("build", message, service=service, log_tail=tail)
        if ended.code != 0:
            raise StepFailedError("build", f"Building {service} failed: see its log.", service=service, log_tail=tail)

    def require_buildkit(self, *, secret: str, service: str, interrupt: Interrupt) -> None:
        """Raise StepFailedError(build) where nothing here keeps a secret out of what it builds."""
        argv = ["docker", "buildx", "inspect"]
        ended, tail = self._run(argv=argv, extra={}, deadline=INSPECT_SECONDS, interrupt=interrupt, say=lambda _: None)
        if ended.late or ended.code != 0:
            message = (
                f"{service} was not built: config.buildSecret.{secret} needs BuildKit, and `docker buildx inspect` "
                "finds none on this host."
            )
            raise StepFailedError("build", message, service=service, log_tail=tail)

    def pull(self, *, image: str, service: str, interrupt: Interrupt) -> None:
        """Pull the image. Raises StepFailedError(image) with the last lines of output."""
        ended, tail = self._run(
            argv=arguments.pull(image),
            extra={},
            deadline=PULL_SECONDS,
            interrupt=interrupt,
            say=lambda line: self.reporter.log(source="build", service=service, text=line),
        )
        if ended.late:
            message = f"Pulling the image {image} of {service} was not done within {PULL_SECONDS:.0f} s."
            raise StepFailedError("image", message, service=service, log_tail=tail)
        if ended.code != 0:
            message = f"The image {image} of {service} is not on this host and could not be pulled."
            raise StepFailedError("image", message, service=service, log_tail=tail)

    def up(
        self, *, order: arguments.Up, values: Mapping[str, str], deadline: float, interrupt: Interrupt
    ) -> tuple[processes.Ending, tuple[str, ...]]:
        """Run `up`; return how Compose ended and its last lines. What they mean is judged by what runs."""
        ended, tail = self._run(
            argv=arguments.up(order),
            extra={"COMPOSE_IGNORE_ORPHANS": "1", **values},
            deadline=deadline,
            interrupt=interrupt,
            say=lambda line: self.reporter.log(source="apply", text=line),
        )
        return ended, tail

    def stack_deploy(
        self, *, stack: str, folder: Path, values: Mapping[str, str], deadline: float, interrupt: Interrupt
    ) -> tuple[processes.Ending, tuple[str, ...]]:
        """Hand the stack in this folder to the Swarm; return how that ended and its last lines."""
        return self._run(
            argv=arguments.stack_deploy(stack=stack, folder=folder),
            extra=values,
            deadline=deadline,
            interrupt=interrupt,
            say=lambda line: self.reporter.log(source="apply", text=line),
        )

    def task_log(self, *, task_id: str, lines: int, interrupt: Interrupt) -> tuple[str, ...]:
        """Return a task's last lines, from whichever node it ran on; empty when they cannot be had within seconds."""
        argv = arguments.task_log(task_id=task_id, lines=lines)
        ended, tail = self._run(argv=argv, extra={}, deadline=TASK_LOG_SECONDS, interrupt=interrupt, say=lambda _: None)
        return tail if ended.code == 0 else ()

    def compose_version(self, *, interrupt: Interrupt) -> tuple[int, ...]:
        """Return Compose's version, such as (2, 26, 1); empty when it cannot be read."""
        ended, tail = self._run(
            argv=arguments.compose_version(),
            extra={},
            deadline=VERSION_SECONDS,
            interrupt=interrupt,
            say=lambda _: None,
        )
        return numbers_of(tail[-1]) if ended.code == 0 and tail else ()

    def follow(
        self, *, container_id: str, service: str, deadline: float, interrupt: Interrupt
    ) -> tuple[processes.Ending, tuple[str, ...]]:
        """Log what the container writes until it ends; return how the following ended and the last lines."""
        return self._run(
            argv=arguments.follow(container_id),
            extra={},
            deadline=deadline,
            interrupt=interrupt,
            say=lambda line: self.reporter.log(source="service", service=service, text=line),
        )

    def _run(
        self,
        *,
        argv: list[str],
        extra: Mapping[str, str],
        deadline: float,
        interrupt: Interrupt,
        say: Callable[[str], None],
    ) -> tuple[processes.Ending, tuple[str, ...]]:
        tail: deque[str] = deque(maxlen=TAIL_LINES)

        def on_line(line: str) -> None:
            tail.append(line.rstrip("\n"))
            say(line)

        self.progress.begin_step(" ".join(argv[:MAX_WORDS]))
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if self.client_config is not None:
            passed_on["DOCKER_CONFIG"] = str(self.client_config)
        child = processes.Child(argv=argv, environment={**passed_on, **extra}, marker=self.marker, deadline=deadline)
        return processes.run(child=child, interrupt=interrupt, on_line=on_line), tuple(tail)
