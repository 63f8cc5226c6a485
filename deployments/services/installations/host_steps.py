"""What each step of an installation does on the server. Every step may run again, whatever became of it before."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from agents.addresses import host_of
from agents.distribution.artifact import agent_artifact
from agents.errors import AgentNotFound
from agents.services import directory, enrolment
from agents.states import Presence
from deployments.data.installation_types import InstallationRecord, SshLogin, Step
from deployments.repositories.installations import server_access_rows
from deployments.services.installations.host_files import PYTHON_OF_HOST, as_tar, script_for, wheels_for
from deployments.services.secrets import sealing
from deployments.ssh import ssh_host
from deployments.ssh.ssh_host import Ran, SshHost

SHORT_SECONDS, PACKAGES_SECONDS, RUNNER_SECONDS, UNIT_SECONDS = 60.0, 900.0, 900.0, 150.0
HEARTBEAT_SECONDS = 90.0
LOOK_SECONDS = 1.0
# Where it is made: a folder that the signed-in user alone can enter.
FOLDER = "/tmp/axion-install-{}.XXXXXX"  # noqa: S108 - mktemp makes it, for this user alone


def now_seconds() -> int:
    """Return what the clocks of servers are held against."""
    return int(time.time())


class StepFailedError(Exception):
    """Why a step failed, for people."""


class AskForKeyError(Exception):
    """A person has to say whether the key is the server's."""

    def __init__(self, key: str) -> None:
        super().__init__("host key not known")
        self.key = key


