"""What is built goes to a real registry: once, with a percentage that moves, and is known by its digest afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from agents.runner.docker.registries.certificates import FOLDER
from agents.runner.errors import InterruptedWorkError, StepFailedError
from agents.runner.interrupt import REVERTED, Interrupt
from agents.runner.planning import progress
from agents.runner.planning.push_progress import PushProgress
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import HOST, login
from tests.runner.registries.works import Works, publish
from tests.runner.stacks import Service, Stack
from tests.servers import own_docker
from tests.servers.own_docker import OwnDocker
from tests.servers.own_registry import OwnRegistry, find_program

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"an engine of our own needs {own_docker.missing()}"),
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]


@pytest.fixture
def stack(gateway: TestGateway, base_image: str, own: OwnDocker) -> Iterator[Stack]:
    """Two services of one code, which has a file that takes a while to send, and one that is not built."""
    name = f"axion-test-{uuid4().hex[:8]}"
    dockerfile = (
        f"FROM {base_image}\nRUN python -c \"import os; open('/big', 'wb').write(os.urandom(24 << 20))\"\n"
        f"RUN echo {name} > /name\n"
    )
    bundle = gateway.add_bundle({"Dockerfile": dockerfile, "main.py": name})
    services = (
        Service(name="web", image=f"axion/{name}-web:c1", bundle=bundle),
        Service(name="db", image=base_image),
    )
    yield Stack(name=name, project_id=str(uuid4()), services=services)
    for image in own.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        if f"{name}-" in image:
            own.docker("rmi", "--force", image)


def test_it_is_built_and_pushed_once_for_the_same_content(
    works: Works, registry: OwnRegistry, own: OwnDocker, stack: Stack
) -> None:
    first, again = stack.deploy(), stack.deploy()
    published = works.publish(first)
    assert published.keys() == {"web"}
    name, _, digest = published["web"].partition("@")
    assert name == f"{HOST}/team/axion/{stack.name}-web"
    # The registry's own word, by way of another client.
    told = own.docker("image", "inspect", f"{name}:c1", "--format", "{{index .RepoDigests 0}}").stdout.strip()
    assert told == f"{name}@{digest}"
    percents = works.percents(first)
    assert percents == sorted(set(percents))
    assert (percents[0], percents[-1]) == (progress.PUSHING_FIRST, progress.IMAGES_LAST)
    assert len(percents) > 3, "it moved with the bytes"
    own.docker("rmi", "--force", f"{name}:c1", f"axion/{stack.name}-web:c1")
    uploads = registry.uploads()
    assert works.publish(again) == published
    assert registry.uploads() == uploads
    assert works.log(again, source="build") == ""
    assert works.percents(again) == []
    assert not (FOLDER / HOST).exists()


def test_a_registry_that_is_away_is_asked_again(works: Works, registry: OwnRegistry, stack: Stack) -> None:
    both = stack.with_service("db", image=f"axion/{stack.name}-db:c1", bundle=stack.services[0].bundle)
    first = both.deploy()
    registry.stop()
    later = threading.Timer(3.0, registry.start)
    later.start()
    try:
        published = works.publish(first)
    finally:
        later.join()
    assert "it is asked again" in works.log(first, source="agent")
    assert published.keys() == {"web", "db"}
    assert works.publish(both.deploy()) == published


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "wrong and wrong"}, "does not accept deployer for"),
        ({"ca_certificate": ""}, "does not trust the certificate of the registry"),
    ],
)
def test_a_registry_that_does_not_take_it_is_named(
    works: Works, registry: OwnRegistry, stack: Stack, change: dict[str, str], sentence: str
) -> None:
    works.gateway.registries = [login(registry, **change)]
    with pytest.raises(StepFailedError) as failed:
        works.publish(stack.deploy())
    assert (failed.value.reason, failed.value.service) == ("image", "web")
    assert sentence in failed.value.message
    assert f"{HOST}/team/axion/{stack.name}-web:c1" in failed.value.message
    assert not (FOLDER / HOST).exists()


def test_a_cancel_ends_a_push_at_once(works: Works, registry: OwnRegistry, stack: Stack) -> None:
    command, interrupt = stack.deploy(), Interrupt()
    work = works.on(command, interrupt)
    frozen = threading.Event()

    def freeze_and_cancel() -> None:
        works.gateway.until(lambda: works.percents(command), what="the push", seconds=60)
        registry.freeze()
        frozen.set()
        interrupt.set(REVERTED)

    canceller = threading.Thread(target=freeze_and_cancel, daemon=True)
    canceller.start()
    try:
        with pytest.raises(InterruptedWorkError):
            publish(work, command)
        assert frozen.is_set()
    finally:
        registry.thaw()
        canceller.join(30)
    assert works.publish(stack.deploy()).keys() == {"web"}


def test_progress_counts_bytes_of_what_has_to_be_sent() -> None:
    seen = PushProgress()

    def note(layer: str, status: str, current: int = 0, total: int = 0) -> float:
        seen.note({"id": layer, "status": status, "progressDetail": {"current": current, "total": total}})
        return seen.fraction

    assert [note(layer, "Preparing") for layer in "abc"] == [0.0, 0.0, 0.0]
    assert note("a", "Layer already exists") == 0.0
    assert note("b", "Pushing", 50, 100) == 0.25
    assert note("b", "Pushing", 120, 100) == 0.5
    assert note("c", "Pushing", 100, 300) == 0.5
    assert note("c", "Pushed") == 1.0
    assert note("b", "Pushed") == 1.0
    seen.note({"progressDetail": {}, "aux": {"Tag": "1", "Digest": "sha256:d"}})
    assert (seen.fraction, seen.digest) == (1.0, "sha256:d")
