"""What people may say of a registry, field by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cryptography import x509

from agents.wording.sentences import sentence
from deployments.data.registry_types import NewRegistry, RegistryRecord
from deployments.names import MAX_NAME

HUB = "docker.io"
HUB_NAMES = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "hub.docker.com"})
MAX_USERNAME, MAX_PASSWORD, MAX_CERTIFICATE = 255, 4096, 32 * 1024
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ADDRESS = re.compile(rf"(?=.{{1,255}}\Z)(?:{_LABEL}(?:\.{_LABEL})*)(?::([0-9]{{1,5}}))?")
MAX_NAMESPACE = 200
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
NAMESPACE = re.compile(rf"{_PART}(?:/{_PART})*")
ADDRESS_WORDS = sentence("HOST or HOST:PORT as it stands in front of an image, without https:// and without a path")


def usual_address(address: str) -> str:
    """Return the address as images name it: Docker Hub has several names, of which one counts."""
    address = address.strip().lower()
    return HUB if address in HUB_NAMES else address


def wrong_fields(new: NewRegistry) -> dict[str, str]:
    """Return why fields of a registry cannot be, by the names that the wire has for them; none when all is well."""
    wrong: dict[str, str] = {}
    if not (0 < len(new.name) <= MAX_NAME and new.name.isprintable()):
        wrong["name"] = sentence("1 to {max_name} printable characters", max_name=MAX_NAME)
    if not _is_address(new.address):
        wrong["address"] = ADDRESS_WORDS
    if len(new.namespace) > MAX_NAMESPACE or not NAMESPACE.fullmatch(new.namespace):
        wrong["namespace"] = sentence(
            "small letters and digits, with . _ - between and / for levels, such as team/axion"
        )
    if len(new.username) > MAX_USERNAME or ":" in new.username or not new.username.isprintable():
        wrong["username"] = sentence(
            "at most {max_username} printable characters and no colon", max_username=MAX_USERNAME
        )
    if bool(new.username) != bool(new.password):
        wrong["password" if new.username else "username"] = sentence("give both a user name and a password, or neither")
    elif len(new.password) > MAX_PASSWORD or "\n" in new.password or "\0" in new.password:
        wrong["password"] = sentence("at most {max_password} characters on one line", max_password=MAX_PASSWORD)
    if why := wrong_certificate(new.ca_certificate):
        wrong["caCertificate"] = why
    if new.project_id and new.of_installation:
        wrong["projectId"] = sentence("a registry is the installation's or a project's, not both")
    return wrong


def _is_address(address: str) -> bool:
    match = ADDRESS.fullmatch(address)
    if match is None:
        return False
    host, port = address.partition(":")[0], match[1]
    # Otherwise Docker takes it for the first part of a name on Docker Hub.
    named = "." in host or port is not None or host == "localhost"
    return named and (port is None or 0 < int(port) < 65536)


def wrong_certificate(text: str) -> str:
    """Return why these cannot be the authorities of a registry; empty when they can, or there are none."""
    if not text:
        return ""
    if len(text) > MAX_CERTIFICATE:
        return sentence("at most {max_certificate} KiB", max_certificate=MAX_CERTIFICATE // 1024)
    if "PRIVATE KEY" in text:
        return sentence("there is a private key in it: only certificates belong here")
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return sentence("certificates in PEM, beginning with -----BEGIN CERTIFICATE-----")
    return ""


def chosen(registries: Sequence[RegistryRecord], *, hosts: Iterable[str] | None) -> tuple[RegistryRecord, ...]:
    """Return one registry for each address, of several the first; `hosts` are those that count, None for all."""
    wanted = None if hosts is None else set(hosts)
    found: dict[str, RegistryRecord] = {}
    for each in registries:
        if wanted is None or each.address in wanted:
            found.setdefault(each.address, each)
    return tuple(found.values())
