"""The control plane and the local agent, each as a program of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.demo.servers import Servers
from axion_deploy.embedded.child import Child

MANAGE = (sys.executable, "manage.py")
CONTROL_PLANE = "control-plane"
# What any program needs to find others and to trust certificates; nothing of the control plane is among it.
COMMON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
FOR_DOCKER = (
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
)
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
FOR_BUILDS = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "NODE_EXTRA_CA_CERTS",
)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where this run's processes listen, on 127.0.0.1."""

    web: int
    gateway: int
    mutual: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"


def control_plane_environment(*, servers: Servers, secrets: Mapping[str, str], addresses: Addresses) -> dict[str, str]:
    return {
        **_taken_over(COMMON),
        **_taken_over(("KAFKA_BROKERS", "AXION_LOG_LEVEL")),
        **secrets,
        # Of an installation whose database is used: only its keys open what is in there.
        **_taken_over(("AXION_SECRET_KEY", "AXION_ENCRYPTION_KEYS")),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "axion_deploy.settings",
        "AXION_GATEWAY_BIND": f"127.0.0.1:{addresses.gateway}",
        "AXION_GATEWAY_MUTUAL_BIND": f"127.0.0.1:{addresses.mutual}",
        # Another run, or an installation, may have these ports on this machine.
        "AXION_METRICS_BIND": os.environ.get("AXION_METRICS_BIND", ""),
    }


def agent_environment(*, server: str, token: str, folder: Path, addresses: Addresses) -> dict[str, str]:
    """Return the agent's environment: its token and folder, and nothing of the control plane's database and keys."""
    return {
        **_taken_over((*COMMON, *FOR_DOCKER, *FOR_BUILDS)),
        # gRPC would look for 127.0.0.1 behind the proxy that the builds need.
        "no_grpc_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "AXION_AGENT__AGENT__SERVER_ID": server,
        "AXION_AGENT__AGENT__TOKEN": token,
        "AXION_AGENT__AGENT__STATE_DIR": str(folder),
        "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{addresses.gateway}",
        **_authorities(),
    }


def _authorities() -> dict[str, str]:
    """Return the file with the authorities that this machine trusts, the most particular one; builds may need it."""
    paths = [os.environ.get(name, "") for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")]
    found = next((path for path in (*paths, SYSTEM_AUTHORITIES) if path and Path(path).is_file()), None)
    return {"AXION_AGENT__BUILD__CA_BUNDLE": found} if found else {}


def control_plane(*, environment: Mapping[str, str], addresses: Addresses, logs: Path) -> Child:
    # Brokers that the machine is set up with may be others' too: the demo tells them its events and takes no requests.
    command = (*MANAGE, "run", "--bind", f"127.0.0.1:{addresses.web}", "--without", "consumer")
    log_file = logs / f"{CONTROL_PLANE}.log"
    return Child(name=CONTROL_PLANE, command=command, log_file=log_file, env=environment, cwd=REPOSITORY)


def agent(*, environment: Mapping[str, str], logs: Path, name: str = "runner") -> Child:
    command = (sys.executable, "-m", "agents.runner")
    return Child(name=name, command=command, log_file=logs / f"{name}.log", env=environment, cwd=REPOSITORY)


def _taken_over(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
