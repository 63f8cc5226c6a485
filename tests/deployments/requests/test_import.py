"""What a directory's files may hold is what every door takes, and a refusal names the file and the field."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command

from deployments.errors import Invalid
from deployments.models import User
from deployments.services.permissions.access import caller_of
from deployments.services.projects.import_directory import import_directory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"nodes": [{"x": NaN}]}', {"nodes.0.x": "holds a number that is not finite"}),
        (b'{"nodes": [{"x": "\\u0000"}]}', {"nodes.0.x": "holds a NUL byte"}),
        (b'{"nodes": [{"x": "\\udcff"}]}', {"nodes.0.x": "holds half of a surrogate pair"}),
        (b'{"nodes": ' + b"[" * 80 + b"]" * 80 + b"}", {"nodes" + ".0" * 63: "is nested too deeply"}),
        (b"[" * 100_000 + b"]" * 100_000, {}),
        (b"\xff\xfe\x00", {}),
        (b"[]", {}),
    ],
)
@pytest.mark.parametrize("name", ["project.json", "graph.json"])
def test_an_import_is_held_to_the_same_as_every_door(
    owner: User, tmp_path: Path, name: str, content: bytes, told: dict[str, str]
) -> None:
    (tmp_path / "project.json").write_text("{}")
    (tmp_path / "graph.json").write_text('{"nodes": [], "edges": []}')
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match=f"^{name}: ") as refused:
        import_directory(caller=caller_of(owner), directory=tmp_path, new_project_id=uuid4())
    assert refused.value.details == {"path": name, **told}


def test_an_import_tells_of_keys_that_mean_nothing(owner: User, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text("{}")
    config = {"image": "nginx:1.29", "volumes": "/data"}
    graph = {"nodes": [{"id": "n", "type": 1, "data": {"serviceName": "web", "config": config}}], "edges": []}
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    told = StringIO()
    call_command("import_project", str(tmp_path), owner=owner.username, json=True, stdout=StringIO(), stderr=told)
    assert "warning: 'web': config.volumes means nothing here; did you mean volume.NAME?" in told.getvalue()
