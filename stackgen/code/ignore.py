"""Which files of a directory are no part of its code: `.dockerignore` as Docker reads it, and a few that never are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

NEVER = (".git", "**/.git", "**/node_modules", "**/__pycache__", "**/.venv", "**/.DS_Store")
MAX_PATTERNS = 1000


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rules in order; the last one that matches decides."""

    rules: tuple[tuple[re.Pattern[str], bool], ...]

    def matches(self, name: str) -> bool:
        """Whether this file, or a folder it lies in, is left out."""
        out = False
        for pattern, leaves_out in self.rules:
            if leaves_out != out and pattern.match(name):
                out = leaves_out
        return out

    def everything_below(self, folder: str) -> bool:
        """Whether nothing of this folder can be wanted, so that it need not be looked into."""
        return self.matches(folder) and all(leaves_out for _, leaves_out in self.rules)


def read_ignore(root: Path) -> Ignored:
    """The rules of a directory's `.dockerignore`, then those that hold everywhere."""
    file = root / ".dockerignore"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() and not file.is_symlink() else []
    rules = []
    for line in [*lines[:MAX_PATTERNS], *NEVER]:
        text = line.strip()
        if text and not text.startswith("#"):
            leaves_out = not text.startswith("!")
            rules.append((_pattern(text.removeprefix("!").strip()), leaves_out))
    return Ignored(tuple(rules))


def _pattern(text: str) -> re.Pattern[str]:
    """`*` and `?` stay within a part of the path, `**` spans parts; what lies below a match matches too."""
    parts = []
    for piece in re.findall(r"\*\*/?|\*|\?|\[[^\]]+\]|[^*?\[]+|\[", text.strip("/")):
        if piece == "**/":
            parts.append("(?:.*/)?")
        elif piece == "**":
            parts.append(".*")
        elif piece in {"*", "?"}:
            parts.append(f"[^/]{piece if piece == '*' else ''}")
        elif piece.startswith("[") and len(piece) > 2:
            parts.append("[" + piece[1:-1].replace("\\", "\\\\").replace("[", "\\[") + "]")
        else:
            parts.append(re.escape(piece))
    try:
        return re.compile("".join(parts) + r"(?:/|\Z)")
    except re.error:
        return re.compile(re.escape(text.strip("/")) + r"(?:/|\Z)")
