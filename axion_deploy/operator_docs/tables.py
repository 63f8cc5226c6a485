"""Markdown tables, and how the reference reads the sources that it describes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar or a line break within a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def code(text: str) -> str:
    """Return the text as code; nothing for an empty one."""
    return f"`{text}`" if text else ""


def calls(path: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in a source file of the repository with the last part of the name that is called."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


def text_of(node: ast.expr) -> str:
    """Return the text of a constant; empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
