"""ARCHITECTURE.md names files, functions and layers that are there."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest

from tests.docs.building import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text()
INDEX = TEXT.partition("## Where is ...")[2].partition("\n## ")[0]
PLACES = re.findall(r"`([\w/]+\.py):([\w.]+)`", INDEX)
# Where a path in the text may begin.
FOLDERS = ("", "deployments", "deployments/services", "agents")


def defined(path: Path) -> set[str]:
    """Functions, classes, methods as Class.method, and constants of a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
            names.update(f"{node.name}.{part.name}" for part in node.body if hasattr(part, "name"))
    return names


def test_the_index_holds_fifteen_behaviours() -> None:
    rows = [line for line in INDEX.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 15
    assert [row for row in rows if "`" not in row] == []


@pytest.mark.parametrize(("path", "name"), PLACES, ids=lambda part: part)
def test_each_place_of_the_index_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), f"ARCHITECTURE.md, 'Where is ...': there is no file {path}"
    assert name in defined(ROOT / path), f"ARCHITECTURE.md, 'Where is ...': {path} does not define {name}"


def test_each_path_is_there() -> None:
    paths = {path for path in re.findall(r"`([\w./-]+?)(?::[\w.]+)?`", TEXT) if re.search(r"\w/|\.(py|md)$", path)}
    paths = {path for path in paths if not path[0].isdigit() and not path.startswith("/")}
    gone = [path for path in paths if not any((ROOT / folder / path).exists() for folder in FOLDERS)]
    assert len(paths) > 50
    assert sorted(gone) == []


def test_each_layer_of_the_domain_is_in_the_map() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:deployments"]["layers"]
    mapped = TEXT.partition("## The map")[2].partition("\n## ")[0]
    assert [name for name in re.findall(r"\w+", layers) if f"`{name}`" not in mapped] == []
    folders = {path.parent.name for path in (ROOT / "deployments/services").glob("*/__init__.py")}
    assert [name for name in sorted(folders) if f"`{name}`" not in mapped] == []
