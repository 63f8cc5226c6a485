"""What a control plane hands out for installing agents: one archive of one source, and wheels that fit."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from agents.distribution import artifact
from agents.distribution.artifact import agent_artifact
from agents.distribution.script import render_script
from agents.distribution.wheels import HostPython, fits

ROOT = Path(__file__).resolve().parents[2]


def test_the_archive_is_the_same_each_time_and_its_name_says_which() -> None:
    made = agent_artifact()
    agent_artifact.cache_clear()
    again = agent_artifact()
    assert made.content == again.content
    assert made.digest == hashlib.sha256(made.content).hexdigest()
    assert made.digest[:16] in made.file_name


def test_the_archive_holds_what_the_image_of_the_agent_holds() -> None:
    runner = (ROOT / "Dockerfile").read_text().partition(" AS runner\n")[2]
    copied = set(re.findall(r"(?<= )agents/(\w+(?:\.py)?)(?= )", runner)) - {"__init__.py"}
    assert set(artifact.PARTS) == copied


def test_the_program_runs_from_the_archive_alone(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(agent_artifact().content)) as tar:
        tar.extractall(tmp_path, filter="data")
    environment = {"PYTHONPATH": str(tmp_path / "app"), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "agents.runner", "--help"]
    ran = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert "Runs deployments on this host" in ran.stdout, ran.stderr
    assert (tmp_path / artifact.REQUIREMENTS).read_text() == (ROOT / artifact.REQUIREMENTS).read_text()


def test_the_script_quotes_what_it_is_given() -> None:
    script = render_script(
        artifact=agent_artifact(),
        base_url="https://a/'$(reboot)'",
        gateway_url="https://a:1",
        plain_text=False,
    )
    assert "BASE_URL='https://a/'\"'\"'$(reboot)'\"'\"''" in script
    assert "@SETTINGS@" not in script


@pytest.mark.parametrize(
    ("name", "minor", "machine", "fit"),
    [
        ("docker-7.1.0-py3-none-any.whl", 11, "aarch64", True),
        ("grpcio-1.85.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", 11, "x86_64", True),
        ("grpcio-1.85.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", 12, "x86_64", False),
        ("grpcio-1.85.1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", 11, "x86_64", False),
        ("protobuf-7.36.0-cp310-abi3-manylinux2014_x86_64.whl", 13, "x86_64", True),
        ("cryptography-50.0-cp314-abi3-manylinux_2_28_x86_64.whl", 11, "x86_64", False),
        ("pyyaml-6.0.3-cp311-cp311-musllinux_1_2_x86_64.whl", 11, "x86_64", False),
        ("pyyaml-6.0.3-cp311-cp311-macosx_11_0_arm64.whl", 11, "aarch64", False),
        ("six-1.17.0-py2.py3-none-any.whl", 12, "x86_64", True),
        ("no wheel.whl", 11, "x86_64", False),
    ],
)
def test_which_wheels_fit_a_host(name: str, minor: int, machine: str, fit: bool) -> None:
    assert fits(name, host=HostPython(minor=minor, machine=machine)) is fit
