"""Keys of a node's config on a real engine: what the container has is what the graph says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stackgen.docker.engine import ensure_images, needs_compose
from tests.stackgen.docker.stacks import Running, build_stack, unique_stack_name
from tests.stackgen.graphs import graph, node

CONF = 'listen $port;\n# ${HOME} "quoted"\n'
WEB = {
    "image": "alpine:3.22", "entrypoint": '["/bin/sh", "-c"]', "workingDir": "/srv/app", "restart": "on-failure:3",
    "command": '["echo up > /srv/uploads/state; trap \'exit 0\' INT; while true; do sleep 1; done"]',
    "volume.uploads": "/srv/uploads", "volume.old": "/srv/old:ro", "sharedVolume.site": "/srv/site",
    "tmpfs./srv/tmp": "16M,mode=1777", "file./srv/app.conf": CONF, "fileMode./srv/app.conf": "0640",
    "healthCommand": "test -f /srv/app.conf && cat /srv/uploads/state", "healthInterval": "1",
    "healthRetries": "7", "healthStartPeriod": "30s", "label.org.example/owner": "team $x: a", "init": "true",
    "stopSignal": "SIGINT", "hostname": "web-1", "aliases": "web_old", "shmSize": "128M",
    "ulimit.nofile": "1024:4096", "extraHost.api.example.org": "10.0.0.5", "sysctl.net.core.somaxconn": "1024",
    "log.max-size": "5m", "capDrop": "ALL", "capAdd": "CHOWN", "network": "shared",
}  # fmt: skip
OTHER = {
    "image": "alpine:3.22", "command": "set -e\necho one\nexec sleep 600", "user": "1000:1000", "readOnly": "true",
    "sharedVolume.site": "/site:ro", "network": "shared", "healthCommand": "none", "tmpfs./tmp": "",
}  # fmt: skip

pytestmark = [pytest.mark.docker, needs_compose]


@pytest.fixture
def running(tmp_path: Path) -> Running:
    ensure_images("alpine:3.22")
    raw = graph(node("web", id="w", **WEB), node("other", id="o", **OTHER))
    return build_stack(raw, {}, tmp_path, unique_stack_name())


def up(running: Running) -> None:
    """Start all, and wait for the one that has a check: Compose takes one that is switched off for a fault."""
    running.compose("up", "--detach", "--no-build", "other")
    running.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "60", "web")


def test_every_key_reaches_the_container_and_data_outlives_it(running: Running) -> None:
    try:
        up(running)
        inspected = running.containers()
        web, other = inspected["web"], inspected["other"]
        config, host = web["Config"], web["HostConfig"]
        assert (config["Entrypoint"], config["WorkingDir"], config["Hostname"]) == (
            ["/bin/sh", "-c"],
            "/srv/app",
            "web-1",
        )
        assert config["StopSignal"] == "SIGINT"
        assert config["Labels"]["org.example/owner"] == "team $x: a"
        assert (host["Init"], host["ShmSize"], host["CapDrop"], host["CapAdd"]) == (
            True,
            128 * 2**20,
            ["ALL"],
            ["CHOWN"],
        )
        assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
        assert host["Ulimits"] == [{"Name": "nofile", "Hard": 4096, "Soft": 1024}]
        assert host["Sysctls"] == {"net.core.somaxconn": "1024"}
        assert host["ExtraHosts"] == ["api.example.org:10.0.0.5"]
        assert host["LogConfig"]["Config"] == {"max-size": "5m", "max-file": "3"}
        assert config["Healthcheck"]["Retries"] == 7
        assert web["State"]["Health"]["Status"] == "healthy"
        assert (other["Config"]["User"], other["HostConfig"]["ReadonlyRootfs"]) == ("1000:1000", True)
        assert running.compose("exec", "-T", "web", "cat", "/srv/app.conf") == CONF
        told = running.compose("exec", "-T", "web", "sh", "-c", "stat -c %a /srv/app.conf /srv/tmp; df /srv/tmp")
        assert told.split()[:2] == ["640", "1777"]
        assert "16384" in told
        running.compose("exec", "-T", "web", "sh", "-c", "echo kept > /srv/site/a")
        assert running.compose("exec", "-T", "other", "cat", "/site/a") == "kept\n"
        assert "web_old" in running.compose("exec", "-T", "other", "getent", "hosts", "web_old")
        named = {mount.get("Name", "") for mount in web["Mounts"]}
        assert set(running.stack.services[0].volumes) | set(running.stack.services[1].volumes) <= named
        running.compose("down", "--timeout", "3")
        up(running)
        assert running.compose("exec", "-T", "other", "cat", "/site/a") == "kept\n"
    finally:
        running.down()


def test_what_compose_reads_is_what_was_written(running: Running) -> None:
    told = json.loads(running.compose("config", "--format", "json"))
    (config,) = told["configs"].values()
    assert config["content"].replace("$$", "$") == CONF
