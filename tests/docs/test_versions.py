"""The version stands in one place for programs, and what people read says the same."""

from __future__ import annotations

import re
import tomllib

from agents.contracts.version import VERSION
from tests.docs.building import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
KINDS = ["Added", "Changed", "Fixed", "Security"]


def test_package_and_changelog_have_the_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == VERSION
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} \(\d{{4}}-\d\d-\d\d\)", headings[1])


def test_the_changelog_sorts_by_kind() -> None:
    for section in CHANGELOG.split("\n## ")[1:]:
        kinds = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds]
