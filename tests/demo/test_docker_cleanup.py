"""Cleaning up removes everything of the sample and nothing else: real containers, networks and volumes."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import pytest

from axion_deploy.demo.docker import docker, engine_answers, find, remove_labelled
from axion_deploy.demo.errors import DemoError

pytestmark = pytest.mark.docker
IMAGE = "redis:8"


@pytest.fixture
def mark() -> Iterator[str]:
    """A name for all objects of one test; what still bears it at the end is removed."""
    assert engine_answers()
    mark = f"axiontest{secrets.token_hex(4)}"
    yield mark
    for kind in ("container", "network", "volume", "image"):
        for label in (f"{mark}=ours", f"{mark}=foreign"):
            for each in find(kind, label=label):
                with contextlib.suppress(DemoError):
                    docker(*{"container": ("rm", "-fv"), "image": ("rmi", "-f")}.get(kind, (kind, "rm")), each)


def make(mark: str, owner: str) -> dict[str, str]:
    """One object of each kind, the container running in the network with the volume."""
    label, name = ("--label", f"{mark}={owner}"), f"{mark}-{owner}"
    network = docker("network", "create", *label, name).strip()
    volume = docker("volume", "create", *label, name).strip()
    container = docker("run", "-d", *label, "--network", name, "-v", f"{name}:/data", IMAGE).strip()
    image = docker("commit", "--change", f"LABEL {mark}={owner}", container, f"{name}:1").strip()
    return {"container": container, "network": network, "volume": volume, "image": image}


def test_everything_of_ours_goes_and_everything_foreign_stays(mark: str) -> None:
    make(mark, "ours")
    foreign = make(mark, "foreign")
    removed = remove_labelled(label=f"{mark}=ours", images=True)
    assert removed == {"container": 1, "network": 1, "volume": 1, "image": 1}
    for kind, identity in foreign.items():
        assert find(kind, label=f"{mark}=ours") == []
        assert identity in find(kind, label=f"{mark}=foreign")
    assert docker("inspect", "-f", "{{.State.Running}}", foreign["container"]).strip() == "true"
    assert remove_labelled(label=f"{mark}=ours", images=True) == dict.fromkeys(removed, 0)


def test_images_stay_when_asked(mark: str) -> None:
    ours = make(mark, "ours")
    assert "image" not in remove_labelled(label=f"{mark}=ours", images=False)
    assert find("image", label=f"{mark}=ours") == [ours["image"]]


def test_what_cannot_be_removed_is_told(mark: str) -> None:
    """A foreign container that uses our volume keeps it alive; saying that all is gone would be a lie."""
    docker("volume", "create", "--label", f"{mark}=ours", mark)
    docker("create", "--label", f"{mark}=foreign", "-v", f"{mark}:/data", IMAGE)
    with pytest.raises(DemoError, match=f"did not remove everything.*{mark}"):
        remove_labelled(label=f"{mark}=ours", images=False)
