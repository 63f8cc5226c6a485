"""What every answer tells a browser that it may load and run. That pages live with it, the browser's tests show."""

from __future__ import annotations

import pytest

from axion_deploy.content_policy import HEADER
from tests.doors.people import People

pytestmark = pytest.mark.django_db


def directives(answer: object) -> dict[str, list[str]]:
    parts = [part.split() for part in answer[HEADER].split(";")]  # type: ignore[index]  # a response
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", ["/admin/", "/admin/nothing-here/", "/api/docs/", "/api/projects", "/healthz", "/x"])
def test_no_script_stands_in_a_page_and_nothing_comes_from_elsewhere(people: People, path: str) -> None:
    found = directives(people.browser("owner").get(path))
    assert found["default-src"] == ["'none'"]
    assert found["frame-ancestors"] == ["'none'"]
    assert found["script-src"] == ["'self'", "'unsafe-eval'"] if path.startswith("/admin/") else ["'self'"]
    allowed = {"'none'", "'self'", "data:", "'unsafe-inline'", "'unsafe-eval'"}
    assert {source for sources in found.values() for source in sources} <= allowed
    assert [name for name, sources in found.items() if "'unsafe-inline'" in sources] == ["style-src"]
