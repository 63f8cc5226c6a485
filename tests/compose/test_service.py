"""docker-compose.yml starts the service for real: our image is built, every process runs, the web process answers.

Kafka's image is left out: nothing here can fetch it. `docker compose config` checks its part of the file.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from axion_deploy.demo.http import NoAnswer, ask
from axion_deploy.embedded.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("web", "worker", "gateway", "publisher", "reconciler")
AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE")


class Service:
    """One start of docker-compose.yml under a name of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.name = f"axion-service-test-{secrets.token_hex(3)}"
        self.environment = {
            **os.environ,
            "AXION_VERSION": "test",
            "AXION_SECRET_KEY": secrets.token_urlsafe(50),
            "AXION_ENCRYPTION_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "POSTGRES_PASSWORD": secrets.token_urlsafe(20),
            "KAFKA_BROKERS": "",
            "AXION_WEB_PORT": str(self.port),
            "AXION_GATEWAY_PORT": str(free_port()),
        }

    def compose(self, *arguments: str, seconds: int = 300) -> str:
        command = ["docker", "compose", "-p", self.name, "-f", str(ROOT / "docker-compose.yml"), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def states(self) -> dict[str, str]:
        listed = [json.loads(line) for line in self.compose("ps", "--all", "--format", "json").splitlines()]
        return {each["Service"]: each["State"] for each in listed}

    def restarts(self) -> dict[str, int]:
        """How often each of our processes ended and was started again."""
        counts = {}
        for name in OURS:
            container = self.compose("ps", "--quiet", name).strip()
            command = ["docker", "inspect", "--format", "{{.RestartCount}}", container]
            counts[name] = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout)
        return counts


def build_image() -> None:
    """As `docker compose build` would, with the authorities that this machine's builds need."""
    found = next((os.environ[name] for name in AUTHORITIES if os.environ.get(name)), None)
    secret = ["--secret", f"id=ca_bundle,src={found}"] if found else []
    target = ["--target", "control-plane", "--tag", "axion-deploy:test", "--load"]
    subprocess.run(
        ["docker", "buildx", "build", *target, *secret, str(ROOT)], check=True, capture_output=True, timeout=600
    )


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    build_image()
    started = Service()
    try:
        started.compose("up", "-d", "--no-build", "postgres", "redis", "migrate", *OURS)
        yield started
    finally:
        started.compose("down", "--volumes", "--timeout", "5")


@pytest.mark.timeout(900)
def test_every_process_runs_and_the_web_process_answers(service: Service) -> None:
    deadline = time.monotonic() + 90
    status = 0
    while status != 200 and time.monotonic() < deadline:
        try:
            status = ask(f"http://127.0.0.1:{service.port}/healthz").status
        except NoAnswer:
            time.sleep(0.5)
    assert status == 200, service.compose("logs", "--tail", "30", "web")
    time.sleep(3)
    states = service.states()
    assert {name: states.get(name) for name in OURS} == dict.fromkeys(OURS, "running")
    assert states["migrate"] == "exited"
    assert service.restarts() == dict.fromkeys(OURS, 0)


def test_the_file_is_valid_with_kafka(service: Service) -> None:
    described = json.loads(service.compose("config", "--format", "json"))
    assert set(OURS) | {"postgres", "redis", "kafka", "consumer", "migrate"} == set(described["services"])


def test_no_secret_is_in_the_image() -> None:
    history = subprocess.run(
        ["docker", "history", "--no-trunc", "axion-deploy:test"], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "BEGIN CERTIFICATE" not in history
