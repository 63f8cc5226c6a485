"""One control plane for most tests, one of its own for those that change its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.graphs import server_code, two_services
from tests.e2e.holder import Holder, holding

MakeProject = Callable[..., str]


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(
        folder=tmp_path_factory.mktemp("plane"),
        settings={"AXION_TAKEOVER_AFTER": "4"},
        agent_settings={"AXION_AGENT__POLICY__ADOPT": "true"},
    )
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def holder() -> Iterator[Holder]:
    with holding() as holder:
        yield holder


@pytest.fixture
def two_parts(control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeProject]:
    """Import (again) a project of two small services; keywords change the code of `api`."""
    name = request.node.name[:80]
    made: set[str] = set()

    def make(*, soon_unhealthy: bool = False, **api: object) -> str:
        code = {"web": server_code(text="web"), "api": server_code(**{"text": name[:30], **api})}
        graph = two_services(slow_build=bool(api.get("slow_build")), soon_unhealthy=soon_unhealthy)
        project = control_plane.import_project(write_project(tmp_path / "project", name=name, graph=graph, code=code))
        made.add(project)
        return project

    yield make
    for project in made:
        control_plane.remove(project)