class HostSteps:
    """The steps of one installation over one connection, which `stack` closes."""

    def __init__(self, *, found: InstallationRecord, login: SshLogin, stack: AsyncExitStack) -> None:
        self._found = found
        self._login = login
        self._stack = stack
        self._host: SshHost | None = None
        self._host_key = ""
        self._sudo = ""
        self._sudo_input = b""
        self._folder = ""
        self._agent_id = ""

    async def do(self, step: Step) -> str:
        """Return what the step found, for people. Raises StepFailedError, SshFailedError or AskForKeyError."""
        acts: dict[Step, Callable[[], Awaitable[str]]] = {
            Step.REACH: self._reach,
            Step.SIGN_IN: self._sign_in,
            Step.ROOT: self._become_root,
            Step.SYSTEM: lambda: self._of_script("system"),
            Step.DOCKER: lambda: self._of_script(
                "docker", seconds=PACKAGES_SECONDS if self._found.install_docker else SHORT_SECONDS
            ),
            Step.DISK: lambda: self._of_script("disk"),
            Step.CLOCK: lambda: self._of_script("clock", AXION_NOW=str(now_seconds())),
            Step.GATEWAY: lambda: self._of_script("gateway"),
            Step.RUNNER: self._bring_runner,
            Step.UNIT: self._start_unit,
            Step.HEARTBEAT: self._await_heartbeat,
            Step.REMOVE: self._remove,
        }
        return await acts[step]()

    @property
    def _open(self) -> SshHost:
        assert self._host is not None, "signed in before"
        return self._host

    async def _reach(self) -> str:
        key = await ssh_host.read_host_key(address=self._found.address)
        shown = ssh_host.fingerprint_of(key)
        access = await sync_to_async(server_access_rows.get)(server_id=self._found.server_id)
        known = access.fingerprint if access is not None else ""
        if known and known != shown:
            raise StepFailedError(
                f"The server's host key has changed: it is {shown}, and was {known}. If the server was set up anew,"
                " forget its old key on this page and try again; otherwise somebody else may answer in its place."
            )
        if not known and not self._found.known_fingerprint:
            raise AskForKeyError(key)
        if not known and self._found.known_fingerprint != shown:
            raise StepFailedError(f"The server shows the host key {shown}, not {self._found.known_fingerprint}.")
        if not known:
            await sync_to_async(server_access_rows.pin)(
                server_id=self._found.server_id,
                address=self._found.address,
                host_key=key,
                fingerprint=shown,
                by=self._found.requested_by,
            )
        self._host_key = key
        return f"The host key is {shown}."

    async def _sign_in(self) -> str:
        self._host = await self._stack.enter_async_context(
            ssh_host.signed_in(address=self._found.address, login=self._login, host_key=self._host_key)
        )
        if self._found.keep_login:
            await sync_to_async(self._keep_login)()
        return f"Signed in as {self._found.address.username}."

    def _keep_login(self) -> None:
        server_id = self._found.server_id
        sealed = sealing.seal_login(values=asdict(self._login), server_id=server_id)
        server_access_rows.keep_login(server_id=server_id, address=self._found.address, sealed=sealed)

    async def _become_root(self) -> str:
        """Find out how to become root, and bring the script over, which all further steps are of."""
        user = self._found.address.username
        if (await self._open.run("id -u", seconds=SHORT_SECONDS)).output.strip() != "0":
            await self._find_sudo(user)
        await self._bring_script()
        return f"{user} is root." if not self._sudo else f"{user} becomes root by sudo."

    async def _find_sudo(self, user: str) -> None:
        if (await self._open.run("command -v sudo", seconds=SHORT_SECONDS)).code != 0:
            raise StepFailedError(f"{user} is not root, and the server has no sudo. Sign in as root, or install sudo.")
        if (await self._open.run("sudo -n -k true", seconds=SHORT_SECONDS)).code == 0:
            self._sudo = "sudo -n "
            return
        password = self._login.sudo_password or self._login.password
        if not password:
            raise StepFailedError(f"sudo asks for the password of {user}, and none was given.")
        # Never a remembered one: sudo would then leave the password for the command to read.
        self._sudo, self._sudo_input = "sudo -k -S -p '' ", f"{password}\n".encode()
        tried = await self._open.run(f"{self._sudo}true", stdin=self._sudo_input, seconds=SHORT_SECONDS)
        if tried.code != 0:
            not_allowed = "not in the sudoers" in tried.output or "not allowed" in tried.output
            raise StepFailedError(
                f"{user} may not use sudo on this server."
                if not_allowed
                else f"sudo did not take the password of {user}."
            )

    async def _bring_script(self) -> None:
        own = f"/tmp/axion-install-{self._found.id}."  # noqa: S108 - see FOLDER
        made = await self._open.run(
            # What an earlier attempt left goes first; only what is this user's own.
            f'for d in {own}*; do if [ -O "$d" ] && [ ! -L "$d" ]; then rm -rf "$d"; fi; done;'
            f" umask 077 && mktemp -d {FOLDER.format(self._found.id)}",
            seconds=SHORT_SECONDS,
        )
        if made.code != 0 or not made.last_line.startswith(own):
            raise StepFailedError(f"No folder for the installation could be made on the server: {made.last_line}")
        self._folder = made.last_line
        self._stack.push_async_callback(self._clean_up)
        script = await asyncio.to_thread(script_for, self._found)
        await self._bring({"install.sh": script.encode()})

    async def _bring(self, files: dict[str, bytes]) -> None:
        brought = await self._open.run(
            f"tar -xf - -C {shlex.quote(self._folder)}", stdin=as_tar(files), seconds=RUNNER_SECONDS
        )
        if brought.code != 0:
            raise StepFailedError(f"The server could not store what was brought: {brought.last_line}")

    async def _clean_up(self) -> None:
        try:
            await self._open.run(f"rm -rf {shlex.quote(self._folder)}", seconds=SHORT_SECONDS)
        except ssh_host.SshFailedError:
            # The next attempt removes it, or the host's own tidying of /tmp.
            return

    async def _of_script(
        self, step: str, *, seconds: float = SHORT_SECONDS, stdin: bytes = b"", **variables: str
    ) -> str:
        """Run a step of install.sh as root; return its last line. Raises StepFailedError with the last line."""
        ran = await self._run_script(f"--step {step}", seconds=seconds, stdin=stdin, variables=variables)
        if ran.code != 0:
            raise StepFailedError(ran.last_line or f"The step ended with {ran.code} and said nothing.")
        return ran.last_line

    async def _run_script(self, what: str, *, seconds: float, stdin: bytes, variables: dict[str, str]) -> Ran:
        given = {"AXION_FILES": self._folder, **variables}
        if self._found.install_docker:
            given["AXION_WITH_DOCKER"] = "1"
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in given.items())
        script = shlex.quote(f"{self._folder}/install.sh")
        return await self._open.run(
            f"{self._sudo}env {words} sh {script} {what}", stdin=self._sudo_input + stdin, seconds=seconds
        )

    async def _bring_runner(self) -> str:
        asked = await self._open.run(PYTHON_OF_HOST, seconds=SHORT_SECONDS)
        artifact = await asyncio.to_thread(agent_artifact)
        files = {artifact.file_name: artifact.content}
        files |= await asyncio.to_thread(wheels_for, asked.output)
        await self._bring(files)
        return await self._of_script("runner", seconds=RUNNER_SECONDS)

    async def _start_unit(self) -> str:
        self._agent_id = await self._agent_id_there()
        token = await sync_to_async(self._token)()
        # By standard input: everybody on the host may read the arguments of its processes.
        return await self._of_script("unit", seconds=UNIT_SECONDS, stdin=f"{token}\n".encode())

    async def _agent_id_there(self) -> str:
        ran = await self._run_script("--step agent_id", seconds=SHORT_SECONDS, stdin=b"", variables={})
        return ran.last_line if ran.code == 0 else ""

    def _token(self) -> str:
        """Return a token for an agent that is to enrol; empty where the one there is the server's already."""
        server = directory.get_server(server_id=self._found.server_id)
        try:
            present = directory.agent_for_server(server_id=server.id)
        except AgentNotFound:
            present = None
        if present is not None and str(present.id) == self._agent_id and present.presence is Presence.ONLINE:
            return ""
        # Its own credential is on that host, so it takes nobody else's place.
        ours = present is not None and str(present.id) == self._agent_id
        issued = enrolment.create_token(
            server_id=server.id,
            owner_id=server.owner_id,
            replace=self._found.replace or ours,
            reached_by=host_of(self._found.gateway_url.partition("://")[2]),
        )
        return issued.token

    async def _await_heartbeat(self) -> str:
        """Wait for the agent that runs there to be heard of."""
        began = time.monotonic()
        while time.monotonic() - began < HEARTBEAT_SECONDS:
            there = await self._agent_id_there()
            if there and await sync_to_async(self._is_heard)(there):
                return "The agent is connected."
            await asyncio.sleep(LOOK_SECONDS)
        said = await self._run_script("--step output", seconds=SHORT_SECONDS, stdin=b"", variables={})
        why = f" It says: {said.last_line}" if said.last_line else ""
        raise StepFailedError(
            f"The agent was started and has not connected within {HEARTBEAT_SECONDS:.0f} seconds.{why}"
        )

    def _is_heard(self, agent_id: str) -> bool:
        try:
            agent = directory.agent_for_server(server_id=self._found.server_id)
        except AgentNotFound:
            return False
        return str(agent.id) == agent_id and agent.presence is Presence.ONLINE

    async def _remove(self) -> str:
        agent_id = await self._agent_id_there()
        # First: once the script has begun, nobody may ever hear which agent was there.
        await sync_to_async(_revoke)(server_id=self._found.server_id, agent_id=agent_id)
        ran = await self._run_script("--uninstall", seconds=RUNNER_SECONDS, stdin=b"", variables={})
        if ran.code != 0:
            raise StepFailedError(ran.last_line or "The agent could not be removed.")
        return ran.last_line


def _revoke(*, server_id: UUID, agent_id: str) -> None:
    """End the credential of the agent that is to be removed, if it is the server's."""
    with transaction.atomic():
        try:
            agent = directory.agent_for_server(server_id=server_id)
        except AgentNotFound:
            return
        if str(agent.id) == agent_id:
            enrolment.revoke(agent_id=agent.id)
