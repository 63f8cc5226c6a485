"""What people may say of a registry."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from deployments.data.registry_types import NewRegistry
from deployments.rules.registry_rules import usual_address, wrong_fields

USUAL = NewRegistry(name="ours", address="registry.example.org:5000", username="robot", password="secret")


@pytest.mark.parametrize(
    "address", ["registry.example.org", "10.0.0.7:5000", "localhost", "registry:5000", "docker.io", "a.b.c:65535"]
)
def test_addresses_as_they_stand_in_front_of_images(address: str) -> None:
    assert wrong_fields(replace(USUAL, address=address)) == {}


@pytest.mark.parametrize(
    "address",
    [
        *("", "registry", "https://registry.example.org", "registry.example.org/apps", "registry.example.org:"),
        *(
            "registry.example.org:0",
            "registry.example.org:70000",
            "a b.c",
            "-a.example.org",
            "a..b",
            "me@a.example.org",
        ),
        *("../../etc", "a.example.org:5000/../x", "x" * 260 + ".org"),
    ],
)
def test_other_addresses_are_refused_by_name(address: str) -> None:
    assert wrong_fields(replace(USUAL, address=address)).keys() == {"address"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"username": "a:b"}, "username"),
        ({"username": ""}, "username"),
        ({"password": ""}, "password"),
        ({"password": "two\nlines"}, "password"),
        ({"password": "x" * 5000}, "password"),
        ({"ca_certificate": "no certificate"}, "caCertificate"),
        ({"ca_certificate": "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"}, "caCertificate"),
        ({"project_id": uuid4(), "of_installation": True}, "projectId"),
    ],
)
def test_what_cannot_be_is_named_by_its_field(changes: dict[str, object], field: str) -> None:
    assert wrong_fields(replace(USUAL, **changes)).keys() == {field}  # type: ignore[arg-type]


def test_docker_hub_has_one_name() -> None:
    names = ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com", " Docker.IO ")
    assert {usual_address(name) for name in names} == {"docker.io"}
    assert usual_address("GHCR.io") == "ghcr.io"
