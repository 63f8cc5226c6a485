"""What goes wrong on the way to an agent: each is told at its step, nothing more is done, and it can be tried again."""

from __future__ import annotations

import asyncio
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from agents.distribution.artifact import agent_artifact
from agents.distribution.script import render_script
from agents.models import Server
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRequest,
    InstallationState,
    SshAddress,
    SshLogin,
    Step,
)
from deployments.errors import Conflict, Invalid, NotFound
from deployments.models import User
from deployments.repositories.installations import installation_rows, server_access_rows
from deployments.services.fleet import machine_changes
from deployments.services.installations import host_steps, installation_requests
from deployments.services.installations.host_steps import HostSteps
from deployments.services.permissions.access import caller_of
from deployments.ssh import ssh_host
from tests import factories
from tests.deployments.installations.conftest import Place, ask, assert_failed, carried_out, steps_of
from tests.servers.ssh_server import DEPLOY_PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("carries_wheels")]


def test_what_the_server_does_not_grant(bare: Place, owner: User, server: Server) -> None:
    wrong = carried_out(ask(bare, owner, server, login=SshLogin(password="not it")))
    assert_failed(wrong, Step.SIGN_IN, "deploy", "this password")
    guest = carried_out(ask(bare, owner, server, address=bare.address("guest")))
    assert_failed(guest, Step.ROOT, "guest may not use sudo")
    other = SshLogin(password=DEPLOY_PASSWORD, sudo_password="not it")
    assert_failed(carried_out(ask(bare, owner, server, login=other)), Step.ROOT, "sudo did not take the password")
    bare.server.hide("sudo")
    assert_failed(carried_out(ask(bare, owner, server)), Step.ROOT, "has no sudo")


def test_what_the_server_does_not_have(bare: Place, owner: User, server: Server) -> None:
    bare.server.hide("docker")
    assert_failed(carried_out(ask(bare, owner, server)), Step.DOCKER, "Docker is missing")
    bare.server.show("docker")
    bare.server.run("fallocate -l 900M /var/lib/filler")
    try:
        assert_failed(carried_out(ask(bare, owner, server)), Step.DISK, "MiB left")
    finally:
        bare.server.run("rm /var/lib/filler")
    nobody = carried_out(ask(bare, owner, server, gateway_url=f"http://{bare.here}:9"))
    assert_failed(nobody, Step.GATEWAY, f"{bare.here} port 9", "cannot be reached")


OLD_DOCKER = """printf '#!/bin/sh\\necho 19.03.15\\n' >/usr/local/bin/docker && chmod 755 /usr/local/bin/docker"""


