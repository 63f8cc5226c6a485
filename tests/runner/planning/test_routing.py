"""What a gateway is told, on configurations as they are generated. No Docker."""

from __future__ import annotations

import pytest

from agents.runner.planning.model import Container, Release
from agents.runner.planning.routing import (
    Route,
    admin_url,
    count_open_requests,
    gateway_config,
    host_names,
    routed_config,
    serving_containers,
)
from tests.stackgen.graphs import GATEWAY, graph, node, stack_of, web


def generated(*, edge: str = "edge") -> str:
    shop = graph(node(edge, GATEWAY), web("api"), web("chat"), edges=[f"{edge} api", f"{edge} chat"])
    release = Release(deployment_id="d", project_id="p", stack="s", files=stack_of(shop).files, services=())
    return gateway_config(release, edge)


def upstreams(text: str) -> list[str]:
    """Every place a request may go to, in the file's order."""
    return [line.strip().removesuffix(" {") for line in text.splitlines() if "reverse_proxy" in line]


def test_only_the_services_that_switch_are_led() -> None:
    text = routed_config(generated(), {"api": Route(to=("s-api-2", "s-api-3"), away=("s-api-1",))})
    assert upstreams(text) == [
        "reverse_proxy chat:80",
        "reverse_proxy s-api-2:80 s-api-3:80",
        "reverse_proxy /leaving api:80 s-api-1:80",
    ]
    kept = [line for line in text.splitlines() if "reverse_proxy" not in line]
    assert kept == [line for line in generated().splitlines() if "reverse_proxy" not in line]


def test_a_gateway_that_leads_to_none_of_them_is_left_alone() -> None:
    assert routed_config(generated(), {"worker": Route(to=("s-worker-2",))}) == generated()
    assert routed_config(generated(), {}) == generated()


def test_what_is_no_gateway_of_ours_or_has_its_door_shut_is_not_led() -> None:
    files = {"Caddyfile.old": "{\n\tadmin off\n}\n"}
    release = Release(deployment_id="d", project_id="p", stack="s", files=files, services=())
    assert gateway_config(release, "old") == gateway_config(release, "api") == ""


def test_requests_on_the_way_are_counted_for_what_leaves() -> None:
    said = """[{"address":"api:80","num_requests":4,"fails":0},{"address":"s-api-1:80","num_requests":2,"fails":0}]"""
    assert count_open_requests(said, {"s-api-1"}) == 2
    assert count_open_requests("null", {"s-api-1"}) == 0
    with pytest.raises(ValueError, match=r"\w"):
        count_open_requests("not an answer", {"s-api-1"})
    assert admin_url(generated()) == "http://127.0.0.1:2019/reverse_proxy/upstreams"


def test_names_that_dns_cannot_carry_are_replaced() -> None:
    short, long = (
        Container(id="0123456789abcdef", service="a", state="running", name=name) for name in ("a-1", "a" * 64)
    )
    assert host_names([short, long]) == ("a-1", "0123456789ab")


def test_who_served_before_goes_on_serving() -> None:
    def copy(name: str, *, state: str = "running", health: str = "healthy") -> Container:
        return Container(id=name, service="api", name=name, state=state, health=health)

    old, new, unready = copy("old"), copy("new"), copy("unready", health="starting")
    assert serving_containers([old, new, unready], {"old"}) == (old,)
    assert serving_containers([copy("old", health="unhealthy"), new], {"old"}) == (new,)
    assert serving_containers([copy("old", state="exited"), unready], {"old"}) == (unready,)
    assert serving_containers([copy("old", health="unhealthy"), unready], {"old"}) == (copy("old", health="unhealthy"),)
    assert serving_containers([], set()) == ()
