"""Carries out the order to become another version: one at a time, and never while a command runs."""

from __future__ import annotations

import asyncio
import logging
import platform
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from agents.contracts import runner_pb2 as pb
from agents.contracts.packages import PackagesName
from agents.contracts.version import UPDATES_PROTOCOL
from agents.runner.control_plane.client import GatewayCalls
from agents.runner.errors import EngineAwayError
from agents.runner.release import Release, build_of, own_release
from agents.runner.updating import trial
from agents.runner.updating.container_handover import ContainerProbation, try_container_beside
from agents.runner.updating.handover import Probation
from agents.runner.updating.own_container import ImageNotBuiltError, OwnContainer, own_container
from agents.runner.updating.provide import Archive, Packages, UpdateFailedError, needs_packages, provide
from agents.runner.updating.record import ENDED, Phase, UpdateRecord, read_record, write_record

# How long it waits for commands to end before it gives up.
IDLE_SECONDS = 900.0
LOOK_SECONDS = 1.0
NOT_INSTALLED = (
    "This agent was not installed from the control plane's archive, so it cannot replace itself. Update it the way it"
    " was installed: as a container, by the line of the server's page with --container."
)
BESIDE = "Starting the new version beside this one."
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Handover:
    """To whom the journal goes once everything has stopped."""

    record: UpdateRecord
    # Installed beside each other; None where a container of the record's build takes over.
    to: Release | None = None
    former: Release | None = None


