"""The gateway as a process of its own, and its TLS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from django.db import connection

from agents.contracts import common_pb2, runner_pb2_grpc
from agents.services import gateway_places
from agents.transport.grpc_server import Gateway
from axion_deploy.management.commands import run_agent_gateway
from tests.agents.conftest import config
from tests.agents.doubles import Domain

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def database_url() -> str:
    given = connection.settings_dict
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


@pytest.fixture
def process(transactional_db: None, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "AXION_GATEWAY_BIND": f"127.0.0.1:{port}", "DATABASE_URL": database_url()}
    environment["AXION_GATEWAY_MUTUAL_BIND"] = "127.0.0.1:0"
    command = [sys.executable, "manage.py", "run_agent_gateway"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as running:
        yield running
        running.kill()


async def serving(channel: grpc.aio.Channel) -> bool:
    stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
    answer = await stub.HealthCheck(common_pb2.Empty(), wait_for_ready=True, timeout=20)
    return bool(answer.serving)


async def test_the_process_serves_and_ends_cleanly_when_told_to(process: subprocess.Popen[bytes], port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await serving(channel)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return paths


async def test_with_certificate_and_key_it_speaks_tls_only(
    transactional_db: None, tmp_path: Path, domain: Domain
) -> None:
    cert, key = write_certificate(tmp_path)
    gateway = Gateway(
        config=config(bind="localhost:0", tls_cert=str(cert), tls_key=str(key)), bindings=domain.bindings()
    )
    port = await gateway.start()
    trusted = grpc.ssl_channel_credentials(cert.read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{port}", trusted) as channel:
        assert await serving(channel)
    async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
        stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.HealthCheck(common_pb2.Empty(), timeout=3)
    await gateway.stop()


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("127.0.0.1:50051", True), ("localhost:1", True), ("[::1]:50051", True), ("unix:/run/gateway", True),
        ("127.0.0.1", True), ("::1", True), ("127.9.9.9:1", True), ("0.0.0.0:50051", False), ("[::]:50051", False),
        ("::", False), (":50051", False), ("", False), ("10.0.0.7:50051", False), ("deploy.example.org:1", False),
        ("localhost.example.org:1", False), ("127.0.0.1.example.org:1", False), ("0:50051", False),
    ],
)  # fmt: skip
def test_which_addresses_stay_on_this_machine(address: str, stays: bool, settings: Any) -> None:
    settings.AXION_GATEWAY_BIND, settings.AXION_GATEWAY_PUBLISH = address, ""
    assert gateway_places.stays_on_this_machine() is stays


@pytest.mark.parametrize(
    ("bind", "publish", "changes", "own", "plain"),
    [
        ("0.0.0.0:0", "", {}, True, False),
        ("0.0.0.0:0", "0.0.0.0", {}, True, False),
        ("0.0.0.0:0", "", {"AXION_GATEWAY_PLAINTEXT": True}, False, True),
        ("0.0.0.0:0", "", {"AXION_GATEWAY_TLS_CERT": "cert.pem", "AXION_GATEWAY_TLS_KEY": "key.pem"}, False, False),
        ("0.0.0.0:0", "127.0.0.1", {}, False, True),
        ("127.0.0.1:0", "", {}, False, True),
    ],
)
def test_beyond_this_machine_it_speaks_tls_unless_it_was_told_otherwise_by_name(
    bind: str, publish: str, changes: dict[str, Any], own: bool, plain: bool, settings: Any
) -> None:
    settings.AXION_GATEWAY_BIND, settings.AXION_GATEWAY_PUBLISH = bind, publish
    for name, value in changes.items():
        setattr(settings, name, value)
    config = run_agent_gateway._config()
    assert config.authority_tls is own
    assert gateway_places.speaks_plainly() is plain
    assert config.mutual_bind == bind


@pytest.mark.parametrize("name", ["AXION_GATEWAY_TLS_CERT", "AXION_GATEWAY_TLS_KEY"])
def test_a_certificate_without_its_key_is_refused_and_the_other_way_round(name: str, settings: Any) -> None:
    settings.AXION_GATEWAY_BIND, settings.AXION_GATEWAY_TLS_CERT, settings.AXION_GATEWAY_TLS_KEY = "127.0.0.1:0", "", ""
    setattr(settings, name, "file.pem")
    with pytest.raises(CommandError, match="Set both AXION_GATEWAY_TLS_CERT and AXION_GATEWAY_TLS_KEY, or neither"):
        call_command("run_agent_gateway")
