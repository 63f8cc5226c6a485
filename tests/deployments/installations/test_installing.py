"""Agents installed by SSH on a real server (OpenSSH, sudo, an engine of its own): the whole way, there and back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from agents.distribution.artifact import agent_artifact
from agents.models import Agent, Server
from agents.services import enrolment
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from deployments.data.installation_types import InstallationAction, InstallationState, SshLogin, Step, StepState
from deployments.models import AgentInstallation, User
from deployments.repositories import clock
from deployments.repositories.installations import installation_rows
from deployments.services.installations import unattended
from deployments.services.installations.host_steps import HostSteps
from tests.deployments.installations.conftest import (
    OURS,
    ROOT,
    START_SECONDS,
    Place,
    ask,
    carried_out,
    database_url,
    gateway_at,
    listens,
    steps_of,
    until,
)
from tests.servers.agent_wheels import agent_wheels
from tests.servers.ssh_server import DEPLOY_PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("carries_wheels")]

MOUNTED = "/var/lib/axion-agent/releases/r1/gateway.conf"


def watch(monkeypatch: pytest.MonkeyPatch, look: Any) -> None:
    """Call `look` with each step, just after it has done its work on the server and before anything of it is stored."""
    do = HostSteps.do

    async def watched(self: HostSteps, step: Step) -> str:
        message = await do(self, step)
        look(step)
        return message

    monkeypatch.setattr(HostSteps, "do", watched)


def hold_is_over(asked_id: Any) -> None:
    """Time passes, in which the worker said nothing."""
    AgentInstallation.objects.filter(pk=asked_id).update(held_until=clock.now())


def test_bare_to_connected_and_away(
    bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    arguments: list[str] = []
    watch(monkeypatch, lambda _: arguments.append(bare.server.run("ps -eo args")))
    made = carried_out(ask(bare, owner, server, keep_login=True))
    assert made.state is InstallationState.SUCCEEDED, steps_of(made)
    assert {state for state, _ in steps_of(made).values()} == {StepState.DONE}
    assert steps_of(made)[Step.ROOT][1] == "deploy becomes root by sudo."
    agent = Agent.objects.active().get(server_id=server.id)
    first = bare.server.run("cat /run/axion-agent/pid")
    assert bare.server.run("stat -c %a /etc/axion/agent.env /var/lib/axion-agent").split() == ["600", "700"]

    # Once more, with the login that was kept: the agent is who it was.
    again = carried_out(ask(bare, owner, server, login=SshLogin(), replace=True))
    assert again.state is InstallationState.SUCCEEDED, steps_of(again)
    assert Agent.objects.active().get(server_id=server.id).enrolled_at == agent.enrolled_at
    assert bare.server.run("cat /run/axion-agent/pid") != first
    assert_nowhere(DEPLOY_PASSWORD, logs=caplog.text, arguments=arguments)
    a_stack_is_there(bare)

    gone = carried_out(ask(bare, owner, server, InstallationAction.UNINSTALL))
    assert gone.state is InstallationState.SUCCEEDED, steps_of(gone)
    # A file that a container has mounted stays for its next start, and nothing else of ours.
    left = bare.server.run(f"find {OURS} /tmp/axion-install-* -type f", check=False)
    assert left.split() == [MOUNTED]
    assert "agents.runner" not in bare.server.run("ps -eo args")
    assert bare.server.engine.docker("ps", "-aq", "--filter", "label=axion.project").stdout.split()
    assert not Agent.objects.active().filter(server_id=server.id).exists()


def a_stack_is_there(place: Place) -> None:
    """A container of a stack with a file of its release, as its engine knows it."""
    place.server.run(f"mkdir -p $(dirname {MOUNTED}) && echo kept >{MOUNTED} && echo gone >{MOUNTED}.other")
    with subprocess.Popen(["tar", "-c", "--files-from", "/dev/null"], stdout=subprocess.PIPE) as empty:
        subprocess.run(
            ["docker", "--host", place.server.engine.host, "import", "-", "nothing"],
            stdin=empty.stdout, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    made = place.server.engine.docker(
        "create", "--label", "axion.project=p", "-v", f"{MOUNTED}:/gateway.conf:ro", "nothing", "true"
    )
    assert made.returncode == 0, made.stderr


def assert_nowhere(secret: str, *, logs: str, arguments: list[str]) -> None:
    """In no row, job, log or process argument: rows hold it sealed alone."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{secret}%"])
            assert cursor.fetchone() == (0,), table
    with Redis.from_url(configured.REDIS_URL) as redis:
        for key in redis.scan_iter():
            assert secret.encode() not in (redis.dump(key) or b""), key
    assert secret not in logs
    assert len(arguments) == 22
    assert not [line for line in arguments if secret in line]


