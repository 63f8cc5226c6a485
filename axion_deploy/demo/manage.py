"""Runs management commands as programs of their own, as an operator would."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.options import REPOSITORY
from axion_deploy.demo.processes import MANAGE

SECONDS = 180.0


def manage(*arguments: str, environment: Mapping[str, str], log: Path) -> str:
    """Return the command's standard output. Raises DemoError with the end of its complaint."""
    try:
        done = subprocess.run(
            [*MANAGE, *arguments],
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"manage.py {arguments[0]} did not end within {SECONDS:g} s.") from error
    with log.open("a") as file:
        file.write(f"$ manage.py {arguments[0]}\n{done.stderr}")
    if done.returncode != 0:
        raise DemoError(f"manage.py {arguments[0]} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def manage_json(*arguments: str, environment: Mapping[str, str], log: Path) -> dict[str, Any]:
    """Return the object on the last line of the command's output, which is not logged: it may hold a token."""
    lines = manage(*arguments, environment=environment, log=log).strip().splitlines()
    try:
        return dict(json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError) as error:
        raise DemoError(f"manage.py {arguments[0]} did not print an object.") from error
