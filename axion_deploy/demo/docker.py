"""The Docker engine as the demo needs it: through Docker's own command, as argument lists."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from axion_deploy.demo.errors import DemoError

COMMAND_SECONDS = 120.0
REMOVAL_ROUNDS = 5


def docker(*arguments: str, seconds: float = COMMAND_SECONDS, check: bool = True) -> str:
    """Return the command's output. Raises DemoError with its complaint when it fails or takes too long."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise DemoError("The docker command is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"docker {arguments[0]} did not end within {seconds:g} s.") from error
    if check and done.returncode != 0:
        raise DemoError(f"docker {' '.join(arguments[:2])} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


def engine_answers() -> bool:
    try:
        return bool(docker("info", "--format", "{{.ServerVersion}}", seconds=10).strip())
    except DemoError:
        return False


def find(kind: str, *, label: str) -> list[str]:
    """Return the ids (names for volumes) of all objects of a kind with "name=value" as a label."""
    listing = {
        "container": ("ps", "--all", "--quiet", "--no-trunc"),
        "network": ("network", "ls", "--quiet", "--no-trunc"),
        "volume": ("volume", "ls", "--quiet"),
        "image": ("images", "--quiet", "--no-trunc"),
    }[kind]
    return sorted(set(docker(*listing, "--filter", f"label={label}").split()))


REMOVE: dict[str, Sequence[str]] = {
    "container": ("rm", "--force", "--volumes"),
    "network": ("network", "rm"),
    "volume": ("volume", "rm", "--force"),
    "image": ("image", "rm", "--force"),
}


def remove_labelled(*, label: str, images: bool) -> dict[str, int]:
    """Removes everything with exactly this label; returns how many of each kind. Raises DemoError if something stays.

    Several rounds, because an engine that was just building or starting may add an object after the first look.
    """
    kinds = ["container", "network", "volume", *(["image"] if images else [])]
    removed = dict.fromkeys(kinds, 0)
    for _ in range(REMOVAL_ROUNDS):
        found = {kind: find(kind, label=label) for kind in kinds}
        if not any(found.values()):
            return removed
        for kind, ids in found.items():
            if ids:
                docker(*REMOVE[kind], *ids, check=False)
                removed[kind] += len(ids)
    left = {kind: ids for kind in kinds if (ids := find(kind, label=label))}
    if left:
        raise DemoError(f"Docker did not remove everything with the label {label}: {left}")
    return removed
