"""The alert rules and the dashboard speak of what /metrics tells, and the rules fire when they should."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deployments import measurements
from tests.monitoring.scraping import exposed
from tests.servers import unpacked

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
NAME = re.compile(r"\b(?:axion|process)_[a-z_]+\b")
SELECTED = re.compile(r"\b(axion_[a-z_]+)(?:\{([^}]*)\})?")


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    """Return what rules and dashboard ask Prometheus."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [rule["expr"] for rule in rules()] + [each["expr"] for panel in panels for each in panel["targets"]]


@pytest.fixture
def told(transactional_db: None) -> dict[str, set[str]]:
    """The names of all samples that a process tells, each with its labels, and `type` for families without any now."""
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposed()):
        names.setdefault(family.name, set())
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    for histogram in ("axion_deployment_seconds", "axion_deployment_stage_seconds"):
        names |= {f"{histogram}{suffix}": set() for suffix in ("_count", "_sum", "_bucket")}
    return names


@pytest.mark.parametrize("expression", expressions())
def test_it_asks_for_what_is_told(expression: str, told: dict[str, set[str]]) -> None:
    labels = set(re.findall(r"process_[a-z_]+|axion_[a-z_]+", expression))
    assert labels, f"{expression} asks for nothing of ours."
    assert labels <= told.keys(), f"{expression}: {labels - told.keys()} is not among what /metrics tells."


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_it_says_what_is_wrong_and_how_badly(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("expression", expressions())
def test_outcomes_and_states_exist(expression: str) -> None:
    for name in re.findall(r'outcome="(\w+)"', expression):
        assert name in set(measurements.Outcome)


def test_the_rules_fire_when_they_should() -> None:
    program = unpacked.find_program(package="prometheus", program="promtool")
    if not program:
        pytest.skip("promtool, of Debian's package prometheus, cannot be had here")
    done = subprocess.run(
        [program, "test", "rules", "alerts-test.yml"],
        check=False,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
