"""Agents without a host: the runner's own session and line, with nothing behind them that could have news."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config, load_config
from agents.runner.control_plane import channel
from agents.runner.control_plane.identity import Identity, save_identity
from agents.runner.control_plane.line import Line
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store
from agents.runner.machine import Machine
from agents.runner.session import Session

# Each agent is a process of its own elsewhere, with a connection of its own.
OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)


class Quiet:
    """Whoever would tell of the host, if there were one."""

    async def run(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()

    def welcomed(self) -> None:
        pass

    def recovered(self) -> bool:
        return False

    def condition(self) -> None:
        return None

    async def pause(self, *, seconds: int) -> None:
        del seconds
        await asyncio.Event().wait()

    def take(self, *_: object, **__: object) -> None:
        pass

    def start_again(self) -> None:
        pass


class Taking:
    """Acknowledges commands and does nothing about them."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def resume(self) -> None:
        pass

    def take(self, command: pb.Command, *, numbered: bool) -> pb.CommandAcknowledged:
        del numbered
        self.taken.append(command.command_id)
        return pb.CommandAcknowledged(command_id=command.command_id, accepted=True)


def hostless_session(config: Config, *, dispatcher: Any) -> Session:
    """The runner's own session with nothing behind it but its folder."""
    quiet: Any = Quiet()
    return Session(
        config=config,
        line=Line(config),
        journal=Journal(Store(config.state_dir / "journal.sqlite3")),
        dispatcher=dispatcher,
        machine=Machine(
            state_dir=config.state_dir,
            containers=lambda: 0,
            engine_version=lambda: "",
            engine_id=lambda: config.state_dir.name,
        ),
        retain=lambda _: None,
        self_check=quiet,
        observations=quiet,
        volumes=quiet,
        logs=quiet,
        samples=quiet,
        swarm=(),
        schedules=quiet,
        updater=quiet,
    )


class HostlessAgents:
    """So many sessions in this event loop, to one gateway; all journals are there before the first one starts."""

    def __init__(self, *, folder: Path, port: int, agents: Sequence[tuple[UUID, str]]) -> None:
        if OWN_CONNECTION not in channel.OPTIONS:
            channel.OPTIONS.append(OWN_CONNECTION)
        self.dispatcher = Taking()
        self.sessions = [self._session(folder / str(each), port, each, credential) for each, credential in agents]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(session.run()) for session in self.sessions]

    def _session(self, folder: Path, port: int, agent_id: UUID, credential: str) -> Session:
        folder.mkdir(parents=True)
        environment = {
            "AXION_AGENT__AGENT__STATE_DIR": str(folder),
            "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{port}",
            "AXION_AGENT__CONTROL_PLANE__INSECURE": "true",
        }
        config = load_config(path=None, environment=environment)
        identity = Identity(agent_id=str(agent_id), server_id="", credential=credential, token_hash="")
        save_identity(path=config.credential_file, identity=identity)
        return hostless_session(config, dispatcher=self.dispatcher)

    @property
    def connected(self) -> int:
        return sum(session.is_connected for session in self.sessions)

    async def all_connected(self, *, seconds: float) -> None:
        """Wait for all; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.connected < len(self.sessions):
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in self.sessions:
            session._journal.store.close()
            await session._line.close()
