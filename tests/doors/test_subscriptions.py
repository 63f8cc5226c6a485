"""What the channel layer brings is read once for all sockets of a process, and nobody misses anything by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from deployments import live_updates
from deployments.consumers import socket as socket_module
from deployments.consumers import subscriptions as subscriptions_module
from deployments.consumers.subscriptions import subscriptions
from deployments.live_updates import Pusher
from deployments.models import Deployment
from tests.doors.people import People
from tests.doors.sockets import Socket, close_connections, stage, written

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("owner", "viewer", "deployer")
PATHS = ("/ws/deployments/{deployment}/", "/ws/projects/{project}/")


@pytest_asyncio.fixture(autouse=True)
async def _nobody_looks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """No socket looks by itself: what comes has come by the channel layer."""
    monkeypatch.setattr(socket_module, "CHECK_SECONDS", 1000.0)
    yield
    await close_connections()


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, deployment: Deployment) -> str:
    return str(request.param).format(deployment=deployment.id, project=deployment.project_id)


async def opened(people: People, path: str, who: str = "owner") -> Socket:
    socket = Socket(path, token=people.tokens[who])
    assert (await socket.open())[0]
    assert (await socket.received())["kind"] == "snapshot"
    return socket


async def tell(deployment: Deployment, pusher: Pusher, percent: int) -> None:
    await database_sync_to_async(pusher.push)(await written(deployment.id, stage(percent)))


async def members_of(group: str) -> int:
    layer: Any = get_channel_layer()
    return int(await layer.connection(0).zcard(f"asgi:group:{group}"))


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await met():
            await asyncio.sleep(0.02)


async def test_a_process_is_one_member_and_makes_each_text_once(
    people: People, deployment: Deployment, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[int] = []
    make = subscriptions_module.event_text

    def counting(event: Any) -> Any:
        texts.append(event["sequence"])
        return make(event)

    monkeypatch.setattr(subscriptions_module, "event_text", counting)
    sockets = [await opened(people, path, who) for who in PEOPLE]
    kind = live_updates.deployment_group if "deployments" in path else live_updates.project_group
    group = kind(deployment.id if "deployments" in path else deployment.project_id)
    assert await members_of(group) == 1
    await tell(deployment, Pusher(), 1)
    for socket in sockets:
        assert await socket.sequences(1) == [1]
    assert texts == [1]
    await sockets.pop().close()
    assert await members_of(group) == 1
    for socket in sockets:
        await socket.close()
    assert await members_of(group) == 0


async def test_who_takes_nothing_holds_up_nobody_and_gets_all_later(
    people: People, deployment: Deployment, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "MAX_WAITING", 2)
    stuck, going_on = asyncio.Event(), asyncio.Event()
    say = socket_module.LiveSocket.say_text

    async def slow(self: socket_module.LiveSocket, text: str) -> None:
        if self.caller.name == people.users["viewer"].username and '"sequence": 1,' in text:
            stuck.set()
            await going_on.wait()
        await say(self, text)

    behind, quick, pusher = await opened(people, path, "viewer"), await opened(people, path), Pusher()
    monkeypatch.setattr(socket_module.LiveSocket, "say_text", slow)
    await tell(deployment, pusher, 1)
    await stuck.wait()
    for number in range(2, 7):
        await tell(deployment, pusher, number)
    assert await quick.sequences(6) == [1, 2, 3, 4, 5, 6]
    going_on.set()
    assert await behind.sequences(6) == [1, 2, 3, 4, 5, 6]
    await tell(deployment, pusher, 7)
    assert (await behind.sequences(1), await quick.sequences(1)) == ([7], [7])
    await behind.close()
    await quick.close()


async def test_a_redis_that_was_emptied_is_joined_again(
    people: People, deployment: Deployment, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "RENEW_SECONDS", 0.05)
    socket = await opened(people, path)
    group = live_updates.project_group(deployment.project_id)
    group = group if "projects" in path else live_updates.deployment_group(deployment.id)
    layer: Any = get_channel_layer()
    await layer.connection(0).delete(f"asgi:group:{group}")

    async def joined() -> bool:
        return await members_of(group) == 1

    await until(joined)
    await tell(deployment, Pusher(), 1)
    assert await socket.sequences(1) == [1]
    await socket.close()


async def test_what_came_while_nothing_could_be_read_is_found(
    people: People, deployment: Deployment, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, socket = get_channel_layer(), await opened(people, path)
    receive: Any = getattr(layer, "receive")  # noqa: B009 - no types are published for layers
    failed = 0

    async def failing(channel: str) -> Any:
        nonlocal failed
        message = await receive(channel)
        if failed:
            return message
        failed += 1
        raise ConnectionError

    monkeypatch.setattr(layer, "receive", failing)
    pusher = Pusher()
    # The reader waits in the former one still, so the second message is what fails.
    await tell(deployment, pusher, 1)
    assert await socket.sequences(1) == [1]
    await tell(deployment, pusher, 2)
    assert await socket.sequences(1) == [2]
    assert failed == 1
    await tell(deployment, pusher, 3)
    assert await socket.sequences(1) == [3]
    await socket.close()


async def test_a_message_of_an_older_publisher_makes_everybody_look(
    people: People, deployment: Deployment, path: str
) -> None:
    socket, layer = await opened(people, path), get_channel_layer()
    await written(deployment.id, stage(1))
    group = live_updates.project_group(deployment.project_id)
    group = group if "projects" in path else live_updates.deployment_group(deployment.id)
    assert layer is not None
    await layer.group_send(group, {"type": "wake", "deployments": [str(deployment.id)], "events": []})
    assert await socket.sequences(1) == [1]
    await socket.close()


async def test_nobody_reads_where_nobody_listens(people: People, deployment: Deployment, path: str) -> None:
    before = asyncio.all_tasks()
    first, second = await opened(people, path), await opened(people, path)
    await first.close()
    await second.close()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not [task for task in left if "Subscriptions" in str(task.get_coro())]
    again = await opened(people, path)
    await tell(deployment, Pusher(), 1)
    assert await again.sequences(1) == [1]
    await again.close()
    assert subscriptions()._members == {}
