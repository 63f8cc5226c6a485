"""What pages show to be copied works as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agents.runner.config import load_config
from stackgen.graph.reader import parse_graph
from tests.docs.building import PAGES
from tests.stackgen.graphs import compose_of, facts, stack_of


def blocks(page: str, language: str) -> list[str]:
    """Blocks of code of a language, without what they are indented by."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_the_graph_of_the_first_project_is_a_stack() -> None:
    graph = json.loads(blocks("first-project.md", "json")[0])
    assert len(parse_graph(graph).nodes) == 3
    code = {"web": facts(main_py="print('hello')", requirements_txt="")}
    services = compose_of(stack_of(graph, code=code))["services"]
    assert set(services) == {"gateway", "web", "db"}
    assert "DATABASE_URL" in services["web"]["environment"]
    assert services["gateway"]["ports"] == ["8080:8080"]


@pytest.mark.parametrize("page", ["first-server.md", "quick-start-ru.md"])
def test_the_configuration_of_the_first_agent_is_read(page: str, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(blocks(page, "toml")[0])
    config = load_config(path=file, environment={})
    assert (config.address, config.secure) == ("deploy.example.org:50051", True)
    assert config.server_id or config.ticket.pin
    assert config.token
