"""An engine and a registry in a network of their own; the registry has TLS under its own authority and a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.registries.certificates import FOLDER
from axion_deploy.embedded.ports import free_port
from tests.runner.gateway import TestGateway
from tests.runner.registries.projects import CodeProject
from tests.runner.registries.works import Works, working
from tests.servers.own_docker import OwnDocker
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry

# Others test beside this process, and all engines of the machine read the same folder of authorities.
HOST = f"10.77.0.1:{5000 + os.getpid() % 50_000}"


@pytest.fixture(scope="session")
def own(base_image: str) -> Iterator[OwnDocker]:
    started = OwnDocker(folder=Path(tempfile.mkdtemp(prefix="axr-")), network="ip addr add 10.77.0.1/32 dev lo")
    try:
        started.start()
        started.copy_images(base_image)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def registry(own: OwnDocker, base_image: str) -> Iterator[OwnRegistry]:
    """Has the image `apps/web:1` of USER; nobody's engine trusts it."""
    started = OwnRegistry(folder=own.folder / "registry", address=HOST, inside=own.inside)
    try:
        started.start()
        with trusted(started.authority):
            client = ["docker", "--host", own.host, "--config", str(own.folder / "client")]
            run([*client, "login", "--username", USER, "--password-stdin", HOST], given=PASSWORD)
            run([*client, "tag", base_image, f"{HOST}/apps/web:1"])
            run([*client, "push", "--quiet", f"{HOST}/apps/web:1"])
        run([*client, "rmi", f"{HOST}/apps/web:1"])
        yield started
    finally:
        started.stop()


@pytest.fixture
def works(
    own: OwnDocker, gateway: TestGateway, registry: OwnRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Works]:
    """On the engine of its own."""
    monkeypatch.setenv("DOCKER_HOST", own.host)
    gateway.registries = [login(registry)]
    with working(gateway=gateway, folder=tmp_path, address=HOST) as made:
        yield made


@pytest.fixture(scope="session")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    """A registry that the tests themselves reach, as agents do."""
    started = OwnRegistry(folder=tmp_path_factory.mktemp("near"), address=f"127.0.0.1:{free_port()}")
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def near_works(near: OwnRegistry, gateway: TestGateway, tmp_path: Path) -> Iterator[Works]:
    """On the shared engine, with the registry that is near."""
    gateway.registries = [login(near, address=near.address)]
    with working(gateway=gateway, folder=tmp_path, address=near.address, patience=5) as made:
        yield made


@contextmanager
def trusted(authority: str, *, host: str = HOST) -> Iterator[None]:
    """As the machine's owner would say it."""
    folder = FOLDER / host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_text(authority)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def run(argv: list[str], *, given: str = "") -> None:
    done = subprocess.run(argv, input=given, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def login(registry: OwnRegistry, **changes: str) -> pb.RegistryLogin:
    usual = {"name": "ours", "address": HOST, "username": USER, "password": PASSWORD}
    return pb.RegistryLogin(**{**usual, "ca_certificate": registry.authority, **changes})


@pytest.fixture
def project(gateway: TestGateway, base_image: str) -> Iterator[CodeProject]:
    """A project whose images are built from code; those made here go with it."""
    made = CodeProject(gateway, base_image)
    yield made
    made.remove_images()
