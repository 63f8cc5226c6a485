"""What lies elsewhere is connected to from the host, within a bound, and never what only the host itself has."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.outside import check_reach
from agents.runner.commands.outside.check_reach import FORBIDDEN, REACHED, REFUSED, TIMED_OUT, UNRESOLVED, Inside
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack


@contextlib.contextmanager
def listening(address: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield a port that is listened on, and what was said on the connections that were closed again."""
    heard: list[bytes] = []
    with socket.create_server((address, 0)) as server:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        heard.append(connection.recv(100))

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], heard


@pytest.mark.docker
def test_each_node_gets_its_own_answer_and_nothing_is_said(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    (bridge,) = [each for each in engine.inspect_network("bridge")["IPAM"]["Config"] if "." in each["Subnet"]]
    host, other = bridge["Gateway"], bridge["Gateway"].rpartition(".")[0] + ".250"
    with listening(host) as (port, heard), socket.socket() as closed:
        closed.bind((host, 0))
        order = stack.check_reach(
            ("up", host, port),
            ("down", host, closed.getsockname()[1]),
            ("nowhere", "no-such-host.invalid", 5432),
            ("itself", "localhost", port),
            ("metadata", "169.254.169.254", 80),
            ("another-stack", other, 80),
        )
        done = deploy(gateway, order)
        assert done.outcome == pb.SUCCEEDED, done
        gateway.until(lambda: heard == [b""], what="a connection that is closed without a word")
    found = {each.node_id: each.outcome for each in done.endpoints}
    assert found == {
        "up": REACHED, "down": REFUSED, "nowhere": UNRESOLVED,
        "itself": FORBIDDEN, "metadata": FORBIDDEN, "another-stack": FORBIDDEN,
    }  # fmt: skip
    assert all(each.message for each in done.endpoints)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1",
     "172.18.0.5", "::ffff:172.18.0.5", "fd00:1::7"],
)  # fmt: skip
def test_what_lies_inside_the_host_is_not_tried(address: str) -> None:
    inside = Inside.of([("172.18.0.0/16", "172.18.0.1"), ("fd00:1::/64", "")])
    assert inside.has(address)
    assert not any(inside.has(each) for each in ("172.18.0.1", "192.168.1.4", "10.0.0.9", "203.0.113.5", "2001:db8::1"))


def test_a_resolver_that_hangs_costs_the_bound_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(check_reach, "_addresses", lambda _: goes_on.wait(60) and [])
    try:
        (answer,) = check_reach.reach_all(
            [pb.Endpoint(node_id="n", host="db", port=1)], inside=Inside(), whole_seconds=0.05
        )
        assert (answer.node_id, answer.outcome) == ("n", TIMED_OUT)
    finally:
        goes_on.set()
