"""A Docker engine with the base images, brought up by the scripts that also provision servers."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path

from axion_deploy.demo.docker import docker, engine_answers
from axion_deploy.demo.errors import DemoError, MissingPiece
from axion_deploy.demo.options import REPOSITORY

PROVISION = REPOSITORY / "axion_deploy" / "provision"
MISSING = 3
SECONDS = 1200.0


def ensure_engine(*, folder: Path, log: Path, cleanup: ExitStack) -> str:
    """Bring the engine up; return a sentence about it. One that had to be started is stopped by `cleanup`.

    Raises MissingPiece, in one sentence, when the machine's owner has to act.
    """
    # An engine of a demo that was killed is still ours; the script knows it by its process id.
    if not engine_answers() or (folder / "dockerd.pid").exists():
        cleanup.callback(_script, "engine.sh", "stop", str(folder), log=log)
    _script("engine.sh", "start", str(folder), log=log)
    version = docker("version", "--format", "{{.Server.Version}}").strip()
    compose = docker("compose", "version", "--short").strip()
    return f"Docker {version} with Compose {compose}"


def ensure_images(*, log: Path) -> None:
    """Pull the base images of generated stacks, or build stand-ins where they cannot be pulled."""
    _script("images.sh", log=log)


def _script(name: str, *arguments: str, log: Path) -> None:
    with log.open("a") as output:
        try:
            done = subprocess.run(
                ["bash", str(PROVISION / name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{name} did not end within {SECONDS:g} s, see {log}.") from error
        output.write(done.stderr)
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines()[-5:]
    if done.returncode == MISSING:
        # The script's last line is the one sentence for people, after the script's name.
        sentence = said[-1].partition(": ")[2] if said else f"{name} found that something is missing, see {log}."
        raise MissingPiece(sentence[:1].upper() + sentence[1:])
    raise DemoError(f"{name} ended with code {done.returncode}:\n" + "\n".join(said))
