"""The agent program as one archive, made of the installed source: the same source gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from agents.contracts.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("launcher.sh")
REQUIREMENTS = "requirements-runner.lock"
# What of `agents` the program imports; the image of the runner in Dockerfile holds the same.
PARTS = (
    "addresses.py",
    "backoff.py",
    "condition.py",
    "limits.py",
    "kafka_link",
    "pki",
    "reports",
    "contracts",
    "runner",
)
# For hosts whose Python is missing or too old: built there, from the base image of the host's own registry.
IMAGE = """FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends docker-cli docker-compose docker-buildx \\
    && rm -rf /var/lib/apt/lists/*
COPY requirements-runner.lock /app/
RUN pip install --no-cache-dir --require-hashes -r /app/requirements-runner.lock
COPY app /app
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
CMD ["python", "-m", "agents.runner"]
"""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """`digest` is the SHA-256 of `content`, in hex."""

    version: str
    digest: str
    content: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        return f"axion-agent-{self.version}-{self.digest[:16]}.tar.gz"


@cache
def agent_artifact() -> Artifact:
    """Return the archive of this installation's agent; made once per process."""
    content = packed(dict(_files()))
    return Artifact(version=VERSION, digest=hashlib.sha256(content).hexdigest(), content=content)


def packed(files: dict[str, bytes]) -> bytes:
    """Return these files as .tar.gz; neither order nor time nor user shows in it."""
    packed_tar = io.BytesIO()
    with tarfile.open(fileobj=packed_tar, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(packed_tar.getvalue(), mtime=0)


def _files() -> Iterator[tuple[str, bytes]]:
    yield "VERSION", f"{VERSION}\n".encode()
    yield "Dockerfile", IMAGE.encode()
    yield "bin/axion-agent", LAUNCHER.read_bytes()
    yield REQUIREMENTS, (ROOT / REQUIREMENTS).read_bytes()
    yield "app/agents/__init__.py", b""
    for part in PARTS:
        path = ROOT / "agents" / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield f"app/{file.relative_to(ROOT).as_posix()}", file.read_bytes()
