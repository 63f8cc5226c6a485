"""A broker that strangers cannot speak to: TLS with certificates of both sides, and a password."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from tests.servers.kafka_broker import FILES, READY_SECONDS, answers, formatted_broker
from tests.servers.own_kafka import CONTROLLER_PORT
from tests.servers.places import KAFKA_PORT

USER = "axion"
LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{inner},SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{inner},SASL_SSL://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={plain} required user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={scram} required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={scram} required;
listener.name.sasl_ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.crt
"""
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


class SecureKafka:
    """`address` is the guarded door; an authority, and certificates for the broker and a client, lie in the folder."""

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self.port, self._inner = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.password = secrets.token_hex(16)
        self._child: Child | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_certificates()
        settings = self.folder / "server.properties"
        settings.write_text(self._settings())
        scram = [
            f"--add-scram={mechanism}=[name={USER},password={self.password}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        self._child = formatted_broker(folder=self.folder, settings=settings, options=tuple(scram))
        self._child.start()
        wait_ready(self._child, probe=lambda: answers(f"127.0.0.1:{self._inner}"), seconds=READY_SECONDS)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(grace=10)

    def _settings(self) -> str:
        usual = (FILES / "server.properties").read_text().splitlines()
        ports = {"inner": self._inner, "port": self.port, "controller": free_port()}
        ours = LISTENERS.format(
            **ports, user=USER, password=self.password, plain=PLAIN, scram=SCRAM, folder=self.folder
        )
        names = {line.split("=")[0] for line in ours.split("\n")}
        kept = [line for line in usual if line.split("=")[0] not in names]
        text = "\n".join(kept).replace(str(CONTROLLER_PORT), str(ports["controller"]))
        return f"{text.replace(str(KAFKA_PORT), str(self._inner))}\n{ours}"

    def _make_certificates(self) -> None:
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test authority", "-days", "2",
                      "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
        for name in ("broker", "client"):
            (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1")
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                          "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                          "-days", "2", "-extfile", "names", "-out", f"{name}.crt")  # fmt: skip
        whole = (self.folder / "broker.key").read_text() + (self.folder / "broker.crt").read_text()
        (self.folder / "broker.pem").write_text(whole)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)