class Updater:
    """Belongs to the event loop. `hold` stops new work and tells whether none is underway; `release` undoes that.

    `start` begins what a version on probation may not do before it was welcomed.
    """

    def __init__(
        self,
        *,
        state_dir: Path,
        marker: str,
        arguments: list[str],
        seconds: float,
        hold: Callable[[], bool],
        release: Callable[[], None],
        start: Callable[[], None],
        probation: Probation | ContainerProbation | None = None,
    ) -> None:
        self._state_dir, self._marker, self._arguments, self._seconds = state_dir, marker, arguments, seconds
        self._hold, self._release, self._start = hold, release, start
        self._probation = probation
        self._own: Release | OwnContainer | None = own_release() or own_container()
        self._record = read_record(state_dir)
        self._news = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self.handover: asyncio.Future[Handover] = asyncio.get_running_loop().create_future()

    @property
    def on_probation(self) -> bool:
        return self._probation is not None and not self._probation.is_over

    def welcomed(self) -> None:
        """Note that the control plane has welcomed this version, which has the journal."""
        if self._probation is not None:
            self._probation.pass_()
            self._record = read_record(self._state_dir)
            self._probation = None
            self._start()

    def take(self, order: pb.UpdateOrder, *, calls: GatewayCalls, instance_id: str) -> None:
        """Begin, unless it has begun or ended; the answer is the present state. `instance_id`: this process's."""
        if self._work is None or self._work.done():
            known = self._record
            if known is None or known.update_id != order.update_id or known.phase not in ENDED:
                self._work = asyncio.get_running_loop().create_task(self._carry_out(order, calls, instance_id))
        self._news.set()

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Tell the state when it changes, until cancelled."""
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            if self._record is not None and protocol >= UPDATES_PROTOCOL:
                state = pb.UpdateState(
                    update_id=self._record.update_id, state=str(self._record.phase), message=self._record.message
                )
                await write(pb.FromAgent(update=state))

    async def _carry_out(self, order: pb.UpdateOrder, calls: GatewayCalls, instance_id: str) -> None:
        try:
            await self._update(order, calls, instance_id)
        except UpdateFailedError as error:
            self._note(order, Phase.FAILED, str(error))
        except (OSError, sqlite3.Error, grpc.RpcError, TimeoutError, EngineAwayError) as error:
            what = error.details() if isinstance(error, grpc.RpcError) else str(error)
            self._note(order, Phase.FAILED, f"The update could not go on: {what or type(error).__name__}.")
        except Exception as error:
            logger.exception("the update failed")
            self._note(order, Phase.FAILED, f"The agent could not go on with the update: {type(error).__name__}.")

    async def _update(self, order: pb.UpdateOrder, calls: GatewayCalls, instance_id: str) -> None:
        own, build = self._own, build_of(order.digest)
        if own is None:
            raise UpdateFailedError(NOT_INSTALLED)
        if own.build == build:
            self._note(order, Phase.DONE, "This version runs already.")
            return
        self._note(order, Phase.PREPARING, f"Fetching version {order.version}.")
        archive = Archive(digest=order.digest)
        await calls.fetch_bundle(order.digest, archive.take)
        content = archive.checked()
        record = UpdateRecord(update_id=order.update_id, build=build, phase=Phase.HANDING_OVER)
        if isinstance(own, OwnContainer):
            await self._beside_container(own, order, content, instance_id)
            handover = Handover(record=record)
        else:
            new = await self._beside_release(own, order, content, calls, instance_id)
            handover = Handover(record=record, to=new, former=own)
        await self._wait_until_idle(order)
        self.handover.set_result(handover)

    async def _beside_container(
        self, own: OwnContainer, order: pb.UpdateOrder, content: bytes, instance_id: str
    ) -> None:
        """Build the new version's image on this host, as its installation does, and try a container of it."""
        build = build_of(order.digest)
        try:
            await asyncio.to_thread(own.build_image, build=build, content=content)
        except ImageNotBuiltError as error:
            raise UpdateFailedError(f"The image of the new version could not be built: {error}") from error
        self._note(order, Phase.TRYING, BESIDE)
        await asyncio.to_thread(
            try_container_beside,
            own=own,
            build=build,
            arguments=self._arguments,
            state_dir=self._state_dir,
            instance_id=instance_id,
            seconds=self._seconds,
        )

    async def _beside_release(
        self, own: Release, order: pb.UpdateOrder, content: bytes, calls: GatewayCalls, instance_id: str
    ) -> Release:
        new, packages = own.sibling(build_of(order.digest)), b""
        if await asyncio.to_thread(needs_packages, release=new, present=own, content=content):
            packages = await self._packages(order, calls)
        await asyncio.to_thread(provide, release=new, present=own, content=content, packages=packages)
        self._note(order, Phase.TRYING, BESIDE)
        await asyncio.to_thread(
            trial.try_beside,
            release=new,
            arguments=self._arguments,
            state_dir=self._state_dir,
            instance_id=instance_id,
            marker=self._marker,
            seconds=self._seconds,
        )
        return new

    async def _packages(self, order: pb.UpdateOrder, calls: GatewayCalls) -> bytes:
        """Return what the new version needs as far as the control plane carries it; empty where it does not."""
        name = PackagesName(digest=order.digest, minor=sys.version_info[1], machine=platform.machine())
        packages = Packages()
        try:
            await calls.fetch_bundle(str(name), packages.take)
        except (grpc.RpcError, TimeoutError) as error:
            what = error.details() if isinstance(error, grpc.RpcError) else "it did not come in time"
            logger.info("the control plane carries no packages for this machine: %s", what)
            return b""
        return bytes(packages.content)

    async def _wait_until_idle(self, order: pb.UpdateOrder) -> None:
        """Return once no command is underway and none begins any more. Raises UpdateFailedError after IDLE_SECONDS."""
        until = asyncio.get_running_loop().time() + IDLE_SECONDS
        while not await asyncio.to_thread(self._hold):
            self._release()
            if asyncio.get_running_loop().time() > until:
                raise UpdateFailedError("Commands ran here all the time; nothing was changed. Try again later.")
            self._note(order, Phase.WAITING, "A command runs here; the update waits for its end.")
            await asyncio.sleep(LOOK_SECONDS)

    def _note(self, order: pb.UpdateOrder, phase: Phase, message: str) -> None:
        """Store and tell it, where it is news."""
        record = UpdateRecord(update_id=order.update_id, build=build_of(order.digest), phase=phase, message=message)
        if record == self._record:
            return
        self._record = record
        logger.info("update %s: %s %s", order.update_id, phase, message)
        try:
            write_record(self._state_dir, record)
        except OSError as error:
            # It is told all the same; a restart only does not know it any more.
            logger.warning("the state of the update cannot be written down: %s", error)
        self._news.set()
