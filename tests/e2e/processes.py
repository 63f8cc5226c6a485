"""The processes of the control plane as those have them who scale: each started by its own command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.demo.processes import MANAGE, Addresses
from axion_deploy.embedded.child import Child


def separate_processes(*, environment: Mapping[str, str], addresses: Addresses, logs: Path) -> list[Child]:
    commands = {
        "web": (*MANAGE, "run_web", "--bind", f"127.0.0.1:{addresses.web}"),
        "gateway": (*MANAGE, "run_agent_gateway"),
        "worker": (*MANAGE, "run_worker"),
        "publisher": (*MANAGE, "publish_events"),
        "reconciler": (*MANAGE, "reconcile"),
    }
    return [
        Child(name=name, command=command, log_file=logs / f"{name}.log", env=environment, cwd=REPOSITORY)
        for name, command in commands.items()
    ]
