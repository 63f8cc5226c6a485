"""Which files of a directory are no part of its code: `.dockerignore` as Docker reads it, and a few that never are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackgen.code.patterns import Pattern, parse

NEVER = (".git", "**/.git", "**/node_modules", "**/__pycache__", "**/.venv", "**/.DS_Store")
# A build is told these whatever its list says.
ALWAYS = frozenset({"Dockerfile", ".dockerignore"})
MAX_PATTERNS = 1000
# What is longer than any path that can be stored matches nothing.
MAX_PATTERN = 4096


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rules in order; the last one that matches decides."""

    rules: tuple[tuple[Pattern, bool], ...]

    def matches(self, name: str) -> bool:
        """Return whether this file, or a folder it lies in, is left out."""
        if name in ALWAYS:
            return False
        out = False
        for pattern, leaves_out in self.rules:
            if leaves_out != out and pattern.matches(name):
                out = leaves_out
        return out

    def everything_below(self, folder: str) -> bool:
        """Return whether nothing of this folder can be wanted, so that it need not be looked into."""
        return self.matches(folder) and all(leaves_out for _, leaves_out in self.rules)


def read_ignore(root: Path) -> Ignored:
    """Return the rules of a directory's `.dockerignore`, then those that hold everywhere."""
    file = root / ".dockerignore"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() and not file.is_symlink() else []
    rules = []
    for line in [*lines[:MAX_PATTERNS], *NEVER]:
        text = line.strip()
        if text and not text.startswith("#") and len(text) <= MAX_PATTERN:
            leaves_out = not text.startswith("!")
            rules.append((parse(text.removeprefix("!").strip().strip("/")), leaves_out))
    return Ignored(tuple(rules))
