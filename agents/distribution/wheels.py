"""Python packages that the agent needs, as wheels in a folder of the control plane: for hosts without an index.

`manage.py agents wheels` fills the folder. Which wheel fits a host is told by its name alone (PEP 427, PEP 600).
"""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAX_WHEELS = 500
# One host's; a larger folder is not packed at all.
MAX_PACKED_BYTES = 128 * 1024 * 1024
WHEEL = re.compile(
    r"^(?P<name>[A-Za-z0-9_.]+-[A-Za-z0-9_.!+]+)(-\d\w*)?"
    r"-(?P<python>[\w.]+)-(?P<abi>[\w.]+)-(?P<platform>[\w.]+)\.whl$"
)
PYTHON_3 = re.compile(r"^cp3(\d+)$")


@dataclass(frozen=True, kw_only=True)
class HostPython:
    """`minor` of Python 3; `machine` as the kernel calls it: x86_64 or aarch64."""

    minor: int
    machine: str


def host_python(minor: str, machine: str) -> HostPython | None:
    """Return what a host says of itself, its machine by any of its names; None for what is no such thing."""
    if not minor.isdecimal() or len(minor) > 3 or not machine:
        return None
    return HostPython(minor=int(minor), machine={"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine))


def list_wheels(folder: str) -> tuple[Path, ...]:
    """Return the wheels in the folder by name, at most MAX_WHEELS; nothing where there is no such folder."""
    path = Path(folder)
    if not folder or not path.is_dir():
        return ()
    return tuple(sorted(file for file in path.glob("*.whl") if file.is_file() and WHEEL.match(file.name)))[:MAX_WHEELS]


def packed_wheels(folder: str, *, host: HostPython) -> bytes | None:
    """Return a .tar of the wheels that fit the host, the same object to all who ask; None where there are none."""
    fitting = tuple(file for file in list_wheels(folder) if fits(file.name, host=host))
    stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in fitting)
    if not stamps or sum(size for _, _, size in stamps) > MAX_PACKED_BYTES:
        return None
    return _packed(stamps)


# As many as there are Pythons and machines in one installation.
@lru_cache(maxsize=8)
def _packed(stamps: tuple[tuple[Path, int, int], ...]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for file, _, _ in stamps:
            tar.add(file, arcname=file.name)
    return packed.getvalue()


def fits(file_name: str, *, host: HostPython) -> bool:
    """Tell whether a wheel is good for this Python on Linux with glibc."""
    found = WHEEL.match(file_name)
    if found is None:
        return False
    return _fits_python(found["python"], found["abi"], minor=host.minor) and _fits_platform(
        found["platform"], machine=host.machine
    )


def _fits_python(pythons: str, abis: str, *, minor: int) -> bool:
    if any(python in {"py3", "py2.py3", f"py3{minor}"} for python in (*pythons.split("."), pythons)):
        return True
    versions = [int(found[1]) for python in pythons.split(".") if (found := PYTHON_3.match(python))]
    stable = "abi3" in abis.split(".")
    return any(version == minor or (stable and version <= minor) for version in versions)


def _fits_platform(platforms: str, *, machine: str) -> bool:
    return any(
        platform == "any" or (platform.startswith(("manylinux", "linux")) and platform.endswith(f"_{machine}"))
        for platform in platforms.split(".")
    )