def test_a_docker_that_is_too_old_and_a_clock_that_is_off_by_an_hour(
    bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.server.hide("docker")
    bare.server.run(OLD_DOCKER)
    try:
        old = carried_out(ask(bare, owner, server))
    finally:
        bare.server.run("rm /usr/local/bin/docker")
        bare.server.show("docker")
    assert_failed(old, Step.DOCKER, "Docker 19.03.15 is too old", "20.10 or newer", "Update Docker")
    for hours in (-1, 1):
        with monkeypatch.context() as patched:
            patched.setattr(host_steps, "now_seconds", lambda hours=hours: int(time.time()) + hours * 3600)
            off = carried_out(ask(bare, owner, server))
        assert_failed(off, Step.CLOCK, "off by 3", "certificates would not hold", "timedatectl set-ntp true")


def test_nothing_is_sent_to_a_key_that_nobody_knows(bare: Place, owner: User, stranger: User, server: Server) -> None:
    before = bare.server.log()
    asked = carried_out(ask(bare, owner, server, host_key="", login=SshLogin(password="not it")))
    shown = ssh_host.fingerprint_of(asked.offered_key)
    assert (asked.state, shown) == (InstallationState.CONFIRMING, bare.server.fingerprint)
    assert "password" not in bare.server.log().removeprefix(before), "nobody signed in"
    with pytest.raises(NotFound):
        installation_requests.confirm_host_key(caller=caller_of(stranger), installation_id=asked.id, fingerprint=shown)
    with pytest.raises(Conflict):
        installation_requests.confirm_host_key(
            caller=caller_of(owner), installation_id=asked.id, fingerprint=shown.swapcase()
        )
    installation_requests.confirm_host_key(caller=caller_of(owner), installation_id=asked.id, fingerprint=shown)
    assert_failed(carried_out(asked), Step.SIGN_IN, "this password")
    assert server_access_rows.get(server_id=server.id).fingerprint == shown  # type: ignore[union-attr]  # it is there


def test_a_key_that_is_another(bare: Place, owner: User, server: Server) -> None:
    expected = f"SHA256:{'A' * 43}"
    assert_failed(
        carried_out(ask(bare, owner, server, host_key=expected)), Step.REACH, bare.server.fingerprint, expected
    )
    carried_out(ask(bare, owner, server, login=SshLogin(password="not it")))
    old = bare.server.fingerprint
    bare.server.renew_host_key()
    # Whoever answers in its place may show its key to those who ask for it: what was pinned counts alone.
    changed = carried_out(ask(bare, owner, server, host_key=bare.server.fingerprint))
    assert_failed(changed, Step.REACH, "has changed", old, bare.server.fingerprint)
    installation_requests.forget_access(caller=caller_of(owner), server_id=server.id)
    assert_failed(carried_out(ask(bare, owner, server, login=SshLogin(password="not it"))), Step.SIGN_IN)


def test_the_line_is_cut(bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a step: told within the time that a dead line is noticed in; the next try goes through there."""
    monkeypatch.setattr(ssh_host, "KEEP_ALIVE_SECONDS", 0.3)
    do = HostSteps.do

    async def cut(self: HostSteps, step: Step) -> str:
        if step is Step.DISK:
            bare.server.engine.cut()
        return await do(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(HostSteps, "do", cut)
        try:
            assert_failed(carried_out(ask(bare, owner, server)), Step.DISK, "SSH connection broke")
        finally:
            bare.server.engine.mend()
    again = carried_out(ask(bare, owner, server, gateway_url=f"http://{bare.here}:9"))
    assert_failed(again, Step.GATEWAY)
    assert bare.server.run("ls -d /tmp/axion-install-*", check=False).count("axion-install") <= 1


def test_cancelled_while_a_step_runs(bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(bare, owner, server)

    async def waits(self: HostSteps, step: Step) -> str:
        del self, step
        await sync_to_async(installation_rows.request_cancel)(installation_id=asked.id)
        await asyncio.sleep(600)
        return "too late"

    monkeypatch.setattr(HostSteps, "do", waits)
    ended = carried_out(asked)
    assert ended.state is InstallationState.CANCELLED, steps_of(ended)
    assert installation_rows.sealed_login(installation_id=asked.id) == ""


def test_one_at_a_time_on_a_server(owner: User, stranger: User, server: Server) -> None:
    """No server is needed for these: who may ask, what is refused, and what an open one keeps others from."""
    first = factories.make_installation(server)
    caller = caller_of(owner)
    assert installation_requests.being_installed(server_ids=[server.id]) == {server.id}
    with pytest.raises(Conflict):
        machine_changes.remove_server(caller=caller, server_id=server.id)
    assert installation_rows.claim(installation_id=first.id, holder=uuid4(), hold=timedelta(minutes=1)) is not None
    assert installation_rows.claim(installation_id=first.id, holder=uuid4(), hold=timedelta(minutes=1)) is None
    assert not installation_rows.begin_step(installation_id=first.id, holder=uuid4(), step=Step.REACH)
    with pytest.raises(NotFound):
        installation_requests.cancel_installation(caller=caller_of(stranger), installation_id=first.id)
    installation_requests.cancel_installation(caller=caller, installation_id=first.id)
    assert installation_rows.get(installation_id=first.id).cancel_requested_at is not None


def test_what_is_asked_for_is_checked(owner: User, server: Server) -> None:
    def wrong_with(**changes: Any) -> dict[str, str]:
        wanted = {
            "action": InstallationAction.INSTALL,
            "address": SshAddress(host="alpha.example", port=22, username="root"),
            "login": SshLogin(password="x"),
            "gateway_url": "https://deploy.example:50051",
            **changes,
        }
        with pytest.raises(Invalid) as refused:
            installation_requests.request_installation(
                caller=caller_of(owner),
                server_id=server.id,
                request=InstallationRequest(**wanted),
                installation_id=uuid4(),
            )
        return refused.value.details

    assert wrong_with(login=SshLogin()).keys() == {"password"}
    assert wrong_with(login=SshLogin(private_key="no key")).keys() == {"privateKey"}
    assert wrong_with(login=SshLogin(password="two\nlines")).keys() == {"password"}
    assert wrong_with(host_key="MD5:00").keys() == {"hostKey"}
    assert wrong_with(gateway_url="deploy.example").keys() == {"gatewayUrl"}
    odd = SshAddress(host="a b;reboot", port=0, username="-oProxyCommand=x")
    assert wrong_with(address=odd).keys() == {"host", "port", "username"}
    # A login goes to the place that it was kept for, and to no other.
    usual = SshAddress(host="alpha.example", port=22, username="root")
    server_access_rows.pin(server_id=server.id, address=usual, host_key="", fingerprint="SHA256:x", by="alice")
    server_access_rows.keep_login(server_id=server.id, address=usual, sealed="1:AAAA")
    elsewhere = SshAddress(host="mallory.example", port=22, username="root")
    assert wrong_with(login=SshLogin(), address=elsewhere).keys() == {"password"}


@pytest.mark.parametrize(("off", "fine"), [(0, True), (240, True), (-3600, False), (3600, False)])
def test_a_clock_that_is_off(tmp_path: Path, off: int, fine: bool) -> None:
    script = tmp_path / "install.sh"
    script.write_text(
        render_script(
            artifact=agent_artifact(),
            base_url="https://deploy.example",
            gateway_url="https://deploy.example:50051",
            plain_text=False,
            at=time.time() + off,
        )
    )
    ran = subprocess.run(
        ["sh", str(script), "--step", "clock"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode == 0) is fine
    assert fine or "off by 3" in ran.stderr
