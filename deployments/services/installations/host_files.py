"""What an installation brings to a server: the script, the agent, and the packages that fit the server's Python."""

from __future__ import annotations

import io
import tarfile

from django.conf import settings

from agents.addresses import host_of, is_loopback
from agents.distribution.artifact import agent_artifact
from agents.distribution.script import render_script
from agents.distribution.wheels import fits, host_python, list_wheels
from agents.services import gateway_places
from deployments.data.installation_types import InstallationRecord

# Answers with "python", the minor version of Python 3, and the machine's kind; with the last alone without a Python.
PYTHON_OF_HOST = (
    "for p in python3 /usr/bin/python3; do"
    " $p -c 'import sys; print(\"python\", sys.version_info[1])' 2>/dev/null && break; done; uname -m"
)


def script_for(found: InstallationRecord) -> str:
    """Return install.sh for this installation, whose files lie beside it."""
    host = host_of(found.gateway_url.partition("://")[2])
    insecure = settings.AXION_GATEWAY_PLAINTEXT and not is_loopback(host)
    return render_script(
        artifact=agent_artifact(),
        base_url="",
        gateway_url=found.gateway_url,
        mutual_address=gateway_places.mutual_address(reached_by=host),
        plain_text=insecure and not found.gateway_url.startswith(("https", "grpcs")),
    )


def wheels_for(asked: str) -> dict[str, bytes]:
    """Return the wheels that fit the host's Python, as it answered PYTHON_OF_HOST."""
    words = asked.split()
    host = host_python(words[1], words[2]) if len(words) == 3 and words[0] == "python" else None
    if host is None:
        return {}
    found = list_wheels(settings.AXION_AGENT_WHEELS)
    return {f"wheels/{file.name}": file.read_bytes() for file in found if fits(file.name, host=host)}


def as_tar(files: dict[str, bytes]) -> bytes:
    """Return the files as one archive, readable for its owner alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
