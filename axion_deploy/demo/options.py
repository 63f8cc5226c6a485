"""What the person at the terminal asked for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Ports are wishes: a taken one is replaced. `deadline` is in seconds, until the sample has answered."""

    once: bool
    cluster: bool
    keep: bool
    port: int
    app_port: int
    folder: Path
    deadline: int


def read_options(arguments: Sequence[str]) -> Options:
    """Ends the program with the usual message for arguments that cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m axion_deploy.demo",
        description="Starts Axion Deploy on this machine and deploys the sample project to the local Docker engine.",
    )
    parser.add_argument("--once", action="store_true", help="deploy, check, clean up, print one line of JSON, exit")
    parser.add_argument(
        "--cluster", action="store_true", help="deploy to three servers of this machine that are one Docker Swarm"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the sample's containers and volumes when the demo ends"
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="port of the admin page (default: 8000, else a free one)"
    )
    parser.add_argument(
        "--app-port", type=int, default=8080, help="port of the sample (default: 8080, else a free one)"
    )
    parser.add_argument(
        "--folder", type=Path, default=REPOSITORY / ".demo", help="where state and logs go (default: .demo)"
    )
    parser.add_argument("--deadline", type=int, default=1500, help="seconds until the sample must have answered")
    read = parser.parse_args(arguments)
    return Options(
        once=read.once,
        cluster=read.cluster,
        keep=read.keep,
        port=read.port,
        app_port=read.app_port,
        folder=read.folder.resolve(),
        deadline=read.deadline,
    )
