"""Sockets of one process: what a message carries is asked for by nobody, and what all need is read once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from knox.models import AuthToken

from deployments.consumers import socket as socket_module
from deployments.consumers.project_socket import ProjectConsumer
from deployments.consumers.shared_reads import SharedReads
from deployments.errors import NotFound
from deployments.live_updates import Pusher
from deployments.models import Deployment, ProjectMember, User
from deployments.services.permissions import access
from deployments.types import Right
from tests import factories
from tests.doors.people import People
from tests.doors.sockets import Socket, close_connections, line, stage, written

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture(autouse=True)
async def _connections_end() -> AsyncIterator[None]:
    yield
    await close_connections()


async def opened(people: People, deployment: Deployment, who: str = "owner") -> Socket:
    socket = Socket(f"/ws/projects/{deployment.project_id}/", token=people.tokens[who])
    assert (await socket.open())[0]
    assert (await socket.received())["kind"] == "snapshot"
    return socket


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Each time that a socket of a project calls this method."""
    calls: list[str] = []
    read = ProjectConsumer.__dict__[name]

    async def counting(self: ProjectConsumer, *given: Any) -> Any:
        calls.append(name)
        return await read(self, *given)

    monkeypatch.setattr(ProjectConsumer, name, counting)
    return calls


async def test_nobody_asks_for_what_the_message_carries(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, pusher = counted(monkeypatch, "_find"), Pusher()
    sockets = [await opened(people, deployment, who) for who in ("owner", "viewer")]
    for events in ([stage(1)], [line()], [line(), line()], [stage(2), line()], [stage(3)]):
        await database_sync_to_async(pusher.push)(await written(deployment.id, *events))
    for socket in sockets:
        assert await socket.sequences(3) == [1, 5, 7]
        await socket.close()
    assert reads == []


async def test_what_the_layer_lost_is_read_once_for_all(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, pusher = counted(monkeypatch, "_find"), Pusher()
    sockets = [await opened(people, deployment, who) for who in ("owner", "viewer", "deployer")]
    await written(deployment.id, stage(1))
    await database_sync_to_async(pusher.push)(await written(deployment.id, stage(2)))
    for socket in sockets:
        assert await socket.sequences(2) == [1, 2]
        await socket.close()
    assert len(reads) == 1


async def test_what_another_publisher_pushed_in_vain_is_no_part_of_our_span(
    people: People, deployment: Deployment
) -> None:
    socket, pusher = await opened(people, deployment), Pusher()
    await database_sync_to_async(pusher.push)(await written(deployment.id, line(), stage(1)))
    await written(deployment.id, line(), stage(2))
    await database_sync_to_async(pusher.push)(await written(deployment.id, line(), stage(3)))
    assert await socket.sequences(3) == [2, 4, 6]
    await socket.close()


@pytest.mark.parametrize(
    ("loss", "code"),
    [
        ("membership", socket_module.NOT_FOUND),
        ("token", socket_module.NOT_SIGNED_IN),
        ("account", socket_module.NOT_SIGNED_IN),
    ],
)
async def test_a_look_that_asks_for_all_finds_whose_access_ended(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, loss: str, code: int
) -> None:
    monkeypatch.setattr(socket_module, "CHECK_SECONDS", 0.1)
    checks: list[str] = []
    check = ProjectConsumer.check

    def counting(self: ProjectConsumer, *, caller: Any) -> Any:
        checks.append(caller.name)
        return check(self, caller=caller)

    monkeypatch.setattr(ProjectConsumer, "check", counting)
    leaving, staying = await opened(people, deployment, "viewer"), await opened(people, deployment)
    deadline = asyncio.get_running_loop().time() + 30
    while checks.count(people.users["viewer"].username) < 2:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    viewer = people.users["viewer"]
    changes = {
        "membership": ProjectMember.objects.filter(user=viewer).delete,
        "token": AuthToken.objects.filter(user=viewer).delete,
        "account": lambda: User.objects.filter(pk=viewer.pk).update(is_active=False),
    }
    await database_sync_to_async(changes[loss])()
    assert await leaving.closed_with() == code
    await database_sync_to_async(Pusher().push)(await written(deployment.id, stage(1)))
    assert await staying.sequences(1) == [1]
    await staying.close()


async def test_a_read_that_fails_is_tried_again_and_ends_with_nobody() -> None:
    reads, tries = SharedReads(), 0

    async def read() -> int:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        if tries == 1:
            raise LookupError
        return tries

    found = await asyncio.gather(reads.get("a", read), reads.get("a", read), return_exceptions=True)
    assert [type(each) for each in found] == [LookupError, LookupError]
    leaving, staying = (asyncio.ensure_future(reads.get("a", read)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying, await reads.get("a", read), tries) == (2, 2, 2)


def test_who_may_see_is_told_for_many_as_for_each(people: People, deployment: Deployment) -> None:
    callers = [access.caller_of(user) for user in people.users.values()]
    project_id, alone = deployment.project_id, set()
    for each in callers:
        with suppress(NotFound):
            access.project_for(caller=each, project_id=project_id, right=Right.SEE)
            alone.add(each.user_id)
    assert 1 < len(alone) < len(callers)
    assert access.viewers_among(project_id=project_id, callers=callers) == alone
    other = factories.make_project(factories.make_user("other"), name="Other")
    assert access.viewers_among(project_id=other.id, callers=callers) == {
        each.user_id for each in callers if each.sees_everything
    }
