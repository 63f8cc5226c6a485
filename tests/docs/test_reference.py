"""The reference leaves nothing out: what the code reads is looked for in other ways than the pages are made of it."""

from __future__ import annotations

import dataclasses
import re

import pytest

from agents.runner.policy.rules import Policy
from axion_deploy.operator_docs.agent_page import MEANINGS, POLICY_MEANINGS, READERS, agent_keys, agent_page
from axion_deploy.operator_docs.graph_pages import databases_page, nodes_page, runtimes_page
from axion_deploy.operator_docs.settings_page import settings_page
from axion_deploy.operator_docs.states_page import states_page
from deployments.states import Kind, Reason, Stage, Status
from stackgen.databases.known import KINDS
from stackgen.runtimes.known import RUNTIMES
from tests.docs.building import ROOT


def listed(page: str) -> set[str]:
    """The first column of all tables of a page."""
    return set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))


def test_every_setting_is_in_the_reference() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "axion_deploy/settings.py").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    composed = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert listed(settings_page()) == read | offered | composed


def test_every_key_of_the_agent_is_in_the_reference_and_no_other() -> None:
    source = "".join((ROOT / path).read_text() for path in READERS)
    read = {f"{section}.{key}" for section, key in re.findall(
        r'\b(agent|control_plane|build|logging|kafka|metrics)(?:\.get\(|, )"(\w+)"', source
    )}  # fmt: skip
    assert set(agent_keys()) == read == set(MEANINGS)
    allowed = {field.name for field in dataclasses.fields(Policy)} - {"guarded"}
    assert set(POLICY_MEANINGS) == allowed
    assert listed(agent_page()) == read | allowed


def test_every_key_of_a_node_is_in_the_reference() -> None:
    source = "".join(path.read_text() for path in (ROOT / "stackgen/keys").glob("*.py"))
    keys = re.findall(r'Key\(\s*name="([^"]+)",(?:\s*follows="([^"]+)")?', source)
    named = {f"{name}{follows}" for name, follows in keys}
    assert len(named) > 40
    assert listed(nodes_page()) == named


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (databases_page(), set(KINDS)),
        (runtimes_page(), set(RUNTIMES)),
        (states_page(), {str(word) for words in (Status, Kind, Reason, Stage) for word in words if word}),
    ],
    ids=["databases", "runtimes", "states"],
)
def test_every_word_is_in_the_reference(page: str, names: set[str]) -> None:
    assert listed(page) == names
