"""What an agent asks for that is to become another version: the packages of that version for its own Python."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagesName:
    """Takes the place of a bundle's digest. `digest`: of the version's archive; `minor`: of Python 3."""

    digest: str
    minor: int
    machine: str

    def __str__(self) -> str:
        return f"{PREFIX}/{self.digest}/{self.minor}/{self.machine}"


def packages_name(text: str) -> PackagesName | None:
    """Return what is asked for, or None where it is something else."""
    words = text.split("/")
    if len(words) != 4 or words[0] != PREFIX or not words[2].isdecimal() or len(words[2]) > 3:
        return None
    return PackagesName(digest=words[1], minor=int(words[2]), machine=words[3])