def test_killed_after_every_step_it_goes_on(
    bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step did is there, and nothing of it is stored: the next worker begins anew, and gets there."""

    class Killed(BaseException):
        pass

    asked = ask(bare, owner, server)
    to_come = [each.step for each in asked.steps]

    def kill(step: Step) -> None:
        if step is to_come[0]:
            to_come.pop(0)
            raise Killed

    with monkeypatch.context() as patched:
        watch(patched, kill)
        while to_come:
            with pytest.raises(Killed):
                carried_out(asked)
            assert installation_rows.get(installation_id=asked.id).state is InstallationState.RUNNING
            assert carried_out(asked).ended_at is None, "held by the dead one for a while"
            hold_is_over(asked.id)
            assert unattended.take_up() == 1
    ended = carried_out(asked)
    assert (ended.state, ended.attempt) == (InstallationState.SUCCEEDED, 12), steps_of(ended)
    assert Agent.objects.filter(server_id=server.id).count() == 1
    assert bare.server.run("ps -eo args | grep -c '[a]xion-agent supervise'") == "1"


def test_a_worker_process_killed_in_the_middle(bare: Place, owner: User, server: Server, tmp_path: Path) -> None:
    """A real worker, by the queue, is killed while it brings the agent; the next one installs it."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": configured.REDIS_URL,
        "AXION_AGENT_WHEELS": str(agent_wheels()),
        "AXION_GATEWAY_BIND": f"{bare.here}:{bare.port}",
        "AXION_GATEWAY_PLAINTEXT": "true",
    }
    with (tmp_path / "worker.log").open("wb") as log, subprocess.Popen(
        [sys.executable, "manage.py", "run_worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
    ) as worker:  # fmt: skip
        asked = ask(bare, owner, server)
        until(
            lambda: steps_of(installation_rows.get(installation_id=asked.id))[Step.RUNNER][0] is not StepState.WAITING,
            what="the step has begun",
        )
        worker.kill()
    hold_is_over(asked.id)
    ended = carried_out(asked)
    assert ended.state is InstallationState.SUCCEEDED, steps_of(ended)
    assert ended.attempt >= 2


def test_one_line_to_a_gateway_with_tls(
    bare: Place, owner: User, server: Server, settings: Any, tmp_path: Path
) -> None:
    """From the control plane over HTTP; a changed program is refused; removed by the same script."""
    port = free_port()
    settings.AXION_GATEWAY_BIND, settings.AXION_GATEWAY_PLAINTEXT = f"{bare.here}:{port}", False
    gateway = gateway_at(settings.AXION_GATEWAY_BIND, log_file=tmp_path / "gateway.log", plaintext="false")
    served = LiveServer(bare.here)
    try:
        gateway.start()
        settings.ALLOWED_HOSTS = ["*"]
        wait_ready(gateway, probe=lambda: listens(bare.here, port + 1), seconds=START_SECONDS)
        script = f"curl -fsSL {served.url}/agents/install.sh"
        changed = f"{script} | sed s/{agent_artifact().digest}/{'0' * 64}/ | sh -s -- axe_x 2>&1"
        assert "its SHA-256 is another" in bare.server.run(changed, check=False)
        assert bare.server.run("ls -A /opt/axion-agent/releases/*/.complete", check=False) == ""
        issued = enrolment.create_token(server_id=server.id, owner_id=owner.id, reached_by=bare.here)
        said = bare.server.run(f"{script} | sh -s -- '{issued.token}' 2>&1")
        assert "The agent is enrolled as" in said
        until(lambda: Agent.objects.online().filter(server_id=server.id).exists(), what="the agent is online")
        assert "The agent is removed." in bare.server.run(f"{script} | sh -s -- --uninstall 2>&1")
        assert bare.server.run(f"ls -d {OURS}", check=False) == ""
    finally:
        served.stop()
        gateway.stop(grace=10)
