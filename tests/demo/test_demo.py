"""The demo itself: everything really starts, deploys to Docker, counts a vote, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from axion_deploy.demo.docker import find
from axion_deploy.embedded.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]
REPOSITORY = Path(__file__).parents[2]
# A Unix socket could not be made in a folder with such a name.
LONG = "a folder with spaces and a long name that goes on and on until no socket fits any more, " * 2
KINDS = ("container", "network", "volume", "image")


def objects_of(output: str) -> dict[str, list[str]]:
    """What is left of the project that the demo said it imported."""
    found = re.search(r", project ([0-9a-f-]{36})$", output, re.MULTILINE)
    assert found is not None, output
    return {kind: find(kind, label=f"axion.project={found[1]}") for kind in KINDS}


def programs_of(folder: Path) -> list[str]:
    """Programs that were started with this folder, ours and those of the servers."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "pid"]):
        words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            found.append(" ".join(process.info["cmdline"] or ()))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / LONG / "demo"


@pytest.fixture
def environment() -> dict[str, str]:
    """As a newcomer's: nothing configured."""
    hidden = ("DATABASE_URL", "REDIS_URL", "KAFKA_BROKERS", "DJANGO_SETTINGS_MODULE")
    return {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("AXION_")}


def start(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "axion_deploy.demo", "--folder", str(folder), "--deadline", "800", *arguments]
    # The name of the folder in our own command line is no leftover: a plain pipe and a wait come after it.
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def nothing_is_left(folder: Path, output: str) -> None:
    assert objects_of(output) == {kind: [] for kind in KINDS}
    assert programs_of(folder) == []
    assert not (folder / "once").exists()
    assert not (folder / "processes.json").exists()


def test_once_deploys_counts_a_vote_and_leaves_nothing(folder: Path, environment: dict[str, str]) -> None:
    output, _ = start(folder, environment, "--once", "--app-port", str(free_port())).communicate(timeout=850)
    last = json.loads(output.splitlines()[-1])
    assert last["status"] == "success", output
    assert last["vote_counted"] is True
    assert last["engine"] == "docker"
    assert sorted(last["services"]) == ["db", "gateway", "redis", "result", "vote", "worker"]
    assert 0 < last["seconds"] < 600
    assert 0 < last["noticed_seconds"] < 60
    assert last["repaired"] is True
    nothing_is_left(folder, output)
    secret = "AXION_SECRET_KEY"
    assert [log.name for log in (folder / "logs").glob("*.log") if secret in log.read_text()] == []


def test_a_demo_stopped_in_the_middle_of_a_deployment_leaves_nothing(folder: Path, environment: dict[str, str]) -> None:
    with start(folder, environment, "--once", "--app-port", str(free_port())) as demo:
        assert demo.stdout is not None
        output = ""
        for line in demo.stdout:
            output += line
            if line.strip().startswith("deploying"):
                break
        assert any(objects_of(output).values())
        demo.send_signal(signal.SIGTERM)
        output += demo.stdout.read()
        assert demo.wait(120) == 130, output
    nothing_is_left(folder, output)


def test_without_an_engine_one_sentence_says_what_to_do(folder: Path, environment: dict[str, str]) -> None:
    nowhere = {**environment, "DOCKER_HOST": f"unix://{folder}/none.sock"}
    demo = start(folder, nowhere, "--once")
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 3
    assert output.splitlines()[-1].startswith("✗ The Docker engine at DOCKER_HOST=")
    assert programs_of(folder) == []
