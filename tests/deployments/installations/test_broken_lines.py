"""The line to the server breaks at each step, somebody cancels at each step, the gateway is killed: none is the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from agents.models import Agent, Server
from axion_deploy.embedded.readiness import wait_ready
from deployments.data.installation_types import (
    STEPS,
    InstallationAction,
    InstallationRecord,
    InstallationState,
    SshAddress,
    Step,
)
from deployments.models import User
from deployments.repositories.installations import installation_rows
from deployments.services.installations import installing
from deployments.services.installations.host_steps import HostSteps
from deployments.ssh.ssh_host import SshFailedError
from tests.deployments.installations.conftest import (
    OURS,
    START_SECONDS,
    Place,
    ask,
    assert_failed,
    carried_out,
    listens,
    steps_of,
)
from tests.servers.cutting_proxy import CuttingProxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("carries_wheels")]
# The command was given, and has not been answered.
WORDS = 2
CUT = {
    Step.REACH: "broke before it showed its host key",
    Step.SIGN_IN: "broke while signing in",
}
AskFor = Callable[[InstallationAction], InstallationRecord]


def at(step: Step, patched: pytest.MonkeyPatch, meets: Callable[[], Any], *, stays: bool = False) -> None:
    """Have it meet this at the step, as it begins; with `stays` the step does not end by itself."""
    do = HostSteps.do

    async def met(self: HostSteps, present: Step) -> str:
        if present is not step:
            return await do(self, present)
        await sync_to_async(meets)()
        said = await do(self, present)
        if stays:
            await asyncio.sleep(600)
        return said

    patched.setattr(HostSteps, "do", met)


def cut_at(step: Step, action: InstallationAction, ask_for: AskFor, proxy: CuttingProxy) -> None:
    before = proxy.cuts
    with pytest.MonkeyPatch.context() as patched:
        at(step, patched, lambda: proxy.cut_after(WORDS))
        ended = carried_out(ask_for(action))
    assert proxy.cuts == before + 1
    assert_failed(ended, step, CUT.get(step, "SSH connection broke"))


def cancelled_at(step: Step, action: InstallationAction, ask_for: AskFor) -> None:
    asked = ask_for(action)
    with pytest.MonkeyPatch.context() as patched:
        at(step, patched, lambda: installation_rows.request_cancel(installation_id=asked.id), stays=True)
        ended = carried_out(asked)
    assert (ended.state, ended.message) == (InstallationState.CANCELLED, installing.CANCELLED), steps_of(ended)
    begun = [each.step for each in ended.steps if each.started_at is not None]
    assert begun[-1] is step
    assert installation_rows.sealed_login(installation_id=asked.id) == ""


@pytest.mark.timeout(600)
def test_cut_and_cancelled_at_each_step_it_is_tried_again_until_it_is_there_and_gone(
    bare: Place, owner: User, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "LOOK_SECONDS", 0.1)
    with CuttingProxy(target=(bare.server.address, 22)) as proxy:

        def ask_for(action: InstallationAction) -> InstallationRecord:
            address = SshAddress(host="127.0.0.1", port=proxy.port, username="deploy")
            # By then the agent may be connected already.
            return ask(bare, owner, server, action, address=address, replace=True)

        for step in STEPS[InstallationAction.INSTALL]:
            cut_at(step, InstallationAction.INSTALL, ask_for, proxy)
            cancelled_at(step, InstallationAction.INSTALL, ask_for)
        with monkeypatch.context() as patched:
            at(Step.HEARTBEAT, patched, lambda: kill_and_start_again(bare))
            there = carried_out(ask_for(InstallationAction.INSTALL))
        assert there.state is InstallationState.SUCCEEDED, steps_of(there)
        assert Agent.objects.active().filter(server_id=server.id).count() == 1
        assert bare.server.run("ps -eo args | grep -c '[a]xion-agent supervise'") == "1"

        cut_at(Step.REMOVE, InstallationAction.UNINSTALL, ask_for, proxy)
        with monkeypatch.context() as patched:
            lose_the_answer(patched)
            assert_failed(carried_out(ask_for(InstallationAction.UNINSTALL)), Step.REMOVE, "SSH connection broke")
        cancelled_at(Step.REMOVE, InstallationAction.UNINSTALL, ask_for)
        gone = carried_out(ask_for(InstallationAction.UNINSTALL))
        assert gone.state is InstallationState.SUCCEEDED, steps_of(gone)
    assert bare.server.run(f"ls -d {OURS}", check=False) == ""
    assert "agents.runner" not in bare.server.run("ps -eo args")
    assert not Agent.objects.active().filter(server_id=server.id).exists()


def lose_the_answer(patched: pytest.MonkeyPatch) -> None:
    """The agent is removed, and nobody hears of it: from then on the server does not know which agent it had."""
    run_script = HostSteps._run_script

    async def lost(self: HostSteps, what: str, **given: Any) -> Any:
        ran = await run_script(self, what, **given)
        if what == "--uninstall":
            raise SshFailedError("The SSH connection broke.")
        return ran

    patched.setattr(HostSteps, "_run_script", lost)


def kill_and_start_again(place: Place) -> None:
    place.gateway.kill()
    place.gateway.start()
    wait_ready(place.gateway, probe=lambda: listens(place.here, place.port), seconds=START_SECONDS)
