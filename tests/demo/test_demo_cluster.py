"""The demo on three servers that are one Swarm: deployed, a vote counted, a server cut off, and nothing left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from axion_deploy.demo.cluster import hosts
from axion_deploy.demo.errors import MissingPiece
from axion_deploy.embedded.docker_engine import missing
from axion_deploy.embedded.ports import free_port
from tests.demo.test_demo import environment, folder, programs_of, start
from tests.servers.own_registry import find_program

# The fixtures of the demo on one server.
__all__ = ["environment", "folder"]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("AXION_TEST_CLUSTER_DEMO" not in os.environ, reason="three minutes, for AXION_TEST_CLUSTER_DEMO=1")
@pytest.mark.skipif(bool(missing()), reason=f"engines of our own need {missing()}")
@pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none")
def test_a_vote_is_counted_with_one_of_three_servers_cut_off(folder: Path, environment: dict[str, str]) -> None:
    demo = start(folder, environment, "--once", "--cluster", "--app-port", str(free_port()))
    output, _ = demo.communicate(timeout=850)
    last = json.loads(output.splitlines()[-1])
    assert (last["status"], last["engine"]) == ("success", "swarm"), output
    assert last["nodes"] == ["server-1", "server-2", "server-3"]
    assert sorted(last["services"]) == ["db", "gateway", "redis", "result", "vote", "worker"]
    assert last["vote_counted"] is True
    assert 0 < last["noticed_seconds"] < 60
    assert (last["repaired"], last["survived"]) == (True, True)
    assert programs_of(folder) == []
    assert not (folder / "once").exists()


def test_what_is_missing_for_three_servers_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sentence() -> str:
        with pytest.raises(MissingPiece) as missed:
            hosts.find_needed(folder=tmp_path)
        return str(missed.value)

    monkeypatch.setattr(hosts, "missing", lambda: "unshare, ip")
    assert sentence() == "Three servers on one machine need network namespaces: unshare, ip is missing."
    monkeypatch.setattr(hosts, "missing", lambda: "")
    monkeypatch.setattr("shutil.which", lambda name: "" if name == "docker-registry" else None)
    assert "iptables" in sentence()
    monkeypatch.setattr("shutil.which", lambda name: "/sbin/iptables" if name == "iptables" else None)
    assert sentence() == "A cluster needs an image registry: install Debian's package docker-registry."
