"""Sockets: who may listen, and that nobody misses or repeats an event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.conf import settings
from knox.models import AuthToken

from agents.models import Server
from deployments.consumers import deployment_socket as deployment_module
from deployments.consumers import socket as socket_module
from deployments.consumers.deployment_socket import DeploymentConsumer
from deployments.models import Deployment, Project, ProjectMember
from deployments.services.sharing import membership
from deployments.types import Caller
from tests import factories
from tests.doors.people import NOBODY, People
from tests.doors.sockets import Socket, close_connections, line, pushed, stage, written
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)

LADDER = {"owner": True, "deployer": True, "viewer": True, "root": True, "stranger": False, NOBODY: False}
PATHS = ("/ws/deployments/{deployment}/", "/ws/projects/{project}/")


@pytest_asyncio.fixture(autouse=True)
async def _connections_end() -> AsyncIterator[None]:
    yield
    await close_connections()


@pytest.fixture
def quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "CHECK_SECONDS", 0.1)


def path_of(deployment: Deployment, query: str = "") -> str:
    return f"/ws/deployments/{deployment.id}/{query}"


async def opened(people: People, path: str, who: str = "owner") -> Socket:
    socket = Socket(path, token=people.tokens[who])
    assert (await socket.open())[0]
    return socket


@pytest.mark.parametrize(("who", "welcome"), LADDER.items())
async def test_a_bearer_is_asked_as_a_token_is(people: People, deployment: Deployment, who: str, welcome: bool) -> None:
    headers = {"Authorization": f"Bearer {people.tokens.get(who, 'guess')}"}
    socket = Socket(path_of(deployment), headers=headers)
    connected, _ = await socket.open()
    assert connected is welcome
    await socket.close()


@pytest.mark.parametrize(("who", "welcome"), LADDER.items())
@pytest.mark.parametrize("path", PATHS)
async def test_ladder(people: People, deployment: Deployment, path: str, who: str, welcome: bool) -> None:
    address = path.format(deployment=deployment.id, project=deployment.project_id)
    socket = Socket(address, token=people.tokens.get(who))
    connected, _ = await socket.open()
    assert connected is welcome
    await socket.close()


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_hears_what_one_hears_who_asks_for_nothing(
    people: People, deployment: Deployment, path: str
) -> None:
    hidden = Socket(
        path.format(deployment=deployment.id, project=deployment.project_id), token=people.tokens["stranger"]
    )
    missing = Socket(path.format(deployment=uuid4(), project=uuid4()), token=people.tokens["stranger"])
    assert await hidden.open() == await missing.open() == (False, socket_module.NOT_FOUND)


async def test_a_snapshot_then_every_event_by_sequence(people: People, deployment: Deployment) -> None:
    await written(deployment.id, line(), stage(10))
    socket = await opened(people, path_of(deployment))
    first = await socket.received()
    assert (first["kind"], first["sequence"], first["deployment"]["id"]) == ("snapshot", 2, str(deployment.id))
    assert "sealed" not in str(first)
    await pushed(await written(deployment.id, line(), stage(20)))
    assert await socket.sequences(2) == [3, 4]
    await socket.close()


@pytest.mark.parametrize(("after", "expected"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (3, [4])])
async def test_coming_back_brings_exactly_what_was_missed(
    people: People, deployment: Deployment, after: int, expected: list[int]
) -> None:
    await written(deployment.id, line(), line(), line(), line())
    socket = await opened(people, path_of(deployment, f"?after={after}"))
    assert await socket.sequences(len(expected)) == expected
    await pushed(await written(deployment.id, line()))
    assert await socket.sequences(1) == [5]
    await socket.close()


async def test_pages_of_missed_events_join_without_a_gap(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_module, "PAGE", 3)
    await written(deployment.id, *[line() for _ in range(7)])
    socket = await opened(people, path_of(deployment, "?after=0"))
    assert await socket.sequences(7) == [1, 2, 3, 4, 5, 6, 7]
    await socket.close()


async def test_who_is_too_far_behind_gets_a_snapshot_and_is_told(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_module, "MAX_BEHIND", 2)
    await written(deployment.id, line(), line(), line())
    socket = await opened(people, path_of(deployment, "?after=0"))
    first = await socket.received()
    assert (first["kind"], first["skipped"], first["sequence"]) == ("snapshot", True, 3)
    await socket.close()


async def test_what_happens_between_joining_and_the_snapshot_is_not_lost(
    people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = DeploymentConsumer.__dict__["_read"]

    async def slow_read(self: DeploymentConsumer) -> Any:
        before = await read(self)
        await pushed(await written(deployment.id, stage(30), line()))
        return before

    monkeypatch.setattr(DeploymentConsumer, "_read", slow_read)
    socket = await opened(people, path_of(deployment))
    first = await socket.received()
    assert (first["kind"], first["sequence"]) == ("snapshot", 0)
    assert await socket.sequences(2) == [1, 2]
    await socket.close()


async def test_lost_and_repeated_messages_change_nothing(people: People, deployment: Deployment) -> None:
    socket = await opened(people, path_of(deployment, "?after=0"))
    lost = await written(deployment.id, line(), line())
    told = await written(deployment.id, line())
    await pushed(told)
    await pushed((*lost, *told))
    await pushed(await written(deployment.id, line()))
    assert await socket.sequences(4) == [1, 2, 3, 4]
    await socket.close()


@pytest.mark.usefixtures("quick_look")
async def test_what_the_channel_layer_lost_altogether_is_found_by_looking(
    people: People, deployment: Deployment
) -> None:
    socket = await opened(people, path_of(deployment, "?after=0"))
    await written(deployment.id, line())
    assert await socket.sequences(1) == [1]
    await socket.close()


@pytest.mark.usefixtures("quick_look")
@pytest.mark.parametrize(
    ("loss", "code"), [("membership", socket_module.NOT_FOUND), ("token", socket_module.NOT_SIGNED_IN)]
)
async def test_access_that_ends_ends_the_socket(people: People, deployment: Deployment, loss: str, code: int) -> None:
    socket = await opened(people, path_of(deployment), who="viewer")
    viewer = people.users["viewer"]
    rows = ProjectMember.objects.filter(user=viewer) if loss == "membership" else AuthToken.objects.filter(user=viewer)
    await database_sync_to_async(rows.delete)()
    assert await socket.closed_with() == code


@pytest.mark.parametrize("path", PATHS)
async def test_who_is_removed_is_cut_off_without_a_look(
    people: People, deployment: Deployment, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "CHECK_SECONDS", 1000.0)
    address = path.format(deployment=deployment.id, project=deployment.project_id)
    removed, staying = await opened(people, address, who="viewer"), await opened(people, address, who="deployer")
    owner, viewer = people.users["owner"], people.users["viewer"]
    caller = Caller(user_id=owner.pk, name=owner.get_username())
    name = viewer.get_username()
    await database_sync_to_async(membership.remove_member)(
        caller=caller, project_id=deployment.project_id, name=name, at=NOW
    )
    assert await removed.closed_with() == socket_module.NOT_FOUND
    await staying.close()


@pytest.mark.parametrize(
    ("origin", "welcome"), [("http://localhost", True), ("http://evil.example", False), (None, False)]
)
async def test_a_session_is_good_only_from_our_own_pages(
    people: People, deployment: Deployment, origin: str | None, welcome: bool
) -> None:
    browser = await database_sync_to_async(people.browser)("owner")
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = {"Cookie": cookie, **({"Origin": origin} if origin else {})}
    socket = Socket(path_of(deployment), headers=headers)
    connected, _ = await socket.open()
    assert connected is welcome
    await socket.close()


async def test_a_token_in_the_address_opens_nothing(people: People, deployment: Deployment) -> None:
    socket = Socket(path_of(deployment, f"?token={people.tokens['owner']}"), headers={"Origin": "http://localhost"})
    assert (await socket.open())[0] is False
    await socket.close()


@pytest.mark.parametrize("question", ["x" * 20_000, "no json", "[]"])
async def test_questions_are_bounded(people: People, deployment: Deployment, question: str) -> None:
    socket = await opened(people, path_of(deployment, "?after=0"))
    await socket.say(question)
    assert await socket.closed_with() in (socket_module.TOO_LARGE, socket_module.NOT_UNDERSTOOD)


async def test_a_project_tells_of_all_its_deployments_but_not_their_logs(
    people: People, project: Project, server: Server, deployment: Deployment
) -> None:
    socket = await opened(people, f"/ws/projects/{project.id}/")
    first = await socket.received()
    assert (first["kind"], [each["id"] for each in first["deployments"]]) == ("snapshot", [str(deployment.id)])
    await pushed(await written(deployment.id, line(), stage(10)))
    assert await socket.sequences(1) == [2]
    other = await database_sync_to_async(factories.make_deployment)(project, server)
    await pushed(await written(other.id, stage(5)))
    new = await socket.received()
    assert (new["kind"], new["deployment"]["id"], new["deployment"]["sequence"]) == ("deployment", str(other.id), 1)
    await socket.close()


async def test_a_project_resumes_where_each_deployment_was(people: People, deployment: Deployment) -> None:
    await written(deployment.id, stage(10), stage(20), stage(30))
    socket = await opened(people, f"/ws/projects/{deployment.project_id}/?resume")
    await socket.say(json.dumps({"kind": "resume", "after": {str(deployment.id): 1}}))
    assert await socket.sequences(2) == [2, 3]
    await socket.close()
