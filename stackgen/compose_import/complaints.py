"""What is wrong with a Compose file: each with its file, its line and the path in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackgen.compose_import.tree import Place
from stackgen.errors import StackgenError, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing to repair in the file."""

    place: Place
    message: str

    def __str__(self) -> str:
        return one_line(f"{self.place}: {self.message}")


class ComposeInvalid(StackgenError):
    """The files cannot be read as the Compose specification says; `complaints` holds each reason."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


def refused(place: Place, message: str) -> ComposeInvalid:
    """Return the error for one thing that is wrong."""
    return ComposeInvalid([Complaint(place=place, message=message)])
