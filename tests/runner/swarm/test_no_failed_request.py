"""A client that never stops asking the gateway of a cluster sees no failed request, forward and back.

Two things are not as on most clusters: the kernels of test machines know no virtual addresses, so the gateway finds the
tasks by their addresses (dnsrr), and its port is the host's own instead of the routing mesh's.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.runner.served import DOCKERFILE, SERVER, free_port, hammering
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned
from tests.runner.swarm.faults import done, versions
from tests.runner.swarm.stacks import SwarmStack
from tests.stackgen.graphs import GATEWAY, graph, node

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    asked_for(takes="starts three engines"),
]
GATEWAY_IMAGE = "caddy:2"


@dataclass(frozen=True, kw_only=True)
class ServedStack(SwarmStack):
    """edge, on the first server, leads to api and to pages on whichever servers Swarm takes."""

    port: int

    def _graph(self) -> dict[str, Any]:
        common = {"image": self.image, "port": "8000", "healthPath": "/health", "stopGraceSeconds": "5"}
        return graph(
            node("edge", GATEWAY, hostPort=str(self.port), placement="node.hostname == server-1"),
            *(node(name, **{**common, "env__READY_AFTER": "1", **config}) for name, config in self.nodes.items()),
            edges=[f"edge {name}" for name in self.nodes],
        )


@pytest.fixture(scope="module")
def server_image(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose program ends at once when it is told to, on all engines, with the image of the gateway."""
    tag = f"axion-test-served/swarm:{uuid4().hex[:8]}"
    folder: Path = tmp_path_factory.mktemp("served")
    for name, text in (("Dockerfile", DOCKERFILE), ("server.py", SERVER)):
        (folder / name).write_text(text)
    subprocess.run(["docker", "build", "-q", "-t", tag, str(folder)], check=True, capture_output=True)
    cluster.engines.copy_images(tag, GATEWAY_IMAGE)
    yield tag
    subprocess.run(["docker", "rmi", "--force", tag], check=True, capture_output=True)


@pytest.mark.parametrize("copies", ["1", "2"])
def test_no_request_fails_while_services_are_replaced_and_put_back(
    cluster: Cluster, man: Callable[[int], Manned], server_image: str, copies: str
) -> None:
    manned = man(0)
    nodes = {"api": {"replicas": copies, "env__VERSION": "1"}, "pages": {"env__VERSION": "p"}}
    name = f"axion-test-{uuid4().hex[:8]}"
    served = ServedStack(name=name, project_id=str(uuid4()), image=server_image, nodes=nodes, port=free_port())
    try:
        first = done(manned, served.deploy())
        kept = cluster.ids(served)
        with hammering(served.port, host=cluster.servers[0].address) as hammer:
            hammer.wait_for("1")
            done(manned, served.with_node("api", env__VERSION="2").deploy())
            hammer.wait_for("2")
            pinned = {each.service_name: each.image_digest for each in first.services}
            done(manned, served.deploy(pinned=pinned))
        assert versions(cluster, served, "api") == {"1"}
        assert hammer.failures == [], Counter(each.failure or each.cut for each in hammer.failures)
        assert hammer.versions() == {"1", "2"}
        after = cluster.ids(served)
        assert {service: after[service] for service in ("edge", "pages")} == {
            service: kept[service] for service in ("edge", "pages")
        }
    finally:
        cluster.servers[0].docker("stack", "rm", name)
