"""Registries: which one an image comes from, and what Docker's words about one mean for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

HUB = "docker.io"
HUB_NAMES = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
# Where Docker's command line looks for the login to Docker Hub.
HUB_KEY = "https://index.docker.io/v1/"
MAX_QUOTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """A registry as the control plane has it. `address` is HOST[:PORT]; `ca_certificate` in PEM, empty for none."""

    name: str
    address: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_certificate: str = field(default="", repr=False)

    @property
    def config_key(self) -> str:
        """Return under which name Docker's command line looks for this login."""
        return HUB_KEY if self.address == HUB else self.address


class Trouble(StrEnum):
    """What is wrong between Docker and a registry; AWAY alone may pass by itself."""

    DENIED = "denied"
    UNKNOWN_AUTHORITY = "unknown authority"
    PLAIN_TEXT = "plain text"
    MISSING = "missing"
    AWAY = "away"
    OTHER = "other"


# In this order: what is said first is what is meant. Docker, BuildKit and registries each have words of their own.
SIGNS = (
    (Trouble.UNKNOWN_AUTHORITY, r"x509:|certificate signed by unknown authority|certificate is not trusted"),
    (Trouble.PLAIN_TEXT, r"server gave HTTP response to HTTPS client"),
    (
        Trouble.DENIED,
        r"unauthorized|no basic auth credentials|authentication required|access (?:to the resource is )?(?:denied|"
        r"forbidden)|denied: |insufficient_scope|\b401\b|\b403\b|failed to authorize",
    ),
    (Trouble.MISSING, r"manifest unknown|manifest for .* not found|name unknown|: not found"),
    (
        Trouble.AWAY,
        r"connection refused|connection reset|i/o timeout|TLS handshake timeout|unexpected EOF|: EOF|no route to host|"
        r"network is unreachable|deadline exceeded|Client\.Timeout|temporary failure|server misbehaving|broken pipe|"
        r"\b50[0234]\b|toomanyrequests",
    ),
)


def host_of(image: str) -> str:
    """Return the registry that an image's reference names; Docker Hub where it names none."""
    first, slash, _ = image.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return HUB if not named or first in HUB_NAMES else first


def login_for(image: str, *, logins: Iterable[RegistryLogin]) -> RegistryLogin | None:
    """Return the login for the image's registry, where there is one."""
    host = host_of(image)
    return next((login for login in logins if login.address == host), None)


def trouble_in(lines: Iterable[str]) -> Trouble:
    """Return what these lines of Docker's say is wrong."""
    text = "\n".join(lines)
    return next((trouble for trouble, sign in SIGNS if re.search(sign, text, re.IGNORECASE)), Trouble.OTHER)


def lacks_right(*, image: str, login: RegistryLogin, to_push: bool) -> str:
    """Return a sentence for a user whose login is right and who may not do this."""
    what = "push" if to_push else "pull"
    return (
        f"The registry {host_of(image)} knows {login.username} and does not let this user {what} {image}: give the "
        f"user the right to {what} there, or store another one with the registry “{login.name}”."
    )


def sentence(trouble: Trouble, *, image: str, login: RegistryLogin | None, said: str = "") -> str:
    """Return a sentence that names registry and image, and what to do; `said` are Docker's last words."""
    host, known = host_of(image), f" “{login.name}”" if login else ""
    quoted = f" Docker said: {said[-MAX_QUOTED:]}" if said else ""
    if trouble is Trouble.DENIED and login and login.username:
        return (
            f"The registry {host} does not accept {login.username} for {image}: the password stored with the registry"
            f"{known} is wrong, or this user may not do that."
        )
    if trouble is Trouble.DENIED:
        return (
            f"The registry {host} asks who wants {image}, and no login for it is stored: add the registry for the "
            "project or its owner."
        )
    if trouble is Trouble.UNKNOWN_AUTHORITY:
        return (
            f"Docker on this host does not trust the certificate of the registry {host}, which has {image}: put the "
            f"authority that signed it into /etc/docker/certs.d/{host}/ca.crt on this host, or store it with the "
            "registry and allow it here with `registry_certificates = true` in [policy] of agent.toml."
        )
    if trouble is Trouble.PLAIN_TEXT:
        return (
            f"The registry {host}, which has {image}, speaks plain HTTP, which Docker on this host takes from none but "
            "those that its `insecure-registries` names."
        )
    if trouble is Trouble.MISSING:
        return f"The registry {host} has no {image}."
    if trouble is Trouble.AWAY:
        return f"The registry {host}, which has {image}, could not be reached.{quoted}"
    return f"The registry {host} did not give {image}.{quoted}"
