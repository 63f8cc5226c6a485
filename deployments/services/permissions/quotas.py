"""How much one user may have, and how much work at once. Each refusal says which bound it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from agents.backoff import Backoff
from agents.services import directory
from agents.wording.sentences import sentence
from deployments.errors import TooMuch
from deployments.limits import rate_limit, redis_lock
from deployments.repositories.upkeep import usage
from deployments.types import Caller

HEAVY = "heavy"
RETRY = Backoff(first=0.05, most=1.0)


@contextmanager
def heavy_turn(caller: Caller, *, patience: float = 0.0) -> Iterator[None]:
    """Let one plan or upload of a user run at a time, and no more than AXION_RATE_HEAVY; raise TooMuch for others.

    `patience`: seconds to wait for one's turn, for programs; a door answers at once.
    """
    who = str(caller.user_id)
    if wait := rate_limit.hit(what=HEAVY, who=who, rate=settings.AXION_RATE_HEAVY, now=time.time()):
        raise TooMuch(
            sentence(
                "Plans and uploads: {axion_rate_heavy} for each user. Try again in {wait} s.",
                axion_rate_heavy=settings.AXION_RATE_HEAVY,
                wait=wait,
            )
        )
    turn = _turn(who=who, patience=patience)
    if turn is None:
        raise TooMuch(sentence("A plan or an upload of yours is still in progress. One at a time."))
    try:
        yield
    finally:
        redis_lock.release(what=HEAVY, who=who, token=turn)


def _turn(*, who: str, patience: float) -> str | None:
    give_up_at = time.monotonic() + patience
    failures = 0
    while (turn := redis_lock.acquire(what=HEAVY, who=who)) is None and time.monotonic() < give_up_at:
        failures += 1
        time.sleep(RETRY.pause(failures=failures))
    return turn


def check_project_quota(*, owner_id: UUID) -> None:
    """Raise TooMuch when the user has as many projects as anybody may."""
    _room(usage.projects(owner_id=owner_id), settings.AXION_MAX_PROJECTS, what="projects", field="projects")


def check_server_quota(*, owner_id: UUID) -> None:
    """Raise TooMuch when the user has as many servers as anybody may."""
    if not directory.has_room(owner_id=owner_id):
        raise TooMuch(
            sentence(
                "You have reached the limit of {axion_max_servers} servers. Remove one first.",
                axion_max_servers=settings.AXION_MAX_SERVERS,
            ),
            details={
                "servers": sentence(
                    "at most {axion_max_servers} for each user", axion_max_servers=settings.AXION_MAX_SERVERS
                )
            },
        )


def check_graph_quota(*, owner_id: UUID) -> None:
    """Raise TooMuch when the user's projects have as many versions of graphs as may be kept."""
    count = usage.graph_versions(owner_id=owner_id)
    _room(count, settings.AXION_MAX_GRAPH_VERSIONS, what="versions of graphs", field="graphs")


def check_code_quota(*, owner_id: UUID, digest: str, size: int) -> None:
    """Raise TooMuch when the user's code with this bundle would be more bytes than may be kept."""
    total = usage.code_bytes(owner_id=owner_id, but_not=digest) + size
    if total > settings.AXION_MAX_CODE_BYTES:
        most = settings.AXION_MAX_CODE_BYTES // 1024**2
        raise TooMuch(
            sentence(
                "The code of your projects would be {total} MiB; {most} MiB are allowed. Delete code first.",
                total=total // 1024**2,
                most=most,
            ),
            details={"code": sentence("at most {most} MiB for each user", most=most)},
        )


def _room(count: int, most: int, *, what: str, field: str) -> None:
    if count >= most:
        raise TooMuch(
            sentence(
                "You have {count} {what}; {most} are allowed. Delete a project that you do not need.",
                count=count,
                what=what,
                most=most,
            ),
            details={field: sentence("at most {most} for each user", most=most)},
        )
