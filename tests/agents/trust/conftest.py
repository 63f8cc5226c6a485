"""Fixtures of the tests of trust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agents.models import Server
from tests.agents.doubles import Domain
from tests.agents.trust.stage import Caller, Place, line_of, serving


@pytest.fixture
async def place(transactional_db: None, domain: Domain) -> AsyncIterator[Place]:
    async with serving(domain) as place:
        yield place


@pytest.fixture
async def caller(place: Place, server: Server, tmp_path: Path) -> AsyncIterator[Caller]:
    """The agent of `server`, enrolled and not connected."""
    line = line_of(tmp_path / "agent", await place.ticket(server))
    yield await Caller(line=line).enrol()
    await line.close()


Make = Callable[[str, str], Caller]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a caller with a folder of its own, by name, and a token."""
    made: list[Caller] = []

    def one(name: str, token: str) -> Caller:
        made.append(Caller(line=line_of(tmp_path / name, token)))
        return made[-1]

    yield one
    for each in made:
        await each.line.close()
