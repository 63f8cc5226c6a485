"""Each server of `make services` does real work through the library the product uses."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import psycopg
import pytest
from docker import DockerClient
from kafka import KafkaConsumer, KafkaProducer
from psycopg import sql
from redis import Redis

from tests.servers.debian import BROWSER

ANSWER_SECONDS = 20
DEBIAN_CERTIFICATES = Path("/usr/share/ca-certificates/mozilla")
IMAGES = ("python:3.13-slim", "node:24-slim", "postgres:17", "redis:8", "caddy:2")


@pytest.fixture
def engine() -> Iterator[DockerClient]:
    client = docker.from_env(timeout=ANSWER_SECONDS)
    yield client
    client.close()


def test_postgresql_lets_tests_make_databases() -> None:
    name = sql.Identifier(f"axion_services_{uuid.uuid4().hex}")
    with psycopg.connect(
        os.environ["DATABASE_URL"], dbname="postgres", autocommit=True, connect_timeout=5
    ) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        connection.execute(sql.SQL("DROP DATABASE {}").format(name))


def test_redis_keeps_a_value() -> None:
    key = f"axion-services-{uuid.uuid4().hex}"
    with Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5) as client:
        client.set(key, "kept", ex=60)
        assert client.getdel(key) == b"kept"


def test_kafka_returns_what_was_sent() -> None:
    brokers = os.environ["KAFKA_BROKERS"].split(",")
    topic, value = f"axion-services-{uuid.uuid4().hex}", uuid.uuid4().bytes
    producer = KafkaProducer(bootstrap_servers=brokers)
    producer.send(topic, value).get(timeout=ANSWER_SECONDS)
    producer.close()
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=brokers,
        group_id=topic,
        auto_offset_reset="earliest",
        consumer_timeout_ms=ANSWER_SECONDS * 1000,
    )
    received = next(iter(consumer), None)
    consumer.close()
    assert received is not None
    assert received.value == value


@pytest.mark.docker
def test_docker_runs_a_container(engine: DockerClient) -> None:
    output = engine.containers.run(
        "python:3.13-slim", ["python", "-c", "print(6 * 7)"], remove=True, network_disabled=True
    )
    assert output == b"42\n"


@pytest.mark.docker
@pytest.mark.parametrize("name", IMAGES)
def test_the_base_images_are_there(engine: DockerClient, name: str) -> None:
    assert engine.images.get(name).id


@pytest.mark.docker
@pytest.mark.parametrize("name", IMAGES)
def test_no_image_keeps_the_certificates_of_this_machine(engine: DockerClient, name: str) -> None:
    """Builds get this machine's CA bundle as a secret; an image that kept it would make others trust our proxies."""
    bundle = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    own = _certificates(bundle) - {each for file in DEBIAN_CERTIFICATES.glob("*.crt") for each in _certificates(file)}
    if not own:
        pytest.skip("this machine trusts no certificate of its own")
    # Its last whole line is part of the signature: no other certificate has it.
    lines = "\n".join(sorted(certificate.splitlines()[-2] for certificate in own))
    search = (
        'printf %s "$LINES" | grep -rlsF -f - --exclude-dir=dev --exclude-dir=proc --exclude-dir=sys /; test $? = 1'
    )
    engine.containers.run(
        name, ["-c", search], entrypoint="sh", environment={"LINES": lines}, remove=True, network_disabled=True
    )


def _certificates(bundle: Path) -> set[str]:
    """The certificates of the file, each as the lines of its base64."""
    return set(re.findall(r"-----BEGIN CERTIFICATE-----\n(.+?)\n-----END", bundle.read_text(), re.DOTALL))


def test_a_browser_is_there() -> None:
    assert BROWSER.exists(), "tests of pages need Debian's chromium"
