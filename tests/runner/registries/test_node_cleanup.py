"""A node of a cluster loses the images that nothing needs: it has them by digest alone, and was never ordered to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.cleanup.loop import Housekeeper
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import HOST, run, trusted
from tests.runner.registries.projects import CodeProject
from tests.runner.registries.works import Works, digest, working
from tests.servers import own_docker
from tests.servers.own_docker import OwnDocker
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry, find_program

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"an engine of our own needs {own_docker.missing()}"),
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]
V1, V2, V3 = (str(number) * 16 for number in range(1, 4))


@pytest.fixture
def node(works: Works, gateway: TestGateway, tmp_path: Path) -> Iterator[Works]:
    """Another agent, which has built nothing, beside the one that did: of an engine both would be one node's."""
    (tmp_path / "node").mkdir()
    with working(gateway=gateway, folder=tmp_path / "node", address=HOST) as made:
        yield made


@pytest.fixture
def project(gateway: TestGateway, base_image: str, own: OwnDocker) -> Iterator[CodeProject]:
    made = CodeProject(gateway, base_image)
    yield made
    for container in own.docker("ps", "--all", "--quiet", "--filter", f"name={made.name}").stdout.split():
        own.docker("rm", "--force", container)
    for image in own.docker("images", "--quiet", "--filter", f"label=axion.project={made.id}").stdout.split():
        own.docker("rmi", "--force", image)


def pull_as_a_node(own: OwnDocker, registry: OwnRegistry, project: CodeProject, references: list[str]) -> None:
    """Leave nothing but what `docker service create --with-registry-auth` has a node pull."""
    for image in own.docker("images", "--quiet", "--filter", f"label=axion.project={project.id}").stdout.split():
        own.docker("rmi", "--force", image)
    client = ["docker", "--host", own.host, "--config", str(own.folder / "node")]
    with trusted(registry.authority):
        run([*client, "login", "--username", USER, "--password-stdin", HOST], given=PASSWORD)
        for reference in references:
            run([*client, "pull", "--quiet", reference])


def keeper(works: Works, *, seconds: float, told: list[pb.Inventory] | None = None) -> Housekeeper:
    factory = works.factory
    return Housekeeper(
        host=factory.host,
        journal=factory.journal,
        releases=factory._releases,
        send=(told if told is not None else []).append,
        now_ms=lambda: 0,
        cluster_image_seconds=seconds,
    )


def retention(project: CodeProject, *kept: str, in_cluster: bool = True) -> pb.Retention:
    stack = pb.KeptStack(stack_name=project.name, project_id=project.id, image_ids=kept, in_cluster=in_cluster)
    return pb.Retention(number=1, stacks=[stack])


def test_what_no_kept_deployment_needs_and_no_task_has_goes(
    works: Works, node: Works, registry: OwnRegistry, own: OwnDocker, project: CodeProject
) -> None:
    references = [works.publish(project.version(tag))["web"] for tag in (V1, V2, V3)]
    pull_as_a_node(own, registry, project, references)
    first, second, third = (digest({"web": reference}) for reference in references)
    # A task that Swarm keeps for its history.
    own.docker("create", "--name", f"{project.name}-task", references[1])

    def there() -> set[str]:
        listed = own.docker(
            "images", "--digests", "--format", "{{.Digest}}", "--filter", f"label=axion.project={project.id}"
        )
        return set(listed.stdout.split())

    assert there() == {first, second, third}
    # As a server alone it is not this agent's, which no command ever told of it.
    alone = keeper(node, seconds=0.0)
    alone.retain(retention(project, third, in_cluster=False))
    alone._clean_up_if_due()
    assert there() == {first, second, third}
    # Whoever has just pulled something may be about to start it.
    patient = keeper(node, seconds=3600.0)
    patient.retain(retention(project, third))
    patient._clean_up_if_due()
    assert there() == {first, second, third}

    inventories: list[pb.Inventory] = []
    prompt = keeper(node, seconds=0.0, told=inventories)
    prompt.retain(retention(project, third))
    prompt._clean_up_if_due()
    assert there() == {second, third}
    # Nothing is missing here of what it would pull.
    prompt._send_inventory()
    assert list(inventories[-1].missing_image_ids) == []
    # The project is gone from history, and its images still are of a stack of this cluster.
    own.docker("rm", f"{project.name}-task")
    prompt.retain(pb.Retention(number=2))
    prompt._clean_up_if_due()
    assert there() == set()
    # A node that lacks one pulls it by its digest.
    pull_as_a_node(own, registry, project, references[2:])
    assert there() == {third}
