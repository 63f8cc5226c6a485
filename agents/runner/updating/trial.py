"""A new version is tried beside the agent: it reads the configuration and a copy of the journal, and says Hello.

Nothing follows from that Hello, and the copy is thrown away; the agent serves on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import grpc

from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config
from agents.runner.control_plane.kafka_line import open_line
from agents.runner.docker.processes import MARKER
from agents.runner.errors import RunnerError
from agents.runner.hello_message import build_hello
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.startup import FILE_NAME
from agents.runner.journal.store import Store
from agents.runner.release import Release
from agents.runner.updating.journal_copy import copy_journal
from agents.runner.updating.provide import UpdateFailedError

INSTANCE = "AXION_AGENT_INSTANCE"
WELCOME_SECONDS = 15.0
MAX_SAID = 300
NOT_SAID = "The new version did not say Hello within {seconds:.0f} seconds."
SAID_NOTHING = "The new version ended with {code} before it had said Hello: {last}"


def try_beside(
    *, release: Release, arguments: Sequence[str], state_dir: Path, instance_id: str, marker: str, seconds: float
) -> None:
    """Run the new version until it was welcomed. Raises UpdateFailedError where it was not within `seconds`. Blocks.

    `arguments` are those that the agent itself was started with; `marker` names its children.
    """
    with tempfile.TemporaryDirectory(prefix="trial-", dir=state_dir) as folder:
        copy_journal(state_dir=state_dir, to=Path(folder) / FILE_NAME)
        environment = {**os.environ, MARKER: f"{marker}update", INSTANCE: instance_id}
        command = [str(release.launcher), *arguments, "--trial", folder]
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, said = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise UpdateFailedError(NOT_SAID.format(seconds=seconds)) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if child.returncode != 0:
            last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:MAX_SAID]
            raise UpdateFailedError(SAID_NOTHING.format(code=child.returncode, last=last))


async def be_tried(config: Config, *, folder: Path) -> int:
    """Say Hello as the agent, with the copy of its journal in `folder`; 0 once that was welcomed."""
    try:
        async with asyncio.timeout(WELCOME_SECONDS):
            await _say_hello(config, folder=folder)
    except (RunnerError, grpc.RpcError, OSError, TimeoutError) as error:
        what = error.details() if isinstance(error, grpc.RpcError) else str(error)
        sys.stderr.write(f"{what or type(error).__name__}\n")
        return 1
    return 0


async def _say_hello(config: Config, *, folder: Path) -> None:
    store = Store(folder / FILE_NAME)
    try:
        async with open_line(config) as line:
            if line.identity is None:
                raise ConnectionError("The agent is not enrolled.")
            identity = await line.dial(info=pb.AgentInfo, lanes=())
            hello = build_hello(
                journal=Journal(store), identity=identity, instance_id=os.environ.get(INSTANCE, ""), trial=True
            )
            call = line.stub.Session(metadata=line.metadata())
            try:
                await call.write(pb.FromAgent(hello=hello))
                if not isinstance(first := await call.read(), pb.ToAgent) or not first.HasField("welcome"):
                    raise ConnectionError("The gateway did not welcome the new version.")
            finally:
                call.cancel()
    finally:
        store.close()
