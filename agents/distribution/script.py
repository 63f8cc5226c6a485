"""The installation script, filled in for one control plane. It holds no secret: the token is given when it runs."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from agents.distribution.artifact import Artifact

SOURCE = Path(__file__).with_name("install.sh")


def render_script(
    *,
    artifact: Artifact,
    base_url: str,
    gateway_url: str,
    plain_text: bool,
    mutual_address: str = "",
    at: float | None = None,
) -> str:
    """Return the script. `base_url` is the control plane's as the host reaches it; empty where all files lie beside it.

    `mutual_address`: host:port of the gateway's second port, empty for none. `plain_text`: the gateway may be spoken to
    without TLS. `at`: epoch seconds that the host's clock is compared with.
    """
    values = {
        "VERSION": artifact.version,
        "DIGEST": artifact.digest,
        "ARTIFACT": artifact.file_name,
        "BASE_URL": base_url.rstrip("/"),
        "GATEWAY_URL": gateway_url,
        "MUTUAL_ADDRESS": mutual_address,
        "INSECURE": "true" if plain_text else "false",
        "NOW": str(int(time.time() if at is None else at)),
    }
    settings = "\n".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    return SOURCE.read_text().replace("# @SETTINGS@", settings)
