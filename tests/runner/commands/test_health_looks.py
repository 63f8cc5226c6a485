"""Looks at containers by their own health command, on a real engine; Docker itself would ask in an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.runner.commands.context import Work
from agents.runner.commands.starting.health_looks import HealthLooks
from agents.runner.docker.host import DockerHost
from agents.runner.interrupt import REVERTED, Interrupt
from agents.runner.planning.inspected import container_of
from agents.runner.planning.model import Container

pytestmark = pytest.mark.docker
HOUR = 3600 * 1_000_000_000
COUNTS = "echo . >> /tmp/looks; test -e /tmp/well"
HANGS = "echo . >> /tmp/looks; exec sleep 1000"
Make = Callable[..., Container]


class Looking:
    """One applier's worth of looks, woken as an applier is."""

    def __init__(self) -> None:
        self.interrupt = Interrupt()
        self.host = DockerHost()
        self.woken = threading.Event()
        work = SimpleNamespace(host=self.host, clock=time.monotonic, interrupt=self.interrupt)
        self.looks = HealthLooks(work=cast(Work, work), wake=self.woken.set)

    def until(self, done: Callable[[], bool], *containers: Container) -> set[str]:
        """Look on until it is done; the ids of what has answered."""
        answered: set[str] = set()
        give_up_at = time.monotonic() + 60
        while not done() and not answered:
            assert time.monotonic() < give_up_at
            self.looks.look(containers)
            self.woken.wait(min(1.0, self.looks.next_look()))
            self.woken.clear()
            answered |= {run[0] for run in self.looks.answered()}
        return answered

    def rests(self) -> bool:
        """Tell whether no look is underway or will be."""
        return self.looks.underway == 0 and self.looks.next_look() == float("inf")

    def count(self, container: Container) -> int:
        """How often the command was begun in the container."""
        argv = ["sh", "-c", "cat /tmp/looks 2>/dev/null | wc -l"]
        return int(
            self.host.run_inside(container_id=container.id, argv=argv, seconds=30, interrupt=Interrupt())[1].strip()
        )


@pytest.fixture
def make(engine: Any, base_image: str) -> Iterator[Make]:
    made: list[str] = []

    def start(check: list[str], *, timeout: float = 30) -> Container:
        health = {"test": check, "interval": HOUR, "timeout": int(timeout * 1_000_000_000)}
        config = engine.create_host_config(init=True)
        made.append(engine.create_container(base_image, host_config=config, healthcheck=health)["Id"])
        engine.start(made[-1])
        return container_of(engine.inspect_container(made[-1]))

    yield start
    for each in made:
        engine.remove_container(each, force=True)


@pytest.fixture
def looking() -> Iterator[Looking]:
    started = Looking()
    yield started
    started.looks.close()


def test_it_asks_until_the_container_answers(make: Make, looking: Looking) -> None:
    well, other = make(["CMD-SHELL", COUNTS]), make(["CMD-SHELL", COUNTS])
    assert looking.until(lambda: looking.count(well) >= 3, well, other) == set()
    looking.host.run_inside(container_id=well.id, argv=["touch", "/tmp/well"], seconds=30, interrupt=Interrupt())
    assert looking.until(lambda: False, well, other) == {well.id}
    # Whoever is not asked for any more wakes nobody.
    looking.looks.look(())
    assert looking.looks.next_look() == float("inf")


def test_a_command_that_hangs_is_not_run_again(make: Make, looking: Looking) -> None:
    hung, unchecked = make(["CMD-SHELL", HANGS], timeout=1), make(["NONE"])
    assert looking.until(lambda: looking.count(hung) == 1 and looking.rests(), hung, unchecked) == set()
    looking.looks.look((hung, unchecked))
    assert looking.rests()
    assert looking.count(hung) == 1


def test_the_end_of_the_work_ends_a_look(make: Make, looking: Looking) -> None:
    hung = make(["CMD-SHELL", HANGS])
    looking.looks.look((hung,))
    give_up_at = time.monotonic() + 60
    while not looking.count(hung):
        assert time.monotonic() < give_up_at
    looking.woken.clear()
    looking.interrupt.set(REVERTED)
    # Long before the 30 s that its command may take.
    assert looking.woken.wait(20)
    assert looking.looks.answered() == ()
