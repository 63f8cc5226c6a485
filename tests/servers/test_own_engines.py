"""Engines of one's own are what a swarm's test must be able to lean on: named, reachable, and cut off when told."""

from __future__ import annotations

import time

import pytest

from tests.servers.own_docker import missing
from tests.servers.own_engines import OwnEngine, own_engines

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"engines of our own need {missing()}")

SEEN_SECONDS = 60


def test_servers_of_their_own_make_a_swarm_that_notices_a_cut_cable() -> None:
    with own_engines("server-1", "server-2") as engines:
        first, second = engines.servers.values()
        assert first.docker("swarm", "init", "--advertise-addr", first.address).returncode == 0
        token = first.docker("swarm", "join-token", "--quiet", "worker").stdout.strip()
        joined = second.docker("swarm", "join", "--token", token, f"{first.address}:2377")
        assert joined.returncode == 0, joined.stderr
        assert _states(first) == {"server-1": "Ready", "server-2": "Ready"}
        second.cut()
        _wait_until(first, {"server-1": "Ready", "server-2": "Down"})
        second.mend()
        _wait_until(first, {"server-1": "Ready", "server-2": "Ready"})


def _states(server: OwnEngine) -> dict[str, str]:
    listed = server.docker("node", "ls", "--format", "{{.Hostname}} {{.Status}}").stdout
    return dict(line.split() for line in listed.splitlines())


def _wait_until(server: OwnEngine, states: dict[str, str]) -> None:
    end = time.monotonic() + SEEN_SECONDS
    while (now := _states(server)) != states:
        assert time.monotonic() < end, now
        time.sleep(0.2)
