"""The sample project, copied so that its name and its port suit this machine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

from axion_deploy.demo.docker import find
from axion_deploy.demo.options import REPOSITORY
from axion_deploy.demo.state import State
from axion_deploy.embedded.ports import free_port

SAMPLE = REPOSITORY / "templates" / "projects" / "voting"
NOT_CODE = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc")
EVERYWHERE = "0.0.0.0"  # noqa: S104 (the sample's gateway publishes its port on all addresses)


def copy_sample(*, state: State, wanted_port: int) -> tuple[Path, int]:
    """The folder to import and the port of the sample's gateway."""
    name, port = str(state.facts().get("name") or _new_name(fresh=state.fresh)), _port(state=state, wanted=wanted_port)
    state.remember(name=name, app_port=port)
    folder = state.folder / "sample"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SAMPLE, folder, ignore=NOT_CODE)
    project, graph = (json.loads((folder / file).read_text()) for file in ("project.json", "graph.json"))
    project["name"] = name
    for node in graph["nodes"]:
        if "hostPort" in node["data"]["config"]:
            node["data"]["config"]["hostPort"] = str(port)
    (folder / "project.json").write_text(json.dumps(project))
    (folder / "graph.json").write_text(json.dumps(graph))
    return folder, port


def _new_name(*, fresh: bool) -> str:
    """ "Voting" only where nobody else can have a project or a stack of that name: in a database and on an engine."""
    taken = fresh or "DATABASE_URL" in os.environ
    kinds = ("container", "network", "volume")
    if taken or any(find(kind, label="com.docker.compose.project=axion-voting") for kind in kinds):
        return f"Voting {secrets.token_hex(2)}"
    return "Voting"


def _port(*, state: State, wanted: int) -> int:
    """Return the port of last time while the sample's containers still hold it, else the wanted one if it is free."""
    facts = state.facts()
    if "project" in facts and find("container", label=f"axion.project={facts['project']}"):
        return int(str(facts["app_port"]))
    return free_port(preferred=wanted, host=EVERYWHERE)
