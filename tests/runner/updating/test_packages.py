"""A new version needs other packages, and the machine reaches nothing but its gateway: they come along with it."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.packages import PackagesName
from agents.contracts.version import UPDATES_PROTOCOL
from agents.distribution.artifact import packed
from agents.runner.release import LAUNCHER
from agents.runner.updating.provide import LOCK_FILE
from agents.runner.updating.record import Phase
from tests.runner.gateway import TestGateway
from tests.runner.updating.installed import InstalledAgent, install, version

WHEEL = "tiny_package-1.0-py3-none-any.whl"
# In a network namespace without a way out; says what was raised.
PROVIDE = """
import sys
from pathlib import Path
from agents.runner.release import Release
from agents.runner.updating.provide import UpdateFailedError, provide
home, content, packages = map(Path, sys.argv[1:])
present, new = (Release(home=home, build=build, kind="py3") for build in ("old", "new"))
try:
    provide(release=new, present=present, content=content.read_bytes(), packages=packages.read_bytes())
except UpdateFailedError as error:
    sys.exit(str(error))
"""


def wheel(*, holds: str = "FOUND = True\n") -> bytes:
    info, made = "tiny_package-1.0.dist-info", io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("tiny_package.py", holds)
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return made.getvalue()


def tar_of(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo(WHEEL)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def lock_of(content: bytes) -> str:
    return f"tiny-package==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
@pytest.mark.parametrize(("brought", "is_installed"), [("as locked", True), ("another", False), ("no tar", False)])
def test_what_came_along_is_installed_without_any_other_address(
    tmp_path: Path, brought: str, is_installed: bool
) -> None:
    packages = {
        "as locked": tar_of(wheel()),
        "another": tar_of(wheel(holds="FOUND = False\n")),
        "no tar": b"no tar at all",
    }
    (tmp_path / "releases").mkdir()
    archive = packed({LOCK_FILE: lock_of(wheel()).encode(), str(LAUNCHER): b"#!/bin/sh\n"})
    (tmp_path / "archive").write_bytes(archive)
    (tmp_path / "packages").write_bytes(packages[brought])
    command = ["unshare", "--net", sys.executable, "-c", PROVIDE, *map(str, (tmp_path, tmp_path / "archive"))]
    environment = {**os.environ, "PIP_RETRIES": "0", "PIP_TIMEOUT": "2"}
    done = subprocess.run(
        [*command, str(tmp_path / "packages")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    release = tmp_path / "releases" / "new-py3"
    assert (done.returncode == 0) is is_installed, done.stderr
    assert (release / "lib" / "tiny_package.py").exists() is is_installed
    assert not (release / "wheels").exists()
    assert is_installed or "pip could not install what the new version needs" in done.stderr


def test_an_agent_asks_its_gateway_for_them(
    gateway: TestGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No index of the machine's own.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    gateway.protocol = UPDATES_PROTOCOL
    install(tmp_path / "home", version("0.9.1"))
    agent = InstalledAgent(home=tmp_path / "home", state_dir=tmp_path / "state", port=gateway.port)
    agent.start(AXION_AGENT__AGENT__UPDATE_SECONDS="30")
    try:
        gateway.until(lambda: gateway.hellos, what="the first Hello")
        wanted = version("0.9.2", lock=lock_of(wheel()))
        name = PackagesName(digest=wanted.digest, minor=sys.version_info[1], machine=platform.machine())
        gateway.bundles.update({wanted.digest: wanted.content, str(name): tar_of(wheel())})
        update_id = str(uuid4())
        gateway.order_update(pb.UpdateOrder(update_id=update_id, version="0.9.2", digest=wanted.digest))
        ends = (Phase.DONE, Phase.FAILED)
        told = gateway.until(
            lambda: next((each for each in gateway.updates if each.state in ends), None), what="its end", seconds=90
        )
        assert told.state == Phase.DONE, told.message
        assert list((tmp_path / "home" / "releases").glob(f"{wanted.build}-*/lib/tiny_package.py"))
    finally:
        agent.stop()
        sys.stdout.write(agent.log_file.read_text())
