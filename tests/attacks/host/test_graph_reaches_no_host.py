"""The author of a graph wants the server: nothing in a graph gives a container anything of the host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.services.stacks.privileges import privileged
from stackgen.errors import GraphInvalid
from stackgen.results import Engine, Stack, StackOptions
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web

# All that a generated service may be made of. A new key needs a thought of what it gives away.
COMPOSE_KEYS = {
    "image", "build", "init", "hostname", "command", "environment", "volumes", "configs", "ports", "networks",
    "depends_on", "healthcheck", "restart", "security_opt", "cap_drop", "stop_grace_period", "deploy",
    "logging", "labels",
}  # fmt: skip
SOCKET = "/var/run/docker.sock"
WISHES = (
    {"privileged": "true"}, {"volume": f"{SOCKET}:{SOCKET}"}, {"volumes": "/:/host"}, {"binds": "/:/host"},
    {"capAdd": "SYS_ADMIN"}, {"devices": "/dev/kvm"}, {"pid": "host"}, {"network_mode": "host"}, {"user": "0:0"},
    {"security_opt": "seccomp:unconfined"}, {"env.DOCKER_HOST": f"unix://{SOCKET}"}, {"labels": "traefik.enable=true"},
    {"env.X": "\"\n    privileged: true\n    y: \""}, {"command": "--volume=/:/host"}, {"extraHosts": "h:host-gateway"},
)  # fmt: skip


def stack_with(engine: Engine, **config: Any) -> Stack:
    """Every type of node, each with these wishes and an image of the author's choice where one can be chosen."""
    nodes = (
        node("edge", GATEWAY, gateway="traefik", port="8080", image="mallory/anything", **config),
        node("door", GATEWAY, port="8081", image="mallory/anything", **config),
        web("app", **config),
        node("db", DATABASE, databaseType="postgresql", image="mallory/postgres:16", **config),
    )
    return stack_of(graph(*nodes, edges=["edge app", "door app", "app db"]), options=StackOptions(engine=engine))


@pytest.mark.parametrize("engine", ["compose", "swarm"])
@pytest.mark.parametrize("wish", WISHES, ids=json.dumps)
def test_no_wish_gets_anything_of_the_host(engine: Engine, wish: dict[str, str]) -> None:
    try:
        stack = stack_with(engine, **wish)
    except GraphInvalid:
        return
    document = compose_of(stack)
    # What reaches the host is refused in the plan unless its owner allows it.
    named = {service for service, _ in privileged(stack.files["docker-compose.yml"])}
    for name, service in document["services"].items():
        assert service.keys() <= COMPOSE_KEYS or name in named, name
        assert [source for source in sources(service) if source not in document["volumes"]] == []
        assert all(key.startswith("axion.") for key in service["labels"])
    assert all(volume.keys() <= {"name", "labels"} for volume in document["volumes"].values())
    assert all(network.keys() <= {"driver", "labels"} for network in document["networks"].values())


def sources(service: dict[str, Any]) -> list[str]:
    return [str(each).split(":")[0] for each in service.get("volumes", ())]


def test_every_service_is_bounded_and_gains_no_rights() -> None:
    for service in compose_of(stack_with("compose"))["services"].values():
        assert (service["security_opt"], service["cap_drop"]) == (["no-new-privileges:true"], ["NET_RAW"])
        assert service["deploy"]["resources"]["limits"]["pids"] == 2048
    for service in compose_of(stack_with("swarm"))["services"].values():
        assert service["cap_drop"] == ["NET_RAW"]
        assert service["deploy"]["resources"]["limits"]["pids"] == 2048


def test_a_node_says_how_many_processes_it_needs() -> None:
    assert compose_of(stack_with("compose", processes="64"))["services"]["app"]["deploy"]["resources"] == {
        "limits": {"pids": 64}
    }
    for wrong in ("0", "-1", "40000", "unlimited"):
        with pytest.raises(GraphInvalid, match=r"config\.processes"):
            stack_with("compose", processes=wrong)
