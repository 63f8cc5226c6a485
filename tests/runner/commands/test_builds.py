"""How code is built: a folder, a Dockerfile, a stage, arguments and secrets; and secrets as files of a container."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.errors import StepFailedError
from agents.runner.planning.codec import release_of
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import PROGRAM, Stack

LINES = "canary-line-one-5f1e\ncanary-line-two: $HOME '\"#\n"
TOKEN = "canary-of-build-77aa"
ARGUMENT = "1.0 $HOME \"two\" --x\n'three'"

pytestmark = pytest.mark.docker
Containers = Callable[[], dict[str, dict[str, Any]]]


def dockerfile(base: str) -> str:
    return (
        f"FROM {base} AS first\nARG RELEASE\nENV RELEASE=$RELEASE\nCOPY main.py here.txt /\n"
        "RUN --mount=type=secret,id=npm.token test -s /run/secrets/npm.token && cat /run/secrets/npm.token && "
        "sha256sum /run/secrets/npm.token > /seen\n"
        "FROM first AS last\nRUN touch /last\nFROM first AS never\nRUN false\n"
    )


def special(stack: Stack, bundle: str, **build: Any) -> pb.Command:
    """Return the order to build `web` in a special way, and to give it a file of several lines."""
    command = stack.with_service("web", image=f"axion/{stack.name}-web:special", bundle=bundle).deploy()
    document = json.loads(command.deploy.files["docker-compose.yml"])
    document["secrets"] = {"web-file": {"environment": "SECRET_LINES"}}
    document["services"]["web"]["secrets"] = [
        {"source": "web-file", "target": "/run/secrets/deep/lines", "mode": 0o400}
    ]
    command.deploy.files["docker-compose.yml"] = json.dumps(document)
    command.deploy.variable_names.extend(["SECRET_LINES", "SECRET_TOKEN"])
    web = next(each for each in command.deploy.services if each.name == "web")
    web.MergeFrom(pb.ServiceSpec(**build))
    return command


def test_a_build_is_what_the_order_says_and_no_secret_stays_anywhere(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, engine: Any, base_image: str
) -> None:
    files = {"apps/web/docker/Dev": dockerfile(base_image), "apps/web/main.py": PROGRAM, "apps/web/here.txt": "here"}
    bundle = gateway.add_bundle({**files, "Dockerfile": "FROM nothing-that-there-is"})
    command = special(
        stack, bundle, build_folder="apps/web", build_dockerfile="docker/Dev", build_target="last",
        build_args={"RELEASE": ARGUMENT}, build_secrets={"npm.token": "SECRET_TOKEN"},
    )  # fmt: skip
    gateway.secrets[command.deployment_id] = {"SECRET_LINES": LINES, "SECRET_TOKEN": TOKEN}
    gateway.send(command)
    finished = gateway.finished(command.command_id, seconds=120)
    assert finished.outcome == pb.SUCCEEDED, finished
    web = containers()["web"]
    assert f"RELEASE={ARGUMENT}" in web["Config"]["Env"]
    told = inside(web["Id"], "cat /here.txt /run/secrets/deep/lines; stat -c %a /run/secrets/deep/lines; ls /last")
    assert told == f"here{LINES}400\n/last\n"
    assert inside(web["Id"], f"printf %s {TOKEN} | sha256sum | cut -c1-64; cut -c1-64 /seen").split() == 2 * [
        inside(web["Id"], "cut -c1-64 /seen").strip()
    ]
    said = b"".join(report.SerializeToString() for reports in gateway.reports.values() for report in reports)
    layers = json.dumps([engine.inspect_image(web["Image"]), engine.history(web["Image"]), web])
    saved = b"".join(engine.get_image(f"axion/{stack.name}-web:special"))
    for value in (TOKEN, *LINES.split()[:2]):
        assert value.encode() not in said
        assert value not in agent.log()
        assert value not in layers
        assert value.encode() not in saved
        for path in agent.state_dir.rglob("*"):
            assert not path.is_file() or value.encode() not in path.read_bytes(), path


def test_a_folder_of_another_code_is_not_taken_for_one_of_the_same_name(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, base_image: str
) -> None:
    """Files of one size and time, which BuildKit takes for the same where the folder has the same name."""
    for text in ("one", "two"):
        bundle = gateway.add_bundle({"web/Dockerfile": f"FROM {base_image}\nCOPY text /\n", "web/text": text})
        command = gateway_values(gateway, special(stack, bundle, build_folder="web"))
        next(each for each in command.deploy.services if each.name == "web").image += text
        document = json.loads(command.deploy.files["docker-compose.yml"])
        document["services"]["web"]["image"] += text
        command.deploy.files["docker-compose.yml"] = json.dumps(document)
        command.deploy.force_redeploy = True
        gateway.send(command)
        finished = gateway.finished(command.command_id, seconds=120)
        assert finished.outcome == pb.SUCCEEDED, finished
        assert inside(containers()["web"]["Id"], "cat /text") == text
    bundle = gateway.add_bundle({"web/Dockerfile": "FROM scratch"})
    missing = gateway_values(gateway, special(stack, bundle, build_folder="no/such"))
    gateway.send(missing)
    failed = gateway.finished(missing.command_id, seconds=120)
    assert (failed.reason, failed.failed_service) == ("build", "web")
    assert "has no folder no/such" in failed.message


def gateway_values(gateway: TestGateway, command: pb.Command) -> pb.Command:
    gateway.secrets[command.deployment_id] = {"SECRET_LINES": LINES, "SECRET_TOKEN": TOKEN}
    return command


def inside(container: str, script: str) -> str:
    argv = ["docker", "exec", "--user", "0", container, "sh", "-c", script]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


def test_without_buildkit_a_build_with_a_secret_is_refused_by_name(
    gateway: TestGateway, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Docker whose command has no buildx stands before the real one."""
    real = subprocess.run(["which", "docker"], check=True, capture_output=True, text=True, timeout=30).stdout.strip()
    shim = tmp_path / "bin" / "docker"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n[ "$1" = buildx ] && echo "docker: no such command" && exit 1\nexec {real} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/local/bin:/usr/bin:/bin")
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start()
    try:
        bundle = gateway.add_bundle({"Dockerfile": "FROM scratch"})
        command = gateway_values(gateway, special(stack, bundle, build_secrets={"npm": "SECRET_TOKEN"}))
        gateway.send(command)
        finished = gateway.finished(command.command_id, seconds=120)
    finally:
        agent.terminate()
    assert (finished.reason, finished.failed_service) == ("build", "web")
    assert "config.buildSecret.npm needs BuildKit" in finished.message


@pytest.mark.parametrize(
    "build",
    [
        {"build_folder": "../x"}, {"build_folder": "/etc"}, {"build_dockerfile": "a/../../x"},
        {"build_target": "--x"}, {"build_args": {"BUILDKIT_CACHE_MOUNT_NS": "theirs"}}, {"build_args": {"A=B": ""}},
        {"build_secrets": {"x,src=/etc/shadow": "SECRET_TOKEN"}}, {"build_secrets": {"ca": "SECRET_TOKEN"}},
        {"build_secrets": {"x": "HOME"}},
    ],
    ids=str,
)  # fmt: skip
def test_an_order_that_would_leave_its_code_or_read_foreign_values_is_refused(build: Mapping[str, Any]) -> None:
    stack = Stack(name="s", project_id="p", services=())
    command = stack.deploy()
    command.deploy.variable_names.append("SECRET_TOKEN")
    command.deploy.services.append(pb.ServiceSpec(name="web", image="x", bundle_digest="d", **build))
    with pytest.raises(StepFailedError, match="cannot be part of how web is built"):
        release_of(command)
