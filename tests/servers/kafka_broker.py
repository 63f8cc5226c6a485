"""One Kafka broker for the tests, from Maven's central repository."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import subprocess
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import is_free
from tests.servers.errors import Unavailable
from tests.servers.places import FOLDER, KAFKA_PORT
from tests.servers.starting import start_noted

BROKER = f"127.0.0.1:{KAFKA_PORT}"
FILES = Path(__file__).parent / "kafka"
COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# Any 16 bytes in base64: a broker refuses the data of another cluster.
CLUSTER_ID = "YXhpb24tZGVwbG95LXRlcw"
DOWNLOAD_SECONDS = 600
FORMAT_SECONDS = 60
READY_SECONDS = 60
CONNECT_SECONDS = 5


def ensure_kafka(*, ledger: Ledger) -> str:
    """The brokers of a cluster that answers: the configured one, one at our port, or one that is started now."""
    # Tests start brokers of their own, several at once: what these need is fetched here, where nobody else does.
    _libraries(folder=FOLDER / "kafka")
    configured = os.environ.get("KAFKA_BROKERS")
    if configured:
        if not answers(configured):
            raise Unavailable("Kafka at KAFKA_BROKERS does not answer: start it or unset KAFKA_BROKERS.")
        return configured
    if not answers(BROKER):
        _start(ledger=ledger)
    return BROKER


def answers(brokers: str) -> bool:
    """Asks a broker for its topics; an open port alone could be anything."""
    addresses = [address.strip() for address in brokers.split(",") if address.strip()]
    if not any(_is_open(address) for address in addresses):
        return False
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        client = KafkaAdminClient(bootstrap_servers=addresses, request_timeout_ms=CONNECT_SECONDS * 1000)
    except KafkaError:
        return False
    try:
        client.list_topics()
    except KafkaError:
        return False
    finally:
        client.close()
    return True


def _is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _start(*, ledger: Ledger) -> None:
    if not is_free(KAFKA_PORT):
        raise Unavailable(f"another program has port {KAFKA_PORT}: stop it, or set KAFKA_BROKERS to a Kafka cluster.")
    folder = FOLDER / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    child = formatted_broker(folder=folder, settings=FILES / "server.properties")
    start_noted(child, ledger=ledger, probe=lambda: answers(BROKER), seconds=READY_SECONDS)


def formatted_broker(*, folder: Path, settings: Path, options: tuple[str, ...] = ()) -> Child:
    """A broker that is ready to start, with its data and log in the folder. Raises Unavailable."""
    java = shutil.which("java")
    if java is None:
        raise Unavailable("Kafka needs Java 17 or newer: install it, or set KAFKA_BROKERS to a Kafka cluster.")
    libraries = FOLDER / "kafka"
    command = [java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += [f"-Dlog4j2.configurationFile={(FILES / 'log4j2.properties').as_uri()}"]
    command += ["-cp", f"{_libraries(folder=libraries)}/*"]
    format_data = [
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "-t",
        CLUSTER_ID,
        "-c",
        str(settings),
        *options,
    ]
    _run([*command, *format_data], cwd=folder, seconds=FORMAT_SECONDS, failure="Kafka's storage could not be formatted")
    return Child(
        name="Kafka", command=[*command, "kafka.Kafka", str(settings)], log_file=folder / "kafka.log", cwd=folder
    )


def _libraries(*, folder: Path) -> Path:
    """The broker's jars, named for the pom they belong to and complete when the folder is there."""
    folder.mkdir(parents=True, exist_ok=True)
    pom = FILES / "pom.xml"
    libraries = folder / f"lib-{hashlib.sha256(pom.read_bytes()).hexdigest()[:8]}"
    if libraries.exists():
        return libraries
    if shutil.which("mvn") is None:
        raise Unavailable("Kafka needs Maven to be downloaded: install it, or set KAFKA_BROKERS to a Kafka cluster.")
    draft = folder / "lib.new"
    shutil.rmtree(draft, ignore_errors=True)
    download = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(pom),
        COPY_DEPENDENCIES,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={draft}",
    ]
    _run(download, cwd=folder, seconds=DOWNLOAD_SECONDS, failure="Kafka could not be downloaded")
    draft.rename(libraries)
    return libraries


def _run(command: list[str], *, cwd: Path, seconds: float, failure: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{failure} within {seconds:g} s.") from error
    if done.returncode != 0:
        raise Unavailable(f"{failure}:\n{(done.stderr or done.stdout).strip()[-2000:]}")
