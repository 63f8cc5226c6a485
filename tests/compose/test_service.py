"""docker-compose.yml starts the service for real: our image is built, every process runs, web and Kafka are served."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from axion_deploy.demo.http import NoAnswer, ask
from axion_deploy.embedded.ports import free_port
from tests.e2e.control_plane import wait_for
from tests.stackgen.docker.engine import ensure_images

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("web", "worker", "gateway", "publisher", "reconciler")
THEIRS = ("postgres", "redis")
# Of THEIRS and of Kafka, by their names in the file.
IMAGES = ("postgres:17", "redis:8", "apache/kafka:4.1.0")
MAX_TRIES = 4
AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE")


class Service:
    """One start of docker-compose.yml under a name of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.name = f"axion-service-test-{secrets.token_hex(3)}"
        self.environment = {
            # The servers of the tests are none of these containers' business.
            **{name: value for name, value in os.environ.items() if name != "KAFKA_BROKERS"},
            "AXION_VERSION": "test",
            "AXION_SECRET_KEY": secrets.token_urlsafe(50),
            "AXION_ENCRYPTION_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "POSTGRES_PASSWORD": secrets.token_urlsafe(20),
            "REDIS_PASSWORD": secrets.token_hex(20),
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

    def restarts(self, names: Sequence[str]) -> dict[str, int]:
        """How often each of these ended and was started again."""
        counts = {}
        for name in names:
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
    ensure_images(*IMAGES)
    build_image()
    started = Service()
    try:
        bring_up(started)
        yield started
    finally:
        started.compose("--profile", "*", "down", "--volumes", "--timeout", "5")


def bring_up(service: Service) -> None:
    """Start it; again where somebody's connection has a port at that moment that was free when it was chosen."""
    for attempt in range(MAX_TRIES):
        try:
            service.compose("up", "-d", "--no-build")
            return
        except AssertionError as error:
            if "external connectivity" not in str(error) or attempt == MAX_TRIES - 1:
                raise
            time.sleep(5)


def check_running(service: Service, *, ours: tuple[str, ...], theirs: tuple[str, ...], says: dict[str, Any]) -> None:
    """The web process comes to say this, all of these run, none ended meanwhile, and nothing else is there."""

    def answers() -> bool:
        try:
            return ask(f"http://127.0.0.1:{service.port}/healthz").data == says
        except NoAnswer:
            return False

    def logs() -> str:
        return service.compose("logs", "--tail", "30", "web", "consumer", "kafka")

    wait_for(answers, seconds=90, what=f"{says} from the web process", details=logs)
    time.sleep(3)
    assert service.states() == {**dict.fromkeys((*ours, *theirs), "running"), "migrate": "exited"}
    assert service.restarts(ours) == dict.fromkeys(ours, 0)


@pytest.mark.timeout(900)
def test_every_process_runs_and_people_and_kafka_are_served(service: Service) -> None:
    says = {"status": "alive", "kafka": {"status": "healthy", "message": ""}}
    check_running(service, ours=(*OURS, "consumer"), theirs=(*THEIRS, "kafka"), says=says)


def test_redis_wants_its_password(service: Service) -> None:
    bare = service.compose("exec", "-T", "-e", "REDISCLI_AUTH=", "redis", "sh", "-c", "redis-cli keys '*' 2>&1 || true")
    assert "NOAUTH" in bare
    assert service.environment["REDIS_PASSWORD"] not in service.compose("ps", "--no-trunc")


def test_ports_are_published_on_loopback_alone(service: Service) -> None:
    for name, inside in (("web", "8000"), ("gateway", "50051")):
        assert service.compose("port", name, inside).startswith("127.0.0.1:")


def test_our_processes_write_nowhere_and_gain_nothing(service: Service) -> None:
    for name in (*OURS, *THEIRS):
        command = ["docker", "inspect", service.compose("ps", "--quiet", name).strip()]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
        (found,) = json.loads(done.stdout)
        assert found["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"], name
        assert found["HostConfig"]["ReadonlyRootfs"] == (name in OURS), name
        assert found["HostConfig"]["CapDrop"] == (["ALL"] if name in OURS else ["NET_RAW"]), name


def test_without_kafka_it_starts_as_the_file_says(service: Service) -> None:
    service.environment["KAFKA_BROKERS"] = ""
    service.compose("up", "-d", "--no-build", "--scale", "kafka=0", "--scale", "consumer=0")
    check_running(service, ours=OURS, theirs=THEIRS, says={"status": "alive"})


def test_a_small_installation_is_one_container(service: Service) -> None:
    service.compose("rm", "--force", "--stop", *OURS)
    service.compose("--profile", "small", "up", "-d", "--no-build", "small")
    check_running(service, ours=("small",), theirs=THEIRS, says={"status": "alive"})
    assert service.compose("port", "small", "50051").startswith("127.0.0.1:")


def test_no_secret_is_in_the_image() -> None:
    history = subprocess.run(
        ["docker", "history", "--no-trunc", "axion-deploy:test"], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "BEGIN CERTIFICATE" not in history
