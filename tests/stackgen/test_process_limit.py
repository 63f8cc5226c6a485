"""How many processes a container may have."""

from __future__ import annotations

import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from tests.stackgen.graphs import compose_of, graph, stack_of, web


@pytest.mark.parametrize(("config", "limit"), [({}, 2048), ({"processes": "64"}, 64)])
def test_a_container_has_a_limit_of_its_own(config: dict[str, str], limit: int) -> None:
    service = compose_of(stack_of(graph(web("web", **config))))["services"]["web"]
    assert service["deploy"]["resources"]["limits"]["pids"] == limit


@pytest.mark.parametrize("text", ["15", "32769", "many"])
def test_a_limit_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(GraphInvalid) as refused:
        parse_graph(graph(web("web", processes=text)))
    assert [problem.field for problem in refused.value.problems] == ["config.processes"]
