"""Carry out an installation: step after step, each stored before and after, under a hold that a dead worker loses."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction

from deployments import live_updates
from deployments.data.installation_types import (
    STEPS,
    InstallationAction,
    InstallationRecord,
    InstallationState,
    SshLogin,
    Step,
    StepState,
)
from deployments.repositories.installations import installation_rows
from deployments.services.installations.host_steps import AskForKeyError, HostSteps, StepFailedError
from deployments.services.secrets import sealing
from deployments.ssh.ssh_host import SshFailedError

# A worker that is killed is replaced after HOLD at the latest.
HOLD = timedelta(seconds=15)
LOOK_SECONDS = 1.0
CANCELLED = "Cancelled. What was done until then stays on the server: install again, or uninstall."
FAULT = "The control plane failed at this step; its log says more. Try again."

logger = structlog.get_logger(__name__)


class _LostError(Exception):
    """Another worker has it by now, or it has ended."""


def run_installation(*, installation_id: UUID) -> None:
    """Take the installation up and carry it as far as it goes. Does nothing where another worker has it.

    Each step is a transaction of its own before and after; none is open while the server is spoken to. Every step may
    run again.
    """
    holder = uuid4()
    found = installation_rows.claim(installation_id=installation_id, holder=holder, hold=HOLD)
    if found is None:
        return
    live_updates.wake_server(found.server_id)
    try:
        sealed = installation_rows.sealed_login(installation_id=installation_id)
        login = SshLogin(**sealing.unseal_installation(sealed=sealed, installation_id=installation_id))
    except sealing.CannotUnsealError:
        _end(found, holder, InstallationState.FAILED, "The login that was given cannot be opened any more. Try again.")
        return
    async_to_sync(_carry_out)(found, holder, login)


async def _carry_out(found: InstallationRecord, holder: UUID, login: SshLogin) -> None:
    """Do the steps until the end, a cancel, or the loss of the hold."""
    work = asyncio.create_task(_do_steps(found, holder, login))
    watch = asyncio.create_task(_keep_hold(found, holder))
    try:
        await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            await asyncio.wait([work])
            if watch.result():
                await _in_database(_end)(found, holder, InstallationState.CANCELLED, CANCELLED)
            return
        if (error := work.exception()) is not None and not isinstance(error, _LostError):
            raise error
    finally:
        watch.cancel()


async def _keep_hold(found: InstallationRecord, holder: UUID) -> bool:
    """Return when the steps must stop: True because somebody cancelled, False because the hold is lost."""
    while True:
        held = await _in_database(installation_rows.keep_hold)(installation_id=found.id, holder=holder, hold=HOLD)
        if held is None or held.cancel_requested_at is not None:
            return held is not None
        await asyncio.sleep(LOOK_SECONDS)


async def _do_steps(found: InstallationRecord, holder: UUID, login: SshLogin) -> None:
    async with AsyncExitStack() as stack:
        steps = HostSteps(found=found, login=login, stack=stack)
        for step in STEPS[found.action]:
            await _in_database(_begin)(found, holder, step)
            try:
                message = await steps.do(step)
            except AskForKeyError as asked:
                await _in_database(_ask)(found, holder, asked.key)
                return
            except (StepFailedError, SshFailedError) as error:
                await _in_database(_fail)(found, holder, step, str(error))
                return
            except Exception:
                logger.exception("installation step failed by a fault of ours", step=str(step))
                await _in_database(_fail)(found, holder, step, FAULT)
                return
            await _in_database(_finish_step)(found, holder, step, message)
    done = "The agent is installed." if found.action is InstallationAction.INSTALL else "The agent is removed."
    await _in_database(_end)(found, holder, InstallationState.SUCCEEDED, done)


def _in_database(act: Any) -> Any:
    """Run it in the worker's own thread, whose connection it uses."""
    return sync_to_async(act, thread_sensitive=True)


def _begin(found: InstallationRecord, holder: UUID, step: Step) -> None:
    if not installation_rows.begin_step(installation_id=found.id, holder=holder, step=step):
        raise _LostError
    live_updates.wake_server(found.server_id)


def _finish_step(found: InstallationRecord, holder: UUID, step: Step, message: str) -> None:
    if not installation_rows.end_step(
        installation_id=found.id, holder=holder, step=step, state=StepState.DONE, message=message
    ):
        raise _LostError
    live_updates.wake_server(found.server_id)


def _fail(found: InstallationRecord, holder: UUID, step: Step, why: str) -> None:
    """Store the failed step and the end in one transaction."""
    with transaction.atomic():
        installation_rows.end_step(
            installation_id=found.id, holder=holder, step=step, state=StepState.FAILED, message=why
        )
        installation_rows.end(installation_id=found.id, holder=holder, state=InstallationState.FAILED, message=why)
    live_updates.wake_server(found.server_id)


def _ask(found: InstallationRecord, holder: UUID, key: str) -> None:
    installation_rows.offer_key(installation_id=found.id, holder=holder, key=key)
    live_updates.wake_server(found.server_id)


def _end(found: InstallationRecord, holder: UUID, state: InstallationState, message: str) -> None:
    installation_rows.end(installation_id=found.id, holder=holder, state=state, message=message)
    live_updates.wake_server(found.server_id)
