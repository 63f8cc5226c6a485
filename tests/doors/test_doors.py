"""Every door asks who is there: the tables, knocked at row by row, and nothing left out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from tests.doors.admin_table import ADMIN
from tests.doors.scene import Scene
from tests.doors.sockets import Socket, close_connections
from tests.doors.table import OPEN, PEOPLE, REST, SOCKETS, Door


def named(door: Door) -> str:
    return f"{door.method} {door.route}{door.query}"


def knock(client: Any, door: Door, scene: Scene) -> int:
    """The status; whatever the request did is undone, so that the next person finds the same scene."""
    body = scene.fill(door.body)
    form = {} if body is None else {"data": body}
    if door.path.startswith("/api/") and body is not None:
        form |= {"content_type": "application/x-tar"} if isinstance(body, bytes) else {"format": "json"}
    signed_in = deepcopy(client.cookies)
    with transaction.atomic():
        answer = getattr(client, door.method)(scene.fill(door.path + door.query), **form)
        status: int = answer.status_code
        assert answer.getvalue() is not None
        transaction.set_rollback(True)
    client.cookies = signed_in
    return status


def area(door: Door) -> str:
    return door.route.partition("/")[0]


def answers(doors: Iterable[Door], client_of: Callable[[str], Any], scene: Scene) -> dict[str, tuple[int, ...]]:
    clients = [client_of(who) for who in PEOPLE]
    return {named(door): tuple(knock(client, door, scene) for client in clients) for door in doors}


def expected(doors: Iterable[Door]) -> dict[str, tuple[Any, ...]]:
    return {named(door): door.answers for door in doors}


@pytest.mark.parametrize("name", sorted({area(door) for door in REST}))
def test_rest(scene: Scene, name: str) -> None:
    doors = [door for door in REST if area(door) == name]
    assert answers(doors, scene.api, scene) == expected(doors)


@pytest.mark.parametrize("name", ADMIN)
def test_admin(scene: Scene, name: str) -> None:
    assert answers(ADMIN[name], scene.browser, scene) == expected(ADMIN[name])


def test_what_is_open_to_everybody(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("built by make docs")
    settings.DOCS_ROOT = tmp_path
    assert answers(OPEN, scene.browser, scene) == expected(OPEN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", SOCKETS)
async def test_sockets(scene: Scene, route: str) -> None:
    row = route.split("/")[1].removesuffix("s")
    heard = []
    for who in PEOPLE:
        socket = Socket(f"/{route.replace('<uuid:id>', scene.rows[row])}", token=scene.token(who))
        opened, code = await socket.open()
        heard.append("OPEN" if opened else code)
        await socket.close()
    await close_connections()
    assert tuple(heard) == SOCKETS[route]
