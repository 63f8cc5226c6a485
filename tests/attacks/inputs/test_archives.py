"""The owner of a project uploads an archive that is to cost the installation its memory, disk or time."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from deployments.clients import codegen
from deployments.errors import PeerRefused
from deployments.models import CodeBundle, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from stackgen.code import bundle
from tests import factories
from tests.attacks.inputs.archives import HOSTILE, MIB, ended, file
from tests.deployments.lane import graph_of_images

# Beside the upload itself: the files once, and their tar once.
MAX_PEAK_BYTES = 200 * MIB
MAX_SECONDS = 8.0
# Reads each file as the web process would, and tells how it went.
CHILD = """
import json, resource, sys, time
from stackgen.code.bundle import BundleInvalid, canonical_tar
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
told = {}
for path in sys.argv[1:]:
    content = open(path, "rb").read()
    before, began = peak(), time.process_time()
    try:
        canonical_tar(content)
        said = "taken"
    except BundleInvalid as error:
        said = "refused"
    told[path] = [said, peak() - before, time.process_time() - began]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    files = {}
    for number, (name, make) in enumerate(HOSTILE.items()):
        files[name] = folder / f"{number}.tar"
        files[name].write_bytes(make())
    return files


def test_each_is_refused_within_memory_and_time(hostile: dict[str, Path]) -> None:
    by_path = {str(path): name for name, path in hostile.items()}
    # The smallest first: a peak stays.
    paths = sorted(by_path, key=lambda path: Path(path).stat().st_size)
    run = subprocess.run([sys.executable, "-c", CHILD, *paths], capture_output=True, text=True, timeout=300, check=True)
    told = {by_path[path]: found for path, found in json.loads(run.stdout).items()}
    wrong = {
        name: found
        for name, found in told.items()
        if found[0] != "refused" or found[1] > MAX_PEAK_BYTES or found[2] > MAX_SECONDS
    }
    assert not wrong


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a size below zero", "a huge pax header", "headers in headers", "a sparse file"])
def test_the_owner_is_told_and_nothing_is_stored(name: str, hostile: dict[str, Path]) -> None:
    owner: User = factories.make_user("alice")
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Shop")
    sources.store_graph(caller=caller_of(owner), project_id=project.id, graph=graph_of_images(web="web:1"))
    api = APIClient()
    api.force_authenticate(owner)
    answer = api.put(
        f"/api/projects/{project.id}/code/n-web",
        hostile[name].read_bytes(),
        content_type="application/x-tar",
    )
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "VALIDATION_ERROR"
    assert not CodeBundle.objects.exists()


@pytest.mark.parametrize("name", ["a size below zero", "a huge long name", "headers in headers"])
def test_codegens_archives_are_held_to_the_same(name: str, hostile: dict[str, Path]) -> None:
    with pytest.raises(PeerRefused):
        codegen.bundle_of(hostile[name])


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "code.tar")
    with pytest.raises(PeerRefused, match="neither a folder nor a file"):
        codegen.bundle_of(tmp_path / "code.tar")


def test_a_folder_is_bounded_in_entries_and_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_FILES", 50)
    wide = tmp_path / "wide"
    for number in range(60):
        (wide / f"d{number}").mkdir(parents=True)
    deep = tmp_path / "deep" / "/".join(["d"] * 120)
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    for folder in ("wide", "deep"):
        with pytest.raises(PeerRefused):
            codegen.bundle_of(tmp_path / folder)


def test_the_largest_that_is_allowed_is_taken_within_the_same_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.tar"
    path.write_bytes(gzip.compress(ended(file(bytes(49 * MIB))), 1))
    run = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, timeout=60, check=True)
    [said, peak, seconds] = json.loads(run.stdout)[str(path)]
    assert said == "taken"
    assert peak < MAX_PEAK_BYTES
    assert seconds < MAX_SECONDS
